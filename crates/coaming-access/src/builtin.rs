//! The roles that every cluster has, as far as they let anyone read Secrets or act through pods,
//! volumes and certificates: bindings refer to them, but their objects are rarely part of the
//! input.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use crate::{Permission, RoleName};

/// The roles that others are aggregated to, and the labels that ask for it: what is labeled for
/// `view` is also part of `edit` and `admin`.
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

/// Roles that let nobody read Secrets or become a user that can.
const HARMLESS: &[&str] = &[
    "view",
    // Nodes read what their own pods use, through another authorizer.
    "system:node",
    "system:auth-delegator",
    "system:basic-user",
    "system:discovery",
    "system:heapster",
    "system:kube-aggregator",
    "system:kube-dns",
    "system:monitoring",
    "system:node-problem-detector",
    "system:node-proxier",
    "system:public-info-viewer",
    "system:service-account-issuer-discovery",
    "system:volume-scheduler",
];

/// Harmless roles of namespace `kube-system`.
const HARMLESS_IN_SYSTEM: &[&str] =
    &["extension-apiserver-authentication-reader", "system::leader-locking-kube-scheduler"];

/// The roles for people and for the controllers that see Secrets, with their rules. Rules that do
/// not matter for Secrets are left out.
pub(crate) fn roles() -> &'static BTreeMap<RoleName, Vec<Arc<Permission>>> {
    static ROLES: LazyLock<BTreeMap<RoleName, Vec<Arc<Permission>>>> = LazyLock::new(all);
    &ROLES
}

fn all() -> BTreeMap<RoleName, Vec<Arc<Permission>>> {
    let everything = || vec![Permission::built_in(&["*"], &["*"], &["*"])];
    let read = || vec![Permission::built_in(&["*"], &["*"], READ)];
    let mut admin = edit();
    admin.push(Permission::built_in(
        &["rbac.authorization.k8s.io"],
        &["rolebindings", "roles"],
        &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
    ));
    let relevant = [
        ("cluster-admin", everything()),
        ("admin", admin),
        ("edit", edit()),
        ("system:kubelet-api-admin", vec![Permission::built_in(&[""], &["nodes/proxy"], &["*"])]),
        ("system:kube-controller-manager", controller_manager()),
        (
            "system:persistent-volume-provisioner",
            vec![Permission::built_in(
                &[""],
                &["persistentvolumes"],
                &["create", "delete", "get", "list", "watch"],
            )],
        ),
        (
            "system:node-bootstrapper",
            vec![Permission::built_in(
                &["certificates.k8s.io"],
                &["certificatesigningrequests"],
                &["create", "get", "list", "watch"],
            )],
        ),
        ("system:controller:generic-garbage-collector", read()),
        ("system:controller:namespace-controller", read()),
        ("system:controller:resourcequota-controller", read()),
    ];
    let harmless = HARMLESS.iter().map(|name| (RoleName::new(None, name), Vec::new()));
    let in_system = HARMLESS_IN_SYSTEM
        .iter()
        .map(|name| (RoleName::new(Some("kube-system"), name), Vec::new()));
    relevant
        .into_iter()
        .map(|(name, permissions)| {
            (RoleName::new(None, name), permissions.into_iter().map(Arc::new).collect())
        })
        .chain(harmless)
        .chain(in_system)
        .collect()
}

fn edit() -> Vec<Permission> {
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
        Permission::built_in(&[""], &["pods/portforward", "services/proxy"], READ),
        Permission::built_in(&[""], &["services/proxy", "persistentvolumeclaims"], WRITE),
        Permission::built_in(&[""], &["pods/log", "persistentvolumeclaims"], READ),
        Permission::built_in(&["networking.k8s.io"], &["ingresses", "networkpolicies"], WRITE),
    ]
}

fn controller_manager() -> Vec<Permission> {
    vec![
        Permission::built_in(&[""], &["secrets", "serviceaccounts"], &["create", "get", "update"]),
        Permission::built_in(&[""], &["serviceaccounts/token"], &["create"]),
        Permission::built_in(&["*"], &["*"], &["list", "watch"]),
    ]
}
