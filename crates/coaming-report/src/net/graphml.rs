//! `coaming net graph` as GraphML, for yEd, Gephi, NetworkX and others.

use std::io::{self, Write};

use coaming_network::{Graph, GraphNode};

use super::dot::node_name;
use super::svg::escape;

/// Writes a graph as GraphML. Nodes have a name, a namespace and a kind; edges have ports and, where one
/// of their nodes is the outside, addresses.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn graph_graphml(graph: &Graph, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(
        b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
          <graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n",
    )?;
    let keys = [
        ("node", "label"),
        ("node", "namespace"),
        ("node", "kind"),
        ("edge", "ports"),
        ("edge", "addresses"),
    ];
    for (on, name) in keys {
        writeln!(
            out,
            "  <key id=\"{name}\" for=\"{on}\" attr.name=\"{name}\" attr.type=\"string\"/>"
        )?;
    }
    out.write_all(b"  <graph id=\"reachability\" edgedefault=\"directed\">\n")?;
    for workload in graph.namespaces.values().flatten() {
        let fields = [
            ("label", workload.name.as_str()),
            ("namespace", workload.namespace.as_str()),
            ("kind", workload.kind.as_str()),
        ];
        element(out, &format!("node id=\"{}\"", escape(&workload.to_string())), &fields)?;
    }
    let ends = graph.edges.iter().flat_map(|edge| [&edge.source, &edge.target]);
    let others: std::collections::BTreeSet<&GraphNode> =
        ends.filter(|node| !matches!(node, GraphNode::Workload(_))).collect();
    for node in others {
        let name = node_name(node);
        element(out, &format!("node id=\"{}\"", escape(&name)), &[("label", name.as_str())])?;
    }
    for edge in &graph.edges {
        let ports = edge.allowed.to_string();
        let mut fields = vec![("ports", ports.as_str())];
        fields.extend(edge.addresses.as_deref().map(|addresses| ("addresses", addresses)));
        let start = format!(
            "edge source=\"{}\" target=\"{}\"",
            escape(&node_name(&edge.source)),
            escape(&node_name(&edge.target))
        );
        element(out, &start, &fields)?;
    }
    out.write_all(b"  </graph>\n</graphml>\n")
}

fn element(out: &mut dyn Write, start: &str, fields: &[(&str, &str)]) -> io::Result<()> {
    write!(out, "    <{start}>")?;
    for (key, value) in fields {
        write!(out, "<data key=\"{key}\">{}</data>", escape(value))?;
    }
    let name = start.split(' ').next().unwrap_or_default();
    writeln!(out, "</{name}>")
}
