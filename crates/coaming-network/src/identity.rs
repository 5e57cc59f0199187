//! The labels by which a policy can mean the pods of one workload, and no others.

use std::collections::BTreeMap;

use crate::index::ModelIndex;
use crate::model::{Model, Pods, Role};
use crate::selector::{Labels, Selector, is_derived};

/// The label with the name of the Gateway that pods are made for. It selects them alone; others that come
/// with it depend on the version of the controller.
const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";

/// Labels that change with every roll-out or differ from pod to pod.
const VOLATILE: [&str; 7] = [
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/controller-uid",
    "controller-revision-hash",
    "controller-uid",
    "pod-template-generation",
    "pod-template-hash",
    "statefulset.kubernetes.io/pod-name",
];

/// The labels that all pods of each workload have for good.
pub(crate) struct Identities<'m> {
    model: &'m Model,
    index: ModelIndex<'m>,
    stable: BTreeMap<usize, Labels>,
}

/// Whether policies can select these pods.
fn selectable(pods: &Pods) -> bool {
    pods.role == Role::Real && !pods.host_network
}

impl<'m> Identities<'m> {
    pub(crate) fn new(model: &'m Model) -> Self {
        let mut stable: BTreeMap<usize, Labels> = BTreeMap::new();
        for (_, pods) in model.pods.iter().filter(|(_, pods)| selectable(pods)) {
            let is_of_gateway = pods.labels.contains_key(GATEWAY_NAME);
            let own = pods.labels.iter().filter(|(key, _)| match is_of_gateway {
                true => *key == GATEWAY_NAME,
                false => !VOLATILE.contains(&key.as_str()) && !is_derived(key),
            });
            let own: Labels = own.map(|(key, value)| (key.clone(), value.clone())).collect();
            stable
                .entry(pods.workload)
                .and_modify(|known| known.retain(|key, value| own.get(key) == Some(value)))
                .or_insert(own);
        }
        Self { model, index: ModelIndex::new(model, selectable), stable }
    }

    /// The labels that select the pods of a workload and no others of its namespace; `None` if
    /// there are no such labels.
    pub(crate) fn of(&self, workload: usize) -> Option<Labels> {
        let labels = self.stable.get(&workload).filter(|labels| !labels.is_empty())?;
        let namespace = &self.model.workloads.get(workload)?.namespace;
        let pairs = labels.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        // Its own pods all have these labels: they were kept for that.
        let selected = self.index.selected(namespace, &Selector::labels(pairs));
        let is_own =
            |&pods: &usize| self.model.pods.get(pods).is_some_and(|pods| pods.workload == workload);
        selected.iter().all(is_own).then(|| labels.clone())
    }
}
