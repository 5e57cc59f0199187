//! GitLab, pre-commit, kubectl, Helm, Argo CD, Flux, Tekton, Neovim.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use super::{PRIVILEGED, command, commit, directory, git, repository, script, text, tool, yaml};
use crate::root;

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Runs a job of the GitLab template, with the template's variables, and returns the exit code and the
/// reports that it declares.
fn gitlab_job(name: &str, checkout: &Path) -> (i32, Vec<(String, Value)>) {
    let template = yaml("integrations/gitlab/coaming.gitlab-ci.yml");
    let variables = template["variables"].as_object().unwrap();
    let environment: Vec<_> =
        variables.iter().map(|(name, value)| pair(name, value.as_str().unwrap())).collect();
    let job = &template[name];
    let lines = job["script"].as_array().unwrap().iter().map(|line| line.as_str().unwrap());
    let output = script(&lines.collect::<Vec<_>>().join("\n"), checkout, &environment);
    let reports = job["artifacts"]["reports"].as_object().unwrap();
    let reports = reports.iter().map(|(kind, file)| {
        let file = checkout.join(file.as_str().unwrap());
        let report = std::fs::read_to_string(&file).unwrap_or_else(|error| {
            panic!("{}: {error}: {}", file.display(), text(&output.stderr))
        });
        (kind.clone(), serde_json::from_str(&report).unwrap())
    });
    (output.status.code().unwrap(), reports.collect())
}

#[test]
fn gitlab_jobs_write_the_reports_that_they_declare() {
    let secret = "DB_PASSWORD=x9Kq2LmZ8vTn4RwYb7Hc\n";
    let checkout = repository(&[("deploy/pod.yaml", PRIVILEGED), ("settings.env", secret)]);
    let (status, reports) = gitlab_job("coaming", checkout.path());
    // Findings: the template allows this exit code and no other.
    assert_eq!(status, 1);
    let template = yaml("integrations/gitlab/coaming.gitlab-ci.yml");
    assert_eq!(template[".coaming"]["allow_failure"]["exit_codes"], 1);
    let report = |kind: &str| &reports.iter().find(|(name, _)| name == kind).unwrap().1;
    assert_eq!(report("codequality")[0]["location"]["path"], "deploy/pod.yaml");
    assert_eq!(report("sast")["scan"]["type"], "sast");
    assert!(report("sast")["vulnerabilities"][0]["location"]["start_line"].is_u64());
    let (status, reports) = gitlab_job("coaming-secrets", checkout.path());
    assert_eq!(status, 1);
    let found = &reports[0].1["vulnerabilities"];
    assert_eq!(found[0]["location"]["file"], "settings.env");
    assert!(!found.to_string().contains("x9Kq2LmZ8vTn4RwYb7Hc"));
}

#[test]
fn pre_commit_runs_the_hooks() {
    let Some(pre_commit) = tool("pre-commit", "pre-commit") else { return };
    // pre-commit clones the repository with the hooks.
    let hooks = std::fs::read_to_string(root().join(".pre-commit-hooks.yaml")).unwrap();
    let hooks = repository(&[(".pre-commit-hooks.yaml", &hooks)]);
    let revision = git(hooks.path(), &["rev-parse", "HEAD"]);
    let config = format!(
        "repos:\n  - repo: {}\n    rev: {revision}\n    hooks: [{{id: coaming-scan}}, {{id: coaming-secrets}}]\n",
        hooks.path().display()
    );
    let clean = PRIVILEGED.replace("privileged: true", "privileged: false");
    let settings = "select: [privileged]\n";
    let files = [
        (".pre-commit-config.yaml", config.as_str()),
        ("deploy/pod.yaml", &clean),
        ("coaming.yaml", settings),
    ];
    let project = repository(&files);
    let run = || {
        let mut command = command(&pre_commit, project.path());
        command.args(["run", "--color", "never"]).env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.output().unwrap()
    };
    let change = |file: &str, content: &str| {
        std::fs::write(project.path().join(file), content).unwrap();
        git(project.path(), &["add", file]);
    };
    change("deploy/pod.yaml", &(clean.clone() + "# a comment\n"));
    let passed = run();
    assert!(passed.status.success(), "{}{}", text(&passed.stdout), text(&passed.stderr));
    change("deploy/pod.yaml", PRIVILEGED);
    let failed = text(&run().stdout);
    assert!(failed.contains("coaming scan") && failed.contains("privileged"), "{failed}");
    change("deploy/pod.yaml", &clean);
    change("app.env", "DB_PASSWORD=x9Kq2LmZ8vTn4RwYb7Hc\n");
    let failed = text(&run().stdout);
    assert!(failed.contains("coaming secrets") && failed.contains("app.env"), "{failed}");
    assert!(!failed.contains("x9Kq2LmZ8vTn4RwYb7Hc"), "{failed}");
}

#[test]
fn kubectl_finds_its_plugin() {
    let Some(kubectl) = tool("kubectl", "kubectl coaming") else { return };
    let directory = tempfile::tempdir().unwrap();
    let plugin = root().join("integrations/kubectl/kubectl-coaming");
    // As krew does: a link on PATH.
    std::os::unix::fs::symlink(plugin, directory.path().join("kubectl-coaming")).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = command(&kubectl, directory.path());
        let path = std::env::join_paths([
            directory.path(),
            Path::new(env!("CARGO_BIN_EXE_coaming")).parent().unwrap(),
            Path::new("/usr/bin"),
            Path::new("/bin"),
        ]);
        command.env("PATH", path.unwrap()).env("KUBECONFIG", "/nonexistent").arg("coaming");
        command.args(arguments).output().unwrap()
    };
    let rules = run(&["rules"]);
    assert!(text(&rules.stdout).contains("privileged"), "{}", text(&rules.stderr));
    // Without a cluster, the scan says so: the arguments arrive as those of a cluster.
    for arguments in [&[][..], &["-n", "shop"], &["--namespace", "shop"]] {
        let scan = run(arguments);
        assert_eq!(scan.status.code(), Some(2), "{arguments:?}: {}", text(&scan.stderr));
        assert!(!text(&scan.stderr).contains("unexpected argument"), "{}", text(&scan.stderr));
        assert!(text(&scan.stderr).contains("cluster"), "{}", text(&scan.stderr));
    }
}

/// A chart whose only template is a Pod.
fn chart(pod: &str) -> tempfile::TempDir {
    let chart = "apiVersion: v2\nname: shop\nversion: 0.1.0\n";
    repository(&[("shop/Chart.yaml", chart), ("shop/templates/pod.yaml", pod)])
}

#[test]
fn helm_runs_both_plugins() {
    let Some(helm) = tool("helm", "helm coaming") else { return };
    let clean = PRIVILEGED.replace("privileged: true", "privileged: false");
    for (pod, passes) in [(PRIVILEGED, false), (clean.as_str(), true)] {
        let chart = chart(pod);
        let run = |arguments: &[&str]| {
            let mut command = command(&helm, chart.path());
            command.env("HELM_PLUGINS", root().join("integrations/helm"));
            command.env("COAMING_REPORT", chart.path().join("report"));
            command.env("COAMING_MIN_SEVERITY", "critical").args(arguments).output().unwrap()
        };
        let scan = run(&["coaming", "shop", "--min-severity", "critical"]);
        assert_eq!(scan.status.success(), passes, "{}", text(&scan.stderr));
        assert_eq!(text(&scan.stdout).contains("shop/templates/pod.yaml:9"), !passes);
        let render = run(&["template", "shop", "--post-renderer", "coaming-gate"]);
        assert_eq!(render.status.success(), passes, "{}", text(&render.stderr));
        assert_eq!(text(&render.stdout).contains("kind: Pod"), passes);
        let report = std::fs::read_to_string(chart.path().join("report")).unwrap_or_default();
        assert_eq!(report.contains("privileged"), !passes);
    }
}

#[test]
fn the_post_renderer_of_helm_3_is_a_filter() {
    let program = root().join("integrations/helm/coaming-gate/post-renderer.sh");
    let filter = |pod: &str, fix: &str| {
        let mut child = command(&program, Path::new("/tmp"))
            .env("COAMING_FIX", fix)
            .env("COAMING_MIN_SEVERITY", "critical")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(pod.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let clean = PRIVILEGED.replace("privileged: true", "privileged: false");
    let passed = filter(&clean, "0");
    assert_eq!(text(&passed.stdout), clean, "{}", text(&passed.stderr));
    let fixed = filter(&clean.replace("  automountServiceAccountToken: false\n", ""), "1");
    assert!(fixed.status.success(), "{}", text(&fixed.stderr));
    assert!(text(&fixed.stdout).contains("automountServiceAccountToken: false"));
    let refused = filter(PRIVILEGED, "0");
    assert_eq!((refused.status.code(), text(&refused.stdout)), (Some(1), String::new()));
}

#[test]
fn argo_cd_generates_what_has_no_findings() {
    let plugin = yaml("integrations/argocd/plugin.yaml");
    let generate = &plugin["spec"]["generate"];
    assert_eq!(generate["command"], serde_json::json!(["sh", "-c"]));
    let generate = generate["args"][0].as_str().unwrap();
    let clean = PRIVILEGED.replace("privileged: true", "privileged: false");
    for (pod, passes) in [(PRIVILEGED, false), (clean.as_str(), true)] {
        let chart = chart(pod);
        // The server runs the command in the application's directory.
        let generate = generate.replace("/tmp/", &format!("{}/", chart.path().display()));
        let environment = [
            pair("ARGOCD_APP_NAME", "shop"),
            pair("ARGOCD_APP_NAMESPACE", "shop"),
            pair("ARGOCD_ENV_COAMING_MIN_SEVERITY", "critical"),
        ];
        let text_of = format!("#!/bin/sh\n{generate}");
        let output = script(&text_of, &chart.path().join("shop"), &environment);
        assert_eq!(output.status.success(), passes, "{}", text(&output.stderr));
        assert_eq!(text(&output.stdout).contains("kind: Pod"), passes);
    }
    // The sidecar has no findings itself.
    let output =
        crate::run(&["scan", "--min-severity", "high", "integrations/argocd", "--allow-empty"]);
    assert!(output.status.success(), "{}", text(&output.stdout));
}

#[test]
fn flux_gets_only_what_has_no_findings() {
    let clean = PRIVILEGED.replace("privileged: true", "privileged: false");
    let project = repository(&[("deploy/pod.yaml", &clean)]);
    git(project.path(), &["remote", "add", "origin", "https://example.com/shop.git"]);
    let push = root().join("integrations/flux/push.sh");
    let run = || {
        let mut command = command(&push, project.path());
        command.env("FLUX", "/bin/echo").env("COAMING_MIN_SEVERITY", "critical");
        command.args(["deploy", "oci://registry.example.com/shop:1"]).output().unwrap()
    };
    let head = git(project.path(), &["rev-parse", "HEAD"]);
    let pushed = run();
    assert!(pushed.status.success(), "{}", text(&pushed.stderr));
    let called = text(&pushed.stdout);
    let called = called.lines().last().unwrap();
    assert!(called.starts_with("push artifact oci://registry.example.com/shop:1 --path deploy"));
    assert!(called.ends_with(&format!("--revision main@sha1:{head}")), "{called}");
    std::fs::write(project.path().join("deploy/pod.yaml"), PRIVILEGED).unwrap();
    commit(project.path());
    let refused = run();
    assert_eq!(refused.status.code(), Some(1));
    assert!(!text(&refused.stdout).contains("push artifact"));
}

#[test]
fn the_tekton_task_writes_its_result() {
    let task = yaml("integrations/tekton/coaming-scan.yaml");
    let step = &task["spec"]["steps"][0];
    let project = repository(&[("deploy/pod.yaml", PRIVILEGED)]);
    let result = project.path().join("result");
    // Tekton replaces its variables in the whole step.
    let replaced = |text: &str| {
        text.replace("$(params.path)", "deploy")
            .replace("$(params.min-severity)", "critical")
            .replace("$(results.findings.path)", &result.display().to_string())
    };
    let environment: Vec<_> = step["env"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| pair(it["name"].as_str().unwrap(), &replaced(it["value"].as_str().unwrap())))
        .collect();
    let output = script(step["script"].as_str().unwrap(), project.path(), &environment);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert_eq!(std::fs::read_to_string(result).unwrap(), "1");
}

#[cfg(feature = "lsp")]
#[test]
fn neovim_shows_a_finding_and_suppresses_it_with_a_reason() {
    let Some(nvim) = tool("nvim", "Neovim") else { return };
    let pod = PRIVILEGED.replace("{privileged: true}", "\n        privileged: true");
    let settings = "select: [privileged, suppression]\n";
    let project = repository(&[("coaming.yaml", settings), ("pod.yaml", &pod)]);
    let plugin = root().join("editors/neovim");
    let output = command(nvim, project.path())
        .args(["--headless", "-u", "NONE", "--cmd"])
        .arg(format!("set rtp+={}", plugin.display()))
        .arg("-l")
        .arg(plugin.join("test.lua"))
        .args(["pod.yaml", env!("CARGO_BIN_EXE_coaming")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn the_manifest_for_krew_names_what_a_release_has() {
    let manifest = yaml("integrations/kubectl/coaming.yaml");
    let platforms = manifest["spec"]["platforms"].as_array().unwrap();
    let architectures = ["amd64", "arm64"].into_iter().zip(["x86_64", "aarch64"]);
    assert_eq!(platforms.len(), architectures.clone().count());
    for (platform, (architecture, target)) in platforms.iter().zip(architectures) {
        assert_eq!(platform["selector"]["matchLabels"]["arch"], architecture);
        assert_eq!(platform["bin"], "kubectl-coaming");
        let target = format!("{target}-unknown-linux-musl");
        let uri = platform["uri"].as_str().unwrap();
        assert!(uri.ends_with(&format!("/v{{{{version}}}}/coaming-{target}.tar.gz")), "{uri}");
        assert_eq!(platform["sha256"], format!("{{{{{target}}}}}"));
        let files = platform["files"].as_array().unwrap();
        assert!(files.iter().any(|file| file["from"] == "*/kubectl-coaming"));
        assert!(files.iter().any(|file| file["from"] == "*/coaming"));
    }
}

/// What `pulumi up` writes with `renderYamlToDirectory`, by the documentation of its Kubernetes provider: a
/// file for each object, definitions apart; keys sorted, and names with a suffix where the program gives
/// none.
#[test]
fn manifests_that_pulumi_renders_are_read() {
    let definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: caches.shop.example\nspec:\n  group: shop.example\n  names:\n    kind: Cache\n    plural: caches\n  scope: Namespaced\n  versions:\n    - name: v1\n      schema:\n        openAPIV3Schema:\n          properties:\n            spec:\n              properties:\n                size:\n                  maximum: 4\n                  type: integer\n              type: object\n          type: object\n      served: true\n      storage: true\n";
    let cache = "apiVersion: shop.example/v1\nkind: Cache\nmetadata:\n  labels:\n    app.kubernetes.io/managed-by: pulumi\n  name: small-3f9a01bc\n  namespace: shop\nspec:\n  size: 9\n";
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  annotations:\n    pulumi.com/autonamed: \"true\"\n  labels:\n    app.kubernetes.io/managed-by: pulumi\n  name: web-6c1f2d3e\n  namespace: shop\nspec:\n  selector:\n    matchLabels:\n      app: web\n  template:\n    metadata:\n      labels:\n        app: web\n    spec:\n      containers:\n        - image: registry.example.com/web:1.4.2\n          name: web\n          securityContext:\n            privileged: true\n";
    // A project's own files are beside: one says that it is a Pulumi program, and is not a manifest.
    let project = "name: shop\nruntime: nodejs\ndescription: The shop\n";
    let directory = directory(&[
        ("Pulumi.yaml", project),
        (
            "rendered/0-crd/apiextensions.k8s.io_v1-customresourcedefinition-caches.shop.example.yaml",
            definition,
        ),
        ("rendered/1-manifest/shop.example_v1-cache-shop-small-3f9a01bc.yaml", cache),
        ("rendered/1-manifest/apps_v1-deployment-shop-web-6c1f2d3e.yaml", deployment),
    ]);
    let select = ["scan", "--select", "privileged,invalid-value", "--format", "concise", "."];
    let output = command("coaming", directory.path()).args(select).output().unwrap();
    let said = text(&output.stdout);
    let lines: Vec<&str> = said.lines().take(2).collect();
    let web = "rendered/1-manifest/apps_v1-deployment-shop-web-6c1f2d3e.yaml:23:";
    let small = "rendered/1-manifest/shop.example_v1-cache-shop-small-3f9a01bc.yaml:9:";
    assert!(lines.iter().any(|line| line.starts_with(web)), "{said}");
    assert!(lines.iter().any(|line| line.starts_with(small)), "{said}");
    assert!(!said.contains("Pulumi.yaml"), "{said}");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
}
