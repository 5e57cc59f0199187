//! Services, and the ingress points that routes and open Services make of them.
//!
//! The ingress points of a group of pods follow from the Services that select it, and from what
//! leads to these Services. A change of pods looks at them alone, a change of a Service at the pods
//! that it selected or selects, and a change of a route at the pods of its Services.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use coaming_kube::ObjectId;

use super::{Entrance, Grant, Name, ObjectFacts, Statement, Target};
use crate::ip::IpSet;
use crate::model::{IngressPoint, Model, Pods, Role, Service};
use crate::selector::{Operator, Selector, is_derived};
use crate::views::controllers;

/// A namespace, and a label; key and value are empty for all pods of the namespace.
type Bucket = [String; 3];

/// Ids by namespace and label.
#[derive(Debug)]
struct LabelBuckets<T>(HashMap<String, HashMap<String, HashMap<String, BTreeSet<T>>>>);

impl<T> Default for LabelBuckets<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Copy + Ord> LabelBuckets<T> {
    fn get(&self, [namespace, key, value]: [&str; 3]) -> Option<&BTreeSet<T>> {
        self.0.get(namespace)?.get(key)?.get(value)
    }

    fn insert(&mut self, [namespace, key, value]: Bucket, id: T) {
        let keys = self.0.entry(namespace).or_default();
        keys.entry(key).or_default().entry(value).or_default().insert(id);
    }

    fn remove(&mut self, [namespace, key, value]: &Bucket, id: T) {
        let Some(keys) = self.0.get_mut(namespace) else { return };
        let Some(values) = keys.get_mut(key) else { return };
        if let Some(ids) = values.get_mut(value) {
            ids.remove(&id);
            if ids.is_empty() {
                values.remove(value);
            }
        }
        if values.is_empty() {
            keys.remove(key);
        }
        if keys.is_empty() {
            self.0.remove(namespace);
        }
    }
}

/// The labels of pods that buckets can have; the empty one is for all.
fn labels_of(pods: &Pods) -> impl Iterator<Item = (&str, &str)> {
    let labels = pods.labels.iter().filter(|(key, _)| !is_derived(key));
    labels.map(|(key, value)| (key.as_str(), value.as_str())).chain([("", "")])
}

/// Services and what leads to them.
#[derive(Debug, Default)]
pub(super) struct IngressFacts {
    /// The objects of each Service; the first counts for routes.
    services: HashMap<Name, BTreeSet<ObjectId>>,
    ids: HashMap<ObjectId, usize>,
    /// The Services by one of the labels that they require.
    by_label: LabelBuckets<ObjectId>,
    bucket_of: HashMap<ObjectId, Bucket>,
    /// The objects with entrances to each Service.
    entrances: HashMap<Name, BTreeSet<ObjectId>>,
    grants: BTreeSet<ObjectId>,
    gateways: HashMap<Name, BTreeSet<ObjectId>>,
    /// The objects that list addresses of each Service.
    endpoints: HashMap<Name, BTreeSet<ObjectId>>,
    /// The Services without a selector of which addresses are listed.
    by_address: BTreeMap<Name, IpSet>,
    /// How many objects make the API server call each Service.
    called: HashMap<Name, usize>,
    /// The pods in the model, by label; `None` if there will be no changes.
    pods: Option<PodsByLabel>,
    /// The pods with an ingress point from an ingress controller.
    controlled: HashSet<usize>,
    /// The stand-ins for ingress controllers, pods and workloads, where they are in the model.
    controllers: Vec<(usize, usize)>,
    dirty_services: BTreeSet<ObjectId>,
    dirty_names: BTreeSet<Name>,
    dirty_pods: BTreeSet<usize>,
    /// Selectors of Services before they changed: the pods that they selected are looked at.
    old_selectors: Vec<(String, Selector)>,
}

/// Pods by namespace and label, with what they were indexed under.
#[derive(Debug, Default)]
struct PodsByLabel {
    ids: LabelBuckets<usize>,
    buckets_of: HashMap<usize, Vec<Bucket>>,
}

impl PodsByLabel {
    fn remove(&mut self, id: usize) {
        for bucket in self.buckets_of.remove(&id).unwrap_or_default() {
            self.ids.remove(&bucket, id);
        }
    }

    fn insert(&mut self, id: usize, pods: &Pods) {
        self.remove(id);
        let buckets: Vec<Bucket> = labels_of(pods)
            .map(|(key, value)| [pods.namespace.to_string(), key.to_owned(), value.to_owned()])
            .collect();
        for bucket in &buckets {
            self.ids.insert(bucket.clone(), id);
        }
        self.buckets_of.insert(id, buckets);
    }

    /// The pods of a namespace that may match a selector: the fewest that one of its labels gives.
    fn candidates(&self, namespace: &str, selector: &Selector) -> Vec<usize> {
        let sets = labels_in(selector).map(|(key, value)| self.ids.get([namespace, key, value]));
        let fewest = sets.min_by_key(|set| set.map_or(0, BTreeSet::len)).flatten();
        fewest.into_iter().flatten().copied().collect()
    }
}

/// The labels that a selector requires; the empty one if it requires none.
fn labels_in(selector: &Selector) -> impl Iterator<Item = (&str, &str)> {
    let labels = selector.requirements().iter().filter_map(|requirement| {
        let Operator::In(values) = &requirement.operator else { return None };
        let [value] = values.as_slice() else { return None };
        Some((requirement.key.as_str(), value.as_str()))
    });
    let has_label = labels.clone().next().is_some();
    labels.chain((!has_label).then_some(("", "")))
}

impl IngressFacts {
    /// Keeps what later changes need.
    pub(super) fn keep_up(&mut self) {
        self.pods = Some(PodsByLabel::default());
    }

    /// Whether any ingress point is an ingress controller's.
    pub(super) fn is_controlled(&self) -> bool {
        !self.controlled.is_empty()
    }

    pub(super) fn change_service(&mut self, id: ObjectId, service: &Service, add: bool) {
        let name = (service.namespace.clone(), service.name.clone());
        let ids = self.services.entry(name.clone()).or_default();
        if add {
            ids.insert(id);
        } else {
            ids.remove(&id);
            if ids.is_empty() {
                self.services.remove(&name);
            }
        }
        if let Some(selector) = &service.selector {
            self.old_selectors.push((service.namespace.clone(), selector.clone()));
            if add {
                let namespace = service.namespace.as_str();
                let fewest = labels_in(selector).min_by_key(|(key, value)| {
                    self.by_label.get([namespace, key, value]).map_or(0, BTreeSet::len)
                });
                if let Some((key, value)) = fewest {
                    let bucket = [namespace, key, value].map(str::to_owned);
                    self.by_label.insert(bucket.clone(), id);
                    self.bucket_of.insert(id, bucket);
                }
            } else if let Some(bucket) = self.bucket_of.remove(&id) {
                self.by_label.remove(&bucket, id);
            }
        }
        self.dirty_services.insert(id);
        self.dirty_names.insert(name);
    }

    pub(super) fn change(&mut self, id: ObjectId, facts: &ObjectFacts, add: bool) {
        let statement = &facts.statement;
        for entrance in entrances_of(statement) {
            let ids = self.entrances.entry(entrance.service.clone()).or_default();
            if add {
                ids.insert(id);
            } else {
                ids.remove(&id);
            }
            self.dirty_names.insert(entrance.service.clone());
        }
        match statement {
            Statement::Calls(names) => {
                for name in names {
                    let count = self.called.entry(name.clone()).or_default();
                    *count = if add { *count + 1 } else { count.saturating_sub(1) };
                    self.dirty_services.extend(self.services.get(name).into_iter().flatten());
                }
            }
            Statement::Endpoints(name, _) => {
                let ids = self.endpoints.entry(name.clone()).or_default();
                if add {
                    ids.insert(id);
                } else {
                    ids.remove(&id);
                }
                self.dirty_services.extend(self.services.get(name).into_iter().flatten());
                self.dirty_names.insert(name.clone());
            }
            Statement::Gateway(_) => {
                let name = (facts.identity.1.clone(), facts.identity.2.clone());
                super::keep(self.gateways.entry(name).or_default(), id, add);
                self.dirty_names.extend(self.entrances.keys().cloned());
            }
            // Gateways take routes by the labels of their namespaces.
            Statement::Namespace(..) if !self.gateways.is_empty() => {
                self.dirty_names.extend(self.entrances.keys().cloned());
            }
            Statement::Grant(grant) => {
                if add {
                    self.grants.insert(id);
                } else {
                    self.grants.remove(&id);
                }
                let names = self.entrances.keys().filter(|name| name.0 == grant.namespace);
                self.dirty_names.extend(names.cloned());
            }
            _ => {}
        }
    }

    pub(super) fn pods_changed(&mut self, id: usize) {
        self.dirty_pods.insert(id);
    }

    pub(super) fn pods_removed(&mut self, id: usize) {
        if let Some(known) = &mut self.pods {
            known.remove(id);
        }
        self.controlled.remove(&id);
        self.dirty_pods.remove(&id);
    }

    pub(super) fn settle(
        &mut self,
        sources: &BTreeMap<ObjectId, ObjectFacts>,
        target: &mut impl Target,
    ) {
        let names = std::mem::take(&mut self.dirty_names);
        let listed = self.settle_endpoints(sources, &names);
        self.settle_services(sources, target);
        let mut dirty = std::mem::take(&mut self.dirty_pods);
        if listed {
            dirty.extend(target.model().pods.iter().map(|(id, _)| id));
        }
        let selectors = std::mem::take(&mut self.old_selectors);
        // Without changes, all pods are looked at anyway.
        if let Some(mut known) = self.pods.take() {
            for &id in &dirty {
                if let Some(pods) = target.model().pods.get(id) {
                    known.insert(id, pods);
                }
            }
            let current = names.iter().filter_map(|name| self.service(sources, name));
            let current = current.filter_map(|it| Some((&it.namespace, it.selector.as_ref()?)));
            let old = selectors.iter().map(|(namespace, selector)| (namespace, selector));
            for (namespace, selector) in old.chain(current) {
                dirty.extend(known.candidates(namespace, selector));
            }
            self.pods = Some(known);
        }
        for id in dirty {
            let (points, refused) = match target.model().pods.get(id) {
                Some(pods) => self.points(sources, target.model(), id, pods),
                None => continue,
            };
            if target.model().refused_routes.get(&id) != Some(&refused) {
                target.set_refused_routes(id, refused);
            }
            if points.iter().any(|point| point.source.is_inside()) {
                self.controlled.insert(id);
            } else {
                self.controlled.remove(&id);
            }
            let known = target.model().ingress_points.get(&id).map_or(&[][..], Vec::as_slice);
            if known != points {
                target.set_ingress_points(id, points);
            }
        }
        self.settle_controllers(target);
    }

    /// Finds out where Services without a selector lead; gives whether that changed.
    fn settle_endpoints(
        &mut self,
        sources: &BTreeMap<ObjectId, ObjectFacts>,
        names: &BTreeSet<Name>,
    ) -> bool {
        let mut changed = false;
        for name in names {
            let ids = self.endpoints.get(name).into_iter().flatten();
            let listed = ids.filter_map(|id| match &sources.get(id)?.statement {
                Statement::Endpoints(_, addresses) => Some(addresses),
                _ => None,
            });
            let addresses = IpSet::union_of(listed);
            let service = self.service(sources, name);
            let counts = service.is_some_and(|it| it.selector.is_none()) && !addresses.is_empty();
            let known = self.by_address.get(name);
            if known != counts.then_some(&addresses) {
                changed = true;
                match counts {
                    true => self.by_address.insert(name.clone(), addresses),
                    false => self.by_address.remove(name),
                };
            }
        }
        changed
    }

    /// A Service with the addresses that are listed of it.
    fn with_endpoints(&self, service: &Service) -> Service {
        let name = (service.namespace.clone(), service.name.clone());
        let endpoints = self.by_address.get(&name).cloned().unwrap_or_default();
        Service { endpoints, ..service.clone() }
    }

    fn settle_services(
        &mut self,
        sources: &BTreeMap<ObjectId, ObjectFacts>,
        target: &mut impl Target,
    ) {
        for id in std::mem::take(&mut self.dirty_services) {
            match sources.get(&id).map(|facts| &facts.statement) {
                Some(Statement::Service(service, ..)) => {
                    let name = (service.namespace.clone(), service.name.clone());
                    let serves_api = self.called.get(&name).is_some_and(|&count| count > 0);
                    let service = Service { serves_api, ..self.with_endpoints(service) };
                    let known = self.ids.get(&id).copied();
                    self.ids.insert(id, target.put_service(known, service));
                }
                _ => {
                    if let Some(service) = self.ids.remove(&id) {
                        target.remove_service(service);
                    }
                }
            }
        }
    }

    /// Adds stand-ins for ingress controllers, or removes them.
    fn settle_controllers(&mut self, target: &mut impl Target) {
        match (self.is_controlled(), self.controllers.is_empty()) {
            (true, true) => {
                for controller in controllers() {
                    if !target.model().namespaces.contains_key(controller.namespace) {
                        target.put_namespace(controller.namespace, controller.namespace_value());
                    }
                    let workload = target.put_workload(None, controller.workload());
                    let pods = target.put_pods(None, controller.pods(workload));
                    self.controllers.push((pods, workload));
                }
            }
            (false, false) => {
                for (pods, workload) in std::mem::take(&mut self.controllers) {
                    target.remove_pods(pods);
                    target.remove_workload(workload);
                }
            }
            _ => {}
        }
    }

    /// The Service of this name that counts.
    /// The Service of this name.
    pub(super) fn service<'s>(
        &self,
        sources: &'s BTreeMap<ObjectId, ObjectFacts>,
        name: &Name,
    ) -> Option<&'s Service> {
        let first = self.services.get(name)?.first()?;
        match &sources.get(first)?.statement {
            Statement::Service(service, ..) => Some(service),
            _ => None,
        }
    }

    /// The ingress points of a group of pods, and the routes that do not count, each with the reason.
    fn points(
        &self,
        sources: &BTreeMap<ObjectId, ObjectFacts>,
        model: &Model,
        id: usize,
        pods: &Pods,
    ) -> (Vec<IngressPoint>, BTreeSet<String>) {
        let (mut points, mut refused) = (Vec::new(), BTreeSet::new());
        if pods.role != Role::Real || self.entrances.is_empty() {
            return (points, refused);
        }
        let mut services: BTreeSet<Name> = labels_of(pods)
            .filter_map(|(key, value)| self.by_label.get([&pods.namespace, key, value]))
            .flatten()
            .filter_map(|&id| sources.get(&id))
            .map(|facts| (facts.identity.1.clone(), facts.identity.2.clone()))
            .collect();
        let listed = self.by_address.iter();
        let listed = listed.filter(|(_, set)| !set.intersection(&pods.addresses).is_empty());
        services.extend(listed.map(|(name, _)| name.clone()));
        for name in services {
            let service = self.service(sources, &name).map(|it| self.with_endpoints(it));
            let Some(service) = service.filter(|it| it.selects(pods)) else { continue };
            let ids = self.entrances.get(&name).into_iter().flatten();
            let statements = ids.filter_map(|&id| sources.get(&id)).map(|facts| &facts.statement);
            for entrance in statements.flat_map(entrances_of) {
                if entrance.service != name {
                    continue;
                }
                match self.refusal(sources, model, entrance) {
                    Some(reason) => drop(refused.insert(reason)),
                    None => points.extend(through(&service, entrance, id, pods)),
                }
            }
        }
        points.sort_by(|a, b| (a.protocol, a.port, &a.via).cmp(&(b.protocol, b.port, &b.via)));
        points.dedup();
        (points, refused)
    }

    /// Why a route does not count.
    fn refusal(
        &self,
        sources: &BTreeMap<ObjectId, ObjectFacts>,
        model: &Model,
        entrance: &Entrance,
    ) -> Option<String> {
        let (via, (namespace, service)) = (&entrance.via, &entrance.service);
        if !self.is_granted(sources, entrance) {
            return Some(format!(
                "{via} names Service {namespace}/{service}, and no ReferenceGrant in namespace \
                 {namespace} allows it"
            ));
        }
        let labels = model.namespaces.get(&entrance.namespace).filter(|it| it.location.is_some());
        let is_taken = |(namespace, name): &Name| {
            let ids = self.gateways.get(&(namespace.clone(), name.clone())).into_iter().flatten();
            let mut known = ids.filter_map(|id| match &sources.get(id)?.statement {
                Statement::Gateway(facts) => Some(facts),
                _ => None,
            });
            // What is not here, or gets its listeners elsewhere, may take it.
            known.next().is_none_or(|gateway| {
                gateway.users.is_empty()
                    || gateway.may_select() && labels.is_none()
                    || gateway.serves(namespace, &entrance.namespace, labels.map(|it| &it.labels))
            })
        };
        if entrance.gateways.is_empty() || entrance.gateways.iter().any(is_taken) {
            return None;
        }
        let names = entrance.gateways.iter().map(|(namespace, name)| format!("{namespace}/{name}"));
        Some(format!(
            "{via} is for Gateway {}, whose listeners take no routes of namespace {} \
             (`allowedRoutes`)",
            names.collect::<Vec<_>>().join(" and "),
            entrance.namespace
        ))
    }

    /// Whether a `ReferenceGrant` lets a route use a Service of another namespace.
    fn is_granted(&self, sources: &BTreeMap<ObjectId, ObjectFacts>, entrance: &Entrance) -> bool {
        let Some(route) = &entrance.needs_grant else { return true };
        let grants = self.grants.iter().filter_map(|&id| match &sources.get(&id)?.statement {
            Statement::Grant(grant) => Some(grant),
            _ => None,
        });
        let (namespace, name) = &entrance.service;
        let to = |grant: &Grant| {
            grant.to.iter().any(|to| to.as_ref().is_none_or(|wanted| wanted == name))
        };
        grants
            .filter(|grant| grant.namespace == *namespace)
            .any(|grant| grant.from.contains(route) && to(grant))
    }
}

fn entrances_of(statement: &Statement) -> &[Entrance] {
    match statement {
        Statement::Route(entrances) => entrances,
        Statement::Service(_, _, Some(entrance)) => std::slice::from_ref(entrance),
        _ => &[],
    }
}

/// The ingress points that an entrance to a Service makes for pods of it.
fn through<'a>(
    service: &'a Service,
    entrance: &'a Entrance,
    id: usize,
    pods: &'a Pods,
) -> impl Iterator<Item = IngressPoint> + 'a {
    let ports = service.ports.iter().filter(|port| entrance.leads_to(port));
    ports.flat_map(move |port| {
        port.targets(pods).into_iter().map(move |number| IngressPoint {
            pods: id,
            protocol: port.protocol,
            port: number,
            source: entrance.source.clone(),
            via: entrance.via.clone(),
        })
    })
}
