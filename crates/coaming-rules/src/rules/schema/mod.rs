//! Objects mean what their author intended.

pub(crate) mod duplicate_key;
pub(crate) mod invalid_value;
pub(crate) mod removed_api;
pub(crate) mod suppression;
pub(crate) mod unknown_field;
pub(crate) mod unknown_kind;
pub(crate) mod wrong_type;
