//! `coaming net`: its faces on the example.

use serde_json::Value;

use super::{coaming, directory, json, run, stdout};

#[test]
fn lists_by_the_contract() {
    let output = run(&["net", "list", "--format", "json", "examples/shop"]);
    assert_eq!(output.status.code(), Some(0));
    let report = json(&output);
    assert_eq!(report["version"], 1);
    let connections = report["connections"].as_array().unwrap();
    let reaches = |source: &str, target: &str| {
        connections.iter().any(|c| c["source"]["name"] == source && c["target"]["name"] == target)
    };
    assert!(reaches("web", "database"), "by default all may talk to all");
    assert!(!reaches("web", "web"), "self-connections are left out");
    for format in ["text", "csv", "markdown"] {
        let text = stdout(&run(&["net", "list", "--format", format, "examples/shop"]));
        assert!(text.contains("database"), "{format}: {text}");
    }
}

#[test]
fn suggested_policies_allow_what_the_manifests_show() {
    let suggested = stdout(&run(&["net", "suggest", "examples/shop"]));
    let files = directory(&[("policies.yaml", &suggested)]);
    let policies = files.path().join("policies.yaml");
    let output =
        run(&["net", "list", "--format", "json", "examples/shop", policies.to_str().unwrap()]);
    let report = json(&output);
    let connections = report["connections"].as_array().unwrap();
    let reaches = |source: &str, target: &str| {
        connections.iter().any(|c| c["source"]["name"] == source && c["target"]["name"] == target)
    };
    assert!(reaches("orders", "database"), "{suggested}");
    assert!(!reaches("web", "database"), "{suggested}");
}

/// Questions are kept in a file, and its answers count; what is in it stays.
#[test]
fn answers_are_kept() {
    let service = "{selector: {app: db}, ports: [{port: 5432}]}";
    let files = two_pods(&coaming_test::manifests::service("shop", "db", service));
    let manifests = files.path().join("input.yaml");
    let answers = files.path().join("answers.yaml");
    let [manifests, path] = [&manifests, &answers].map(|path| path.to_str().unwrap().to_owned());
    let suggest = |format: &str| {
        coaming(&["net", "suggest", "--answers", &path, "--format", format, &manifests])
            .output()
            .unwrap()
    };
    assert_eq!(suggest("kubernetes").status.code(), Some(1), "questions are open");
    let template = std::fs::read_to_string(&answers).unwrap();
    assert!(template.contains("\"clients of Service shop/db\":"), "{template}");
    let mine = "clients of Service shop/db: shop/web # by hand\n";
    std::fs::write(&answers, mine).unwrap();
    assert_eq!(suggest("cilium").status.code(), Some(1));
    let kept = std::fs::read_to_string(&answers).unwrap();
    assert!(kept.starts_with(mine) && kept.contains("namespace shop to the outside"), "{kept}");
    std::fs::write(&answers, kept.replace("outside\":", "outside\": no")).unwrap();
    for format in ["kubernetes", "calico", "cilium"] {
        let output = suggest(format);
        assert_eq!(output.status.code(), Some(0), "{format}");
        assert!(stdout(&output).contains("5432"), "{format}");
    }
    std::fs::write(&answers, "clients of Service shop/db: nobody here\n").unwrap();
    assert_eq!(suggest("kubernetes").status.code(), Some(2), "an answer is not understood");
}

#[test]
fn explains_compares_and_draws() {
    let why = stdout(&run(&["net", "why", "web", "database", "--port", "5432", "examples/shop"]));
    assert!(why.contains("allowed"), "{why}");
    let port = |port: &str| run(&["net", "why", "web", "database", port, "examples/shop"]);
    let named = stdout(&port("nobody-has-it"));
    assert!(named.is_empty(), "it is the name of a port: {named}");
    for port in ["5432", "tcp/5432"] {
        let positional = run(&["net", "why", "web", "database", port, "examples/shop"]);
        assert_eq!(stdout(&positional), why);
    }
    let unknown = run(&["net", "why", "web", "nobody", "examples/shop"]);
    assert_eq!(unknown.status.code(), Some(2));
    let same = run(&["net", "diff", "examples/shop", "examples/shop"]);
    assert_eq!(same.status.code(), Some(0));
    let other = run(&["net", "diff", "examples/shop", "examples/shop/web.yaml"]);
    assert_eq!(other.status.code(), Some(1));
    assert!(stdout(&run(&["net", "graph", "examples/shop"])).starts_with("<svg"));
    assert!(
        stdout(&run(&["net", "graph", "--format", "dot", "examples/shop"])).contains("digraph")
    );
    assert!(stdout(&run(&["net", "exposure", "examples/shop"])).contains("web"));
}

#[test]
fn what_cannot_be_read_fails_the_command() {
    let output = coaming(&["net", "list", "missing.yaml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

/// A cluster of two pods, with whatever policies are added.
fn two_pods(more: &str) -> tempfile::TempDir {
    let pod = |name: &str, port: u16| {
        coaming_test::manifests::pod(
            "shop",
            name,
            &format!("app: {name}"),
            &format!("{{containerPort: {port}}}"),
        )
    };
    directory(&[("input.yaml", &(pod("web", 8080) + &pod("db", 5432) + more))])
}

/// A policy that is not evaluated is in every answer that it can touch, and in the exit code of `why`.
#[test]
fn what_is_not_evaluated_is_said() {
    let policy = |api: &str, kind: &str, spec: &str| {
        format!(
            "---\napiVersion: {api}\nkind: {kind}\nmetadata: {{name: db, namespace: shop}}\n\
             spec: {spec}\n"
        )
    };
    let policies = [
        (
            "cilium.io/v2",
            "CiliumEgressGatewayPolicy",
            "{endpointSelector: {matchLabels: {app: db}}}",
        ),
        ("projectcalico.org/v3", "HostEndpoint", "{node: n}"),
        ("security.istio.io/v1", "AuthorizationPolicy", "{selector: {matchLabels: {app: db}}}"),
        (
            "policy.linkerd.io/v1beta3",
            "Server",
            "{podSelector: {matchLabels: {app: db}}, port: 9999}",
        ),
        ("example.com/v1", "SpecialNetworkPolicy", "{}"),
    ];
    for (api, kind, spec) in policies {
        let files = two_pods(&policy(api, kind, spec));
        let path = files.path().to_str().unwrap();
        for command in [["net", "list", path], ["net", "exposure", path]] {
            let said = stdout(&run(&command));
            assert!(said.contains(kind) && said.contains("not evaluated"), "{kind}: {said}");
        }
        let report = json(&run(&["net", "list", "--format", "json", path]));
        assert!(report["notes"][0]["message"].as_str().unwrap().contains(kind), "{report}");
        let why = run(&["net", "why", "web", "db", "9999", path]);
        assert!(stdout(&why).contains("not evaluated"), "{kind}");
        assert_eq!(why.status.code(), Some(2), "{kind}");
        let scan = json(&run(&["scan", "--exit-zero", "--format", "json", path]));
        assert!(scan["notes"][0]["message"].as_str().unwrap().contains(kind), "{scan}");
    }
    let elsewhere = two_pods(
        "---\napiVersion: crd.antrea.io/v1beta1\nkind: NetworkPolicy\n\
         metadata: {name: x, namespace: other}\nspec: {}\n",
    );
    let why = run(&["net", "why", "web", "db", "9999", elsewhere.path().to_str().unwrap()]);
    assert_eq!(why.status.code(), Some(0), "it cannot touch these pods");
}

/// Policies of network plugins decide, and the answer is certain; on another plugin they do not.
#[test]
fn policies_of_plugins_are_evaluated() {
    let cilium = "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n\
                  metadata: {name: db, namespace: shop}\nspec:\n  \
                  endpointSelector: {matchLabels: {app: db}}\n  ingress:\n  \
                  - fromEndpoints: [{matchLabels: {app: web}}]\n    \
                  toPorts: [{ports: [{port: '5432', protocol: TCP}]}]\n";
    let calico = "---\napiVersion: projectcalico.org/v3\nkind: NetworkPolicy\n\
                  metadata: {name: db, namespace: shop}\nspec:\n  \
                  selector: app == 'db'\n  types: [Ingress]\n  ingress:\n  \
                  - {action: Allow, protocol: TCP, source: {selector: app == 'web'}, \
                  destination: {ports: [5432]}}\n";
    for (text, other) in [(cilium, "calico"), (calico, "cilium")] {
        let files = two_pods(text);
        let path = files.path().to_str().unwrap();
        let code = |port: &str, more: &[&str]| {
            let asked = ["net", "why", "--exit-code", "web", "db", port, path];
            run(&[&asked, more].concat()).status.code()
        };
        assert_eq!(code("5432", &[]), Some(0));
        assert_eq!(code("9999", &[]), Some(1));
        assert_eq!(code("9999", &["--network-plugin", other]), Some(0));
    }
}

#[test]
fn lint_names_rules_that_change_nothing() {
    let rule = "  - from: [{podSelector: {matchLabels: {app: web}}}]\n";
    let policy = format!(
        "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
         metadata: {{name: db, namespace: shop}}\nspec:\n  \
         podSelector: {{matchLabels: {{app: db}}}}\n  ingress:\n{rule}"
    );
    let lint = |text: &str| {
        let files = two_pods(text);
        run(&["net", "lint", files.path().to_str().unwrap()])
    };
    assert_eq!(lint(&policy).status.code(), Some(0));
    let twice = lint(&format!("{policy}{rule}"));
    assert_eq!(twice.status.code(), Some(1));
    let said = stdout(&twice);
    assert!(said.contains("ingress[1] of NetworkPolicy shop/db changes nothing"), "{said}");
}

#[test]
fn nothing_understood_is_no_answer() {
    let empty = directory(&[]);
    let wrong =
        directory(&[("pod.yaml", "apiVersion: apps/v1\nkind: Pod\nmetadata: {name: web}\n")]);
    for files in [empty, wrong] {
        let list = run(&["net", "list", files.path().to_str().unwrap()]);
        let said = stdout(&list);
        assert!(said.contains("no workloads") && !said.contains("no connection"), "{said}");
        assert_eq!(list.status.code(), Some(2));
        let lint = stdout(&run(&["net", "lint", files.path().to_str().unwrap()]));
        assert!(lint.contains("no workloads") && !lint.contains("every rule"), "{lint}");
    }
}

#[test]
fn exit_codes_tell_allowed_from_denied() {
    let deny = coaming_test::manifests::policy("shop", "deny", "{podSelector: {}}");
    let files = two_pods(&deny);
    let path = files.path().to_str().unwrap();
    let code = |arguments: &[&str]| run(arguments).status.code();
    let said = stdout(&run(&["net", "why", "web", "db", "5432", path]));
    assert!(said.contains("to allow it: add this policy"), "{said}");
    assert_eq!(code(&["net", "why", "web", "db", "5432", path]), Some(0));
    assert_eq!(code(&["net", "why", "--exit-code", "web", "db", "5432", path]), Some(1));
    let open = two_pods("");
    let path = open.path().to_str().unwrap();
    assert_eq!(code(&["net", "why", "--exit-code", "web", "db", "5432", path]), Some(0));
}

#[test]
fn answers_are_limited_to_what_is_asked() {
    let other = coaming_test::manifests::pod("other", "spy", "app: spy", "");
    let files = two_pods(&other);
    let path = files.path().to_str().unwrap();
    let list = |arguments: &[&str]| stdout(&run(&[&["net", "list"], arguments, &[path]].concat()));
    let of_other = list(&["--namespace", "other"]);
    assert!(of_other.lines().all(|line| line.contains("other/spy")), "{of_other}");
    let of_db = list(&["--focus", "db"]);
    assert!(of_db.lines().all(|line| line.contains("shop/db")), "{of_db}");
    let on_port = list(&["--port", "5432"]);
    assert!(on_port.lines().all(|line| line.ends_with(": TCP 5432")), "{on_port}");
    for command in ["exposure", "graph"] {
        let said = stdout(&run(&["net", command, "--namespace", "other", path]));
        assert!(said.contains("other/spy") || said.contains(">spy"), "{command}: {said}");
    }
}

/// Assertions for CI: the exit code says whether all hold, and the text why one does not.
#[test]
fn assertions_are_checked() {
    let deny = coaming_test::manifests::policy("shop", "deny", "{podSelector: {}}");
    let files = two_pods(&deny);
    let check_as = |rules: &str, options: &[&str]| {
        let file = directory(&[("rules.yaml", rules)]);
        let rules = file.path().join("rules.yaml");
        let paths = [rules.to_str().unwrap(), files.path().to_str().unwrap()];
        run(&[&["net", "check"], options, &paths].concat())
    };
    let check = |rules: &str| check_as(rules, &[]);
    let holds = check(
        "must-not-reach:\n- {from: web, to: {namespace: shop, labels: {app: db}}, ports: [5432]}\n",
    );
    assert_eq!(holds.status.code(), Some(0), "{}", stdout(&holds));
    let fails = check("must-reach:\n- {from: shop/web, to: shop/db, ports: [5432]}\n");
    assert_eq!(fails.status.code(), Some(1));
    assert!(stdout(&fails).contains("NetworkPolicy shop/deny"), "{}", stdout(&fails));
    let nobody = check("must-not-reach:\n- {from: {labels: {app: gone}}, to: web}\n");
    assert_eq!(nobody.status.code(), Some(2), "an assertion about no pods proves nothing");
    assert_eq!(check("must-reech: []\n").status.code(), Some(2));

    let all = "must-reach:\n- {from: shop/web, to: shop/db, ports: [5432]}\nmust-not-reach:\n\
               - {from: web, to: db}\n- {from: gone, to: db}\n- {from: {labels: {app: gone}}, to: web}\n";
    let as_json = check_as(all, &["--json"]);
    assert_eq!(as_json.status.code(), Some(2));
    let value = json(&as_json);
    let of = |field: &str| -> Vec<&Value> {
        value["assertions"].as_array().unwrap().iter().map(|it| &it[field]).collect()
    };
    assert_eq!(of("result"), ["fails", "holds", "not-found", "no-pods"]);
    assert_eq!(of("line"), [2, 4, 5, 6]);
    assert_eq!(value["assertions"][0]["why"]["is_allowed"], false);
    assert_eq!(value["assertions"][3]["message"], "no pods here are pods with app=gone");
}

/// Where the answer depends on what an `ipBlock` means, both are said, unless the plugin is known.
#[test]
fn the_network_plugin_decides_about_pod_addresses() {
    let block = coaming_test::manifests::policy(
        "shop",
        "out",
        "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}",
    );
    let files = two_pods(&block);
    let path = files.path().to_str().unwrap();
    let why = |arguments: &[&str]| {
        run(&[&["net", "why", "--exit-code"], arguments, &["web", "db", "5432", path]].concat())
    };
    let unknown = why(&[]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stdout(&unknown).contains("Calico") && stdout(&unknown).contains("Cilium"));
    assert_eq!(why(&["--network-plugin", "calico"]).status.code(), Some(0));
    assert_eq!(why(&["--network-plugin", "cilium"]).status.code(), Some(1));
}
