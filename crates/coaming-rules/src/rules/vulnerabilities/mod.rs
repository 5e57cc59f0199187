//! Images contain no package with a known vulnerability.

pub(crate) mod image_vulnerabilities;
