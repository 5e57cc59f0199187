//! `coaming net graph` for Mermaid, which GitHub and GitLab draw in Markdown.

use std::collections::BTreeMap;
use std::io::{self, Write};

use coaming_network::{Graph, GraphNode};

use super::dot::{label, node_name};

/// Writes a graph in the language of Mermaid.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn graph_mermaid(graph: &Graph, out: &mut dyn Write) -> io::Result<()> {
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    out.write_all(b"flowchart LR\n")?;
    for (position, (namespace, workloads)) in graph.namespaces.iter().enumerate() {
        let id = format!("ns{position}");
        writeln!(out, "  subgraph {id}[\"{}\"]", escape(namespace))?;
        ids.insert(node_name(&GraphNode::Namespace(namespace.clone())), id);
        for workload in workloads {
            let id = format!("w{}", ids.len());
            let shown = format!("{}<br/>{}", escape(&workload.name), escape(&workload.kind));
            writeln!(out, "    {id}[\"{shown}\"]")?;
            ids.insert(workload.to_string(), id);
        }
        out.write_all(b"  end\n")?;
    }
    for node in graph.edges.iter().flat_map(|edge| [&edge.source, &edge.target]) {
        let name = node_name(node);
        if !ids.contains_key(&name) {
            let id = format!("x{}", ids.len());
            writeln!(out, "  {id}([\"{}\"])", escape(&name))?;
            ids.insert(name, id);
        }
    }
    for edge in &graph.edges {
        let (source, target) = (node_name(&edge.source), node_name(&edge.target));
        if let (Some(source), Some(target)) = (ids.get(&source), ids.get(&target)) {
            let label = escape(&label(edge)).replace('\n', "<br/>");
            writeln!(out, "  {source} -->|\"{label}\"| {target}")?;
        }
    }
    Ok(())
}

/// Text between quotes, where Mermaid reads HTML: with its entities, written `#…;`.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '"' | '<' | '>' | '&' | '#' | '`' => {
                escaped.push_str(&format!("#{};", u32::from(c)));
            }
            c => escaped.push(c),
        }
    }
    escaped
}
