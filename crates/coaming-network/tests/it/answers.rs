//! `why`, `diff`, `exposure` and `graph` on inputs written by hand.

use coaming_network::{
    End, Party, diff, explain_any, exposure, find_end, find_port, graph, list,
    reached_from_outside, render,
};
use insta::assert_snapshot;

use crate::common::{model, pod, policy, reach, service, shop};
use crate::random;

fn why(input: &str, source: &str, target: &str, port: Option<&str>) -> String {
    let reach = reach(input);
    let sources = find_end(&reach, source).unwrap();
    let targets = find_end(&reach, target).unwrap();
    let port = port.map(|port| find_port(reach.model(), &targets, port).unwrap()[0]);
    render::why_text(&explain_any(&reach, &sources, &targets, port).unwrap())
}

#[test]
fn why_it_is_allowed() {
    assert_snapshot!(why(&shop(), "web", "shop/db", Some("sql")), @r#"
    shop/web (Pod) → shop/db (Pod) on TCP 5432: allowed

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
    other/spy (Pod) → shop/db (Pod) on TCP 5432: denied

      leaving other/spy (Pod): allows all
        no policy selects it for egress, so everything is allowed

      entering shop/db (Pod): nothing is allowed
        NetworkPolicy shop/db (input.yaml:28)
          ingress[0] (input.yaml:31): does not match the other end
        NetworkPolicy shop/deny (input.yaml:23)
          no rule: it allows nothing by itself

    to allow it: add to the ingress rules of NetworkPolicy shop/db (input.yaml:28): from [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: other}}, podSelector: {matchLabels: {app: "spy"}}}], ports [{protocol: TCP, port: 5432}]
    "#);
}

#[test]
fn why_an_admin_denies() {
    let input = shop()
        + "---\napiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\nmetadata: {name: no-db}\nspec: {priority: 10, subject: {namespaces: {}}, ingress: [{name: none, action: Deny, from: [{namespaces: {}}]}]}\n";
    assert_snapshot!(why(&input, "web", "db", Some("5432")), @r#"
    shop/web (Pod) → shop/db (Pod) on TCP 5432: denied

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

    to allow it: ingress[0] `none` of AdminNetworkPolicy no-db (input.yaml:41) denies it before any later rule is asked; put an allowing rule above it, or narrow it
    "#);
}

#[test]
fn why_nothing_leaves() {
    assert_snapshot!(why(&shop(), "web", "8.8.8.8", None), @r#"
    shop/web (Pod) → 0.0.0.0-255.255.255.255: denied

      leaving shop/web (Pod): nothing is allowed
        NetworkPolicy shop/deny (input.yaml:23)
          no rule: it allows nothing by itself
        NetworkPolicy shop/web (input.yaml:33)
          egress[0] (input.yaml:36): does not match the other end

      entering 0.0.0.0-255.255.255.255: allows all
        no policy applies to it

    to allow it: add to the egress rules of NetworkPolicy shop/web (input.yaml:33): to an ipBlock within 0.0.0.0-255.255.255.255
    "#);
}

#[test]
fn names_that_mean_nothing_or_too_much() {
    let input = shop() + &pod("other", "db", "", "");
    let reach = reach(&input);
    let error = |text: &str| find_end(&reach, text).unwrap_err().to_string();
    assert_snapshot!(error("db"), @r#"`db` may mean any of other/db, shop/db: say namespace/name"#);
    assert_snapshot!(error("nobody"), @r#"no workload is called `nobody`; there are: other/db, other/spy, shop/db, shop/web"#);
    assert_eq!(find_end(&reach, "other/db").unwrap(), [End::Pods(3)]);
    assert!(find_end(&reach, "2001:db8::1").is_err());
    for bad in ["0", "x/y", "tcp/", "70000", "icmp/1"] {
        assert!(find_port(reach.model(), &[], bad).is_err(), "{bad}");
    }
}

#[test]
fn what_is_open() {
    assert_snapshot!(render::exposure_text(&exposure(model(&shop()))), @r#"
    other/spy (Pod)
      no policy guards its ingress
      open to any pod of the cluster: all
      open to 0.0.0.0-255.255.255.255: all
      no policy guards its egress
      reaches any pod of the cluster: all
      reaches 0.0.0.0-255.255.255.255: all
    shop/db (Pod)
      open to pods with role=backup in any namespace (none exists yet): TCP 5432
      reaches nothing beyond the workloads here
    shop/web (Pod)
      open to nothing beyond the workloads here
      reaches nothing beyond the workloads here
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
    assert_snapshot!(render::diff_text(&diff(model(&shop()), model(&new))), @r#"
    + workload other/agent (Pod)
    - workload other/spy (Pod)
    + 0.0.0.0-255.255.255.255 → other/agent (Pod): all
    - 0.0.0.0-255.255.255.255 → other/spy (Pod): all
    + other/agent (Pod) → 0.0.0.0-255.255.255.255: all
    - other/spy (Pod) → 0.0.0.0-255.255.255.255: all
    + shop/web (Pod) → 10.0.0.0-10.255.255.255: TCP 443
    "#);
}

/// Whatever the cluster, nothing differs from itself.
#[test]
fn nothing_differs_from_itself() {
    for seed in 0..300 {
        let model = random::model(seed);
        assert!(diff(model.clone(), model).is_empty(), "seed {seed}");
    }
}

/// A difference is exactly what tells the two lists apart, and turns round with them.
#[test]
fn a_difference_turns_round() {
    for seed in 0..200 {
        let (old, new) = (random::model(seed), random::model(seed + 1));
        let there = diff(old.clone(), new.clone());
        let mut back = diff(new, old);
        for change in &mut back.changes {
            std::mem::swap(&mut change.before, &mut change.after);
        }
        let mut changes = back.changes;
        changes.sort();
        assert_eq!(there.changes, changes, "seed {seed}");
    }
}

#[test]
fn a_picture_joins_what_all_may_do() {
    let open: String = (0..6).map(|n| pod("shop", &format!("pod{n}"), "", "")).collect();
    let reach = reach(&open);
    let found = list(&reach);
    assert_eq!(found.iter().filter(|c| matches!(c.source, Party::Workload(_))).count(), 36);
    let graph = graph(reach.model(), &found);
    assert_eq!(graph.edges.len(), 6 + 6 + 6);
    let svg = render::graph_svg(&graph);
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert!(svg.contains(">every workload</text>"));
    assert_eq!(svg.matches("<path d=\"M").count(), 18 + 2, "an arrow each, and two heads");
}

#[test]
fn names_in_pictures_are_escaped() {
    let reach = reach(&pod("shop", "\"<b>&\"", "", ""));
    let graph = graph(reach.model(), &list(&reach));
    let svg = render::graph_svg(&graph);
    assert!(svg.contains("&lt;b&gt;&amp;") && !svg.contains("<b>"));
    assert!(render::graph_dot(&graph).contains("shop/<b>& (Pod)"));
}

#[test]
fn whom_the_outside_reaches_is_said_only_where_it_is_known() {
    let input = pod("shop", "web", "app: web", "{containerPort: 8080}")
        + &pod("shop", "db", "app: db", "{containerPort: 5432}")
        + &pod("other", "job", "app: job", "")
        + &service(
            "shop",
            "web",
            "{type: LoadBalancer, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}",
        )
        + &policy("shop", "db", "{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress]}");
    let known = |input: &str| -> Vec<String> {
        let known = reached_from_outside(&reach(input));
        known.iter().map(|(workload, reached)| format!("{workload} {reached}")).collect()
    };
    assert_eq!(known(&input), ["shop/db (Pod) false", "shop/web (Pod) true"]);
    // A policy shuts the way in.
    let shut = input + &policy("shop", "deny", "{podSelector: {}, policyTypes: [Ingress]}");
    assert_eq!(known(&shut), ["shop/db (Pod) false", "shop/web (Pod) false"]);
}
