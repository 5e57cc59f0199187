//! Which kinds are followed: the least that rules about workloads read, and what leads to workloads from
//! outside.

use coaming_cluster::Wanted;

/// The kinds of Kubernetes that are followed, by API group and resource. The role in the chart gives
/// the right to list and to watch exactly these; a test compares the two.
pub const FOLLOWED: &[(&str, &[(&str, &str)])] = &[
    (
        "",
        &[
            // Workloads refer to them: token uses of agents, rights, ports, directories of nodes.
            ("ConfigMap", "configmaps"),
            ("Namespace", "namespaces"),
            ("Node", "nodes"),
            ("PersistentVolume", "persistentvolumes"),
            ("PersistentVolumeClaim", "persistentvolumeclaims"),
            ("Pod", "pods"),
            ("PodTemplate", "podtemplates"),
            ("ReplicationController", "replicationcontrollers"),
            ("Service", "services"),
            ("ServiceAccount", "serviceaccounts"),
        ],
    ),
    (
        "apps",
        &[
            ("DaemonSet", "daemonsets"),
            ("Deployment", "deployments"),
            ("ReplicaSet", "replicasets"),
            ("StatefulSet", "statefulsets"),
        ],
    ),
    ("batch", &[("CronJob", "cronjobs"), ("Job", "jobs")]),
    ("networking.k8s.io", &[("Ingress", "ingresses"), ("NetworkPolicy", "networkpolicies")]),
    (
        "rbac.authorization.k8s.io",
        &[
            ("ClusterRole", "clusterroles"),
            ("ClusterRoleBinding", "clusterrolebindings"),
            ("Role", "roles"),
            ("RoleBinding", "rolebindings"),
        ],
    ),
];

/// The kinds of Kubernetes that are followed where it is allowed.
const OPTIONAL: &[(&str, &str)] = &[("", "Secret")];

/// API groups of Kubernetes with custom resources that lead in from outside, or that keep others out.
const OPTIONAL_GROUPS: &[&str] = &["gateway.networking.k8s.io", "policy.networking.k8s.io"];

/// Whether a kind is followed. Custom resources may describe pods.
pub(crate) fn wanted(group: &str, kind: &str) -> Wanted {
    let is_listed = FOLLOWED
        .iter()
        .any(|(own, kinds)| *own == group && kinds.iter().any(|(name, _)| *name == kind));
    // Groups of Kubernetes itself have no dot, or end with its domain.
    let is_custom =
        group.contains('.') && !group.ends_with(".k8s.io") || OPTIONAL_GROUPS.contains(&group);
    if is_listed {
        Wanted::Yes
    } else if is_custom || OPTIONAL.contains(&(group, kind)) {
        Wanted::IfAllowed
    } else {
        Wanted::No
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_needed_is_wanted() {
        assert_eq!(wanted("apps", "Deployment"), Wanted::Yes);
        assert_eq!(wanted("", "Secret"), Wanted::IfAllowed);
        assert_eq!(wanted("argoproj.io", "Rollout"), Wanted::IfAllowed);
        assert_eq!(wanted("gateway.networking.k8s.io", "HTTPRoute"), Wanted::IfAllowed);
        for (group, kind) in
            [("", "LimitRange"), ("storage.k8s.io", "StorageClass"), ("apps", "Pod")]
        {
            assert_eq!(wanted(group, kind), Wanted::No, "{group} {kind}");
        }
    }
}
