//! What an attacker can hold.

use std::fmt;

use coaming_access::Subject;
use coaming_network::Protocol;

use crate::rights::Right;

/// A workload by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkloadName {
    /// Its namespace.
    pub namespace: String,
    /// `Deployment`, `Pod` …
    pub kind: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for WorkloadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

/// A container of a workload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContainerName {
    /// The workload.
    pub workload: WorkloadName,
    /// The container.
    pub container: String,
}

impl fmt::Display for ContainerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "container {} of {}", self.container, self.workload)
    }
}

/// An identity of the Kubernetes API.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentityName {
    /// A user.
    User(String),
    /// A member of a group.
    Group(String),
    /// A service account.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

impl IdentityName {
    /// The identity that a subject of a binding names.
    #[must_use]
    pub fn of(subject: Subject<'_>) -> Self {
        match subject {
            Subject::User(name) => Self::User(name.to_owned()),
            Subject::Group(name) => Self::Group(name.to_owned()),
            Subject::ServiceAccount { namespace, name } => {
                Self::ServiceAccount { namespace: namespace.to_owned(), name: name.to_owned() }
            }
        }
    }
}

impl fmt::Display for IdentityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "user {name}"),
            Self::Group(name) => write!(f, "group {name}"),
            Self::ServiceAccount { namespace, name } => {
                write!(f, "service account {namespace}/{name}")
            }
        }
    }
}

/// Something that an attacker holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Foothold {
    /// They are outside of the cluster.
    Outside,
    /// They run commands in a container, as the user that its process has.
    Container(ContainerName),
    /// They run commands in a container as its root.
    ContainerRoot(ContainerName),
    /// They can connect to a port of a workload.
    Port {
        /// The workload.
        workload: WorkloadName,
        /// The protocol.
        protocol: Protocol,
        /// The port.
        port: u16,
    },
    /// They are root on the node that runs this workload; `None` is a node of their choice.
    Node(NodeName),
    /// They read the files of such a node as root.
    NodeFiles(NodeName),
    /// They act as an identity of the Kubernetes API.
    Identity(IdentityName),
    /// They know the contents of a Secret.
    Secret {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// They know a credential that is part of an image, by its kind and place.
    Credential(String),
    /// They read and write what a data store holds.
    DataStore(WorkloadName),
    /// They have an identity of the cloud.
    CloudIdentity(String),
    /// They can send data out of the cluster.
    Exfiltration,
    /// They can do everything in the cluster.
    ClusterAdmin,
    /// A vertex that only joins others; it is never shown.
    Link(Link),
}

/// Which node is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeName {
    /// A node by its name.
    Named(String),
    /// A node that runs this workload.
    Of(WorkloadName),
    /// A node of the attacker's choice.
    Any,
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => write!(f, "node {name}"),
            Self::Of(workload) => write!(f, "a node that runs {workload}"),
            Self::Any => f.write_str("a node of the attacker's choice"),
        }
    }
}

/// Whose processes are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProcessUsers {
    /// Those of root.
    Root,
    /// Those of all other users.
    Others,
    /// Those of one user.
    One(i64),
}

/// What joins footholds without being one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Link {
    /// The network position of the workloads of a source cell.
    Source(usize),
    /// A target cell.
    Target(usize),
    /// A right in a namespace; `None` is the whole cluster.
    Right(Right, Option<String>),
    /// All Secrets of a namespace.
    Secrets(String),
    /// All containers of a namespace.
    Containers(String),
    /// All service accounts of a namespace.
    Accounts(String),
    /// All ports of the workloads of a namespace.
    Ports(String),
    /// What runs on every node.
    OnEveryNode,
    /// What may run on a node beside a workload with these demands on its node.
    BesideDemand(usize),
    /// The files that a node may have beside those of a workload with these demands.
    FilesBeside(usize),
    /// The processes that may be visible beside those of a workload with these demands.
    ProcessesBeside(usize, ProcessUsers),
    /// A writable log directory of a node.
    NodeLogs(NodeName),
    /// A way into a workload from outside.
    Entrance(WorkloadName),
    /// The credentials of a data store.
    StoreCredential(WorkloadName),
}

impl Foothold {
    /// Whether it is shown.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        !matches!(self, Self::Link(_))
    }

    /// The name of its kind, for programs.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Outside => "outside",
            Self::Container(_) | Self::ContainerRoot(_) => "container",
            Self::Port { .. } => "port",
            Self::Node(_) => "node",
            Self::NodeFiles(_) => "node-files",
            Self::Identity(_) => "identity",
            Self::Secret { .. } => "secret",
            Self::Credential(_) => "credential",
            Self::DataStore(_) => "data-store",
            Self::CloudIdentity(_) => "cloud-identity",
            Self::Exfiltration => "exfiltration",
            Self::ClusterAdmin => "admin",
            Self::Link(_) => "link",
        }
    }

    /// The prize that it is, if it is one.
    #[must_use]
    pub fn prize(&self) -> Option<Prize> {
        Some(match self {
            Self::ClusterAdmin => Prize::Admin,
            Self::Node(_) => Prize::Node,
            Self::Secret { namespace, name } => {
                Prize::Secret { namespace: namespace.clone(), name: name.clone() }
            }
            Self::Credential(name) => Prize::Credential(name.clone()),
            Self::DataStore(workload) => Prize::DataStore(workload.clone()),
            Self::CloudIdentity(_) => Prize::CloudIdentity,
            Self::Exfiltration => Prize::Exfiltration,
            _ => return None,
        })
    }
}

impl fmt::Display for Foothold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside => f.write_str("the internet"),
            Self::Container(container) => container.fmt(f),
            Self::ContainerRoot(container) => write!(f, "root in {container}"),
            Self::Port { workload, protocol, port } => {
                write!(f, "port {}/{port} of {workload}", protocol.name())
            }
            Self::Node(node) => write!(f, "root on {node}"),
            Self::NodeFiles(node) => write!(f, "the files of {node}"),
            Self::Identity(identity) => identity.fmt(f),
            Self::Secret { namespace, name } => write!(f, "Secret {namespace}/{name}"),
            Self::Credential(name) => f.write_str(name),
            Self::DataStore(workload) => write!(f, "the data of {workload}"),
            Self::CloudIdentity(name) => write!(f, "cloud identity {name}"),
            Self::Exfiltration => f.write_str("a connection to the internet"),
            Self::ClusterAdmin => f.write_str("cluster administrator"),
            Self::Link(_) => f.write_str("(link)"),
        }
    }
}

/// What attackers are after.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Prize {
    /// Every right in the cluster.
    Admin,
    /// Root on a node.
    Node,
    /// An identity of the cloud.
    CloudIdentity,
    /// The contents of a data store.
    DataStore(WorkloadName),
    /// A Secret.
    Secret {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A credential that is part of an image.
    Credential(String),
    /// A connection to the internet.
    Exfiltration,
}

impl fmt::Display for Prize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admin => f.write_str("cluster administrator"),
            Self::Node => f.write_str("root on a node"),
            Self::CloudIdentity => f.write_str("cloud identity"),
            Self::DataStore(workload) => write!(f, "data of {workload}"),
            Self::Secret { namespace, name } => write!(f, "Secret {namespace}/{name}"),
            Self::Credential(name) => f.write_str(name),
            Self::Exfiltration => f.write_str("a connection to the internet"),
        }
    }
}
