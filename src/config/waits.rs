//! Waits and spans: written in seconds, kept in milliseconds.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::job::Ms;

/// A wait. Written in seconds, kept in milliseconds; every `Delay` is shortened by [`Settings::divide_delays`](super::Settings::divide_delays).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Delay(Ms);

/// A limit or a span that says nothing about how fast the work goes: never shortened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(Ms);

macro_rules! seconds {
    ($($name:ident),+) => { $(
        impl $name {
            /// In whole milliseconds, at least 1.
            pub const fn ms(self) -> Ms { self.0 }

            /// For what takes the standard type.
            pub const fn duration(self) -> Duration { Duration::from_millis(self.0.unsigned_abs()) }

            /// From seconds; less than a millisecond becomes one.
            pub fn from_s(seconds: f64) -> Self { $name(((seconds * 1000.0).round() as Ms).max(1)) }

            /// In seconds, as it is written.
            pub fn as_s(self) -> f64 { self.0 as f64 / 1000.0 }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> { f64::deserialize(from).map($name::from_s) }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> { to.serialize_f64(self.as_s()) }
        }
    )+ };
}
seconds!(Delay, Span);
