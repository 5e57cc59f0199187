//! The way of an attacker past what a finding is about.

use std::fmt;

use crate::Location;

/// A way from an entry to something of value, one of whose steps a finding makes possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttackWay {
    /// Where it starts, in words.
    pub from: String,
    /// Where it ends, in words.
    pub to: String,
    /// Its steps, in order.
    pub steps: Vec<AttackStep>,
}

/// One step of a way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttackStep {
    /// The name of the step: `runtime-socket`.
    pub step: &'static str,
    /// Why it is possible.
    pub reason: String,
    /// Where that is written, if it is.
    pub location: Option<Location>,
}

/// The way as a clause: `on an attack path from container web of Deployment shop/web to root on a node`.
impl fmt::Display for AttackWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "on an attack path from {} to {}", self.from, self.to)
    }
}
