//! Least-privilege policies, from what the manifests or recorded flows show.
//!
//! A *flow* is a connection that a workload needs, with the evidence for it. The policies deny all
//! by default, allow names to be resolved, and allow the flows; nothing is guessed: what the
//! evidence does not show becomes a question. Invariant: what is returned was read back, put into
//! the model, and lists exactly the flows ([`SuggestError::Unsound`] otherwise).

mod answers;
mod by_name;
mod evidence;
mod found;
mod log;
mod mesh;
mod operators;
mod outside;
mod part;
mod text;
mod verify;
mod write;

use std::collections::BTreeSet;

use coaming_kube::{Fields, World};

pub use answers::{AnswerError, Answers, answer_template, with_questions};
pub use found::{Flow, Question, Source};

use crate::filter::Filter;
use crate::index::ModelIndex;
use crate::ip::IpSet;
use crate::model::{
    Direction, ExternalSource, Model, NetworkPlugin, Role, Service, SourceRef, Tier, Workload,
};
use crate::views::{from_world, node_addresses};
use found::{Asked, Found, Port, Proposal};

/// Why no policies can be suggested.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SuggestError {
    /// The input holds no pods.
    #[error("the input contains no workloads to write policies for")]
    NoWorkloads,
    /// A flow log cannot be read.
    #[error(
        "line {line} of the flow log is not a flow of Hubble, Inspektor Gadget, Calico or conntrack: \
         {message}"
    )]
    FlowLog {
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// An answer is not understood.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The policies would not do what they say: a defect here, or workloads that labels cannot
    /// tell apart.
    #[error("the policies would not allow exactly the flows: {0}")]
    Unsound(String),
}

/// The kind of policies to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// NetworkPolicies of Kubernetes.
    #[default]
    Kubernetes,
    /// NetworkPolicies of Calico.
    Calico,
    /// CiliumNetworkPolicies.
    Cilium,
}

impl Format {
    /// What its policies are called.
    fn policies(self) -> &'static str {
        match self {
            Self::Kubernetes => "a NetworkPolicy",
            Self::Calico => "a NetworkPolicy of Calico",
            Self::Cilium => "a CiliumNetworkPolicy",
        }
    }
}

/// What to suggest policies from, and how.
#[derive(Clone, Copy, Debug, Default)]
pub struct SuggestOptions<'o> {
    /// Recorded flows, to be used instead of the manifests.
    pub log: Option<&'o str>,
    /// Answers to earlier questions.
    pub answers: Option<&'o Answers>,
    /// The kind of policies.
    pub format: Format,
    /// The network plugin, if it is known better than by the input.
    pub plugin: Option<NetworkPlugin>,
    /// The part to show: policies and questions for these workloads, rules for these ports.
    pub filter: Option<&'o Filter>,
}

/// Policies, and the questions that remain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The policies, as YAML with comments.
    pub yaml: String,
    /// The flows that they allow.
    pub flows: Vec<Flow>,
    /// What the evidence does not show, one question each.
    pub questions: Vec<Question>,
    /// The answers to questions that were not asked.
    pub unasked: Vec<String>,
}

/// Suggests policies for a world: from its manifests, or from a log of flows instead.
///
/// # Errors
///
/// If there is nothing to protect, if the log cannot be read, or if no policy can express it.
pub fn suggest(world: &World, log: Option<&str>) -> Result<Suggestion, SuggestError> {
    suggest_with(world, &SuggestOptions { log, ..SuggestOptions::default() })
}

/// Suggests policies for a world, with answers or in another format.
///
/// # Errors
///
/// As [`suggest`], and if an answer is not understood.
pub fn suggest_with(
    world: &World,
    options: &SuggestOptions<'_>,
) -> Result<Suggestion, SuggestError> {
    let mut model = from_world(world);
    model.plugin = options.plugin.unwrap_or(model.plugin);
    if model.pods.iter().all(|(_, pods)| pods.role != Role::Real) {
        return Err(SuggestError::NoWorkloads);
    }
    operators::add_pods(world, &mut model);
    let existing = existing(&model);
    model.policies.clear();
    let mut found = match options.log {
        Some(log) => log::read(world, &model, log)?,
        None => evidence::read(world, &model),
    };
    found.dns = outside::dns(world);
    ingress_points(&model, &mut found);
    if options.log.is_none() {
        operators::scrapes(world, &model, &mut found);
        by_name::ask(world, &model, &mut found);
    }
    if options.log.is_none() {
        ask_for_unused(&model, &mut found);
        ask_for_replicas(world, &model, &mut found);
        outside::ask(&model, &mut found);
    }
    if options.log.is_none() {
        mesh::ways(&model, &mut found);
        mesh::control_planes(&model, &mut found);
    }
    leave_out_host_network(&model, &mut found);
    for (id, text) in existing {
        found.remark(id.to_owned(), text);
    }
    let mut selectors = write::selectors(&model, &mut found);
    let mut unasked = Vec::new();
    if let Some(answers) = options.answers {
        let mut asked: BTreeSet<String> = BTreeSet::new();
        // An answer may lead to another question, and that to none.
        for _ in 0..2 {
            asked.extend(found.questions.keys().cloned());
            answers::apply(answers, &model, options.format, &mut found)?;
            let open = std::mem::take(&mut found.questions);
            leave_out_host_network(&model, &mut found);
            selectors = write::selectors(&model, &mut found);
            found.questions.retain(|id, _| !asked.contains(id));
            found.questions.extend(open);
        }
        unasked = answers.unasked(&asked).cloned().collect();
    }
    let mut yaml =
        write::policies(&model, &found, &selectors, &|_: &Workload| true, options.format);
    verify::verify(model.clone(), &yaml, &found, options.format)?;
    if let Some(filter) = options.filter.filter(|filter| **filter != Filter::default()) {
        part::limit(&model, filter, &mut found);
        let shown = |workload: &Workload| filter.keeps(workload);
        yaml = write::policies(&model, &found, &selectors, &shown, options.format);
    }
    Ok(Suggestion {
        yaml,
        flows: found.flows.into_keys().collect(),
        questions: found.questions.into_values().collect(),
        unasked,
    })
}

/// What to know about the policies that exist, by the name of the question. Those of a service mesh
/// only refuse more.
fn existing(model: &Model) -> Vec<(&'static str, String)> {
    let names = |wanted: &dyn Fn(&Tier) -> bool| {
        let policies = model.policies.iter().map(|(_, policy)| policy);
        let names = policies.filter(|policy| wanted(&policy.tier)).map(ToString::to_string);
        let names: BTreeSet<String> = names.collect();
        names.into_iter().collect::<Vec<_>>().join(", ")
    };
    let beside = names(&|tier| *tier == Tier::Network);
    let before = names(&|tier| matches!(tier, Tier::Admin | Tier::Named(_)));
    let mut found = Vec::new();
    if !beside.is_empty() {
        let text = format!(
            "policies only add up, and these exist already: {beside}; remove those that allow more"
        );
        found.push(("existing policies", text));
    }
    if !before.is_empty() {
        let text = format!(
            "these policies decide before those below: {before}; what they allow or deny stays so"
        );
        found.push(("policies that decide before", text));
    }
    found
}

/// Ingress points are flows too.
fn ingress_points(model: &Model, found: &mut Found) {
    let is_here = |namespace: &str| {
        let mut pods = model.pods.iter().map(|(_, pods)| pods);
        pods.any(|pods| pods.role == Role::Real && *pods.namespace == *namespace)
    };
    for way in model.all_ingress_points() {
        let Some(pods) = model.pods.get(way.pods) else { continue };
        if let Some(clients) = limited(&way.source) {
            for block in clients.blocks() {
                let (peer, port) = (found::Outer::Block(block), Some((way.protocol, way.port)));
                let (workload, direction) = (pods.workload, Direction::Ingress);
                found.grant(found::Grant { workload, direction, peer, port }, way.via.clone());
            }
            continue;
        }
        let source = match way.source {
            ExternalSource::Address(_) => Source::Outside,
            _ => Source::Controller,
        };
        let (kind, usual) =
            (write::controller_kind(&way.via), write::controller_namespace(&way.via));
        // That the usual namespace has pods here shows that it is there.
        if source == Source::Controller && !is_here(usual) {
            let shown = if kind.is_empty() { "Ingress" } else { kind.trim_end() };
            found.ask(
                format!("ingress controller of {shown}"),
                format!(
                    "in which namespace does the ingress controller run? The policies say `{usual}`"
                ),
                Asked::Controller { kind, usual },
            );
        }
        let flow = Flow { source, target: pods.workload, protocol: way.protocol, port: way.port };
        found.add(flow, way.via.clone());
    }
}

/// The addresses of clients to which an open Service is limited, where its pods see them.
fn limited(source: &ExternalSource) -> Option<&IpSet> {
    let ExternalSource::Address(clients) = source else { return None };
    (!clients.covers_a_family() && *clients != node_addresses()).then_some(clients)
}

/// Policies do not apply to pods on their node's network; to others they are the node's addresses.
fn leave_out_host_network(model: &Model, found: &mut Found) {
    let hosts = model.pods.iter().filter(|(_, pods)| pods.host_network);
    let hosts: BTreeSet<usize> = hosts.map(|(_, pods)| pods.workload).collect();
    for &host in &hosts {
        if let Some(workload) = model.workloads.get(host) {
            let text = format!(
                "{workload} uses its node's network: no policy applies to it, and others see it \
                 as the node's address. Does it need hostNetwork?"
            );
            found.remark(format!("hostNetwork of {}/{}", workload.namespace, workload.name), text);
        }
    }
    let is_host = |flow: &Flow| match flow.source {
        Source::Workload(source) => [hosts.contains(&source), hosts.contains(&flow.target)],
        _ => [false, hosts.contains(&flow.target)],
    };
    for (flow, evidence) in std::mem::take(&mut found.flows) {
        match (is_host(&flow), &flow.source) {
            ([false, false], _) => {
                found.flows.insert(flow, evidence);
            }
            ([false, true], &Source::Workload(source)) => {
                nodes(model, source, flow.target, Direction::Egress, &flow, &evidence, found);
            }
            ([true, false], &Source::Workload(source)) => {
                nodes(model, flow.target, source, Direction::Ingress, &flow, &evidence, found);
            }
            _ => {}
        }
    }
    found.grants.retain(|grant, _| !hosts.contains(&grant.workload));
}

/// A connection between a workload and one on its node's network: with the addresses of nodes.
fn nodes(
    model: &Model,
    workload: usize,
    host: usize,
    direction: Direction,
    flow: &Flow,
    evidence: &BTreeSet<String>,
    found: &mut Found,
) {
    let port = (flow.protocol, flow.port);
    let addresses = model.nodes.iter().flat_map(|(_, node)| node.addresses.each());
    let addresses: BTreeSet<_> = addresses.collect();
    for &address in &addresses {
        let peer = found::Outer::Block(answers::single(address));
        let grant = found::Grant { workload, direction, peer, port: Some(port) };
        evidence.iter().for_each(|line| found.grant(grant.clone(), line.clone()));
    }
    let (Some(own), Some(other)) = (model.workloads.get(workload), model.workloads.get(host))
    else {
        return;
    };
    if !addresses.is_empty() {
        return;
    }
    let why = evidence.first().map_or("", String::as_str);
    let (word, asked) = match direction {
        Direction::Egress => (
            "to",
            Asked::Egress {
                from: vec![workload],
                proposal: Proposal::default(),
                ports: vec![port],
            },
        ),
        Direction::Ingress => {
            ("from", Asked::Ingress { to: vec![(workload, port)], proposal: Proposal::default() })
        }
    };
    let id = format!(
        "{}/{} {word} {}/{} on its node:{}/{}",
        own.namespace, own.name, other.namespace, other.name, port.0, port.1
    );
    let text = format!(
        "{own} needs connections {word} {other} on {} {} ({why}), which uses its node's network: at \
         which addresses are the nodes? No policy below allows it",
        port.0, port.1
    );
    found.ask(id, text, asked);
}

/// Services that nothing is seen to use.
fn ask_for_unused(model: &Model, found: &mut Found) {
    let index = ModelIndex::new(model, |pods| pods.role == Role::Real);
    // That replicas talk to each other says nothing about clients.
    let flows = found.flows.keys().filter(|flow| flow.source != Source::Workload(flow.target));
    let mut used_workloads: BTreeSet<usize> = flows.map(|flow| flow.target).collect();
    let granted = found.grants.keys().filter(|grant| grant.direction == Direction::Ingress);
    used_workloads.extend(granted.map(|grant| grant.workload));
    for (_, service) in &model.services {
        let targets: BTreeSet<usize> = index
            .pods_of(service)
            .into_iter()
            .filter_map(|id| model.pods.get(id).map(|pods| pods.workload))
            .collect();
        let used = !targets.is_disjoint(&used_workloads) || service.serves_api;
        if targets.is_empty() || used {
            continue;
        }
        let ports: Vec<String> = service.ports.iter().map(|port| port.port.to_string()).collect();
        let text = format!(
            "nothing here shows what connects to Service {}/{} (port {}): what does?",
            service.namespace,
            service.name,
            ports.join(", ")
        );
        let asked = Asked::Ingress {
            to: ports_behind(model, &index, service),
            proposal: Proposal::default(),
        };
        found.ask(
            format!("clients of Service {}/{}", service.namespace, service.name),
            text,
            asked,
        );
    }
}

/// The workloads behind a Service, with the ports that it leads to.
fn ports_behind(model: &Model, index: &ModelIndex<'_>, service: &Service) -> Vec<(usize, Port)> {
    let mut to = BTreeSet::new();
    for pods in index.pods_of(service).into_iter().filter_map(|id| model.pods.get(id)) {
        for port in &service.ports {
            let numbers = port.targets(pods).into_iter();
            to.extend(numbers.map(|number| (pods.workload, (port.protocol, number))));
        }
    }
    to.into_iter().collect()
}

/// StatefulSets of several pods, of which nothing shows whether they talk to each other.
fn ask_for_replicas(world: &World, model: &Model, found: &mut Found) {
    let index = ModelIndex::new(model, |pods| pods.role == Role::Real);
    for object in world.of_kind("StatefulSet").filter(|it| it.group() == "apps") {
        let namespace = object.namespace_or_default();
        let mut own = model.workloads.iter().filter(|(_, it)| {
            it.kind == "StatefulSet" && it.namespace == namespace && it.name == object.name()
        });
        let Some((id, workload)) = own.next() else { continue };
        let talks = |flow: &Flow| flow.source == Source::Workload(id) && flow.target == id;
        let several = object.spec().integer("replicas").is_some_and(|replicas| replicas > 1);
        let service = object.spec().string("serviceName");
        let service = service.and_then(|name| index.service(namespace, name));
        if !several || found.flows.keys().any(talks) || is_system(namespace) {
            continue;
        }
        let behind = service.map(|service| ports_behind(model, &index, service));
        let behind = behind.into_iter().flatten().filter(|(of, _)| *of == id).map(|(_, port)| port);
        let pods = model.pods.iter().filter(|(_, pods)| pods.workload == id);
        let declared = pods.flat_map(|(_, pods)| &pods.ports).map(|it| (it.protocol, it.number));
        let ports: BTreeSet<Port> = behind.chain(declared).collect();
        if ports.is_empty() {
            continue;
        }
        let shown: Vec<String> =
            ports.iter().map(|(protocol, port)| format!("{protocol} {port}")).collect();
        let text = format!(
            "{workload} has several pods: do they connect to each other, on {}?",
            shown.join(", ")
        );
        let id_of = format!("replicas of {}/{}", workload.namespace, workload.name);
        found.ask(id_of, text, Asked::Replicas(id, ports.into_iter().collect()));
    }
}

/// Whether a namespace is the cluster's own: its pods are not restricted here.
pub(crate) fn is_system(namespace: &str) -> bool {
    matches!(namespace, "kube-system" | "kube-public" | "kube-node-lease")
        || namespace.starts_with("openshift-")
}

/// Where evidence is written, in words.
pub(crate) fn at(location: &SourceRef) -> String {
    format!("({location})")
}
