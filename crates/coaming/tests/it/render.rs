//! Charts and overlays, which need no program, compared with the real `helm` and `kubectl`:
//! `COAMING_TOOLS` names a directory that has them, else they are looked for on `PATH`.

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

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: web, image: nginx}]}\n";

/// The findings of a rule in a directory, with no program on `PATH`.
fn scan_alone(directory: &Path, rules: &str) -> (serde_json::Value, String) {
    let output = coaming(&["scan", "--format", "json", "--images", "never", "--select", rules])
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
    assert_eq!(findings[0]["fix"]["applicability"], "unsafe");
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
fn overlays_are_rendered_by_programs_when_asked() {
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
    let scan = |renderer: &str| {
        let arguments =
            ["scan", "--format", "json", "--select", "image-tag", "--renderer", renderer];
        let output = coaming(&arguments)
            .env("PATH", &path)
            .env("HOME", files.path())
            .current_dir(files.path())
            .output()
            .unwrap();
        (json(&output), stderr(&output))
    };
    for renderer in ["external", "built-in"] {
        let (report, errors) = scan(renderer);
        let findings = report["findings"].as_array().unwrap();
        assert_eq!(findings.len(), 1, "{findings:#?} {errors}");
        assert_eq!(findings[0]["object"]["name"], "prod-web");
        assert_eq!(findings[0]["locations"][0]["file"], "base/web.yaml");
    }
}

/// A base with an overlay that patches, generates and replaces.
const BASE: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  \
                    selector: {matchLabels: {app: web}}\n  template:\n    \
                    metadata: {labels: {app: web}}\n    spec:\n      containers:\n      \
                    - name: web\n        image: nginx:1.27\n        securityContext:\n          \
                    privileged: false\n      hostNetwork: true # coaming: ignore[host-namespaces] \
                    it measures\n";
const PROD: &str = "resources: [../base]\nnamePrefix: prod-\nimages:\n- name: nginx\n  \
                    newTag: latest\npatches:\n- patch: |-\n    apiVersion: apps/v1\n    \
                    kind: Deployment\n    metadata: {name: web}\n    spec:\n      template:\n        \
                    spec:\n          containers:\n          - name: web\n            \
                    securityContext:\n              privileged: true\n- path: volume.yaml\n\
                    secretGenerator:\n- name: s\n  envs: [vars.env]\n";
const VOLUME: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  \
                      template:\n    spec:\n      volumes:\n      \
                      # coaming: ignore[host-path] it reads the node's logs\n      \
                      - {name: logs, hostPath: {path: /var/log}}\n";

fn overlay() -> tempfile::TempDir {
    directory(&[
        ("base/kustomization.yaml", "resources: [web.yaml]\n"),
        ("base/web.yaml", BASE),
        ("prod/kustomization.yaml", PROD),
        ("prod/volume.yaml", VOLUME),
        ("prod/vars.env", "# for tests\nAPI_TOKEN=ghp_1a2B3c4D5e6F7g8H9i0J1k2L3m4N5o6P7q8R\n"),
    ])
}

#[test]
fn findings_in_overlays_point_to_what_made_the_field() {
    let files = overlay();
    let rules = "privileged,image-tag,host-namespaces,host-path,suppression";
    let (report, errors) = scan_alone(files.path(), rules);
    assert!(report["errors"].as_array().unwrap().is_empty(), "{errors}");
    let findings = report["findings"].as_array().unwrap();
    let place = |rule: &str| {
        let all: Vec<_> = findings.iter().filter(|one| one["rule"] == rule).collect();
        let [only] = all.as_slice() else { panic!("{rule}: {findings:#?}") };
        let location = &only["locations"][0];
        let file = location["file"].as_str().unwrap().to_owned();
        (file, location["line"].as_u64().unwrap(), only["suppressed"].as_bool().unwrap())
    };
    let at = |file: &str, line, suppressed| (file.to_owned(), line, suppressed);
    assert_eq!(place("privileged"), at("prod/kustomization.yaml", 17, false));
    assert_eq!(place("image-tag"), at("prod/kustomization.yaml", 5, false));
    assert_eq!(place("host-namespaces"), at("base/web.yaml", 14, true));
    assert_eq!(place("host-path"), at("prod/volume.yaml", 9, true));
    assert!(findings.iter().all(|one| one["rule"] != "suppression"), "{findings:#?}");
}

#[test]
fn generated_secrets_are_found_where_they_are_written() {
    let files = overlay();
    let output = coaming(&["scan", "--format", "json"])
        .env("PATH", "")
        .current_dir(files.path())
        .output()
        .unwrap();
    let report = json(&output);
    let findings = report["findings"].as_array().unwrap();
    let secrets: Vec<_> =
        findings.iter().filter(|finding| finding["category"] == "secrets").collect();
    let places: std::collections::BTreeSet<(&str, u64)> = secrets
        .iter()
        .map(|one| &one["locations"][0])
        .map(|place| (place["file"].as_str().unwrap(), place["line"].as_u64().unwrap_or(0)))
        .collect();
    assert!(places.contains(&("prod/vars.env", 2)), "{secrets:#?}");
    let at_value = secrets.iter().filter(|one| one["locations"][0]["file"] == "prod/vars.env");
    assert_eq!(at_value.count(), 1, "{secrets:#?}");
}

#[test]
fn overlays_of_one_base_are_variants() {
    let kustomization = "resources: [../base]\nnamePrefix: x-\n";
    let files = directory(&[
        ("base/kustomization.yaml", "resources: [web.yaml]\n"),
        ("base/web.yaml", DEPLOYMENT),
        ("a/kustomization.yaml", kustomization),
        ("b/kustomization.yaml", kustomization),
    ]);
    let (report, errors) = scan_alone(files.path(), "image-tag");
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{findings:#?} {errors}");
    assert_eq!(findings[0]["locations"][0]["file"], "base/web.yaml");
}

#[test]
fn render_prints_what_kubectl_prints() {
    let files = overlay();
    let run = |arguments: &[&str]| {
        let output = coaming(arguments).current_dir(files.path()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let text = run(&["render", "prod"]);
    assert!(text.starts_with("apiVersion: v1\ndata:\n  API_TOKEN: "), "{text}");
    assert!(text.contains("image: nginx:latest\n"), "{text}");
    let origin = run(&["render", "--show-origin", "prod"]);
    let expected = "# Origin: base/web.yaml:1\n# Origin: prod/kustomization.yaml:5\n\
                    # Origin: prod/volume.yaml:7\n";
    assert!(origin.contains(expected), "{origin}");
    if let Some(path) = tools() {
        let output = std::process::Command::new("kubectl")
            .args(["kustomize", "prod"])
            .env("PATH", path)
            .current_dir(files.path())
            .output()
            .unwrap();
        assert_eq!(text, String::from_utf8(output.stdout).unwrap());
    }
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

/// A chart whose container has the values' security context and image.
const CHART: [(&str, &str); 3] = [
    ("charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
    ("charts/web/values.yaml", "image: a/b:1.0\nsecurity: {}\n"),
    (
        "charts/web/templates/web.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: '{{ .Release.Name }}'}\nspec:\n  containers:\n  - \
         name: web\n    image: {{ .Values.image }}\n    securityContext:\n      {{- toYaml \
         .Values.security | nindent 6 }}\n",
    ),
];

/// Each privileged container: the object's name, its variants, and the line of the value.
fn privileged(report: &serde_json::Value) -> Vec<(String, String, String)> {
    let findings = report["findings"].as_array().unwrap().iter();
    let found = findings.map(|finding| {
        let value = &finding["locations"][1];
        let name = finding["object"]["name"].as_str().unwrap().to_owned();
        let place = format!("{}:{}", value["file"].as_str().unwrap_or("?"), value["line"]);
        (name, finding["variants"][0].as_str().unwrap_or_default().to_owned(), place)
    });
    found.collect()
}

#[test]
fn charts_are_judged_as_flux_argo_and_helmfiles_install_them() {
    let flux = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: \
                flux}\nspec:\n  chart:\n    spec:\n      chart: ./charts/web\n      sourceRef: {kind: \
                GitRepository, name: repo}\n  values:\n    security:\n      privileged: true\n";
    let argo = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: argo}\nspec:\n  \
                source:\n    path: charts/web\n    helm:\n      valueFiles: [../../env/prod.yaml]\n";
    let helmfile = "releases:\n- name: file\n  chart: ./charts/web\n  values:\n  - security:\n      \
                    privileged: true\n  - env/none.yaml\n- name: gone\n  chart: ./charts/web\n  \
                    installed: false\n";
    let files = [
        &CHART[..],
        &[
            ("apps/flux.yaml", flux),
            ("apps/argo.yaml", argo),
            ("helmfile.yaml", helmfile),
            ("env/prod.yaml", "# why\nsecurity: {privileged: true}\n"),
            ("env/none.yaml", "image: c/d:2.0\n"),
        ],
    ]
    .concat();
    let files = directory(&files);
    let (report, errors) = scan_alone(files.path(), "privileged");
    assert_eq!(errors, "");
    let expected = [
        ("argo", "charts/web (apps/argo.yaml)", "env/prod.yaml:2"),
        ("flux", "charts/web (apps/flux.yaml)", "apps/flux.yaml:11"),
        ("file", "charts/web (release file of helmfile.yaml)", "helmfile.yaml:6"),
    ];
    let expected = expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
    let mut found = privileged(&report);
    // The values of the HelmRelease are judged where they are written, too.
    found.retain(|(_, variant, _)| !variant.is_empty());
    assert_eq!(found, expected);
}

#[test]
fn values_in_quotes_are_those_of_the_release() {
    let argo = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: argo}\nspec:\n  \
                source:\n    path: charts/web\n    helm:\n      \
                values: \"# why\\nsecurity: {privileged: true}\\n\"\n";
    let files = directory(&[&CHART[..], &[("apps/argo.yaml", argo)]].concat());
    let (report, errors) = scan_alone(files.path(), "privileged");
    assert_eq!(errors, "");
    let found = privileged(&report);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].1, "charts/web (apps/argo.yaml)");
}

#[test]
fn the_configuration_names_releases_and_tests_are_variants_when_asked() {
    let configuration = "releases:\n- chart: charts/web\n  name: shop\n  values: [prod.yaml]\n- chart: \
                         charts/none\n";
    let files = [
        &CHART[..],
        &[
            ("coaming.yaml", configuration),
            ("prod.yaml", "security: {privileged: true}\n"),
            ("charts/web/ci/bad-values.yaml", "security:\n  privileged: true\n"),
        ],
    ]
    .concat();
    let files = directory(&files);
    let (report, errors) = scan_alone(files.path(), "privileged");
    assert_eq!(errors, "error: coaming.yaml:5:3: `charts/none` is not a chart\n");
    let shop =
        ("shop".to_owned(), "charts/web (release shop)".to_owned(), "prod.yaml:1".to_owned());
    assert_eq!(privileged(&report), [shop]);
    let output =
        coaming(&["scan", "--format", "json", "--select", "privileged", "--variants", "ci"])
            .current_dir(files.path())
            .output()
            .unwrap();
    let found = privileged(&json(&output));
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0].1, "charts/web (ci/bad-values.yaml)");
    assert_eq!(found[0].2, "charts/web/ci/bad-values.yaml:2");
}

#[test]
fn releases_read_no_file_outside_of_the_input() {
    let argo = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: argo}\nspec:\n  \
                source:\n    path: charts/web\n    helm:\n      valueFiles: [../../../secret.yaml, \
                /etc/hostname, link.yaml]\n";
    let files = CHART.map(|(name, text)| (format!("repo/{name}"), text));
    let mut files: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    files.push(("repo/argo.yaml", argo));
    files.push(("secret.yaml", "security: {privileged: true}\n"));
    let files = directory(&files);
    let repo = files.path().join("repo");
    #[cfg(unix)]
    std::os::unix::fs::symlink("../../../secret.yaml", repo.join("charts/web/link.yaml")).unwrap();
    let (report, errors) = scan_alone(&repo, "privileged");
    assert_eq!(privileged(&report), []);
    assert_eq!(errors.matches("are not in the input").count(), 3, "{errors}");
}

#[test]
fn whole_manifests_of_a_chart_that_cannot_be_rendered_are_judged() {
    let files = directory(&[
        ("chart/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
        ("chart/templates/bad.yaml", "{{ required \"name the host\" .Values.host }}\n"),
        (
            "chart/templates/role.yaml",
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: all}\n\
             rules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]\n",
        ),
    ]);
    let (report, errors) = scan_alone(files.path(), "role-gives-rights");
    assert!(errors.contains("chart/templates/bad.yaml:1:4: cannot be rendered"), "{errors}");
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    let place = &findings[0]["locations"][0];
    assert_eq!((&place["file"], &place["line"]), (&"chart/templates/role.yaml".into(), &4.into()));
}

#[test]
fn roles_in_templates_that_cannot_be_rendered_are_judged() {
    let role = "{{- if .Values.rbac }}\n\
                apiVersion: rbac.authorization.k8s.io/v1\n\
                kind: ClusterRole\n\
                metadata:\n  name: {{ include \"c.name\" . }}\n\
                rules:\n\
                - {apiGroups: ['*'], resources: ['*'], verbs: ['*']}\n\
                {{- end }}\n---\nkind: Pod\nspec: {hostPID: true}\n";
    let files = directory(&[
        ("chart/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
        ("chart/templates/bad.yaml", "{{ required \"name the host\" .Values.host }}\n"),
        ("chart/templates/role.yaml", role),
    ]);
    let (report, _) = scan_alone(files.path(), "role-gives-rights,host-namespaces");
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    let place = &findings[0]["locations"][0];
    assert_eq!((&place["file"], &place["line"]), (&"chart/templates/role.yaml".into(), &7.into()));
    coaming(&["fix", "--unsafe", "."]).current_dir(files.path()).output().unwrap();
    let after = std::fs::read_to_string(files.path().join("chart/templates/role.yaml")).unwrap();
    assert_eq!(after, role);
}

#[test]
fn a_fix_does_not_come_between_a_key_and_its_conditional_value() {
    let template = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  volumes:\n\
                    \x20 {{- if .Values.secret }}\n  - {name: v, secret: {secretName: s}}\n\
                    \x20 {{- end }}\n  containers:\n  - {name: c, image: 'i:1'}\n";
    let files = directory(&[
        ("chart/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
        ("chart/values.yaml", "secret: false\n"),
        ("chart/templates/pod.yaml", template),
    ]);
    let fix = ["fix", "--unsafe", "--select", "service-account-token", "."];
    coaming(&fix).current_dir(files.path()).output().unwrap();
    let render = ["render", "--set", "secret=true", "chart"];
    let output = coaming(&render).current_dir(files.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

/// Charts in repositories often lack what `helm dependency build` fetches.
#[test]
fn a_chart_is_judged_without_a_dependency_that_is_missing() {
    let chart = |enabled: &str, name: &str| {
        let values = format!("redis: {{enabled: {enabled}}}\n");
        let template = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec:\n  containers:\n  - {{name: a, \
             image: 'a:1', securityContext: {{privileged: true}}}}\n"
        );
        directory(&[
            (
                "chart/Chart.yaml",
                "apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies:\n- {name: redis, version: 18.x.x, \
                 repository: 'https://charts.example.com', condition: redis.enabled}\n",
            ),
            ("chart/values.yaml", &values),
            ("chart/templates/pod.yaml", &template),
        ])
    };
    let scan = |files: &tempfile::TempDir| {
        let output = coaming(&["scan", "--select", "privileged", "--format", "json", "chart"])
            .current_dir(files.path())
            .output()
            .unwrap();
        let report = json(&output);
        let errors = report["errors"].as_array().unwrap();
        let errors = errors.iter().map(|error| error["message"].as_str().unwrap().to_owned());
        (report["findings"].as_array().unwrap().len(), errors.collect::<Vec<_>>())
    };
    assert_eq!(scan(&chart("false", "web")), (1, vec![]), "what is disabled is not missed");
    let (findings, errors) = scan(&chart("true", "web"));
    assert_eq!(findings, 1);
    let error = "redis is missing in charts/, so its objects are not judged: run `helm dependency build` \
                 to fetch it";
    assert_eq!(errors, [error]);
    // A helper of the dependency is used: its absence is the error, not the template.
    let (findings, errors) = scan(&chart("false", "'{{ include \"redis.name\" . }}'"));
    assert_eq!(findings, 0);
    assert_eq!(errors.len(), 1);
    assert!(errors[0].contains("missing in charts/ directory: redis"), "{errors:?}");
    // Helm refuses all three.
    let refused =
        coaming(&["render", "chart"]).current_dir(chart("false", "web").path()).output().unwrap();
    assert!(!refused.status.success());
}
