//! Which workloads can be reached from outside of the cluster.
//!
//! A workload is reached where an Ingress, a route or an open Service leads to it and the policies let
//! that through. It is out of reach only where policies say so: that no way in is at hand proves nothing,
//! as it may be in files that are not.

use std::collections::BTreeMap;

use crate::list::lets_in;
use crate::model::{Direction, Model, Role, Workload};
use crate::reach::{End, Reach};

/// The workloads of which it is known whether they can be reached from outside, and whether they can.
#[must_use]
pub fn reached_from_outside(reach: &Reach) -> BTreeMap<Workload, bool> {
    let model = reach.model();
    let mut known = BTreeMap::new();
    for (place, pods) in model.pods.iter().enumerate() {
        let Some(workload) = workload(model, place).filter(|_| pods.role == Role::Real) else {
            continue;
        };
        let guarded = !reach.policies_of(place, Direction::Ingress).is_empty();
        let shut = guarded
            && !pods.host_network
            && (0..reach.externals().len())
                .all(|atom| reach.allowed(End::External(atom), End::Pods(place)).is_empty());
        // One open pod opens the workload.
        let all = known.entry(workload.clone()).or_insert(Some(false));
        if !shut {
            *all = None;
        }
    }
    for way in model.ways_in.iter().filter(|way| lets_in(reach, way)) {
        if let Some(workload) = workload(model, way.pods) {
            known.insert(workload.clone(), Some(true));
        }
    }
    known.into_iter().filter_map(|(workload, known)| Some((workload, known?))).collect()
}

fn workload(model: &Model, pods: usize) -> Option<&Workload> {
    model.workloads.get(model.pods.get(pods)?.workload)
}
