//! The kinds of Kubernetes' own API, and those that CustomResourceDefinitions add.

use coaming_kube::{Fields as _, Object, World};

/// Kubernetes' kinds by group: `kind` in a namespace, `kind*` without one. `=` names the resource
/// where it is not the lower-case plural.
const BUILT_IN: &[(&str, &str)] = &[
    (
        "",
        "Binding ComponentStatus* ConfigMap Endpoints=endpoints Event LimitRange Namespace* Node* \
         PersistentVolume* PersistentVolumeClaim Pod PodTemplate ReplicationController \
         ResourceQuota Secret Service ServiceAccount",
    ),
    (
        "admissionregistration.k8s.io",
        "MutatingAdmissionPolicy* MutatingAdmissionPolicyBinding* MutatingWebhookConfiguration* \
         ValidatingAdmissionPolicy* ValidatingAdmissionPolicyBinding* \
         ValidatingWebhookConfiguration*",
    ),
    ("apiextensions.k8s.io", "CustomResourceDefinition*"),
    ("apiregistration.k8s.io", "APIService*"),
    ("apps", "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet"),
    ("authentication.k8s.io", "SelfSubjectReview* TokenReview* TokenRequest"),
    (
        "authorization.k8s.io",
        "LocalSubjectAccessReview SelfSubjectAccessReview* SelfSubjectRulesReview* \
         SubjectAccessReview*",
    ),
    ("autoscaling", "HorizontalPodAutoscaler Scale"),
    ("batch", "CronJob Job"),
    ("certificates.k8s.io", "CertificateSigningRequest* ClusterTrustBundle* PodCertificateRequest"),
    ("coordination.k8s.io", "Lease LeaseCandidate"),
    ("discovery.k8s.io", "EndpointSlice"),
    ("events.k8s.io", "Event"),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema* PriorityLevelConfiguration*"),
    ("extensions", "DaemonSet Deployment Ingress NetworkPolicy PodSecurityPolicy* ReplicaSet"),
    ("internal.apiserver.k8s.io", "StorageVersion*"),
    (
        "networking.k8s.io",
        "IPAddress*=ipaddresses Ingress IngressClass* NetworkPolicy ServiceCIDR*",
    ),
    ("node.k8s.io", "RuntimeClass*"),
    ("policy", "Eviction PodDisruptionBudget PodSecurityPolicy*"),
    ("rbac.authorization.k8s.io", "ClusterRole* ClusterRoleBinding* Role RoleBinding"),
    (
        "resource.k8s.io",
        "DeviceClass* DeviceTaintRule* ResourceClaim ResourceClaimTemplate ResourceSlice*",
    ),
    ("scheduling.k8s.io", "PriorityClass* Workload"),
    (
        "storage.k8s.io",
        "CSIDriver* CSINode* CSIStorageCapacity=csistoragecapacities StorageClass* \
         VolumeAttachment* VolumeAttributesClass*",
    ),
    ("storagemigration.k8s.io", "StorageVersionMigration*"),
];

/// A kind of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiKind {
    pub(crate) resource: String,
    pub(crate) namespaced: bool,
}

fn built_in(group: &str, kind: &str) -> Option<ApiKind> {
    let (_, words) = BUILT_IN.iter().find(|(own, _)| *own == group)?;
    words.split_whitespace().find_map(|word| {
        let (name, resource) = word.split_once('=').unwrap_or((word, ""));
        let plain = name.trim_end_matches('*');
        (plain == kind).then(|| ApiKind {
            resource: if resource.is_empty() { plural(kind) } else { resource.to_owned() },
            namespaced: plain == name,
        })
    })
}

/// The kinds of Kubernetes' own API.
pub(crate) fn built_in_kinds() -> impl Iterator<Item = &'static str> {
    let words = BUILT_IN.iter().flat_map(|(_, words)| words.split_whitespace());
    words.map(|word| word.split(['*', '=']).next().unwrap_or(word))
}

/// The kind of Kubernetes' own API that a group serves as this resource; `None` if the group is not
/// one of Kubernetes' own.
pub(crate) fn built_in_kind(group: &str, resource: &str) -> Option<Option<&'static str>> {
    let (group, words) = BUILT_IN.iter().find(|(own, _)| *own == group)?;
    let names = words.split_whitespace().map(|word| word.split(['*', '=']).next().unwrap_or(word));
    let mut names =
        names.filter(|name| built_in(group, name).is_some_and(|it| it.resource == resource));
    Some(names.next())
}

/// The kinds that the definitions in a world add.
pub(crate) fn defined_kinds(world: &World) -> impl Iterator<Item = &str> {
    definitions(world).filter_map(|definition| definition.spec().mapping("names").string("kind"))
}

fn definitions(world: &World) -> impl Iterator<Item = Object<'_>> {
    world
        .of_kind("CustomResourceDefinition")
        .filter(|object| object.group() == "apiextensions.k8s.io")
}

/// What is known of a kind; without a definition, a guess by its name.
pub(crate) fn of(worlds: &[&World], group: &str, kind: &str) -> ApiKind {
    let defined = worlds.iter().flat_map(|world| definitions(world)).find_map(|definition| {
        let spec = definition.spec();
        let names = spec.mapping("names");
        let is_it = spec.string("group") == Some(group) && names.string("kind") == Some(kind);
        is_it.then(|| ApiKind {
            resource: names.string("plural").map_or_else(|| plural(kind), str::to_owned),
            namespaced: spec.string("scope") != Some("Cluster"),
        })
    });
    built_in(group, kind)
        .or(defined)
        .unwrap_or_else(|| ApiKind { resource: plural(kind), namespaced: true })
}

/// The groups and versions that serve a kind: objects of one are those of all.
pub(crate) fn equivalents(worlds: &[&World], group: &str, kind: &str) -> Vec<(String, String)> {
    let built_in: &[(&str, &str)] = match (group, kind) {
        ("autoscaling", "HorizontalPodAutoscaler") => {
            &[("autoscaling", "v1"), ("autoscaling", "v2")]
        }
        ("" | "events.k8s.io", "Event") => &[("", "v1"), ("events.k8s.io", "v1")],
        _ => &[],
    };
    if !built_in.is_empty() {
        let owned = |(group, version): &(&str, &str)| ((*group).to_owned(), (*version).to_owned());
        return built_in.iter().map(owned).collect();
    }
    // Most kinds are not custom ones: only those search for a definition.
    if BUILT_IN.iter().any(|(own, _)| *own == group) {
        return Vec::new();
    }
    let defined = worlds.iter().flat_map(|world| definitions(world)).filter(|definition| {
        let spec = definition.spec();
        spec.string("group") == Some(group) && spec.mapping("names").string("kind") == Some(kind)
    });
    defined
        .flat_map(|definition| definition.spec().list("versions"))
        .filter(|version| version.boolean("served") != Some(false))
        .filter_map(|version| Some((group.to_owned(), version.string("name")?.to_owned())))
        .collect()
}

/// The resource that a kind is usually served as: `Ingress` as `ingresses`.
fn plural(kind: &str) -> String {
    let lower = kind.to_ascii_lowercase();
    if lower.ends_with('s') || lower.ends_with('x') || lower.ends_with("ch") {
        return format!("{lower}es");
    }
    match lower.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{lower}s"),
    }
}
