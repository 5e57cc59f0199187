//! `coaming net diff`.

use std::fmt::Write as _;

use serde::Serialize;

use super::list::{PartyJson, PortsJson, csv_field, json_line, name, ports_json};
use crate::diff::{Change, Diff};

/// A difference for people: `+`, `-` and `~` before each line.
#[must_use]
pub fn diff_text(diff: &Diff) -> String {
    let mut out = String::new();
    for (sign, workloads) in [('+', &diff.workloads_added), ('-', &diff.workloads_removed)] {
        for workload in workloads {
            let _ = writeln!(out, "{sign} workload {workload}");
        }
    }
    for change in &diff.changes {
        let (source, target) = (name(&change.source), name(&change.target));
        let _ = match change.kind() {
            "added" => writeln!(out, "+ {source} → {target}: {}", change.after),
            "removed" => writeln!(out, "- {source} → {target}: {}", change.before),
            _ => writeln!(out, "~ {source} → {target}: {} (was {})", change.after, change.before),
        };
    }
    if out.is_empty() {
        out.push_str("no connection differs\n");
    }
    out
}

#[derive(Serialize)]
struct DiffJson<'d> {
    version: u32,
    workloads_added: Vec<WorkloadJson<'d>>,
    workloads_removed: Vec<WorkloadJson<'d>>,
    changes: Vec<ChangeJson<'d>>,
}

#[derive(Serialize)]
struct WorkloadJson<'d> {
    namespace: &'d str,
    name: &'d str,
    kind: &'d str,
}

#[derive(Serialize)]
struct ChangeJson<'d> {
    change: &'static str,
    source: PartyJson<'d>,
    target: PartyJson<'d>,
    before: SetJson<'d>,
    after: SetJson<'d>,
}

#[derive(Serialize)]
struct SetJson<'d> {
    all: bool,
    allowed: Vec<PortsJson<'d>>,
}

/// A difference for programs.
#[must_use]
pub fn diff_json(diff: &Diff) -> String {
    fn workload(workload: &crate::model::Workload) -> WorkloadJson<'_> {
        WorkloadJson { namespace: &workload.namespace, name: &workload.name, kind: &workload.kind }
    }
    fn set(connections: &crate::ports::Connections) -> SetJson<'_> {
        SetJson { all: connections.is_all(), allowed: ports_json(connections) }
    }
    let change = |change: &'_ Change| change.kind();
    let value = DiffJson {
        version: 1,
        workloads_added: diff.workloads_added.iter().map(workload).collect(),
        workloads_removed: diff.workloads_removed.iter().map(workload).collect(),
        changes: diff
            .changes
            .iter()
            .map(|item| ChangeJson {
                change: change(item),
                source: PartyJson::new(&item.source),
                target: PartyJson::new(&item.target),
                before: set(&item.before),
                after: set(&item.after),
            })
            .collect(),
    };
    json_line(&value) + "\n"
}

fn row(change: &Change) -> [String; 5] {
    [
        change.kind().to_owned(),
        name(&change.source),
        name(&change.target),
        change.before.to_string(),
        change.after.to_string(),
    ]
}

/// A difference as comma-separated values.
#[must_use]
pub fn diff_csv(diff: &Diff) -> String {
    let mut out = String::from("change,source,target,before,after\n");
    for change in &diff.changes {
        out.push_str(&row(change).map(|field| csv_field(&field)).join(","));
        out.push('\n');
    }
    out
}

/// A difference as a Markdown table.
#[must_use]
pub fn diff_markdown(diff: &Diff) -> String {
    let mut out =
        String::from("| change | source | target | before | after |\n|---|---|---|---|---|\n");
    for change in &diff.changes {
        let fields = row(change).map(|field| field.replace('|', "\\|"));
        let _ = writeln!(out, "| {} |", fields.join(" | "));
    }
    out
}
