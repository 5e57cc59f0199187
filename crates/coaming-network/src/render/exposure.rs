//! `coaming net exposure`.

use std::fmt::Write as _;

use serde::Serialize;

use super::list::{PortsJson, csv_field, json_line, ports_json};
use crate::exposure::{Exposure, Openness};
use crate::ports::Connections;

/// Each thing that a direction is open to, with the ports.
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
    for (who, allowed) in &openness.future {
        entries.push((format!("{who} (none exists yet)"), allowed));
    }
    entries
}

/// For people.
#[must_use]
pub fn exposure_text(exposures: &[Exposure]) -> String {
    let mut out = String::new();
    for exposure in exposures {
        let _ = writeln!(out, "{}", exposure.workload);
        for (verb, openness) in [("open to", &exposure.ingress), ("reaches", &exposure.egress)] {
            if !openness.guarded {
                let direction = if verb == "reaches" { "egress" } else { "ingress" };
                let _ = writeln!(out, "  no policy guards its {direction}");
            }
            let entries = entries(openness);
            for (who, allowed) in &entries {
                let _ = writeln!(out, "  {verb} {who}: {allowed}");
            }
            if entries.is_empty() {
                let _ = writeln!(out, "  {verb} nothing beyond the workloads here");
            }
        }
        if !exposure.ways_in.is_empty() {
            let _ = writeln!(out, "  open to what comes in from outside: {}", exposure.ways_in);
        }
    }
    out
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
    ways_in: Vec<PortsJson<'e>>,
}

#[derive(Serialize)]
struct OpennessJson<'e> {
    guarded: bool,
    cluster: SetJson<'e>,
    namespace: SetJson<'e>,
    internet: Vec<InternetJson<'e>>,
    future: Vec<FutureJson<'e>>,
}

#[derive(Serialize)]
struct SetJson<'e> {
    all: bool,
    allowed: Vec<PortsJson<'e>>,
}

#[derive(Serialize)]
struct InternetJson<'e> {
    ranges: Vec<String>,
    all: bool,
    allowed: Vec<PortsJson<'e>>,
}

#[derive(Serialize)]
struct FutureJson<'e> {
    pods: &'e str,
    all: bool,
    allowed: Vec<PortsJson<'e>>,
}

fn set(connections: &Connections) -> SetJson<'_> {
    SetJson { all: connections.is_all(), allowed: ports_json(connections) }
}

fn openness(openness: &Openness) -> OpennessJson<'_> {
    let internet = openness.internet.iter().map(|(addresses, allowed)| InternetJson {
        ranges: addresses.ranges(),
        all: allowed.is_all(),
        allowed: ports_json(allowed),
    });
    let future = openness.future.iter().map(|(pods, allowed)| FutureJson {
        pods,
        all: allowed.is_all(),
        allowed: ports_json(allowed),
    });
    OpennessJson {
        guarded: openness.guarded,
        cluster: set(&openness.cluster),
        namespace: set(&openness.namespace),
        internet: internet.collect(),
        future: future.collect(),
    }
}

/// For programs.
#[must_use]
pub fn exposure_json(exposures: &[Exposure]) -> String {
    let workloads = exposures.iter().map(|exposure| ExposureJson {
        namespace: &exposure.workload.namespace,
        name: &exposure.workload.name,
        kind: &exposure.workload.kind,
        ingress: openness(&exposure.ingress),
        egress: openness(&exposure.egress),
        ways_in: ports_json(&exposure.ways_in),
    });
    json_line(&ExposuresJson { version: 1, workloads: workloads.collect() }) + "\n"
}

fn rows(exposures: &[Exposure]) -> Vec<[String; 4]> {
    let mut rows = Vec::new();
    for exposure in exposures {
        let name = exposure.workload.to_string();
        let sides = [("ingress", &exposure.ingress), ("egress", &exposure.egress)];
        for (direction, openness) in sides {
            rows.extend(entries(openness).into_iter().map(|(who, allowed)| {
                [name.clone(), direction.to_owned(), who, allowed.to_string()]
            }));
        }
        if !exposure.ways_in.is_empty() {
            let who = "what comes in from outside".to_owned();
            rows.push([name, "ingress".to_owned(), who, exposure.ways_in.to_string()]);
        }
    }
    rows
}

/// As comma-separated values.
#[must_use]
pub fn exposure_csv(exposures: &[Exposure]) -> String {
    let mut out = String::from("workload,direction,open to,connections\n");
    for row in rows(exposures) {
        out.push_str(&row.map(|field| csv_field(&field)).join(","));
        out.push('\n');
    }
    out
}

/// As a Markdown table.
#[must_use]
pub fn exposure_markdown(exposures: &[Exposure]) -> String {
    let mut out =
        String::from("| workload | direction | open to | connections |\n|---|---|---|---|\n");
    for row in rows(exposures) {
        let _ = writeln!(out, "| {} |", row.map(|field| field.replace('|', "\\|")).join(" | "));
    }
    out
}
