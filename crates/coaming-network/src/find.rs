//! From what a user types to what the model contains: `shop/web`, `10.0.0.1`, `ingress`, `tcp/80`.

use std::net::IpAddr;

use crate::ip::IpSet;
use crate::model::{Model, Pods, Role, Service, ServicePort};
use crate::ports::Protocol;
use crate::reach::{Endpoint, Reach};

/// Why a name cannot be resolved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// No workload has this name.
    #[error("no workload is called `{name}`; known workloads: {known}")]
    Unknown {
        /// The name.
        name: String,
        /// Some that exist.
        known: String,
    },
    /// The name means the API server, which is not a workload.
    #[error(
        "`{0}` leads to the API server: policies see its own address and port, usually 6443 of a \
         control-plane node, and not those of the Service; ask with that address"
    )]
    ApiServer(String),
    /// Several workloads have this name.
    #[error("`{name}` may mean any of {candidates}: use namespace/name")]
    Ambiguous {
        /// The name.
        name: String,
        /// What it may mean.
        candidates: String,
    },
    /// The cluster has no addresses of this family.
    #[error("{0} is not in any address range used by this cluster")]
    NoSuchAddress(IpAddr),
    /// The text is not a port.
    #[error("`{0}` is not a valid port: use 80, tcp/80, udp/53 or the name of a port")]
    BadPort(String),
    /// No port has this name.
    #[error("no port of the target is called `{name}`: its ports are {known}")]
    NoSuchPort {
        /// The name.
        name: String,
        /// Those that exist.
        known: String,
    },
}

/// What a text means as one side of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundPeer {
    /// The endpoints: one group of pods of each class of a workload, or outside addresses.
    pub endpoints: Vec<Endpoint>,
    /// The addresses, if the text is one or a block of them.
    pub addresses: Option<IpSet>,
    /// Whether it means the traffic that enters through ingress points.
    pub ingress: bool,
}

/// Finds an endpoint: a workload by `name`, `namespace/name` or `namespace/kind/name`, the workload
/// behind a Service of such a name, an address, or `ingress`.
///
/// # Errors
///
/// If there is no such endpoint, or more than one.
pub fn find_endpoint(reach: &Reach, text: &str) -> Result<FoundPeer, FindError> {
    let model = reach.model();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if let Ok(address) = bare.parse::<IpAddr>() {
        let pods = pods_with_address(reach, address);
        if !pods.is_empty() {
            return Ok(FoundPeer { endpoints: pods, ..FoundPeer::default() });
        }
        let atom = reach.externals().iter().position(|addresses| addresses.contains(address));
        let atom = atom.ok_or(FindError::NoSuchAddress(address))?;
        let endpoints = vec![Endpoint::External(atom)];
        let addresses = Some(IpSet::address(address));
        return Ok(FoundPeer { endpoints, addresses, ingress: false });
    }
    if let Ok(block) = IpSet::cidr(text) {
        return Ok(in_block(reach, block));
    }
    match find_workload(model, text) {
        Ok(id) => {
            let endpoints = one_of_each_class(reach, id);
            Ok(FoundPeer { endpoints, ..FoundPeer::default() })
        }
        Err(FindError::Unknown { .. }) if text == "ingress" => {
            Ok(FoundPeer { ingress: true, ..FoundPeer::default() })
        }
        Err(error) => Err(error),
    }
}

/// What the addresses of a block mean: those outside, and the pods that are known to have some of them
/// for themselves.
fn in_block(reach: &Reach, block: IpSet) -> FoundPeer {
    let overlaps = |addresses: &IpSet| !addresses.intersection(&block).is_empty();
    let outside = reach.externals().iter().enumerate();
    let outside = outside.filter(|(_, atom)| overlaps(atom));
    let pods = reach.model().pods.iter().filter(|(_, pods)| {
        pods.role == Role::Real && !pods.host_network && overlaps(&pods.addresses)
    });
    let endpoints = outside.map(|(atom, _)| Endpoint::External(atom));
    let endpoints = endpoints.chain(pods.map(|(id, _)| Endpoint::Pods(id))).collect();
    FoundPeer { endpoints, addresses: Some(block), ingress: false }
}

/// The pods that are known to have this address for themselves.
fn pods_with_address(reach: &Reach, address: IpAddr) -> Vec<Endpoint> {
    let pods = reach.model().pods.iter();
    let pods = pods.filter(|(_, pods)| {
        pods.role == Role::Real && !pods.host_network && pods.addresses.contains(address)
    });
    pods.map(|(id, _)| Endpoint::Pods(id)).collect()
}

/// Finds a workload by `name`, `namespace/name` or `namespace/kind/name`, or by the name of a Service
/// that leads to it alone. Gives its id.
///
/// # Errors
///
/// If there is no such workload, or more than one.
pub fn find_workload(model: &Model, text: &str) -> Result<usize, FindError> {
    let parts: Vec<&str> = text.split('/').collect();
    let fits = |id: usize| {
        let Some(workload) = model.workloads.get(id) else { return false };
        match parts.as_slice() {
            [name] => workload.name == *name,
            [namespace, name] => workload.namespace == *namespace && workload.name == *name,
            [namespace, kind, name] => {
                workload.namespace == *namespace
                    && workload.kind.eq_ignore_ascii_case(kind)
                    && workload.name == *name
            }
            _ => false,
        }
    };
    let mut found: Vec<usize> = real_workloads(model).into_iter().filter(|&id| fits(id)).collect();
    if found.is_empty() {
        found = behind_service(model, &parts);
    }
    match found.as_slice() {
        [id] => Ok(*id),
        [] if is_api_server(text) => Err(FindError::ApiServer(text.to_owned())),
        [] => Err(FindError::Unknown {
            name: text.to_owned(),
            known: names(model, &real_workloads(model)),
        }),
        several => {
            Err(FindError::Ambiguous { name: text.to_owned(), candidates: names(model, several) })
        }
    }
}

/// Whether a text is a name of the Service that leads to the API server.
fn is_api_server(text: &str) -> bool {
    let name = text.strip_suffix(".cluster.local").unwrap_or(text);
    let name = name.strip_suffix(".svc").unwrap_or(name);
    matches!(name, "kubernetes" | "kubernetes.default" | "default/kubernetes")
}

/// The workloads that the Services of this name lead to.
fn behind_service(model: &Model, parts: &[&str]) -> Vec<usize> {
    let is_named = |service: &Service| match parts {
        [name] => service.name == *name,
        [namespace, name] => service.namespace == *namespace && service.name == *name,
        _ => false,
    };
    let services = model.services.iter().filter(|(_, service)| is_named(service));
    let pods = services.flat_map(|(_, service)| {
        model.pods.iter().filter(|(_, pods)| service.selects(pods)).map(|(_, pods)| pods.workload)
    });
    let mut found: Vec<usize> = pods.collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The workloads that the input holds, by their ids, in the order of their names.
pub(crate) fn real_workloads(model: &Model) -> Vec<usize> {
    let real = model.pods.iter().filter(|(_, pods)| pods.role == Role::Real);
    let mut ids: Vec<usize> = real.map(|(_, pods)| pods.workload).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.retain(|&id| model.workloads.get(id).is_some());
    ids.sort_by_key(|&id| model.workloads.get(id));
    ids
}

fn names(model: &Model, ids: &[usize]) -> String {
    const SHOWN: usize = 10;
    let workloads = ids.iter().filter_map(|&id| model.workloads.get(id));
    let names: Vec<String> = workloads
        .take(SHOWN)
        .map(|workload| format!("{}/{}", workload.namespace, workload.name))
        .collect();
    let more = if ids.len() > SHOWN { " …" } else { "" };
    if names.is_empty() { "none".to_owned() } else { format!("{}{more}", names.join(", ")) }
}

/// One group of pods of each class of a workload.
pub(crate) fn one_of_each_class(reach: &Reach, workload: usize) -> Vec<Endpoint> {
    let mut seen = std::collections::BTreeSet::new();
    let pods = reach.model().pods.iter();
    pods.filter(|(_, pods)| pods.workload == workload)
        .filter(|(id, _)| seen.insert(reach.class_of(*id)))
        .map(|(id, _)| Endpoint::Pods(id))
        .collect()
}

/// A port that a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedPort {
    /// The protocol.
    pub protocol: Protocol,
    /// The port of the receiving pods.
    pub number: u16,
    /// The Service through which it was named, with the Service's own port.
    pub service: Option<(String, u16)>,
}

impl From<(Protocol, u16)> for AskedPort {
    fn from((protocol, number): (Protocol, u16)) -> Self {
        Self { protocol, number, service: None }
    }
}

/// Finds the ports that a text means: `80`, `tcp/80`, `80/udp`, or a name of a port of the
/// receiving pods. A port that only a Service has, and that leads to another port of the pods, means
/// that one.
///
/// # Errors
///
/// If there is no such port.
pub fn find_port(
    model: &Model,
    target: &[Endpoint],
    text: &str,
) -> Result<Vec<AskedPort>, FindError> {
    let bad = || FindError::BadPort(text.to_owned());
    let (protocol, port) = match text.split_once(['/', ':']) {
        None => (None, text),
        Some((left, right)) => {
            let name = |part: &str| Protocol::from_name(&part.to_ascii_uppercase());
            match (name(left), name(right)) {
                (Some(protocol), _) => (Some(protocol), right),
                (_, Some(protocol)) => (Some(protocol), left),
                _ => return Err(bad()),
            }
        }
    };
    let pods: Vec<&Pods> = target
        .iter()
        .filter_map(|end| match end {
            Endpoint::Pods(id) => model.pods.get(*id),
            Endpoint::External(_) => None,
        })
        .collect();
    if let Ok(number) = port.parse::<u16>() {
        if number == 0 {
            return Err(bad());
        }
        let protocol = protocol.unwrap_or(Protocol::Tcp);
        let through = through_service(model, &pods, |service, port| {
            port.protocol == protocol && port.port == number && service.selector.is_some()
        });
        let is_own = pods
            .iter()
            .flat_map(|pods| &pods.ports)
            .any(|port| port.protocol == protocol && port.number == number);
        let leads_elsewhere = !through.is_empty() && through.iter().all(|it| it.number != number);
        return Ok(if leads_elsewhere && !is_own {
            through
        } else {
            vec![AskedPort::from((protocol, number))]
        });
    }
    let named = pods.iter().flat_map(|pods| Model::named_ports(pods, protocol, port));
    let mut found: Vec<_> = named.map(|port| (port.protocol, port.number)).collect();
    found.sort_unstable();
    found.dedup();
    if !found.is_empty() {
        return Ok(found.into_iter().map(AskedPort::from).collect());
    }
    let through = through_service(model, &pods, |_, service_port| {
        service_port.name == port && protocol.is_none_or(|it| it == service_port.protocol)
    });
    if !through.is_empty() {
        return Ok(through);
    }
    let is_name = port.bytes().any(|it| it.is_ascii_lowercase())
        && port.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
    let known = ports_of(&pods);
    match is_name && !known.is_empty() {
        true => Err(FindError::NoSuchPort { name: port.to_owned(), known }),
        false => Err(bad()),
    }
}

/// The ports that pods declare, with their names.
fn ports_of(pods: &[&Pods]) -> String {
    let ports = pods.iter().flat_map(|pods| &pods.ports).map(|port| match &port.name {
        Some(name) => format!("{} {} (`{name}`)", port.protocol, port.number),
        None => format!("{} {}", port.protocol, port.number),
    });
    let ports: std::collections::BTreeSet<String> = ports.collect();
    ports.into_iter().collect::<Vec<_>>().join(", ")
}

/// The ports of these pods that ports of their Services lead to.
fn through_service(
    model: &Model,
    pods: &[&Pods],
    wanted: impl Fn(&Service, &ServicePort) -> bool,
) -> Vec<AskedPort> {
    let mut found: Vec<AskedPort> = Vec::new();
    for (_, service) in &model.services {
        for pods in pods.iter().filter(|pods| service.selects(pods)) {
            for port in service.ports.iter().filter(|port| wanted(service, port)) {
                for number in port.targets(pods) {
                    let name = format!("{}/{}", service.namespace, service.name);
                    let asked = AskedPort {
                        protocol: port.protocol,
                        number,
                        service: Some((name, port.port)),
                    };
                    if !found.iter().any(|known| known.number == number) {
                        found.push(asked);
                    }
                }
            }
        }
    }
    found
}
