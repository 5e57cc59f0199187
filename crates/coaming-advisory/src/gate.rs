//! `--fail-on`: which vulnerabilities, and which other contents of an image, make a run fail.

use std::str::FromStr;

use coaming_finding::Severity;

use crate::Vulnerability;

/// What makes a run fail: a vulnerability that meets every condition about vulnerabilities, or an
/// image that has one of the other contents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FailOn {
    /// The minimum severity.
    pub severity: Option<Severity>,
    /// Only vulnerabilities with a fix.
    pub fixable: bool,
    /// Only vulnerabilities that CISA lists as exploited.
    pub exploited: bool,
    /// Only vulnerabilities in packages that the entry point uses or may use.
    pub used: bool,
    /// An image with credentials in it.
    pub credentials: bool,
    /// An image that runs as root.
    pub root: bool,
}

/// A condition that `--fail-on` does not support.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid `--fail-on` value `{0}`; expected `low`, `medium`, `high`, `critical`, `fixable`, \
     `exploited`, `used`, `credentials` or `root`, or several of them separated by commas"
)]
pub struct InvalidCondition(String);

impl FromStr for FailOn {
    type Err = InvalidCondition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut conditions = Self::default();
        for word in text.split(',').map(str::trim) {
            let severity = Severity::ALL.into_iter().find(|severity| severity.as_str() == word);
            match (word, severity) {
                (_, Some(severity)) => conditions.severity = Some(severity),
                ("fixable", _) => conditions.fixable = true,
                ("exploited", _) => conditions.exploited = true,
                ("used", _) => conditions.used = true,
                ("credentials", _) => conditions.credentials = true,
                ("root", _) => conditions.root = true,
                _ => return Err(InvalidCondition(word.to_owned())),
            }
        }
        Ok(conditions)
    }
}

impl FailOn {
    /// Whether vulnerabilities can make the run fail: not if only other contents are named.
    #[must_use]
    pub fn concerns_vulnerabilities(&self) -> bool {
        let named = self.severity.is_some() || self.fixable || self.exploited || self.used;
        named || !(self.credentials || self.root)
    }

    /// Whether a vulnerability makes the run fail.
    #[must_use]
    pub fn holds(&self, vulnerability: &Vulnerability) -> bool {
        self.concerns_vulnerabilities()
            && self
                .severity
                .is_none_or(|least| vulnerability.severity.is_some_and(|own| own >= least))
            && (!self.fixable || vulnerability.fixed.is_some())
            && (!self.exploited || vulnerability.exploited.is_some())
            && (!self.used || vulnerability.used != Some(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_parsed() {
        let both: FailOn = "fixable,high".parse().unwrap();
        assert_eq!(
            both,
            FailOn { severity: Some(Severity::High), fixable: true, ..FailOn::default() }
        );
        assert_eq!("used".parse(), Ok(FailOn { used: true, ..FailOn::default() }));
        let image: FailOn = "credentials,root".parse().unwrap();
        assert!(image.credentials && image.root && !image.concerns_vulnerabilities());
        assert!("root,high".parse::<FailOn>().unwrap().concerns_vulnerabilities());
        assert!(FailOn::default().concerns_vulnerabilities());
        assert_eq!("bad".parse::<FailOn>(), Err(InvalidCondition("bad".to_owned())));
    }
}
