//! Values that configuration and command line share, parsed once: versions, levels, dates.

use std::fmt;
use std::str::FromStr;

use coaming_finding::Framework;
use time::{Date, Month};

/// A Pod Security Standard. `privileged` forbids nothing, so there is nothing to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PodSecurityLevel {
    /// Forbids the known ways out of a container.
    Baseline,
    /// Forbids those, and requires what hardens a pod.
    Restricted,
}

impl PodSecurityLevel {
    /// As in a namespace's label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }
}

impl fmt::Display for PodSecurityLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for PodSecurityLevel {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        match text {
            "baseline" => Ok(Self::Baseline),
            "restricted" => Ok(Self::Restricted),
            _ => Err(InvalidValue::Level(text.to_owned())),
        }
    }
}

/// What a run is restricted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standard {
    /// A Pod Security Standard, as Kubernetes' admission controller judges it.
    PodSecurity(PodSecurityLevel),
    /// The rules that check the controls of a compliance framework.
    Framework(Framework),
}

impl Standard {
    /// The names on the command line.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        let levels = [PodSecurityLevel::Baseline, PodSecurityLevel::Restricted];
        let levels = levels.into_iter().map(PodSecurityLevel::as_str);
        levels.chain(Framework::ALL.into_iter().map(Framework::as_str)).collect()
    }
}

impl FromStr for Standard {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        match Framework::named(text) {
            Some(framework) => Ok(Self::Framework(framework)),
            None => text.parse().map(Self::PodSecurity),
        }
    }
}

/// A minor release of Kubernetes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KubernetesVersion {
    minor: u32,
}

impl KubernetesVersion {
    /// The newest release known here; newer ones are treated like it.
    pub const LATEST: Self = Self { minor: 37 };

    /// Kubernetes 1.`minor`.
    #[must_use]
    pub fn new(minor: u32) -> Self {
        Self { minor: minor.min(Self::LATEST.minor) }
    }

    /// The minor release.
    #[must_use]
    pub fn minor(self) -> u32 {
        self.minor
    }
}

impl Default for KubernetesVersion {
    fn default() -> Self {
        Self::LATEST
    }
}

impl fmt::Display for KubernetesVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v1.{}", self.minor)
    }
}

impl FromStr for KubernetesVersion {
    type Err = InvalidValue;

    /// Reads `latest`, `1.29`, `v1.29`, and full versions as `kubectl version` prints them, such
    /// as `v1.29.4-gke.1`.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        if text == "latest" {
            return Ok(Self::LATEST);
        }
        let minor = text.strip_prefix('v').unwrap_or(text).strip_prefix("1.");
        minor
            .and_then(|rest| rest.split('.').next())
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .map(Self::new)
            .ok_or_else(|| InvalidValue::Version(text.to_owned()))
    }
}

/// Reads a date as `YYYY-MM-DD`.
///
/// # Errors
///
/// [`InvalidValue::Date`] for every other form, and for a day that the calendar does not have.
pub fn parse_date(text: &str) -> Result<Date, InvalidValue> {
    let invalid = || InvalidValue::Date(text.to_owned());
    let is_number = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = text.split('-').filter(is_number).collect();
    let [year, month, day] = parts.as_slice() else { return Err(invalid()) };
    if [year.len(), month.len(), day.len()] != [4, 2, 2] || text.len() != 10 {
        return Err(invalid());
    }
    let month = month.parse::<u8>().ok().and_then(|month| Month::try_from(month).ok());
    let (Ok(year), Some(month), Ok(day)) = (year.parse(), month, day.parse()) else {
        return Err(invalid());
    };
    Date::from_calendar_date(year, month, day).map_err(|_| invalid())
}

/// Why a value cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidValue {
    /// The standard is not known.
    #[error(
        "`{0}` is not a known standard; use `baseline`, `restricted`, `cis-1.12`, `nsa-1.2` or `pci-4.0`"
    )]
    Level(String),
    /// The version does not have the form `1.N`.
    #[error("`{0}` is not a Kubernetes version; write it as `1.29`, or `latest`")]
    Version(String),
    /// The date does not have the form `YYYY-MM-DD`, or does not exist.
    #[error("`{0}` is not a date; write it as YYYY-MM-DD")]
    Date(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_kubectl_prints_them() {
        for text in ["1.29", "v1.29", "v1.29.4-gke.1"] {
            assert_eq!(text.parse(), Ok(KubernetesVersion::new(29)), "{text}");
        }
        assert_eq!("latest".parse(), Ok(KubernetesVersion::LATEST));
        for text in ["", "1", "2.3", "1.x", "1.-3"] {
            assert!(text.parse::<KubernetesVersion>().is_err(), "{text}");
        }
    }

    #[test]
    fn dates_exist_in_the_calendar() {
        assert_eq!(parse_date("2028-02-29").unwrap().to_string(), "2028-02-29");
        for text in ["2027-99-99", "2027-02-29", "2027-1-31", "27-01-31", "2027-01-31x", "soon", ""]
        {
            assert!(parse_date(text).is_err(), "{text}");
        }
    }
}
