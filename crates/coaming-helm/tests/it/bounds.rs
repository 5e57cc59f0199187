//! A hostile chart costs a bounded amount.

use super::{chart, rendered};

fn refused(template: &str) -> String {
    chart(&[("templates/a.yaml", template)]).unwrap_err().to_string()
}

#[test]
fn bombs_are_refused() {
    for template in [
        "{{ range until 100000 }}{{ range until 100000 }}x{{ end }}{{ end }}",
        "{{ range 9223372036854775807 }}x{{ end }}",
        "{{ repeat 2147483647 (repeat 1000 \"aaaaaaaa\") }}",
        "{{ untilStep 0 9223372036854775807 1 }}",
        "{{ indent 2000000000 \"a\\nb\" }}",
        "{{ $x := \"aaaaaaaaaaaaaaaa\" }}{{ range until 60 }}{{ $x = print $x $x }}{{ end }}",
        "{{ $d := dict }}{{ $_ := set $d \"d\" $d }}{{ mustToYaml $d }}",
        "{{ $d := dict }}{{ $_ := set $d \"d\" $d }}{{ deepCopy $d }}",
        "{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}",
        "{{ define \"a\" }}{{ tpl \"{{ include \\\"a\\\" . }}\" . }}{{ end }}{{ include \"a\" . }}",
    ] {
        assert!(!refused(template).is_empty(), "{template}");
    }
}

#[test]
fn deep_nests_neither_overflow_nor_hang() {
    let deep = "{{ $x := list }}{{ range until 100000 }}{{ $x = list $x }}{{ end }}ok: true";
    assert_eq!(rendered(deep, ""), "ok: true");
    let parentheses = format!("{{{{ {}1{} }}}}", "(".repeat(5000), ")".repeat(5000));
    assert!(refused(&parentheses).contains("nested too deeply"));
    let blocks = "{{ if true }}".repeat(5000);
    assert!(refused(&blocks).contains("nested too deeply"));
}

#[test]
fn nothing_is_read_from_the_machine() {
    assert!(refused("{{ env \"HOME\" }}").contains("not defined"));
    assert!(refused("{{ expandenv \"$HOME\" }}").contains("not defined"));
    assert_eq!(rendered("a: {{ getHostByName \"localhost\" | quote }}", ""), "a: \"\"");
    assert_eq!(rendered("a: {{ .Files.Get \"../../etc/passwd\" | quote }}", ""), "a: \"\"");
}

#[test]
fn errors_name_the_innermost_place() {
    let helper = "{{ define \"x\" }}\n{{ .Values.missing.name }}{{ end }}";
    let files = [("templates/_x.tpl", helper), ("templates/a.yaml", "a: {{ include \"x\" . }}")];
    match chart(&files).unwrap_err() {
        coaming_helm::RenderError::Place { file, line, message, .. } => {
            assert_eq!((file.as_str(), line), ("templates/_x.tpl", 2), "{message}");
            assert!(message.contains("nil pointer evaluating interface {}.name"), "{message}");
        }
        error => panic!("{error}"),
    }
}

#[test]
fn a_violated_schema_names_the_line_of_the_value() {
    let schema = r#"{"properties": {"port": {"type": "integer"}}}"#;
    let files = [
        ("values.yaml", "a: 1\nport: web\n"),
        ("values.schema.json", schema),
        ("templates/a.yaml", "a: 1"),
    ];
    match chart(&files).unwrap_err() {
        coaming_helm::RenderError::Place { file, line, .. } => {
            assert_eq!((file.as_str(), line), ("values.yaml", 2));
        }
        error => panic!("{error}"),
    }
}
