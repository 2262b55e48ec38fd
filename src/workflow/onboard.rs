//! Onboarding: the identity, then its links to access systems, then the read-back.

use super::{Shape, StepSpec, step};
use crate::job::StepName;

pub(super) const STEPS: &[StepSpec] = &[
    step(StepName::UserIdentity, Shape::EnsureIdentity),
    step(StepName::AcsUsers, Shape::EnsureLinks),
    step(StepName::Verify, Shape::VerifyLinked),
];
