//! Charts and overlays, by the real helm and kubectl: `COAMING_TOOLS` names a directory that has them,
//! else they are looked for on `PATH`.

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

#[test]
fn charts_are_rendered_and_findings_point_to_templates() {
    let Some(path) = tools() else { return };
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
    let (report, errors) = scan(&path, files.path());
    let places: Vec<_> =
        report["findings"].as_array().unwrap().iter().map(|f| f["locations"][0].clone()).collect();
    let names: Vec<&str> = places.iter().map(|place| place["file"].as_str().unwrap()).collect();
    assert_eq!(names, ["chart/charts/sub/templates/pod.yaml", "chart/templates/web.yaml"]);
    assert!(places.iter().all(|place| place["line"].is_null()), "rendered lines mislead");
    assert_eq!(report["errors"].as_array().unwrap().len(), 1, "{errors}");
    assert!(errors.contains("broken: `helm template` could not render this chart"), "{errors}");
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
    let (report, _) = scan(&OsString::from("bin:."), files.path());
    assert_eq!(report["errors"].as_array().unwrap().len(), 1);
    assert!(!files.path().join("started").exists());
}
