//! Objects say what their author meant.

pub(crate) mod removed_api;
pub(crate) mod suppression;
