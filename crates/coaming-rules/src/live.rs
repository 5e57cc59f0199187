//! What is different about the objects of a live cluster: controllers repeat what they were given,
//! the distribution has objects of its own, and Helm owns what it installed.
//!
//! Invariants: files are judged as before, as a person or a chart wrote them; a problem that is only
//! in the copy that a controller made (an admission webhook added a container) is kept, once for
//! all copies.

use std::borrow::Cow;
use std::collections::BTreeSet;

use coaming_finding::{Category, Finding, ObjectRef};
use coaming_kube::{Fields as _, Object, ObjectKey, Origin, World};
use coaming_yaml::Step;

use crate::rules::phrases;
use crate::rules::secrets::{LAST_APPLIED, SECRET_RULES};

/// Drops what is not the user's to change, and reports what controllers repeat once.
pub fn settle(world: &World, findings: &mut Vec<Finding>) {
    let has_controlled = world.has_controlled();
    let is_live = world.sources().any(|(_, source)| source.origin == Origin::Cluster);
    if has_controlled {
        report_once(world, findings);
    }
    if is_live {
        leave_out_applied(findings);
        findings.retain_mut(|finding| {
            let Some(object) = object_of(world, finding) else { return true };
            if is_going(object) {
                return false;
            }
            let owner = world.top_owner(object);
            if finding.rule.category != Category::Cluster && is_provided(world, owner) {
                return false;
            }
            name_release(owner, finding);
            true
        });
    }
}

/// The objects that come with the distribution, and that nobody has changed: they are not judged.
pub fn provided(world: &World) -> impl Iterator<Item = Object<'_>> {
    let workloads = world.workloads().map(|workload| workload.object);
    workloads.filter(|object| is_provided(world, *object))
}

/// The rule that reports copies in annotations.
const ANNOTATION: &str = "plain-secret-annotation";

/// Drops what is only a copy that `kubectl apply` keeps of a secret that the object has elsewhere: the
/// next `apply` without the secret removes both.
fn leave_out_applied(findings: &mut Vec<Finding>) {
    let is_applied = |finding: &Finding| {
        let last = finding.locations.first().and_then(|location| location.path.last());
        matches!(last, Some(Step::Key(name)) if &**name == LAST_APPLIED)
    };
    let has_secret = |finding: &Finding| SECRET_RULES.contains(&finding.rule.id.as_str());
    let objects: BTreeSet<ObjectRef> = findings
        .iter()
        .filter(|finding| has_secret(finding) && finding.rule.id != *ANNOTATION)
        .filter_map(|finding| finding.object.clone())
        .collect();
    findings.retain(|finding| {
        !is_applied(finding) || finding.object.as_ref().is_none_or(|it| !objects.contains(it))
    });
}

fn object_of<'w>(world: &'w World, finding: &Finding) -> Option<Object<'w>> {
    let object = finding.object.as_ref()?;
    let source = finding.locations.first()?.source?;
    let group = object.api_version.split_once('/').map_or("", |(group, _)| group);
    let namespace = if object.namespace.is_empty() { "default" } else { &object.namespace };
    let key = ObjectKey {
        group: group.to_owned(),
        kind: object.kind.clone(),
        namespace: namespace.to_owned(),
        name: object.name.clone(),
    };
    // By name, not by looking through the source: a cluster is one source.
    world.all(&key).find(|other| other.source() == source)
}

/// What makes two findings about what one controller made the same: the name of the controller,
/// which may be gone, the rule, the container and the message.
type Repeated = ((String, String, String), String, Option<String>, String);

/// The controllers that make objects of one template.
const REPEATING: &[&str] = &[
    "CronJob",
    "DaemonSet",
    "Deployment",
    "Job",
    "ReplicaSet",
    "ReplicationController",
    "StatefulSet",
];

fn report_once(world: &World, findings: &mut Vec<Finding>) {
    let key = |finding: &Finding| -> Option<(Repeated, bool)> {
        let object = object_of(world, finding)?;
        let owner = world.top_owner(object);
        // The controller of the topmost known object may be unknown.
        let mut owners = owner.owners().into_iter();
        let unknown = owners.find(|(kind, _)| REPEATING.contains(kind));
        let is_owner = owner.id == object.id && unknown.is_none();
        let (kind, name) = unknown.unwrap_or((owner.kind(), owner.name()));
        let top = format!("{kind} `{name}`");
        let message = finding.message.replace(&phrases::object(object), &top);
        let owner = (owner.namespace().to_owned(), kind.to_owned(), name.to_owned());
        let rule = finding.rule.id.to_string();
        Some(((owner, rule, finding.container.clone(), message), is_owner))
    };
    let keys: Vec<_> = findings.iter().map(key).collect();
    let of_owners = keys.iter().flatten().filter(|(_, is_owner)| *is_owner);
    let mut known: BTreeSet<Repeated> = of_owners.map(|(key, _)| key.clone()).collect();
    let mut keys = keys.into_iter();
    findings.retain(|finding| match keys.next().flatten() {
        Some((_, true)) | None => true,
        Some((key, false)) => {
            let is_copy = object_of(world, finding).is_some_and(|object| world.is_copy(object));
            !is_copy && known.insert(key)
        }
    });
}

/// Whether an object is part of the distribution (the API server's mirror pod, kube-proxy, a
/// provider's add-on), and nobody has changed it.
#[must_use]
pub fn is_provided(world: &World, object: Object<'_>) -> bool {
    let is_live =
        world.source(object.source()).is_some_and(|source| source.origin == Origin::Cluster);
    is_live && (is_add_on(object) || is_made_by_kubernetes(object)) && !is_changed(object)
}

/// Workloads that installers put into `kube-system` without a label of their own.
const ADD_ONS: &[&str] = &[
    "aws-node",
    "azure-cns",
    "coredns",
    "coredns-autoscaler",
    "csi-azuredisk-node",
    "csi-azurefile-node",
    "ebs-csi-controller",
    "ebs-csi-node",
    "kindnet",
    "konnectivity-agent",
    "kube-dns",
    "kube-dns-autoscaler",
    "kube-proxy",
    "local-path-provisioner",
];

fn is_add_on(object: Object<'_>) -> bool {
    let labels = object.metadata().mapping("labels");
    let is_mirror = object.annotation("kubernetes.io/config.mirror").is_some();
    let is_in_system = object.namespace() == "kube-system";
    let has_label = labels.string("addonmanager.kubernetes.io/mode").is_some()
        || labels.string("kubernetes.io/cluster-service") == Some("true")
        || labels.string("kubernetes.azure.com/managedby") == Some("aks")
        || labels.string("eks.amazonaws.com/component").is_some();
    let is_of_k3s = object
        .annotation("objectset.rio.cattle.io/owner-gvk")
        .is_some_and(|owner| owner.starts_with("k3s.cattle.io/"));
    let has_annotation = object.annotation("components.gke.io/component-name").is_some()
        || object.annotation("components.gke.io/layer").is_some();
    let is_named = ADD_ONS.contains(&object.name())
        || labels.string("k8s-app").is_some_and(|name| ADD_ONS.contains(&name));
    is_of_k3s
        || has_annotation
        || (is_in_system && (is_mirror || has_label || is_named))
        // Proxies of nodes that are not started by a DaemonSet.
        || (is_in_system && labels.string("tier") == Some("node") && is_mirror)
}

/// Whether Kubernetes makes the object for itself, in every namespace.
fn is_made_by_kubernetes(object: Object<'_>) -> bool {
    match object.kind() {
        "ConfigMap" => {
            object.name() == "kube-root-ca.crt"
                || (object.namespace() == "kube-system"
                    && object.name() == "extension-apiserver-authentication")
        }
        "Namespace" => matches!(object.name(), "kube-system" | "kube-public" | "kube-node-lease"),
        "Service" | "Endpoints" => {
            object.name() == "kubernetes" && object.namespace_or_default() == "default"
        }
        _ => false,
    }
}

/// Whether the API server is deleting the object: nobody has to repair it.
#[must_use]
pub fn is_going(object: Object<'_>) -> bool {
    object.metadata().field("deletionTimestamp").is_some()
}

/// Whether a person has written to the object with `kubectl` or a dashboard. Installers use
/// `kubectl apply`, so that says nothing.
fn is_changed(object: Object<'_>) -> bool {
    const PEOPLE: &[&str] = &["kubectl-edit", "kubectl-patch", "kubectl-set", "k9s", "Lens"];
    object.managers().any(|manager| PEOPLE.contains(&manager))
}

/// Names the Helm release that an object is part of: a change of the object would be lost.
fn name_release(object: Object<'_>, finding: &mut Finding) {
    let Some(release) = object.annotation("meta.helm.sh/release-name") else { return };
    let namespace = object.annotation("meta.helm.sh/release-namespace").unwrap_or_default();
    let release =
        if namespace.is_empty() { release.to_owned() } else { format!("{namespace}/{release}") };
    finding.help = Cow::Owned(format!(
        "{} The object is part of the Helm release `{release}`: change its values or chart.",
        finding.help
    ));
}
