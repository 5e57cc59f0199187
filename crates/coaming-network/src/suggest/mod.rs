//! Least-privilege policies, from what the manifests or recorded flows show.
//!
//! A *flow* is a connection that somebody needs, with the evidence for it. The policies deny all
//! by default, let names be resolved, and allow the flows; nothing is guessed: what the evidence
//! cannot tell becomes a question. Invariant: what is returned was read back, put into the model,
//! and lists exactly the flows ([`SuggestError::Unsound`] otherwise).

mod evidence;
mod hubble;
mod text;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coaming_kube::{FileEntry, Inventory};

use crate::list::{Party, list};
use crate::model::{Knocker, Model, Place, Role};
use crate::ports::{Connections, PortSet, Protocol};
use crate::reach::Reach;
use crate::views::from_inventory;

/// Why no policies can be suggested.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SuggestError {
    /// The input holds no pods.
    #[error("there are no workloads here to write policies for")]
    NoWorkloads,
    /// A flow log cannot be read.
    #[error("line {line} of the flow log is no Hubble flow in JSON: {message}")]
    FlowLog {
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// The policies would not do what they say: a defect of ours, or workloads that labels cannot
    /// tell apart.
    #[error("the policies would not allow exactly the flows: {0}")]
    Unsound(String),
}

/// Who may be at the other end of an incoming flow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A workload, by its place in the model.
    Workload(usize),
    /// An ingress controller.
    Controller,
    /// Any address outside.
    Outside,
}

/// A connection that somebody needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flow {
    /// Who connects.
    pub source: Source,
    /// To which workload.
    pub target: usize,
    /// The protocol.
    pub protocol: Protocol,
    /// The port of the target's pods.
    pub port: u16,
}

/// What was found: the flows with their evidence, and what remains to be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Each flow with what shows it.
    pub(crate) flows: BTreeMap<Flow, BTreeSet<String>>,
    /// What the evidence does not tell.
    pub(crate) questions: BTreeSet<String>,
}

impl Found {
    fn add(&mut self, flow: Flow, evidence: String) {
        if flow.source != Source::Workload(flow.target) {
            self.flows.entry(flow).or_default().insert(evidence);
        }
    }
}

/// Policies, and what is left to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The policies, as YAML with comments.
    pub yaml: String,
    /// The flows that they allow.
    pub flows: Vec<Flow>,
    /// What the evidence does not tell, one question each.
    pub questions: Vec<String>,
}

/// Suggests policies for an inventory: from its manifests, or from a log of Hubble flows in JSON
/// lines instead.
///
/// # Errors
///
/// If there is nothing to protect, if the log cannot be read, or if no policy can express it.
pub fn suggest(inventory: &Inventory, log: Option<&str>) -> Result<Suggestion, SuggestError> {
    let mut model = from_inventory(inventory);
    if model.pods.iter().all(|pods| pods.role != Role::Real) {
        return Err(SuggestError::NoWorkloads);
    }
    let existing: Vec<String> = model.policies.iter().map(ToString::to_string).collect();
    model.policies.clear();
    let mut found = match log {
        Some(log) => hubble::read(&model, log)?,
        None => evidence::read(inventory, &model),
    };
    ways_in(&model, &mut found);
    leave_out_host_network(&model, &mut found);
    if log.is_none() {
        ask_for_unused(&model, &mut found);
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

/// What opens the cluster is a flow too.
fn ways_in(model: &Model, found: &mut Found) {
    for way in &model.ways_in {
        let Some(pods) = model.pods.get(way.pods) else { continue };
        let source = match way.knocker {
            Knocker::Controller => Source::Controller,
            Knocker::Address(_) => Source::Outside,
        };
        if source == Source::Controller {
            found.questions.insert(
                "in which namespace does the ingress controller run? The policies say \
                 `ingress-nginx`"
                    .to_owned(),
            );
        }
        let flow = Flow { source, target: pods.workload, protocol: way.protocol, port: way.port };
        found.add(flow, way.via.clone());
    }
}

/// Pods on their node's network are beyond policies, at either end.
fn leave_out_host_network(model: &Model, found: &mut Found) {
    let hosts: BTreeSet<usize> =
        model.pods.iter().filter(|pods| pods.host_network).map(|pods| pods.workload).collect();
    for &host in &hosts {
        if let Some(workload) = model.workloads.get(host) {
            found.questions.insert(format!(
                "{workload} uses its node's network: no policy applies to it, and others see it \
                 as the node's address. Does it need hostNetwork?"
            ));
        }
    }
    found.flows.retain(|flow, _| {
        let from_host = matches!(flow.source, Source::Workload(place) if hosts.contains(&place));
        !from_host && !hosts.contains(&flow.target)
    });
}

/// Services that nobody is seen to use.
fn ask_for_unused(model: &Model, found: &mut Found) {
    for service in &model.services {
        let targets: BTreeSet<usize> = service
            .pods(model)
            .filter_map(|place| model.pods.get(place).map(|pods| pods.workload))
            .collect();
        let used = found.flows.keys().any(|flow| targets.contains(&flow.target));
        if !targets.is_empty() && !used {
            let ports: Vec<String> =
                service.ports.iter().map(|port| port.port.to_string()).collect();
            found.questions.insert(format!(
                "nothing here shows who connects to Service {}/{} (port {}): who does?",
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
    let file = FileEntry::new("suggested.yaml", stream.source, stream.documents);
    let read = from_inventory(&Inventory::new(vec![file]));
    if let Some(problem) = read.problems.first() {
        return Err(SuggestError::Unsound(problem.message.clone()));
    }
    model.policies = read.policies;
    let reach = Reach::new(model);
    let mut wanted = needed(reach.model(), found);
    for connection in list(&reach) {
        let model = reach.model();
        if let (Some(source), Party::Ip(_)) =
            (governed(model, &connection.source), &connection.target)
        {
            let name = model.workloads.get(source).map_or_else(String::new, ToString::to_string);
            return Err(SuggestError::Unsound(format!("{name} may leave the cluster")));
        }
        let Some(pair) = pair(model, &connection.source, &connection.target) else { continue };
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

/// Who and whom, in terms of flows; `None` for what no policy governs.
type Pair = (Source, usize);

fn pair(model: &Model, source: &Party, target: &Party) -> Option<Pair> {
    let target = governed(model, target)?;
    let source = match source {
        Party::Workload(workload) => {
            let place = model.workloads.iter().position(|known| known == workload)?;
            // From a node's network comes what comes from outside.
            if model.pods.iter().any(|pods| pods.workload == place && pods.host_network) {
                return None;
            }
            Source::Workload(place)
        }
        Party::Ingress => Source::Controller,
        Party::Ip(_) => Source::Outside,
    };
    Some((source, target))
}

/// The workload that a party is, if the policies govern it.
fn governed(model: &Model, party: &Party) -> Option<usize> {
    let Party::Workload(workload) = party else { return None };
    let place = model.workloads.iter().position(|known| known == workload)?;
    let host = model.pods.iter().any(|pods| pods.workload == place && pods.host_network);
    (!host && !is_system(&workload.namespace)).then_some(place)
}

/// Whether a namespace is the cluster's own: its pods are not ours to restrain.
pub(crate) fn is_system(namespace: &str) -> bool {
    matches!(namespace, "kube-system" | "kube-public" | "kube-node-lease")
}

/// Whether the source is a pod beside the ingress controller, which a rule for the controller's
/// namespace lets in too.
fn is_controller(model: &Model, pair: &Pair, found: &Found) -> bool {
    let Source::Workload(place) = pair.0 else { return false };
    let beside = model
        .workloads
        .get(place)
        .is_some_and(|workload| workload.namespace == write::CONTROLLER_NAMESPACE);
    beside
        && found.flows.keys().any(|flow| flow.source == Source::Controller && flow.target == pair.1)
}

/// What must be listed: as `list` shows it, an open Service is both an outside address and
/// something that comes in.
fn needed(model: &Model, found: &Found) -> BTreeMap<Pair, Connections> {
    let mut needed: BTreeMap<Pair, Connections> = BTreeMap::new();
    let mut add = |pair: Pair, flow: &Flow| {
        let port = Connections::of(flow.protocol, PortSet::range(flow.port, flow.port));
        let known = needed.entry(pair).or_default();
        *known = known.union(&port);
    };
    for flow in found.flows.keys() {
        let target = model.workloads.get(flow.target);
        if target.is_some_and(|target| is_system(&target.namespace)) {
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

/// Where evidence stands, in words.
pub(crate) fn at(place: &Place) -> String {
    format!("({place})")
}
