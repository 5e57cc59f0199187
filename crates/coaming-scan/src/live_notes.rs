//! What a live cluster does not show of itself, counted: an empty list of findings never stands for
//! missing data.

use std::collections::BTreeMap;

use coaming_finding::Note;
use coaming_kube::{Fields as _, Object, Origin, World};
use coaming_network::{Enforcement, enforcement};

/// Who runs the control plane, as its nodes show it, and where it shows the rest.
struct Provider {
    name: &'static str,
    /// How `spec.providerID` of a node begins.
    id: &'static str,
    /// A label that only its nodes have, and a part of the kubelet's version; either is enough.
    label: &'static str,
    version: &'static str,
    /// What cannot be seen from inside, and where the provider shows it.
    elsewhere: &'static str,
}

static PROVIDERS: &[Provider] = &[
    Provider {
        name: "GKE",
        id: "gce://",
        label: "cloud.google.com/gke-nodepool",
        version: "-gke.",
        elsewhere: "`gcloud container clusters describe NAME` shows databaseEncryption, \
                    masterAuthorizedNetworksConfig, loggingConfig and legacyAbac",
    },
    Provider {
        name: "EKS",
        id: "aws://",
        label: "eks.amazonaws.com/nodegroup",
        version: "-eks-",
        elsewhere: "`aws eks describe-cluster --name NAME` shows encryptionConfig, logging, \
                    endpointPublicAccess and publicAccessCidrs, and `aws eks list-access-entries` who \
                    else is administrator",
    },
    Provider {
        name: "AKS",
        id: "azure://",
        label: "kubernetes.azure.com/cluster",
        version: "-aks",
        elsewhere: "`az aks show --name NAME --resource-group GROUP` shows apiServerAccessProfile, \
                    disableLocalAccounts and securityProfile, and `az monitor diagnostic-settings \
                    list` the audit log",
    },
];

/// The notes about a world, if it is that of a live cluster.
pub(crate) fn of(world: &World) -> Vec<Note> {
    if !world.sources().any(|(_, source)| source.origin == Origin::Cluster) {
        return Vec::new();
    }
    let notes = [control_plane(world), add_ons(world), going(world), policies(world)];
    notes.into_iter().flatten().collect()
}

/// The components of the control plane that cannot be seen.
fn control_plane(world: &World) -> Option<Note> {
    let unseen = coaming_rules::unseen_components(world);
    if unseen.is_empty() {
        return None;
    }
    let count = unseen.len();
    let flags = format!("the flags of {} are not seen", unseen.join(", "));
    let mut counts: BTreeMap<&str, (usize, &Provider)> = BTreeMap::new();
    for node in world.of_kind("Node") {
        if let Some(provider) = PROVIDERS.iter().find(|provider| provider.runs(node)) {
            counts.entry(provider.name).or_insert((0, provider)).0 += 1;
        }
    }
    let message = match counts.values().max_by_key(|(count, _)| *count) {
        Some((_, provider)) => {
            format!("{flags}: {} runs them; {}", provider.name, provider.elsewhere)
        }
        None => format!(
            "{flags}: they do not run as pods that this user can read; scan the files of \
             /etc/kubernetes/manifests, or look at the units of the servers"
        ),
    };
    Some(Note { message, count })
}

impl Provider {
    /// Whether a node is one of its managed nodes. A provider's machine alone is not enough: people
    /// run clusters of their own on them.
    fn runs(&self, node: Object<'_>) -> bool {
        let labels = node.metadata().mapping("labels");
        let info = node.node().mapping("status").mapping("nodeInfo");
        let has_version =
            info.string("kubeletVersion").is_some_and(|version| version.contains(self.version));
        let has_id = node.spec().string("providerID").is_some_and(|id| id.starts_with(self.id));
        labels.field(self.label).is_some() || (has_version && has_id)
    }
}

/// The distribution's own workloads.
fn add_ons(world: &World) -> Option<Note> {
    let mut names: Vec<String> = coaming_rules::provided(world)
        .map(|object| format!("{}/{}", object.namespace_or_default(), object.name()))
        .collect();
    names.sort();
    let count = names.len();
    let shown = names.iter().take(4).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if count > 4 { ", …" } else { "" };
    let message = match count {
        0 => return None,
        1 => format!("1 workload that comes with the cluster is not judged: {shown}"),
        _ => format!("{count} workloads that come with the cluster are not judged: {shown}{more}"),
    };
    Some(Note { message, count })
}

/// What is being deleted.
fn going(world: &World) -> Option<Note> {
    let count = world.objects().filter(|object| coaming_rules::is_going(*object)).count();
    let message = match count {
        0 => return None,
        1 => "1 object that is being deleted is not judged".to_owned(),
        _ => format!("{count} objects that are being deleted are not judged"),
    };
    Some(Note { message, count })
}

/// Policies of which nobody knows whether they are applied.
fn policies(world: &World) -> Option<Note> {
    let policies = world.of_kind("NetworkPolicy");
    let count = policies.filter(|policy| policy.group() == "networking.k8s.io").count();
    if count == 0 || !matches!(enforcement(world), Enforcement::Unknown) {
        return None;
    }
    let subject =
        if count == 1 { "1 NetworkPolicy".to_owned() } else { format!("{count} NetworkPolicies") };
    let message = format!(
        "{subject} may have no effect: the network plugin is not known, and some apply none"
    );
    Some(Note { message, count })
}

#[cfg(test)]
mod tests {
    use super::*;
    use coaming_kube::Source;

    fn notes(text: &str) -> Vec<String> {
        let stream = coaming_yaml::parse(text.into());
        let source = Source::new("cluster/a", stream.source, stream.documents);
        let world = World::new(vec![source.with_origin(Origin::Cluster)]);
        of(&world).into_iter().map(|note| note.message).collect()
    }

    #[test]
    fn providers_are_recognized_by_their_nodes() {
        let node = |id: &str, label: &str, version: &str| {
            format!(
                "apiVersion: v1\nkind: Node\nmetadata: {{name: a, labels: {{'{label}': x}}}}\n\
                 spec: {{providerID: '{id}'}}\nstatus: {{nodeInfo: {{kubeletVersion: '{version}'}}}}\n"
            )
        };
        for (text, expected) in [
            (
                node("gce://p/z/i", "cloud.google.com/gke-nodepool", "v1.34.1-gke.100"),
                "GKE runs them",
            ),
            (node("aws:///z/i", "x", "v1.34.1-eks-113cf36"), "EKS runs them"),
            (node("azure:///s", "kubernetes.azure.com/cluster", "v1.34.1"), "AKS runs them"),
            (node("aws:///z/i", "x", "v1.34.1"), "do not run as pods"),
        ] {
            let notes = notes(&text);
            assert!(notes[0].contains(expected), "{notes:?}");
        }
    }

    #[test]
    fn what_is_seen_is_not_noted() {
        let pod = |name: &str| {
            format!(
                "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: kube-system, \
                 annotations: {{kubernetes.io/config.mirror: x}}}}\n\
                 spec: {{containers: [{{name: a, image: a, command: [{name}]}}]}}\n"
            )
        };
        let names = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"];
        let all: String = names.into_iter().map(pod).collect();
        let notes = notes(&all);
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(notes[0].starts_with("4 workloads that come with the cluster"), "{notes:?}");
        let policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\n";
        assert!(super::tests::notes(policy)[1].contains("may have no effect"));
    }
}
