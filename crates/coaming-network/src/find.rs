//! From what a user types to what the model contains: `shop/web`, `10.0.0.1`, `ingress`, `tcp/80`.

use std::net::IpAddr;

use crate::model::{Model, Role};
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
}

/// Finds an endpoint: a workload by `name`, `namespace/name` or `namespace/kind/name`, an address,
/// or `ingress`. A workload may have pods of several kinds: one of each is given.
///
/// # Errors
///
/// If there is no such endpoint, or more than one.
pub fn find_endpoint(reach: &Reach, text: &str) -> Result<Vec<Endpoint>, FindError> {
    let model = reach.model();
    if let Ok(address) = text.parse::<IpAddr>() {
        let atom = reach.externals().iter().position(|addresses| addresses.contains(address));
        return match atom {
            Some(atom) => Ok(vec![Endpoint::External(atom)]),
            None => Err(FindError::NoSuchAddress(address)),
        };
    }
    if text == "ingress" {
        let controllers = model.pods.iter().filter(|(_, pods)| pods.role == Role::Controller);
        let controllers: Vec<_> = controllers.map(|(id, _)| Endpoint::Pods(id)).collect();
        if !controllers.is_empty() {
            return Ok(controllers);
        }
    }
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
    let found: Vec<usize> = real_workloads(model).into_iter().filter(|&id| fits(id)).collect();
    match found.as_slice() {
        [id] => Ok(one_of_each_class(reach, *id)),
        [] => Err(FindError::Unknown {
            name: text.to_owned(),
            known: names(model, &real_workloads(model)),
        }),
        several => {
            Err(FindError::Ambiguous { name: text.to_owned(), candidates: names(model, several) })
        }
    }
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

/// Finds the ports that a text means: `80`, `tcp/80`, `80/udp`, or a name of a port of the
/// receiving pods.
///
/// # Errors
///
/// If there is no such port.
pub fn find_port(
    model: &Model,
    target: &[Endpoint],
    text: &str,
) -> Result<Vec<(Protocol, u16)>, FindError> {
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
    if let Ok(number) = port.parse::<u16>() {
        return match number {
            0 => Err(bad()),
            _ => Ok(vec![(protocol.unwrap_or(Protocol::Tcp), number)]),
        };
    }
    let pods = target.iter().filter_map(|end| match end {
        Endpoint::Pods(id) => model.pods.get(*id),
        Endpoint::External(_) => None,
    });
    let mut found: Vec<_> = pods
        .flat_map(|pods| Model::named_ports(pods, protocol, port))
        .map(|port| (port.protocol, port.number))
        .collect();
    found.sort_unstable();
    found.dedup();
    if found.is_empty() { Err(bad()) } else { Ok(found) }
}
