//! One file per rule, one directory per category.

pub(crate) mod base_image;
pub(crate) mod cluster;
pub(crate) mod image_version;
pub(crate) mod injection;
pub(crate) mod network_policy;
pub(crate) mod non_root;
pub(crate) mod phrases;
pub(crate) mod schema;
pub(crate) mod secrets;
pub(crate) mod security_context;
pub(crate) mod utilities;
pub(crate) mod vulnerabilities;
