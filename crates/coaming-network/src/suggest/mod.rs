//! Least-privilege policies, from what the manifests or recorded flows show.
//!
//! A *flow* is a connection that a workload needs, with the evidence for it. The policies deny all
//! by default, allow names to be resolved, and allow the flows; nothing is guessed: what the
//! evidence does not show becomes a question. Invariant: what is returned was read back, put into
//! the model, and lists exactly the flows ([`SuggestError::Unsound`] otherwise).

mod by_name;
mod evidence;
mod hubble;
mod text;
mod write;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use coaming_kube::World;

use crate::index::ModelIndex;
use crate::list::{Peer, connections};
use crate::model::{ExternalSource, Model, Role, SourceRef, Workload};
use crate::ports::{Connections, PortSet, Protocol};
use crate::reach::Reach;
use crate::views::from_world;

/// Why no policies can be suggested.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SuggestError {
    /// The input holds no pods.
    #[error("the input contains no workloads to write policies for")]
    NoWorkloads,
    /// A flow log cannot be read.
    #[error("line {line} of the flow log is not a Hubble flow in JSON: {message}")]
    FlowLog {
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// The policies would not do what they say: a defect here, or workloads that labels cannot
    /// tell apart.
    #[error("the policies would not allow exactly the flows: {0}")]
    Unsound(String),
}

/// The source of a flow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A workload, by its id in the model.
    Workload(usize),
    /// An ingress controller.
    Controller,
    /// Any address outside.
    Outside,
}

/// A connection that a workload needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flow {
    /// Where it comes from.
    pub source: Source,
    /// The workload that it goes to, by its id.
    pub target: usize,
    /// The protocol.
    pub protocol: Protocol,
    /// The port of the target's pods.
    pub port: u16,
}

/// The flows with their evidence, and the questions that remain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Each flow with what shows it.
    pub(crate) flows: BTreeMap<Flow, BTreeSet<String>>,
    /// What the evidence does not show.
    pub(crate) questions: BTreeSet<String>,
}

impl Found {
    fn add(&mut self, flow: Flow, evidence: String) {
        self.flows.entry(flow).or_default().insert(evidence);
    }
}

/// Policies, and the questions that remain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The policies, as YAML with comments.
    pub yaml: String,
    /// The flows that they allow.
    pub flows: Vec<Flow>,
    /// What the evidence does not show, one question each.
    pub questions: Vec<String>,
}

/// Suggests policies for a world: from its manifests, or from a log of Hubble flows in JSON
/// lines instead.
///
/// # Errors
///
/// If there is nothing to protect, if the log cannot be read, or if no policy can express it.
pub fn suggest(world: &World, log: Option<&str>) -> Result<Suggestion, SuggestError> {
    let mut model = from_world(world);
    if model.pods.iter().all(|(_, pods)| pods.role != Role::Real) {
        return Err(SuggestError::NoWorkloads);
    }
    let existing: Vec<String> =
        model.policies.iter().map(|(_, policy)| policy.to_string()).collect();
    model.policies.clear();
    let mut found = match log {
        Some(log) => hubble::read(&model, log)?,
        None => evidence::read(world, &model),
    };
    ingress_points(&model, &mut found);
    leave_out_host_network(&model, &mut found);
    if log.is_none() {
        ask_for_unused(&model, &mut found);
        by_name::ask(world, &model, &mut found);
    }
    if !existing.is_empty() {
        found.questions.insert(format!(
            "policies only add up, and these exist already: {}; remove those that allow more",
            existing.join(", ")
        ));
    }
    let yaml = write::policies(&model, &mut found);
    verify(model, &yaml, &found)?;
    Ok(Suggestion {
        yaml,
        flows: found.flows.into_keys().collect(),
        questions: found.questions.into_iter().collect(),
    })
}

/// Ingress points are flows too.
fn ingress_points(model: &Model, found: &mut Found) {
    for way in model.all_ingress_points() {
        let Some(pods) = model.pods.get(way.pods) else { continue };
        let source = match way.source {
            ExternalSource::Controller | ExternalSource::Gateway => Source::Controller,
            ExternalSource::Address(_) => Source::Outside,
        };
        if source == Source::Controller {
            found.questions.insert(format!(
                "in which namespace does the ingress controller run? The policies say `{}`",
                write::controller_namespace(&way.via)
            ));
        }
        let flow = Flow { source, target: pods.workload, protocol: way.protocol, port: way.port };
        found.add(flow, way.via.clone());
    }
}

/// Policies do not apply to pods on their node's network, on either side.
fn leave_out_host_network(model: &Model, found: &mut Found) {
    let hosts = model.pods.iter().filter(|(_, pods)| pods.host_network);
    let hosts: BTreeSet<usize> = hosts.map(|(_, pods)| pods.workload).collect();
    for &host in &hosts {
        if let Some(workload) = model.workloads.get(host) {
            found.questions.insert(format!(
                "{workload} uses its node's network: no policy applies to it, and others see it \
                 as the node's address. Does it need hostNetwork?"
            ));
        }
    }
    found.flows.retain(|flow, _| {
        let from_host = matches!(flow.source, Source::Workload(id) if hosts.contains(&id));
        !from_host && !hosts.contains(&flow.target)
    });
}

/// Services that nothing is seen to use.
fn ask_for_unused(model: &Model, found: &mut Found) {
    let index = ModelIndex::new(model, |pods| pods.role == Role::Real);
    // That replicas talk to each other says nothing about clients.
    let flows = found.flows.keys().filter(|flow| flow.source != Source::Workload(flow.target));
    let used_workloads: BTreeSet<usize> = flows.map(|flow| flow.target).collect();
    for (_, service) in &model.services {
        let targets: BTreeSet<usize> = index
            .pods_of(service)
            .into_iter()
            .filter_map(|id| model.pods.get(id).map(|pods| pods.workload))
            .collect();
        let used = !targets.is_disjoint(&used_workloads) || service.serves_api;
        if !targets.is_empty() && !used {
            let ports: Vec<String> =
                service.ports.iter().map(|port| port.port.to_string()).collect();
            found.questions.insert(format!(
                "nothing here shows what connects to Service {}/{} (port {}): what does?",
                service.namespace,
                service.name,
                ports.join(", ")
            ));
        }
    }
}

/// Reads the policies back and compares what they allow with the flows.
fn verify(mut model: Model, yaml: &str, found: &Found) -> Result<(), SuggestError> {
    let stream = coaming_yaml::parse(Arc::from(yaml));
    if let Some(error) = stream.errors.first() {
        return Err(SuggestError::Unsound(error.to_string()));
    }
    let file = coaming_kube::Source::new("suggested.yaml", stream.source, stream.documents);
    let read = from_world(&World::new(vec![file]));
    if let Some(problem) = read.problems.first() {
        return Err(SuggestError::Unsound(problem.message.clone()));
    }
    model.policies = read.policies;
    let reach = Reach::new(model);
    let model = reach.model();
    let governed = Governed::new(model);
    let mut wanted = needed(model, found);
    for connection in connections(&reach) {
        if let (Some(source), Peer::Ip(_)) =
            (governed.workload(&connection.source), &connection.target)
        {
            let name = model.workloads.get(source).map_or_else(String::new, ToString::to_string);
            return Err(SuggestError::Unsound(format!("{name} may leave the cluster")));
        }
        let Some(pair) = governed.pair(&connection.source, &connection.target) else { continue };
        let needed = wanted.remove(&pair).unwrap_or_default();
        let more = connection.allowed.difference(&needed);
        let less = needed.difference(&connection.allowed);
        if !more.is_empty() && !is_controller(model, &pair, found) || !less.is_empty() {
            return Err(SuggestError::Unsound(format!(
                "{:?} to {:?}: {} too much, {} missing",
                connection.source, connection.target, more, less
            )));
        }
    }
    match wanted.into_iter().next() {
        Some((pair, missing)) => {
            Err(SuggestError::Unsound(format!("{missing} is missing between {pair:?}")))
        }
        None => Ok(()),
    }
}

/// Source and target, in terms of flows.
type Pair = (Source, usize);

/// Which peers the policies govern.
struct Governed<'m> {
    ids: HashMap<&'m Workload, usize>,
    /// The workloads with pods on their node's network.
    hosts: HashSet<usize>,
}

impl<'m> Governed<'m> {
    fn new(model: &'m Model) -> Self {
        let ids = model.workloads.iter().map(|(id, workload)| (workload, id));
        let hosts = model.pods.iter().filter(|(_, pods)| pods.host_network);
        Self { ids: ids.collect(), hosts: hosts.map(|(_, pods)| pods.workload).collect() }
    }

    /// A pair of peers, `None` for what no policy governs.
    fn pair(&self, source: &Peer, target: &Peer) -> Option<Pair> {
        let target = self.workload(target)?;
        let source = match source {
            Peer::Workload(workload) => {
                let id = *self.ids.get(&**workload)?;
                // Traffic from a node's network is traffic from outside.
                if self.hosts.contains(&id) {
                    return None;
                }
                Source::Workload(id)
            }
            Peer::Ingress => Source::Controller,
            Peer::Ip(_) => Source::Outside,
        };
        Some((source, target))
    }

    /// The workload that a peer is, if the policies govern it.
    fn workload(&self, peer: &Peer) -> Option<usize> {
        let Peer::Workload(workload) = peer else { return None };
        let id = *self.ids.get(&**workload)?;
        (!self.hosts.contains(&id) && !is_system(&workload.namespace)).then_some(id)
    }
}

/// Whether a namespace is the cluster's own: its pods are not restricted here.
pub(crate) fn is_system(namespace: &str) -> bool {
    matches!(namespace, "kube-system" | "kube-public" | "kube-node-lease")
}

/// Whether the source is a pod beside the ingress controller, which a rule for the controller's
/// namespace lets in too.
fn is_controller(model: &Model, pair: &Pair, found: &Found) -> bool {
    let Source::Workload(id) = pair.0 else { return false };
    let beside = model.workloads.get(id).is_some_and(|workload| {
        let mut known = write::CONTROLLER_NAMESPACES.iter();
        known.any(|(_, namespace)| workload.namespace == *namespace)
    });
    beside
        && found.flows.keys().any(|flow| flow.source == Source::Controller && flow.target == pair.1)
}

/// What must be listed: `list` shows an open Service both as outside addresses and as ingress.
fn needed(model: &Model, found: &Found) -> BTreeMap<Pair, Connections> {
    let mut needed: BTreeMap<Pair, Connections> = BTreeMap::new();
    let mut add = |pair: Pair, flow: &Flow| {
        let port = Connections::of(flow.protocol, PortSet::range(flow.port, flow.port));
        let known = needed.entry(pair).or_default();
        *known = known.union(&port);
    };
    for flow in found.flows.keys() {
        let target = model.workloads.get(flow.target);
        // A list of connections leaves out those of a workload with itself.
        let is_own = flow.source == Source::Workload(flow.target);
        if is_own || target.is_some_and(|target| is_system(&target.namespace)) {
            continue;
        }
        add((flow.source.clone(), flow.target), flow);
    }
    let from_outside = |flow: &&Flow| flow.source == Source::Outside;
    for flow in found.flows.keys().filter(from_outside) {
        let target = model.workloads.get(flow.target);
        if !target.is_some_and(|target| is_system(&target.namespace)) {
            add((Source::Controller, flow.target), flow);
        }
    }
    needed
}

/// Where evidence is written, in words.
pub(crate) fn at(location: &SourceRef) -> String {
    format!("({location})")
}
