//! Random templates against Helm: calls with arguments of fitting and odd types, pipelines, control
//! structures in each other, white space control, `include` and `tpl`.
//!
//! Only templates that we evaluate are given to Helm: one that fails would fail the whole batch.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::functions::{HELPER, VALUES, compare};
use super::oracle::helm;

/// How many templates one process of Helm evaluates, and how many times.
const BATCH: usize = 250;
const ROUNDS: usize = 2;

/// Functions with their parameters: `s` is a text, `i` an integer, `n` a number, `l` a list, `m` a
/// mapping, `b` a boolean, `a` anything; others are written in full.
const CALLS: &[&str] = &[
    "upper s",
    "title s",
    "untitle s",
    "trim s",
    "trimAll s s",
    "trimSuffix s s",
    "trimPrefix s s",
    "nospace s",
    "initials s",
    "swapcase s",
    "snakecase s",
    "camelcase s",
    "kebabcase s",
    "substr i i s",
    "trunc i s",
    "abbrev i s",
    "wrap i s",
    "quote a",
    "squote a a",
    "cat a a",
    "indent i s",
    "nindent i s",
    "replace s s s",
    "plural s s i",
    "sha256sum s",
    "b64enc s",
    "b64dec s",
    "b32enc s",
    "toString a",
    "toYaml a",
    "toYaml l",
    "toYaml m",
    "toYamlPretty m",
    "toJson a",
    "toPrettyJson a",
    "toRawJson a",
    "toToml m",
    "join s l",
    "printf v a",
    "printf v a a",
    "print a a",
    "println a",
    "html a",
    "regexFind r s",
    "regexReplaceAll r s s",
    "regexQuoteMeta s",
    "base s",
    "dir s",
    "clean s",
    "ext s",
    "date d t",
    "htmlDate t",
    "duration s",
    "durationRound s",
    "kindOf a",
    "default a a",
    "coalesce a a a",
    "ternary a a b",
    "first l",
    "last l",
    "index l i",
    "get m k",
    "dig k k a m",
    "tpl s $",
    "include \"helper\" a",
    "add n n",
    "add1 n",
    "sub n n",
    "mul n n",
    "div n i",
    "mod n i",
    "max n n",
    "min n n",
    "addf n n",
    "subf n n",
    "mulf n n",
    "divf n i",
    "floor n",
    "ceil n",
    "round n i",
    "int a",
    "int64 a",
    "float64 a",
    "atoi s",
    "len s",
    "len l",
    "seq i i",
    "eq a a",
    "ne a a",
    "lt i i",
    "not a",
    "and a a",
    "or a a a",
    "empty a",
    "contains s s",
    "hasPrefix s s",
    "has a l",
    "hasKey m k",
    "deepEqual a a",
    "all a a",
    "any a a",
    "isAbs s",
    "regexMatch r s",
    "semverCompare c e",
    "semver e",
    "list a a",
    "append l a",
    "prepend l a",
    "concat l l",
    "reverse l",
    "uniq l",
    "without l a",
    "initial l",
    "rest l",
    "compact l",
    "slice l i",
    "chunk i l",
    "sortAlpha l",
    "until i",
    "untilStep i i i",
    "splitList s s",
    "keys m | sortAlpha",
    "pluck k m m",
    "regexSplit r s -1",
    "regexFindAll r s -1",
    "dict k a k a",
    "set m k a",
    "unset m k",
    "merge m m",
    "mergeOverwrite m m",
    "pick m k k",
    "omit m k",
    "deepCopy a",
    "fromYaml s",
    "fromJson s",
    "fromYamlArray s",
    "fromJsonArray s",
    "splitn s i s",
    "urlParse s",
    "fromYaml y",
    "fromJson j",
    "urlquery s",
    "js s",
    "adler32sum s",
    "toDecimal s",
];

/// Steps of a pipeline, which take what comes before as their last argument.
const STEPS: &[&str] = &[
    "toJson",
    "toYaml",
    "quote",
    "toString",
    "upper",
    "b64enc",
    "nindent 2",
    "indent 4",
    "first",
    "trunc 9",
    "default \"x\"",
    "printf \"%v\"",
    "printf \"%05s|%q\" \"a\"",
    "kindOf",
    "int",
    "not",
    "empty",
    "toYaml | nindent 2",
    "fromYaml",
    "fromJson",
    "trimSuffix \"a\"",
    "title",
    "squote",
    "toPrettyJson",
    "len",
    "add 1",
    "mul 2",
    "uniq",
    "reverse",
    "join \"-\"",
    "toToml",
];

fn one_of(choices: &'static [&'static str]) -> BoxedStrategy<String> {
    prop::sample::select(choices).prop_map(str::to_owned).boxed()
}

/// An argument for a parameter.
fn argument(parameter: &'static str) -> BoxedStrategy<String> {
    match parameter {
        "s" => one_of(&[
            "\"a\"",
            "\"Hello World\"",
            "\"\"",
            "\"a,b,,c\"",
            "\"  pad \"",
            "\"é😀\"",
            "\"a/b/../c.txt\"",
            "\"12\"",
            "\"-3.5\"",
            "\"0x10\"",
            "\"true\"",
            "\"abc\\ndef\\n\"",
            "`r\\d+`",
            "\"foo_bar-baz\"",
            "\"aGVsbG8=\"",
            "\"{{ $.Values.n }}\"",
            "$.Values.s",
            "$.Values.multi",
            "$.Values.uni",
            "$.Chart.Version",
            "$.Release.Name",
            "(index $.Values.weird 5)",
            "\"HTTP2xx\"",
            "\".\"",
        ]),
        "i" => one_of(&["0", "1", "2", "3", "7", "12", "(int $.Values.n)", "(len $.Values.l)"]),
        "n" => one_of(&[
            "0",
            "1",
            "12",
            "1.5",
            "-0.5",
            "1e3",
            "0x1F",
            "0b101",
            "1_000",
            "$.Values.n",
            "$.Values.f",
            "(int64 5)",
            "(atoi \"42\")",
            "1000000",
            "123456789",
            "3.0",
            "1e21",
            "\"7\"",
        ]),
        "l" => one_of(&[
            "$.Values.l",
            "(list 1 2 3)",
            "(list)",
            "(list \"b\" \"a\")",
            "(until 4)",
            "(splitList \",\" \"a,b,,c\")",
            "(list $.Values.m $.Values.l)",
            "$.Values.weird",
            "(list nil \"\" 0 false 1)",
        ]),
        "m" => one_of(&[
            "(deepCopy $.Values.m)",
            "(dict \"a\" 1 \"b\" \"x\")",
            "(dict)",
            "(dict \"k\" (list 1 2) \"z\" (dict \"y\" nil))",
            "(dict \"a\" (dict \"b\" (dict \"c\" 1)))",
        ]),
        "b" => one_of(&["true", "false", "(eq 1 1)", "(empty $.Values.e)"]),
        "r" => one_of(&[
            "\"[a-c]+\"",
            "\"(\\\\w)(\\\\d*)\"",
            "\"o\"",
            "\"(?i)hello\"",
            "\"\\\\s+\"",
            "\".\"",
        ]),
        "v" => one_of(&[
            "\"%v\"",
            "\"%s\"",
            "\"<%5v>\"",
            "\"%-8v|\"",
            "\"%q\"",
            "\"%d %v\"",
            "\"%[1]v %[1]v\"",
            "\"%05d\"",
            "\"%.2f\"",
            "\"%x\"",
            "\"%t%%\"",
            "\"%+v\"",
            "\"%08.3f\"",
            "\"%c\"",
            "\"% x\"",
        ]),
        "d" => {
            one_of(&["\"2006-01-02\"", "\"Jan _2 15:04:05 2006\"", "\"Mon, 02 Jan 06 03:04PM\""])
        }
        "t" => one_of(&["(toDate \"2006-01-02\" \"2024-02-29\")", "(int64 1700000000)"]),
        "k" => one_of(&["\"a\"", "\"b\"", "\"n\"", "\"zz\""]),
        "c" => one_of(&[
            "\">=1.2\"",
            "\"^1.2.3\"",
            "\"~1.2\"",
            "\"1.x || >=2.5\"",
            "\">=1.19-0\"",
            "\"1.2.0 - 1.4.5\"",
            "\"*\"",
            "\"!=1.2.3\"",
            "\"<1.2.3-beta.2\"",
        ]),
        "e" => one_of(&[
            "\"1.2.3\"",
            "\"v1.10.0\"",
            "\"1.2.3-beta.1\"",
            "$.Capabilities.KubeVersion.Version",
        ]),
        "y" => one_of(&[
            "\"a: 1\\nb: [x, {c: null}]\"",
            "\"- 1\"",
            "\"a: [\"",
            "\"a: 1.0\\nb: 1e3\\nc: 0o7\"",
        ]),
        "j" => one_of(&[
            "`{\"a\": [1.5, null, \"x\"]}`",
            "`[1]`",
            "`{\"a\"`",
            "`nul`",
            "`{\"a\" 1}`",
            "`\"\\x\"`",
        ]),
        "a" => prop_oneof![
            argument("s"),
            argument("n"),
            argument("l"),
            argument("m"),
            argument("b"),
            one_of(&["nil", "$.Values.nul", "$.Values.none"]),
        ]
        .boxed(),
        other => Just(other.to_owned()).boxed(),
    }
}

/// A call with its arguments.
fn call() -> impl Strategy<Value = String> {
    prop::sample::select(CALLS).prop_flat_map(|call| {
        call.split(' ').enumerate().fold(Just(String::new()).boxed(), |before, (position, word)| {
            let next = if position == 0 { Just(word.to_owned()).boxed() } else { argument(word) };
            (before, next).prop_map(|(before, next)| format!("{before} {next}")).boxed()
        })
    })
}

fn expression() -> impl Strategy<Value = String> {
    (call(), prop::collection::vec(one_of(STEPS), 0..3)).prop_map(|(call, steps)| {
        steps.into_iter().fold(call.trim().to_owned(), |all, step| format!("{all} | {step}"))
    })
}

/// An action between white space, some of which it trims.
fn action(text: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let space = one_of(&["", " ", "\n", "x: ", "\n- ", "  \n\t"]);
    (space.clone(), prop::bool::ANY, text, prop::bool::ANY, space)
        .prop_map(|(before, trims_left, text, trims_right, after)| {
            let open = if trims_left { "{{- " } else { "{{ " };
            let close = if trims_right { " -}}" } else { " }}" };
            format!("{before}{open}{text}{close}{after}")
        })
        .boxed()
}

/// A template with control structures in each other.
fn block() -> BoxedStrategy<String> {
    let leaf = action(expression().boxed());
    leaf.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            (argument("a"), inner.clone(), inner.clone()).prop_map(|(test, yes, no)| {
                format!("{{{{ if {test} }}}}{yes}{{{{- else }}}}{no}{{{{ end -}}}}")
            }),
            (argument("l"), inner.clone()).prop_map(|(list, inner)| {
                format!("{{{{ range $i, $v := {list} }}}}{{{{ $i }}}}{{{{ $v | toJson }}}}{inner}{{{{- end }}}}")
            }),
            (argument("m"), inner.clone()).prop_map(|(map, inner)| {
                format!("{{{{- range $k, $v := {map} }}}}{{{{ $k }}}}={{{{ . }}}}{inner}{{{{ else }}}}none{{{{ end }}}}")
            }),
            (argument("a"), inner.clone()).prop_map(|(value, inner)| {
                format!("{{{{ with $w := {value} }}}}{{{{ $w | quote }}}}{inner}{{{{ else }}}}w{{{{ end }}}}")
            }),
            (expression(), inner.clone()).prop_map(|(value, inner)| {
                format!("{{{{- $x := {value} }}}}{inner}{{{{ $x }}}}{{{{ $x = 1 }}}}{{{{ $x }}}}")
            }),
            inner.clone().prop_map(|inner| {
                let quoted = serde_json::to_string(&inner).unwrap();
                format!("{{{{ tpl {quoted} $ | nindent 2 }}}}")
            }),
            (inner.clone(), inner).prop_map(|(first, second)| format!("{first}{{{{/* c */}}}}{second}")),
        ]
    })
    .boxed()
}

/// How the texts of errors begin that `fromYaml` and `fromToml` return as values. What follows is
/// worded by the parser, and ours is another one.
const PARSERS_ERRORS: [&str; 3] =
    ["error converting YAML to JSON", "error unmarshaling JSON", "toml: "];

/// Whether it may cut a character in two: Go's texts are bytes, and ours are not.
fn cuts_characters(template: &str) -> bool {
    template.contains(".uni")
        && ["substr", "trunc", "abbrev"].iter().any(|it| template.contains(it))
}

/// Whether we evaluate it; then Helm has to, with the same result.
fn is_accepted(template: &str) -> bool {
    if cuts_characters(template) {
        return false;
    }
    let files = [
        ("templates/a.yaml", "x: {{ include \"t\" . | toJson }}".to_owned()),
        ("templates/_t.tpl", format!("{HELPER}{{{{ define \"t\" }}}}{template}{{{{ end }}}}")),
        ("values.yaml", VALUES.to_owned()),
    ];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    super::chart(&files).is_ok_and(|rendered| {
        let texts = rendered.manifests.iter().map(|manifest| manifest.text.as_str());
        texts.into_iter().all(|text| !PARSERS_ERRORS.iter().any(|error| text.contains(error)))
    })
}

#[test]
fn random_templates_return_what_helm_returns() {
    let Some(helm) = helm() else { return };
    let mut runner = TestRunner::deterministic();
    for _ in 0..ROUNDS {
        let mut templates = Vec::new();
        while templates.len() < BATCH {
            let template = block().new_tree(&mut runner).unwrap().current();
            if is_accepted(&template) {
                templates.push(template);
            }
        }
        compare(&helm, &templates);
    }
}
