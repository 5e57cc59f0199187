//! The law of the source map: changing the byte at the origin changes the rendered field.

use coaming_helm::{Location, Rendered};

use super::chart;

const VALUES: &str = "\
name: web
security:
  privileged: true
  runAsUser: 1000
  capabilities: {add: [SYS_ADMIN]}
extra: |
  note: {{ .Values.name }}
list: [one, two]
";

const HELPERS: &str = "\
{{- define \"context\" -}}
securityContext:
  {{- toYaml .Values.security | nindent 2 }}
{{- end }}
";

const TEMPLATE: &str = "\
kind: Pod
metadata:
  name: {{ .Values.name | quote }}
spec:
  hostPID: true
  containers:
    - name: main
      {{- include \"context\" . | nindent 6 }}
  {{- tpl .Values.extra . | nindent 2 }}
  items:
    {{- range .Values.list }}
    - {{ . | upper }}
    {{- end }}
  password: {{ randAlphaNum 8 }}
";

fn pod() -> Rendered {
    let files =
        [("templates/_h.tpl", HELPERS), ("templates/pod.yaml", TEMPLATE), ("values.yaml", VALUES)];
    chart(&files).unwrap()
}

fn line(rendered: &Rendered, location: Option<Location>) -> Option<(&str, usize)> {
    let location = location?;
    let file = &rendered.files[location.file];
    let before = &file.text[..location.offset as usize];
    Some((&file.name, before.matches('\n').count() + 1))
}

/// A file and a line.
type Place<'r> = Option<(&'r str, usize)>;

/// The origins of the first occurrence of a text: template and values.
fn origin<'r>(rendered: &'r Rendered, needle: &str) -> (Place<'r>, Place<'r>) {
    let manifest = &rendered.manifests[0];
    let at = manifest.text.find(needle).unwrap_or_else(|| panic!("{}", manifest.text));
    let source = manifest.map.at(at);
    (line(rendered, source.template), line(rendered, source.values))
}

#[test]
fn every_scalar_knows_its_template_and_its_value() {
    let rendered = pod();
    let pod = Some("templates/pod.yaml");
    let at = |file: Option<&'static str>, line: usize| file.map(|file| (file, line));
    assert_eq!(origin(&rendered, "hostPID"), (at(pod, 5), None));
    assert_eq!(origin(&rendered, "web\""), (at(pod, 3), Some(("values.yaml", 1))));
    let helper = Some("templates/_h.tpl");
    assert_eq!(origin(&rendered, "securityContext"), (at(helper, 2), None));
    assert_eq!(origin(&rendered, "true\n        runAs").0, at(helper, 3));
    assert_eq!(origin(&rendered, "privileged"), (at(helper, 3), Some(("values.yaml", 3))));
    assert_eq!(origin(&rendered, "SYS_ADMIN"), (at(helper, 3), Some(("values.yaml", 5))));
    assert_eq!(origin(&rendered, "1000"), (at(helper, 3), Some(("values.yaml", 4))));
    assert_eq!(origin(&rendered, "TWO"), (at(pod, 12), Some(("values.yaml", 8))));
    assert_eq!(origin(&rendered, "note").1.map(|(file, _)| file), Some("values.yaml"));
}

#[test]
fn changing_the_byte_at_the_origin_changes_the_field() {
    let rendered = pod();
    let manifest = &rendered.manifests[0];
    for (needle, replacement) in [("1000", "2000"), ("SYS_ADMIN", "XYS_ADMIN")] {
        let at = manifest.text.find(needle).unwrap();
        let location = manifest.map.at(at).values.unwrap();
        let mut values = VALUES.to_owned();
        let start = location.offset as usize;
        values.replace_range(start..=start, &replacement[..1]);
        let files = [
            ("templates/_h.tpl", HELPERS),
            ("templates/pod.yaml", TEMPLATE),
            ("values.yaml", values.as_str()),
        ];
        let changed = chart(&files).unwrap();
        let expected = manifest.text.replacen(&needle[..1], &replacement[..1], 0);
        let mut expected_bytes = expected.into_bytes();
        expected_bytes[at] = replacement.as_bytes()[0];
        assert_eq!(changed.manifests[0].text.as_bytes(), expected_bytes);
    }
}

#[test]
fn random_values_are_marked_and_repeat() {
    let rendered = pod();
    let manifest = &rendered.manifests[0];
    let at = manifest.text.find("password: ").unwrap() + "password: ".len();
    assert!(manifest.map.is_generated(at..at + 8));
    assert!(!manifest.map.is_generated(0..10));
    assert_eq!(rendered.text(), pod().text());
}
