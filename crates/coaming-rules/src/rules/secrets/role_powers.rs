//! Rights that give more than they say: what a role can do with them, beside reading Secrets.
//!
//! Invariant: a right that is limited to certain objects by name is not a power, except where one of
//! the names gives the power by itself.

use coaming_access::{Permission, Request, ResolvedRole};
use coaming_finding::Severity;

/// Requests for one resource: API group, resource, subresource, verbs.
type Requests = (&'static str, &'static str, &'static str, &'static [&'static str]);

/// Something that a role lets its holders do.
#[derive(Debug)]
pub(super) struct Power {
    /// What they can do, to complete "lets its holders …".
    pub(super) what: &'static str,
    /// What an attacker gains.
    pub(super) why: &'static str,
    /// How severe it is in the whole cluster, for a service account.
    pub(super) severity: Severity,
    /// Whether the resources belong to no namespace, so that a RoleBinding does not grant them.
    pub(super) of_cluster: bool,
    requests: &'static [Requests],
    /// Names that give the power although the right is limited to them.
    names: &'static [&'static str],
}

const RBAC: &str = "rbac.authorization.k8s.io";
const WEBHOOKS: &str = "admissionregistration.k8s.io";
const WRITE: &[&str] = &["create", "update", "patch"];
const REMOVE: &[&str] = &["delete", "deletecollection", "update", "patch"];
const ADMINISTRATORS: &[&str] =
    &["cluster-admin", "admin", "system:masters", "system:admin", "kubernetes-admin"];

/// The worst first.
static POWERS: &[Power] = &[
    Power {
        what: "take rights that were not granted to them",
        why: "becomes administrator with one more request",
        severity: Severity::Critical,
        of_cluster: false,
        requests: &[
            (RBAC, "roles", "", &["escalate", "bind"]),
            (RBAC, "clusterroles", "", &["escalate", "bind"]),
            ("", "users", "", &["impersonate"]),
            ("", "groups", "", &["impersonate"]),
            ("", "serviceaccounts", "", &["impersonate"]),
        ],
        names: ADMINISTRATORS,
    },
    Power {
        what: "change every object that is created",
        why: "puts a container of their own into every pod that starts",
        severity: Severity::High,
        of_cluster: true,
        requests: &[
            (WEBHOOKS, "mutatingwebhookconfigurations", "", WRITE),
            (WEBHOOKS, "mutatingadmissionpolicies", "", WRITE),
        ],
        names: &[],
    },
    Power {
        what: "see every object that is created",
        why: "has the API server send them every Secret that is written",
        severity: Severity::High,
        of_cluster: true,
        requests: &[(WEBHOOKS, "validatingwebhookconfigurations", "", WRITE)],
        names: &[],
    },
    Power {
        what: "approve client certificates",
        why: "signs a certificate of any user, such as an administrator",
        severity: Severity::High,
        of_cluster: true,
        requests: &[(
            "certificates.k8s.io",
            "certificatesigningrequests",
            "approval",
            &["update", "patch"],
        )],
        names: &[],
    },
    Power {
        what: "answer for API groups",
        why: "answers requests of administrators and controllers, and sees their tokens",
        severity: Severity::High,
        of_cluster: true,
        requests: &[("apiregistration.k8s.io", "apiservices", "", WRITE)],
        names: &[],
    },
    Power {
        what: "create PersistentVolumes",
        why: "makes a volume of any directory of a node, past Pod Security",
        severity: Severity::High,
        of_cluster: true,
        requests: &[("", "persistentvolumes", "", &["create"])],
        names: &[],
    },
    Power {
        what: "change kinds of objects",
        why: "has the API server send them every object of a kind to convert it, and changes each",
        severity: Severity::Medium,
        of_cluster: true,
        requests: &[(
            "apiextensions.k8s.io",
            "customresourcedefinitions",
            "",
            &["create", "update", "patch"],
        )],
        names: &[],
    },
    Power {
        what: "change namespaces",
        why: "lifts Pod Security from a namespace, and joins it to network policies, by its labels",
        severity: Severity::Medium,
        of_cluster: false,
        requests: &[("", "namespaces", "", &["update", "patch"])],
        names: &[],
    },
    Power {
        what: "add and change nodes",
        why: "moves pods to a node of their own by labels and taints",
        severity: Severity::Medium,
        of_cluster: true,
        requests: &[("", "nodes", "", &["create", "update", "patch"])],
        names: &[],
    },
    Power {
        what: "switch off admission policies",
        why: "removes the checks that would stop the next step",
        severity: Severity::Medium,
        of_cluster: true,
        requests: &[
            (WEBHOOKS, "validatingadmissionpolicies", "", REMOVE),
            (WEBHOOKS, "validatingadmissionpolicybindings", "", REMOVE),
            (WEBHOOKS, "validatingwebhookconfigurations", "", &["delete", "deletecollection"]),
        ],
        names: &[],
    },
    Power {
        what: "remove network policies",
        why: "opens the way to every pod",
        severity: Severity::Medium,
        of_cluster: false,
        requests: &[("networking.k8s.io", "networkpolicies", "", REMOVE)],
        names: &[],
    },
];

/// Right to all that the API server serves beside objects.
static PATHS: Power = Power {
    what: "read what the API server serves beside objects",
    why: "reads the logs and profiles of the API server, and slows it down with them",
    severity: Severity::Medium,
    of_cluster: true,
    requests: &[],
    names: &[],
};

/// The certificates that let a client of the API server be any user, or any node.
const SIGNERS: &[&str] = &[
    "kubernetes.io/kube-apiserver-client",
    "kubernetes.io/kube-apiserver-client-kubelet",
    "kubernetes.io/legacy-unknown",
    "kubernetes.io/*",
];

/// A power of a role, with the rule that gives it and what is allowed, as `verb resource`.
pub(super) struct Held<'g> {
    pub(super) power: &'static Power,
    pub(super) permission: &'g Permission,
    pub(super) allowed: Vec<String>,
}

/// The powers of a role, the worst first.
pub(super) fn powers_of(role: &ResolvedRole) -> Vec<Held<'_>> {
    POWERS.iter().filter_map(|power| held(role, power)).chain(paths(role)).collect()
}

fn paths(role: &ResolvedRole) -> Option<Held<'_>> {
    role.permissions.iter().find_map(|permission| {
        let allowed = vec![format!("{} all paths", permission.verb_on_all_urls()?)];
        Some(Held { power: &PATHS, permission, allowed })
    })
}

fn held<'g>(role: &'g ResolvedRole, power: &'static Power) -> Option<Held<'g>> {
    let mut first = None;
    let mut allowed = Vec::new();
    for request in requests(power) {
        let Some(permission) = role.allowing(&request).or_else(|| by_name(role, power, &request))
        else {
            continue;
        };
        first.get_or_insert(permission);
        allowed.push(request.to_string());
    }
    let permission = first?;
    if power.what.contains("certificates") && !signs_for_the_api_server(role) {
        return None;
    }
    Some(Held { power, permission, allowed })
}

fn requests(power: &Power) -> impl Iterator<Item = Request<'static>> {
    power.requests.iter().flat_map(|&(group, resource, subresource, verbs)| {
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

fn by_name<'g>(
    role: &'g ResolvedRole,
    power: &'static Power,
    request: &Request<'static>,
) -> Option<&'g Permission> {
    power.names.iter().find_map(|name| role.allowing(&Request { name: Some(name), ..*request }))
}

/// Whether a role may approve for a signer whose certificates the API server trusts.
fn signs_for_the_api_server(role: &ResolvedRole) -> bool {
    let request = |name| Request {
        verb: "approve",
        group: "certificates.k8s.io",
        resource: "signers",
        subresource: "",
        namespace: None,
        name,
    };
    role.allowing(&request(None)).is_some()
        || SIGNERS.iter().any(|signer| role.allowing(&request(Some(signer))).is_some())
}
