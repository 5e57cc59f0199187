//! `coaming net diff`.

use std::io::{self, Write};

use coaming_network::{Change, Diff, Workload};
use serde::Serialize;

use super::list::{PeerJson, PeerText};
use super::notes::{Remarks, remarks_text};
use super::{ConnectionsJson, csv_row, json_line, markdown_row};

/// Writes a difference as text: `+`, `-` and `~` before each line.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn diff_text(diff: &Diff, remarks: &Remarks, out: &mut dyn Write) -> io::Result<()> {
    for (sign, workloads) in [('+', &diff.workloads_added), ('-', &diff.workloads_removed)] {
        for workload in workloads {
            writeln!(out, "{sign} workload {workload}")?;
        }
    }
    for change in &diff.changes {
        let (source, target) = (PeerText(&change.source), PeerText(&change.target));
        let (before, after) = (&change.before, &change.after);
        match change.kind() {
            "added" => writeln!(out, "+ {source} → {target}: {after}")?,
            "removed" => writeln!(out, "- {source} → {target}: {before}")?,
            _ => writeln!(out, "~ {source} → {target}: {after} (was {before})")?,
        }
    }
    if diff.is_empty() {
        out.write_all(b"no connection differs\n")?;
    }
    remarks_text(remarks, out)
}

#[derive(Serialize)]
struct DiffJson<'d> {
    version: u32,
    workloads_added: Vec<WorkloadJson<'d>>,
    workloads_removed: Vec<WorkloadJson<'d>>,
    changes: Vec<ChangeJson<'d>>,
    #[serde(flatten)]
    remarks: &'d Remarks,
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
    source: PeerJson<'d>,
    target: PeerJson<'d>,
    before: ConnectionsJson<'d>,
    after: ConnectionsJson<'d>,
}

/// Writes a difference as JSON.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn diff_json(diff: &Diff, remarks: &Remarks, out: &mut dyn Write) -> io::Result<()> {
    fn workload(workload: &Workload) -> WorkloadJson<'_> {
        WorkloadJson { namespace: &workload.namespace, name: &workload.name, kind: &workload.kind }
    }
    fn change(change: &Change) -> ChangeJson<'_> {
        ChangeJson {
            change: change.kind(),
            source: PeerJson::new(&change.source),
            target: PeerJson::new(&change.target),
            before: ConnectionsJson::new(&change.before),
            after: ConnectionsJson::new(&change.after),
        }
    }
    let value = DiffJson {
        version: 1,
        workloads_added: diff.workloads_added.iter().map(workload).collect(),
        workloads_removed: diff.workloads_removed.iter().map(workload).collect(),
        changes: diff.changes.iter().map(change).collect(),
        remarks,
    };
    json_line(&value, out)
}

fn row(change: &Change) -> [String; 5] {
    [
        change.kind().to_owned(),
        PeerText(&change.source).to_string(),
        PeerText(&change.target).to_string(),
        change.before.to_string(),
        change.after.to_string(),
    ]
}

/// Writes a difference as comma-separated values.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn diff_csv(diff: &Diff, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"change,source,target,before,after\n")?;
    diff.changes.iter().try_for_each(|change| csv_row(&row(change), out))
}

/// Writes a difference as a Markdown table.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn diff_markdown(diff: &Diff, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"| change | source | target | before | after |\n|---|---|---|---|---|\n")?;
    diff.changes.iter().try_for_each(|change| markdown_row(&row(change), out))
}
