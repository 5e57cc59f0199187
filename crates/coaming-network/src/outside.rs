//! Which workloads can be reached from outside of the cluster.
//!
//! A workload is reachable where an Ingress, a route or an open Service leads to it and the
//! policies let that through. It is unreachable only where policies say so: that no ingress point
//! is known proves nothing, as it may be in files that are not part of the input.

use std::collections::{BTreeMap, HashMap};

use crate::list::IngressCheck;
use crate::model::{Direction, Model, Role, Workload};
use crate::reach::{Endpoint, Reach};

/// The workloads of which it is known whether they can be reached from outside, and whether they
/// can.
#[must_use]
pub fn reached_from_outside(reach: &Reach) -> BTreeMap<Workload, bool> {
    let model = reach.model();
    let mut known = BTreeMap::new();
    let mut shut_classes: HashMap<Option<usize>, bool> = HashMap::new();
    for (id, pods) in &model.pods {
        let Some(workload) = workload(model, id).filter(|_| pods.role == Role::Real) else {
            continue;
        };
        let shut = *shut_classes.entry(reach.class_of(id)).or_insert_with(|| {
            let guarded = !reach.policies_of(id, Direction::Ingress).is_empty();
            guarded
                && !pods.host_network
                && (0..reach.externals().len()).all(|atom| {
                    reach.allowed(Endpoint::External(atom), Endpoint::Pods(id)).is_empty()
                })
        });
        // One open pod opens the workload.
        let all = known.entry(workload.clone()).or_insert(Some(false));
        if !shut {
            *all = None;
        }
    }
    let mut check = IngressCheck::new(reach);
    for point in model.all_ingress_points().filter(|point| check.lets_in(point)) {
        if let Some(workload) = workload(model, point.pods) {
            known.insert(workload.clone(), Some(true));
        }
    }
    known.into_iter().filter_map(|(workload, known)| Some((workload, known?))).collect()
}

fn workload(model: &Model, pods: usize) -> Option<&Workload> {
    model.workloads.get(model.pods.get(pods)?.workload)
}
