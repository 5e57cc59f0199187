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
