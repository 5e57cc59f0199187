//! The output of `coaming net`: one module per command, one function per format.
//!
//! The network engine returns data; every word of the output is chosen here. A list is written as
//! it is enumerated, so that its length costs no memory.

mod check;
mod diff;
mod dot;
mod exposure;
mod graphml;
mod lint;
mod list;
mod mermaid;
mod notes;
mod suggest;
mod svg;
mod why;

pub use check::{check_json, check_text};
pub use diff::{diff_csv, diff_json, diff_markdown, diff_text};
pub use dot::graph_dot;
pub use exposure::{exposure_csv, exposure_json, exposure_markdown, exposure_text};
pub use graphml::graph_graphml;
pub use lint::lint_text;
pub use list::{list_csv, list_json, list_markdown, list_text};
pub use mermaid::graph_mermaid;
pub use notes::{Remarks, remarks, remarks_text};
pub use suggest::suggestion_yaml;
pub use svg::graph_svg;
pub use why::{why_json, why_text};

use std::io::{self, Write};

use coaming_network::{Connections, IpSet};
use serde::Serialize;

/// The ports of one protocol, as JSON: `{"protocol": "TCP", "ports": [[80, 80]]}`.
#[derive(Serialize)]
struct PortsJson<'c> {
    protocol: &'static str,
    ports: &'c [(u16, u16)],
}

/// The ports of connections as JSON.
fn ports_json(connections: &Connections) -> Vec<PortsJson<'_>> {
    let protocols = connections.iter();
    protocols
        .map(|(protocol, ports)| PortsJson { protocol: protocol.name(), ports: ports.ranges() })
        .collect()
}

/// Connections as JSON.
#[derive(Serialize)]
struct ConnectionsJson<'c> {
    all: bool,
    allowed: Vec<PortsJson<'c>>,
}

impl<'c> ConnectionsJson<'c> {
    fn new(connections: &'c Connections) -> Self {
        Self { all: connections.is_all(), allowed: ports_json(connections) }
    }
}

/// Addresses as people write them: `any address`, `10.0.0.1`, `10.0.0.0-10.255.255.255`.
fn addresses_text(addresses: &IpSet) -> String {
    if *addresses == IpSet::all() || *addresses == IpSet::all_v4() {
        return "any address".to_owned();
    }
    addresses.single().map_or_else(|| addresses.to_string(), |address| address.to_string())
}

/// Writes a value as JSON on one line.
fn json_line(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

/// Writes a row of comma-separated values; fields are quoted where they must be (RFC 4180).
fn csv_row(fields: &[String], out: &mut dyn Write) -> io::Result<()> {
    for (position, field) in fields.iter().enumerate() {
        if position > 0 {
            out.write_all(b",")?;
        }
        if field.contains([',', '"', '\n', '\r']) {
            write!(out, "\"{}\"", field.replace('"', "\"\""))?;
        } else {
            out.write_all(field.as_bytes())?;
        }
    }
    out.write_all(b"\n")
}

/// Writes a row of a Markdown table.
fn markdown_row(fields: &[String], out: &mut dyn Write) -> io::Result<()> {
    for field in fields {
        write!(out, "| {} ", field.replace('|', "\\|"))?;
    }
    out.write_all(b"|\n")
}
