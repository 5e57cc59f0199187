//! `--fail-on`: which vulnerabilities make a run fail.

use std::str::FromStr;

use coaming_finding::Severity;

use crate::Vulnerability;

/// What makes a run fail: all that is said must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FailOn {
    /// The least severity.
    pub severity: Option<Severity>,
    /// Only what has a fix.
    pub fixable: bool,
    /// Only what CISA lists as exploited.
    pub exploited: bool,
    /// Only what the entry point uses, or may use.
    pub used: bool,
}

/// A word that `--fail-on` does not know.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is nothing to fail on: say `low`, `medium`, `high` or `critical`, `fixable`, `exploited`, `used`, or \
     several with commas between them"
)]
pub struct UnknownCondition(String);

impl FromStr for FailOn {
    type Err = UnknownCondition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut conditions = Self::default();
        for word in text.split(',').map(str::trim) {
            let severity = Severity::ALL.into_iter().find(|severity| severity.as_str() == word);
            match (word, severity) {
                (_, Some(severity)) => conditions.severity = Some(severity),
                ("fixable", _) => conditions.fixable = true,
                ("exploited", _) => conditions.exploited = true,
                ("used", _) => conditions.used = true,
                _ => return Err(UnknownCondition(word.to_owned())),
            }
        }
        Ok(conditions)
    }
}

impl FailOn {
    /// Whether a vulnerability makes the run fail.
    #[must_use]
    pub fn holds(&self, vulnerability: &Vulnerability) -> bool {
        self.severity.is_none_or(|least| vulnerability.severity.is_some_and(|own| own >= least))
            && (!self.fixable || vulnerability.fixed.is_some())
            && (!self.exploited || vulnerability.exploited.is_some())
            && (!self.used || vulnerability.used != Some(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_conditions() {
        let both: FailOn = "fixable,high".parse().unwrap();
        assert_eq!(
            both,
            FailOn { severity: Some(Severity::High), fixable: true, ..FailOn::default() }
        );
        assert_eq!("used".parse(), Ok(FailOn { used: true, ..FailOn::default() }));
        assert_eq!("bad".parse::<FailOn>(), Err(UnknownCondition("bad".to_owned())));
    }
}
