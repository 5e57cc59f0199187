//! The roles that every cluster has, as far as they let somebody read Secrets: a binding names them,
//! but their objects are seldom at hand.

use crate::role::{Permission, ResolvedRole, RoleKey, RoleSource};

/// The roles that others are aggregated to, and the labels by which these ask for it: who asks for
/// `view` is part of `edit`, and so on.
pub(crate) const AGGREGATED: &[(&str, &[&str])] = &[
    ("view", &[TO_VIEW]),
    ("edit", &[TO_VIEW, TO_EDIT]),
    ("admin", &[TO_VIEW, TO_EDIT, TO_ADMIN]),
];

const TO_VIEW: &str = "rbac.authorization.k8s.io/aggregate-to-view";
const TO_EDIT: &str = "rbac.authorization.k8s.io/aggregate-to-edit";
const TO_ADMIN: &str = "rbac.authorization.k8s.io/aggregate-to-admin";

const READ: &[&str] = &["get", "list", "watch"];
const WRITE: &[&str] = &["create", "delete", "deletecollection", "patch", "update"];

/// Roles that don't let anybody read Secrets, or become somebody who can.
const HARMLESS: &[&str] = &[
    "view",
    // Its holders read what their own pods use, by another authorizer.
    "system:node",
    "system:auth-delegator",
    "system:basic-user",
    "system:certificates.k8s.io:kube-apiserver-client-kubelet-approver",
    "system:discovery",
    "system:heapster",
    "system:kube-aggregator",
    "system:kube-dns",
    "system:monitoring",
    "system:node-bootstrapper",
    "system:node-problem-detector",
    "system:node-proxier",
    "system:persistent-volume-provisioner",
    "system:public-info-viewer",
    "system:service-account-issuer-discovery",
    "system:volume-scheduler",
];

/// Roles of namespace `kube-system` that don't either.
const HARMLESS_IN_SYSTEM: &[&str] =
    &["extension-apiserver-authentication-reader", "system::leader-locking-kube-scheduler"];

/// The roles for people and the controllers that see Secrets. Rules without a bearing on Secrets are
/// left out.
pub(crate) fn roles() -> Vec<(RoleKey<'static>, ResolvedRole<'static>)> {
    let all = || vec![Permission::built_in(&["*"], &["*"], &["*"])];
    let read = || vec![Permission::built_in(&["*"], &["*"], READ)];
    let mut admin = edit();
    admin.push(Permission::built_in(
        &["rbac.authorization.k8s.io"],
        &["rolebindings", "roles"],
        &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
    ));
    let telling = [
        ("cluster-admin", all()),
        ("admin", admin),
        ("edit", edit()),
        ("system:kubelet-api-admin", vec![Permission::built_in(&[""], &["nodes/proxy"], &["*"])]),
        ("system:kube-controller-manager", controller_manager()),
        ("system:controller:generic-garbage-collector", read()),
        ("system:controller:namespace-controller", read()),
        ("system:controller:resourcequota-controller", read()),
    ];
    let harmless = HARMLESS.iter().map(|name| ((None, *name), Vec::new()));
    let of_system =
        HARMLESS_IN_SYSTEM.iter().map(|name| ((Some("kube-system"), *name), Vec::new()));
    telling
        .into_iter()
        .map(|(name, permissions)| ((None, name), permissions))
        .chain(harmless)
        .chain(of_system)
        .map(|(key, permissions)| {
            (key, ResolvedRole { source: RoleSource::BuiltIn(key.1), permissions })
        })
        .collect()
}

fn edit() -> Vec<Permission<'static>> {
    let pods = ["pods", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy"];
    let core = ["secrets", "serviceaccounts", "replicationcontrollers", "services", "configmaps"];
    let apps = ["daemonsets", "deployments", "replicasets", "statefulsets"];
    vec![
        Permission::built_in(&[""], &["pods/attach", "pods/exec", "pods/proxy", "secrets"], READ),
        Permission::built_in(&[""], &["serviceaccounts"], &["impersonate"]),
        Permission::built_in(&[""], &["serviceaccounts/token"], &["create"]),
        Permission::built_in(&[""], &pods, WRITE),
        Permission::built_in(&[""], &core, WRITE),
        Permission::built_in(&["apps"], &apps, WRITE),
        Permission::built_in(&["batch"], &["cronjobs", "jobs"], WRITE),
    ]
}

fn controller_manager() -> Vec<Permission<'static>> {
    vec![
        Permission::built_in(&[""], &["secrets", "serviceaccounts"], &["create", "get", "update"]),
        Permission::built_in(&[""], &["serviceaccounts/token"], &["create"]),
        Permission::built_in(&["*"], &["*"], &["list", "watch"]),
    ]
}
