//! The one reader of Seam's event feed. `events/list` has no cursor: intervals overlap, full ones are split, and the watermark moves
//! only over what was read whole. Pure over `now`.

use crate::job::{Answer, Event, EventQuery, Ms, Outcome, Reply, Time};

/// The numbers of the follower.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FollowRules {
    /// Between two polls while anything waits.
    pub poll_ms: Ms,
    /// The same, while something was requested moments ago.
    pub poll_fast_ms: Ms,
    /// How long after a request polling is fast.
    pub fast_for_ms: Ms,
    /// Each poll reaches back this far before the watermark: late events are read, known ones are dropped by id.
    pub overlap_ms: Ms,
    /// Asked page size.
    pub page_limit: u32,
    /// Between two polls that webhooks ask for.
    pub gather_ms: Ms,
    /// The least between two polls while webhooks arrive.
    pub safety_net_ms: Ms,
}

/// Webhooks are relied on while the last one is no older than so many safety nets.
const HEARD: Ms = 10;

/// Event types that prove an end or a use; an interval too short to halve is split by them.
const TYPES: &[&str] = &[
    "client_session.deleted",
    "access_grant.deleted",
    "acs_credential.deleted",
    "acs_user.deleted",
    "enrollment_automation.deleted",
    "phone.deactivated",
    "lock.unlocked",
];

/// Where the follower stands. The watermark is the database's; what is here is forgotten by a restart, and read again.
#[derive(Clone, Debug, PartialEq)]
pub struct Follow {
    rules: FollowRules,
    /// Parts of the interval at work that are still to be read.
    parts: Vec<EventQuery>,
    /// Server time up to which everything is read when the parts are.
    reach: Option<Time>,
    on_the_wire: Option<EventQuery>,
    next_ms: Ms,
    fast_until_ms: Ms,
    /// The last poll.
    polled_ms: Ms,
    /// The last webhook.
    heard_ms: Option<Ms>,
    /// A webhook came, and its event may not be in the feed at once: it is read twice.
    again: bool,
}

impl Follow {
    /// Has read nothing yet.
    pub fn new(rules: FollowRules) -> Follow {
        Follow {
            rules,
            parts: Vec::new(),
            reach: None,
            on_the_wire: None,
            next_ms: Ms::MIN,
            fast_until_ms: 0,
            polled_ms: Ms::MIN,
            heard_ms: None,
            again: false,
        }
    }

    /// New numbers, by a reload; what is being read is read to its end.
    pub fn set_rules(&mut self, rules: FollowRules) {
        self.rules = rules;
    }

    /// Something was requested: its event may come soon.
    pub fn requested(&mut self, now_ms: Ms) {
        self.fast_until_ms = now_ms.saturating_add(self.rules.fast_for_ms);
        self.next_ms = self.next_ms.min(now_ms.saturating_add(self.pause_ms(now_ms)));
    }

    /// A webhook says that there is something to read. It is not believed, only obeyed.
    pub fn hinted(&mut self, now_ms: Ms) {
        self.heard_ms = Some(now_ms);
        self.again = true;
        self.next_ms = self.next_ms.min(now_ms.max(self.polled_ms.saturating_add(self.rules.gather_ms)));
    }

    /// Whether a question to the feed is due. `watermark` is none before the server's clock is known.
    pub fn is_due(&self, now_ms: Ms, watermark: Option<Time>, anyone_waits: bool) -> bool {
        let wanted = !self.parts.is_empty() || (watermark.is_some() && anyone_waits);
        self.on_the_wire.is_none() && now_ms >= self.next_ms && wanted
    }

    /// The next question to the feed, if one is due.
    pub fn poll(&mut self, now_ms: Ms, watermark: Option<Time>, anyone_waits: bool) -> Option<EventQuery> {
        if !self.is_due(now_ms, watermark, anyone_waits) {
            return None;
        }
        let query = match self.parts.pop() {
            Some(part) => part,
            None => EventQuery {
                since: watermark?.plus(-self.rules.overlap_ms),
                until: None,
                event_type: None,
                limit: self.rules.page_limit,
            },
        };
        self.on_the_wire = Some(query.clone());
        self.polled_ms = now_ms;
        Some(query)
    }

    /// When the next poll may be due, while anyone waits.
    pub fn next_ms(&self) -> Option<Ms> {
        self.on_the_wire.is_none().then_some(self.next_ms)
    }

    /// Fast after a request, then regular, then slow: a target that is parked for days needs no poll every few seconds.
    fn pause_ms(&self, now_ms: Ms) -> Ms {
        const SLOW: Ms = 12;
        let regular_until_ms = self.fast_until_ms.saturating_add(10 * self.rules.fast_for_ms);
        let pace_ms = match now_ms {
            now if now < self.fast_until_ms => self.rules.poll_fast_ms,
            now if now < regular_until_ms => self.rules.poll_ms,
            _ => self.rules.poll_ms * SLOW,
        };
        let heard_for_ms = self.rules.safety_net_ms * HEARD;
        let relies = self.heard_ms.is_some_and(|heard| now_ms < heard.saturating_add(heard_for_ms));
        if relies { pace_ms.max(self.rules.safety_net_ms) } else { pace_ms }
    }

    /// Takes the answer: the events to apply, and the new watermark if everything up to it is read.
    pub fn absorb(&mut self, answer: &Answer, now_ms: Ms) -> (Vec<Event>, Option<Time>) {
        let Some(query) = self.on_the_wire.take() else { return (Vec::new(), None) };
        let hinted = std::mem::take(&mut self.again);
        let pause_ms = if hinted { self.rules.gather_ms } else { self.pause_ms(now_ms) };
        self.next_ms = now_ms.saturating_add(pause_ms);
        let Outcome::Done(Reply::Events(page)) = &answer.outcome else {
            // Read again from the same watermark.
            self.parts.clear();
            self.reach = None;
            self.next_ms = now_ms.saturating_add(self.rules.poll_ms);
            return (Vec::new(), None);
        };
        let newest = page.events.iter().filter_map(|event| event.created_at.parse::<Time>().ok()).max();
        if query.until.is_none() && query.event_type.is_none() {
            self.reach = answer.server_time.or(newest);
        }
        if page.full {
            let until = query.until.or(newest.map(|newest| newest.plus(1))).or(self.reach);
            self.split(&query, until.unwrap_or(query.since));
            self.next_ms = now_ms;
            return (page.events.clone(), None);
        }
        if !self.parts.is_empty() {
            self.next_ms = now_ms;
            return (page.events.clone(), None);
        }
        (page.events.clone(), self.reach.take())
    }

    /// Halves an interval (bounds are exclusive, so the halves overlap by a millisecond), or splits it by type.
    fn split(&mut self, query: &EventQuery, until: Time) {
        let span = until.since(query.since);
        if span > 3 {
            let middle = query.since.plus(span / 2);
            let part = |since: Time, until: Option<Time>| EventQuery { since, until, ..query.clone() };
            // The later half keeps the open end, if there was one: what comes meanwhile is not lost.
            self.parts.push(part(middle.plus(-1), query.until));
            self.parts.push(part(query.since, Some(middle.plus(1))));
        } else if query.event_type.is_none() {
            self.parts.extend(TYPES.iter().map(|event_type| EventQuery {
                event_type: Some((*event_type).to_owned()),
                until: Some(until.plus(1)),
                ..query.clone()
            }));
            if query.until.is_none() {
                self.parts.push(EventQuery { since: until.plus(-1), ..query.clone() });
            }
        }
        // Five hundred events of one type within three milliseconds: the read-backs find what they would have told.
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::EventPage;

    const RULES: FollowRules = FollowRules {
        poll_ms: 5_000,
        poll_fast_ms: 1_000,
        fast_for_ms: 60_000,
        overlap_ms: 60_000,
        page_limit: 4,
        gather_ms: 500,
        safety_net_ms: 60_000,
    };

    /// Answers a query from a list of events at these server times.
    fn serve(query: &EventQuery, times: &[Ms], server: Ms) -> Answer {
        let inside = |t: &&Ms| **t > query.since.0 && query.until.is_none_or(|until| **t < until.0);
        let some: Vec<Event> = times
            .iter()
            .filter(inside)
            .take(query.limit as usize)
            .map(|t| Event { event_id: format!("e{t}"), created_at: Time(*t).to_string(), ..Event::default() })
            .collect();
        let full = some.len() >= query.limit as usize;
        let outcome = Outcome::Done(Reply::Events(EventPage { events: some, full }));
        Answer { server_time: Some(Time(server)), ..Answer::untold(outcome, 1) }
    }

    #[test]
    fn a_full_page_is_split_until_everything_is_read_and_only_then_the_watermark_moves() {
        let times: Vec<Ms> = (0..40).map(|n| 1_000_000 + n * 37).collect();
        let mut follow = Follow::new(RULES);
        let (mut seen, mut now, mut mark) = (std::collections::BTreeSet::new(), 0, None);
        for _ in 0..200 {
            let Some(query) = follow.poll(now, Some(Time(1_000_000)), true) else { break };
            let (events, watermark) = follow.absorb(&serve(&query, &times, 2_000_000), now);
            seen.extend(events.into_iter().map(|event| event.event_id));
            if watermark.is_some() {
                mark = watermark;
                break;
            }
            now += 1;
        }
        assert_eq!(mark, Some(Time(2_000_000)));
        assert_eq!(seen.len(), 40);
    }

    #[test]
    fn polls_only_while_something_waits_and_faster_after_a_request() {
        let mut follow = Follow::new(RULES);
        assert_eq!(follow.poll(0, Some(Time(0)), false), None);
        assert_eq!(follow.poll(0, None, true), None, "the server's clock is not known yet");
        let query = follow.poll(0, Some(Time(100_000)), true).unwrap();
        assert_eq!(query.since, Time(40_000));
        assert_eq!(follow.poll(0, Some(Time(0)), true), None, "one reader");
        follow.absorb(&serve(&query, &[], 200_000), 0);
        assert_eq!(follow.next_ms(), Some(5_000));
        follow.requested(100);
        assert_eq!(follow.next_ms(), Some(1_100));
    }

    /// P3: webhooks only change when the feed is read.
    #[test]
    fn a_webhook_makes_it_poll_at_once_and_then_seldom() {
        let mut follow = Follow::new(RULES);
        let mark = Some(Time(100_000));
        let read = |follow: &mut Follow, now| {
            let query = follow.poll(now, mark, true);
            query.map(|query| follow.absorb(&serve(&query, &[], 200_000), now)).is_some()
        };
        assert!(read(&mut follow, 0));
        follow.requested(10);
        assert_eq!(follow.next_ms(), Some(1_010));
        follow.hinted(700);
        assert!(read(&mut follow, 700) && !read(&mut follow, 1_199) && read(&mut follow, 1_200), "and once again");
        assert_eq!(follow.next_ms(), Some(61_200), "the safety net");
        follow.requested(2_000);
        assert_eq!(follow.next_ms(), Some(61_200));
        follow.hinted(1_300);
        assert_eq!(follow.next_ms(), Some(1_700), "a storm of them is gathered");
        let query = follow.poll(1_700, mark, true).unwrap();
        follow.hinted(1_750);
        follow.absorb(&serve(&query, &[], 200_000), 1_800);
        assert_eq!(follow.next_ms(), Some(2_300), "one that came while it was read is not forgotten");
        assert!(read(&mut follow, 2_300) && follow.poll(2_400, mark, false).is_none());
        let deaf_ms = 1_750 + 600_000;
        follow.requested(deaf_ms);
        assert!(read(&mut follow, deaf_ms));
        assert_eq!(follow.next_ms(), Some(deaf_ms + 1_000), "without webhooks the old pace comes back");
    }

    #[test]
    fn a_failed_read_moves_nothing() {
        let mut follow = Follow::new(RULES);
        follow.poll(0, Some(Time(100_000)), true).unwrap();
        let outcome = Outcome::Unknown { reason: "cut".into() };
        let lost = Answer { server_time: Some(Time(1)), ..Answer::untold(outcome, 1) };
        assert_eq!(follow.absorb(&lost, 0), (Vec::new(), None));
        assert_eq!(follow.poll(5_000, Some(Time(100_000)), true).map(|q| q.since), Some(Time(40_000)));
    }
}
