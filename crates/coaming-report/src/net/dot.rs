//! `coaming net graph`, for Graphviz. The built-in picture is in [`super::svg`].

use std::io::{self, Write};

use coaming_network::{Edge, Graph, GraphNode};

/// Writes a graph in the language of Graphviz.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn graph_dot(graph: &Graph, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"digraph reachability {\n  rankdir=LR;\n  node [shape=box, style=rounded];\n")?;
    for (position, (namespace, workloads)) in graph.namespaces.iter().enumerate() {
        write!(out, "  subgraph cluster_{position} {{\n    label={namespace:?};\n")?;
        for workload in workloads {
            let label = format!("{}\n{}", workload.name, workload.kind);
            writeln!(out, "    {:?} [label={label:?}];", workload.to_string())?;
        }
        out.write_all(b"  }\n")?;
    }
    for node in graph.edges.iter().flat_map(|edge| [&edge.source, &edge.target]) {
        if matches!(node, GraphNode::Namespace(_)) {
            writeln!(out, "  {:?} [shape=tab];", node_name(node))?;
        }
    }
    for edge in &graph.edges {
        writeln!(
            out,
            "  {:?} -> {:?} [label={:?}];",
            node_name(&edge.source),
            node_name(&edge.target),
            label(edge)
        )?;
    }
    out.write_all(b"}\n")
}

/// What is written on an edge: its ports, the addresses outside unless they are all, and the first of
/// the edges that it stands for.
pub(super) fn label(edge: &Edge) -> String {
    const SHOWN: usize = 4;
    let mut label = edge.allowed.to_string();
    if let Some(addresses) = &edge.addresses
        && addresses != "0.0.0.0-255.255.255.255"
    {
        label = format!("{label}\n{addresses}");
    }
    for joined in edge.joins.iter().take(SHOWN) {
        label = format!("{label}\n{joined}");
    }
    match edge.joins.len().saturating_sub(SHOWN) {
        0 => label,
        more => format!("{label}\n{more} more"),
    }
}

/// The name of a node.
pub(super) fn node_name(node: &GraphNode) -> String {
    match node {
        GraphNode::Outside => "outside".to_owned(),
        GraphNode::Ingress => "ingress".to_owned(),
        GraphNode::EveryWorkload => "every workload".to_owned(),
        GraphNode::Namespace(namespace) => format!("namespace {namespace}"),
        GraphNode::Workload(workload) => workload.to_string(),
    }
}
