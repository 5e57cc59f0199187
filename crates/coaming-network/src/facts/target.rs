//! Where settled facts go: into a plain model, or into one whose reachability is kept up to date.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{
    IngressPoint, Model, Namespace, NetworkPlugin, NetworkSet, Node, Pods, Policy, Problem,
    Service, TierSettings, Unevaluated, Waypoint, Workload,
};
use crate::reach::Reach;
use crate::update::put;

/// A model that can be changed.
pub(crate) trait Target {
    fn model(&self) -> &Model;
    fn put_namespace(&mut self, name: &str, namespace: Namespace);
    fn remove_namespace(&mut self, name: &str);
    fn put_workload(&mut self, id: Option<usize>, workload: Workload) -> usize;
    fn remove_workload(&mut self, id: usize);
    fn put_pods(&mut self, id: Option<usize>, pods: Pods) -> usize;
    fn remove_pods(&mut self, id: usize);
    fn put_policy(&mut self, id: Option<usize>, policy: Policy) -> usize;
    fn remove_policy(&mut self, id: usize);
    fn put_service(&mut self, id: Option<usize>, service: Service) -> usize;
    fn remove_service(&mut self, id: usize);
    fn put_node(&mut self, id: Option<usize>, node: Node) -> usize;
    fn remove_node(&mut self, id: usize);
    fn set_ingress_points(&mut self, pods: usize, points: Vec<IngressPoint>);
    fn set_refused_routes(&mut self, pods: usize, reasons: BTreeSet<String>);
    fn set_problems(&mut self, problems: Vec<Problem>);
    fn set_ipv6(&mut self, ipv6: bool);
    fn set_unevaluated(&mut self, unevaluated: Vec<Unevaluated>);
    fn set_plugin(&mut self, plugin: NetworkPlugin);
    fn set_network_sets(&mut self, sets: Vec<NetworkSet>);
    fn set_tiers(&mut self, tiers: BTreeMap<Arc<str>, TierSettings>);
    fn set_waypoints(&mut self, waypoints: Vec<Waypoint>);
}

impl Target for Model {
    fn model(&self) -> &Model {
        self
    }

    fn put_namespace(&mut self, name: &str, namespace: Namespace) {
        self.namespaces.insert(name.to_owned(), namespace);
    }

    fn remove_namespace(&mut self, name: &str) {
        self.namespaces.remove(name);
    }

    fn put_workload(&mut self, id: Option<usize>, workload: Workload) -> usize {
        put(&mut self.workloads, id, workload)
    }

    fn remove_workload(&mut self, id: usize) {
        self.workloads.try_remove(id);
    }

    fn put_pods(&mut self, id: Option<usize>, pods: Pods) -> usize {
        put(&mut self.pods, id, pods)
    }

    fn remove_pods(&mut self, id: usize) {
        self.pods.try_remove(id);
        self.ingress_points.remove(&id);
        self.refused_routes.remove(&id);
    }

    fn put_policy(&mut self, id: Option<usize>, policy: Policy) -> usize {
        put(&mut self.policies, id, policy)
    }

    fn remove_policy(&mut self, id: usize) {
        self.policies.try_remove(id);
    }

    fn put_service(&mut self, id: Option<usize>, service: Service) -> usize {
        put(&mut self.services, id, service)
    }

    fn remove_service(&mut self, id: usize) {
        self.services.try_remove(id);
    }

    fn put_node(&mut self, id: Option<usize>, node: Node) -> usize {
        put(&mut self.nodes, id, node)
    }

    fn remove_node(&mut self, id: usize) {
        self.nodes.try_remove(id);
    }

    fn set_ingress_points(&mut self, pods: usize, points: Vec<IngressPoint>) {
        if points.is_empty() {
            self.ingress_points.remove(&pods);
        } else {
            self.ingress_points.insert(pods, points);
        }
    }

    fn set_refused_routes(&mut self, pods: usize, reasons: BTreeSet<String>) {
        if reasons.is_empty() {
            self.refused_routes.remove(&pods);
        } else {
            self.refused_routes.insert(pods, reasons);
        }
    }

    fn set_problems(&mut self, problems: Vec<Problem>) {
        self.problems = problems;
    }

    fn set_ipv6(&mut self, ipv6: bool) {
        self.ipv6 = ipv6;
    }

    fn set_unevaluated(&mut self, unevaluated: Vec<Unevaluated>) {
        self.unevaluated = unevaluated;
    }

    fn set_plugin(&mut self, plugin: NetworkPlugin) {
        self.plugin = plugin;
    }

    fn set_network_sets(&mut self, sets: Vec<NetworkSet>) {
        self.network_sets = sets;
    }

    fn set_tiers(&mut self, tiers: BTreeMap<Arc<str>, TierSettings>) {
        self.tiers = tiers;
    }

    fn set_waypoints(&mut self, waypoints: Vec<Waypoint>) {
        self.waypoints = waypoints;
    }
}

impl Target for Reach {
    fn model(&self) -> &Model {
        Self::model(self)
    }

    fn put_namespace(&mut self, name: &str, namespace: Namespace) {
        Self::put_namespace(self, name, namespace);
    }

    fn remove_namespace(&mut self, name: &str) {
        Self::remove_namespace(self, name);
    }

    fn put_workload(&mut self, id: Option<usize>, workload: Workload) -> usize {
        Self::put_workload(self, id, workload)
    }

    fn remove_workload(&mut self, id: usize) {
        Self::remove_workload(self, id);
    }

    fn put_pods(&mut self, id: Option<usize>, pods: Pods) -> usize {
        Self::put_pods(self, id, pods)
    }

    fn remove_pods(&mut self, id: usize) {
        Self::remove_pods(self, id);
    }

    fn put_policy(&mut self, id: Option<usize>, policy: Policy) -> usize {
        Self::put_policy(self, id, policy)
    }

    fn remove_policy(&mut self, id: usize) {
        Self::remove_policy(self, id);
    }

    fn put_service(&mut self, id: Option<usize>, service: Service) -> usize {
        Self::put_service(self, id, service)
    }

    fn remove_service(&mut self, id: usize) {
        Self::remove_service(self, id);
    }

    fn put_node(&mut self, id: Option<usize>, node: Node) -> usize {
        Self::put_node(self, id, node)
    }

    fn remove_node(&mut self, id: usize) {
        Self::remove_node(self, id);
    }

    fn set_ingress_points(&mut self, pods: usize, points: Vec<IngressPoint>) {
        Self::set_ingress_points(self, pods, points);
    }

    fn set_refused_routes(&mut self, pods: usize, reasons: BTreeSet<String>) {
        self.model.set_refused_routes(pods, reasons);
    }

    fn set_problems(&mut self, problems: Vec<Problem>) {
        self.model.problems = problems;
    }

    fn set_ipv6(&mut self, ipv6: bool) {
        Self::set_ipv6(self, ipv6);
    }

    fn set_unevaluated(&mut self, unevaluated: Vec<Unevaluated>) {
        self.model.unevaluated = unevaluated;
    }

    fn set_plugin(&mut self, plugin: NetworkPlugin) {
        Self::set_plugin(self, plugin);
    }

    fn set_network_sets(&mut self, sets: Vec<NetworkSet>) {
        Self::set_network_sets(self, sets);
    }

    fn set_tiers(&mut self, tiers: BTreeMap<Arc<str>, TierSettings>) {
        Self::set_tiers(self, tiers);
    }

    fn set_waypoints(&mut self, waypoints: Vec<Waypoint>) {
        Self::set_waypoints(self, waypoints);
    }
}
