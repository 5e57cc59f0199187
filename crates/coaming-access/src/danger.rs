//! Rules of a role that let its subjects read Secrets, or become a subject that can.

use crate::{Permission, Request, ResolvedRole};

/// How a role leads to Secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Danger {
    /// Everything is allowed.
    Everything,
    /// Secrets can be read: `get`, `list` and `watch` all return their values.
    ReadSecrets,
    /// Commands can be run in other pods, or containers added to them.
    Exec,
    /// Tokens can be issued for other service accounts.
    MakeTokens,
    /// Pods can be started, which mount any Secret and run as any account of their namespace.
    StartPods,
    /// The subject can get rights that it does not have: `escalate`, `bind`, `impersonate`.
    Escalate,
}

/// Where a role counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GrantScope {
    /// In the namespaces of its role bindings.
    Namespace,
    /// In the whole cluster.
    Cluster,
}

/// Requests for one resource: API group, resource, subresource, verbs.
pub(crate) type Requests = (&'static str, &'static str, &'static str, &'static [&'static str]);

pub(crate) const RBAC: &str = "rbac.authorization.k8s.io";
const TEMPLATE: &[&str] = &["create", "update", "patch"];
const SECRETS: &[Requests] = &[("", "secrets", "", &["get", "list", "watch"])];
pub(crate) const EXEC: &[Requests] = &[
    // Newer clients open the stream with a GET request.
    ("", "pods", "exec", &["create", "get"]),
    ("", "pods", "attach", &["create", "get"]),
    ("", "pods", "ephemeralcontainers", &["update", "patch"]),
    ("", "nodes", "proxy", &["create", "get"]),
];
/// The image of a running container can be replaced.
pub(crate) const REPLACE: &[Requests] = &[("", "pods", "", &["update", "patch"])];
const TOKENS: &[Requests] = &[("", "serviceaccounts", "token", &["create"])];
pub(crate) const PODS: &[Requests] = &[
    ("", "pods", "", &["create"]),
    ("", "replicationcontrollers", "", TEMPLATE),
    ("apps", "deployments", "", TEMPLATE),
    ("apps", "daemonsets", "", TEMPLATE),
    ("apps", "statefulsets", "", TEMPLATE),
    ("apps", "replicasets", "", TEMPLATE),
    ("batch", "jobs", "", &["create"]),
    ("batch", "cronjobs", "", TEMPLATE),
];
const ESCALATE: &[Requests] = &[
    (RBAC, "roles", "", &["escalate", "bind"]),
    (RBAC, "clusterroles", "", &["escalate", "bind"]),
    ("", "users", "", &["impersonate"]),
    ("", "groups", "", &["impersonate"]),
    ("", "serviceaccounts", "", &["impersonate"]),
];

impl Danger {
    /// All but [`Danger::Everything`], the most direct first.
    pub const SPECIFIC: [Self; 5] =
        [Self::ReadSecrets, Self::MakeTokens, Self::Exec, Self::StartPods, Self::Escalate];

    fn resources(self) -> &'static [Requests] {
        match self {
            Self::Everything => &[],
            Self::ReadSecrets => SECRETS,
            Self::Exec => EXEC,
            Self::MakeTokens => TOKENS,
            Self::StartPods => PODS,
            Self::Escalate => ESCALATE,
        }
    }

    /// The requests that lead to Secrets in this way, without namespace and name.
    pub fn requests(self) -> impl Iterator<Item = Request<'static>> {
        requests(self.resources())
    }
}

/// The requests of a table, without namespace and name.
pub(crate) fn requests(table: &'static [Requests]) -> impl Iterator<Item = Request<'static>> {
    table.iter().flat_map(|&(group, resource, subresource, verbs)| {
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

/// The first rule of a role that is dangerous in this way, and everything that the role allows of
/// it, as `verb resource`. A rule that is limited to certain names is not dangerous: that is how
/// such a right should be given.
#[must_use]
pub fn danger_of(role: &ResolvedRole, danger: Danger) -> Option<(&Permission, Vec<String>)> {
    if danger == Danger::Everything {
        let permission = role.permissions.iter().find(|rule| rule.allows_everything())?;
        return Some((&**permission, vec!["everything".to_owned()]));
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
