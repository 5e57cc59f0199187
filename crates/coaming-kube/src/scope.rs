//! Which kinds are in no namespace.
//!
//! Files do not say it: only the API server knows the scope of a kind for certain. Kubernetes' own
//! kinds are listed here; of custom kinds, those that say it by their names, and the best known ones.

/// Kubernetes' kinds that are in no namespace, with their API groups, and well-known custom ones.
const CLUSTER_WIDE: &[(&str, &[&str])] = &[
    ("", &["ComponentStatus", "Namespace", "Node", "PersistentVolume"]),
    (
        "admissionregistration.k8s.io",
        &[
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    ("apiextensions.k8s.io", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", &["APIService"]),
    ("certificates.k8s.io", &["CertificateSigningRequest"]),
    ("flowcontrol.apiserver.k8s.io", &["FlowSchema", "PriorityLevelConfiguration"]),
    ("networking.k8s.io", &["IPAddress", "IngressClass", "ServiceCIDR"]),
    ("node.k8s.io", &["RuntimeClass"]),
    ("policy", &["PodSecurityPolicy"]),
    ("rbac.authorization.k8s.io", &["ClusterRole", "ClusterRoleBinding"]),
    ("resource.k8s.io", &["DeviceClass", "DeviceTaintRule", "ResourceSlice"]),
    ("scheduling.k8s.io", &["PriorityClass"]),
    (
        "storage.k8s.io",
        &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"],
    ),
    ("storagemigration.k8s.io", &["StorageVersionMigration"]),
    ("policy.networking.k8s.io", &["AdminNetworkPolicy", "BaselineAdminNetworkPolicy"]),
    ("gateway.networking.k8s.io", &["GatewayClass"]),
    ("snapshot.storage.k8s.io", &["VolumeSnapshotClass", "VolumeSnapshotContent"]),
    ("security.openshift.io", &["SecurityContextConstraints"]),
    ("templates.gatekeeper.sh", &["ConstraintTemplate"]),
    ("crd.projectcalico.org", &["GlobalNetworkPolicy", "GlobalNetworkSet"]),
    ("projectcalico.org", &["GlobalNetworkPolicy", "GlobalNetworkSet"]),
    ("cilium.io", &["CiliumClusterwideNetworkPolicy"]),
];

/// Whether the objects of a kind are in no namespace.
pub(crate) fn is_cluster_wide(group: &str, kind: &str) -> bool {
    let is_listed =
        CLUSTER_WIDE.iter().any(|(known, kinds)| *known == group && kinds.contains(&kind));
    let is_custom = group.contains('.') && !group.ends_with(".k8s.io");
    is_listed || (is_custom && kind.starts_with("Cluster") && kind != "Cluster")
}

#[cfg(test)]
mod tests {
    use super::is_cluster_wide;

    #[test]
    fn kinds_without_a_namespace_are_known() {
        assert!(is_cluster_wide("", "Namespace"));
        assert!(is_cluster_wide("rbac.authorization.k8s.io", "ClusterRole"));
        assert!(is_cluster_wide("cert-manager.io", "ClusterIssuer"));
        assert!(!is_cluster_wide("rbac.authorization.k8s.io", "Role"));
        assert!(!is_cluster_wide("cluster.x-k8s.io", "Cluster"));
        assert!(!is_cluster_wide("apps", "Deployment"));
    }
}
