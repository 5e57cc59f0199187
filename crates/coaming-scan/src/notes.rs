//! Notes about objects that no rule evaluates, so that their absence from a report is not mistaken
//! for safety.

use std::collections::BTreeMap;

use coaming_finding::Note;
use coaming_kube::World;

/// Kinds that decide about connections and that the network engine does not evaluate, by API group.
const NETWORK_KINDS: &[(&str, &[&str])] = &[
    ("cilium.io", &["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"]),
    ("crd.projectcalico.org", &["NetworkPolicy", "GlobalNetworkPolicy"]),
    ("projectcalico.org", &["NetworkPolicy", "GlobalNetworkPolicy"]),
    ("crd.antrea.io", &["NetworkPolicy", "ClusterNetworkPolicy"]),
    ("security.istio.io", &["AuthorizationPolicy", "PeerAuthentication"]),
    ("policy.linkerd.io", &["AuthorizationPolicy", "Server", "ServerAuthorization"]),
];

/// Kinds that install a chart or a directory from elsewhere, by API group.
const DELIVERY_KINDS: &[(&str, &[&str])] = &[
    ("helm.toolkit.fluxcd.io", &["HelmRelease"]),
    ("kustomize.toolkit.fluxcd.io", &["Kustomization"]),
    ("argoproj.io", &["Application", "ApplicationSet"]),
    ("helm.cattle.io", &["HelmChart", "HelmChartConfig"]),
    ("fleet.cattle.io", &["Bundle", "GitRepo"]),
    ("helm.crossplane.io", &["Release"]),
    ("source.werf.io", &["Bundle"]),
];

/// The notes about a world, sorted.
pub(crate) fn of(world: &World) -> Vec<Note> {
    let network = "pods may reach less or more than reported";
    let delivery = "what they install is elsewhere: render it, and scan the result";
    let mut notes = notes_about(world, NETWORK_KINDS, network);
    notes.extend(notes_about(world, DELIVERY_KINDS, delivery));
    notes.sort();
    notes
}

/// One note for each of these kinds that is in the world.
fn notes_about(world: &World, kinds: &[(&str, &[&'static str])], what: &str) -> Vec<Note> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (group, kinds) in kinds {
        for kind in *kinds {
            let count = world.of_kind(kind).filter(|object| object.group() == *group).count();
            if count > 0 {
                *counts.entry(kind).or_default() += count;
            }
        }
    }
    let note = |(kind, count): (&str, usize)| {
        let message = match count {
            1 => format!(
                "1 {kind} is not evaluated: {}",
                what.replace("they install", "it installs")
            ),
            _ => format!("{count} objects of kind {kind} are not evaluated: {what}"),
        };
        Note { message, count }
    };
    counts.into_iter().map(note).collect()
}
