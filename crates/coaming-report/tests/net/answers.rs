//! `why`, `diff`, `exposure` and `graph` on inputs written by hand.

use coaming_network::{
    Peer, bundled, diff, explain, exposure, find_endpoint, find_port, graph, list,
};
use coaming_report::net::{self, Remarks};
use coaming_test::manifests::{pod, policy, shop};
use insta::assert_snapshot;

use crate::common::{model, reach, written};

fn why(input: &str, source: &str, target: &str, port: Option<&str>) -> String {
    let reach = reach(input);
    let sources = find_endpoint(&reach, source).unwrap();
    let targets = find_endpoint(&reach, target).unwrap();
    let port =
        port.map(|port| find_port(reach.model(), &targets.endpoints, port).unwrap().remove(0));
    let explanation = explain(&reach, &sources, &targets, port.as_ref()).unwrap();
    written(|out| net::why_text(&explanation, out))
}

#[test]
fn why_it_is_allowed() {
    assert_snapshot!(why(&shop(), "web", "shop/db", Some("sql")), @r#"
    shop/web (Pod) → shop/db (Pod) on TCP 5432 (sql): allowed

      leaving shop/web (Pod): allows TCP 5432
        NetworkPolicy shop/deny (input.yaml:23)
          no rule: it allows nothing by itself
        NetworkPolicy shop/web (input.yaml:33)
          egress[0] (input.yaml:36): allows TCP 5432

      entering shop/db (Pod): allows TCP 5432
        NetworkPolicy shop/db (input.yaml:28)
          ingress[0] (input.yaml:31): allows TCP 5432
        NetworkPolicy shop/deny (input.yaml:23)
          no rule: it allows nothing by itself

    to forbid it: remove or narrow ingress[0] of NetworkPolicy shop/db (input.yaml:31)
    "#);
}

#[test]
fn why_it_is_denied() {
    assert_snapshot!(why(&shop(), "spy", "db", Some("tcp/5432")), @r#"
    other/spy (Pod) → shop/db (Pod) on TCP 5432 (sql): denied

      leaving other/spy (Pod): allows all
        no policy selects it for egress, so everything is allowed

      entering shop/db (Pod): nothing is allowed
        NetworkPolicy shop/db (input.yaml:28)
          ingress[0] (input.yaml:31): does not match the peer
        NetworkPolicy shop/deny (input.yaml:23)
          no rule: it allows nothing by itself

    to allow it: add this policy
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: db-from-spy, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: "db"}}
        policyTypes: [Ingress]
        ingress:
        - from:
          - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: other}}
            podSelector: {matchLabels: {app: "spy"}}
          ports: [{protocol: TCP, port: 5432}]
    "#);
}

#[test]
fn why_an_admin_denies() {
    let input = shop()
        + "---\napiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\nmetadata: {name: no-db}\nspec: {priority: 10, subject: {namespaces: {}}, ingress: [{name: none, action: Deny, from: [{namespaces: {}}]}]}\n";
    assert_snapshot!(why(&input, "web", "db", Some("5432")), @r#"
    shop/web (Pod) → shop/db (Pod) on TCP 5432 (sql): denied

      leaving shop/web (Pod): allows TCP 5432
        NetworkPolicy shop/deny (input.yaml:23)
          no rule: it allows nothing by itself
        NetworkPolicy shop/web (input.yaml:33)
          egress[0] (input.yaml:36): allows TCP 5432

      entering shop/db (Pod): nothing is allowed
        AdminNetworkPolicy no-db (input.yaml:38)
          ingress[0] `none` (input.yaml:41): denies all
        NetworkPolicy shop/db (input.yaml:28)
          ingress[0] (input.yaml:31): allows TCP 5432
        NetworkPolicy shop/deny (input.yaml:23)
          no rule: it allows nothing by itself

    to allow it: ingress[0] `none` of AdminNetworkPolicy no-db (input.yaml:41) denies it before any later rule is evaluated; put an allowing rule above it, or narrow it
    "#);
}

#[test]
fn why_nothing_leaves() {
    assert_snapshot!(why(&shop(), "web", "8.8.8.8", None), @r#"
    shop/web (Pod) → 8.8.8.8: denied

      leaving shop/web (Pod): nothing is allowed
        NetworkPolicy shop/deny (input.yaml:23)
          no rule: it allows nothing by itself
        NetworkPolicy shop/web (input.yaml:33)
          egress[0] (input.yaml:36): does not match the peer

      entering 8.8.8.8: allows all
        no policy applies to it

    to allow it: add this policy
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: web-to-address, namespace: shop}
      spec:
        podSelector: {matchLabels: {app: "web"}}
        policyTypes: [Egress]
        egress:
        - to:
          - ipBlock: {cidr: "8.8.8.8/32"}
    "#);
}

#[test]
fn what_is_open() {
    assert_snapshot!(written(|out| net::exposure_text(&exposure(model(&shop())), &Remarks::default(), out)), @r#"
    other/spy (Pod)
      no policy guards its ingress
      open to any pod of the cluster: all
      open to any address: all
      no policy guards its egress
      reaches any pod of the cluster: all
      reaches any address: all
    shop/db (Pod)
      open to any pod with app=web in namespace shop: TCP 5432
      open to any pod with role=backup in any namespace (none exists yet): TCP 5432
      reaches nothing, whatever pods are added
    shop/web (Pod)
      open to nothing, whatever pods are added
      reaches any pod with app=db in namespace shop: TCP 5432
    "#);
}

#[test]
fn what_a_change_changes() {
    let new = shop().replace("{port: 5432}", "{port: 5432, endPort: 5433}").replace("spy", "agent")
        + &policy(
            "shop",
            "out",
            "{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{port: 443}]}]}",
        );
    assert_snapshot!(written(|out| net::diff_text(&diff(model(&shop()), model(&new)), &Remarks::default(), out)), @r#"
    + workload other/agent (Pod)
    - workload other/spy (Pod)
    + 0.0.0.0-255.255.255.255 → other/agent (Pod): all
    - 0.0.0.0-255.255.255.255 → other/spy (Pod): all
    + other/agent (Pod) → 0.0.0.0-255.255.255.255: all
    - other/spy (Pod) → 0.0.0.0-255.255.255.255: all
    + shop/web (Pod) → 10.0.0.0-10.255.255.255: TCP 443
    "#);
}

#[test]
fn a_picture_joins_what_all_may_do() {
    let open: String = (0..6).map(|n| pod("shop", &format!("pod{n}"), "", "")).collect();
    let reach = reach(&open);
    let found = list(&reach);
    assert_eq!(found.iter().filter(|c| matches!(c.source, Peer::Workload(_))).count(), 36);
    let graph = graph(&reach);
    assert_eq!(graph.edges.len(), 6 + 6 + 6);
    let svg = written(|out| net::graph_svg(&graph, out));
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert!(svg.contains(">every workload</text>"));
    assert_eq!(svg.matches("marker-end=").count(), 18, "an arrow each");
    let few = bundled(graph, usize::MAX);
    assert_eq!(few.edges.len(), 3, "from outside, to outside, and between all");
    let svg = written(|out| net::graph_svg(&few, out));
    assert_eq!(svg.matches("marker-end=").count(), 3);
    assert!(svg.contains("open on all ports"), "a legend");
    let mermaid = written(|out| net::graph_mermaid(&few, out));
    assert!(mermaid.starts_with("flowchart LR\n  subgraph ns0[\"shop\"]\n"), "{mermaid}");
    assert!(mermaid.contains("ns0 -->|\"all\"| x"), "{mermaid}");
}

#[test]
fn names_in_pictures_are_escaped() {
    let reach = reach(&pod("shop", "\"<b>&\"", "", ""));
    let graph = graph(&reach);
    let svg = written(|out| net::graph_svg(&graph, out));
    assert!(svg.contains("&lt;b&gt;&amp;") && !svg.contains("<b>"));
    assert!(written(|out| net::graph_dot(&graph, out)).contains("shop/<b>& (Pod)"));
    let mermaid = written(|out| net::graph_mermaid(&graph, out));
    assert!(mermaid.contains("#60;b#62;#38;") && !mermaid.contains("<b>"), "{mermaid}");
    let graphml = written(|out| net::graph_graphml(&graph, out));
    assert!(graphml.contains("id=\"shop/&lt;b&gt;&amp; (Pod)\"") && !graphml.contains("<b>"));
    let edges = graphml.matches("<edge ").count();
    assert_eq!(edges, graph.edges.len(), "{graphml}");
}
