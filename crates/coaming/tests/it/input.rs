//! What is understood, and what is said about the rest; gates of continuous integration.

use std::path::Path;
use std::process::Output;

use super::{coaming, directory, json, stderr, stdout};

fn pod(context: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: NS}}\nspec:\n  containers:\n    - name: main\n      image: a/b:1.0\n      securityContext: {context}\n"
    )
}

fn scan(directory: &Path, arguments: &[&str]) -> Output {
    let all: Vec<&str> = ["scan"].iter().chain(arguments).copied().collect();
    coaming(&all).current_dir(directory).output().unwrap()
}

/// The findings of a rule in a directory of these files: object, container and line.
fn found(files: &[(&str, &str)], rule: &str) -> Vec<String> {
    let directory = directory(files);
    let report = json(&scan(directory.path(), &["--select", rule, "--format", "json", "."]));
    let findings = report["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|finding| {
            let container = finding["container"].as_str().unwrap_or("-");
            let kind = finding["object"]["kind"].as_str().unwrap();
            format!("{kind} {container} {}", finding["locations"][0]["line"])
        })
        .collect()
}

#[test]
fn privileged_containers_of_custom_resources_are_found() {
    let spark = "apiVersion: sparkoperator.k8s.io/v1beta2\nkind: SparkApplication\nmetadata: {name: s}\nspec:\n  driver:\n    securityContext: {privileged: true}\n    sidecars: [{name: side, image: 'a:1.0', securityContext: {privileged: true}}]\n";
    let tekton = "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: t}\nspec:\n  steps:\n  - {name: a, image: 'a:1.0', securityContext: {privileged: true}}\n  - {name: b, image: 'a:1.0'}\n  stepTemplate: {securityContext: {privileged: true}}\n";
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: r}\nspec:\n  values:\n    app: {image: {repository: a}, securityContext: {privileged: true}}\n";
    let template = "apiVersion: template.openshift.io/v1\nkind: Template\nmetadata: {name: t}\nobjects:\n- apiVersion: apps.openshift.io/v1\n  kind: DeploymentConfig\n  metadata: {name: d}\n  spec: {replicas: '${{N}}', template: {spec: {containers: [{name: m, image: ' ', securityContext: {privileged: true}}]}}}\n";
    let policy = "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: k}\nspec: {rules: [{validate: {pattern: {spec: {containers: [{image: '*', securityContext: {privileged: true}}]}}}}]}\n";
    let files = [
        ("a.yaml", spark),
        ("b.yaml", tekton),
        ("c.yaml", release),
        ("d.yaml", template),
        ("e.yaml", policy),
    ];
    assert_eq!(
        found(&files, "privileged"),
        [
            "SparkApplication driver 6",
            "SparkApplication side 7",
            "Task a 6",
            "Task b 8",
            "HelmRelease app 6",
            "DeploymentConfig m 8",
        ]
    );
    for rule in ["unknown-field", "wrong-type", "invalid-image"] {
        assert_eq!(found(&files, rule), [""; 0], "{rule}");
    }
}

#[test]
fn rules_about_what_is_missing_do_not_judge_parts_of_pods() {
    let search = "apiVersion: elasticsearch.k8s.elastic.co/v1\nkind: Elasticsearch\nmetadata: {name: s}\nspec: {nodeSets: [{podTemplate: {spec: {containers: [{name: elasticsearch, resources: {}}]}}}]}\n";
    let directory = directory(&[("a.yaml", search)]);
    let report = json(&scan(directory.path(), &["--format", "json", "."]));
    assert_eq!(report["findings"].as_array().unwrap().len(), 0, "{report}");
}

#[test]
fn a_misspelt_kind_is_a_finding() {
    assert_eq!(
        found(&[("a.yaml", "apiVersion: v1\nkind: pod\nmetadata: {name: p}\n")], "unknown-kind"),
        ["pod - 2"]
    );
}

#[test]
fn charts_that_are_elsewhere_are_counted() {
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: r}\nspec: {chartRef: {kind: OCIRepository, name: a}}\n";
    let directory = directory(&[("a.yaml", release)]);
    let output = scan(directory.path(), &["."]);
    let text = stdout(&output);
    assert!(text.contains("note: 1 HelmRelease is not evaluated"), "{text}");
}

#[test]
fn templates_in_texts_are_judged_by_what_they_always_say() {
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  pod: |\n    apiVersion: v1\n    kind: Pod\n    metadata:\n      name: {{ .Name }}\n    spec:\n      {{- if .Host }}\n      hostPID: true\n      {{- end }}\n      containers:\n      - name: a\n        image: {{ .Image }}\n        securityContext: {privileged: true}\n";
    let directory = directory(&[("a.yaml", map)]);
    let report = json(&scan(directory.path(), &["--format", "json", "."]));
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{report}");
    assert_eq!(findings[0]["rule"], "privileged");
    assert_eq!(findings[0]["object"]["kind"], "ConfigMap");
    assert_eq!(findings[0]["locations"][0]["line"], 17);
    assert!(findings[0]["fix"].is_null() || findings[0]["fix"]["applicability"] != "safe");
    let note = report["notes"][0]["message"].as_str().unwrap();
    assert!(note.contains("in `a.yaml`) is a template"), "{note}");
}

#[test]
fn a_note_names_the_group_of_a_kind_that_kubernetes_has_too() {
    let service = "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: s}\nspec: {template: {spec: {containers: [{image: 'a:1.0.0'}]}}}\n";
    let directory = directory(&[("a.yaml", service)]);
    let text = stdout(&scan(directory.path(), &["."]));
    assert!(text.contains("1 Service of serving.knative.dev is not evaluated"), "{text}");
}

#[test]
fn every_format_says_what_could_not_be_read() {
    let files = [("a.yaml", "apiVersion: v1\nkind: Pod\nmetadata: [\n"), ("b.yaml", &*pod("{}"))];
    let directory = directory(&files);
    for format in
        ["full", "concise", "json", "sarif", "junit", "github", "gitlab", "html", "markdown"]
    {
        let output = scan(directory.path(), &["--format", format, "."]);
        assert_eq!(output.status.code(), Some(2), "{format}");
        assert!(stdout(&output).contains("a.yaml"), "{format}: {}", stdout(&output));
    }
    let github = stdout(&scan(directory.path(), &["--format", "github", "."]));
    let annotation = "::error title=Input could not be handled,file=a.yaml,line=3,col=11::";
    assert!(github.contains(annotation), "{github}");
}

#[test]
fn nothing_to_scan_is_an_error_unless_it_is_accepted() {
    let directory = directory(&[("README.md", "text")]);
    let output = scan(directory.path(), &["."]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("contains nothing to scan"), "{}", stderr(&output));
    assert_eq!(scan(directory.path(), &["--allow-empty", "."]).status.code(), Some(0));
    let net = coaming(&["net", "list", "."]).current_dir(directory.path()).output().unwrap();
    assert_eq!(net.status.code(), Some(2));
}

#[test]
fn what_the_configuration_leaves_out_is_said_of_paths_that_were_named() {
    let text = pod("{privileged: true}");
    let files = directory(&[("coaming.yaml", "exclude: [vendor/**]\n"), ("vendor/p.yaml", &text)]);
    let output = scan(files.path(), &["vendor"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("`exclude` in the configuration"), "{}", stderr(&output));
    let output = scan(files.path(), &["vendor/p.yaml"]);
    assert_eq!(output.status.code(), Some(0));
    let (out, err) = (stdout(&output), stderr(&output));
    assert!(format!("{out}{err}").contains("1 named file is left out"), "{out}{err}");
}

#[test]
fn sequences_in_a_sequence_and_comments_in_json_are_not_passed_over() {
    let object = "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"a:1.0\",\"securityContext\":{\"privileged\":true}}]}}";
    let nested = format!("[[{object}]]\n");
    assert_eq!(found(&[("a.json", &nested)], "privileged"), ["Pod a 1"]);
    for comment in ["// a pod", "/* a pod */"] {
        let text = format!("{comment}\n{object}\n");
        let files = directory(&[("a.json", &text)]);
        assert_eq!(scan(files.path(), &["."]).status.code(), Some(2), "{text}");
    }
}

#[test]
fn a_manifest_in_a_config_map_is_a_text_of_it() {
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  pod.yaml: |\n    apiVersion: v1\n    kind: Pod\n    metadata: {name: p}\n    spec: {containers: [{name: a, image: 'a:1.0', securityContext: {privileged: true}}]}\n";
    assert_eq!(found(&[("a.yaml", map)], "privileged"), ["Pod a 9"]);
    assert_eq!(found(&[("a.yaml", map)], "wrong-type"), [""; 0]);
}

#[test]
fn a_chart_may_choose_the_version_of_an_api_service() {
    let service = "{{- if .Capabilities.APIVersions.Has \"apiregistration.k8s.io/v1\" }}\napiVersion: apiregistration.k8s.io/v1\n{{- else }}\napiVersion: apiregistration.k8s.io/v1beta1\n{{- end }}\nkind: APIService\nmetadata: {name: v1.example.com}\nspec: {}\n";
    let files = [
        ("c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
        ("c/templates/a.yaml", service),
    ];
    assert_eq!(found(&files, "removed-api"), [""; 0]);
    let plain = "apiVersion: apiregistration.k8s.io/v1beta1\nkind: APIService\nmetadata: {name: v1.example.com}\nspec: {}\n";
    assert_eq!(found(&[("a.yaml", plain)], "removed-api"), ["APIService - 1"]);
}

#[test]
fn a_library_chart_alone_is_named_as_what_it_is() {
    let metadata = "apiVersion: v2\nname: common\nversion: 0.1.0\ntype: library\n";
    let helper = "{{ define \"common.name\" }}x{{ end }}\n";
    let directory = directory(&[("Chart.yaml", metadata), ("templates/_names.tpl", helper)]);
    let output = scan(directory.path(), &["."]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("it is a library chart"), "{}", stderr(&output));
}

#[test]
fn patterns_are_relative_to_the_configuration() {
    let config = "exclude: [vendor/**]\nignore:\n  - {rule: privileged, path: agents/**, reason: it manages the node}\n";
    let privileged = pod("{privileged: true}");
    let files = [
        ("x/coaming.yaml", config),
        ("x/agents/a.yaml", &*privileged),
        ("x/vendor/v.yaml", &*privileged),
    ];
    let directory = directory(&files);
    let root = directory.path();
    let absolute = root.join("x");
    let absolute = absolute.to_str().unwrap();
    for (current, path) in
        [("", "x"), ("x", "."), ("x/agents", "."), ("", absolute), ("x/agents", "..")]
    {
        let arguments = ["--select", "privileged,suppression", "--format", "concise", path];
        let output = scan(&root.join(current), &arguments);
        assert_eq!(stdout(&output), "", "{current} {path}");
        assert_eq!(output.status.code(), Some(0), "{current} {path}: {}", stderr(&output));
    }
}

#[test]
fn an_entry_about_another_directory_is_not_unused() {
    let config = "ignore:\n  - {rule: privileged, path: agents/**, reason: it manages the node}\n";
    let directory = directory(&[("coaming.yaml", config), ("web/a.yaml", &*pod("{}"))]);
    let found = |path: &str| {
        let arguments = ["--select", "privileged,suppression", "--format", "concise", path];
        stdout(&scan(directory.path(), &arguments))
    };
    assert_eq!(found("web"), "");
    let expected = "coaming.yaml:2:5: low[suppression] suppression of `privileged` is unused\n";
    assert_eq!(found("."), expected);
}

#[test]
fn every_result_has_a_location() {
    let config = "ignore:\n  - {rule: host-path, path: nowhere/**, reason: long gone}\n";
    let directory = directory(&[("coaming.yaml", config), ("a.yaml", &*pod("{privileged: true}"))]);
    let sarif = json(&scan(directory.path(), &["--format", "sarif", "."]));
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(results.len() > 1);
    for result in results {
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["artifactLocation"]["uri"].as_str().is_some_and(|uri| !uri.is_empty()));
        assert!(place["region"]["startLine"].is_u64(), "{result}");
    }
    let unused = results.iter().find(|result| result["ruleId"] == "suppression").unwrap();
    let place = &unused["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "coaming.yaml");
    assert_eq!(place["region"]["startLine"], 2);
    let gitlab = json(&scan(directory.path(), &["--format", "gitlab", "."]));
    for issue in gitlab.as_array().unwrap() {
        assert!(issue["location"]["path"].as_str().is_some_and(|path| !path.is_empty()));
    }
}

#[test]
fn a_baseline_knows_values_and_says_how_many_are_known() {
    let volume =
        |path: &str| format!("  volumes:\n    - name: v\n      hostPath: {{path: {path}}}\n");
    let before = pod("{capabilities: {add: [NET_ADMIN], drop: [ALL]}}") + &volume("/etc/localtime");
    let after = pod("{capabilities: {add: [NET_ADMIN, SYS_ADMIN], drop: [ALL]}}")
        + &volume("/var/run/docker.sock");
    let old = directory(&[("pod.yaml", &*before)]);
    let new = directory(&[("pod.yaml", &*after)]);
    let baseline = old.path().join("b.json");
    let baseline = baseline.to_str().unwrap();
    let written = scan(old.path(), &["--write-baseline", baseline, "pod.yaml"]);
    assert!(stdout(&written).contains("Nothing new: 1 workload"), "{}", stdout(&written));
    let same = scan(old.path(), &["--baseline", baseline, "pod.yaml"]);
    assert_eq!(same.status.code(), Some(0), "{}", stdout(&same));
    assert!(stdout(&same).contains(" known)."), "{}", stdout(&same));
    let worse = scan(new.path(), &["--baseline", baseline, "--format", "concise", "pod.yaml"]);
    let text = stdout(&worse);
    assert_eq!(worse.status.code(), Some(1));
    assert_eq!(text.matches("critical[").count(), 2, "{text}");
    assert!(text.contains("SYS_ADMIN") && text.contains("docker.sock"), "{text}");
}

#[test]
fn an_annotation_of_the_pod_template_counts() {
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: demo}\nspec:\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata:\n      labels: {app: web}\n      annotations: {coaming.dev/ignore: 'privileged: it builds images'}\n    spec:\n      containers: [{name: main, image: 'a/b:1.0', securityContext: {privileged: true}}]\n";
    let directory = directory(&[("a.yaml", text)]);
    let arguments = ["--select", "privileged,suppression", "--format", "concise", "a.yaml"];
    assert_eq!(stdout(&scan(directory.path(), &arguments)), "");
}

#[test]
fn mistakes_in_the_configuration_have_a_line() {
    for (config, expected) in [
        ("images: {archives: 3}\n", "coaming.yaml:1:20: this must be a mapping"),
        (
            "exclude: []\nselect: [privilegd]\n",
            "coaming.yaml:2:10: there is no rule or category `privilegd`. Did you mean `privileged`?",
        ),
    ] {
        let directory = directory(&[("coaming.yaml", config), ("a.yaml", &*pod("{}"))]);
        let output = scan(directory.path(), &["."]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
}

#[test]
fn everything_that_a_scan_names_can_be_explained() {
    let config = "rules:\n  - {name: team-label, expression: 'true', message: no team}\n";
    let directory = directory(&[("coaming.yaml", config)]);
    let explain =
        |name: &str| coaming(&["explain", name]).current_dir(directory.path()).output().unwrap();
    for name in ["privileged", "pod-security-restricted", "secrets", "non-root", "team-label"] {
        let output = explain(name);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", stderr(&output));
        assert!(stdout(&output).starts_with(&format!("# {name}")), "{}", stdout(&output));
    }
    let unknown = explain("secret");
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("no rule or category `secret`"), "{}", stderr(&unknown));
}

#[test]
fn kubernetes_own_policies_are_evaluated() {
    let policy = |group: &str, kind: &str| {
        format!(
            "apiVersion: {group}\nkind: {kind}\nmetadata: {{name: a, namespace: x}}\nspec: {{podSelector: {{}}}}\n"
        )
    };
    let (own, other) = (
        policy("networking.k8s.io/v1", "NetworkPolicy"),
        policy("projectcalico.org/v3", "NetworkPolicy"),
    );
    let files = directory(&[("own.yaml", &own), ("other.yaml", &other)]);
    let notes = |file: &str| {
        let arguments = ["scan", "--format", "json", "--images", "never", file];
        let report = json(&coaming(&arguments).current_dir(files.path()).output().unwrap());
        report["notes"].as_array().unwrap().len()
    };
    assert_eq!((notes("own.yaml"), notes("other.yaml")), (0, 1));
}
