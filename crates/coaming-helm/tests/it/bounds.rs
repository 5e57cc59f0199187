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

/// What a chart with `port: web` and this schema fails with.
fn refused_by(schema: &str) -> Option<String> {
    let files = [
        ("values.yaml", "a: 1\nport: web\n"),
        ("values.schema.json", schema),
        ("templates/a.yaml", "a: 1"),
    ];
    chart(&files).err().map(|error| error.to_string())
}

#[test]
fn a_schema_counts_beside_references_to_the_network() {
    let remote =
        r#""a": {"$ref": "https://example.com/x.json#/definitions/y"}, "b": {"$ref": "urn:x:y"}"#;
    let schema = format!(r#"{{"properties": {{{remote}, "port": {{"type": "integer"}}}}}}"#);
    let error = refused_by(&schema).unwrap();
    assert!(error.contains("at '/port': the value is not of type"), "{error}");
    let schema = format!(r#"{{"properties": {{{remote}, "port": {{"type": "string"}}}}}}"#);
    assert_eq!(refused_by(&schema), None);
    let own = r##"{"$id": "https://x.io/v.json", "$defs": {"p": {"type": "integer"}}, "properties": {"port": {"$ref": "https://x.io/v.json#/$defs/p"}}}"##;
    assert!(refused_by(own).unwrap().contains("at '/port'"));
}

#[test]
fn a_schema_that_is_not_valid_is_an_error() {
    for schema in [
        r##"{"properties": {"port": {"$ref": "#/definitions/missing"}}}"##,
        r#"{"properties": {"port": {"type": "text"}}}"#,
        r#"{"properties": [1]}"#,
        r#"{"properties": {"port": {"items": [{"type": "string"}]}}}"#,
        "null",
    ] {
        let error = refused_by(schema).unwrap_or_else(|| panic!("{schema}"));
        assert!(error.contains("is not a valid schema"), "{error}");
    }
    // A pattern of a dialect that we do not know refuses nothing.
    assert_eq!(refused_by(r#"{"properties": {"port": {"pattern": "["}}}"#), None);
    assert_eq!(refused_by(r#"{"properties": {"port": {"contentEncoding": "base64"}}}"#), None);
}
