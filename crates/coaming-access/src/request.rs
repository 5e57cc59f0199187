//! A request to the API, as RBAC sees it.

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'r> {
    /// `get`, `list` …
    pub verb: &'r str,
    /// The API group; the core group is the empty text.
    pub group: &'r str,
    /// The resource: `secrets`.
    pub resource: &'r str,
    /// The subresource: `exec`; empty for the resource itself.
    pub subresource: &'r str,
    /// The namespace; `None` for all at once, and for what lies in none.
    pub namespace: Option<&'r str>,
    /// The object's name; `None` where the request names none, as `create` and a plain `list` do.
    pub name: Option<&'r str>,
}

impl<'r> Request<'r> {
    /// To do `verb` with the Secret of this name.
    #[must_use]
    pub fn on_secret(verb: &'r str, namespace: &'r str, name: &'r str) -> Self {
        Self {
            verb,
            group: "",
            resource: "secrets",
            subresource: "",
            namespace: Some(namespace),
            name: Some(name),
        }
    }

    /// The same request for another verb.
    #[must_use]
    pub fn with_verb(self, verb: &'r str) -> Self {
        Self { verb, ..self }
    }
}

impl std::fmt::Display for Request<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let separator = if self.subresource.is_empty() { "" } else { "/" };
        write!(f, "{} {}{separator}{}", self.verb, self.resource, self.subresource)
    }
}
