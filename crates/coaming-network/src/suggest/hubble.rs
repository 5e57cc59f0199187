//! Flows as Hubble records them: one JSON object per line, from `hubble observe -o json`.

use serde::Deserialize;

use super::{Flow, Found, Source, SuggestError};
use crate::model::{Model, Role};
use crate::ports::Protocol;
use crate::selector::is_derived;

#[derive(Deserialize)]
struct Line {
    flow: Option<Record>,
    #[serde(flatten)]
    bare: Record,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Record {
    verdict: Option<String>,
    source: Option<Endpoint>,
    destination: Option<Endpoint>,
    l4: Option<Layer4>,
    is_reply: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Endpoint {
    namespace: String,
    pod_name: String,
    labels: Vec<String>,
    workloads: Vec<Named>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "UPPERCASE")]
struct Layer4 {
    tcp: Option<Ports>,
    udp: Option<Ports>,
    sctp: Option<Ports>,
}

#[derive(Deserialize)]
struct Ports {
    destination_port: u16,
}

/// Reads a log.
///
/// # Errors
///
/// If a line is not a flow.
pub(crate) fn read(model: &Model, log: &str) -> Result<Found, SuggestError> {
    let mut found = Found::default();
    for (position, text) in log.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let line: Line = serde_json::from_str(text).map_err(|error| SuggestError::FlowLog {
            line: position + 1,
            message: error.to_string(),
        })?;
        record(model, &line.flow.unwrap_or(line.bare), &mut found);
    }
    Ok(found)
}

fn record(model: &Model, record: &Record, found: &mut Found) {
    let forwarded = record.verdict.as_deref().is_none_or(|verdict| verdict == "FORWARDED");
    if !forwarded || record.is_reply == Some(true) {
        return;
    }
    let (Some(source), Some(destination), Some(l4)) =
        (&record.source, &record.destination, &record.l4)
    else {
        return;
    };
    let ports = [(Protocol::Tcp, &l4.tcp), (Protocol::Udp, &l4.udp), (Protocol::Sctp, &l4.sctp)];
    for (protocol, ports) in ports {
        let Some(port) = ports.as_ref().map(|ports| ports.destination_port) else { continue };
        let is_dns = port == 53 && destination.namespace == "kube-system";
        match (workload(model, source), workload(model, destination)) {
            (Some(source), Some(target)) if port > 0 => {
                let flow = Flow { source: Source::Workload(source), target, protocol, port };
                found.add(flow, "seen by Hubble".to_owned());
            }
            _ if is_dns => {}
            (from, to) => {
                let name = |known: Option<usize>, endpoint: &Endpoint| {
                    let workload = known.and_then(|id| model.workloads.get(id));
                    match workload {
                        Some(workload) => workload.to_string(),
                        None if endpoint.pod_name.is_empty() => endpoint
                            .labels
                            .first()
                            .cloned()
                            .unwrap_or_else(|| "a source outside".to_owned()),
                        None => format!("{}/{}", endpoint.namespace, endpoint.pod_name),
                    }
                };
                found.questions.insert(format!(
                    "Hubble saw {} connect to {} on {protocol} {port}, which are not both here: \
                     should that be allowed?",
                    name(from, source),
                    name(to, destination)
                ));
            }
        }
    }
}

/// The workload of an endpoint: by its name, else by its labels.
fn workload(model: &Model, endpoint: &Endpoint) -> Option<usize> {
    let here = |id: usize, name: &str| {
        model.workloads.get(id).is_some_and(|w| w.namespace == endpoint.namespace && w.name == name)
    };
    let mut real = model
        .pods
        .iter()
        .map(|(_, pods)| pods)
        .filter(|pods| pods.role == Role::Real && *pods.namespace == *endpoint.namespace);
    let mut by_name = real.clone().map(|pods| pods.workload).filter(|&id| {
        here(id, &endpoint.pod_name) || endpoint.workloads.iter().any(|w| here(id, &w.name))
    });
    if let Some(id) = by_name.next() {
        return Some(id);
    }
    let labels: Vec<(&str, &str)> = endpoint
        .labels
        .iter()
        .filter_map(|label| label.strip_prefix("k8s:").unwrap_or(label).split_once('='))
        .collect();
    let fits = |pods: &crate::model::Pods| {
        let mut own = pods.labels.iter().filter(|(key, _)| !is_derived(key)).peekable();
        own.peek().is_some()
            && own.all(|(key, value)| labels.contains(&(key.as_str(), value.as_str())))
    };
    real.find(|pods| fits(pods)).map(|pods| pods.workload)
}
