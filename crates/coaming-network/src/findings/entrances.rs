//! Ways into the cluster that lead nowhere: the policies close the pods, or the Service does not have
//! the port.

use std::collections::{BTreeMap, HashMap};

use coaming_kube::World;

use super::{Certainty, Check, PolicyProblem, real_pods};
use crate::facts::{Entrance, Statement, WantedPort};
use crate::list::IngressCheck;
use crate::model::{
    Direction, ExternalSource, IngressPoint, Model, Namespaces, PeerKind, PolicyKind, Service, Tier,
};
use crate::reach::Reach;
use crate::views::{Reader, statement};

/// Ingress points of which the policies let none through, one problem for each object that opens
/// them.
pub(super) fn find(reach: &Reach, found: &mut Vec<PolicyProblem>) {
    let model = reach.model();
    let mut check = IngressCheck::new(reach);
    let mut by_object: BTreeMap<&str, Vec<(&IngressPoint, bool)>> = BTreeMap::new();
    for point in model.all_ingress_points() {
        by_object.entry(&point.via).or_default().push((point, check.lets_in(point)));
    }
    for (via, points) in by_object {
        let Some((point, _)) = points.first() else { continue };
        let closed = points.iter().all(|(point, open)| !open && is_closed(reach, point));
        if closed {
            found.push(problem(reach, via, point));
        }
    }
}

/// Whether no rule could mean the source, wherever it runs.
fn is_closed(reach: &Reach, point: &IngressPoint) -> bool {
    let model = reach.model();
    let governing = reach.policies_of(point.pods, Direction::Ingress).iter();
    let mut governing = governing.filter_map(|&id| model.policies.get(id));
    let decides = |kind: PolicyKind| kind.is_network_policy() || kind == PolicyKind::AmbientMesh;
    if governing.any(|policy| !decides(policy.kind)) {
        return false;
    }
    if matches!(point.source, ExternalSource::Address(_)) {
        return true;
    }
    let Some(pods) = model.pods.get(point.pods) else { return false };
    let policies = reach.policies_of(point.pods, Direction::Ingress).iter();
    let policies = policies.filter_map(|&id| model.policies.get(id));
    let mut rules = policies
        .filter(|policy| policy.tier == Tier::Network)
        .flat_map(|policy| policy.rules(Direction::Ingress).unwrap_or_default());
    let elsewhere = rules.any(|rule| {
        rule.peers.as_ref().is_none_or(|peers| {
            peers.iter().any(|peer| match &peer.kind {
                PeerKind::Pods(selector) => {
                    !matches!(&selector.namespaces, Namespaces::Named(name) if **name == *pods.namespace)
                }
                _ => true,
            })
        })
    });
    !elsewhere && !has_controller(model, &pods.namespace)
}

/// Whether a workload of a namespace may be an ingress controller.
fn has_controller(model: &Model, namespace: &str) -> bool {
    const WORDS: [&str; 8] =
        ["ingress", "gateway", "traefik", "nginx", "haproxy", "contour", "envoy", "kong"];
    let mut names = real_pods(model)
        .filter(|(_, pods)| *pods.namespace == *namespace)
        .filter_map(|(_, pods)| model.workloads.get(pods.workload));
    names.any(|workload| WORDS.iter().any(|word| workload.name.contains(word)))
}

fn problem(reach: &Reach, via: &str, point: &IngressPoint) -> PolicyProblem {
    let model = reach.model();
    let workload = model.pods.get(point.pods).and_then(|pods| model.workloads.get(pods.workload));
    let workload = workload.map_or_else(String::new, ToString::to_string);
    let (what, help) = match point.source {
        _ if point.source.is_inside() => (
            "the policies close to every other namespace, and so to the ingress controller",
            "Add an ingress rule with a namespaceSelector for the namespace of the ingress \
             controller; a podSelector alone means pods of the policy's own namespace",
        ),
        _ => (
            "the policies close to the addresses that they see: without `externalTrafficPolicy: \
             Local` these are addresses of nodes, and not of clients",
            "Set `externalTrafficPolicy: Local` on the Service, or allow the addresses of the nodes",
        ),
    };
    let mut locations = reach
        .policies_of(point.pods, Direction::Ingress)
        .iter()
        .filter_map(|&id| model.policies.get(id))
        .filter_map(|policy| {
            Some((policy.location.clone()?, format!("{policy} does not let it in")))
        });
    PolicyProblem {
        check: Check::ClosedEntrance,
        certainty: Certainty::Likely,
        subject: via.to_owned(),
        message: format!("{via} leads to {workload}, which {what}"),
        help: Some(help.to_owned()),
        location: locations.next().map(|(location, _)| location),
        related: locations.collect(),
    }
}

/// Routes that name a port that their Service does not have.
#[must_use]
pub fn broken_routes(world: &World) -> Vec<PolicyProblem> {
    let reader = Reader::new(world);
    let mut services: HashMap<(String, String), Service> = HashMap::new();
    let mut routes = Vec::new();
    for object in world.objects() {
        match statement(&reader, object) {
            Statement::Service(service, ..) => {
                let name = (service.namespace.clone(), service.name.clone());
                services.entry(name).or_insert(*service);
            }
            Statement::Route(entrances) => routes.push((object, entrances)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    for (object, entrances) in routes {
        for entrance in entrances {
            let Some(service) = services.get(&entrance.service) else { continue };
            if service.ports.is_empty() || service.ports.iter().any(|port| entrance.leads_to(port))
            {
                continue;
            }
            found.push(no_such_port(&entrance, service, reader.location(object, object.node())));
        }
    }
    found.dedup();
    found
}

fn no_such_port(
    entrance: &Entrance,
    service: &Service,
    location: crate::model::SourceRef,
) -> PolicyProblem {
    let wanted = match &entrance.wanted {
        WantedPort::Any => String::new(),
        WantedPort::Name(name) => format!(" `{name}`"),
        WantedPort::Number(number) => format!(" {number}"),
    };
    let ports: Vec<String> = service.ports.iter().map(|port| port.port.to_string()).collect();
    PolicyProblem {
        check: Check::NoSuchServicePort,
        certainty: Certainty::Proven,
        subject: entrance.via.clone(),
        message: format!(
            "{} leads to port{wanted} of Service {}/{}, which has only {}",
            entrance.via,
            service.namespace,
            service.name,
            super::some_names(ports.iter().map(String::as_str))
        ),
        help: Some("Name a port of the Service, not of the pods".to_owned()),
        location: Some(location),
        related: service
            .location
            .clone()
            .into_iter()
            .map(|location| (location, "the Service".to_owned()))
            .collect(),
    }
}
