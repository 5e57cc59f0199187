//! Cuts and distances of random graphs, against brute force and another library.

use coaming_finding::{Category, Confidence, Fix, Lifecycle, RuleId, RuleMeta, Severity};
use petgraph::algo::dijkstra;
use petgraph::graph::{DiGraph, NodeIndex};
use proptest::prelude::*;

use super::*;
use crate::foothold::{ContainerName, WorkloadName};
use crate::graph::{Kind, NONE, NewEdge};
use crate::search::Limits;
use crate::steps;

const VERTICES: usize = 8;
const FINDINGS: usize = 7;

static RULE: RuleMeta = RuleMeta {
    id: RuleId::new("x"),
    summary: std::borrow::Cow::Borrowed("X"),
    category: Category::NonRoot,
    severity: Severity::Low,
    default: true,
    since: "0.1.0",
    lifecycle: Lifecycle::Stable,
    standards: &[],
    docs: std::borrow::Cow::Borrowed(""),
};

fn finding(applicability: Applicability) -> Finding {
    let fix = Fix { applicability, ..Fix::manual("fix", "") };
    Finding {
        rule: (&RULE).into(),
        severity: Severity::Low,
        confidence: Confidence::High,
        message: String::new(),
        why: "".into(),
        help: "".into(),
        object: None,
        container: None,
        locations: Vec::new(),
        fix: Some(fix),
        suppressed: None,
        variants: Vec::new(),
        commit: None,
        verification: None,
        way: None,
    }
}

/// The first vertices are containers, the last two are Secrets.
fn foothold(number: usize) -> Foothold {
    if number >= VERTICES - 2 {
        return Foothold::Secret { namespace: "a".to_owned(), name: number.to_string() };
    }
    let text = || "a".to_owned();
    let workload = WorkloadName { namespace: text(), kind: text(), name: number.to_string() };
    Foothold::Container(ContainerName { workload, container: text() })
}

/// Premises, conclusion, how sure, and the findings that undo it.
type RandomEdge = (usize, Option<usize>, usize, u8, Vec<usize>);

fn edges(joint: bool) -> impl Strategy<Value = Vec<RandomEdge>> {
    let second = prop::option::weighted(0.3, 0..VERTICES);
    let undo = prop::collection::vec(0..FINDINGS, 0..3);
    let edge = (0..VERTICES, second, 0..VERTICES, 0_u8..3, undo);
    let edge = edge.prop_map(move |(first, second, to, kind, undo)| {
        (first, second.filter(|_| joint), to, kind, undo)
    });
    prop::collection::vec(edge, 0..16)
}

fn graph(edges: &[RandomEdge]) -> (AttackGraph, Vec<Vec<usize>>) {
    let mut graph = AttackGraph::default();
    let vertices: Vec<VertexId> =
        (0..VERTICES).map(|number| graph.vertex(foothold(number))).collect();
    let step = steps::infos().next().unwrap();
    let mut undoing = Vec::new();
    for (first, second, to, kind, undo) in edges {
        let kind = [Kind::Certain, Kind::Unknown, Kind::NeedsFlaw][usize::from(*kind)];
        let premises = [vertices[*first], second.map_or(NONE, |second| vertices[second])];
        let before = graph.edge_count();
        graph.add_joint(premises, vertices[*to], NewEdge::step(step, kind, ""));
        if graph.edge_count() > before {
            undoing.push(undo.clone());
        }
    }
    (graph, undoing)
}

/// What is reached from the first vertex, by applying edges until nothing is new.
fn reached(
    graph: &AttackGraph,
    undoing: &[Vec<usize>],
    fixed: &BTreeSet<usize>,
) -> BTreeSet<VertexId> {
    let mut held = BTreeSet::from([0]);
    loop {
        let before = held.len();
        for (id, edge) in graph.edges() {
            let is_undone = undoing[id as usize].iter().any(|finding| fixed.contains(finding));
            if !is_undone && edge.premises().all(|premise| held.contains(&premise)) {
                held.insert(edge.to);
            }
        }
        if held.len() == before {
            return held;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn cuts_equal_brute_force(
        edges in edges(true),
        kinds in prop::collection::vec(0_usize..3, FINDINGS),
    ) {
        let all = [Applicability::Safe, Applicability::Unsafe, Applicability::Manual];
        let findings: Vec<Finding> = kinds.iter().map(|&kind| finding(all[kind])).collect();
        let (graph, undoing) = graph(&edges);
        let shown = vec![foothold(0)];
        let start = Start { foothold: foothold(0), vertices: vec![0], shown, via: Vec::new() };
        let starts = [start];
        let query = Query::default();
        let mut problem = Problem {
            graph: &graph,
            starts: &starts,
            query: &query,
            findings: &findings,
            weights: Weights::default(),
            targets: Targets::new(&graph, None),
            undoing: undoing.clone(),
            useless: BTreeSet::new(),
            pairs: BTreeMap::new(),
            closable: BTreeSet::new(),
        };
        let open = problem.open(&BTreeSet::new());
        problem.pairs = open.into_iter().map(|(pair, (vertex, _))| (pair, vertex)).collect();
        problem.find_closable();
        let (chosen, gap) = problem.solve();
        let cost: u64 = chosen.iter().map(|&finding| problem.weight(finding)).sum();
        let prizes: BTreeSet<VertexId> =
            [VERTICES - 2, VERTICES - 1].map(|it| VertexId::try_from(it).unwrap()).into();
        let everything: BTreeSet<usize> = (0..FINDINGS).collect();
        let can_close: BTreeSet<VertexId> = reached(&graph, &undoing, &BTreeSet::new())
            .difference(&reached(&graph, &undoing, &everything))
            .copied()
            .filter(|vertex| prizes.contains(vertex))
            .collect();
        prop_assert_eq!(problem.closable.len(), can_close.len());
        let best = (0_u32..1 << FINDINGS)
            .map(|subset| (0..FINDINGS).filter(|it| subset & (1 << it) != 0).collect())
            .filter(|subset: &BTreeSet<usize>| {
                reached(&graph, &undoing, subset).is_disjoint(&can_close)
            })
            .map(|subset| subset.iter().map(|&finding| problem.weight(finding)).sum::<u64>())
            .min()
            .unwrap();
        prop_assert_eq!((cost, gap), (best, 0));
    }

    #[test]
    fn distances_equal_those_of_another_library(edges in edges(false)) {
        let (graph, _) = graph(&edges);
        let mut other: DiGraph<(), u64> = DiGraph::new();
        let nodes: Vec<NodeIndex> = (0..VERTICES).map(|_| other.add_node(())).collect();
        for (_, edge) in graph.edges() {
            let [from, _] = edge.premises;
            other.add_edge(nodes[from as usize], nodes[edge.to as usize], u64::from(edge.weight));
        }
        let expected = dijkstra(&other, nodes[0], None, |edge| *edge.weight());
        let mut search = Search::new(&graph);
        search.run(&graph, &[0], Limits::default(), |_| false);
        for (vertex, node) in (0..).zip(&nodes) {
            let found = search.reaches(vertex).then(|| search.cost(vertex).0);
            prop_assert_eq!(found, expected.get(node).copied());
        }
    }
}
