//! What in a role lets its holders read Secrets, or become somebody who can.

use crate::{Permission, Request, ResolvedRole};

/// A way to Secrets that a role opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Danger {
    /// Everything is allowed.
    Everything,
    /// Secrets are read: `get`, `list` and `watch` all give their values.
    ReadSecrets,
    /// Commands are run in other pods, or containers added to them.
    Exec,
    /// Tokens are made for other service accounts.
    MakeTokens,
    /// Pods are started, which mount any Secret and run as any account of their namespace.
    StartPods,
    /// Rights are given that one does not have: `escalate`, `bind`, `impersonate`.
    Escalate,
}

/// How far a role is about: of one namespace or of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// The namespaces of its role bindings.
    Namespace,
    /// The whole cluster.
    Cluster,
}

/// A request as (API group, resource, subresource, verbs).
type Way = (&'static str, &'static str, &'static str, &'static [&'static str]);

const RBAC: &str = "rbac.authorization.k8s.io";
const TEMPLATE: &[&str] = &["create", "update", "patch"];
const SECRETS: &[Way] = &[("", "secrets", "", &["get", "list", "watch"])];
const EXEC: &[Way] = &[
    // Newer clients open the stream by a GET.
    ("", "pods", "exec", &["create", "get"]),
    ("", "pods", "attach", &["create", "get"]),
    ("", "pods", "ephemeralcontainers", &["update", "patch"]),
    ("", "nodes", "proxy", &["create", "get"]),
];
const TOKENS: &[Way] = &[("", "serviceaccounts", "token", &["create"])];
const PODS: &[Way] = &[
    ("", "pods", "", &["create"]),
    ("", "replicationcontrollers", "", TEMPLATE),
    ("apps", "deployments", "", TEMPLATE),
    ("apps", "daemonsets", "", TEMPLATE),
    ("apps", "statefulsets", "", TEMPLATE),
    ("apps", "replicasets", "", TEMPLATE),
    ("batch", "jobs", "", &["create"]),
    ("batch", "cronjobs", "", TEMPLATE),
];
const ESCALATE: &[Way] = &[
    (RBAC, "roles", "", &["escalate", "bind"]),
    (RBAC, "clusterroles", "", &["escalate", "bind"]),
    ("", "users", "", &["impersonate"]),
    ("", "groups", "", &["impersonate"]),
    ("", "serviceaccounts", "", &["impersonate"]),
];

impl Danger {
    /// All but [`Danger::Everything`], the most direct first.
    pub const WAYS: [Self; 5] =
        [Self::ReadSecrets, Self::MakeTokens, Self::Exec, Self::StartPods, Self::Escalate];

    fn ways(self) -> &'static [Way] {
        match self {
            Self::Everything => &[],
            Self::ReadSecrets => SECRETS,
            Self::Exec => EXEC,
            Self::MakeTokens => TOKENS,
            Self::StartPods => PODS,
            Self::Escalate => ESCALATE,
        }
    }

    /// The requests that open this way, without namespace and name.
    pub fn requests(self) -> impl Iterator<Item = Request<'static>> {
        self.ways().iter().flat_map(|&(group, resource, subresource, verbs)| {
            verbs.iter().map(move |verb| Request {
                verb,
                group,
                resource,
                subresource,
                namespace: None,
                name: None,
            })
        })
    }
}

/// The rule by which a role opens a way, and what it allows, as `verb resource`. A rule that is
/// limited to objects of certain names opens none: that is how such a right should be given.
#[must_use]
pub fn danger_of<'p, 'a>(
    role: &'p ResolvedRole<'a>,
    danger: Danger,
) -> Option<(&'p Permission<'a>, Vec<String>)> {
    if danger == Danger::Everything {
        let permission = role.permissions.iter().find(|rule| rule.allows_everything())?;
        return Some((permission, vec!["everything".to_owned()]));
    }
    let mut first = None;
    let mut allowed: Vec<String> = Vec::new();
    for request in danger.requests() {
        let Some(permission) = role.allowing(&request) else { continue };
        first.get_or_insert(permission);
        allowed.push(request.to_string());
    }
    Some((first?, allowed))
}
