//! Charts that Helm does not load.

use super::chart;

fn error(metadata: &str, more: &[(&str, &str)]) -> String {
    let mut files = vec![("Chart.yaml", metadata)];
    files.extend(more);
    chart(&files).unwrap_err().to_string()
}

#[test]
fn what_helm_refuses_in_chart_yaml_is_an_error() {
    let chart = |text: &str| format!("apiVersion: v2\nname: web\n{text}");
    for (text, expected) in [
        ("", "`version` is required"),
        ("version: abc", "`version` \"abc\" is not a semantic version"),
        ("version: 1.0.0\ntype: foo", "`type` is \"foo\", not `application` or `library`"),
        ("version: 1.0.0\nmaintainers: [null]", "`maintainers` contains an empty entry"),
        ("version: 1.0.0\ndependencies: [null]", "`dependencies` contains an empty entry"),
        ("version: 1.0.0\nhome: [a]", "`home` is a list, not a text"),
        ("version: 1.0.0\nkeywords: a", "`keywords` is a text, not a list"),
        ("version: 1.0.0\nsources: [{a: b}]", "`sources[0]` is an object, not a text"),
        ("version: 1.0.0\ndeprecated: 'yes'", "`deprecated` is a text, not `true` or `false`"),
        ("version: 1.0.0\nannotations: {a: [b]}", "`annotations.a` is a list, not a text"),
        ("version: 1.0.0\nannotations: x", "`annotations` is a text, not an object of texts"),
        ("version: 1.0.0\nmaintainers: [x]", "`maintainers[0]` is a text, not an object"),
        (
            "version: 1.0.0\nMaintainers: [{Name: []}]",
            "`maintainers[0].name` is a list, not a text",
        ),
        ("version: 1.0.0\ndependencies: {a: b}", "`dependencies` is an object, not a list"),
        (
            "version: 1.0.0\ndependencies: [{name: a, alias: b}, {name: b}]",
            "more than one dependency has the name or alias \"b\"",
        ),
        (
            "version: 1.0.0\ndependencies: [{name: a, alias: 'b c'}]",
            "the alias \"b c\" of dependency \"a\" is not valid",
        ),
    ] {
        assert_eq!(error(&chart(text), &[]), format!("Chart.yaml: {expected}"));
    }
    let unknown = error("apiVersion: v3\nname: web\nversion: 1.0.0", &[]);
    assert_eq!(unknown, "Chart.yaml: `apiVersion` is \"v3\", not `v1` or `v2`");
}

#[test]
fn a_lock_that_is_not_an_object_is_an_error() {
    let metadata = "apiVersion: v2\nname: web\nversion: 1.0.0\n";
    let lock = |text| error(metadata, &[("Chart.lock", text)]);
    assert_eq!(lock("- a"), "Chart.lock is not a mapping");
    assert!(lock("a: [").starts_with("Chart.lock: "));
}

#[test]
fn other_files_in_charts_are_an_error_as_in_helm() {
    let metadata = "apiVersion: v2\nname: web\nversion: 1.0.0\n";
    let readme = ("charts/README.md", "text");
    let expected =
        "charts/README.md is not a chart, and Helm allows no other files there: remove it";
    assert_eq!(error(metadata, &[readme]), expected);
    let ignored = [("charts/.gitkeep", ""), ("charts/_x", ""), ("charts/a-1.0.0.tgz.prov", "")];
    let mut files = vec![("Chart.yaml", metadata)];
    files.extend(ignored);
    assert!(chart(&files).is_ok());
}

#[test]
fn what_helm_refuses_in_helmignore_is_an_error() {
    let metadata = "apiVersion: v2\nname: web\nversion: 1.0.0\n";
    let message = |line: &str| error(metadata, &[(".helmignore", &format!("*.bak\n{line}\n"))]);
    for line in ["**", "files/**", "**/c.txt"] {
        assert_eq!(
            message(line),
            "Helm does not support `**` here: name each directory, or use `*`"
        );
    }
    for line in ["[", "files/[a", "a[", "\\", "[]a]", "[a-]", "[-a]", "*["] {
        assert_eq!(message(line), "the pattern is not valid", "{line}");
    }
}
