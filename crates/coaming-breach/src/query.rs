//! What is asked: where an attacker starts, and what they are after.

use crate::entrance;
use crate::foothold::{Foothold, IdentityName, NodeName, Prize, WorkloadName};
use crate::graph::{AttackGraph, NewEdge, VertexId};
use crate::scene::{ContainerInfo, Scene};

/// Why a question cannot be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// No workload has this name.
    #[error("no workload is called `{name}`; known workloads: {known}")]
    UnknownWorkload {
        /// The name.
        name: String,
        /// Some that exist.
        known: String,
    },
    /// Several workloads have this name.
    #[error("`{name}` may mean any of {candidates}: use namespace/name or namespace/kind/name")]
    Ambiguous {
        /// The name.
        name: String,
        /// What it may mean.
        candidates: String,
    },
    /// A start that is not understood.
    #[error(
        "`{0}` is not a valid start: use internet, NAMESPACE/NAME, NAMESPACE/NAME/CONTAINER, \
         user/NAME, group/NAME or serviceaccount/NAMESPACE/NAME"
    )]
    BadStart(String),
    /// A target that is not understood.
    #[error(
        "`{0}` is not a valid target: use admin, node, node/NAME, secret/NAMESPACE/NAME, \
         data-store, \
         data-store/NAMESPACE/NAME, credential, cloud-identity, exfiltration, container/NAMESPACE/NAME, \
         port/NAMESPACE/NAME or serviceaccount/NAMESPACE/NAME"
    )]
    BadTarget(String),
}

/// Where an attacker starts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum From {
    /// Outside of the cluster.
    Internet,
    /// In a workload, by its name on the command line.
    Workload(String),
    /// With an identity of the API.
    Identity(IdentityName),
}

impl From {
    /// Reads a start.
    ///
    /// # Errors
    ///
    /// If it has none of the known forms.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let bad = || QueryError::BadStart(text.to_owned());
        match text.split_once('/') {
            _ if text.is_empty() => Err(bad()),
            None if text == "internet" => Ok(Self::Internet),
            Some(("user", name)) if !name.is_empty() => {
                Ok(Self::Identity(IdentityName::User(name.to_owned())))
            }
            Some(("group", name)) if !name.is_empty() => {
                Ok(Self::Identity(IdentityName::Group(name.to_owned())))
            }
            Some(("serviceaccount", name)) => {
                let (namespace, name) = name.split_once('/').ok_or_else(bad)?;
                let (namespace, name) = (namespace.to_owned(), name.to_owned());
                Ok(Self::Identity(IdentityName::ServiceAccount { namespace, name }))
            }
            _ => Ok(Self::Workload(text.to_owned())),
        }
    }
}

/// What an attacker is after.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum To {
    /// A prize, or any of its kind.
    Prize(Prize),
    /// A certain node.
    Node(String),
    /// Any data store.
    AnyDataStore,
    /// Any credential that is part of an image.
    AnyCredential,
    /// A certain identity of the cloud.
    CloudIdentity(String),
    /// A container of a workload: namespace, name, and the container's own name or any.
    Container(String, String, Option<String>),
    /// A port of a workload: namespace and name.
    Port(String, String),
    /// A service account: namespace and name.
    Account(String, String),
}

impl To {
    /// Reads a target.
    ///
    /// # Errors
    ///
    /// If it has none of the known forms.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let parts: Vec<&str> = text.splitn(2, '/').collect();
        let pair = |text: &str| {
            let (namespace, name) = text.split_once('/')?;
            Some((namespace.to_owned(), name.to_owned()))
        };
        let target = match parts.as_slice() {
            ["admin"] => Some(Self::Prize(Prize::Admin)),
            ["node"] => Some(Self::Prize(Prize::Node)),
            ["node", name] => Some(Self::Node((*name).to_owned())),
            ["data-store"] => Some(Self::AnyDataStore),
            ["credential"] => Some(Self::AnyCredential),
            ["cloud-identity"] => Some(Self::Prize(Prize::CloudIdentity)),
            ["cloud-identity", name] => Some(Self::CloudIdentity((*name).to_owned())),
            ["exfiltration"] => Some(Self::Prize(Prize::Exfiltration)),
            ["secret", name] => {
                pair(name).map(|(namespace, name)| Self::Prize(Prize::Secret { namespace, name }))
            }
            ["data-store", name] => pair(name).map(|(namespace, name)| {
                Self::Prize(Prize::DataStore(WorkloadName { namespace, kind: String::new(), name }))
            }),
            ["container" | "workload", name] => {
                pair(name).map(|(namespace, name)| match name.split_once('/') {
                    Some((workload, own)) => {
                        Self::Container(namespace, workload.to_owned(), Some(own.to_owned()))
                    }
                    None => Self::Container(namespace, name, None),
                })
            }
            ["port", name] => pair(name).map(|(namespace, name)| Self::Port(namespace, name)),
            ["serviceaccount", name] => {
                pair(name).map(|(namespace, name)| Self::Account(namespace, name))
            }
            _ => None,
        };
        target.ok_or_else(|| QueryError::BadTarget(text.to_owned()))
    }

    /// Whether a foothold is what is meant.
    pub(crate) fn matches(&self, foothold: &Foothold) -> bool {
        let is = |workload: &WorkloadName, namespace: &str, name: &str| {
            workload.namespace == namespace && workload.name == name
        };
        match (self, foothold) {
            (Self::Node(wanted), Foothold::Node(NodeName::Named(name))) => wanted == name,
            (Self::AnyDataStore, Foothold::DataStore(_))
            | (Self::AnyCredential, Foothold::Credential(_)) => true,
            (Self::CloudIdentity(wanted), Foothold::CloudIdentity(name)) => wanted == name,
            (Self::Container(namespace, name, own), Foothold::Container(container)) => {
                is(&container.workload, namespace, name)
                    && own.as_deref().is_none_or(|own| own == container.container)
            }
            (Self::Port(namespace, name), Foothold::Port { workload, .. }) => {
                is(workload, namespace, name)
            }
            (
                Self::Account(namespace, name),
                Foothold::Identity(IdentityName::ServiceAccount { namespace: of, name: own }),
            ) => namespace == of && name == own,
            (Self::Prize(Prize::DataStore(wanted)), Foothold::DataStore(store)) => {
                is(store, &wanted.namespace, &wanted.name)
            }
            (Self::Prize(prize), foothold) => foothold.prize().as_ref() == Some(prize),
            _ => false,
        }
    }
}

/// A question about an attack.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Where they start; without, every workload that can be entered from outside.
    pub from: Option<From>,
    /// What they are after; without, every prize.
    pub to: Option<To>,
    /// The most steps of a way.
    pub max_hops: Option<u32>,
    /// Whether every neighbor that can be reached counts as taken.
    pub any_neighbor: bool,
}

/// A start: what it is called, and the vertices that the attacker holds.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) foothold: Foothold,
    pub(crate) vertices: Vec<VertexId>,
    /// The same as footholds, for another graph.
    pub(crate) shown: Vec<Foothold>,
    /// What leads in from outside.
    pub(crate) via: Vec<String>,
}

/// The starts of a query.
pub(crate) fn starts(
    scene: &Scene<'_>,
    graph: &mut AttackGraph,
    from: Option<&From>,
) -> Result<Vec<Start>, QueryError> {
    let single = |graph: &mut AttackGraph, foothold: Foothold| {
        let vertices = vec![graph.vertex(foothold.clone())];
        vec![Start { shown: vec![foothold.clone()], foothold, vertices, via: Vec::new() }]
    };
    match from {
        Some(From::Internet) => Ok(single(graph, Foothold::Outside)),
        Some(From::Identity(identity)) => {
            join_groups(graph, identity);
            Ok(single(graph, Foothold::Identity(identity.clone())))
        }
        Some(From::Workload(name)) => {
            let (pod, container) = find_workload(scene, name)?;
            let containers = scene.containers_of(&scene.pods[pod]).iter();
            let chosen =
                containers.filter(|own| container.is_none_or(|name| own.container.name() == name));
            Ok(vec![start_of(scene, graph, pod, chosen)])
        }
        None => Ok(every_start(scene, graph)),
    }
}

/// Joins an identity that no binding names with its groups, if any of them has rights.
pub(crate) fn join_groups(graph: &mut AttackGraph, identity: &IdentityName) {
    let groups = match identity {
        IdentityName::User(name) if name == "system:anonymous" => {
            vec!["system:unauthenticated".to_owned()]
        }
        IdentityName::User(_) => vec!["system:authenticated".to_owned()],
        IdentityName::Group(_) => Vec::new(),
        IdentityName::ServiceAccount { namespace, .. } => vec![
            "system:authenticated".to_owned(),
            "system:serviceaccounts".to_owned(),
            format!("system:serviceaccounts:{namespace}"),
        ],
    };
    for name in groups {
        let reason = format!("{identity} is in group {name}");
        let group = Foothold::Identity(IdentityName::Group(name));
        if let Some(to) = graph.find(&group) {
            let from = graph.vertex(Foothold::Identity(identity.clone()));
            graph.add(from, to, NewEdge::note(reason));
        }
    }
}

fn start_of<'s, 'a: 's>(
    scene: &'s Scene<'a>,
    graph: &mut AttackGraph,
    pod: usize,
    containers: impl IntoIterator<Item = &'s ContainerInfo<'a>>,
) -> Start {
    let info = &scene.pods[pod];
    let names = containers.into_iter().map(|own| Foothold::Container(own.name.clone()));
    let names: Vec<Foothold> = names.collect();
    let entrances = scene.entrances.iter().filter(|(workload, ..)| *workload == info.name);
    let mut via: Vec<String> = entrances.flat_map(|(_, _, via)| via.iter().cloned()).collect();
    let of_host =
        scene.host_ports.iter().filter(|port| scene.containers[port.container].pod == pod);
    via.extend(of_host.map(|port| format!("port {} of the node", port.number)));
    via.dedup();
    let first = names.first().cloned().unwrap_or(Foothold::Outside);
    let vertices = names.iter().map(|foothold| graph.vertex(foothold.clone())).collect();
    Start { foothold: first, vertices, shown: names, via }
}

/// A start in every workload.
pub(crate) fn workload_starts(scene: &Scene<'_>, graph: &mut AttackGraph) -> Vec<Start> {
    let pods = (0..scene.pods.len()).filter(|&pod| !scene.pods[pod].containers.is_empty());
    pods.map(|pod| start_of(scene, graph, pod, scene.containers_of(&scene.pods[pod]))).collect()
}

/// Every workload that can be entered from outside; all of them if none is known to be.
fn every_start(scene: &Scene<'_>, graph: &mut AttackGraph) -> Vec<Start> {
    let mut starts = entered_starts(scene, graph);
    if entered(scene).is_empty() {
        starts.splice(0..0, workload_starts(scene, graph));
    }
    starts
}

/// The pods that can be entered from outside.
pub(crate) fn entered(scene: &Scene<'_>) -> Vec<usize> {
    let by_host: std::collections::BTreeSet<usize> =
        scene.host_ports.iter().map(|port| scene.containers[port.container].pod).collect();
    let entered: std::collections::BTreeSet<&WorkloadName> =
        scene.entrances.iter().map(|(workload, ..)| workload).collect();
    (0..scene.pods.len())
        .filter(|&pod| !scene.pods[pod].containers.is_empty())
        .filter(|&pod| entered.contains(&scene.pods[pod].name) || by_host.contains(&pod))
        .collect()
}

/// A start in every workload that can be entered from outside, and what everyone may do without
/// credentials.
pub(crate) fn entered_starts(scene: &Scene<'_>, graph: &mut AttackGraph) -> Vec<Start> {
    let anonymous = anonymous(graph);
    let pods = entered(scene).into_iter().map(|pod| {
        let containers = entrance::entered_containers(scene, pod);
        start_of(scene, graph, pod, containers)
    });
    pods.chain(anonymous).collect()
}

/// Everyone who reaches the API server, if that gives any right.
fn anonymous(graph: &AttackGraph) -> Option<Start> {
    let user = Foothold::Identity(IdentityName::User("system:anonymous".to_owned()));
    let group = Foothold::Identity(IdentityName::Group("system:unauthenticated".to_owned()));
    let shown = vec![user.clone(), group];
    let vertices: Vec<VertexId> =
        shown.iter().filter_map(|foothold| graph.find(foothold)).collect();
    let has_rights = vertices.iter().any(|&vertex| !graph.leaving(vertex).is_empty());
    has_rights.then(|| Start { foothold: user, vertices, shown, via: Vec::new() })
}

/// The pod (and container) that a name means.
fn find_workload<'t>(
    scene: &Scene<'_>,
    text: &'t str,
) -> Result<(usize, Option<&'t str>), QueryError> {
    let parts: Vec<&str> = text.split('/').collect();
    let fits = |pod: usize| -> Option<Option<&'t str>> {
        let own = &scene.pods[pod].name;
        match parts.as_slice() {
            [name] if own.name == *name => Some(None),
            [namespace, name] if own.namespace == *namespace && own.name == *name => Some(None),
            [namespace, one, other] if own.namespace == *namespace => {
                let is_kind = own.kind.eq_ignore_ascii_case(one) && own.name == *other;
                let has = |container: &str| {
                    let containers = scene.containers_of(&scene.pods[pod]);
                    containers.iter().any(|own| own.container.name() == container)
                };
                if is_kind {
                    Some(None)
                } else {
                    (own.name == *one && has(other)).then_some(Some(*other))
                }
            }
            [namespace, kind, name, container]
                if own.namespace == *namespace
                    && own.kind.eq_ignore_ascii_case(kind)
                    && own.name == *name =>
            {
                Some(Some(*container))
            }
            _ => None,
        }
    };
    let found: Vec<(usize, Option<&str>)> = (0..scene.pods.len())
        .filter(|&pod| !scene.pods[pod].containers.is_empty())
        .filter_map(|pod| Some((pod, fits(pod)?)))
        .collect();
    match found.as_slice() {
        [only] => Ok(*only),
        [] => Err(QueryError::UnknownWorkload {
            name: text.to_owned(),
            known: names(scene, (0..scene.pods.len()).collect()),
        }),
        several => Err(QueryError::Ambiguous {
            name: text.to_owned(),
            candidates: names(scene, several.iter().map(|(pod, _)| *pod).collect()),
        }),
    }
}

fn names(scene: &Scene<'_>, pods: Vec<usize>) -> String {
    const SHOWN: usize = 10;
    let mut names: Vec<String> = pods
        .into_iter()
        .map(|pod| {
            let name = &scene.pods[pod].name;
            format!("{}/{}/{}", name.namespace, name.kind.to_ascii_lowercase(), name.name)
        })
        .collect();
    names.sort();
    let more = if names.len() > SHOWN { " …" } else { "" };
    names.truncate(SHOWN);
    if names.is_empty() { "none".to_owned() } else { format!("{}{more}", names.join(", ")) }
}
