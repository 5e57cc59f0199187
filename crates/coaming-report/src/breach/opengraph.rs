//! `coaming breach --format opengraph` and `opengraph-schema`: for BloodHound.
//!
//! Ids have no colons, nodes at most three kinds, and properties are flat with lower-case names.
//! Without the schema, BloodHound shows the graph but finds no paths in it.

use std::io::{self, Write};

use coaming_breach::{Foothold, steps};
use serde_json::{Value, json};

use super::View;
use super::graph::Picture;

/// How kinds begin.
const PREFIX: &str = "Coaming_";

/// The kinds of footholds: type, kind, name for people, icon, color.
const KINDS: &[(&str, &str, &str, &str, &str)] = &[
    ("outside", "Outside", "Internet", "globe", "#8a8f98"),
    ("container", "Container", "Container", "cube", "#4f86f7"),
    ("port", "Port", "Port", "plug", "#7fb3d5"),
    ("node", "Node", "Node", "server", "#e67e22"),
    ("node-files", "NodeFiles", "Files of a node", "file-lines", "#f0b27a"),
    ("identity", "Identity", "Identity", "user", "#27ae60"),
    ("secret", "Secret", "Secret", "key", "#f1c40f"),
    ("credential", "Credential", "Credential of an image", "id-card", "#d4ac0d"),
    ("data-store", "DataStore", "Data store", "database", "#9b59b6"),
    ("cloud-identity", "CloudIdentity", "Cloud identity", "cloud", "#3498db"),
    ("exfiltration", "Exfiltration", "Connection to the internet", "upload", "#95a5a6"),
    ("admin", "Admin", "Cluster administrator", "crown", "#e74c3c"),
    ("unknown", "Unknown", "Unknown", "question", "#bdc3c7"),
];

fn kind_of(foothold: &Foothold) -> String {
    let known = KINDS.iter().find(|(name, ..)| *name == foothold.type_name());
    format!("{PREFIX}{}", known.map_or("Unknown", |(_, kind, ..)| kind))
}

/// `Coaming_RuntimeSocket`.
fn relationship(step: &str) -> String {
    let mut name = PREFIX.to_owned();
    for word in step.split('-') {
        let mut letters = word.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

/// An id that is the same on every run: the foothold's own name without colons.
fn id_of(foothold: &Foothold) -> String {
    let mut id = format!("coaming-{}-", foothold.type_name());
    for c in foothold.to_string().chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' => id.push(c),
            ' ' | '/' => id.push('_'),
            c => id.push_str(&format!("_{:x}_", u32::from(c))),
        }
    }
    id
}

/// Writes an answer as an `OpenGraph` payload.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn opengraph(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let picture = Picture::new(view);
    let by_number: std::collections::BTreeMap<usize, &Foothold> =
        picture.numbers.iter().map(|(foothold, &number)| (number, foothold)).collect();
    let mut nodes: Vec<Value> = picture
        .numbers
        .iter()
        .map(|(foothold, number)| {
            json!({
                "id": id_of(foothold),
                "kinds": [kind_of(foothold)],
                "properties": {
                    "name": foothold.to_string(),
                    "prize": foothold.prize().is_some(),
                    "entry": picture.entries.contains(number),
                },
            })
        })
        .collect();
    nodes.extend(view.answer.unknown.iter().zip(1..).map(|(note, number)| {
        json!({
            "id": format!("coaming-unknown-{number}"),
            "kinds": [format!("{PREFIX}Unknown")],
            "properties": {"name": note.message, "count": note.count},
        })
    }));
    let edges: Vec<Value> = picture
        .steps
        .iter()
        .map(|(from, to, step, kind)| {
            json!({
                "kind": relationship(step),
                "start": {"match_by": "id", "value": id_of(by_number[from])},
                "end": {"match_by": "id", "value": id_of(by_number[to])},
                "properties": {"certainty": kind.as_str()},
            })
        })
        .collect();
    let graph = json!({
        "metadata": {"source_kind": "Coaming"},
        "graph": {"nodes": nodes, "edges": edges},
    });
    serde_json::to_writer(&mut *out, &graph)?;
    out.write_all(b"\n")
}

/// Writes the definition of the extension: the kinds of nodes, and which relationships can be
/// traversed.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn opengraph_schema(out: &mut dyn Write) -> io::Result<()> {
    let nodes = KINDS.iter().map(|(_, kind, title, icon, color)| {
        json!({
            "name": format!("{PREFIX}{kind}"),
            "display_name": title,
            "description": title,
            "is_display_kind": true,
            "icon": icon,
            "color": color,
        })
    });
    let relationships = steps::infos().map(|step| {
        json!({
            "name": relationship(step.id),
            "description": format!("{} ({})", step.summary, step.technique),
            "is_traversable": true,
        })
    });
    let schema = json!({
        "schema": {
            "name": "Coaming",
            "display_name": "Coaming",
            "version": concat!("v", env!("CARGO_PKG_VERSION")),
            "namespace": "Coaming",
        },
        "node_kinds": nodes.collect::<Vec<_>>(),
        "relationship_kinds": relationships.collect::<Vec<_>>(),
        "environments": [],
        "relationship_findings": [],
    });
    serde_json::to_writer(&mut *out, &schema)?;
    out.write_all(b"\n")
}
