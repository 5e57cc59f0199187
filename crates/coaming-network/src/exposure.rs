//! What is open beyond the known workloads: to the internet, and to pods that do not exist yet.
//!
//! *Unknown peers* are put into the model: a pod without labels in a namespace without labels, and
//! one without labels in each namespace that has pods. What an unknown peer may connect to is open
//! to anyone who can start a pod there. What only certain labels open is listed rule by rule, where
//! no known pod has them.
//!
//! Workloads of the same classes are open to the same, which is worked out once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::groups::{ByAddress, Groups};
use crate::ip::IpSet;
use crate::list::{Peer, entering};
use crate::model::{
    Action, Direction, Model, Namespaces, PeerKind, PodSelector, Pods, Role, Workload,
};
use crate::ports::Connections;
use crate::reach::{Endpoint, Reach};
use crate::selector::Labels;

/// The namespace of the unknown peer from elsewhere.
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
    /// Open to pods with certain labels that no known pod has.
    pub future: Vec<(PodSelector, Connections)>,
}

/// What a workload is open to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// The workload.
    pub workload: Workload,
    /// What may connect to it.
    pub ingress: Arc<Openness>,
    /// What it may connect to.
    pub egress: Arc<Openness>,
    /// The ports that ingress points reach.
    pub ingress_points: Connections,
}

/// What every workload of the model is open to, in their order.
#[must_use]
pub fn exposure(model: Model) -> Vec<Exposure> {
    let (model, unknown_peers) = with_unknown_peers(model);
    let reach = Reach::new(model);
    let mut ingress_points: BTreeMap<Arc<Workload>, Connections> = BTreeMap::new();
    for connection in entering(&reach) {
        if let Peer::Workload(target) = connection.target {
            ingress_points.insert(target, connection.allowed);
        }
    }
    let mut groups = Groups::new(&reach);
    let mut work = Work { reach: &reach, unknown_peers, matched: HashMap::new() };
    let mut known: [HashMap<Vec<usize>, Arc<Openness>>; 2] = [HashMap::new(), HashMap::new()];
    let mut exposures = Vec::new();
    let workloads = one_of_each_class(&reach, groups.workloads());
    for (rank, (workload, pods)) in workloads.into_iter().enumerate() {
        let classes: Vec<usize> = pods.iter().filter_map(|&pods| reach.class_of(pods)).collect();
        let [ingress, egress] = Direction::BOTH.map(|direction| {
            let known = known[direction as usize].entry(classes.clone());
            Arc::clone(known.or_insert_with(|| {
                let internet = match direction {
                    Direction::Ingress => groups.incoming(groups.target_of(rank)),
                    Direction::Egress => groups.outgoing(groups.source_of(rank)),
                };
                Arc::new(work.openness(&workload.namespace, &pods, direction, &internet))
            }))
        });
        exposures.push(Exposure {
            workload: workload.clone(),
            ingress,
            egress,
            ingress_points: ingress_points.get(workload).cloned().unwrap_or_default(),
        });
    }
    exposures
}

/// The workloads, each with one of its pods for each class, in the order of the pods.
fn one_of_each_class<'r>(reach: &'r Reach, workloads: &[usize]) -> Vec<(&'r Workload, Vec<usize>)> {
    let model = reach.model();
    let mut pods_of: HashMap<usize, Vec<usize>> = HashMap::new();
    for (id, pods) in &model.pods {
        if pods.role == Role::Real {
            pods_of.entry(pods.workload).or_default().push(id);
        }
    }
    workloads
        .iter()
        .filter_map(|id| {
            let mut pods = pods_of.remove(id).unwrap_or_default();
            let mut seen = std::collections::BTreeSet::new();
            pods.retain(|&pods| seen.insert(reach.class_of(pods)));
            Some((model.workloads.get(*id)?, pods))
        })
        .collect()
}

/// Adds the unknown peers; gives them by namespace.
fn with_unknown_peers(mut model: Model) -> (Model, HashMap<Arc<str>, usize>) {
    let real = model.pods.iter().filter(|(_, pods)| pods.role == Role::Real);
    let mut namespaces: Vec<Arc<str>> = real.map(|(_, pods)| Arc::clone(&pods.namespace)).collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    model.mention_namespace(ELSEWHERE);
    namespaces.push(Arc::from(ELSEWHERE));
    let mut ids = HashMap::new();
    for namespace in namespaces {
        let id = model.pods.insert(Pods {
            workload: usize::MAX,
            namespace: Arc::clone(&namespace),
            labels: Arc::new(Labels::new()),
            ports: Vec::new(),
            host_network: false,
            addresses: IpSet::none(),
            role: Role::UnknownPeer,
            location: None,
        });
        ids.entry(namespace).or_insert(id);
    }
    (model, ids)
}

/// Pods that a rule allows: in words, which the order goes by, with the ports.
type Future<'r> = (String, Connections, &'r PodSelector);

/// What is worked out once for all workloads.
struct Work<'r> {
    reach: &'r Reach,
    /// The unknown peers, by namespace.
    unknown_peers: HashMap<Arc<str>, usize>,
    /// By selector: whether it selects any known pod, or an unknown peer.
    matched: HashMap<&'r PodSelector, bool>,
}

impl<'r> Work<'r> {
    fn openness(
        &mut self,
        namespace: &str,
        pods: &[usize],
        direction: Direction,
        internet: &ByAddress,
    ) -> Openness {
        let reach = self.reach;
        let with_unknown_peer = |namespace: &str| {
            let Some(&unknown) = self.unknown_peers.get(namespace) else {
                return Connections::none();
            };
            let peer = Endpoint::Pods(unknown);
            let open = pods.iter().map(|&own| reach.allowed_by(own, direction, peer));
            open.fold(Connections::none(), |all, some| all.union(&some))
        };
        let mut internet: Vec<_> =
            internet.iter().map(|(allowed, set)| (set.clone(), allowed.clone())).collect();
        internet.sort_unstable();
        Openness {
            guarded: pods.iter().all(|&pods| !reach.policies_of(pods, direction).is_empty()),
            cluster: with_unknown_peer(ELSEWHERE),
            namespace: with_unknown_peer(namespace),
            internet,
            future: self.future(pods, direction),
        }
    }

    /// The pods that rules allow and that do not exist.
    fn future(&mut self, pods: &[usize], direction: Direction) -> Vec<(PodSelector, Connections)> {
        let mut found = Vec::new();
        for &own in pods {
            self.add_future(own, direction, &mut found);
        }
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|(_, ports, selector)| (selector.clone(), ports)).collect()
    }

    fn add_future(&mut self, own: usize, direction: Direction, found: &mut Vec<Future<'r>>) {
        let reach = self.reach;
        for &id in reach.policies_of(own, direction) {
            let policy = reach.model().policies.get(id);
            let rules = policy.and_then(|policy| policy.rules(direction)).unwrap_or_default();
            for (position, rule) in rules.iter().enumerate() {
                if rule.action != Action::Allow {
                    continue;
                }
                for peer in rule.peers.iter().flatten() {
                    let PeerKind::Pods(selector) = &peer.kind else { continue };
                    let matched = self.matched.entry(selector);
                    if !*matched.or_insert_with(|| is_matched(reach, selector)) {
                        let ports = reach.rule_ports(id, direction, position, own);
                        found.push((selector.to_string(), ports, selector));
                    }
                }
            }
        }
    }
}

/// Whether a selector of a policy means any known pod, or an unknown peer. The pods of a class are
/// the same to it.
fn is_matched(reach: &Reach, selector: &PodSelector) -> bool {
    let model = reach.model();
    let pods = (0..reach.classes().len()).filter_map(|class| reach.representative(class));
    pods.filter(|pods| pods.role != Role::Controller).any(|pods| {
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
