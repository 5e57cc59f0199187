//! The kinds of Kubernetes' own API groups, to recognize a kind or group that is misspelt.

use coaming_text::nearest;

use crate::Object;

/// A group with its versions, the newest first, and its kinds, also those of the past: a removed version is not a
/// misspelt one.
struct Group {
    name: &'static str,
    versions: &'static [&'static str],
    kinds: &'static [&'static str],
}

const V1: &[&str] = &["v1"];
const TO_V1: &[&str] = &["v1", "v1beta1", "v1alpha1"];
const ANY: &[&str] =
    &["v1", "v1beta1", "v1beta2", "v1beta3", "v1alpha1", "v1alpha2", "v1alpha3", "v2alpha1"];

static GROUPS: &[Group] = &[
    Group {
        name: "",
        versions: V1,
        kinds: &[
            "Binding",
            "ComponentStatus",
            "ConfigMap",
            "Endpoints",
            "Event",
            "LimitRange",
            "List",
            "Namespace",
            "Node",
            "PersistentVolume",
            "PersistentVolumeClaim",
            "Pod",
            "PodTemplate",
            "ReplicationController",
            "ResourceQuota",
            "Secret",
            "Service",
            "ServiceAccount",
            "Status",
        ],
    },
    Group {
        name: "apps",
        versions: &["v1", "v1beta1", "v1beta2"],
        kinds: &["ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"],
    },
    Group {
        name: "batch",
        versions: &["v1", "v1beta1", "v2alpha1"],
        kinds: &["CronJob", "Job", "ScheduledJob"],
    },
    Group {
        name: "autoscaling",
        versions: &["v2", "v1", "v2beta1", "v2beta2"],
        kinds: &["HorizontalPodAutoscaler", "Scale"],
    },
    Group {
        name: "policy",
        versions: &["v1", "v1beta1"],
        kinds: &["Eviction", "PodDisruptionBudget", "PodSecurityPolicy"],
    },
    Group {
        name: "networking.k8s.io",
        versions: TO_V1,
        kinds: &[
            "ClusterCIDR",
            "IPAddress",
            "Ingress",
            "IngressClass",
            "NetworkPolicy",
            "ServiceCIDR",
        ],
    },
    Group {
        name: "rbac.authorization.k8s.io",
        versions: TO_V1,
        kinds: &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
    },
    Group {
        name: "storage.k8s.io",
        versions: TO_V1,
        kinds: &[
            "CSIDriver",
            "CSINode",
            "CSIStorageCapacity",
            "StorageClass",
            "VolumeAttachment",
            "VolumeAttributesClass",
        ],
    },
    Group {
        name: "scheduling.k8s.io",
        versions: ANY,
        kinds: &["PodGroup", "PriorityClass", "Workload"],
    },
    Group { name: "coordination.k8s.io", versions: ANY, kinds: &["Lease", "LeaseCandidate"] },
    Group {
        name: "admissionregistration.k8s.io",
        versions: TO_V1,
        kinds: &[
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    },
    Group {
        name: "apiextensions.k8s.io",
        versions: TO_V1,
        kinds: &["ConversionReview", "CustomResourceDefinition"],
    },
    Group { name: "apiregistration.k8s.io", versions: TO_V1, kinds: &["APIService"] },
    Group { name: "discovery.k8s.io", versions: TO_V1, kinds: &["EndpointSlice"] },
    Group { name: "node.k8s.io", versions: TO_V1, kinds: &["RuntimeClass"] },
    Group {
        name: "extensions",
        versions: &["v1beta1"],
        kinds: &[
            "DaemonSet",
            "Deployment",
            "Ingress",
            "Job",
            "NetworkPolicy",
            "PodSecurityPolicy",
            "ReplicaSet",
            "Scale",
            "ThirdPartyResource",
        ],
    },
];

/// Why the API server knows no such kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KindProblem {
    /// The group has no such kind; it probably means this one.
    Kind(&'static str),
    /// The kind is in another group.
    Group {
        /// The group; empty for the core group.
        group: &'static str,
        /// Its newest version.
        version: &'static str,
        /// The kind.
        kind: &'static str,
    },
    /// The group has no such version; it has this one.
    Version(&'static str),
}

/// What is wrong with an object's kind or API version; `None` where both are right, or may be those
/// of a custom resource.
#[must_use]
pub fn kind_problem(object: Object<'_>) -> Option<KindProblem> {
    let kind = object.kind();
    let (name, version) =
        object.api_version().split_once('/').unwrap_or(("", object.api_version()));
    let item = kind.strip_suffix("List").filter(|item| !item.is_empty()).unwrap_or(kind);
    if let Some(group) = GROUPS.iter().find(|group| group.name == name) {
        if !group.kinds.contains(&item) && !group.kinds.contains(&kind) {
            return misspelt(group, kind);
        }
        let newest = group.versions.first()?;
        return (!group.versions.contains(&version)).then_some(KindProblem::Version(newest));
    }
    // The group of a custom resource has a dot.
    let is_near = !name.contains('.') || name.ends_with(".k8s") || name.ends_with(".k8s.i");
    group_of(kind).filter(|_| is_near)
}

/// The problem of a kind that its group does not have.
fn misspelt(group: &'static Group, kind: &str) -> Option<KindProblem> {
    if let Some(other) = group_of(kind) {
        return Some(other);
    }
    // Other programs have files of `v1`: only a small difference is a mistake.
    let is_like = |known: &&&str| {
        known.eq_ignore_ascii_case(kind)
            || kind.len() > 3
                && kind.len().abs_diff(known.len()) <= 2
                && nearest(kind, [**known]).is_some()
    };
    group.kinds.iter().find(is_like).map(|known| KindProblem::Kind(known))
}

/// The API version of a kind of any group.
fn group_of(kind: &str) -> Option<KindProblem> {
    GROUPS.iter().find_map(|group| {
        let kind = group.kinds.iter().find(|known| **known == kind)?;
        let version = group.versions.first()?;
        Some(KindProblem::Group { group: group.name, version, kind })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ObjectId, SourceId};

    fn problem(api_version: &str, kind: &str) -> Option<KindProblem> {
        let text = format!("apiVersion: {api_version}\nkind: {kind}\n");
        let document = coaming_yaml::parse(text.as_str().into()).documents.remove(0);
        kind_problem(Object::new(ObjectId::new(SourceId::new(0), 0), 0, document.root()))
    }

    fn group(group: &'static str, kind: &'static str) -> Option<KindProblem> {
        Some(KindProblem::Group { group, version: "v1", kind })
    }

    #[test]
    fn misspelt_kinds_and_groups_are_found() {
        assert_eq!(problem("v1", "pod"), Some(KindProblem::Kind("Pod")));
        assert_eq!(problem("v1", "Pods"), Some(KindProblem::Kind("Pod")));
        assert_eq!(problem("apps/v1", "Deploymnet"), Some(KindProblem::Kind("Deployment")));
        assert_eq!(problem("apps/v1", "deployment"), Some(KindProblem::Kind("Deployment")));
        assert_eq!(problem("v1", "Deployment"), group("apps", "Deployment"));
        assert_eq!(problem("app/v1", "Deployment"), group("apps", "Deployment"));
        assert_eq!(problem("apps/v2", "Deployment"), Some(KindProblem::Version("v1")));
        assert_eq!(problem("apps/v1", "Pod"), group("", "Pod"));
    }

    #[test]
    fn other_kinds_are_left_alone() {
        for (version, kind) in [
            ("v1", "Pod"),
            ("v1", "PodList"),
            ("v1", "List"),
            ("v1", "Config"),
            ("v1", "Template"),
            ("v1", "DeploymentConfig"),
            ("v1", "Route"),
            ("apps/v1beta1", "Deployment"),
            ("extensions/v1beta1", "Ingress"),
            ("serving.knative.dev/v1", "Service"),
            ("skaffold/v4beta6", "Config"),
            ("networking.istio.io/v1", "Gateway"),
            ("events.k8s.io/v1", "Event"),
            ("policy/v1", "PodDisruptionBudget"),
        ] {
            assert_eq!(problem(version, kind), None, "{version} {kind}");
        }
    }
}
