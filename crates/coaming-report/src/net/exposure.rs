//! `coaming net exposure`.

use std::io::{self, Write};

use coaming_network::model::{NAMESPACE_NAME_LABEL, Namespaces, PodSelector};
use coaming_network::selector::Operator;
use coaming_network::{Beyond, Connections, Exposure, OpenTo, Openness, Selector};
use serde::Serialize;

use super::notes::{Remarks, remarks_text};
use super::{
    ConnectionsJson, PortsJson, addresses_text, csv_row, json_line, markdown_row, ports_json,
};

/// What a direction is open to, with the ports.
fn entries(openness: &Openness) -> Vec<(String, String)> {
    let pods = openness.pods.iter().map(|open| {
        let ports = match &open.port_name {
            None if open.unless_named.is_empty() => open.allowed.to_string(),
            None => format!("{} unless named {}", open.allowed, open.unless_named.join(" or ")),
            Some(name) => named_port(name, &open.allowed),
        };
        (pods_text(open), ports)
    });
    let internet = openness.internet.iter();
    let internet =
        internet.map(|(addresses, allowed)| (addresses_text(addresses), allowed.to_string()));
    let beyond = openness.beyond.iter();
    let beyond = beyond.map(|(what, allowed)| (beyond_text(*what).to_owned(), allowed.to_string()));
    pods.chain(internet).chain(beyond).collect()
}

/// What rules name that is neither pods nor known addresses.
fn beyond_text(what: Beyond) -> &'static str {
    match what {
        Beyond::Nodes => "the nodes, and pods on their networks",
        Beyond::ApiServer => "the API server",
        Beyond::Names => "the addresses of the domain names that rules allow",
    }
}

/// `the port named metrics`, as far as it is not all numbers.
fn named_port(name: &str, allowed: &Connections) -> String {
    let is_any = allowed.iter().all(|(_, ports)| ports.is_all());
    let protocols: Vec<&str> = allowed.iter().map(|(protocol, _)| protocol.name()).collect();
    match is_any {
        true => format!("{} port named {name}", protocols.join(" or ")),
        false => format!("port named {name}, if it is one of {allowed}"),
    }
}

/// Pods that something is open to, existing or not.
fn pods_text(open: &OpenTo) -> String {
    let pods = selector_text(&open.pods, "any pod");
    let except: Vec<String> = open.except.iter().map(|it| selector_text(it, "pods")).collect();
    let except = match except.is_empty() {
        true => String::new(),
        false => format!(" except {}", except.join(" and ")),
    };
    let hint = if open.exists { "" } else { " (none exists yet)" };
    format!("{pods}{except}{hint}")
}

/// What labels must be, in words: `tier not in (a, b) and no label guest`.
fn labels_text(selector: &Selector) -> String {
    let requirements = selector.requirements().iter().map(|requirement| {
        let key = &requirement.key;
        let text = || {
            let mut only = Selector::everything();
            only.require(key, requirement.operator.clone());
            only.to_string()
        };
        if key.starts_with(':') {
            return text();
        }
        match &requirement.operator {
            Operator::NotIn(values) if values.len() == 1 => {
                format!("{key} other than {}", values.join(", "))
            }
            Operator::NotIn(values) => format!("{key} not in ({})", values.join(", ")),
            Operator::Exists => format!("label {key}"),
            Operator::DoesNotExist => format!("no label {key}"),
            _ => text(),
        }
    });
    let alternatives = selector.alternatives().iter().map(|list| {
        let any: Vec<String> = list.iter().map(labels_text).collect();
        if any.is_empty() { "nothing".to_owned() } else { format!("({})", any.join(" or ")) }
    });
    requirements.chain(alternatives).collect::<Vec<_>>().join(" and ")
}

fn selector_text(selector: &PodSelector, any: &str) -> String {
    let pods = match selector.pods.is_everything() {
        true => any.to_owned(),
        false => format!("{any} with {}", labels_text(&selector.pods)),
    };
    match &selector.namespaces {
        Namespaces::Named(name) => format!("{pods} in namespace {name}"),
        Namespaces::Selected(namespaces) if namespaces.is_everything() => {
            let everywhere =
                if selector.pods.is_everything() { "of the cluster" } else { "in any namespace" };
            format!("{pods} {everywhere}")
        }
        Namespaces::Selected(namespaces) => match named(namespaces) {
            Some(name) => format!("{pods} in namespace {name}"),
            None => format!("{pods} in namespaces with {}", labels_text(namespaces)),
        },
    }
}

/// The one namespace that a selector names.
fn named(namespaces: &Selector) -> Option<&str> {
    let [requirement] = namespaces.requirements() else { return None };
    let Operator::In(values) = &requirement.operator else { return None };
    let [name] = values.as_slice() else { return None };
    (requirement.key == NAMESPACE_NAME_LABEL).then_some(name)
}

/// Writes exposures as text.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn exposure_text(
    exposures: &[Exposure],
    remarks: &Remarks,
    out: &mut dyn Write,
) -> io::Result<()> {
    for exposure in exposures {
        writeln!(out, "{}", exposure.workload)?;
        let sides =
            [("open to", "ingress", &exposure.ingress), ("reaches", "egress", &exposure.egress)];
        for (verb, direction, openness) in sides {
            if !openness.guarded {
                writeln!(out, "  no policy guards its {direction}")?;
            }
            let entries = entries(openness);
            for (peer, allowed) in &entries {
                writeln!(out, "  {verb} {peer}: {allowed}")?;
            }
            if entries.is_empty() {
                writeln!(out, "  {verb} nothing, whatever pods are added")?;
            }
        }
        if !exposure.ingress_points.is_empty() {
            writeln!(out, "  open to traffic from outside: {}", exposure.ingress_points)?;
        }
    }
    remarks_text(remarks, out)
}

#[derive(Serialize)]
struct ExposuresJson<'e> {
    version: u32,
    workloads: Vec<ExposureJson<'e>>,
    #[serde(flatten)]
    remarks: &'e Remarks,
}

#[derive(Serialize)]
struct ExposureJson<'e> {
    namespace: &'e str,
    name: &'e str,
    kind: &'e str,
    ingress: OpennessJson<'e>,
    egress: OpennessJson<'e>,
    ingress_points: Vec<PortsJson<'e>>,
}

#[derive(Serialize)]
struct OpennessJson<'e> {
    guarded: bool,
    cluster: ConnectionsJson<'e>,
    namespace: ConnectionsJson<'e>,
    internet: Vec<InternetJson<'e>>,
    pods: Vec<OpenToJson<'e>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    beyond: Vec<BeyondJson<'e>>,
}

#[derive(Serialize)]
struct BeyondJson<'e> {
    what: &'static str,
    #[serde(flatten)]
    connections: ConnectionsJson<'e>,
}

#[derive(Serialize)]
struct InternetJson<'e> {
    ranges: Vec<String>,
    #[serde(flatten)]
    connections: ConnectionsJson<'e>,
}

#[derive(Serialize)]
struct OpenToJson<'e> {
    pods: String,
    except: Vec<String>,
    exists: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    port_name: Option<&'e str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    unless_named: &'e [String],
    #[serde(flatten)]
    connections: ConnectionsJson<'e>,
}

fn openness(openness: &Openness) -> OpennessJson<'_> {
    let internet = openness.internet.iter().map(|(addresses, allowed)| InternetJson {
        ranges: addresses.ranges(),
        connections: ConnectionsJson::new(allowed),
    });
    let pods = openness.pods.iter().map(|open| OpenToJson {
        pods: open.pods.to_string(),
        except: open.except.iter().map(ToString::to_string).collect(),
        exists: open.exists,
        port_name: open.port_name.as_deref(),
        unless_named: &open.unless_named,
        connections: ConnectionsJson::new(&open.allowed),
    });
    let beyond = openness.beyond.iter().map(|(what, allowed)| BeyondJson {
        what: match what {
            Beyond::Nodes => "nodes",
            Beyond::ApiServer => "api-server",
            Beyond::Names => "domain-names",
        },
        connections: ConnectionsJson::new(allowed),
    });
    OpennessJson {
        beyond: beyond.collect(),
        guarded: openness.guarded,
        cluster: ConnectionsJson::new(&openness.cluster),
        namespace: ConnectionsJson::new(&openness.namespace),
        internet: internet.collect(),
        pods: pods.collect(),
    }
}

/// Writes exposures as JSON.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn exposure_json(
    exposures: &[Exposure],
    remarks: &Remarks,
    out: &mut dyn Write,
) -> io::Result<()> {
    let workloads = exposures.iter().map(|exposure| ExposureJson {
        namespace: &exposure.workload.namespace,
        name: &exposure.workload.name,
        kind: &exposure.workload.kind,
        ingress: openness(&exposure.ingress),
        egress: openness(&exposure.egress),
        ingress_points: ports_json(&exposure.ingress_points),
    });
    json_line(&ExposuresJson { version: 1, workloads: workloads.collect(), remarks }, out)
}

/// Gives each row of a table to `write`.
fn rows(
    exposures: &[Exposure],
    mut write: impl FnMut(&[String]) -> io::Result<()>,
) -> io::Result<()> {
    for exposure in exposures {
        let name = exposure.workload.to_string();
        let sides = [("ingress", &exposure.ingress), ("egress", &exposure.egress)];
        for (direction, openness) in sides {
            for (peer, allowed) in entries(openness) {
                write(&[name.clone(), direction.to_owned(), peer, allowed])?;
            }
        }
        if !exposure.ingress_points.is_empty() {
            let peer = "traffic from outside".to_owned();
            write(&[name, "ingress".to_owned(), peer, exposure.ingress_points.to_string()])?;
        }
    }
    Ok(())
}

/// Writes exposures as comma-separated values.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn exposure_csv(exposures: &[Exposure], out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"workload,direction,open to,connections\n")?;
    rows(exposures, |row| csv_row(row, out))
}

/// Writes exposures as a Markdown table.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn exposure_markdown(exposures: &[Exposure], out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"| workload | direction | open to | connections |\n|---|---|---|---|\n")?;
    rows(exposures, |row| markdown_row(row, out))
}
