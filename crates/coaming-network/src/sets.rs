//! Sets of addresses that policies select: Calico's network sets and Cilium's CIDR groups.

use crate::ip::IpSet;
use crate::model::{CidrGroupPeer, Model, NetworkSet, NetworkSetPeer};
use crate::space::in_namespaces;

/// The addresses of the network sets that are meant.
pub(crate) fn set_addresses(model: &Model, peer: &NetworkSetPeer) -> IpSet {
    let sets = model.network_sets.iter().filter(|set| set.cidr_group.is_none());
    let meant = sets.filter(|set| {
        let here = match (&set.namespace, &peer.namespaces) {
            (None, _) => peer.global,
            (Some(name), Some(namespaces)) => in_namespaces(model, namespaces, name),
            (Some(_), None) => false,
        };
        here && peer.labels.matches(&set.labels)
    });
    IpSet::union_of(meant.map(|set| &set.addresses))
}

/// The CIDR groups of Cilium that are meant.
pub(crate) fn groups_meant<'m>(
    model: &'m Model,
    peer: &'m CidrGroupPeer,
) -> impl Iterator<Item = &'m NetworkSet> + use<'m> {
    model.network_sets.iter().filter(|set| {
        let is_named = |name: &String| peer.name.as_ref().is_none_or(|wanted| wanted == name);
        set.cidr_group.as_ref().is_some_and(is_named) && peer.labels.matches(&set.labels)
    })
}

/// Their addresses.
pub(crate) fn group_addresses(model: &Model, peer: &CidrGroupPeer) -> IpSet {
    let addresses = groups_meant(model, peer).map(|set| &set.addresses);
    IpSet::union_of(addresses).difference(&peer.except)
}
