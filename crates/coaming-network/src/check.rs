//! Assertions about connections: what must be possible, and what must not be.
//!
//! ```yaml
//! must-reach:
//! - {from: shop/web, to: shop/db, ports: [5432]}
//! must-not-reach:
//! - from: {namespace: guests}
//!   to: {namespace: shop, labels: {app: db}}
//! ```
//!
//! A peer is a workload by its name, an address, `ingress`, or pods by namespace and labels. An
//! assertion is about every pair of pods that it means; one that means no pods fails.

use std::sync::Arc;

use coaming_kube::Fields;
use coaming_yaml::Node;

use crate::explain::{Explanation, explain};
use crate::find::{AskedPort, FindError, FoundPeer, find_endpoint, find_port};
use crate::model::{Pods, Role};
use crate::ports::{Connections, PortSet, Protocol};
use crate::reach::{Endpoint, Reach};
use crate::selector::{Labels, Selector};

/// One side of an assertion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AssertedPeer {
    /// What a name means: a workload, an address, `ingress`.
    Name(String),
    /// Pods.
    Pods {
        /// In this namespace; in any without.
        namespace: Option<String>,
        /// In namespaces with these labels.
        namespace_labels: Labels,
        /// With these labels.
        labels: Labels,
    },
}

/// What must hold of connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// Its number in the file, from 1, and the line.
    pub line: u32,
    /// Whether the connections must be possible, or must not be.
    pub must_reach: bool,
    /// Where they come from.
    pub from: AssertedPeer,
    /// Where they go to.
    pub to: AssertedPeer,
    /// On which ports; empty for any.
    pub ports: Vec<String>,
}

/// Why assertions cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// The text is not YAML.
    #[error("line {line}: {message}")]
    Syntax {
        /// The line, from 1.
        line: u32,
        /// What is wrong.
        message: String,
    },
    /// A field is unknown, missing or of another type.
    #[error("line {line}: {message}")]
    Field {
        /// The line, from 1.
        line: u32,
        /// What is expected.
        message: String,
    },
    /// There is no assertion in the file.
    #[error("there are no assertions: write a list `must-reach` or `must-not-reach`")]
    Empty,
}

/// How an assertion turned out.
#[derive(Clone, Debug)]
pub enum AssertionResult {
    /// It holds.
    Holds,
    /// It does not hold, for this reason.
    Fails(Box<Explanation>),
    /// Whether it holds depends on what is not evaluated.
    Unknown(Box<Explanation>),
    /// A name in it means nothing.
    NotFound(FindError),
    /// It means no pods.
    NoPods(AssertedPeer),
}

/// Reads assertions.
///
/// # Errors
///
/// If the text is not YAML, or not of the form that the module describes.
pub fn read_assertions(text: &str) -> Result<Vec<Assertion>, AssertionError> {
    let stream = coaming_yaml::parse(Arc::from(text));
    let index = coaming_yaml::LineIndex::new(text);
    let line = |node: Node<'_>| node.span().map_or(0, |span| index.position(text, span.start).0);
    if let Some(error) = stream.errors.first() {
        return Err(AssertionError::Syntax { line: 0, message: error.to_string() });
    }
    let mut found = Vec::new();
    for document in &stream.documents {
        let root = document.root();
        for entry in root.entries() {
            let must_reach = match entry.name() {
                "must-reach" => true,
                "must-not-reach" => false,
                other => {
                    return Err(AssertionError::Field {
                        line: line(entry.value),
                        message: format!(
                            "`{other}` is not known here: use `must-reach` or `must-not-reach`"
                        ),
                    });
                }
            };
            for item in entry.value.items() {
                found.push(assertion(item, must_reach, &line)?);
            }
        }
    }
    if found.is_empty() { Err(AssertionError::Empty) } else { Ok(found) }
}

fn assertion(
    item: Node<'_>,
    must_reach: bool,
    line: &dyn Fn(Node<'_>) -> u32,
) -> Result<Assertion, AssertionError> {
    let fail = |node: Node<'_>, message: &str| {
        Err(AssertionError::Field { line: line(node), message: message.to_owned() })
    };
    for entry in item.entries() {
        if !["from", "to", "ports"].contains(&entry.name()) {
            return fail(entry.value, "an assertion has `from`, `to` and `ports`");
        }
    }
    let (Some(from), Some(to)) = (item.field("from"), item.field("to")) else {
        return fail(item, "an assertion needs `from` and `to`");
    };
    let ports = item.list("ports").map(|port| port.text().to_owned()).collect();
    let peer = |node: Node<'_>| match asserted_peer(node) {
        Some(peer) => Ok(peer),
        None => Err(AssertionError::Field {
            line: line(node),
            message: "a peer is a name, or has `namespace`, `namespaceLabels` and `labels`"
                .to_owned(),
        }),
    };
    Ok(Assertion { line: line(item), must_reach, from: peer(from)?, to: peer(to)?, ports })
}

fn asserted_peer(node: Node<'_>) -> Option<AssertedPeer> {
    if let Some(name) = node.as_str() {
        return Some(AssertedPeer::Name(name.to_owned()));
    }
    let known = ["namespace", "namespaceLabels", "labels"];
    if !node.is_mapping() || !node.entries().all(|entry| known.contains(&entry.name())) {
        return None;
    }
    let labels = |field: &str| -> Labels {
        let pairs = node.pairs(field);
        pairs
            .filter_map(|entry| Some((entry.name().to_owned(), entry.value.as_str()?.to_owned())))
            .collect()
    };
    Some(AssertedPeer::Pods {
        namespace: node.string("namespace").map(str::to_owned),
        namespace_labels: labels("namespaceLabels"),
        labels: labels("labels"),
    })
}

/// Whether an assertion holds, and why not.
#[must_use]
pub fn check_assertion(reach: &Reach, assertion: &Assertion) -> AssertionResult {
    let resolve = |peer: &AssertedPeer| match peers(reach, peer) {
        Ok(peers) if peers.is_empty() => Err(AssertionResult::NoPods(peer.clone())),
        Ok(peers) => Ok(peers),
        Err(error) => Err(AssertionResult::NotFound(error)),
    };
    let (sources, targets) = match (resolve(&assertion.from), resolve(&assertion.to)) {
        (Ok(sources), Ok(targets)) => (sources, targets),
        (Err(result), _) | (_, Err(result)) => return result,
    };
    let mut doubt = None;
    for target in &targets {
        let mut ports: Vec<Option<AskedPort>> = Vec::new();
        let mut ranges = Connections::none();
        for text in &assertion.ports {
            if let Some(range) = port_range(text) {
                ranges = ranges.union(&range);
                continue;
            }
            match find_port(reach.model(), &target.endpoints, text) {
                Ok(found) => ports.extend(found.into_iter().map(Some)),
                Err(error) => return AssertionResult::NotFound(error),
            }
        }
        if assertion.ports.is_empty() {
            ports.push(None);
        }
        for source in sources.iter().filter(|source| *source != target) {
            let of_ranges = of_ranges(reach, assertion, source, target, &ranges);
            for port in ports.iter().chain(&of_ranges) {
                let explanation = explain(reach, source, target, port.as_ref());
                let Some(explanation) = explanation else { continue };
                if !explanation.is_certain() {
                    doubt.get_or_insert_with(|| Box::new(explanation));
                } else if explanation.is_allowed() != assertion.must_reach {
                    return AssertionResult::Fails(Box::new(explanation));
                }
            }
        }
    }
    doubt.map_or(AssertionResult::Holds, AssertionResult::Unknown)
}

/// The ports of a text such as `8000-8999` or `udp/5000-5999`.
fn port_range(text: &str) -> Option<Connections> {
    let (protocol, range) = match text.split_once('/') {
        None => (Protocol::Tcp, text),
        Some((name, range)) => (Protocol::from_name(&name.to_ascii_uppercase())?, range),
    };
    let (first, last) = range.split_once('-')?;
    let (first, last) = (first.parse::<u16>().ok()?, last.parse::<u16>().ok()?);
    (0 < first && first <= last).then(|| Connections::of(protocol, PortSet::range(first, last)))
}

/// For each protocol of such ports, one that decides: one for which the assertion does not hold, else the
/// first.
fn of_ranges(
    reach: &Reach,
    assertion: &Assertion,
    source: &FoundPeer,
    target: &FoundPeer,
    ranges: &Connections,
) -> Vec<Option<AskedPort>> {
    if ranges.is_empty() {
        return Vec::new();
    }
    let all = explain(reach, source, target, None).map(|found| found.allowed).unwrap_or_default();
    let wrong = match assertion.must_reach {
        true => ranges.difference(&all),
        false => ranges.intersection(&all),
    };
    let first = |ports: &Connections, protocol: Protocol| {
        ports.ports(protocol).ranges().first().map(|(first, _)| *first)
    };
    let decisive = Protocol::ALL.into_iter().filter_map(|protocol| {
        let port = first(&wrong, protocol).or_else(|| first(ranges, protocol))?;
        Some(Some(AskedPort::from((protocol, port))))
    });
    decisive.collect()
}

/// The peers that a side of an assertion means, one for each group of pods that policies tell apart.
fn peers(reach: &Reach, peer: &AssertedPeer) -> Result<Vec<FoundPeer>, FindError> {
    let (namespace, namespace_labels, labels) = match peer {
        AssertedPeer::Name(name) => {
            let found = find_endpoint(reach, name)?;
            if found.ingress {
                return Ok(vec![found]);
            }
            let single =
                |&endpoint: &Endpoint| FoundPeer { endpoints: vec![endpoint], ..found.clone() };
            return Ok(found.endpoints.iter().map(single).collect());
        }
        AssertedPeer::Pods { namespace, namespace_labels, labels } => {
            (namespace, selector(namespace_labels), selector(labels))
        }
    };
    let model = reach.model();
    let is_meant = |pods: &Pods| {
        let here = model.namespaces.get(&*pods.namespace);
        pods.role == Role::Real
            && namespace.as_ref().is_none_or(|name| **name == *pods.namespace)
            && here.is_some_and(|namespace| namespace_labels.matches(&namespace.labels))
            && labels.matches(&pods.labels)
    };
    let pods = model.pods.iter().filter(|(_, pods)| is_meant(pods));
    let found = pods
        .map(|(id, _)| FoundPeer { endpoints: vec![Endpoint::Pods(id)], ..FoundPeer::default() });
    Ok(found.collect())
}

fn selector(labels: &Labels) -> Selector {
    Selector::labels(labels.iter().map(|(key, value)| (key.as_str(), value.as_str())))
}
