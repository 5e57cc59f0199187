//! Flows as they were recorded: by Hubble, Inspektor Gadget, Calico, or the kernel (`conntrack -L`).
//!
//! Each reader turns a line into what it saw; here that is related to the workloads. A line that no
//! reader knows is an error: a log of another kind would otherwise show that nothing is needed.

mod calico;
mod conntrack;
mod gadget;
mod hubble;

use std::collections::HashMap;
use std::net::IpAddr;

use coaming_kube::World;

use super::answers::single;
use super::found::{Asked, Found, Port, Proposal};
use super::{Flow, Source, SuggestError, is_system};
use crate::index::ModelIndex;
use crate::model::{Model, Pods, Role};
use crate::ports::Protocol;
use crate::selector::is_derived;

/// One side of a connection, as far as the log knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Party {
    pub(super) namespace: String,
    /// The name of the pod, or how it starts.
    pub(super) pod: String,
    /// The names of its controllers.
    pub(super) workloads: Vec<String>,
    pub(super) labels: Vec<(String, String)>,
    pub(super) address: Option<IpAddr>,
    /// The names of a host.
    pub(super) names: Vec<String>,
    /// The name of a Service.
    pub(super) service: String,
    /// What it is, beside pods: `host`, `kube-apiserver` …
    pub(super) entities: Vec<String>,
}

/// A connection in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) source: Party,
    pub(super) target: Party,
    pub(super) port: Port,
    /// Who recorded it.
    pub(super) by: &'static str,
}

/// What a line says.
pub(super) enum Line {
    /// A connection.
    Seen(Box<Seen>),
    /// Something that is not a connection that came about: a reply, a refusal, a message.
    Other,
    /// The recorder lost this many.
    Lost(u64),
}

/// Reads a log.
///
/// # Errors
///
/// If a line is not of any kind that is known.
pub(crate) fn read(world: &World, model: &Model, log: &str) -> Result<Found, SuggestError> {
    let mut found = Found::default();
    let relate = Relate::new(world, model);
    let (mut lost, mut all) = (0u64, 0u64);
    for (position, text) in log.lines().enumerate() {
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        match line(text).map_err(|message| SuggestError::FlowLog { line: position + 1, message })? {
            Line::Seen(seen) => {
                all += 1;
                relate.seen(&seen, &mut found);
            }
            Line::Other => {}
            Line::Lost(count) => lost = lost.saturating_add(count),
        }
    }
    if lost > 0 {
        let text = format!("{lost} events were lost while the log was recorded: is it complete?");
        found.remark("lost events".to_owned(), text);
    }
    if all > 0 && found == Found::default() {
        let text = format!(
            "none of the {all} connections in the log is one of a workload here: is it a log of this \
             cluster? Addresses alone are only known from pods with a status, as `kubectl get pods \
             -o yaml` and --cluster give them"
        );
        found.remark("log of another cluster".to_owned(), text);
    }
    Ok(found)
}

fn line(text: &str) -> Result<Line, String> {
    if !text.starts_with('{') {
        return conntrack::line(text);
    }
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let has = |name: &str| value.get(name).is_some();
    if has("source_name") || has("source_name_aggr") || has("source_namespace") {
        return calico::line(value);
    }
    let is_message = has("type") && has("message");
    let is_gadget = ["pktType", "src", "dst", "endpoint", "k8s", "podIP"].into_iter().any(has);
    if is_gadget || is_message {
        return gadget::line(value);
    }
    hubble::line(value)
}

/// A number that a log may write as a text.
pub(super) fn number(value: Option<&serde_json::Value>) -> Option<u16> {
    let value = value?;
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    u16::try_from(number).ok().filter(|&number| number > 0)
}

/// A text of an object; empty where there is none.
pub(super) fn text(value: &serde_json::Value, name: &str) -> String {
    value.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

/// The protocol that a log names, in any case, or by its number.
pub(super) fn protocol(name: &str) -> Option<Protocol> {
    match name {
        "6" => Some(Protocol::Tcp),
        "17" => Some(Protocol::Udp),
        "132" => Some(Protocol::Sctp),
        name => Protocol::from_name(&name.to_ascii_uppercase()),
    }
}

/// The workloads by what logs know of them.
struct Relate<'r> {
    model: &'r Model,
    index: ModelIndex<'r>,
    /// The real workloads by namespace.
    pods: HashMap<&'r str, Vec<&'r Pods>>,
    addresses: HashMap<IpAddr, usize>,
    /// The Services by their addresses in the cluster.
    services: HashMap<IpAddr, (String, String)>,
    /// The addresses of nodes.
    nodes: Vec<IpAddr>,
}

impl<'r> Relate<'r> {
    fn new(world: &World, model: &'r Model) -> Self {
        let mut pods: HashMap<&str, Vec<&Pods>> = HashMap::new();
        let mut addresses = HashMap::new();
        let real = model.pods.iter().map(|(_, pods)| pods).filter(|it| it.role == Role::Real);
        for group in real {
            pods.entry(&group.namespace).or_default().push(group);
            // An address of a node is not one of a pod.
            for address in group.addresses.each().filter(|_| !group.host_network) {
                addresses.insert(address, group.workload);
            }
        }
        let nodes = model.nodes.iter().flat_map(|(_, node)| node.addresses.each()).collect();
        Self {
            model,
            index: ModelIndex::new(model, |pods| pods.role == Role::Real),
            pods,
            addresses,
            services: super::outside::service_addresses(world),
            nodes,
        }
    }

    fn seen(&self, seen: &Seen, found: &mut Found) {
        let source = self.workload(&seen.source);
        let evidence = || format!("seen by {}", seen.by);
        let targets = match self.workload(&seen.target) {
            Some(target) => vec![(target, seen.port)],
            None => self.behind(&seen.target, seen.port),
        };
        if let Some(source) = source
            && !targets.is_empty()
        {
            for (target, (protocol, port)) in targets {
                let flow = Flow { source: Source::Workload(source), target, protocol, port };
                found.add(flow, evidence());
            }
            return;
        }
        let is_dns = seen.port.1 == 53 && (is_system(&seen.target.namespace) || targets.is_empty());
        match (source, targets.first()) {
            // That names are resolved is allowed anyway.
            (Some(_), None) if is_dns && self.is_cluster_dns(&seen.target) => {}
            (Some(source), None) => self.leaves(source, seen, found),
            (None, Some(&(target, port))) => self.enters(target, port, seen, found),
            // Not a matter of these workloads.
            (None, None) | (Some(_), Some(_)) => {}
        }
    }

    /// Whether a server of names is the cluster's own.
    fn is_cluster_dns(&self, target: &Party) -> bool {
        is_system(&target.namespace)
            || target.service == "kube-dns"
            || target.labels.iter().any(|(key, value)| key == "k8s-app" && value == "kube-dns")
            || target.address.is_some_and(|address| {
                self.services.get(&address).is_some_and(|(_, name)| name == "kube-dns")
            })
    }

    /// A connection from a workload to what is not here.
    fn leaves(&self, source: usize, seen: &Seen, found: &mut Found) {
        let Some(workload) = self.model.workloads.get(source) else { return };
        let (protocol, port) = seen.port;
        let whom = shown(&seen.target);
        let host = seen.target.names.first().map(|name| name.trim_end_matches('.').to_owned());
        let is_api_server = seen.target.entities.iter().any(|it| it == "kube-apiserver");
        let proposal =
            Proposal { host, addresses: seen.target.address.into_iter().collect(), is_api_server };
        let id = format!(
            "{}/{} to {}:{protocol}/{port}",
            workload.namespace,
            workload.name,
            short(&seen.target)
        );
        let text = format!(
            "{} saw {workload} connect to {whom} on {protocol} {port}, which is not here: should \
             that be allowed?",
            seen.by
        );
        if let Some(known) = found.questions.get_mut(&id)
            && let Asked::Egress { proposal, .. } = &mut known.asked
        {
            // One name has several addresses.
            let new = seen.target.address.filter(|address| !proposal.addresses.contains(address));
            if let Some(address) = new {
                proposal.addresses.push(address);
                known.text = known.text.replacen(" on ", &format!(", {address} on "), 1);
            }
            return;
        }
        found.ask(id, text, Asked::Egress { from: vec![source], proposal, ports: vec![seen.port] });
    }

    /// A connection to a workload from what is not here.
    fn enters(&self, target: usize, port: Port, seen: &Seen, found: &mut Found) {
        let Some(workload) = self.model.workloads.get(target) else { return };
        // Plugins always let the node of a pod reach it: that is how the kubelet probes.
        let from_node = seen.source.entities.iter().any(|it| it == "host")
            || seen.source.address.is_some_and(|address| self.nodes.contains(&address));
        if from_node {
            return;
        }
        let (protocol, number) = port;
        let id = format!(
            "{} to {}/{}:{protocol}/{number}",
            short(&seen.source),
            workload.namespace,
            workload.name
        );
        let text = format!(
            "{} saw {} connect to {workload} on {protocol} {number}, which is not here: should \
             that be allowed?",
            seen.by,
            shown(&seen.source)
        );
        let is_api_server = seen.source.entities.iter().any(|it| it == "kube-apiserver");
        let addresses = seen.source.address.into_iter().collect();
        let proposal = Proposal { host: None, addresses, is_api_server };
        found.ask(id, text, Asked::Ingress { to: vec![(target, port)], proposal });
    }

    /// The pods behind a Service, with the port that it leads to.
    fn behind(&self, party: &Party, port: Port) -> Vec<(usize, Port)> {
        let by_address = party.address.and_then(|address| self.services.get(&address));
        let (namespace, name) = match by_address {
            Some((namespace, name)) => (namespace.as_str(), name.as_str()),
            None if party.service.is_empty() => return Vec::new(),
            None => (party.namespace.as_str(), party.service.as_str()),
        };
        let Some(service) = self.index.service(namespace, name) else { return Vec::new() };
        let mut found = Vec::new();
        for id in self.index.pods_of(service) {
            let Some(pods) = self.model.pods.get(id) else { continue };
            let own = |it: &&crate::model::ServicePort| (it.protocol, it.port) == port;
            for number in service.ports.iter().filter(own).flat_map(|it| it.targets(pods)) {
                found.push((pods.workload, (port.0, number)));
            }
        }
        found.dedup();
        found
    }

    /// The workload of a party: by its names, else by its labels, else by its address.
    fn workload(&self, party: &Party) -> Option<usize> {
        let of_namespace = self.pods.get(party.namespace.as_str()).into_iter().flatten();
        let name = |id: usize| self.model.workloads.get(id).map(|it| it.name.as_str());
        let by_name = of_namespace.clone().map(|pods| pods.workload).find(|&id| {
            name(id).is_some_and(|name| {
                party.pod == name || party.workloads.iter().any(|known| known == name)
            })
        });
        let fits = |pods: &Pods| {
            let own = pods.labels.iter().filter(|(key, _)| !is_derived(key) && !is_volatile(key));
            let mut own = own.peekable();
            own.peek().is_some()
                && own.all(|(key, value)| party.labels.iter().any(|(k, v)| (k, v) == (key, value)))
        };
        let by_labels = || of_namespace.clone().find(|pods| fits(pods)).map(|pods| pods.workload);
        let by_start = || {
            let mut fits = of_namespace
                .clone()
                .map(|pods| pods.workload)
                .filter(|&id| name(id).is_some_and(|name| is_pod_of(&party.pod, name)));
            let longest = fits.next()?;
            Some(fits.fold(longest, |best, id| if name(id) > name(best) { id } else { best }))
        };
        let by_address = || self.addresses.get(&party.address?).copied();
        by_name.or_else(by_labels).or_else(by_start).or_else(by_address)
    }
}

/// Labels that differ between the pods of one controller, and that a template does not hold for good.
fn is_volatile(key: &str) -> bool {
    matches!(key, "statefulset.kubernetes.io/pod-name" | "apps.kubernetes.io/pod-index")
}

/// Whether a pod's name, or how pods' names start (`web-5d5f-*`), is one that the controller of this
/// name gives: `web-5d5fdb8c5-x7x2v`, `db-0`.
fn is_pod_of(pod: &str, controller: &str) -> bool {
    let Some(rest) = pod.strip_prefix(controller).and_then(|rest| rest.strip_prefix('-')) else {
        return false;
    };
    let parts: Vec<&str> = rest.split('-').collect();
    let is_random = |part: &&str| {
        *part == "*" || part.len() <= 10 && part.bytes().all(|it| it.is_ascii_alphanumeric())
    };
    parts.len() <= 2 && parts.iter().all(is_random)
}

/// What a party is called in a question.
fn shown(party: &Party) -> String {
    let mut names: Vec<String> =
        party.names.iter().map(|it| it.trim_end_matches('.').to_owned()).collect();
    if !party.pod.is_empty() {
        names.push(format!("{}/{}", party.namespace, party.pod));
    } else if !party.service.is_empty() {
        names.push(format!("Service {}/{}", party.namespace, party.service));
    }
    names.extend(party.address.map(|address| address.to_string()));
    if party.entities.iter().any(|entity| entity == "kube-apiserver") {
        names.insert(0, "the API server".to_owned());
    } else if names.is_empty() {
        names.extend(party.entities.iter().map(|entity| format!("reserved:{entity}")));
    }
    match names.split_first() {
        None => "a peer that the log does not name".to_owned(),
        Some((first, [])) => first.clone(),
        Some((first, rest)) => format!("{first} ({})", rest.join(", ")),
    }
}

/// What a party is called in the name of a question.
fn short(party: &Party) -> String {
    if let Some(name) = party.names.first() {
        return name.trim_end_matches('.').to_owned();
    }
    if party.entities.iter().any(|it| it == "kube-apiserver") {
        return "the API server".to_owned();
    }
    match party.address {
        _ if !party.pod.is_empty() => format!("{}/{}", party.namespace, party.pod),
        _ if !party.service.is_empty() => format!("{}/{}", party.namespace, party.service),
        Some(address) => single(address),
        None => party.entities.first().cloned().unwrap_or_else(|| "unknown".to_owned()),
    }
}
