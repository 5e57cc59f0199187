//! What happens with a finding.

use std::fmt;
use std::str::FromStr;

/// What happens with a finding, from nothing to refusal.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize, serde::Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nothing is judged. Not `off`, which is a boolean in YAML.
    Disabled,
    /// It is recorded in the audit log and the metrics.
    Audit,
    /// The user sees it as a warning, too.
    Warn,
    /// The request is refused.
    Enforce,
}

impl Mode {
    /// All modes, the least strict first.
    pub const ALL: [Self; 4] = [Self::Disabled, Self::Audit, Self::Warn, Self::Enforce];

    /// The name in policies, labels and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Audit => "audit",
            Self::Warn => "warn",
            Self::Enforce => "enforce",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text).ok_or(())
    }
}
