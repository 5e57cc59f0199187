//! What a search has found: flows between workloads, grants beyond them, and questions.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use super::write::{controller_kind, controller_namespace};
use crate::ip::IpSet;
use crate::model::{Direction, Model, Role};
use crate::ports::{Connections, PortSet, Protocol};

/// A port with its protocol.
pub(crate) type Port = (Protocol, u16);

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

/// A peer that is not a workload here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outer {
    /// Any address.
    Any,
    /// A block of addresses.
    Block(String),
    /// What a name of the DNS means.
    Host(String),
    /// The API server, at this block if that is known.
    ApiServer(Option<String>),
    /// Every pod of a namespace.
    Namespace(String),
}

impl Outer {
    /// The addresses that it may mean: all where they are not known.
    pub(crate) fn addresses(&self) -> IpSet {
        match self {
            Self::Block(block) => IpSet::cidr(block).unwrap_or_default(),
            Self::Namespace(_) => IpSet::none(),
            Self::Any | Self::Host(_) | Self::ApiServer(_) => IpSet::all(),
        }
    }
}

/// A connection with what is not a workload here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Grant {
    /// The workload, by its id.
    pub(crate) workload: usize,
    /// Whether the workload connects, or is connected to.
    pub(crate) direction: Direction,
    /// The other side.
    pub(crate) peer: Outer,
    /// The port; any without.
    pub(crate) port: Option<Port>,
}

impl Grant {
    /// The ports that it opens.
    pub(crate) fn ports(&self) -> Connections {
        self.port.map_or_else(Connections::all, |(protocol, port)| {
            Connections::of(protocol, PortSet::range(port, port))
        })
    }
}

/// What a question proposes, if that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Proposal {
    /// The name of a host.
    pub(crate) host: Option<String>,
    /// Addresses.
    pub(crate) addresses: Vec<IpAddr>,
    /// Whether the API server is meant.
    pub(crate) is_api_server: bool,
}

/// What a question is about: how an answer is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The namespace of the controllers of these routes, and the one that is assumed.
    Controller {
        /// How the names of the routes start, such as `Ingress `.
        kind: &'static str,
        /// Where such controllers usually are.
        usual: &'static str,
    },
    /// Where these workloads connect to, and on which ports; any without.
    Egress {
        /// The workloads.
        from: Vec<usize>,
        /// What is proposed.
        proposal: Proposal,
        /// The ports.
        ports: Vec<Port>,
    },
    /// What connects to these ports.
    Ingress {
        /// The workloads with their ports.
        to: Vec<(usize, Port)>,
        /// What is proposed.
        proposal: Proposal,
    },
    /// Which ports of a Service a workload uses: each by its number there, with the pods behind it.
    Choice {
        /// The workload.
        from: usize,
        /// The ports.
        choices: Vec<(String, usize, Port)>,
    },
    /// Whether the pods of a workload connect to each other, on these ports.
    Replicas(usize, Vec<Port>),
    /// Something to know, to which every answer is good.
    Remark,
}

/// Something that the evidence does not show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Its name in a file of answers; it stays the same while lines move.
    pub id: String,
    /// The question, with its evidence.
    pub text: String,
    /// What may be answered, in words.
    pub answers: &'static str,
    pub(crate) asked: Asked,
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Where names are resolved, beside the pods of `kube-dns`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dns {
    /// By pods of OpenShift, on port 5353.
    pub(crate) openshift: bool,
    /// By a cache on each node, at [`NODE_LOCAL`].
    pub(crate) node_local: bool,
}

/// Where NodeLocal DNSCache listens.
pub(crate) const NODE_LOCAL: &str = "169.254.20.10/32";

/// The flows with their evidence, and the questions that remain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Each flow with what shows it.
    pub(crate) flows: BTreeMap<Flow, BTreeSet<String>>,
    /// Each grant with what shows it.
    pub(crate) grants: BTreeMap<Grant, BTreeSet<String>>,
    /// The namespaces of ingress controllers, by how the names of their routes start.
    pub(crate) controllers: BTreeMap<&'static str, BTreeSet<String>>,
    /// Where names are resolved.
    pub(crate) dns: Dns,
    /// What the evidence does not show, by id.
    pub(crate) questions: BTreeMap<String, Question>,
}

impl Found {
    /// The namespaces of the controllers behind these routes: as answered, or else the usual ones.
    pub(crate) fn controller_namespaces<'r>(
        &self,
        routes: impl IntoIterator<Item = &'r String>,
    ) -> BTreeSet<&str> {
        let mut namespaces: BTreeSet<&str> = BTreeSet::new();
        for via in routes {
            match self.controllers.get(controller_kind(via)) {
                Some(answered) => namespaces.extend(answered.iter().map(String::as_str)),
                None => {
                    namespaces.insert(controller_namespace(via));
                }
            }
        }
        namespaces
    }

    /// The workloads of a namespace that are ingress controllers: those that are open to the outside,
    /// or else all of them.
    pub(crate) fn controllers_in(&self, model: &Model, namespace: &str) -> BTreeSet<usize> {
        let pods = model.pods.iter().map(|(_, pods)| pods).filter(|pods| {
            pods.role == Role::Real && !pods.host_network && *pods.namespace == *namespace
        });
        let all: BTreeSet<usize> = pods.map(|pods| pods.workload).collect();
        let mut open = self.flows.keys().filter(|flow| flow.source == Source::Outside);
        let open: BTreeSet<usize> =
            open.by_ref().map(|flow| flow.target).filter(|target| all.contains(target)).collect();
        if open.is_empty() { all } else { open }
    }

    pub(crate) fn add(&mut self, flow: Flow, evidence: String) {
        self.flows.entry(flow).or_default().insert(evidence);
    }

    pub(crate) fn grant(&mut self, grant: Grant, evidence: String) {
        self.grants.entry(grant).or_default().insert(evidence);
    }

    /// Asks, unless the same was asked already.
    pub(crate) fn ask(&mut self, id: String, text: String, asked: Asked) {
        let answers = match &asked {
            Asked::Controller { .. } => "its namespace, or `no`",
            Asked::Egress { .. } => {
                "`no`, `yes` for what the question names, `any`, addresses such as 192.0.2.1:443 or 192.0.2.0/24, `namespace:NAME`"
            }
            Asked::Ingress { .. } => {
                "`no`, workloads such as shop/web, `namespace:NAME`, `any`, addresses such as 192.0.2.0/24"
            }
            Asked::Choice { .. } => "`no`, ports of the Service, or `all`",
            Asked::Replicas(..) => "`yes` or `no`",
            Asked::Remark => "`ok`",
        };
        let question = Question { id: id.clone(), text, answers, asked };
        self.questions.entry(id).or_insert(question);
    }

    /// Takes note of something that no policy can express.
    pub(crate) fn remark(&mut self, id: String, text: String) {
        self.ask(id, text, Asked::Remark);
    }
}
