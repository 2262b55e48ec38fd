//! What the engine remembers in memory. All of it may be lost: rows are the truth. It is copied for each tick and kept only when
//! the tick's transaction is.

use std::collections::{BTreeMap, HashMap};

use super::{
    care::CareRules,
    doubts::Doubts,
    follow::{Follow, FollowRules},
    limits::{Asked, LimitRules, Limits},
};
use crate::{
    job::{Answer, Call, Event, EventQuery, Kind, Listing, Ms, Now, Outcome, Reply, Shows, Time, Workspace},
    store::AcceptRules,
    workflow::{Canary, Ids, Rules},
};

/// All numbers the engine runs by, from the configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineRules {
    /// For the workflows' decisions.
    pub workflow: Rules,
    /// For the gate and the breakers.
    pub limits: LimitRules,
    /// For the event feed.
    pub follow: FollowRules,
    /// For the after-care.
    pub care: CareRules,
    /// An owner filter seen to be obeyed is trusted for so long.
    pub canary_ms: Ms,
    /// The one production workspace that may be changed; sandboxes always may.
    pub production_workspace: Option<String>,
    /// For taking orders in.
    pub accept: AcceptRules,
}

/// What an outgoing job call was about, until its answer arrives.
#[derive(Clone, Copy, Debug)]
pub(super) struct OnWire {
    pub job: i64,
    pub canary: Option<Kind>,
    /// Nothing else is sent while this is on the wire.
    pub alone: bool,
    /// Of an urgent revocation that has not begun to cut: little else is sent beside it.
    pub first: bool,
    /// The tick that sent it.
    pub tick: u64,
    /// Its answer may show the workspace.
    pub asks: bool,
    /// Its answer is there and not believed yet.
    pub doubted: bool,
}

/// A step of the clock smaller than this is left alone.
pub(super) const WORTH_MS: Ms = 60_000;

/// One place on the wire in so many is left to others while an urgent revocation looks for what to cut.
const BESIDE_FIRST: usize = 8;

/// So many requests of jobs go out between two polls of the feed that a place is kept for.
const BETWEEN_POLLS: u32 = 4;

#[derive(Clone, Debug)]
pub(super) struct Soft {
    pub ids: Ids,
    pub limits: Limits,
    pub follow: Follow,
    /// Somebody waited for events when the last tick ended.
    pub listens: bool,
    /// Requests of jobs that went out since the last poll of the feed.
    since_poll: u32,
    pub wire: HashMap<i64, OnWire>,
    pub watermark: Option<Time>,
    pub pinned: Option<String>,
    pub confirmed: Option<Workspace>,
    obeyed: BTreeMap<Kind, Ms>,
    pub random: fastrand::Rng,
    pub last: Option<Now>,
    /// What operators were told last about why nothing is sent.
    pub said: Option<String>,
    /// Counts the ticks of this engine.
    pub tick: u64,
    /// Answers that are not believed yet.
    pub doubts: Doubts,
    /// Those that may be believed now, or count as failed; they come in once more.
    pub settled: Vec<(i64, Answer)>,
    /// The tick that sent the last check of the workspace.
    probe_tick: u64,
    /// The tick that sent the last poll of the feed.
    poll_tick: u64,
}

impl Soft {
    pub fn new(rules: &EngineRules, ids: Ids, seed: u64) -> Soft {
        Soft {
            ids,
            said: Limits::new(rules.limits).idle(),
            limits: Limits::new(rules.limits),
            follow: Follow::new(rules.follow),
            listens: false,
            since_poll: 0,
            wire: HashMap::new(),
            watermark: None,
            pinned: None,
            confirmed: None,
            obeyed: BTreeMap::new(),
            random: fastrand::Rng::with_seed(seed),
            last: None,
            tick: 0,
            doubts: Doubts::default(),
            settled: Vec::new(),
            probe_tick: 0,
            poll_tick: 0,
        }
    }

    /// How far the wall clock moved away from the monotonic one since the last tick, if by more than a minute.
    pub fn jump(&mut self, now: Now) -> Option<Ms> {
        let last = self.last.replace(now)?;
        let drift = now.wall.since(last.wall) - (now.mono_ms - last.mono_ms);
        (drift.abs() > WORTH_MS).then_some(drift)
    }

    /// The test of owner filters for this tick.
    pub fn canary(&mut self, now_ms: Ms, trusted_ms: Ms) -> Canary {
        let fresh = self.obeyed.iter().filter(|(_, at)| now_ms - **at < trusted_ms).map(|(kind, _)| *kind).collect();
        let id = uuid::Builder::from_random_bytes(self.random.u128(..).to_be_bytes()).into_uuid();
        Canary { id: id.to_string(), fresh }
    }

    /// A job's call goes out.
    pub fn sent(&mut self, attempt: i64, job: i64, call: &Call, (alone, first): (bool, bool)) {
        let canary = match call {
            Call::Look { kind, canary: Some(_), .. } => Some(*kind),
            _ => None,
        };
        let sent = OnWire { job, canary, alone, first, tick: self.tick, asks: !call.changes(), doubted: false };
        self.wire.insert(attempt, sent);
        self.since_poll = self.since_poll.saturating_add(1);
    }

    /// Requests of jobs that may be sent now. One place is the feed's when it wants to be read: however many jobs there are, what they wait
    /// for must come in. But it goes first only once in so many requests, or a long feed would keep the jobs waiting.
    pub fn room(&self, now_ms: Ms) -> usize {
        let reserved = self.since_poll >= BETWEEN_POLLS && self.follow.is_due(now_ms, self.watermark, self.listens);
        self.limits.room(now_ms).saturating_sub(usize::from(reserved))
    }

    /// The feed's next question, if one is due and may be sent.
    pub fn poll(&mut self, now_ms: Ms) -> Option<EventQuery> {
        let room = self.limits.own_room(now_ms) > 0;
        let query = room.then(|| self.follow.poll(now_ms, self.watermark, self.listens)).flatten()?;
        self.limits.sent(1, now_ms);
        (self.since_poll, self.poll_tick) = (0, self.tick);
        Some(query)
    }

    /// The feed's answer arrived: what it tells, and up to when everything was told.
    pub fn polled(&mut self, answer: &Answer, now_ms: Ms) -> (Vec<Event>, Option<Time>) {
        self.limits.returned(Asked { job: None, sent: self.poll_tick }, answer, (self.tick, now_ms));
        self.follow.absorb(answer, now_ms)
    }

    /// Whether a job's call is on the wire that suffers none beside it.
    pub fn is_alone(&self) -> bool {
        self.wire.values().any(|sent| sent.alone)
    }

    /// How many more requests of others may go beside an urgent revocation that has not begun to cut; none: there is no such one.
    pub fn beside_first(&self, in_flight: usize) -> Option<usize> {
        let first = self.wire.values().filter(|sent| sent.first).count();
        (first > 0).then(|| (in_flight / BESIDE_FIRST).max(1).saturating_sub(self.wire.len() - first))
    }

    /// A job's answer arrived, or one that was in doubt may be believed. Answers whether it may be taken into the rows now.
    pub fn arrived(&mut self, attempt: i64, answer: &Answer, now_ms: Ms) -> bool {
        let absence = answer.shows == Shows::Absence;
        // A call of an earlier engine is not on our wire.
        let Some(sent) = self.wire.get_mut(&attempt) else { return !absence };
        let (job, tick, doubted) = (sent.job, sent.tick, sent.doubted);
        sent.doubted |= absence;
        if !doubted {
            self.limits.returned(Asked { job: Some(job), sent: tick }, answer, (self.tick, now_ms));
            match answer.shows {
                Shows::Nothing => {}
                Shows::Ours => self.settled.extend(self.doubts.settled_by(tick, now_ms)),
                Shows::Absence => self.doubts.add((attempt, job), answer, (self.tick, now_ms)),
            }
        }
        if !absence {
            self.believed(attempt, answer, now_ms);
        }
        !absence
    }

    fn believed(&mut self, attempt: i64, answer: &Answer, now_ms: Ms) {
        let Some(sent) = self.wire.remove(&attempt) else { return };
        if let (Some(kind), Outcome::Done(Reply::Listing(Listing { canary_failed: false, incomplete: None, .. }))) =
            (sent.canary, &answer.outcome)
        {
            self.obeyed.insert(kind, now_ms);
        }
    }

    /// When the workspace has to be asked for, because answers wait for it.
    pub fn doubts_ask_at_ms(&self) -> Option<Ms> {
        let questions = self.wire.values().filter(|sent| sent.asks && !sent.doubted).map(|sent| (sent.tick, sent.job));
        self.limits.probe_at_ms(self.doubts.ask_at_ms(questions)?)
    }

    /// Sends the workspace's check, if one is due. While nothing is paused and nobody doubts it is only due if `active`.
    pub fn probe(&mut self, now_ms: Ms, active: bool) -> bool {
        let doubted = self.doubts_ask_at_ms().is_some_and(|at| at <= now_ms);
        let due = self.limits.probe_due(now_ms, active, doubted);
        if due {
            self.limits.sent(1, now_ms);
            self.probe_tick = self.tick;
        }
        due
    }

    /// Takes the workspace that the key opens: confirmed, or everything stops. Who waited for it is settled, one way or the other.
    pub fn probed(&mut self, answer: &Answer, rules: &EngineRules, now_ms: Ms) {
        self.judge_workspace(answer, rules, now_ms);
        self.distrust();
        let settled = match &answer.outcome {
            Outcome::Done(_) => self.doubts.settled_by(self.probe_tick, now_ms),
            other => self.doubts.failed(other),
        };
        self.settled.extend(settled);
    }

    /// While everything is paused nothing is believed that might be another workspace's; it is asked for again.
    pub fn distrust(&mut self) {
        if let Some(reason) = self.limits.halted().map(str::to_owned) {
            let failed = self.doubts.failed(&Outcome::Halt { reason });
            self.settled.extend(failed);
        }
    }

    /// Whatever the key was seen to open counts no more.
    pub fn distrust_key(&mut self, reason: &str, now_ms: Ms) {
        self.limits.ask_anew(reason, now_ms);
        self.confirmed = None;
        self.obeyed.clear();
    }

    fn judge_workspace(&mut self, answer: &Answer, rules: &EngineRules, now_ms: Ms) {
        self.limits.returned(Asked { job: None, sent: self.probe_tick }, answer, (self.tick, now_ms));
        self.limits.probed(now_ms);
        let Outcome::Done(Reply::Workspace(workspace)) = &answer.outcome else {
            if let (Outcome::Rejected(rejection), true) = (&answer.outcome, self.limits.halted().is_some()) {
                self.limits.halt(&format!("workspaces/get is refused: {}", rejection.message), now_ms);
            }
            return;
        };
        let wrong = match &self.pinned {
            Some(pinned) if *pinned != workspace.workspace_id => Some(format!(
                "the API key opens workspace {}, but this database belongs to {pinned}; nothing is sent. Give the right key, or another database",
                workspace.workspace_id
            )),
            _ if !workspace.is_sandbox && rules.production_workspace.as_ref() != Some(&workspace.workspace_id) => {
                Some(format!(
                    "the API key opens the production workspace {} ({}), which the configuration does not name; nothing is sent. Set seam.production_workspace to this id if that is meant",
                    workspace.workspace_id, workspace.name
                ))
            }
            _ => None,
        };
        match wrong {
            Some(why) => self.limits.halt(&why, now_ms),
            None if self.limits.confirmed(now_ms) => {
                self.pinned = Some(workspace.workspace_id.clone());
                self.confirmed = Some(workspace.clone());
            }
            None => {}
        }
    }
}
