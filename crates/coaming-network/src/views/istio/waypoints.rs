//! Waypoints: Gateways in front of Services or pods of the ambient mesh, and the policies that are
//! attached to them.

use coaming_kube::{Fields, Object};
use coaming_yaml::Node;

use super::SpecReader;
use crate::model::{Policy, SourceRef};
use crate::selector::{Labels, Selector};
use crate::views::{Checks, Reader, labels_of};

/// The label with the name of the waypoint that Services, pods and namespaces use.
pub(crate) const USE: &str = "istio.io/use-waypoint";

/// The label with the namespace of that waypoint.
pub(crate) const USE_NAMESPACE: &str = "istio.io/use-waypoint-namespace";

/// The class of waypoints that Istio has by itself.
pub(crate) const CLASS: &str = "istio-waypoint";

/// What makes a GatewayClass one of waypoints.
pub(crate) const CONTROLLER: &str = "istio.io/mesh-controller";

/// A kind of object that policies can be attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TargetKind {
    Gateway,
    GatewayClass,
    Service,
    /// Something else: a ServiceEntry.
    Other,
}

/// A policy that is attached to other objects than pods, with rules about the ports of Services.
#[derive(Clone, Debug)]
pub(crate) struct AttachedPolicy {
    /// What it is attached to, by kind and name.
    pub(crate) targets: Vec<(TargetKind, String)>,
    /// What it says; its subject does not count.
    pub(crate) policy: Policy,
}

/// What a Gateway says about who may use it.
#[derive(Clone, Debug)]
pub(crate) struct GatewayFacts {
    /// Its class.
    pub(crate) class: String,
    /// What it is for: the label `istio.io/waypoint-for`.
    pub(crate) used_for: String,
    /// Whose Services may use it: `Same`, `All`, or namespaces with these labels.
    pub(crate) users: Vec<Users>,
    /// Where it is written.
    pub(crate) location: Option<SourceRef>,
}

/// The namespaces whose objects may use a listener of a Gateway.
#[derive(Clone, Debug)]
pub(crate) enum Users {
    Same,
    All,
    Selected(Selector),
}

/// What a Gateway says.
pub(crate) fn gateway(reader: &Reader<'_>, object: Object<'_>) -> GatewayFacts {
    let mut checks = Checks::new(reader, object);
    let spec = object.spec();
    let users = spec.list("listeners").map(|listener| {
        let namespaces = listener.mapping("allowedRoutes").mapping("namespaces");
        match namespaces.string("from") {
            Some("All") => Users::All,
            Some("Selector") => {
                let selector = namespaces.mapping("selector");
                Users::Selected(selector.map(|it| checks.selector(it)).unwrap_or_default())
            }
            _ => Users::Same,
        }
    });
    let labels = labels_of(object.metadata());
    GatewayFacts {
        class: spec.string("gatewayClassName").unwrap_or_default().to_owned(),
        used_for: labels.get("istio.io/waypoint-for").map_or("service", String::as_str).to_owned(),
        users: users.collect(),
        location: checks.location(object.node()),
    }
}

impl GatewayFacts {
    /// Whether it looks at the labels of namespaces.
    pub(crate) fn may_select(&self) -> bool {
        self.users.iter().any(|users| matches!(users, Users::Selected(_)))
    }

    /// Whether objects of a namespace may use it.
    pub(crate) fn serves(&self, own: &str, namespace: &str, labels: Option<&Labels>) -> bool {
        own == namespace
            || self.users.iter().any(|users| match users {
                Users::Same => false,
                Users::All => true,
                Users::Selected(selector) => labels.is_some_and(|it| selector.matches(it)),
            })
    }
}

impl<'i> SpecReader<'_, '_, 'i> {
    /// What the policy is attached to; none if it selects pods.
    pub(super) fn target_refs(&mut self, spec: Node<'i>) -> Vec<(TargetKind, String)> {
        let one = self.checks.mapping(spec, "targetRef");
        let items = one.into_iter().chain(self.checks.items(spec, "targetRefs"));
        let targets = items.map(|item| {
            let kind = match (item.string("group").unwrap_or_default(), item.string("kind")) {
                ("gateway.networking.k8s.io", Some("Gateway")) => TargetKind::Gateway,
                ("gateway.networking.k8s.io", Some("GatewayClass")) => TargetKind::GatewayClass,
                ("" | "core", Some("Service")) => TargetKind::Service,
                _ => TargetKind::Other,
            };
            (kind, item.string("name").unwrap_or_default().to_owned())
        });
        targets.collect()
    }
}
