//! Changes: one policy, one group of pods, one namespace … recompiles what it touches, and keeps
//! the rest.
//!
//! Ids stay valid: what is removed leaves a gap, which something new may fill. After any series of
//! changes every answer is the same as from a [`Reach`] built from scratch.
//!
//! Costs, with `c` classes, `p` policies, and the *touched* classes being those whose profile may
//! change:
//!
//! | change | cost |
//! |---|---|
//! | pods into a class that exists | a look at each pod of the class that they leave |
//! | pods into a new class | `p`, plus evaluation of the touched classes |
//! | a policy | evaluation of the classes that it selects, before and after |
//! | a policy with label terms or port names that no other mentions | also a look at all pods |
//! | labels of a namespace | `p` for each class in it, plus evaluation of the touched classes |
//! | ingress points, Services | constant |
//! | no free class, a new address set, nodes that policies select, first IPv6 | from scratch |
//!
//! A rebuild for want of a free class doubles the room, so that new classes cost a constant share
//! of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use fixedbitset::FixedBitSet;

use crate::compile::CompiledPolicy;
use crate::evaluate::{Profile, profile};
use crate::model::{
    ContainerPort, Direction, IngressPoint, Namespace, NetworkPlugin, NetworkSet, Node, PeerKind,
    Pods, Policy, Service, TierSettings, Waypoint, Workload,
};
use crate::reach::Reach;
use crate::space::{ClassAssignment, FEW_FREE_CLASSES, Space, has_ipv6};

/// What makes two classes' profiles the same: the policies, and if they name ports, the ports.
type Alike<'r> = (&'r [usize], Option<&'r [ContainerPort]>);

/// Classes whose profiles may have changed, for ingress and for egress.
type Touched = [FixedBitSet; 2];

impl Reach {
    /// Changes a policy, or adds one if there is no `id`. Gives its id.
    pub fn put_policy(&mut self, id: Option<usize>, policy: Policy) -> usize {
        let new = self.space.learn(&policy);
        let known = self.space.knows_addresses_of(&self.model, &policy);
        let mut touched = self.no_classes();
        let mut exhausted = false;
        if known && !new.is_empty() {
            let concerned = self.model.pods.iter().filter(|(_, pods)| new.concern(pods));
            let concerned: Vec<(usize, Pods)> =
                concerned.map(|(id, pods)| (id, pods.clone())).collect();
            exhausted =
                !concerned.into_iter().all(|(id, pods)| self.move_pods(id, pods, &mut touched));
        }
        let before = id.and_then(|id| self.policies.get(id)?.as_ref());
        if let Some(before) = before {
            touched.iter_mut().for_each(|classes| classes.union_with(&before.subject));
        }
        let had_ipv6 = self.space.ipv6;
        let id = put(&mut self.model.policies, id, policy);
        if !known || exhausted || has_ipv6(&self.model) != had_ipv6 {
            self.rebuild(exhausted);
            return id;
        }
        if let Some(policy) = self.model.policies.get(id) {
            let compiled = CompiledPolicy::new(&mut self.space, &self.model, policy);
            touched.iter_mut().for_each(|classes| classes.union_with(&compiled.subject));
            if self.policies.len() <= id {
                self.policies.resize_with(id + 1, || None);
            }
            if let Some(entry) = self.policies.get_mut(id) {
                *entry = Some(compiled);
            }
        }
        self.evaluate(&touched);
        id
    }

    /// Removes a policy.
    pub fn remove_policy(&mut self, id: usize) {
        if self.model.policies.try_remove(id).is_none() {
            return;
        }
        let removed = self.policies.get_mut(id).and_then(Option::take);
        if has_ipv6(&self.model) != self.space.ipv6 {
            self.rebuild(false);
        } else if let Some(removed) = removed {
            self.evaluate(&[(*removed.subject).clone(), (*removed.subject).clone()]);
        }
    }

    /// Changes a group of pods, or adds one if there is no `id`. Gives its id.
    pub fn put_pods(&mut self, id: Option<usize>, pods: Pods) -> usize {
        let id = id.filter(|id| self.model.pods.contains(*id));
        let id = id.unwrap_or_else(|| self.model.pods.vacant_key());
        let mut touched = self.no_classes();
        if self.move_pods(id, pods, &mut touched) {
            self.evaluate(&touched);
        } else {
            self.rebuild(true);
        }
        id
    }

    /// Removes a group of pods, and its ingress points.
    pub fn remove_pods(&mut self, id: usize) {
        if self.model.pods.try_remove(id).is_none() {
            return;
        }
        self.model.ingress_points.remove(&id);
        self.model.refused_routes.remove(&id);
        let mut touched = self.no_classes();
        let freed = self.space.leave(id);
        touched.iter_mut().for_each(|classes| classes.extend(freed));
        self.evaluate(&touched);
    }

    /// Changes a namespace, or adds it.
    pub fn put_namespace(&mut self, name: &str, namespace: Namespace) {
        let before = self.model.namespaces.insert(name.to_owned(), namespace);
        let now = self.model.namespaces.get(name).map(|namespace| &namespace.labels);
        if before.as_ref().map(|namespace| &namespace.labels) != now {
            self.rebuild_if(|peer| matches!(peer, PeerKind::NetworkSets(_)));
            self.relabel(name);
        }
    }

    /// Removes a namespace. What is in it stays, in a namespace that no selector means.
    pub fn remove_namespace(&mut self, name: &str) {
        if self.model.namespaces.remove(name).is_some() {
            self.relabel(name);
        }
    }

    /// The classes in a namespace are looked at again, as other selectors may mean it now.
    fn relabel(&mut self, name: &str) {
        let mut touched = self.no_classes();
        for class in self.space.classes_in(name).ones() {
            self.space.reselect(&self.model, class);
            if let Some(pods) = self.space.representative(&self.model, class).cloned() {
                self.renew(class, &pods, &mut touched);
            }
        }
        self.evaluate(&touched);
    }

    /// Changes a workload, or adds one if there is no `id`. Gives its id.
    pub fn put_workload(&mut self, id: Option<usize>, workload: Workload) -> usize {
        put(&mut self.model.workloads, id, workload)
    }

    /// Removes a workload that has no pods.
    pub fn remove_workload(&mut self, id: usize) {
        self.model.workloads.try_remove(id);
    }

    /// Changes a node, or adds one if there is no `id`. Gives its id.
    pub fn put_node(&mut self, id: Option<usize>, node: Node) -> usize {
        let id = put(&mut self.model.nodes, id, node);
        self.nodes_changed();
        id
    }

    /// Removes a node.
    pub fn remove_node(&mut self, id: usize) {
        if self.model.nodes.try_remove(id).is_some() {
            self.nodes_changed();
        }
    }

    fn nodes_changed(&mut self) {
        self.rebuild_if(|peer| matches!(peer, PeerKind::Nodes(_) | PeerKind::Hosts));
    }

    fn services_changed(&mut self) {
        self.rebuild_if(|peer| matches!(peer, PeerKind::Services(_)));
    }

    /// Replaces the network sets of Calico and the CIDR groups of Cilium.
    pub fn set_network_sets(&mut self, sets: Vec<NetworkSet>) {
        if self.model.network_sets != sets {
            self.model.network_sets = sets;
            self.rebuild_if(|peer| {
                matches!(peer, PeerKind::NetworkSets(_) | PeerKind::CidrGroups(_))
            });
        }
    }

    /// Says what is known of Calico's tiers.
    pub fn set_tiers(&mut self, tiers: BTreeMap<Arc<str>, TierSettings>) {
        if self.model.tiers != tiers {
            self.model.tiers = tiers;
            self.rebuild(false);
        }
    }

    /// Replaces the ways through waypoints.
    pub fn set_waypoints(&mut self, waypoints: Vec<Waypoint>) {
        if self.model.waypoints != waypoints {
            self.model.waypoints = waypoints;
            self.rebuild(false);
        }
    }

    /// Builds everything again if policies have such peers.
    fn rebuild_if(&mut self, concerned: impl Fn(&PeerKind) -> bool) {
        let mut policies = self.model.policies.iter();
        if policies.any(|(_, policy)| policy.peers().any(|peer| concerned(&peer.kind))) {
            self.rebuild(false);
        }
    }

    /// Changes a Service, or adds one if there is no `id`. Gives its id. Its ingress points are
    /// separate: see [`Reach::set_ingress_points`].
    pub fn put_service(&mut self, id: Option<usize>, service: Service) -> usize {
        let known = id.and_then(|id| self.model.services.get(id));
        let leads_elsewhere = known.is_none_or(|known| {
            (&known.namespace, &known.name, &known.labels, &known.selector, &known.endpoints)
                != (
                    &service.namespace,
                    &service.name,
                    &service.labels,
                    &service.selector,
                    &service.endpoints,
                )
        });
        let id = put(&mut self.model.services, id, service);
        if leads_elsewhere {
            self.services_changed();
        }
        id
    }

    /// Removes a Service.
    pub fn remove_service(&mut self, id: usize) {
        if self.model.services.try_remove(id).is_some() {
            self.services_changed();
        }
    }

    /// Replaces the ingress points of a group of pods.
    pub fn set_ingress_points(&mut self, pods: usize, points: Vec<IngressPoint>) {
        let known = points.iter().all(|point| self.space.knows_source_of(point));
        if points.is_empty() {
            self.model.ingress_points.remove(&pods);
        } else {
            self.model.ingress_points.insert(pods, points);
        }
        if !known {
            self.rebuild(false);
        }
    }

    /// Says whether the cluster has IPv6 addresses of its own.
    pub fn set_ipv6(&mut self, ipv6: bool) {
        self.model.ipv6 = ipv6;
        if has_ipv6(&self.model) != self.space.ipv6 {
            self.rebuild(false);
        }
    }

    /// Says what is known of the network plugin.
    pub fn set_plugin(&mut self, plugin: NetworkPlugin) {
        if self.model.plugin != plugin {
            self.model.plugin = plugin;
            self.rebuild(false);
        }
    }

    /// Puts pods into the model and into their class. `false` if no class is free: the space must
    /// be built again.
    fn move_pods(&mut self, id: usize, pods: Pods, touched: &mut Touched) -> bool {
        let assigned = self.space.assign(&self.model, id, &pods);
        let (class, freed) = match assigned {
            ClassAssignment::Existing { freed } => (None, freed),
            ClassAssignment::New { class, freed } => (Some(class), freed),
            ClassAssignment::Exhausted => (None, None),
        };
        if let Some(class) = class {
            self.renew(class, &pods, touched);
        }
        put(&mut self.model.pods, Some(id), pods);
        touched.iter_mut().for_each(|classes| classes.extend(freed));
        assigned != ClassAssignment::Exhausted
    }

    /// Brings the policies up to date with a class that now means `pods`. Adds the classes whose
    /// profiles that changes: its own, and those of the pods under policies that now treat it
    /// differently.
    fn renew(&mut self, class: usize, pods: &Pods, touched: &mut Touched) {
        touched.iter_mut().for_each(|classes| classes.insert(class));
        for (id, policy) in &self.model.policies {
            let Some(compiled) = self.policies.get_mut(id).and_then(Option::as_mut) else {
                continue;
            };
            let changed = compiled.renew(&self.model, policy, class, pods);
            for (changed, classes) in changed.into_iter().zip(&mut *touched) {
                if changed {
                    classes.union_with(&compiled.subject);
                }
            }
        }
    }

    fn no_classes(&self) -> Touched {
        Direction::BOTH.map(|_| FixedBitSet::with_capacity(self.space.universe))
    }

    /// Builds everything again; with twice the room if there was too little.
    fn rebuild(&mut self, grow: bool) {
        let free = if grow { self.space.classes.len() } else { FEW_FREE_CLASSES };
        self.space = Space::new(&self.model, free);
        self.compile();
    }

    /// Compiles and evaluates all policies.
    pub(crate) fn compile(&mut self) {
        let last = self.model.policies.iter().map(|(id, _)| id + 1).max().unwrap_or_default();
        self.policies = std::iter::repeat_with(|| None).take(last).collect();
        for (id, policy) in &self.model.policies {
            let compiled = CompiledPolicy::new(&mut self.space, &self.model, policy);
            if let Some(entry) = self.policies.get_mut(id) {
                *entry = Some(compiled);
            }
        }
        let classes = self.space.classes.len();
        let nothing = Arc::new(Profile::default());
        self.profiles = Direction::BOTH.map(|_| vec![Arc::clone(&nothing); classes]);
        self.governing = Direction::BOTH.map(|_| vec![Arc::from(Vec::new()); classes]);
        let everything = (**self.space.everything()).clone();
        self.evaluate(&[everything.clone(), everything]);
    }

    /// Evaluates the policies for these classes; the others stay as they are. With waypoints, what
    /// concerns some classes may concern all.
    fn evaluate(&mut self, touched: &Touched) {
        if self.model.waypoints.is_empty() {
            self.direct = None;
            self.waypoints.clear();
            self.evaluate_policies(touched);
            return;
        }
        let everything = (**self.space.everything()).clone();
        self.evaluate_policies(&[everything.clone(), everything]);
        self.pass_waypoints();
    }

    fn evaluate_policies(&mut self, touched: &Touched) {
        for (direction, touched) in Direction::BOTH.into_iter().zip(touched) {
            if touched.is_clear() {
                continue;
            }
            for (class, profile, policies) in self.evaluate_direction(direction, touched) {
                if let Some(known) = self.profiles[direction as usize].get_mut(class) {
                    *known = profile;
                }
                if let Some(known) = self.governing[direction as usize].get_mut(class) {
                    *known = policies;
                }
            }
        }
    }

    fn evaluate_direction(
        &self,
        direction: Direction,
        touched: &FixedBitSet,
    ) -> Vec<(usize, Arc<Profile>, Arc<[usize]>)> {
        let mut order: Vec<_> = self
            .model
            .policies
            .iter()
            .filter(|(_, policy)| self.model.plugin.enforces(policy.kind))
            .filter_map(|(id, policy)| {
                let compiled = self.policies.get(id)?.as_ref()?;
                let rules = compiled.rules(direction)?;
                (!compiled.subject.is_disjoint(touched)).then_some((id, policy, compiled, rules))
            })
            .collect();
        order.sort_by_key(|&(_, policy, ..)| self.model.turn(policy));
        let mut governing: Vec<Vec<usize>> = vec![Vec::new(); self.space.classes.len()];
        let mut uses_names = vec![false; self.space.classes.len()];
        for (id, _, compiled, rules) in order {
            let named =
                direction == Direction::Ingress && rules.iter().any(|rule| !rule.named.is_empty());
            for class in compiled.subject.intersection(touched) {
                governing[class].push(id);
                uses_names[class] |= named;
            }
        }
        let mut known: HashMap<Alike<'_>, (Arc<Profile>, Arc<[usize]>)> = HashMap::new();
        let mut found = Vec::new();
        for class in touched.ones().take_while(|&class| class < self.space.classes.len()) {
            let Some(pods) = self.space.representative(&self.model, class) else {
                found.push((class, Arc::new(Profile::default()), Arc::from(Vec::new())));
                continue;
            };
            let policies = governing[class].as_slice();
            let names = uses_names[class].then_some(pods.ports.as_slice());
            let (profile, policies) = known.entry((policies, names)).or_insert_with(|| {
                let (model, compiled) = (&self.model, &self.policies);
                let profile = profile(model, &self.space, compiled, policies, direction, pods);
                (Arc::new(profile), Arc::from(policies))
            });
            found.push((class, Arc::clone(profile), Arc::clone(policies)));
        }
        found
    }
}

/// Replaces the value under an id, or adds one.
pub(crate) fn put<T>(slab: &mut slab::Slab<T>, id: Option<usize>, value: T) -> usize {
    match id.and_then(|id| slab.get_mut(id).map(|entry| (id, entry))) {
        Some((id, entry)) => {
            *entry = value;
            id
        }
        None => slab.insert(value),
    }
}
