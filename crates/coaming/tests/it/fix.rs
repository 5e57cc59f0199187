//! `coaming fix`: only what must change changes, and what is fixed stays fixed.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use snapbox::{assert_data_eq, str};

use super::corpus::corpus;
use super::{coaming, directory, json, root, stderr, stdout};

const POD: &str = "# our web server\napiVersion: v1\nkind: Pod\nmetadata: {name: p}   # short\nspec:\n  automountServiceAccountToken: false\n  containers:\n    -   name: c # odd indentation\n        image: 'a/b:1.0'\n        securityContext:\n          privileged: true   # why?\n";

fn fix(directory: &Path, arguments: &[&str]) -> std::process::Output {
    let all: Vec<&str> = ["fix"].iter().chain(arguments).copied().collect();
    coaming(&all).current_dir(directory).output().unwrap()
}

#[test]
fn diff_shows_the_reasons_and_writes_nothing() {
    let files = directory(&[("pod.yaml", POD)]);
    let output = fix(files.path(), &["--unsafe", "--diff"]);
    assert_eq!(output.status.code(), Some(1));
    assert_data_eq!(
        stdout(&output),
        str![[r#"
# Pod p, container c: remove `privileged: true` (privileged)
# Pod p, container c: set the missing fields (missing-security-context)
--- a/pod.yaml
+++ b/pod.yaml
@@ -8,4 +8,11 @@
     -   name: c # odd indentation
         image: 'a/b:1.0'
         securityContext:
-          privileged: true   # why?
+          runAsNonRoot: true
+          readOnlyRootFilesystem: true
+          allowPrivilegeEscalation: false
+          capabilities:
+            drop:
+              - ALL
+          seccompProfile:
+            type: RuntimeDefault

"#]]
    );
    assert_eq!(fs::read_to_string(files.path().join("pod.yaml")).unwrap(), POD);
}

#[test]
fn what_several_containers_share_is_repaired_where_it_is_written() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n    - &a\n      name: a\n      image: a/b:1.0\n      securityContext: &s\n        privileged: true # why?\n        capabilities: {drop: [ALL]}\n    - {name: b, image: 'a/b:1.0', securityContext: *s}\n    - {<<: *a, name: c}\n";
    let files = directory(&[("pod.yaml", pod)]);
    let output = fix(files.path(), &["--unsafe", "--select", "privileged"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let expected = pod.replace("        privileged: true # why?\n", "");
    assert_eq!(fs::read_to_string(files.path().join("pod.yaml")).unwrap(), expected);
    let text = stdout(&output);
    for container in ["a", "b", "c"] {
        assert!(text.contains(&format!("container {container}: remove")), "{text}");
    }
    // One that is to stay keeps the others from it, too.
    let kept =
        pod.replace("'a/b:1.0', s", "'a/b:1.0', # coaming: ignore[privileged] ours\n      s");
    fs::write(files.path().join("pod.yaml"), &kept).unwrap();
    let output = fix(files.path(), &["--unsafe", "--select", "privileged"]);
    assert_eq!(fs::read_to_string(files.path().join("pod.yaml")).unwrap(), kept);
    assert!(stderr(&output).contains("an anchor that"), "{}", stderr(&output));
}

#[test]
fn a_diff_names_files_as_git_does() {
    let files = directory(&[("k8s/pod.yaml", POD)]);
    let path = files.path().canonicalize().unwrap().join("k8s/pod.yaml");
    let output = coaming(&["fix", "--unsafe", "--diff"])
        .arg(path)
        .current_dir(files.path().canonicalize().unwrap())
        .output()
        .unwrap();
    assert!(stdout(&output).contains("\n--- a/k8s/pod.yaml\n"), "{}", stdout(&output));
}

#[test]
fn values_in_a_text_are_repaired_in_their_lines() {
    let application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web, namespace: argocd}\nspec:\n  \
        source:\n    repoURL: https://charts.example.com\n    chart: web\n    helm:\n      values: |\n        # ours\n        \
        securityContext:\n          privileged: true # why?\n          runAsUser: 7\n        hostNetwork: true # coaming: ignore[host-namespaces] a proxy\n";
    let files = directory(&[("app.yaml", application)]);
    let scan = coaming(&["scan", "--format", "concise"]).arg(files.path()).output().unwrap();
    let text = stdout(&scan);
    assert!(text.contains("app.yaml:12:11: critical[privileged]"), "{text}");
    assert!(!text.contains("host-namespaces"), "{text}");
    let output = fix(files.path(), &["--unsafe"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let expected = application.replace("          privileged: true # why?\n", "");
    assert_eq!(fs::read_to_string(files.path().join("app.yaml")).unwrap(), expected);
}

#[test]
fn safe_fixes_alone_without_being_asked() {
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  revisionHistoryLimit: 0\n  template:\n    spec:\n      automountServiceAccountToken: false\n      containers: [{name: c, image: 'a:1.0'}]\n";
    let files = directory(&[("d.yaml", text)]);
    let output = fix(files.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("1 more fix is available with `--unsafe`"),
        "{}",
        stderr(&output)
    );
    let fixed = fs::read_to_string(files.path().join("d.yaml")).unwrap();
    assert_eq!(fixed, text.replace("  revisionHistoryLimit: 0\n", ""));
}

#[cfg(unix)]
#[test]
fn links_and_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let files = directory(&[("real.yaml", POD)]);
    let real = files.path().join("real.yaml");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real.yaml", files.path().join("link.yaml")).unwrap();
    let output = fix(files.path(), &["--unsafe", "--select", "security-context", "link.yaml"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(fs::symlink_metadata(files.path().join("link.yaml")).unwrap().is_symlink());
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(!fs::read_to_string(&real).unwrap().contains("privileged"));
    let left: Vec<_> = fs::read_dir(files.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "no temporary file is left");
}

#[test]
fn files_with_syntax_errors_are_left_alone() {
    let text = format!("{POD}---\napiVersion: v1\nkind: Pod\nspec: [\n");
    let files = directory(&[("pod.yaml", &text)]);
    let output = fix(files.path(), &["--unsafe"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("has syntax errors; correct them first"));
    assert_eq!(fs::read_to_string(files.path().join("pod.yaml")).unwrap(), text);
}

#[test]
fn restricted_is_reached() {
    let files = directory(&[("pod.yaml", POD), ("shop.yaml", &example())]);
    let output = fix(files.path(), &["--unsafe", "--standard", "restricted"]);
    let scan = coaming(&["scan", "--standard", "restricted", "--format", "json"])
        .current_dir(files.path())
        .output()
        .unwrap();
    let report = json(&scan);
    let left: Vec<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["fix"]["applicability"] != "manual")
        .map(|finding| finding["message"].as_str().unwrap())
        .collect();
    assert!(left.is_empty(), "{left:#?}\n{}", stdout(&output));
}

fn example() -> String {
    let read = |name: &str| fs::read_to_string(root().join("examples/shop").join(name)).unwrap();
    ["web.yaml", "orders.yaml", "database.yaml", "agent.yaml"].map(read).join("---\n")
}

#[test]
fn the_corpus_is_repaired_once_and_for_all() {
    let Some(corpus) = corpus() else { return };
    let copy = tempfile::tempdir().unwrap();
    copy_directory(&corpus, copy.path());
    let before = comments(copy.path());
    let known = kinds_of_findings(copy.path());
    let first = fix(copy.path(), &["--unsafe"]);
    assert_eq!(first.status.code(), Some(2), "the corpus has charts");
    let scan = coaming(&["scan", "--format", "json"]).current_dir(copy.path()).output().unwrap();
    let report = json(&scan);
    let findings = report["findings"].as_array().unwrap();
    let skipped = stderr(&first).lines().filter(|line| line.starts_with("not fixed")).count();
    let left = findings.iter().filter(|f| f["fix"]["applicability"] != "manual").count();
    assert!(left <= skipped, "{left} findings are left, but only {skipped} were reported");
    // Where an image starts as root and has no other user, its user is left to the author: what was
    // one of several missing fields is then a finding of its own.
    let is_known = |kind: &String| {
        known.contains(kind)
            || known.contains(&kind.replacen("run-as-non-root", "missing-security-context", 1))
    };
    let new: Vec<String> =
        kinds_of_findings(copy.path()).into_iter().filter(|kind| !is_known(kind)).collect();
    assert!(new.is_empty(), "fixes made new findings: {new:#?}");
    let after = comments(copy.path());
    let lost = before.len() - after.len();
    // A comment goes only with the line that it is about.
    assert!(lost * 20 <= before.len(), "{lost} of {} comments were lost", before.len());
    let second = fix(copy.path(), &["--unsafe", "--diff"]);
    assert_eq!(stdout(&second), "");
}

/// What the real `helm` renders of every chart with templates below a directory.
fn by_helm(tools: &OsStr, directory: &Path) -> BTreeMap<PathBuf, String> {
    let mut charts = Vec::new();
    for publisher in fs::read_dir(directory).unwrap() {
        let entries = fs::read_dir(publisher.unwrap().path()).unwrap();
        charts.extend(entries.map(|entry| entry.unwrap().path()));
    }
    charts.retain(|chart| chart.join("Chart.yaml").is_file());
    let rendered = charts.into_iter().filter_map(|chart| {
        let mut helm = std::process::Command::new("helm");
        let output = helm.arg("template").arg(&chart).env("PATH", tools).output().unwrap();
        let name = chart.strip_prefix(directory).unwrap().to_owned();
        let text = String::from_utf8(output.stdout).unwrap();
        output.status.success().then_some((name, text))
    });
    rendered.collect()
}

#[test]
fn charts_that_were_repaired_are_the_same_for_helm_but_for_the_fixes() {
    let Some(corpus) = corpus() else { return };
    let Some(tools) = super::render::tools() else { return };
    let copy = tempfile::tempdir().unwrap();
    copy_directory(&corpus.join("charts"), copy.path());
    let before = by_helm(&tools, copy.path());
    fix(copy.path(), &["--unsafe"]);
    let after = by_helm(&tools, copy.path());
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    let changed = before.iter().filter(|(chart, text)| after[*chart] != **text).count();
    assert!(changed > 35, "only {changed} charts were repaired");
    // What was there and is not now are switches, empty mappings and fields with other values.
    for (chart, text) in &before {
        let lines = |text: &str| -> Vec<String> {
            text.lines().map(|line| line.trim_start().to_owned()).collect()
        };
        let mut rest = lines(&after[chart]);
        let mut gone = lines(text);
        gone.retain(|line| match rest.iter().position(|other| other == line) {
            Some(place) => {
                rest.remove(place);
                false
            }
            None => true,
        });
        assert!(gone.len() <= 30, "{}: {gone:#?}", chart.display());
    }
}

/// Rule, file, object and container of every finding below a directory.
fn kinds_of_findings(directory: &Path) -> std::collections::BTreeSet<String> {
    let scan = coaming(&["scan", "--format", "json"]).current_dir(directory).output().unwrap();
    let report = json(&scan);
    let findings = report["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|finding| {
            let (rule, container) = (&finding["rule"], &finding["container"]);
            let (object, file) = (&finding["object"], &finding["locations"][0]["file"]);
            // One per namespace: which of its workloads comes first says nothing.
            if ["no-ingress-policy", "no-egress-policy"].iter().any(|joined| rule == joined) {
                return format!("{rule} {}", object["namespace"]);
            }
            format!("{rule} {file} {object} {container}")
        })
        .collect()
}

#[test]
fn what_must_stay_writable_and_reachable_is_kept() {
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  template:\n    metadata:\n      labels: {app: d}\n    spec:\n      automountServiceAccountToken: false\n      containers:\n        - name: web\n          image: nginx:1.27.1\n          command: [sh, -c, 'date > /var/log/web/start; exec nginx']\n          ports:\n            - containerPort: 80\n          securityContext:\n            runAsNonRoot: true\n---\napiVersion: v1\nkind: Service\nmetadata: {name: d}\nspec:\n  selector: {app: d}\n  ports: [{port: 80}]\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: d}\nspec:\n  podSelector: {matchLabels: {app: d}}\n  ingress:\n    - ports:\n        - port: 80\n";
    let files = directory(&[("d.yaml", text)]);
    fix(files.path(), &["--unsafe", "--select", "security-context"]);
    let fixed = fs::read_to_string(files.path().join("d.yaml")).unwrap();
    for part in ["- NET_BIND_SERVICE", "mountPath: /var/cache/nginx", "mountPath: /var/log/web"] {
        assert!(fixed.contains(part), "{part}: {fixed}");
    }
    // A port that is moved needs no capability; its Service follows it.
    let root = text.replace(
        "            runAsNonRoot: true",
        "            seccompProfile: {type: RuntimeDefault}",
    );
    // The image listens on port 80 whatever the manifest says: its user may do so.
    let files = directory(&[("d.yaml", &root)]);
    fix(files.path(), &["--unsafe"]);
    let fixed = fs::read_to_string(files.path().join("d.yaml")).unwrap();
    assert!(fixed.contains("net.ipv4.ip_unprivileged_port_start"), "{fixed}");
    assert!(fixed.contains("containerPort: 80\n") && fixed.contains("runAsUser: 101"), "{fixed}");
    let root = root.replace("nginx:1.27.1", "acme/web:1.27.1");
    // Nothing tells an unknown image another port, either.
    let files = directory(&[("d.yaml", &root)]);
    fix(files.path(), &["--unsafe"]);
    let fixed = fs::read_to_string(files.path().join("d.yaml")).unwrap();
    assert!(fixed.contains("net.ipv4.ip_unprivileged_port_start"), "{fixed}");
    assert!(fixed.contains("containerPort: 80\n"), "{fixed}");
    let root = root.replace("exec nginx']", "exec nginx', --port=80]");
    let files = directory(&[("d.yaml", &root)]);
    fix(files.path(), &["--unsafe"]);
    let fixed = fs::read_to_string(files.path().join("d.yaml")).unwrap();
    assert!(fixed.contains("containerPort: 8080"), "{fixed}");
    assert!(fixed.contains("--port=8080") && fixed.contains("targetPort: 8080"), "{fixed}");
    assert!(fixed.contains("          port: 8080"), "the policy lets it in: {fixed}");
    assert!(!fixed.contains("NET_BIND_SERVICE"), "{fixed}");
}

/// A pod that listens on a low port, as root.
fn web(name: &str, ports: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  labels: {{app: web, track: {name}}}\n\
         spec:\n  containers:\n    - name: web\n      image: web:1.4.2\n      args: [--listen, ':80']\n{ports}"
    )
}

/// All that a Service leads to moves together, or nothing does.
#[test]
fn a_port_moves_for_all_behind_its_service() {
    let port = "      ports:\n        - containerPort: 80\n      readinessProbe:\n        tcpSocket: {port: 80}\n";
    let used = "      ports:\n        - containerPort: 80\n        - containerPort: 8080\n";
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  selector: {app: web}\n  ports: [{port: 80}]\n";
    let policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: canary}\nspec:\n  podSelector:\n    matchExpressions:\n      - {key: track, operator: NotIn, values: [stable]}\n  ingress:\n    - ports:\n        - port: 80\n";
    let (stable, canary) = (web("stable", port), web("canary", used));
    let all = [("a.yaml", &*stable), ("b.yaml", &*canary), ("c.yaml", service), ("d.yaml", policy)];
    let files = directory(&all);
    let output = fix(files.path(), &["--unsafe", "--select", "privileged-port"]);
    let told = stdout(&output);
    for subject in
        ["  Pod canary: listen on 8081", "  Service web: listen", "  NetworkPolicy canary: listen"]
    {
        assert!(told.contains(subject), "{subject}: {told}");
    }
    let fixed = |name: &str| fs::read_to_string(files.path().join(name)).unwrap();
    for (name, parts) in [
        ("a.yaml", &["containerPort: 8081", "tcpSocket: {port: 8081}"][..]),
        ("b.yaml", &["containerPort: 8081", "containerPort: 8080"]),
        ("c.yaml", &["targetPort: 8081"]),
        ("d.yaml", &["port: 80\n", "port: 8081"]),
    ] {
        for part in parts {
            assert!(fixed(name).contains(part), "{part} in {name}: {}", fixed(name));
        }
    }
    // Where the third one listens, nobody says: both keep their port.
    let silent = web("silent", "");
    let files = directory(&[("a.yaml", &stable), ("b.yaml", &silent), ("c.yaml", service)]);
    let output = fix(files.path(), &["--unsafe", "--diff", "--select", "privileged-port"]);
    let diff = stdout(&output);
    assert!(diff.contains("ip_unprivileged_port_start") && !diff.contains("808"), "{diff}");
    let scan = coaming(&["scan", "--select", "privileged-port"]).current_dir(files.path()).output();
    let report = stdout(&scan.unwrap());
    assert!(report.contains("Change Pod `silent` as well"), "{report}");
}

fn copy_directory(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy_directory(&entry.path(), &target);
        } else {
            fs::write(target, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

/// All lines that are comments, below a directory.
fn comments(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(comments(&path));
        } else if let Ok(text) = fs::read_to_string(&path) {
            found.extend(text.lines().filter(|l| l.contains('#')).map(str::to_owned));
        }
    }
    found
}

/// Whether `git apply` takes the output of `fix --diff` and leaves what `fix` itself writes.
fn applies_with_git(files: &[(&str, &str)], arguments: &[&str]) {
    let shown = directory(files);
    let diff = fix(shown.path(), &[arguments, &["--diff"]].concat());
    fs::write(shown.path().join("fix.patch"), &diff.stdout).unwrap();
    let git = std::process::Command::new("git")
        .args(["apply", "fix.patch"])
        .current_dir(shown.path())
        .output();
    let Ok(git) = git else { return coaming_test::skip!("git is not installed") };
    assert!(git.status.success(), "{}\n{}", stderr(&git), stdout(&diff));
    let fixed = directory(files);
    fix(fixed.path(), arguments);
    for (name, _) in files {
        let read = |directory: &Path| fs::read(directory.join(name)).unwrap();
        assert_eq!(read(shown.path()), read(fixed.path()), "{name}");
    }
}

#[test]
fn a_diff_applies_with_git() {
    let deep = "a/b c/pod.yaml";
    let crlf = POD.replace('\n', "\r\n");
    applies_with_git(
        &[("pod.yaml", POD), (deep, POD), ("crlf.yaml", &crlf), ("end.yaml", POD.trim_end())],
        &["--unsafe"],
    );
}

#[test]
fn a_diff_next_to_a_secret_applies_in_part() {
    let secret = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n    - name: c\n      image: a/b:1.0\n      securityContext:\n        privileged: true\n      env:\n        - name: DB_PASSWORD\n          value: Kq7pZx4w91bQ\n";
    let files = directory(&[("pod.yaml", secret)]);
    let diff = fix(files.path(), &["--unsafe", "--diff"]);
    assert!(!stdout(&diff).contains("Kq7pZx4w91bQ"), "{}", stdout(&diff));
    fs::write(files.path().join("fix.patch"), &diff.stdout).unwrap();
    let git = std::process::Command::new("git")
        .args(["apply", "fix.patch"])
        .current_dir(files.path())
        .output();
    let Ok(git) = git else { return coaming_test::skip!("git is not installed") };
    assert!(git.status.success(), "{}\n{}", stderr(&git), stdout(&diff));
}

#[test]
fn a_file_in_utf16_stays_in_utf16() {
    let files = directory(&[]);
    let path = files.path().join("pod.yaml");
    let bytes: Vec<u8> =
        std::iter::once(0xFEFF).chain(POD.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    fs::write(&path, bytes).unwrap();
    let shown = fix(files.path(), &["--unsafe", "--diff"]);
    assert_eq!(shown.status.code(), Some(2));
    assert!(stderr(&shown).contains("UTF-16"), "{}", stderr(&shown));
    fix(files.path(), &["--unsafe"]);
    let after = fs::read(&path).unwrap();
    assert_eq!(after[..2], [0xFF, 0xFE]);
    let units = after[2..].chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let text: String = char::decode_utf16(units).map(Result::unwrap).collect();
    assert!(text.starts_with("# our web server\n") && !text.contains("privileged"), "{text}");
}

#[test]
fn standard_input_is_fixed_to_standard_output() {
    let run = |arguments: &[&str], input: &str| {
        let mut child = coaming(arguments)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let fixed = run(&["fix", "--unsafe", "-"], POD);
    assert!(stdout(&fixed).starts_with("# our web server\n"), "{}", stdout(&fixed));
    assert!(!stdout(&fixed).contains("privileged"), "{}", stdout(&fixed));
    // What needs no fix is written as it is.
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a} # b\n";
    assert_eq!(stdout(&run(&["fix", "-"], map)), map);
}

#[cfg(unix)]
#[test]
fn an_interrupted_fix_leaves_whole_files_and_no_others() {
    let files = directory(&[]);
    let count = 600;
    for number in 0..count {
        fs::write(files.path().join(format!("{number}.yaml")), POD).unwrap();
    }
    let mut child = coaming(&["fix", "--unsafe", "."])
        .current_dir(files.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let read = |number: u32| fs::read_to_string(files.path().join(format!("{number}.yaml")));
    while (0..count).all(|number| read(number).is_ok_and(|text| text == POD)) {
        std::thread::yield_now();
    }
    let pid = child.id().to_string();
    let killed = std::process::Command::new("kill").args(["-INT", &pid]).status();
    if killed.is_err() {
        child.wait().unwrap();
        return coaming_test::skip!("kill is not installed");
    }
    let output = child.wait_with_output().unwrap();
    let names: Vec<String> = fs::read_dir(files.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(names.len(), count as usize, "{names:?}");
    let changed = (0..count).filter(|&number| read(number).unwrap() != POD).count();
    assert!((0..count).all(|number| read(number).unwrap().ends_with('\n')));
    if changed < count as usize {
        assert_eq!(output.status.code(), Some(130));
        let expected = format!("{changed} of {count} files were changed");
        assert!(stderr(&output).contains(&expected), "{}", stderr(&output));
    }
}

#[test]
fn a_field_is_written_below_the_key_of_what_a_helper_writes() {
    let pod = |name: &str, more: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec:\n{more}  {{{{- include \
             \"pod\" . | nindent 2 }}}}\n"
        )
    };
    let off = "  automountServiceAccountToken: false\n";
    let helper = "{{- define \"pod\" -}}\nimagePullSecrets:\n- name: registry\ncontainers:\n- name: \
                  web\n  image: nginx:1.25\n{{- end }}\n";
    let files = directory(&[
        ("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
        ("templates/_pod.tpl", helper),
        ("templates/a.yaml", &pod("a", "")),
        ("templates/b.yaml", &pod("b", off)),
    ]);
    let arguments = ["--unsafe", "--select", "service-account-token", "."];
    let output = fix(files.path(), &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let read = |name: &str| fs::read_to_string(files.path().join(name)).unwrap();
    assert_eq!(read("templates/a.yaml"), pod("a", off));
    assert_eq!(read("templates/_pod.tpl"), helper);
}
