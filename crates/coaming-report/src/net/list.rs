//! `coaming net list`.

use std::fmt;
use std::io::{self, Write};

use coaming_network::{Connection, Peer};
use serde::Serialize;

use super::notes::{Remarks, remarks_text};
use super::{ConnectionsJson, csv_row, markdown_row};

/// A peer as text shows it.
pub(super) struct PeerText<'p>(pub(super) &'p Peer);

impl fmt::Display for PeerText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Peer::Ip(addresses) => addresses.fmt(f),
            Peer::Workload(workload) => workload.fmt(f),
            Peer::Ingress => f.write_str("ingress"),
        }
    }
}

/// A peer as JSON, by the contract of the command line.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum PeerJson<'c> {
    Ip { ranges: Vec<String> },
    Workload { namespace: &'c str, name: &'c str, kind: &'c str },
    Ingress,
}

impl<'c> PeerJson<'c> {
    pub(super) fn new(peer: &'c Peer) -> Self {
        match peer {
            Peer::Ip(addresses) => Self::Ip { ranges: addresses.ranges() },
            Peer::Workload(workload) => Self::Workload {
                namespace: &workload.namespace,
                name: &workload.name,
                kind: &workload.kind,
            },
            Peer::Ingress => Self::Ingress,
        }
    }
}

#[derive(Serialize)]
struct ConnectionJson<'c> {
    source: PeerJson<'c>,
    target: PeerJson<'c>,
    #[serde(flatten)]
    connections: ConnectionsJson<'c>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    via: &'c [String],
}

/// Writes JSON, by the contract of the command line; one connection per line.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn list_json(
    connections: impl Iterator<Item = Connection>,
    remarks: &Remarks,
    out: &mut dyn Write,
) -> io::Result<()> {
    out.write_all(b"{\"version\": 1, \"connections\": [")?;
    let mut is_empty = true;
    for connection in connections {
        out.write_all(if is_empty { b"\n  " } else { b",\n  " })?;
        is_empty = false;
        let line = ConnectionJson {
            source: PeerJson::new(&connection.source),
            target: PeerJson::new(&connection.target),
            connections: ConnectionsJson::new(&connection.allowed),
            via: &connection.via,
        };
        serde_json::to_writer(&mut *out, &line)?;
    }
    out.write_all(if is_empty { b"]" } else { b"\n]" })?;
    write_remarks(remarks, out)?;
    out.write_all(b"}\n")
}

/// Writes what there is to remark as further fields of an object.
fn write_remarks(remarks: &Remarks, out: &mut dyn Write) -> io::Result<()> {
    if !remarks.notes.is_empty() {
        out.write_all(b",\n \"notes\": ")?;
        serde_json::to_writer(&mut *out, &remarks.notes)?;
    }
    if !remarks.problems.is_empty() {
        out.write_all(b",\n \"problems\": ")?;
        serde_json::to_writer(&mut *out, &remarks.problems)?;
    }
    Ok(())
}

/// Writes a line each: `shop/web (Deployment) → shop/db (Deployment): TCP 5432`.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn list_text(
    connections: impl Iterator<Item = Connection>,
    remarks: &Remarks,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut is_empty = true;
    for Connection { source, target, allowed, via } in connections {
        is_empty = false;
        write!(out, "{} → {}: {allowed}", PeerText(&source), PeerText(&target))?;
        if !via.is_empty() {
            write!(out, "  (through {})", via.join(", "))?;
        }
        out.write_all(b"\n")?;
    }
    let nothing_there = remarks.notes.iter().any(|note| note.count == 0);
    if is_empty && !nothing_there {
        out.write_all(b"no connection is possible\n")?;
    }
    remarks_text(remarks, out)
}

fn row(connection: &Connection) -> [String; 3] {
    [
        PeerText(&connection.source).to_string(),
        PeerText(&connection.target).to_string(),
        connection.allowed.to_string(),
    ]
}

/// Writes comma-separated values, with a header.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn list_csv(
    connections: impl Iterator<Item = Connection>,
    out: &mut dyn Write,
) -> io::Result<()> {
    out.write_all(b"source,target,connections\n")?;
    for connection in connections {
        csv_row(&row(&connection), out)?;
    }
    Ok(())
}

/// Writes a Markdown table.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn list_markdown(
    connections: impl Iterator<Item = Connection>,
    out: &mut dyn Write,
) -> io::Result<()> {
    out.write_all(b"| source | target | connections |\n|---|---|---|\n")?;
    for connection in connections {
        markdown_row(&row(&connection), out)?;
    }
    Ok(())
}
