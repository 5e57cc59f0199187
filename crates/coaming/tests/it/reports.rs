//! How findings are reported: the first screen, several reports in one run, counts, colors.

use super::{coaming, directory, run, stderr, stdout};

/// A pod that is worse the higher its number, in a file whose name says the opposite.
fn pods(count: usize) -> Vec<(String, String)> {
    let pod = |number: usize| {
        let privileged =
            if number == count { "\n      securityContext: {privileged: true}" } else { "" };
        let text = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p{number}}}\nspec:\n  containers:\n    - name: c\n      \
             image: a/b:latest{privileged}\n"
        );
        (format!("{number:03}.yaml"), text)
    };
    (1..=count).map(pod).collect()
}

fn many(count: usize) -> tempfile::TempDir {
    let pods = pods(count);
    let files: Vec<_> = pods.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    directory(&files)
}

#[test]
fn critical_findings_come_first_whatever_the_file() {
    let files = many(3);
    let text = stdout(&coaming(&["scan"]).current_dir(files.path()).output().unwrap());
    let first = text.find("critical[privileged]").unwrap();
    let others = text.find("medium[").unwrap();
    assert!(first < others, "{text}");
    assert!(text.starts_with("Pod p3 (003.yaml)\n"), "{text}");
}

#[test]
fn the_end_names_the_worst_findings_with_their_places() {
    let files = many(3);
    let text = stdout(&coaming(&["scan"]).current_dir(files.path()).output().unwrap());
    let (_, end) = text
        .split_once("\nFix first (`coaming explain privileged` explains the first):\n")
        .unwrap();
    let lines: Vec<_> = end.lines().collect();
    assert_eq!(lines.len(), 5, "{end}");
    assert!(lines[0].starts_with("critical[privileged] 003.yaml:8 Pod p3 [c]: "), "{end}");
}

#[test]
fn long_reports_show_lesser_findings_in_one_line_each() {
    let files = many(50);
    let scan = |arguments: &[&str]| {
        stdout(&coaming(arguments).current_dir(files.path()).output().unwrap())
    };
    let (short, all) = (scan(&["scan"]), scan(&["scan", "--verbose"]));
    let line = "medium[image-tag] 001.yaml:7 Pod p1 [c]: ";
    assert!(short.lines().any(|each| each.starts_with(line)), "{short}");
    assert!(short.contains(" --> 050.yaml:8:"), "severe findings keep their source:\n{short}");
    let (all, _) = all.split_once("Fix first").unwrap();
    assert!(!all.lines().any(|each| each.starts_with(line)), "{all}");
    assert!(all.contains(" --> 001.yaml:7:"), "{all}");
}

#[test]
fn a_finding_shows_three_places_and_counts_the_others() {
    let files = many(6);
    let scan = |arguments: &[&str]| {
        stdout(&coaming(arguments).current_dir(files.path()).output().unwrap())
    };
    let text = scan(&["scan", "--select", "no-ingress-policy"]);
    assert!(text.contains("and 3 more places; `--verbose` shows all"), "{text}");
    let text = scan(&["scan", "--select", "no-ingress-policy", "--verbose"]);
    assert!(!text.contains("more places;"), "{text}");
    assert_eq!(text.matches(".yaml:1:1\n").count(), 6, "{text}");
}

#[test]
fn several_reports_are_written_in_one_run() {
    let files = many(2);
    let at = |name: &str| files.path().join(name);
    let arguments = [
        "scan", "--format", "sarif", "--output", "a.sarif", "--format", "markdown", "--output",
        "b.md", "--format", "concise",
    ];
    let output = coaming(&arguments).current_dir(files.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stdout(&output).contains("critical[privileged]"));
    let sarif: serde_json::Value =
        serde_json::from_slice(&std::fs::read(at("a.sarif")).unwrap()).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    assert!(std::fs::read_to_string(at("b.md")).unwrap().starts_with("### Coaming: "));
}

#[test]
fn formats_and_files_that_do_not_fit_are_refused_before_the_work() {
    for (arguments, expected) in [
        (&["scan", "--format", "json", "--format", "sarif"][..], "only one format"),
        (&["scan", "-o", "a", "-o", "b"][..], "more `--output` files"),
        (&["scan", "--format", "json", "-o", "a", "--format", "sarif", "-o", "a"][..], "same file"),
        (&["scan", "--format", "sarif", "--statistics"][..], "`--statistics` needs an output"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(expected), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn statistics_count_by_rule_most_first() {
    let files = many(3);
    let scan = |arguments: &[&str]| {
        stdout(&coaming(arguments).current_dir(files.path()).output().unwrap())
    };
    let text = scan(&["scan", "--statistics", "--select", "image-tag,privileged"]);
    let expected = "     3  medium        image-tag                   Image has no version tag\n     \
                    1  critical      privileged                  Container is privileged\n";
    assert_eq!(text, expected);
    let json =
        scan(&["scan", "--statistics", "--select", "image-tag,privileged", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["statistics"][0]["rule"], "image-tag");
    assert_eq!(json["statistics"][0]["count"], 3);
}

#[test]
fn statistics_are_one_output_beside_others() {
    let files = many(3);
    let scan = |arguments: &[&str]| {
        let output = coaming(arguments).current_dir(files.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        stdout(&output)
    };
    let counts = "     3  medium        image-tag                   Image has no version tag\n";
    let select = ["scan", "--select", "image-tag", "--statistics"];
    let with = |more: &[&'static str]| scan(&[&select[..], more].concat());
    let text = with(&["--format", "sarif", "--output", "a.sarif", "--format", "full"]);
    assert_eq!(text, counts);
    let read = |name: &str| std::fs::read_to_string(files.path().join(name)).unwrap();
    assert!(read("a.sarif").contains("image-tag"), "{}", read("a.sarif"));
    with(&["--format", "full", "--output", "counts", "--format", "json", "--output", "a.json"]);
    assert_eq!(read("counts"), counts);
    let json: serde_json::Value = serde_json::from_str(&read("a.json")).unwrap();
    assert_eq!(json["findings"].as_array().unwrap().len(), 3);
}

#[test]
fn quiet_leaves_the_summary_out() {
    let files = many(1);
    let text = stdout(&coaming(&["scan", "-q"]).current_dir(files.path()).output().unwrap());
    assert!(text.contains("critical[privileged]"), "{text}");
    assert!(!text.contains("findings:") && !text.contains("Fix first"), "{text}");
}

#[test]
fn suppressed_findings_are_shown_on_request_with_their_reasons() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n    - name: c\n      image: a/b:1.0\n      \
               securityContext: {privileged: true} # coaming: ignore[privileged] it manages the node\n";
    let files = directory(&[("p.yaml", pod)]);
    let scan = |arguments: &[&str]| {
        stdout(&coaming(arguments).current_dir(files.path()).output().unwrap())
    };
    assert!(!scan(&["scan"]).contains("critical[privileged]"));
    let text = scan(&["scan", "--show-suppressed"]);
    let line = "critical[privileged] p.yaml:8 Pod p [c]: container `c` is privileged (suppressed: it manages the node)";
    assert!(text.contains(line), "{text}");
}

#[test]
fn colors_follow_the_conventions_of_terminals() {
    let colored = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = coaming(arguments);
        command.envs(variables.iter().copied()).env_remove("CLICOLOR");
        stdout(&command.output().unwrap()).contains('\u{1b}')
    };
    let scan = &["scan", "examples/shop"][..];
    assert!(!colored(&[], scan), "a pipe is not a terminal");
    assert!(colored(&[("CLICOLOR_FORCE", "1")], scan));
    assert!(!colored(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], scan));
    assert!(colored(&[("NO_COLOR", "1")], &["scan", "--color", "always", "examples/shop"]));
    assert!(!colored(&[("CLICOLOR_FORCE", "1")], &["scan", "--color", "never", "examples/shop"]));
}

#[test]
fn severities_differ_in_color() {
    let text = stdout(&run(&["scan", "--color", "always", "examples/shop"]));
    let color = |severity: &str| {
        let at = text.rfind(&format!("{severity}[")).or(text.find(severity)).unwrap();
        let start = text[..at].rfind('\u{1b}').unwrap();
        text[start..at].to_owned()
    };
    assert_ne!(color("critical"), color("high"));
}

#[cfg(unix)]
#[test]
fn written_reports_have_the_permissions_of_new_files_or_of_what_they_replace() {
    use std::os::unix::fs::PermissionsExt as _;
    let files = many(1);
    let report = files.path().join("report.json");
    let mode = || report.metadata().unwrap().permissions().mode() & 0o777;
    let write = || {
        let arguments = ["scan", "--format", "json", "--output", "report.json"];
        coaming(&arguments).current_dir(files.path()).output().unwrap()
    };
    let new = files.path().join("new");
    std::fs::write(&new, "").unwrap();
    write();
    assert_eq!(mode(), new.metadata().unwrap().permissions().mode() & 0o777);
    std::fs::set_permissions(&report, std::fs::Permissions::from_mode(0o640)).unwrap();
    write();
    assert_eq!(mode(), 0o640);
}

#[test]
fn a_compliance_framework_lists_its_controls() {
    let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  hostPID: true\n  containers: \
                [{name: c, image: 'a/b:1.0', securityContext: {runAsNonRoot: true, capabilities: \
                {drop: [ALL]}}}]\n";
    let files = directory(&[("p.yaml", text)]);
    let scan = |format: &str| {
        let arguments = ["scan", "--standard", "cis", "--images", "never", "--format", format];
        coaming(&arguments).current_dir(files.path()).output().unwrap()
    };
    let report: serde_json::Value = serde_json::from_str(&stdout(&scan("json"))).unwrap();
    assert_eq!(report["compliance"]["framework"], "cis-1.12");
    let controls = report["compliance"]["controls"].as_array().unwrap();
    let of = |id: &str| controls.iter().find(|control| control["id"] == id).unwrap();
    for (id, status, findings) in [
        ("5.2.2", "passed", 0),
        ("5.2.3", "failed", 1),
        ("5.2.4", "passed", 0),
        ("5.2.6", "failed", 1),
        ("5.2.9", "passed", 0),
        ("5.6.2", "failed", 1),
        ("5.1.1", "not-checked", 0),
        ("1.1.1", "not-checked", 0),
    ] {
        let control = of(id);
        assert_eq!(
            (&control["status"], &control["findings"]),
            (&status.into(), &findings.into()),
            "{id}"
        );
        assert_eq!(control["reason"].is_string(), status == "not-checked", "{control}");
    }
    let text = stdout(&scan("full"));
    assert!(text.contains("  5.2.3   1 finding     no host process namespace\n"), "{text}");
    assert!(text.contains("Not checked, the input has no roles and no bindings: 5.1.1,"), "{text}");
    for format in ["markdown", "html"] {
        assert!(stdout(&scan(format)).contains("CIS Kubernetes Benchmark 1.12"), "{format}");
    }
}
