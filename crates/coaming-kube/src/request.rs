//! The request by which an object gets into a cluster.

use std::collections::BTreeMap;

use crate::Source;

/// What an API server is asked to do with an object, and by whom.
#[derive(Clone, Copy)]
pub struct ApiRequest<'a> {
    /// Whether the object is there already.
    pub is_update: bool,
    /// The object before an update.
    pub old: Option<&'a Source>,
    /// The part of the resource that is written: `ephemeralcontainers`; empty for the whole.
    pub subresource: &'a str,
    /// Whether nothing will be stored.
    pub dry_run: bool,
    /// The user's name.
    pub username: &'a str,
    /// A name for the user that is never given again; may be empty.
    pub uid: &'a str,
    /// The user's groups.
    pub groups: &'a [String],
    /// What else the authenticator says of the user.
    pub extra: &'a BTreeMap<String, Vec<String>>,
}
