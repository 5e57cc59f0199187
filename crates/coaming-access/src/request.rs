//! A request to the API, as RBAC sees it.

/// An action on a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request<'r> {
    /// `get`, `list`, `create`.
    pub verb: &'r str,
    /// The API group; empty for the core group.
    pub group: &'r str,
    /// The resource: `secrets`.
    pub resource: &'r str,
    /// The subresource: `exec`; empty for the resource itself.
    pub subresource: &'r str,
    /// The namespace; `None` for all namespaces at once, and for cluster-scoped resources.
    pub namespace: Option<&'r str>,
    /// The object's name; `None` for requests without one, such as `create` and `list`.
    pub name: Option<&'r str>,
}

impl<'r> Request<'r> {
    /// `verb` on the Secret of this name.
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

    /// The same request with another verb.
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
