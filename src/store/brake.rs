//! The brake on mass revocations: how many people may be ordered out at once without a person's word. Pure.

use crate::job::Ms;

/// The numbers of the brake; it can be raised, never switched off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BrakeRules {
    /// Offboardings of one batch and the window before it.
    pub max_offboards: u32,
    /// Share of the people known to be there, above 0 and at most 1.
    pub max_share: f64,
    /// So many pass whatever the share says.
    pub floor: u32,
    /// So many urgent orders that stand alone in their files pass, whatever else was let through.
    pub max_urgent: u32,
    /// What was let through within this time counts, too.
    pub window_ms: Ms,
}

/// What a batch asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Asked {
    /// Its offboardings.
    pub own: u32,
    /// Offboardings that came within the window before it and that nobody approved.
    pub before: u32,
    /// People known to be there; 0: nobody knows.
    pub known: u32,
    /// The batch is one urgent order; so many of the kind passed within the window before it.
    pub urgent_before: Option<u32>,
}

impl BrakeRules {
    /// Whether the share can matter for so many; if not, nobody needs to count whom the database knows.
    pub fn asks_who_is_known(&self, offboards: u32) -> bool {
        offboards > self.floor && offboards <= self.max_offboards
    }

    /// Of so many known people the share lets so many pass; how many more there are does not matter.
    pub fn enough_known(&self, offboards: u32) -> u32 {
        (f64::from(offboards) / self.max_share).ceil() as u32 + 1
    }

    /// Why a batch needs a person's word, in words; none if it does not.
    pub fn over(&self, asked: &Asked) -> Option<String> {
        let Asked { own, before, known, urgent_before } = *asked;
        let window_min = self.window_ms / 60_000;
        if let Some(alike) = urgent_before {
            return (alike >= self.max_urgent).then(|| {
                format!(
                    "it is one urgent revocation after {alike} of the kind within {window_min} minutes; more than {} need a person's word (brake.max_urgent)",
                    self.max_urgent
                )
            });
        }
        let all = own.saturating_add(before);
        let share = (f64::from(known) * self.max_share).max(f64::from(self.floor));
        let limit = if all > self.max_offboards {
            format!("more than {} need a person's word (brake.max_offboards)", self.max_offboards)
        } else if known > 0 && f64::from(all) > share {
            format!(
                "more than {share:.0} need a person's word: a share of the {known} people known here, or brake.floor if that is more (brake.max_share)"
            )
        } else {
            return None;
        };
        let with =
            if before > 0 { format!(", {all} with those of the last {window_min} minutes") } else { String::new() };
        let noun = if own == 1 { "revocation" } else { "revocations" };
        Some(format!("it orders {own} {noun}{with}; {limit}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: BrakeRules =
        BrakeRules { max_offboards: 25, max_share: 0.10, floor: 10, max_urgent: 10, window_ms: 3_600_000 };

    #[test]
    fn the_brake_holds_by_count_by_share_and_by_the_hour() {
        for (own, before, known, says) in [
            (25, 0, 0, None),
            (26, 0, 0, Some("it orders 26 revocations; more than 25 need")),
            (400, 0, 10_000, Some("brake.max_offboards")),
            (10, 0, 1, None),
            (
                11,
                0,
                1,
                Some("it orders 11 revocations; more than 10 need a person's word: a share of the 1 people known"),
            ),
            (11, 0, 0, None),
            (20, 0, 200, None),
            (21, 0, 200, Some("a share of the 200 people known here")),
            (5, 20, 0, None),
            (6, 20, 0, Some("it orders 6 revocations, 26 with those of the last 60 minutes; more than 25")),
            (1, 25, 0, Some("it orders 1 revocation, 26 with")),
            (1, 10, 50, Some("brake.max_share")),
            (0, 25, 0, None),
        ] {
            let over = RULES.over(&Asked { own, before, known, urgent_before: None });
            match says {
                None => assert_eq!(over, None, "{own} {before} {known}"),
                Some(words) => assert!(over.as_ref().is_some_and(|over| over.contains(words)), "{over:?} / {words}"),
            }
        }
    }

    #[test]
    fn who_is_known_is_asked_only_where_it_decides() {
        for (n, asks) in [(10, false), (11, true), (25, true), (26, false)] {
            assert_eq!(RULES.asks_who_is_known(n), asks, "{n}");
            // One fewer than enough may be too few; enough never is.
            let over = |known| RULES.over(&Asked { own: n, known, ..Asked::default() }).is_some();
            assert!(!asks || (!over(RULES.enough_known(n)) && over(RULES.enough_known(n) - 2)), "{n}");
        }
    }

    #[test]
    fn single_urgent_orders_pass_up_to_their_own_number() {
        let strict = BrakeRules { max_offboards: 1, floor: 1, ..RULES };
        for rules in [RULES, strict] {
            let urgent = |alike, before| Asked { own: 1, before, known: 50, urgent_before: Some(alike) };
            for before in [0, 400, u32::MAX] {
                assert_eq!(rules.over(&urgent(0, before)), None);
                assert_eq!(rules.over(&urgent(9, before)), None);
                let over = rules.over(&urgent(10, before)).unwrap();
                assert!(over.contains("more than 10 need a person's word (brake.max_urgent)"), "{over}");
            }
        }
        assert!(strict.over(&Asked { own: 2, ..Asked::default() }).is_some());
    }
}
