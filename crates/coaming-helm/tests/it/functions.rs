//! All functions against Helm, on a table of calls and on random pipelines.

use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::oracle::{expected, helm, ours};

const CALLS: &str = include_str!("functions.txt");
pub(crate) const VALUES: &str = include_str!("functions-values.yaml");

/// What calls may include; it cannot be part of one, as definitions are not nested.
pub(crate) const HELPER: &str = "{{ define \"helper\" }}<{{ . | toJson }}>{{ end }}";

/// Writes a chart with one template per call.
fn write(directory: &Path, calls: &[String]) {
    std::fs::create_dir_all(directory.join("templates")).unwrap();
    let metadata = "apiVersion: v2\nname: f\nversion: 0.1.0\nappVersion: 1.10\n\
                    keywords: [x]\nmaintainers: [{name: a, email: b}]\n";
    std::fs::write(directory.join("Chart.yaml"), metadata).unwrap();
    std::fs::write(directory.join("values.yaml"), VALUES).unwrap();
    std::fs::write(directory.join("templates/_helper.tpl"), HELPER).unwrap();
    std::fs::write(directory.join("text.txt"), "hello\n").unwrap();
    std::fs::write(directory.join("image.dat"), b"\x89PNG\x00\xff\xfe\x01z").unwrap();
    for (number, call) in calls.iter().enumerate() {
        let mut template = format!("{{{{ define \"case{number}\" }}}}{call}{{{{ end -}}}}\n");
        write!(template, "kind: Case\nresult: {{{{ include \"case{number}\" . | toJson }}}}\n")
            .unwrap();
        std::fs::write(directory.join(format!("templates/{number:04}.yaml")), template).unwrap();
    }
}

/// Compares all calls in one run of Helm.
pub(crate) fn compare(helm: &Path, calls: &[String]) {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), calls);
    let Some(theirs) = expected(helm, directory.path(), None) else {
        panic!("Helm refuses {:?}", refused(helm, calls));
    };
    let own = ours(directory.path(), None).expect("we render it");
    let documents = |text: &str| text.split("---\n").map(str::to_owned).collect::<Vec<_>>();
    for (theirs, own) in documents(&theirs).iter().zip(&documents(&own)) {
        if theirs != own {
            let number = theirs.split_once("templates/").map_or("", |(_, rest)| &rest[..4]);
            let call = number.parse::<usize>().ok().and_then(|number| calls.get(number));
            panic!("{call:?}\n  Helm: {theirs}\n  ours: {own}");
        }
    }
    assert_eq!(theirs, own);
}

/// The first of these calls that Helm refuses alone.
fn refused<'c>(helm: &Path, calls: &'c [String]) -> Option<&'c String> {
    calls.iter().find(|call| {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &[(*call).clone()]);
        expected(helm, directory.path(), None).is_none()
    })
}

#[test]
fn calls_return_what_helm_returns() {
    let Some(helm) = helm() else { return };
    let calls: Vec<String> = CALLS.lines().map(str::to_owned).collect();
    compare(&helm, &calls);
}

/// Calls that Helm refuses: a wrong type, a number or an escape that Go does not have.
const REFUSED: [&str; 19] = [
    "{{ seq 1 \"2\" }}",
    "{{ round 1.5 5 \"x\" }}",
    "{{ pluck \"a\" \"b\" }}",
    "{{ merge dict (split \",\" \"a\") }}",
    "{{ deepCopy nil }}",
    "{{ addf \"nan\" 1 }}",
    "{{ divf 1 0 }}",
    "{{ chunk 0 (list 1) }}",
    "{{ mustRegexFind \"\\xff\" \"a\" }}",
    "{{ urlParse \"1:b/c\" }}",
    "{{ urlParse \"http://a/%zz\" }}",
    "{{ 08 }}",
    "{{ len(.Values.l) }}",
    "{{ print \"a\"(2) }}",
    "{{ $x := 1 }}{{ $x=2 }}",
    "{{ 1__0 }}",
    "{{ 1e1000 }}",
    "{{ \"\\'\" }}",
    "{{ \"\\400\" }}",
];

#[test]
fn calls_that_helm_refuses_are_errors() {
    let Some(helm) = helm() else { return };
    for call in REFUSED {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &[call.to_owned()]);
        let outcomes = (expected(&helm, directory.path(), None), ours(directory.path(), None));
        assert_eq!(outcomes, (None, None), "{call}");
    }
}

/// Texts that are hard to write as YAML.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9 :#'\"\\-?,\\[\\]{}&*!|>%@`.=~_]{0,12}",
        "[a-zA-Z ]{60,140}",
        "([a-z: #\t]{0,8}\n){1,4}",
        "[0-9eE+\\-_.:x]{1,10}",
        "(yes|no|on|off|y|n|null|true|~|<<|=|2001-1-1|1:20|0o7|\\.inf)",
    ]
}

/// A pipeline that cannot fail.
fn pipeline() -> impl Strategy<Value = String> {
    let step = prop_oneof![
        Just("upper"),
        Just("lower"),
        Just("title"),
        Just("trim"),
        Just("quote"),
        Just("squote"),
        Just("toYaml"),
        Just("toJson"),
        Just("toPrettyJson"),
        Just("b64enc"),
        Just("sha256sum"),
        Just("nospace"),
        Just("indent 3"),
        Just("nindent 2"),
        Just("trunc 7"),
        Just("trunc -5"),
        Just("trimSuffix \"a\""),
        Just("trimAll \"- \""),
        Just("replace \"a\" \"b: c\""),
        Just("splitList \" \" | toYaml"),
        Just("dict \"k\" | toYaml"),
        Just("list 1 | toYaml"),
        Just("dict \"a\" (list 1 2) \"b\" | toYamlPretty"),
        Just("dict \"k10\" 1 \"k9\" 2 \"k_x\" 3 \"kA\" 4 \"k-1\" 5 \"k\" | toYaml"),
        Just("default \"none\""),
        Just("printf \"%s|%q\" \"x\""),
        Just("cat \"a\""),
        Just("regexReplaceAll \"[a-c]+\" \"${0}-\" | toString"),
        Just("repeat 2"),
        Just("untitle"),
        Just("contains \"a\" | toString"),
    ];
    (text(), prop::collection::vec(step, 1..6)).prop_map(|(text, steps)| {
        let quoted = serde_json::to_string(&text).unwrap();
        format!("{{{{ {quoted} | {} }}}}", steps.join(" | "))
    })
}

#[test]
fn random_pipelines_return_what_helm_returns() {
    let Some(helm) = helm() else { return };
    let mut runner = TestRunner::default();
    for _ in 0..3 {
        let calls: Vec<String> =
            (0..300).map(|_| pipeline().new_tree(&mut runner).unwrap().current()).collect();
        compare(&helm, &calls);
    }
}
