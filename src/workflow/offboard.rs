//! Offboarding, in the order its user asked for: sessions, devices, keys and grants, credentials, ACS users, automations, phones, identity;
//! or in Seam's newer way: the identity first, then what its end has left.

use super::{Shape, StepSpec, step};
use crate::job::{Kind, Mode, StepName};

pub(super) fn steps(mode: Option<Mode>) -> &'static [StepSpec] {
    match mode {
        Some(Mode::Cascade) => CASCADE,
        Some(Mode::Ordered) | None => &ORDERED,
    }
}

const ORDERED: [StepSpec; 15] = [
    step(StepName::Find, Shape::Find),
    step(StepName::Inventory, Shape::Inventory),
    step(StepName::Cut, Shape::Cut),
    step(StepName::ClientSessions, Shape::Sweep(Kind::ClientSession)),
    step(StepName::DeviceAccess, Shape::Sweep(Kind::Device)),
    step(StepName::InstantKeys, Shape::Sweep(Kind::InstantKey)),
    step(StepName::AccessGrants, Shape::Sweep(Kind::AccessGrant)),
    step(StepName::AccessMethods, Shape::Sweep(Kind::AccessMethod)),
    step(StepName::Credentials, Shape::Sweep(Kind::AcsCredential)),
    step(StepName::AcsUsers, Shape::Sweep(Kind::AcsUser)),
    step(StepName::EnrollmentAutomations, Shape::Sweep(Kind::EnrollmentAutomation)),
    step(StepName::Phones, Shape::Sweep(Kind::Phone)),
    step(StepName::ConfirmEmpty, Shape::ConfirmEmpty),
    step(StepName::UserIdentity, Shape::DeleteIdentity),
    step(StepName::Verify, Shape::VerifyGone),
];

/// The same steps, so that a job may go over from one way to the other.
const CASCADE: &[StepSpec] = &identity_first(ORDERED);

/// The identity's own step comes right after the cut; the others stay as they are.
const fn identity_first(mut steps: [StepSpec; 15]) -> [StepSpec; 15] {
    let mut at = steps.len() - 1;
    while !matches!(steps[at].shape, Shape::Cut) && at > 0 {
        if matches!(steps[at].shape, Shape::DeleteIdentity) && !matches!(steps[at - 1].shape, Shape::Cut) {
            (steps[at - 1], steps[at]) = (steps[at], steps[at - 1]);
        }
        at -= 1;
    }
    steps
}

/// Every kind that is swept, with the step that sweeps it, in order.
pub(super) fn sweeps() -> impl Iterator<Item = (StepName, Kind)> {
    ORDERED.iter().filter_map(|spec| match spec.shape {
        Shape::Sweep(kind) => Some((spec.name, kind)),
        _ => None,
    })
}

/// The step whose targets are objects of this kind. Kinds that are only looked at belong to the last look.
pub(super) fn home(kind: Kind) -> StepName {
    match kind {
        Kind::UserIdentity => StepName::UserIdentity,
        _ => sweeps().find(|(_, swept)| *swept == kind).map_or(StepName::ConfirmEmpty, |(name, _)| name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_name_ever_shipped_still_resolves() {
        // Rows outlive releases: a name may be added here, never taken away.
        let shipped = "find inventory cut client_sessions device_access instant_keys access_grants access_methods credentials acs_users \
                       enrollment_automations phones confirm_empty user_identity verify";
        let mut names: Vec<_> = ORDERED.iter().map(|spec| spec.name.as_str()).collect();
        assert_eq!(names, shipped.split_whitespace().collect::<Vec<_>>());
        let cascade: Vec<_> = CASCADE.iter().map(|spec| spec.name.as_str()).collect();
        let at = names.iter().position(|name| *name == "user_identity").unwrap();
        let identity = names.remove(at);
        names.insert(3, identity);
        assert_eq!(names, cascade, "the identity right after the cut, and nothing else moved");
        assert_eq!(home(Kind::AcsEntrance), StepName::ConfirmEmpty);
        assert_eq!(home(Kind::Device), StepName::DeviceAccess);
        assert_eq!(home(Kind::Phone), StepName::Phones);
    }
}
