//! From what a user types to what the model holds: `shop/web`, `10.0.0.1`, `ingress`, `tcp/80`.

use std::net::IpAddr;

use crate::model::{Model, Role};
use crate::ports::Protocol;
use crate::reach::{End, Reach};

/// Why a name means nothing, or too much.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// No workload has this name.
    #[error("no workload is called `{name}`; there are: {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// Some that exist.
        known: String,
    },
    /// Several workloads have this name.
    #[error("`{name}` may mean any of {candidates}: say namespace/name")]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// What it may mean.
        candidates: String,
    },
    /// An address of a family that the cluster does not have.
    #[error("{0} lies in no part of the address space that this cluster has")]
    NoSuchAddress(IpAddr),
    /// A port that is none.
    #[error("`{0}` is no port: say 80, tcp/80, udp/53 or a port's name")]
    BadPort(String),
}

/// Finds one end: a workload by `name`, `namespace/name` or `namespace/kind/name`, an address, or
/// `ingress`. A workload may have pods of several kinds: one of each is given.
///
/// # Errors
///
/// If there is no such end, or more than one.
pub fn find_end(reach: &Reach, text: &str) -> Result<Vec<End>, FindError> {
    let model = reach.model();
    if let Ok(address) = text.parse::<IpAddr>() {
        let atom = reach.externals().iter().position(|addresses| addresses.contains(address));
        return match atom {
            Some(atom) => Ok(vec![End::External(atom)]),
            None => Err(FindError::NoSuchAddress(address)),
        };
    }
    if text == "ingress" {
        let controllers = pods_where(model, |place| {
            model.pods.get(place).is_some_and(|pods| pods.role == Role::Controller)
        });
        if !controllers.is_empty() {
            return Ok(controllers);
        }
    }
    let parts: Vec<&str> = text.split('/').collect();
    let fits = |place: usize| {
        let Some(workload) = model.workloads.get(place) else { return false };
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
    let found: Vec<usize> =
        real_workloads(model).into_iter().filter(|&place| fits(place)).collect();
    match found.as_slice() {
        [place] => Ok(one_of_each_class(reach, *place)),
        [] => Err(FindError::Unknown {
            name: text.to_owned(),
            known: names(model, &real_workloads(model)),
        }),
        several => {
            Err(FindError::Ambiguous { name: text.to_owned(), candidates: names(model, several) })
        }
    }
}

/// The workloads that the input holds, by their places.
pub(crate) fn real_workloads(model: &Model) -> Vec<usize> {
    let real = model.pods.iter().filter(|pods| pods.role == Role::Real);
    let mut places: Vec<usize> = real.map(|pods| pods.workload).collect();
    places.sort_unstable();
    places.dedup();
    places
}

fn names(model: &Model, places: &[usize]) -> String {
    const SHOWN: usize = 10;
    let workloads = places.iter().filter_map(|&place| model.workloads.get(place));
    let names: Vec<String> = workloads
        .take(SHOWN)
        .map(|workload| format!("{}/{}", workload.namespace, workload.name))
        .collect();
    let more = if places.len() > SHOWN { " …" } else { "" };
    if names.is_empty() { "none".to_owned() } else { format!("{}{more}", names.join(", ")) }
}

fn pods_where(model: &Model, fits: impl Fn(usize) -> bool) -> Vec<End> {
    (0..model.pods.len()).filter(|&place| fits(place)).map(End::Pods).collect()
}

/// One group of pods of each class of a workload.
pub(crate) fn one_of_each_class(reach: &Reach, workload: usize) -> Vec<End> {
    let mut seen = std::collections::BTreeSet::new();
    let pods = reach.model().pods.iter().enumerate();
    pods.filter(|(_, pods)| pods.workload == workload)
        .filter(|(place, _)| seen.insert(reach.class_of(*place)))
        .map(|(place, _)| End::Pods(place))
        .collect()
}

/// Finds the ports that a text means: `80`, `tcp/80`, `80/udp`, or a name of a port of the
/// receiving pods.
///
/// # Errors
///
/// If it means none.
pub fn find_port(
    model: &Model,
    target: &[End],
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
        End::Pods(place) => model.pods.get(*place),
        End::External(_) => None,
    });
    let mut found: Vec<_> = pods
        .flat_map(|pods| Model::named_ports(pods, protocol, port))
        .map(|port| (port.protocol, port.number))
        .collect();
    found.sort_unstable();
    found.dedup();
    if found.is_empty() { Err(bad()) } else { Ok(found) }
}
