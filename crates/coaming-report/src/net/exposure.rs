//! `coaming net exposure`.

use std::io::{self, Write};

use coaming_network::{Connections, Exposure, Openness};
use serde::Serialize;

use super::{ConnectionsJson, PortsJson, csv_row, json_line, markdown_row, ports_json};

/// Each peer that a direction is open to, with the ports.
fn entries(openness: &Openness) -> Vec<(String, &Connections)> {
    let mut entries = Vec::new();
    if !openness.cluster.is_empty() {
        entries.push(("any pod of the cluster".to_owned(), &openness.cluster));
    }
    if !openness.namespace.difference(&openness.cluster).is_empty() {
        entries.push(("any pod of its namespace".to_owned(), &openness.namespace));
    }
    for (addresses, allowed) in &openness.internet {
        entries.push((addresses.to_string(), allowed));
    }
    for (pods, allowed) in &openness.future {
        entries.push((format!("{pods} (none exists yet)"), allowed));
    }
    entries
}

/// Writes exposures as text.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn exposure_text(exposures: &[Exposure], out: &mut dyn Write) -> io::Result<()> {
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
                writeln!(out, "  {verb} nothing beyond the workloads here")?;
            }
        }
        if !exposure.ingress_points.is_empty() {
            writeln!(out, "  open to traffic from outside: {}", exposure.ingress_points)?;
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct ExposuresJson<'e> {
    version: u32,
    workloads: Vec<ExposureJson<'e>>,
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
    future: Vec<FutureJson<'e>>,
}

#[derive(Serialize)]
struct InternetJson<'e> {
    ranges: Vec<String>,
    #[serde(flatten)]
    connections: ConnectionsJson<'e>,
}

#[derive(Serialize)]
struct FutureJson<'e> {
    pods: String,
    #[serde(flatten)]
    connections: ConnectionsJson<'e>,
}

fn openness(openness: &Openness) -> OpennessJson<'_> {
    let internet = openness.internet.iter().map(|(addresses, allowed)| InternetJson {
        ranges: addresses.ranges(),
        connections: ConnectionsJson::new(allowed),
    });
    let future = openness.future.iter().map(|(pods, allowed)| FutureJson {
        pods: pods.to_string(),
        connections: ConnectionsJson::new(allowed),
    });
    OpennessJson {
        guarded: openness.guarded,
        cluster: ConnectionsJson::new(&openness.cluster),
        namespace: ConnectionsJson::new(&openness.namespace),
        internet: internet.collect(),
        future: future.collect(),
    }
}

/// Writes exposures as JSON.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn exposure_json(exposures: &[Exposure], out: &mut dyn Write) -> io::Result<()> {
    let workloads = exposures.iter().map(|exposure| ExposureJson {
        namespace: &exposure.workload.namespace,
        name: &exposure.workload.name,
        kind: &exposure.workload.kind,
        ingress: openness(&exposure.ingress),
        egress: openness(&exposure.egress),
        ingress_points: ports_json(&exposure.ingress_points),
    });
    json_line(&ExposuresJson { version: 1, workloads: workloads.collect() }, out)
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
                write(&[name.clone(), direction.to_owned(), peer, allowed.to_string()])?;
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
