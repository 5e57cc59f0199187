//! No error shows a value that is a secret, in whatever words a chart quotes it.

use coaming_helm::{Options, Values, render};
use coaming_test::planted_secrets::{filled, shown};

const CHART: &str = "apiVersion: v2\nname: shop\nversion: 1.0.0\n";

const VALUES: &str = "auth:
  password: <word>
  pin: <number>
  short: {password: \"<short>\"}
  token: <token>
  key: |
    <token>
    <other>
db:
  url: postgres://app:<word>@db/x
  credentials: {a: <other>}
";

/// Templates that fail, each in its own way.
const TEMPLATES: &[&str] = &[
    r#"{{ fail (printf "bad password %s" .Values.auth.password) }}"#,
    r#"{{ fail (printf "%q %v" .Values.auth.key .Values.auth.pin) }}"#,
    r#"{{ fail (toYaml .Values) }}"#,
    r#"{{ fail (toJson .Values) }}"#,
    r#"{{ fail (printf "%v" .Values) }}"#,
    r#"{{ fail (b64enc .Values.auth.password) }}"#,
    r#"{{ fail (upper .Values.auth.password) }}"#,
    r#"{{ fail (trunc 8 .Values.auth.password) }}"#,
    r#"{{ fail (replace "walnut" "w" .Values.auth.password) }}"#,
    r#"{{ fail (toString .Values.auth.pin) }}"#,
    r#"{{ fail (trunc 7 .Values.auth.password) }}"#,
    r#"{{ fail (printf "got %s" (trunc -7 .Values.auth.password)) }}"#,
    r#"{{ fail (abbrev 10 .Values.auth.password) }}"#,
    r#"{{ fail (b32enc .Values.auth.password) }}"#,
    r#"{{ fail (b64enc .Values.auth.short.password) }}"#,
    r#"{{ fail (.Values.auth.short.password | b64enc | b64enc) }}"#,
    r#"{{ fail (b32enc .Values.auth.short.password) }}"#,
    r#"{{ fail (printf "%x" .Values.auth.short.password) }}"#,
    r#"{{ fail (printf "% x" .Values.auth.short.password) }}"#,
    r#"{{ fail (urlquery .Values.auth.short.password) }}"#,
    r#"{{ fail (html .Values.auth.short.password) }}"#,
    r#"{{ fail (js .Values.auth.short.password) }}"#,
    r#"{{ fail (squote .Values.auth.short.password) }}"#,
    r#"{{ fail (quote .Values.auth.short.password) }}"#,
    r#"{{ fail (toYaml .Values.auth.short) }}"#,
    r#"{{ fail (toJson .Values.auth.short) }}"#,
    r#"{{ fail (toRawJson .Values.auth.short) }}"#,
    r#"{{ fail .Values.db.url }}"#,
    r#"{{ required (print "no host for " .Values.auth.token) .Values.nothing }}"#,
    r#"{{ required (print "no host for " .Values.auth.password) .Values.nothing }}"#,
    r#"{{ .Values.auth.password.x }}"#,
    r#"{{ .Values.auth.pin.x }}"#,
    r#"{{ index .Values.auth.password "x" }}"#,
    r#"{{ index .Values.auth .Values.auth.password .Values.auth.token }}"#,
    r#"{{ include .Values.auth.password . }}"#,
    r#"{{ tpl (printf "{{ %s }}" .Values.auth.password) . }}"#,
    r#"{{ tpl (printf "{{ %q | nothing }}" .Values.auth.token) . }}"#,
    r#"{{ semver .Values.auth.password }}"#,
    r#"{{ semverCompare .Values.auth.password "1.2.3" }}"#,
    r#"{{ mustToDate "2006" .Values.auth.password }}"#,
    r#"{{ mustFromJson .Values.auth.key }}"#,
    r#"{{ mustFromJson .Values.auth.password }}"#,
    r#"{{ fail (toString (fromYaml .Values.auth.key)) }}"#,
    r#"{{ fail (toString (fromYaml .Values.auth.password)) }}"#,
    r#"{{ fail (toString (fromJson .Values.auth.password)) }}"#,
    r#"{{ range .Values.auth.password }}{{ end }}"#,
    r#"{{ get .Values.auth.password "x" }}"#,
    r#"{{ repeat .Values.auth.password "x" }}"#,
    r#"{{ substr 90 3 .Values.auth.password }}"#,
    r#"{{ mustRegexMatch (print "[" .Values.auth.password) "x" }}"#,
    r#"{{ urlParse (print "http://" .Values.auth.password ":x:y/%") }}"#,
    r#"{{ lt .Values.auth.password 3 }}"#,
    r#"{{ decryptAES .Values.auth.password "<token>" }}"#,
    r#"{{ $password := "<word>" }}{{ fail $password }}"#,
    r#"{{ $password := "<word>" }}{{ fromJson $password | toString | fail }}"#,
    "password: <word>\n{{ .Values.nothing.at.all }}",
    "apiVersion: v1\nkind: {{ .Values.auth.key }}: b: [",
    "apiVersion: v1\nkind: X\nmetadata: {name: {{ .Values.auth.password }}, name: [",
    "apiVersion: v1\nkind: X\n{{ .Values.auth.password }}\n",
    "apiVersion: v1\nkind: X\nmetadata: {{ .Values.auth.password }}\nspec: *{{ .Values.auth.token }}\n",
    "{{ if }}password: <word>",
    r#"{{ "<word>" "<other>" | password: "<token>" }}"#,
];

/// Schemas that the values violate.
const SCHEMAS: &[&str] = &[
    r#"{"properties": {"auth": {"properties": {"password": {"type": "integer"}}}}}"#,
    r#"{"properties": {"auth": {"properties": {"password": {"enum": ["a", "b"]}}}}}"#,
    r#"{"properties": {"auth": {"properties": {"password": {"pattern": "^[0-9]$"}}}}}"#,
    r#"{"properties": {"auth": {"properties": {"pin": {"maximum": 3}}}}}"#,
    r#"{"properties": {"auth": {"type": "string"}}}"#,
    r#"{"additionalProperties": false}"#,
    r#"{"properties": {"auth": {"not": {}}}}"#,
];

/// Values files and options that cannot be read.
type Given = (&'static str, fn(String) -> Values, &'static str);

const GIVEN: &[Given] = &[
    ("auth:\n  password: \"<word>\n  pin: [<number>", Values::Set, "a=b"),
    ("auth:\n  password: <word>: <other>\n", Values::Set, "a=b"),
    ("auth:\n  password: *<word>\n", Values::Set, "a=b"),
    ("auth:\n  password: !x <word>\n <other>\n", Values::Set, "a=b"),
    ("password: <word>\n\t<other>: x\n", Values::Set, "a=b"),
    ("a: b\n", Values::Set, "auth.password=<word>,x[<other>"),
    ("a: b\n", Values::Set, "auth.password=<word>,auth.password.b=<other>"),
    ("a: b\n", Values::SetJson, "auth.password=<word>"),
    ("a: b\n", Values::SetJson, "{\"password\": \"<word>\", <other>}"),
    ("a: b\n", Values::SetString, "password[<number>]=<word>"),
    ("a: b\n", values_file, "password: <word>\n  <other>: [x\n"),
    ("a: b\n", values_file, "- password: <word>\n"),
];

fn values_file(text: String) -> Values {
    Values::File("given.yaml".to_owned(), text.into())
}

/// What a chart with these files fails with; nothing if it does not.
fn said(files: &[(&str, &str)], values: Vec<Values>) -> String {
    let all = files.iter().chain([("Chart.yaml", CHART)].iter());
    let contents =
        all.map(|(name, text)| ((*name).to_owned(), filled(text).into_bytes())).collect();
    let options = Options { values, ..Options::default() };
    match render(contents, &options) {
        Ok(_) => String::new(),
        Err(error) => format!("{error}\n{error:?}"),
    }
}

#[test]
fn templates_that_fail() {
    let mut failed = 0;
    for template in TEMPLATES {
        let said = said(&[("values.yaml", VALUES), ("templates/a.yaml", template)], Vec::new());
        failed += usize::from(!said.is_empty());
        assert_eq!(shown(&said), None, "{template}: {said}");
    }
    assert!(failed > TEMPLATES.len() * 2 / 3, "only {failed} fail");
}

#[test]
fn templates_that_fail_with_given_values() {
    let set = "auth.password=<word>,auth.token=<token>,auth.pin=<number>,auth.key=<other>,db.a=b";
    for template in TEMPLATES {
        let given = vec![Values::Set(filled(set))];
        let said = said(&[("templates/a.yaml", template)], given);
        assert_eq!(shown(&said), None, "{template}: {said}");
    }
}

#[test]
fn values_that_violate_a_schema() {
    for schema in SCHEMAS {
        let files = [
            ("values.yaml", VALUES),
            ("values.schema.json", schema),
            ("templates/a.yaml", "a: b\n"),
        ];
        let said = said(&files, Vec::new());
        assert!(!said.is_empty() && shown(&said).is_none(), "{schema}: {said}");
    }
}

#[test]
fn values_that_cannot_be_read() {
    for (values, given, text) in GIVEN {
        let said = said(&[("values.yaml", values)], vec![given(filled(text))]);
        assert_eq!(shown(&said), None, "{values}, {text}: {said}");
    }
}

#[test]
fn texts_with_templates_that_fail() {
    let data = serde_json::json!({"Values": {"auth": {"password": filled("<word>")}}});
    let text = "{{ fail (printf \"bad %s\" .Values.auth.password) }}";
    let text = coaming_helm::Text { name: "a.gotmpl", text, data: &data };
    let said = coaming_helm::evaluate(&text).unwrap_err().to_string();
    assert!(said.contains("bad ***"), "{said}");
}

#[test]
fn what_a_chart_says_is_shown() {
    let template =
        r#"{{ fail (printf "set auth.password: the type %s is unknown" .Values.kind) }}"#;
    let values = "auth: {password: walnut}\nkind: ClusterIP\n";
    let said = said(&[("values.yaml", values), ("templates/a.yaml", template)], Vec::new());
    assert!(said.contains("set auth.password: the type ClusterIP is unknown"), "{said}");
}
