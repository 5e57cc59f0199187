//! One rule of a role.

use coaming_kube::PolicyRule;

use crate::{FieldRef, Request};

/// What one rule of a role allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    verbs: Vec<Box<str>>,
    groups: Vec<Box<str>>,
    resources: Vec<Box<str>>,
    names: Vec<Box<str>>,
    urls: Vec<Box<str>>,
    /// The rule: of an aggregated role, in the role that it was taken from. `None` for a role that
    /// is built into Kubernetes and not known as an object.
    pub source: Option<FieldRef>,
}

fn owned<'t>(texts: impl IntoIterator<Item = &'t str>) -> Vec<Box<str>> {
    texts.into_iter().map(Box::from).collect()
}

impl Permission {
    pub(crate) fn of_rule(rule: PolicyRule<'_>, source: FieldRef) -> Self {
        Self {
            verbs: owned(rule.verbs()),
            groups: owned(rule.api_groups()),
            resources: owned(rule.resources()),
            names: owned(rule.resource_names()),
            urls: owned(rule.non_resource_urls()),
            source: Some(source),
        }
    }

    pub(crate) fn built_in(groups: &[&str], resources: &[&str], verbs: &[&str]) -> Self {
        Self {
            verbs: owned(verbs.iter().copied()),
            groups: owned(groups.iter().copied()),
            resources: owned(resources.iter().copied()),
            names: Vec::new(),
            urls: Vec::new(),
            source: None,
        }
    }

    /// Whether it allows the request, as Kubernetes' `RuleAllows`. The namespace is checked against
    /// the binding.
    #[must_use]
    pub fn allows(&self, request: &Request<'_>) -> bool {
        contains(&self.verbs, request.verb)
            && contains(&self.groups, request.group)
            && self.resources.iter().any(|resource| resource_matches(resource, request))
            && (self.names.is_empty()
                || request.name.is_some_and(|name| self.names.iter().any(|own| **own == *name)))
    }

    /// Whether it allows the request for an object of some name, which the request need not have.
    pub(crate) fn allows_some(&self, request: &Request<'_>) -> bool {
        let name = self.names.first().map(|name| &**name);
        self.allows(&Request { name: name.or(request.name), ..*request })
    }

    /// Whether it is limited to objects with certain names.
    #[must_use]
    pub fn is_limited_to_names(&self) -> bool {
        !self.names.is_empty()
    }

    /// The names of the objects that it is limited to; none if it is not.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// The first verb that it allows on every path of the API server that is not an object.
    #[must_use]
    pub fn verb_on_all_urls(&self) -> Option<&str> {
        let is_all = self.urls.iter().any(|url| matches!(&**url, "*" | "/*"));
        self.verbs.first().filter(|_| is_all).map(|verb| &**verb)
    }

    /// Whether it allows every verb on every resource.
    #[must_use]
    pub fn allows_everything(&self) -> bool {
        self.names.is_empty()
            && [&self.verbs, &self.groups, &self.resources]
                .iter()
                .all(|list| list.iter().any(|text| &**text == "*"))
    }
}

/// Whether a list has a text or the wildcard.
fn contains(list: &[Box<str>], text: &str) -> bool {
    list.iter().any(|own| &**own == "*" || **own == *text)
}

fn resource_matches(resource: &str, request: &Request<'_>) -> bool {
    match (resource.split_once('/'), request.subresource) {
        // All resources, and all their subresources.
        _ if resource == "*" => true,
        (None, "") => resource == request.resource,
        (Some((of, subresource)), wanted) if !wanted.is_empty() => {
            subresource == wanted && (of == "*" || of == request.resource)
        }
        _ => false,
    }
}
