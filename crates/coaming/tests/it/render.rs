//! Charts, which need no program, and overlays, by the real kubectl: `COAMING_TOOLS` names a directory
//! that has it, else it is looked for on `PATH`.

use std::ffi::OsString;
use std::path::Path;

use super::{coaming, directory, json, stderr};

/// A `PATH` with both programs, if they are there.
pub(crate) fn tools() -> Option<OsString> {
    let path = std::env::var_os("COAMING_TOOLS").or_else(|| std::env::var_os("PATH"))?;
    let has =
        |name: &str| std::env::split_paths(&path).any(|directory| directory.join(name).is_file());
    if has("helm") && has("kubectl") {
        return Some(path);
    }
    coaming_test::skip!("no helm and kubectl on PATH, nor in COAMING_TOOLS");
    None
}

fn scan(path: &OsString, directory: &Path) -> (serde_json::Value, String) {
    let output = coaming(&["scan", "--format", "json", "--select", "image-tag"])
        .env("PATH", path)
        .env("HOME", directory)
        .current_dir(directory)
        .output()
        .unwrap();
    (json(&output), stderr(&output))
}

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: web, image: nginx}]}\n";

/// The findings of a rule in a directory, with no program on `PATH`.
fn scan_alone(directory: &Path, rules: &str) -> (serde_json::Value, String) {
    let output = coaming(&["scan", "--format", "json", "--select", rules])
        .env("PATH", "")
        .current_dir(directory)
        .output()
        .unwrap();
    (json(&output), stderr(&output))
}

#[test]
fn charts_are_rendered_and_findings_point_to_templates() {
    let template = format!("{{{{- if .Values.enabled }}}}\n{DEPLOYMENT}{{{{- end }}}}\n");
    let files = directory(&[
        ("chart/Chart.yaml", "apiVersion: v2\nname: my-chart\nversion: 1.0.0\n"),
        ("chart/values.yaml", "enabled: true\nsub: {enabled: true}\n"),
        ("chart/templates/web.yaml", &template),
        ("chart/templates/_helpers.tpl", "{{- define \"x\" }}y{{ end }}\n"),
        ("chart/charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.0.0\n"),
        ("chart/charts/sub/templates/pod.yaml", &template.replace("name: web}", "name: sub}")),
        ("broken/Chart.yaml", "apiVersion: v2\nname: broken\nversion: 1.0.0\n"),
        ("broken/templates/web.yaml", "{{ .Values.a.b.c }}\n"),
    ]);
    let (report, errors) = scan_alone(files.path(), "image-tag");
    let places: Vec<_> =
        report["findings"].as_array().unwrap().iter().map(|f| f["locations"][0].clone()).collect();
    let names: Vec<&str> = places.iter().map(|place| place["file"].as_str().unwrap()).collect();
    assert_eq!(names, ["chart/charts/sub/templates/pod.yaml", "chart/templates/web.yaml"]);
    assert!(places.iter().all(|place| place["line"] == 9), "{places:#?}");
    assert_eq!(report["errors"].as_array().unwrap().len(), 1, "{errors}");
    assert!(errors.contains("broken/templates/web.yaml:1:4"), "{errors}");
    assert!(errors.contains("nil pointer evaluating interface {}.b"), "{errors}");
}

/// A chart whose container takes its security context from the values, through a helper.
const HELPER: &str = "{{- define \"context\" -}}\nsecurityContext:\n  \
                      {{- toYaml .Values.security | nindent 2 }}\n{{- end }}\n";
const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  \
                   hostNetwork: {{ .Values.host }}\n  \
                   {{- /* coaming: ignore[host-path] it reads the node's logs */}}\n  \
                   volumes: [{name: logs, hostPath: {path: /var/log}}]\n  containers:\n  \
                   - name: main\n    image: registry.example.com/web:1.0\n    \
                   {{- include \"context\" . | nindent 4 }}\n";
const VALUES: &str = "# coaming: ignore[host-namespaces] it measures the node\nhost: true\n\
                      security:\n  privileged: true\n";

#[test]
fn a_finding_names_the_values_that_made_it() {
    let files = directory(&[
        ("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
        ("values.yaml", VALUES),
        ("templates/_helpers.tpl", HELPER),
        ("templates/pod.yaml", POD),
    ]);
    let (report, errors) = scan_alone(files.path(), "privileged");
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{errors}");
    let [template, values] = [0, 1].map(|at| &findings[0]["locations"][at]);
    assert_eq!(
        (template["file"].as_str(), &template["line"]),
        (Some("templates/_helpers.tpl"), &3.into())
    );
    assert_eq!((values["file"].as_str(), &values["line"]), (Some("values.yaml"), &4.into()));
    assert_eq!(values["path"], "security.privileged");
    assert_eq!(findings[0]["fix"]["applicability"], "manual");
}

#[test]
fn comments_in_templates_and_values_suppress() {
    let files = directory(&[
        ("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
        ("values.yaml", VALUES),
        ("templates/_helpers.tpl", HELPER),
        ("templates/pod.yaml", POD),
    ]);
    let (report, errors) = scan_alone(files.path(), "host-namespaces,host-path,suppression");
    let findings = report["findings"].as_array().unwrap();
    assert!(
        findings.iter().all(|finding| finding["suppressed"] != false),
        "{findings:#?} {errors}"
    );
}

#[test]
fn a_generated_password_is_not_a_leaked_one() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData:\n  \
                  password: {{ randAlphaNum 24 | quote }}\n";
    let files = directory(&[
        ("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
        ("templates/secret.yaml", secret),
    ]);
    let (report, errors) = scan_alone(files.path(), "secrets");
    assert!(report["findings"].as_array().unwrap().is_empty(), "{report} {errors}");
}

#[test]
fn umbrella_charts_and_manifests_beside_charts_are_read() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n\
               spec: {containers: [{name: main, image: nginx}]}\n";
    let files = directory(&[
        ("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
        ("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.0.0\n"),
        ("charts/sub/templates/pod.tpl", pod),
        ("deploy/pod.yaml", pod),
        ("tools/other/Chart.yaml", "apiVersion: v2\nname: other\nversion: 1.0.0\n"),
        ("tools/other/templates/pod.yaml", pod),
    ]);
    let (report, errors) = scan_alone(files.path(), "image-tag");
    assert_eq!(report["findings"].as_array().unwrap().len(), 3, "{report} {errors}");
}

#[test]
fn the_kubernetes_version_counts_for_charts() {
    let chart = "apiVersion: v2\nname: web\nversion: 1.0.0\nkubeVersion: \"<1.25\"\n";
    let files = directory(&[("Chart.yaml", chart), ("templates/web.yaml", DEPLOYMENT)]);
    let run = |arguments: &[&str]| coaming(arguments).current_dir(files.path()).output().unwrap();
    let old = run(&["scan", "--format", "json", "--kubernetes-version", "1.24", "."]);
    assert!(json(&old)["errors"].as_array().unwrap().is_empty());
    assert!(stderr(&run(&["scan", "."])).contains("kubeVersion"));
}

#[test]
fn render_prints_what_helm_prints() {
    let files = directory(&[
        ("web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
        ("web/values.yaml", "port: 80\n"),
        ("web/templates/a.yaml", "kind: A\nname: {{ .Release.Name }}\nport: {{ .Values.port }}\n"),
        ("more.yaml", "port: 81\n"),
    ]);
    let run = |arguments: &[&str]| {
        let output = coaming(arguments).current_dir(files.path()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let expected = "---\n# Source: web/templates/a.yaml\nkind: A\nname: release-name\nport: 80\n";
    assert_eq!(run(&["render", "web"]), expected);
    let given = run(&["render", "--release-name", "x", "-f", "more.yaml", "web"]);
    assert!(given.ends_with("name: x\nport: 81\n"), "{given}");
    assert!(run(&["render", "--set", "port=82", "web"]).ends_with("port: 82\n"));
    let origin = run(&["render", "--show-origin", "web"]);
    assert!(origin.contains("# Origin: templates/a.yaml:1\n# Origin: values.yaml:1\n"), "{origin}");
}

#[test]
fn overlays_are_rendered_and_findings_point_to_resources() {
    let Some(path) = tools() else { return };
    let files = directory(&[
        ("base/kustomization.yaml", "resources: [web.yaml]\n"),
        ("base/web.yaml", DEPLOYMENT),
        (
            "prod/kustomization.yaml",
            "resources: [../base]\nnamePrefix: prod-\npatches: [{path: patch.yaml}]\n",
        ),
        (
            "prod/patch.yaml",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}\n",
        ),
    ]);
    let (report, errors) = scan(&path, files.path());
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{findings:#?} {errors}");
    assert_eq!(findings[0]["object"]["name"], "prod-web");
    assert_eq!(findings[0]["locations"][0]["file"], "base/web.yaml");
}

#[test]
fn a_repository_cannot_bring_its_own_program() {
    let files = directory(&[
        ("chart/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
        ("chart/templates/web.yaml", DEPLOYMENT),
        ("bin/helm", "#!/bin/sh\ntouch started\n"),
    ]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(files.path().join("bin/helm"), mode).unwrap();
    }
    let output = coaming(&["scan", "--renderer", "external", "--format", "json"])
        .env("PATH", "bin:.")
        .current_dir(files.path())
        .output()
        .unwrap();
    assert_eq!(json(&output)["errors"].as_array().unwrap().len(), 1);
    assert!(!files.path().join("started").exists());
}
