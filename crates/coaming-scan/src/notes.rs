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

/// The notes about a world, sorted.
pub(crate) fn of(world: &World) -> Vec<Note> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (group, kinds) in NETWORK_KINDS {
        for kind in *kinds {
            let count = world.of_kind(kind).filter(|object| object.group() == *group).count();
            if count > 0 {
                *counts.entry(kind).or_default() += count;
            }
        }
    }
    let note = |(kind, count): (&str, usize)| {
        let message = match count {
            1 => format!("1 {kind} is not evaluated: pods may reach less or more than reported"),
            _ => format!(
                "{count} objects of kind {kind} are not evaluated: pods may reach less or more than \
                 reported"
            ),
        };
        Note { message, count }
    };
    counts.into_iter().map(note).collect()
}
