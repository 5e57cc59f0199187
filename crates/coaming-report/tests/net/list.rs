//! `net list` on inputs written by hand.

use coaming_network::connections;
use coaming_report::net::{self, Remarks};
use coaming_test::manifests::{pod, policy};
use insta::assert_snapshot;

use crate::common::{model, reach, written};

fn text(input: &str) -> String {
    written(|out| net::list_text(connections(&reach(input)), &Remarks::default(), out))
}

#[test]
fn without_policies_everybody_reaches_everybody() {
    let input = pod("", "a", "", "") + &pod("shop", "b", "", "");
    assert_snapshot!(text(&input), @r#"
    0.0.0.0-255.255.255.255 → default/a (Pod): all
    0.0.0.0-255.255.255.255 → shop/b (Pod): all
    default/a (Pod) → 0.0.0.0-255.255.255.255: all
    default/a (Pod) → shop/b (Pod): all
    shop/b (Pod) → 0.0.0.0-255.255.255.255: all
    shop/b (Pod) → default/a (Pod): all
    "#);
}

#[test]
fn default_deny_and_a_hole() {
    let input = pod("shop", "web", "app: web", "")
        + &pod("shop", "db", "app: db", "{name: sql, containerPort: 5432}")
        + &pod("other", "spy", "app: web", "")
        + &policy("shop", "deny", "{podSelector: {}, policyTypes: [Ingress, Egress]}")
        + &policy(
            "shop",
            "db",
            "{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: sql}]}]}",
        )
        + &policy(
            "shop",
            "web",
            "{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {app: db}}}]}]}",
        );
    assert_snapshot!(text(&input), @r#"
    0.0.0.0-255.255.255.255 → other/spy (Pod): all
    other/spy (Pod) → 0.0.0.0-255.255.255.255: all
    shop/web (Pod) → shop/db (Pod): TCP 5432
    "#);
}

#[test]
fn blocks_are_merged_and_never_mean_pods() {
    let input = pod("shop", "web", "", "")
        + &pod("shop", "db", "", "")
        + &policy(
            "shop",
            "block",
            "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}], ports: [{port: 443}]}, {to: [{ipBlock: {cidr: 10.1.0.0/16}}], ports: [{port: 443}]}]}",
        );
    assert_snapshot!(text(&input), @r#"
    0.0.0.0-255.255.255.255 → shop/db (Pod): all
    0.0.0.0-255.255.255.255 → shop/web (Pod): all
    shop/db (Pod) → 0.0.0.0-9.255.255.255, 10.1.0.0-10.1.255.255, 11.0.0.0-255.255.255.255: TCP 443
    shop/web (Pod) → 0.0.0.0-9.255.255.255, 10.1.0.0-10.1.255.255, 11.0.0.0-255.255.255.255: TCP 443
    "#);
}

#[test]
fn ingress_service_and_load_balancer() {
    let input = pod("shop", "web", "app: web", "{name: http, containerPort: 8080}")
        + "---\napiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {selector: {app: web}, ports: [{name: h, port: 80, targetPort: http}]}\n"
        + "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web, namespace: shop}\nspec: {rules: [{http: {paths: [{backend: {service: {name: web, port: {number: 80}}}}]}}]}\n"
        + "---\napiVersion: v1\nkind: Service\nmetadata: {name: open, namespace: shop}\nspec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 9000}, {port: 9090, targetPort: 8080}]}\n"
        + &policy("shop", "p", "{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}");
    assert_snapshot!(text(&input), @r#"
    shop/web (Pod) → 0.0.0.0-255.255.255.255: all
    ingress → shop/web (Pod): TCP 8080  (through Ingress shop/web)
    "#);
}

#[test]
fn owners_completed_and_host_network() {
    let owned = |name: &str, kind: &str, owner: &str| {
        format!(
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, ownerReferences: [{{kind: {kind}, name: {owner}, controller: true, apiVersion: apps/v1, uid: u}}]}}\nspec: {{containers: [{{name: c, image: i}}]}}\n"
        )
    };
    let input = owned("a-1", "ReplicaSet", "a")
        + &owned("a-2", "ReplicaSet", "a")
        + &owned("b-1", "ReplicaSet", "b")
        + &owned("mirror", "Node", "n1")
        + "---\napiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: b, ownerReferences: [{kind: Deployment, name: top, controller: true, apiVersion: apps/v1, uid: u}]}\nspec: {replicas: 0, template: {spec: {containers: [{name: c, image: i}]}}}\n"
        + "---\napiVersion: v1\nkind: Pod\nmetadata: {name: done}\nspec: {containers: [{name: c, image: i}]}\nstatus: {phase: Succeeded}\n"
        + "---\napiVersion: v1\nkind: Pod\nmetadata: {name: host}\nspec: {hostNetwork: true, containers: [{name: c, image: i}]}\n"
        + &policy("default", "deny", "{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}");
    assert_snapshot!(text(&input), @r#"
    0.0.0.0-255.255.255.255 → default/host (Pod): all
    default/a (ReplicaSet) → 0.0.0.0-255.255.255.255: all
    default/a (ReplicaSet) → default/host (Pod): all
    default/a (ReplicaSet) → default/mirror (Pod): all
    default/a (ReplicaSet) → default/top (Deployment): all
    default/host (Pod) → 0.0.0.0-255.255.255.255: all
    default/mirror (Pod) → 0.0.0.0-255.255.255.255: all
    default/mirror (Pod) → default/a (ReplicaSet): all
    default/mirror (Pod) → default/host (Pod): all
    default/mirror (Pod) → default/top (Deployment): all
    default/top (Deployment) → 0.0.0.0-255.255.255.255: all
    default/top (Deployment) → default/a (ReplicaSet): all
    default/top (Deployment) → default/host (Pod): all
    default/top (Deployment) → default/mirror (Pod): all
    "#);
}

#[test]
fn invalid_policies_do_not_count_and_are_reported() {
    let input = pod("shop", "web", "", "")
        + &policy("shop", "empty-peer", "{podSelector: {}, ingress: [{from: [{}]}]}")
        + &policy(
            "shop",
            "mixed",
            "{podSelector: {}, ingress: [{from: [{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}]}]}",
        )
        + &policy(
            "shop",
            "cidr",
            "{podSelector: {}, egress: [{to: [{ipBlock: {cidr: 10.0.0.0}}]}]}",
        )
        + &policy(
            "shop",
            "except",
            "{podSelector: {}, egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/8]}}]}]}",
        )
        + &policy(
            "shop",
            "port",
            "{podSelector: {}, ingress: [{ports: [{port: \"80\"}, {port: 70000}, {port: 5, endPort: 4}, {port: http, endPort: 4}]}]}",
        )
        + &policy(
            "shop",
            "operator",
            "{podSelector: {matchExpressions: [{key: a, operator: Is, values: [b]}]}}",
        )
        + &policy("shop", "types", "{podSelector: {}, policyTypes: [ingress]}");
    let problems = model(&input).problems;
    let reported: Vec<String> = problems
        .iter()
        .map(|problem| {
            format!(
                "{} {}: {}",
                problem.location.as_ref().unwrap(),
                problem.object,
                problem.message
            )
        })
        .collect();
    assert_snapshot!(reported.join("\n"), @r#"
    input.yaml:12 NetworkPolicy shop/empty-peer: this item of `from` names no peer: give it a podSelector, a namespaceSelector or an ipBlock (`{}` selects all)
    input.yaml:17 NetworkPolicy shop/mixed: an ipBlock must not be combined with a podSelector or namespaceSelector: make it a separate item
    input.yaml:22 NetworkPolicy shop/cidr: `10.0.0.0` is not a valid CIDR block such as 10.0.0.0/8 or 2001:db8::/32
    input.yaml:27 NetworkPolicy shop/except: `11.0.0.0/8` must be within the block 10.0.0.0/8 and be smaller
    input.yaml:32 NetworkPolicy shop/port: a port number must not be in quotes
    input.yaml:32 NetworkPolicy shop/port: a port must be between 1 and 65535
    input.yaml:32 NetworkPolicy shop/port: `endPort` must not be below `port`
    input.yaml:32 NetworkPolicy shop/port: `endPort` needs a number in `port`, not a name
    input.yaml:37 NetworkPolicy shop/operator: `Is` is not a valid operator: it must be In, NotIn, Exists or DoesNotExist
    input.yaml:42 NetworkPolicy shop/types: a policy type must be `Ingress` or `Egress`
    "#);
}

#[test]
fn the_json_is_the_contract() {
    let input = pod("shop", "web", "", "")
        + &policy(
            "shop",
            "p",
            "{podSelector: {}, policyTypes: [Ingress, Egress], ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{port: 80}, {port: 8000, endPort: 8999}, {port: 53, protocol: UDP}]}]}",
        );
    let json = written(|out| net::list_json(connections(&reach(&input)), &Remarks::default(), out));
    assert_snapshot!(json, @r#"
    {"version": 1, "connections": [
      {"source":{"type":"ip","ranges":["10.0.0.0-10.255.255.255"]},"target":{"type":"workload","namespace":"shop","name":"web","kind":"Pod"},"all":false,"allowed":[{"protocol":"TCP","ports":[[80,80],[8000,8999]]},{"protocol":"UDP","ports":[[53,53]]}]}
    ]}
    "#);
}
