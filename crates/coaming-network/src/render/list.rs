//! `coaming net list`.

use std::fmt::Write as _;

use serde::Serialize;

use crate::list::{Connection, Party};
use crate::ports::Connections;

/// The name of a party, as text shows it.
pub(crate) fn name(party: &Party) -> String {
    match party {
        Party::Ip(addresses) => addresses.to_string(),
        Party::Workload(workload) => workload.to_string(),
        Party::Ingress => "ingress".to_owned(),
    }
}

/// A party as JSON, by the contract of the command line.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum PartyJson<'c> {
    /// Outside addresses.
    Ip { ranges: Vec<String> },
    /// A workload.
    Workload { namespace: &'c str, name: &'c str, kind: &'c str },
    /// What comes in from outside.
    Ingress,
}

impl<'c> PartyJson<'c> {
    pub(crate) fn new(party: &'c Party) -> Self {
        match party {
            Party::Ip(addresses) => Self::Ip { ranges: addresses.ranges() },
            Party::Workload(workload) => Self::Workload {
                namespace: &workload.namespace,
                name: &workload.name,
                kind: &workload.kind,
            },
            Party::Ingress => Self::Ingress,
        }
    }
}

/// The ports of one protocol, as JSON: `{"protocol": "TCP", "ports": [[80, 80]]}`.
#[derive(Serialize)]
pub(crate) struct PortsJson<'c> {
    protocol: &'static str,
    ports: &'c [(u16, u16)],
}

/// The ports of connections as JSON.
pub(crate) fn ports_json(connections: &Connections) -> Vec<PortsJson<'_>> {
    let protocols = connections.iter();
    protocols
        .map(|(protocol, ports)| PortsJson { protocol: protocol.name(), ports: ports.ranges() })
        .collect()
}

/// One connection as JSON.
#[derive(Serialize)]
pub(crate) struct ConnectionJson<'c> {
    source: PartyJson<'c>,
    target: PartyJson<'c>,
    all: bool,
    allowed: Vec<PortsJson<'c>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    via: &'c [String],
}

impl<'c> ConnectionJson<'c> {
    pub(crate) fn new(connection: &'c Connection) -> Self {
        Self {
            source: PartyJson::new(&connection.source),
            target: PartyJson::new(&connection.target),
            all: connection.allowed.is_all(),
            allowed: ports_json(&connection.allowed),
            via: &connection.via,
        }
    }
}

/// A value as JSON on one line. Our own types have only text keys, so that this cannot fail.
pub(crate) fn json_line(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// JSON, by the contract of the command line; one connection a line.
#[must_use]
pub fn list_json(connections: &[Connection]) -> String {
    let mut out = String::from("{\"version\": 1, \"connections\": [");
    for (position, connection) in connections.iter().enumerate() {
        let separator = if position > 0 { ",\n  " } else { "\n  " };
        let _ = write!(out, "{separator}{}", json_line(&ConnectionJson::new(connection)));
    }
    out.push_str(if connections.is_empty() { "]}\n" } else { "\n]}\n" });
    out
}

/// A line each: `shop/web (Deployment) → shop/db (Deployment): TCP 5432`.
#[must_use]
pub fn list_text(connections: &[Connection]) -> String {
    let mut out = String::new();
    for connection in connections {
        let (source, target) = (name(&connection.source), name(&connection.target));
        let _ = write!(out, "{source} → {target}: {}", connection.allowed);
        if !connection.via.is_empty() {
            let _ = write!(out, "  (through {})", connection.via.join(", "));
        }
        out.push('\n');
    }
    if out.is_empty() {
        out.push_str("no connection is possible\n");
    }
    out
}

/// Comma-separated values, with a header.
#[must_use]
pub fn list_csv(connections: &[Connection]) -> String {
    let mut out = String::from("source,target,connections\n");
    for connection in connections {
        let fields =
            [name(&connection.source), name(&connection.target), connection.allowed.to_string()];
        out.push_str(&fields.map(|field| csv_field(&field)).join(","));
        out.push('\n');
    }
    out
}

/// A CSV field, quoted where it must be (RFC 4180).
pub(crate) fn csv_field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// A Markdown table.
#[must_use]
pub fn list_markdown(connections: &[Connection]) -> String {
    let mut out = String::from("| source | target | connections |\n|---|---|---|\n");
    for connection in connections {
        let fields =
            [name(&connection.source), name(&connection.target), connection.allowed.to_string()];
        let fields = fields.map(|field| field.replace('|', "\\|"));
        let _ = writeln!(out, "| {} |", fields.join(" | "));
    }
    out
}
