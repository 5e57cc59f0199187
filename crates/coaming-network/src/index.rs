//! Finding pods by their labels and Services by their names without a look at all of them.

use std::collections::HashMap;

use crate::model::{Model, Pods, Service};
use crate::selector::{Operator, Selector};

/// The pods of a model by namespace and label, and its Services by name.
pub(crate) struct ModelIndex<'m> {
    model: &'m Model,
    by_namespace: HashMap<&'m str, Vec<usize>>,
    by_label: HashMap<[&'m str; 3], Vec<usize>>,
    services: HashMap<[&'m str; 2], &'m Service>,
}

impl<'m> ModelIndex<'m> {
    /// Indexes the Services, and the pods that are `wanted`.
    pub(crate) fn new(model: &'m Model, wanted: impl Fn(&Pods) -> bool) -> Self {
        let mut by_namespace: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut by_label: HashMap<[&str; 3], Vec<usize>> = HashMap::new();
        for (id, pods) in model.pods.iter().filter(|(_, pods)| wanted(pods)) {
            by_namespace.entry(&pods.namespace).or_default().push(id);
            for (key, value) in &*pods.labels {
                by_label.entry([&*pods.namespace, key, value]).or_default().push(id);
            }
        }
        let mut services = HashMap::new();
        for (_, service) in &model.services {
            let name = [service.namespace.as_str(), service.name.as_str()];
            services.entry(name).or_insert(service);
        }
        Self { model, by_namespace, by_label, services }
    }

    /// The Service of this name.
    pub(crate) fn service(&self, namespace: &str, name: &str) -> Option<&'m Service> {
        self.services.get(&[namespace, name]).copied()
    }

    /// The ids, ascending, of the indexed pods of a namespace that a selector matches.
    pub(crate) fn selected(&self, namespace: &str, selector: &Selector) -> Vec<usize> {
        let exact =
            selector.requirements().iter().filter_map(|requirement| match &requirement.operator {
                Operator::In(values) => match values.as_slice() {
                    [value] => {
                        let label = [namespace, requirement.key.as_str(), value.as_str()];
                        Some(self.by_label.get(&label).map_or(&[][..], Vec::as_slice))
                    }
                    _ => None,
                },
                _ => None,
            });
        let fewest = exact.min_by_key(|ids| ids.len());
        let all = || self.by_namespace.get(namespace).map_or(&[][..], Vec::as_slice);
        let matches = |id: &&usize| {
            self.model.pods.get(**id).is_some_and(|pods| selector.matches(&pods.labels))
        };
        fewest.unwrap_or_else(all).iter().filter(matches).copied().collect()
    }

    /// The ids of the pods that a Service leads to.
    pub(crate) fn pods_of(&self, service: &Service) -> Vec<usize> {
        match &service.selector {
            Some(selector) => {
                let mut pods = self.selected(&service.namespace, selector);
                pods.retain(|&id| self.model.pods.get(id).is_some_and(|it| service.selects(it)));
                pods
            }
            None => Vec::new(),
        }
    }
}
