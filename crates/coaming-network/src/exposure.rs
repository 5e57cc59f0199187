//! What is open beyond the workloads at hand: to the internet, and to pods that do not exist yet.
//!
//! Two *strangers* are put into the model: a pod without labels in a namespace without labels,
//! and one without labels in the workload's own namespace. What a stranger may connect to is open
//! to whoever can start a pod there. What only certain labels open is listed rule by rule, where
//! no pod at hand has them.

use std::sync::Arc;

use crate::ip::IpSet;
use crate::list::{Connection, Party, list};
use crate::model::{
    Action, Direction, Model, Namespaces, PeerKind, PodSelector, Pods, Role, Workload,
};
use crate::ports::Connections;
use crate::reach::{End, Reach};
use crate::selector::Labels;

/// The namespace of the stranger from elsewhere.
const ELSEWHERE: &str = "coaming-any-namespace";

/// What one direction of a workload is open to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Openness {
    /// Whether any policy guards this direction.
    pub guarded: bool,
    /// Open to any pod of any namespace, existing or not.
    pub cluster: Connections,
    /// Open to any pod of its own namespace, existing or not.
    pub namespace: Connections,
    /// Open to outside addresses.
    pub internet: Vec<(IpSet, Connections)>,
    /// Open to pods with certain labels that no pod at hand has.
    pub future: Vec<(String, Connections)>,
}

/// What a workload is open to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// The workload.
    pub workload: Workload,
    /// What may connect to it.
    pub ingress: Openness,
    /// What it may connect to.
    pub egress: Openness,
    /// The ports that ways in from outside reach.
    pub ways_in: Connections,
}

/// What every workload of the model is open to, in their order.
#[must_use]
pub fn exposure(model: Model) -> Vec<Exposure> {
    let real = model.pods.len();
    let reach = Reach::new(with_strangers(model));
    let connections = list(&reach);
    let model = reach.model();
    let mut exposures = Vec::new();
    for place in crate::find::real_workloads(model) {
        let Some(workload) = model.workloads.get(place) else { continue };
        let pods: Vec<usize> = crate::find::one_of_each_class(&reach, place)
            .into_iter()
            .filter_map(|end| match end {
                End::Pods(pods) if pods < real => Some(pods),
                _ => None,
            })
            .collect();
        let open = |direction| openness(&reach, real, workload, &pods, direction, &connections);
        let ways_in = connections.iter().find(|connection| {
            connection.source == Party::Ingress
                && connection.target == Party::Workload(workload.clone())
        });
        exposures.push(Exposure {
            workload: workload.clone(),
            ingress: open(Direction::Ingress),
            egress: open(Direction::Egress),
            ways_in: ways_in.map(|way| way.allowed.clone()).unwrap_or_default(),
        });
    }
    exposures
}

fn with_strangers(mut model: Model) -> Model {
    let mut namespaces: Vec<Arc<str>> = model
        .pods
        .iter()
        .filter(|pods| pods.role == Role::Real)
        .map(|pods| Arc::clone(&pods.namespace))
        .collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    model.mention_namespace(ELSEWHERE);
    namespaces.push(Arc::from(ELSEWHERE));
    for namespace in namespaces {
        model.pods.push(Pods {
            workload: usize::MAX,
            namespace,
            labels: Arc::new(Labels::new()),
            ports: Vec::new(),
            host_network: false,
            addresses: IpSet::none(),
            role: Role::Stranger,
            place: None,
        });
    }
    model
}

fn openness(
    reach: &Reach,
    real: usize,
    workload: &Workload,
    pods: &[usize],
    direction: Direction,
    connections: &[Connection],
) -> Openness {
    let with_stranger = |namespace: &str| {
        let stranger = reach
            .model()
            .pods
            .iter()
            .enumerate()
            .skip(real)
            .find(|(_, stranger)| *stranger.namespace == *namespace);
        let Some((stranger, _)) = stranger else { return Connections::none() };
        let open = pods.iter().map(|&own| reach.allowed_by(own, direction, End::Pods(stranger)));
        open.fold(Connections::none(), |all, some| all.union(&some))
    };
    let own = Party::Workload(workload.clone());
    let internet = connections.iter().filter_map(|connection| match direction {
        Direction::Ingress if connection.target == own => outside(&connection.source, connection),
        Direction::Egress if connection.source == own => outside(&connection.target, connection),
        _ => None,
    });
    Openness {
        guarded: pods.iter().all(|&pods| !reach.policies_of(pods, direction).is_empty()),
        cluster: with_stranger(ELSEWHERE),
        namespace: with_stranger(&workload.namespace),
        internet: internet.collect(),
        future: pods.first().map(|&pods| future(reach, pods, direction)).unwrap_or_default(),
    }
}

fn outside(party: &Party, connection: &Connection) -> Option<(IpSet, Connections)> {
    match party {
        Party::Ip(addresses) => Some((addresses.clone(), connection.allowed.clone())),
        _ => None,
    }
}

/// The pods that rules allow and that do not exist.
fn future(reach: &Reach, own: usize, direction: Direction) -> Vec<(String, Connections)> {
    let model = reach.model();
    let mut found = Vec::new();
    for place in reach.policies_of(own, direction) {
        let rules = model.policies.get(place).and_then(|policy| policy.rules(direction));
        for (position, rule) in rules.unwrap_or_default().iter().enumerate() {
            if rule.action != Action::Allow {
                continue;
            }
            for peer in rule.peers.iter().flatten() {
                let PeerKind::Pods(selector) = &peer.kind else { continue };
                if !matched(model, selector) {
                    let ports = reach.rule_ports(place, direction, position, own);
                    found.push((describe(selector), ports));
                }
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether any pod at hand, or a stranger, is meant.
fn matched(model: &Model, selector: &PodSelector) -> bool {
    model.pods.iter().filter(|pods| pods.role != Role::Controller).any(|pods| {
        let in_namespace = match &selector.namespaces {
            Namespaces::Named(name) => **name == *pods.namespace,
            Namespaces::Selected(selector) => model
                .namespaces
                .get(&*pods.namespace)
                .is_some_and(|namespace| selector.matches(&namespace.labels)),
        };
        in_namespace && selector.pods.matches(&pods.labels)
    })
}

/// A selector in words.
pub(crate) fn describe(selector: &PodSelector) -> String {
    let pods = if selector.pods.is_everything() {
        "any pod".to_owned()
    } else {
        format!("pods with {}", selector.pods)
    };
    let namespaces = match &selector.namespaces {
        Namespaces::Named(name) => format!("in namespace {name}"),
        Namespaces::Selected(selector) if selector.is_everything() => "in any namespace".to_owned(),
        Namespaces::Selected(selector) => format!("in namespaces with {selector}"),
    };
    format!("{pods} {namespaces}")
}
