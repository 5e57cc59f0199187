//! PEP 440, by the crate `pep440_rs`; what PEP 440 does not allow is no version.

use std::str::FromStr as _;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(pep440_rs::Version);

impl Version {
    pub(super) fn parse(text: &str) -> Option<Self> {
        pep440_rs::Version::from_str(text.trim()).ok().map(Self)
    }
}
