//! Images hold no package that is known to be vulnerable.

pub(crate) mod image_vulnerabilities;
