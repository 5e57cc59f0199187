//! `coaming net graph` as a picture: namespaces as boxes, workloads in them, arrows between.
//!
//! The outside, the ways in and "every workload" stand on the left. Red arrows are open on all
//! ports. Arrows start at the right of a box or the left, whichever is nearer, and bend so that
//! those between neighbours do not lie on each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::graph::name;
use crate::graph::{Dot, Graph};
use crate::model::Workload;

const NODE: (f64, f64) = (190.0, 44.0);
const GAP: (f64, f64) = (70.0, 40.0);
const PADDING: f64 = 26.0;
const HEADER: f64 = 26.0;
const MARGIN: f64 = 30.0;
const HUB_COLUMN: f64 = 260.0;
const PAGE: f64 = 1500.0;
/// With more arrows than this, ports are shown on hovering only.
const LABELLED: usize = 60;

/// A rectangle.
#[derive(Clone, Copy)]
struct Area {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

struct Layout {
    boxes: Vec<(String, Area)>,
    nodes: BTreeMap<String, (Area, String, String)>,
    width: f64,
    height: f64,
}

/// Draws a graph.
#[must_use]
pub fn graph_svg(graph: &Graph) -> String {
    let layout = layout(graph);
    let mut out = String::new();
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w:.0}\" height=\"{h:.0}\" \
         viewBox=\"0 0 {w:.0} {h:.0}\" font-family=\"sans-serif\">\n\
         <defs>{}{}</defs>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
        marker("open", "#c0392b"),
        marker("some", "#2c6fbb"),
        w = layout.width,
        h = layout.height,
    );
    for (title, area) in &layout.boxes {
        let _ = writeln!(
            out,
            "<rect x=\"{:.0}\" y=\"{:.0}\" width=\"{:.0}\" height=\"{:.0}\" rx=\"10\" \
             fill=\"#f4f6f8\" stroke=\"#c5ced6\"/><text x=\"{:.0}\" y=\"{:.0}\" font-size=\"14\" \
             font-weight=\"bold\" fill=\"#51606d\">{}</text>",
            area.x,
            area.y,
            area.width,
            area.height,
            area.x + PADDING / 2.0,
            area.y + 19.0,
            escape(title)
        );
    }
    edges(&mut out, graph, &layout);
    for (area, title, kind) in layout.nodes.values() {
        let _ = writeln!(
            out,
            "<g><title>{title}</title><rect x=\"{:.0}\" y=\"{:.0}\" width=\"{:.0}\" \
             height=\"{:.0}\" rx=\"6\" fill=\"#ffffff\" stroke=\"#51606d\"/>\
             <text x=\"{cx:.0}\" y=\"{:.0}\" font-size=\"13\" text-anchor=\"middle\" \
             fill=\"#1c2733\">{}</text><text x=\"{cx:.0}\" y=\"{:.0}\" font-size=\"10\" \
             text-anchor=\"middle\" fill=\"#7b8894\">{}</text></g>",
            area.x,
            area.y,
            area.width,
            area.height,
            area.y + 19.0,
            escape(&shortened(title)),
            area.y + 34.0,
            escape(kind),
            title = escape(title),
            cx = area.x + area.width / 2.0,
        );
    }
    out.push_str("</svg>\n");
    out
}

fn marker(id: &str, colour: &str) -> String {
    format!(
        "<marker id=\"{id}\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" \
         markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L10 5L0 10z\" fill=\"{colour}\"/></marker>"
    )
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 26;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let start: String = text.chars().take(LONGEST - 1).collect();
    format!("{start}…")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[expect(clippy::cast_precision_loss, reason = "counts of boxes on a page are small")]
fn float(count: usize) -> f64 {
    count as f64
}

fn layout(graph: &Graph) -> Layout {
    let used: BTreeSet<Dot> =
        graph.edges.iter().flat_map(|edge| [edge.source.clone(), edge.target.clone()]).collect();
    let hubs: Vec<(Dot, &str)> = [
        (Dot::Ingress, "comes in from outside"),
        (Dot::Outside, "addresses outside of the cluster"),
        (Dot::Everybody, "each to all others"),
    ]
    .into_iter()
    .filter(|(dot, _)| used.contains(dot))
    .collect();
    let left = if hubs.is_empty() { MARGIN } else { MARGIN + HUB_COLUMN };
    let mut layout = Layout { boxes: Vec::new(), nodes: BTreeMap::new(), width: 0.0, height: 0.0 };
    let (mut x, mut y, mut row) = (left, MARGIN, 0.0_f64);
    for (namespace, workloads) in &graph.namespaces {
        let columns = columns(graph, workloads);
        let rows = columns.iter().map(Vec::len).max().unwrap_or_default();
        let count = columns.len();
        let width = 2.0 * PADDING + float(count) * NODE.0 + float(count.saturating_sub(1)) * GAP.0;
        let height =
            HEADER + 2.0 * PADDING + float(rows) * NODE.1 + float(rows.saturating_sub(1)) * GAP.1;
        if x > left && x + width > PAGE {
            (x, y, row) = (left, y + row + MARGIN, 0.0);
        }
        layout.boxes.push((namespace.clone(), Area { x, y, width, height }));
        for (column, workloads) in columns.into_iter().enumerate() {
            // A short column stands in the middle of its neighbours.
            let spare = float(rows - workloads.len()) * (NODE.1 + GAP.1) / 2.0;
            for (line, workload) in workloads.into_iter().enumerate() {
                let area = Area {
                    x: x + PADDING + float(column) * (NODE.0 + GAP.0),
                    y: y + HEADER + PADDING + spare + float(line) * (NODE.1 + GAP.1),
                    width: NODE.0,
                    height: NODE.1,
                };
                let id = name(&Dot::Workload(workload.clone()));
                layout.nodes.insert(id, (area, workload.name.clone(), workload.kind.clone()));
            }
        }
        layout.width = layout.width.max(x + width + MARGIN);
        row = row.max(height);
        x += width + MARGIN;
    }
    layout.height = (y + row + MARGIN).max(float(hubs.len()) * 110.0 + MARGIN);
    let step = layout.height / float(hubs.len() + 1);
    for (place, (dot, what)) in hubs.into_iter().enumerate() {
        let area = Area {
            x: MARGIN,
            y: step * float(place + 1) - NODE.1 / 2.0,
            width: NODE.0,
            height: NODE.1,
        };
        layout.nodes.insert(name(&dot), (area, name(&dot), what.to_owned()));
    }
    layout.width = layout.width.max(left + MARGIN);
    layout
}

/// The workloads of a namespace in columns, so that who connects stands left of whom it connects
/// to; without such an order, in a block.
fn columns<'g>(graph: &Graph, workloads: &'g BTreeSet<Workload>) -> Vec<Vec<&'g Workload>> {
    /// More columns than this are not legible.
    const MOST: usize = 6;
    let pairs: Vec<(&Workload, &Workload)> = graph
        .edges
        .iter()
        .filter_map(|edge| match (&edge.source, &edge.target) {
            (Dot::Workload(source), Dot::Workload(target)) => Some((source, target)),
            _ => None,
        })
        .filter(|(source, target)| workloads.contains(*source) && workloads.contains(*target))
        .collect();
    // As many rounds as there are columns; in a cycle they just end.
    let mut depth: BTreeMap<&Workload, usize> = workloads.iter().map(|w| (w, 0)).collect();
    for _ in 0..MOST {
        for (source, target) in &pairs {
            let next = depth.get(source).map_or(0, |depth| depth + 1).min(MOST - 1);
            let back = pairs.contains(&(*target, *source));
            if let Some(known) = depth.get_mut(target)
                && !back
            {
                *known = next.max(*known);
            }
        }
    }
    let mut columns: BTreeMap<usize, Vec<&Workload>> = BTreeMap::new();
    for workload in workloads {
        columns.entry(depth.get(workload).copied().unwrap_or_default()).or_default().push(workload);
    }
    let tallest = columns.values().map(Vec::len).max().unwrap_or_default();
    let mut side = 1;
    while side * side < workloads.len() {
        side += 1;
    }
    if tallest <= 2 * side {
        return columns.into_values().collect();
    }
    // Too much in one column: a block, in the same order.
    let order: Vec<&Workload> = columns.into_values().flatten().collect();
    order.chunks(side).map(<[_]>::to_vec).collect()
}

fn edges(out: &mut String, graph: &Graph, layout: &Layout) {
    let labelled = graph.edges.len() <= LABELLED;
    for (place, edge) in graph.edges.iter().enumerate() {
        let (Some((from, ..)), Some((to, ..))) =
            (layout.nodes.get(&name(&edge.source)), layout.nodes.get(&name(&edge.target)))
        else {
            continue;
        };
        let open = edge.allowed.is_all();
        let (id, colour) = if open { ("open", "#c0392b") } else { ("some", "#2c6fbb") };
        let (path, middle) = curve(*from, *to, place);
        let mut title =
            format!("{} → {}: {}", name(&edge.source), name(&edge.target), edge.allowed);
        if let Some(addresses) = &edge.addresses {
            let _ = write!(title, " ({addresses})");
        }
        let _ = write!(
            out,
            "<g><title>{}</title><path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" \
             stroke-width=\"1.4\" stroke-opacity=\"0.65\" marker-end=\"url(#{id})\"/>",
            escape(&title)
        );
        if labelled && !open {
            let _ = write!(
                out,
                "<text x=\"{:.0}\" y=\"{:.0}\" font-size=\"10\" text-anchor=\"middle\" \
                 fill=\"{colour}\" stroke=\"#ffffff\" stroke-width=\"3\" \
                 paint-order=\"stroke\">{}</text>",
                middle.0,
                middle.1,
                escape(&shortened(&edge.allowed.to_string()))
            );
        }
        out.push_str("</g>\n");
    }
}

/// A curve from one box to another, and the point for its label.
fn curve(from: Area, to: Area, place: usize) -> (String, (f64, f64)) {
    let spread = (float(place % 5) - 2.0) * 6.0;
    let centre = |area: Area| (area.x + area.width / 2.0, area.y + area.height / 2.0);
    let ((from_x, from_y), (to_x, to_y)) = (centre(from), centre(to));
    let (start, end, bend);
    if (from_x - to_x).abs() < NODE.0 / 2.0 {
        // One above the other: out at the side, so that what lies between stays free.
        let side = from.x + from.width;
        start = (side, from_y + spread);
        end = (to.x + to.width, to_y + spread);
        let out = side + GAP.0 * 0.8 + spread;
        bend = ((out, start.1), (out, end.1));
    } else {
        let rightwards = to_x > from_x;
        let edge = |area: Area, right: bool| if right { area.x + area.width } else { area.x };
        start = (edge(from, rightwards), from_y + spread);
        end = (edge(to, !rightwards), to_y + spread);
        let half = (end.0 - start.0) / 2.0;
        bend = ((start.0 + half, start.1), (end.0 - half, end.1));
    }
    let middle = |a: f64, b: f64, c: f64, d: f64| (a + 3.0 * b + 3.0 * c + d) / 8.0;
    let label = (
        middle(start.0, bend.0.0, bend.1.0, end.0),
        middle(start.1, bend.0.1, bend.1.1, end.1) - 3.0,
    );
    let path = format!(
        "M{:.1} {:.1}C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}",
        start.0, start.1, bend.0.0, bend.0.1, bend.1.0, bend.1.1, end.0, end.1
    );
    (path, label)
}
