//! Istio's ambient mesh: what its objects say together.
//!
//! Traffic between pods of the mesh arrives on one port of the receiving pod, which is the port that
//! network policies see. This becomes policies of a tier of its own, so that it tells pods apart
//! and changes are taken in as those of any policy. Waypoints are few, and put together again with every
//! change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coaming_kube::ObjectId;

use super::{Name, ObjectFacts, Statement, Target, waypoints};
use crate::ip::IpSet;
use crate::model::{Mesh, Pods, Role, Unevaluated, Workload, ambient_policies};
use crate::selector::{ISTIO, Labels, NAMESPACE, ORCHESTRATOR, PRINCIPAL, SERVICE_ACCOUNT};
use crate::views::istio::RootNamespace;

/// The label of a Gateway's pods with its name.
const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";

/// The objects that take part, and what was made of them.
#[derive(Debug, Default)]
pub(super) struct AmbientFacts {
    count: usize,
    /// The ids of the policies in the model.
    ids: Vec<usize>,
    /// Gateways, their classes, and policies that are attached to objects.
    objects: BTreeSet<ObjectId>,
    /// The pods and workloads in the model of waypoints of which the input has no pods.
    stand_ins: BTreeMap<Name, (usize, usize)>,
    /// What is not evaluated.
    pub(super) unevaluated: Vec<Unevaluated>,
}

impl AmbientFacts {
    /// Takes an object that brings pods into the mesh into account, or no longer.
    pub(super) fn change(&mut self, add: bool) {
        super::appears_or_goes(&mut self.count, add);
    }

    /// Takes an object into account, or no longer, if waypoints depend on it.
    pub(super) fn change_object(&mut self, id: ObjectId, statement: &Statement, add: bool) {
        let counts = match statement {
            Statement::Gateway(_) | Statement::GatewayClass(_) => true,
            Statement::Policy(_, facts) => facts.attached.is_some(),
            _ => false,
        };
        if counts {
            super::keep(&mut self.objects, id, add);
        }
    }

    /// Brings a model up to date.
    pub(super) fn settle(&mut self, target: &mut impl Target) {
        match (self.count > 0, self.ids.is_empty()) {
            (true, true) => {
                let policies = ambient_policies().into_iter();
                self.ids.extend(policies.map(|it| target.put_policy(None, it)));
            }
            (false, false) => self.ids.drain(..).for_each(|id| target.remove_policy(id)),
            _ => {}
        }
    }

    /// Puts the waypoints together, once everything else is settled; gives whether what is not evaluated
    /// changed.
    pub(super) fn settle_waypoints(
        &mut self,
        sources: &BTreeMap<ObjectId, ObjectFacts>,
        root: &RootNamespace,
        target: &mut impl Target,
    ) -> bool {
        let objects: Vec<&ObjectFacts> =
            self.objects.iter().filter_map(|id| sources.get(id)).collect();
        let gateways = waypoints::gateways(&objects);
        let used = if self.count > 0 { gateways.as_slice() } else { &[] };
        self.settle_stand_ins(used, target);
        let (found, unevaluated) =
            waypoints::waypoints(&objects, &gateways, root, target.model(), self.count > 0);
        if target.model().waypoints != found {
            target.set_waypoints(found);
        }
        let changed = self.unevaluated != unevaluated;
        self.unevaluated = unevaluated;
        changed
    }

    /// Adds pods for waypoints that the input has none of, or removes them.
    fn settle_stand_ins(&mut self, gateways: &[waypoints::Gateway<'_>], target: &mut impl Target) {
        let known: BTreeSet<usize> = self.stand_ins.values().map(|(pods, _)| *pods).collect();
        let lacks_pods = |gateway: &waypoints::Gateway<'_>| {
            !target.model().pods.iter().any(|(id, pods)| {
                !known.contains(&id)
                    && *pods.namespace == *gateway.namespace
                    && pods.labels.get(GATEWAY_NAME).is_some_and(|name| name == gateway.name)
            })
        };
        let wanted = gateways.iter().filter(|it| lacks_pods(it));
        let wanted: BTreeMap<Name, _> = wanted
            .map(|it| ((it.namespace.to_owned(), it.name.to_owned()), it.facts.location.clone()))
            .collect();
        let gone: Vec<Name> =
            self.stand_ins.keys().filter(|name| !wanted.contains_key(*name)).cloned().collect();
        for (pods, workload) in gone.iter().filter_map(|name| self.stand_ins.remove(name)) {
            target.remove_pods(pods);
            target.remove_workload(workload);
        }
        for (name, location) in wanted {
            if self.stand_ins.contains_key(&name) {
                continue;
            }
            let workload = Workload {
                namespace: name.0.clone(),
                name: name.1.clone(),
                kind: "Gateway".to_owned(),
            };
            let workload = target.put_workload(None, workload);
            let pods = Pods { location, ..stand_in(&name, workload) };
            self.stand_ins.insert(name, (target.put_pods(None, pods), workload));
        }
    }
}

/// The pods that Istio makes for a waypoint.
fn stand_in((namespace, name): &Name, workload: usize) -> Pods {
    let labels = [
        (GATEWAY_NAME, name.clone()),
        ("gateway.networking.k8s.io/gateway-class-name", "istio-waypoint".to_owned()),
        ("gateway.istio.io/managed", "istio.io-mesh-controller".to_owned()),
        ("istio.io/dataplane-mode", "none".to_owned()),
        ("service.istio.io/canonical-name", name.clone()),
        (NAMESPACE, namespace.clone()),
        (ORCHESTRATOR, "k8s".to_owned()),
        (SERVICE_ACCOUNT, name.clone()),
        (ISTIO, Mesh::Waypoint.name().to_owned()),
        (PRINCIPAL, format!("cluster.local/ns/{namespace}/sa/{name}")),
    ];
    let labels: Labels = labels.map(|(key, value)| (key.to_owned(), value)).into();
    Pods {
        workload,
        namespace: Arc::from(namespace.as_str()),
        labels: Arc::new(labels),
        ports: Vec::new(),
        host_network: false,
        addresses: IpSet::none(),
        role: Role::Real,
        location: None,
    }
}
