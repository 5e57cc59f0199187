//! `coaming net graph`, for Graphviz. The picture of our own is in [`super::svg`].

use std::fmt::Write as _;

use crate::graph::{Dot, Graph};

/// A graph in Graphviz' language.
#[must_use]
pub fn graph_dot(graph: &Graph) -> String {
    let mut out =
        String::from("digraph reachability {\n  rankdir=LR;\n  node [shape=box, style=rounded];\n");
    for (place, (namespace, workloads)) in graph.namespaces.iter().enumerate() {
        let _ = write!(out, "  subgraph cluster_{place} {{\n    label={namespace:?};\n");
        for workload in workloads {
            let label = format!("{}\n{}", workload.name, workload.kind);
            let _ = writeln!(
                out,
                "    {:?} [label={label:?}];",
                name(&Dot::Workload(workload.clone()))
            );
        }
        out.push_str("  }\n");
    }
    for edge in &graph.edges {
        let mut label = edge.allowed.to_string();
        if let Some(addresses) = &edge.addresses
            && addresses != "0.0.0.0-255.255.255.255"
        {
            label = format!("{label}\n{addresses}");
        }
        let _ = writeln!(
            out,
            "  {:?} -> {:?} [label={label:?}];",
            name(&edge.source),
            name(&edge.target)
        );
    }
    out.push_str("}\n");
    out
}

/// A node's name.
pub(crate) fn name(dot: &Dot) -> String {
    match dot {
        Dot::Outside => "outside".to_owned(),
        Dot::Ingress => "ingress".to_owned(),
        Dot::Everybody => "every workload".to_owned(),
        Dot::Workload(workload) => workload.to_string(),
    }
}
