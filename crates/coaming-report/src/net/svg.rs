//! `coaming net graph` as a picture: namespaces as boxes, workloads in them, arrows between.
//!
//! The outside, ingress and "every workload" are on the left. Red arrows are open on all ports; the others
//! have the color of where they lead, so that one can be followed. Pointing at an arrow lifts it.
//! Arrows start at the right or left side of a box, whichever is nearer, and bend so that those
//! between neighbors do not cover each other.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Arc;

use coaming_network::{Edge, Graph, GraphNode, Workload};

use super::dot::{label, node_name};

const NODE: (f64, f64) = (190.0, 44.0);
const GAP: (f64, f64) = (70.0, 40.0);
const PADDING: f64 = 26.0;
const HEADER: f64 = 26.0;
const MARGIN: f64 = 30.0;
const HUB_COLUMN: f64 = 260.0;
const PAGE: f64 = 1500.0;
/// With more arrows than this, ports are shown only on hover.
const LABELLED: usize = 130;
/// The colors of arrows, by where they lead; red is for all ports.
const COLORS: [&str; 8] =
    ["#2c6fbb", "#1e8449", "#8e44ad", "#b9770e", "#117a8b", "#6c5a3e", "#34495e", "#c2185b"];
const LEGEND: f64 = 58.0;
const LINE: f64 = 15.0;
const LIST_COLUMN: f64 = 320.0;

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
///
/// # Errors
///
/// What writing to `out` gives.
pub fn graph_svg(graph: &Graph, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(drawing(graph).as_bytes())
}

fn drawing(graph: &Graph) -> String {
    let layout = layout(graph);
    let mut out = String::new();
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w:.0}\" height=\"{h:.0}\" \
         viewBox=\"0 0 {w:.0} {h:.0}\" font-family=\"sans-serif\">\n\
         <style>g.flow:hover path{{stroke-width:4;stroke-opacity:1}}g.flow:hover text{{font-size:13px;\
         font-weight:bold}}</style>\n<defs>{}</defs>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
        markers(),
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
    list(&mut out, graph, &layout);
    legend(&mut out, &layout);
    out.push_str("</svg>\n");
    out
}

/// The lines of the list below the picture: what each numbered arrow stands for.
fn listed(graph: &Graph) -> Vec<(bool, String)> {
    let mut lines = Vec::new();
    for (number, edge) in joined(graph) {
        let (source, target) = (node_name(&edge.source), node_name(&edge.target));
        lines.push((true, format!("#{number} {source} → {target}")));
        lines.extend(edge.joins.iter().map(|flow| (false, flow.clone())));
    }
    lines
}

/// The arrows that stand for several flows, with their numbers.
fn joined(graph: &Graph) -> impl Iterator<Item = (usize, &Edge)> {
    let joined = graph.edges.iter().filter(|edge| !edge.joins.is_empty());
    joined.enumerate().map(|(at, edge)| (at + 1, edge))
}

/// How many columns the list has, and how many lines each.
fn list_size(lines: usize, width: f64) -> (usize, usize) {
    let mut columns = 1;
    while float(columns + 1) * LIST_COLUMN + 2.0 * MARGIN <= width {
        columns += 1;
    }
    (columns, lines.div_ceil(columns))
}

fn list(out: &mut String, graph: &Graph, layout: &Layout) {
    let lines = listed(graph);
    let (_, rows) = list_size(lines.len(), layout.width);
    let top = layout.height - LEGEND - float(rows) * LINE;
    for (at, (is_title, text)) in lines.iter().enumerate() {
        let (column, row) = (at / rows.max(1), at % rows.max(1));
        let weight = if *is_title { " font-weight=\"bold\"" } else { "" };
        let _ = writeln!(
            out,
            "<text x=\"{:.0}\" y=\"{:.0}\" font-size=\"11\" fill=\"#1c2733\"{weight}>{}</text>",
            MARGIN + float(column) * LIST_COLUMN,
            top + float(row) * LINE,
            escape(text)
        );
    }
}

/// What colors and lines mean.
fn legend(out: &mut String, layout: &Layout) {
    let y = layout.height - LEGEND + 18.0;
    let lines = [
        ("#c0392b", "1.4", "open on all ports"),
        (COLORS[0], "1.4", "on the ports that it names; one color for each target"),
        (COLORS[0], "4", "several flows, which the list names by its number"),
    ];
    let mut x = MARGIN;
    for (color, width, text) in lines {
        let _ = write!(
            out,
            "<line x1=\"{x:.0}\" y1=\"{y:.0}\" x2=\"{:.0}\" y2=\"{y:.0}\" stroke=\"{color}\" \
             stroke-width=\"{width}\"/><text x=\"{:.0}\" y=\"{:.0}\" font-size=\"11\" \
             fill=\"#51606d\">{text}</text>",
            x + 30.0,
            x + 38.0,
            y + 4.0
        );
        x += 60.0 + 6.2 * float(text.len());
    }
    let _ = writeln!(
        out,
        "<text x=\"{MARGIN:.0}\" y=\"{:.0}\" font-size=\"11\" fill=\"#51606d\">An arrow from or to a \
         box means each workload in it. --focus WORKLOAD shows what concerns one.</text>",
        y + 24.0
    );
}

/// The heads of arrows, one of each color.
fn markers() -> String {
    let some = COLORS.iter().enumerate().map(|(at, color)| marker(&format!("some{at}"), color));
    std::iter::once(marker("open", "#c0392b")).chain(some).collect()
}

fn marker(id: &str, color: &str) -> String {
    format!(
        "<marker id=\"{id}\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"10\" \
         markerHeight=\"10\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0L10 5L0 10z\" fill=\"{color}\"/></marker>"
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

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[expect(clippy::cast_precision_loss, reason = "counts of boxes on a page are small")]
fn float(count: usize) -> f64 {
    count as f64
}

fn layout(graph: &Graph) -> Layout {
    let used: BTreeSet<&GraphNode> =
        graph.edges.iter().flat_map(|edge| [&edge.source, &edge.target]).collect();
    let hubs: Vec<(GraphNode, &str)> = [
        (GraphNode::Ingress, "comes in from outside"),
        (GraphNode::Outside, "addresses outside of the cluster"),
        (GraphNode::EveryWorkload, "each to all others"),
    ]
    .into_iter()
    .filter(|(node, _)| used.contains(node))
    .collect();
    let left = if hubs.is_empty() { MARGIN } else { MARGIN + HUB_COLUMN };
    let mut layout = Layout { boxes: Vec::new(), nodes: BTreeMap::new(), width: 0.0, height: 0.0 };
    let (mut x, mut y, mut row) = (left, MARGIN, 0.0_f64);
    let inner = inner_edges(graph);
    // As wide as it is high, more or less.
    let count: usize = graph.namespaces.values().map(BTreeSet::len).sum();
    let page = PAGE.max(float(count).sqrt() * 230.0);
    for (namespace, workloads) in &graph.namespaces {
        let pairs = inner.get(namespace.as_str()).map_or(&[][..], Vec::as_slice);
        let columns = columns(pairs, workloads);
        let rows = columns.iter().map(Vec::len).max().unwrap_or_default();
        let count = columns.len();
        let width = 2.0 * PADDING + float(count) * NODE.0 + float(count.saturating_sub(1)) * GAP.0;
        let height =
            HEADER + 2.0 * PADDING + float(rows) * NODE.1 + float(rows.saturating_sub(1)) * GAP.1;
        if x > left && x + width > page {
            (x, y, row) = (left, y + row + MARGIN, 0.0);
        }
        layout.boxes.push((namespace.clone(), Area { x, y, width, height }));
        for (column, workloads) in columns.into_iter().enumerate() {
            // A short column is centered between its neighbors.
            let spare = float(rows - workloads.len()) * (NODE.1 + GAP.1) / 2.0;
            for (line, workload) in workloads.into_iter().enumerate() {
                let area = Area {
                    x: x + PADDING + float(column) * (NODE.0 + GAP.0),
                    y: y + HEADER + PADDING + spare + float(line) * (NODE.1 + GAP.1),
                    width: NODE.0,
                    height: NODE.1,
                };
                let id = workload.to_string();
                layout.nodes.insert(id, (area, workload.name.clone(), workload.kind.clone()));
            }
        }
        // Arrows between boxes one above the other go around at the right.
        layout.width = layout.width.max(x + width + MARGIN + GAP.0);
        row = row.max(height);
        x += width + MARGIN;
    }
    let drawn = (y + row + MARGIN).max(float(hubs.len()) * 110.0 + MARGIN);
    let step = drawn / float(hubs.len() + 1);
    for (position, (node, what)) in hubs.into_iter().enumerate() {
        let area = Area {
            x: MARGIN,
            y: step * float(position + 1) - NODE.1 / 2.0,
            width: NODE.0,
            height: NODE.1,
        };
        layout.nodes.insert(node_name(&node), (area, node_name(&node), what.to_owned()));
    }
    layout.width = layout.width.max(left + MARGIN).max(780.0);
    let (_, rows) = list_size(listed(graph).len(), layout.width);
    layout.height = drawn + float(rows) * LINE + LEGEND;
    layout
}

impl Layout {
    /// Where a node is drawn.
    fn area(&self, node: &GraphNode) -> Option<Area> {
        match node {
            GraphNode::Namespace(namespace) => {
                let mut boxes = self.boxes.iter().filter(|(title, _)| title == namespace);
                boxes.next().map(|(_, area)| *area)
            }
            node => self.nodes.get(&node_name(node)).map(|(area, ..)| *area),
        }
    }
}

/// The color of each node that arrows lead to.
fn colors(graph: &Graph) -> BTreeMap<&GraphNode, usize> {
    let targets: BTreeSet<&GraphNode> = graph.edges.iter().map(|edge| &edge.target).collect();
    targets.into_iter().enumerate().map(|(at, node)| (node, at % COLORS.len())).collect()
}

type Pair<'g> = (&'g Workload, &'g Workload);

/// The edges between the workloads of each namespace.
fn inner_edges(graph: &Graph) -> HashMap<&str, Vec<Pair<'_>>> {
    let mut inner: HashMap<&str, Vec<Pair<'_>>> = HashMap::new();
    for edge in &graph.edges {
        if let (GraphNode::Workload(source), GraphNode::Workload(target)) =
            (&edge.source, &edge.target)
            && source.namespace == target.namespace
        {
            inner.entry(source.namespace.as_str()).or_default().push((source, target));
        }
    }
    inner
}

/// The workloads of a namespace in columns, so that a workload is left of those that it connects
/// to; without such an order, in a block.
fn columns<'g>(
    pairs: &[Pair<'_>],
    workloads: &'g BTreeSet<Arc<Workload>>,
) -> Vec<Vec<&'g Arc<Workload>>> {
    /// More columns than this are not legible.
    const MOST: usize = 6;
    let known: HashSet<Pair<'_>> = pairs.iter().copied().collect();
    // As many rounds as there are columns; in a cycle they just end.
    let mut depth: HashMap<&Workload, usize> =
        workloads.iter().map(|workload| (&**workload, 0)).collect();
    for _ in 0..MOST {
        for (source, target) in pairs {
            let next = depth.get(source).map_or(0, |depth| depth + 1).min(MOST - 1);
            let back = known.contains(&(*target, *source));
            if let Some(known) = depth.get_mut(target)
                && !back
            {
                *known = next.max(*known);
            }
        }
    }
    let mut columns: BTreeMap<usize, Vec<&Arc<Workload>>> = BTreeMap::new();
    for workload in workloads {
        let depth = depth.get(&**workload).copied().unwrap_or_default();
        columns.entry(depth).or_default().push(workload);
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
    let order: Vec<&Arc<Workload>> = columns.into_values().flatten().collect();
    order.chunks(side).map(<[_]>::to_vec).collect()
}

fn edges(out: &mut String, graph: &Graph, layout: &Layout) {
    let colors = colors(graph);
    let numbers: BTreeMap<_, _> = joined(graph).map(|(number, edge)| (edge, number)).collect();
    let labelled = graph.edges.len() <= LABELLED;
    for (position, edge) in graph.edges.iter().enumerate() {
        let (Some(from), Some(to)) = (layout.area(&edge.source), layout.area(&edge.target)) else {
            continue;
        };
        let open = edge.allowed.is_all();
        let at = colors.get(&edge.target).copied().unwrap_or_default();
        let (id, color) = match open {
            true => ("open".to_owned(), "#c0392b"),
            false => (format!("some{at}"), COLORS.get(at).copied().unwrap_or("#2c6fbb")),
        };
        let (path, middle) = curve(from, to, position);
        let width = if edge.joins.is_empty() { 1.4 } else { 4.0 };
        let mut title =
            format!("{} → {}: {}", node_name(&edge.source), node_name(&edge.target), edge.allowed);
        if let Some(addresses) = &edge.addresses {
            let _ = write!(title, " ({addresses})");
        }
        for joined in &edge.joins {
            let _ = write!(title, "\n{joined}");
        }
        let _ = write!(
            out,
            "<g class=\"flow\"><title>{}</title><path d=\"{path}\" fill=\"none\" stroke=\"{color}\" \
             stroke-width=\"{width}\" stroke-opacity=\"0.65\" marker-end=\"url(#{id})\"/>",
            escape(&title)
        );
        // The list refers to numbers.
        if labelled && !open || numbers.contains_key(edge) {
            let _ = write!(
                out,
                "<text x=\"{:.0}\" y=\"{:.0}\" font-size=\"10\" text-anchor=\"middle\" \
                 fill=\"{color}\" stroke=\"#ffffff\" stroke-width=\"3\" \
                 paint-order=\"stroke\">{}</text>",
                middle.0,
                middle.1,
                escape(&shortened(&match numbers.get(edge) {
                    Some(number) => format!("#{number}: {} flows", edge.joins.len()),
                    None => label(edge).lines().next().unwrap_or_default().to_owned(),
                }))
            );
        }
        out.push_str("</g>\n");
    }
}

/// A curve from one box to another, and the point for its label.
fn curve(from: Area, to: Area, position: usize) -> (String, (f64, f64)) {
    let spread = (float(position % 5) - 2.0) * 6.0;
    let center = |area: Area| (area.x + area.width / 2.0, area.y + area.height / 2.0);
    let ((from_x, from_y), (to_x, to_y)) = (center(from), center(to));
    let (start, end, bend);
    if (from_x - to_x).abs() < NODE.0 / 2.0 {
        // One above the other: the arrow leaves at the side and goes around what is between.
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
