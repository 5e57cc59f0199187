//! Edits in all styles: what exactly comes out, and what is refused.

use super::*;

/// A path from `a.b[0].c`.
fn path(text: &str) -> Path {
    let mut path = Path::root();
    for part in text.split(['.', '[']).filter(|part| !part.is_empty()) {
        path = match part.strip_suffix(']') {
            Some(index) => path.join(index.parse::<usize>().unwrap()),
            None => path.join(part),
        };
    }
    path
}

fn set(at: &str, value: impl Into<Value>) -> Edit {
    Edit::Set { path: path(at), value: value.into() }
}

fn remove(at: &str) -> Edit {
    Edit::Remove { path: path(at) }
}

fn rename(at: &str, key: &str) -> Edit {
    Edit::Rename { path: path(at), key: key.to_owned() }
}

fn append(at: &str, value: impl Into<Value>) -> Edit {
    Edit::Append { path: path(at), value: value.into() }
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Mapping(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn list<const N: usize>(items: [&str; N]) -> Value {
    Value::Sequence(items.into_iter().map(Value::from).collect())
}

fn edited(source: &str, edits: &[Edit]) -> Result<String, EditError> {
    let stream = crate::parse(source.into());
    assert_eq!(stream.errors, [], "{source}");
    let document = stream.documents.last().unwrap();
    let text_edits = apply(source, document, edits)?;
    let after = apply_to_text(source, &text_edits);
    let again = crate::parse(after.as_str().into());
    let is_repeatable = edits.iter().all(|edit| matches!(edit, Edit::Set { .. }));
    if is_repeatable {
        let nothing = apply(&after, again.documents.last().unwrap(), edits);
        assert_eq!(nothing, Ok(Vec::new()), "once more:\n{after}");
    }
    Ok(after)
}

#[track_caller]
fn check(source: &str, edits: &[Edit], expected: &str) {
    match edited(source, edits) {
        Ok(after) => assert_eq!(after, expected, "\n--- got\n{after}\n--- expected\n{expected}"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn what_replaces_an_empty_collection_follows_its_comments() {
    check(
        "context: {}\n  # user: 1\n  # group: 1\n\n# Of the next.\nnext: 1\n",
        &[set("context.a", 1), set("context.b", 2)],
        "context:\n  # user: 1\n  # group: 1\n  a: 1\n  b: 2\n\n# Of the next.\nnext: 1\n",
    );
    check(
        "volumes: []\n# Of the next.\nnext: 1\n",
        &[append("volumes", "x")],
        "volumes:\n- x\n# Of the next.\nnext: 1\n",
    );
    check(
        "list:\n- a\nvolumes: []\n# Of the next.\nnext: 1\n",
        &[append("volumes", "x")],
        "list:\n- a\nvolumes:\n- x\n# Of the next.\nnext: 1\n",
    );
    check(
        "list:\n- a\n# Of the next.\nnext: 1\n",
        &[append("list", "x")],
        "list:\n- a\n- x\n# Of the next.\nnext: 1\n",
    );
}

#[test]
fn sets_scalars_and_leaves_everything_else() {
    let source = "# top\na: 1 # one\nb: \"x\"   # two\nc: 'y'\nd:\n  - z\n";
    check(
        source,
        &[set("a", 2), set("b", "w"), set("c", "it's"), set("d[0]", true)],
        "# top\na: 2 # one\nb: \"w\"   # two\nc: 'it''s'\nd:\n  - true\n",
    );
    check(source, &[set("a", 1)], source);
    check("a: yes\n", &[set("a", true)], "a: yes\n");
    check("a: yes\n", &[set("a", "yes")], "a: \"yes\"\n");
    check("a: &x !!str 5 # c\n", &[set("a", 6)], "a: 6 # c\n");
}

#[test]
fn creates_parents_in_the_files_own_indentation() {
    check(
        "spec:\n    containers:\n    - name: a # first\n      image: b\n    # next\n    - name: c\n",
        &[
            set("spec.containers[0].securityContext.runAsNonRoot", true),
            set("spec.containers[1].securityContext.capabilities.drop", list(["ALL"])),
        ],
        "spec:\n    containers:\n    - name: a # first\n      image: b\n      securityContext:\n          \
         runAsNonRoot: true\n    # next\n    - name: c\n      securityContext:\n          \
         capabilities:\n              drop:\n              - ALL\n",
    );
    check(
        "a:\n  l:\n    - x: 1\n",
        &[append("a.m", "y"), append("a.l", map([("x", 2.into()), ("z", list(["q"]))]))],
        "a:\n  l:\n    - x: 1\n    - x: 2\n      z:\n        - q\n  m:\n    - \"y\"\n",
    );
}

#[test]
fn fills_what_is_empty() {
    check("a:\nb: 1\n", &[set("a.c", 1)], "a:\n  c: 1\nb: 1\n");
    check("a: # why\nb: 1\n", &[set("a.c", 1)], "a: # why\n  c: 1\nb: 1\n");
    check("a: {} # why\nb: 1\n", &[set("a.c", 1)], "a: # why\n  c: 1\nb: 1\n");
    check("a: ~\n", &[append("a", 1)], "a:\n- 1\n");
    check("a: []\n", &[append("a", map([("b", 1.into())]))], "a:\n- b: 1\n");
    check("a:\n", &[set("a", 5)], "a: 5\n");
    check("-\n- a\n", &[set("[0].b", 1)], "- b: 1\n- a\n");
    check("- {} # c\n", &[set("[0].b", 1)], "- b: 1 # c\n");
    check("a: &x\nb: 1\n", &[set("a", 5)], "a: 5\nb: 1\n");
    check("a:", &[set("a.b", 5)], "a:\n  b: 5");
}

#[test]
fn replaces_collections() {
    check("a:\n  b: 1\n  c: 2\nd: 3\n", &[set("a", 5)], "a: 5\nd: 3\n");
    check("a:\n- b\nd: 3\n", &[set("a", map([("c", 1.into())]))], "a:\n  c: 1\nd: 3\n");
    check("a:\n  b: 1 # x\n", &[set("a", list(["c", "d"]))], "a:\n  - c\n  - d # x\n");
    check("a: # why\n  # above\n  b: 1\nc: 2\n", &[set("a", 5)], "a: 5 # why\n  # above\nc: 2\n");
    check("a: x # why\n", &[set("a", list(["c"]))], "a: # why\n- c\n");
    check("- a: 1\n  b: 2\n- c\n", &[set("[0]", "d")], "- d\n- c\n");
    check("- ~ # c\n", &[append("[0].l", "x\ny\n")], "- l:\n  - \"x\\ny\\n\" # c\n");
    check(" {}\n", &[set("a.b", list(["c"]))], " {\"a\": {\"b\": [\"c\"]}}\n");
    let root = Edit::Set { path: Path::root(), value: map([("a", 1.into()), ("b", 2.into())]) };
    check(" {}\n", &[root], " {\"a\": 1, \"b\": 2}\n");
    check("a: [1, 2] # x\n", &[set("a", list(["c", "d e"]))], "a: [c, d e] # x\n");
    check("a: 1\n", &[Edit::Set { path: Path::root(), value: map([("b", 1.into())]) }], "b: 1\n");
}

#[test]
fn multi_line_texts() {
    check("a: |\n  x\n  y\n\nb: 1\n", &[set("a", "z")], "a: z\n\nb: 1\n");
    check("a: 1\n", &[set("a", "x\n  y\n")], "a: |\n  x\n    y\n");
    check("a: 1 # c\n", &[set("a", "x\ny")], "a: \"x\\ny\" # c\n");
    // A comment that is indented would become part of a text above it.
    check("a: []\n  # b\n", &[set("c", "x\ny")], "a: []\n  # b\nc: |-\n  x\n  y\n");
    check("a: 1\n", &[set("b.c", "x\n\ny")], "a: 1\nb:\n  c: |-\n    x\n\n    y\n");
    check("a: |\n  x\n\n\n# end\n", &[set("b", 1)], "a: |\n  x\nb: 1\n\n\n# end\n");
    check("a: >+\n  x\n\n\nc: 1\n", &[remove("c"), set("b", 1)], "a: >+\n  x\n\n\nb: 1\n");
    check("a: |\n  x", &[set("b", 1)], "a: |\n  x\nb: 1");
    check("a: |\n  x\nb: 1", &[remove("b")], "a: |\n  x");
    check("a: 1", &[set("b", "x\ny\n")], "a: 1\nb: |\n  x\n  y");
    check("a: |+\n  x\nb: |\n\nc: 1\n", &[remove("b")], "a: |+\n  x\nc: 1\n");
}

#[test]
fn removes_with_the_line() {
    let source = "a: 1 # one\n# above b\nb:\n  - x # x\n  - y\nc: 3\n";
    check(source, &[remove("a")], "# above b\nb:\n  - x # x\n  - y\nc: 3\n");
    check(source, &[remove("b[0]")], "a: 1 # one\n# above b\nb:\n  - y\nc: 3\n");
    check(source, &[remove("b")], "a: 1 # one\nc: 3\n");
    check(source, &[remove("b[0]"), remove("b[1]")], "a: 1 # one\n# above b\nb: []\nc: 3\n");
    check(source, &[remove("nothing.here"), remove("b[7]"), remove("a.b")], source);
    check("- a: 1 # one\n  b: 2\n- c\n", &[remove("[0].a")], "- b: 2\n- c\n");
    check("- a: 1\n  # b\n  b: 2\n", &[remove("[0].a")], "- # b\n  b: 2\n");
    check("- a: 1\n  b: 2\n  c: 3\n", &[remove("[0].a"), remove("[0].b")], "- c: 3\n");
    check("- - a\n  - b\n", &[remove("[0][0]")], "- - b\n");
    check("a: 1\nb: 2", &[remove("b")], "a: 1");
    check("a: 1\nb: 2", &[remove("b"), set("c", 3)], "a: 1\nc: 3");
    check("a: 1\na: 2\nb: 3\n", &[remove("a")], "b: 3\n");
    check("\u{feff}a: 1\nb: 2\n", &[remove("a")], "\u{feff}b: 2\n");
    check("a:\n  b: 1\n", &[remove("a.b")], "a: {}\n");
    check("a:\n  b: 1\n", &[remove("a.b"), set("a.c", 1)], "a:\n  c: 1\n");
}

#[test]
fn between_brackets() {
    check(
        "a: {b: 1, c: [x]} # z\n",
        &[set("a.d.e", "f:g")],
        "a: {b: 1, c: [x], d: {e: \"f:g\"}} # z\n",
    );
    check(
        "a: {b: 1, c: [x]}\n",
        &[append("a.c", "y z"), set("a.b", "w")],
        "a: {b: w, c: [x, y z]}\n",
    );
    check("a: {b: 1, c: 2, d: 3}\n", &[remove("a.b"), remove("a.d")], "a: {c: 2}\n");
    check(
        "a: {b: 1, c: 2, d: 3}\n",
        &[remove("a.c"), remove("a.d"), set("a.e", 1)],
        "a: {b: 1, e: 1}\n",
    );
    check("a: {b: , c}\n", &[set("a.b", 1), set("a.c", 2)], "a: {b: 1 , c: 2}\n");
    check(
        "a: {\"b\": 'x'}\n",
        &[set("a.c", "y"), set("a.b", "z")],
        "a: {\"b\": \"z\", \"c\": \"y\"}\n",
    );
    check(
        "a: [\n  x, # x\n  y # y\n]\n",
        &[append("a", "z"), remove("a[0]")],
        "a: [\n  y, # y\n  z\n]\n",
    );
    check("a: [\n  x,\n  y,\n]\n", &[append("a", "z")], "a: [\n  x,\n  y,\n  z,\n]\n");
    check("a: {b: {}}\n", &[set("a.b.c", 1)], "a: {b: {c: 1}}\n");
}

#[test]
fn json_stays_json_in_its_own_layout() {
    let pretty = "{\n    \"a\": 1,\n    \"b\": {\n        \"c\": [\n            \"x\"\n        ],\n        \"e\": {}\n    }\n}\n";
    check(
        pretty,
        &[set("b.d.e", "yes"), append("b.c", 1), set("b.e.f", true)],
        "{\n    \"a\": 1,\n    \"b\": {\n        \"c\": [\n            \"x\",\n            1\n        ],\n        \"e\": {\n            \"f\": true\n        },\n        \"d\": {\n            \"e\": \"yes\"\n        }\n    }\n}\n",
    );
    check(
        "{\"a\":1,\"b\":[]}",
        &[set("c.d", "e"), append("b", 1)],
        "{\"a\":1,\"b\":[1],\"c\":{\"d\":\"e\"}}",
    );
    check("{\"a\": 1, \"b\": 2}\n", &[remove("b"), set("a", list(["x"]))], "{\"a\": [\"x\"]}\n");
    check("{}", &[set("a", "b")], "{\"a\": \"b\"}");
    check(
        "{\n\t\"a\": 1\n}",
        &[set("b", map([("c", 1.into())]))],
        "{\n\t\"a\": 1,\n\t\"b\": {\n\t\t\"c\": 1\n\t}\n}",
    );
}

#[test]
fn line_breaks_and_documents() {
    check(
        "a: 1\r\nb:\r\n  c: 2\r\n",
        &[set("b.d.e", 1), remove("a")],
        "b:\r\n  c: 2\r\n  d:\r\n    e: 1\r\n",
    );
    check("a: 1", &[set("b", 2)], "a: 1\nb: 2");
    check("x: 1\n---\n# two\na: 1\n", &[set("b", 2)], "x: 1\n---\n# two\na: 1\nb: 2\n");
    let source = "a: 1\n---\nx: 1\n";
    let stream = crate::parse(source.into());
    let edits = apply(source, &stream.documents[0], &[set("b", 2)]).unwrap();
    assert_eq!(apply_to_text(source, &edits), "a: 1\nb: 2\n---\nx: 1\n");
}

/// This once looped until memory ran out.
#[test]
fn anchors_may_have_white_space_of_unicode_in_them() {
    for source in ["- &!g\u{85}\n", "- &\u{85}\n"] {
        assert_eq!(edited(source, &[set("[0].new", true)]).unwrap(), "- new: true\n", "{source:?}");
    }
}

#[test]
fn aliases_are_written_out_and_anchors_left_alone() {
    let source = "a: &x\n  p: 1\nb: *x\nc: *x # c\n";
    check(source, &[set("b.q", 2)], "a: &x\n  p: 1\nb:\n  p: 1\n  q: 2\nc: *x # c\n");
    check(source, &[set("b", 5)], "a: &x\n  p: 1\nb: 5\nc: *x # c\n");
    check(source, &[remove("c")], "a: &x\n  p: 1\nb: *x\n");
    check(source, &[set("d", 1)], "a: &x\n  p: 1\nb: *x\nc: *x # c\nd: 1\n");
    for edit in [set("a.q", 1), set("a.p", 2), remove("a.p"), remove("a"), set("a", 1)] {
        let error = EditError::SharedAnchor {
            path: match &edit {
                Edit::Set { path, .. }
                | Edit::Remove { path }
                | Edit::Rename { path, .. }
                | Edit::Append { path, .. } => {
                    if path.to_string() == "a.q" {
                        super::tests::path("a")
                    } else {
                        path.clone()
                    }
                }
            },
            users: 2,
        };
        assert_eq!(edited(source, std::slice::from_ref(&edit)), Err(error), "{edit:?}");
    }
    // When every user is written out, the anchored text is free.
    check(source, &[set("a.p", 2), set("b.p", 3), remove("c")], "a: &x\n  p: 2\nb:\n  p: 3\n");
}

#[test]
fn what_all_users_of_an_anchor_change_is_changed_in_the_anchor() {
    let source = "a: &x\n  p: 1 # c\n  q: 2\nb: *x\nc:\n  <<: *x\n  r: 3\n";
    let all = [remove("a.p"), remove("b.p"), remove("c.p")];
    check(source, &all, "a: &x\n  q: 2\nb: *x\nc:\n  <<: *x\n  r: 3\n");
    let all = [set("a.q", 4), set("b.q", 4), set("c.q", 4)];
    check(source, &all, &source.replace("q: 2", "q: 4"));
    // One user differs.
    let error = EditError::SharedAnchor { path: path("a.p"), users: 1 };
    assert_eq!(edited(source, &[remove("a.p"), remove("b.p")]), Err(error));
}

#[test]
fn merged_fields_are_overridden() {
    let source = "base: &b {p: 1, q: {r: 1, s: 2}}\nm:\n  <<: *b\n  z: 1\n";
    check(source, &[set("m.p", 2)], &format!("{source}  p: 2\n"));
    check(source, &[set("m.q.r", 2)], &format!("{source}  q:\n    r: 2\n    s: 2\n"));
    assert_eq!(edited(source, &[remove("m.p")]), Err(EditError::Merged { path: path("m.p") }));
}

#[test]
fn rejects_impossible_edits() {
    let refused = |edits: &[Edit]| edited("a: 1\nb: [x]\n", edits).unwrap_err();
    let at = |text: &str| path(text);
    assert_eq!(refused(&[set("a.b", 1)]), EditError::NotAMapping { path: at("a") });
    assert_eq!(refused(&[append("a", 1)]), EditError::NotASequence { path: at("a") });
    assert_eq!(refused(&[set("b[3]", 1)]), EditError::NoSuchItem { path: at("b[3]") });
    assert_eq!(refused(&[set("a", 1), set("a", 2)]), EditError::Conflict { path: at("a") });
    assert_eq!(refused(&[remove("b"), append("b", 2)]), EditError::Conflict { path: at("b") });
    assert_eq!(refused(&[Edit::Remove { path: Path::root() }]), EditError::Root);
    let document = crate::from_json(&serde_json::json!({"a": 1}));
    assert_eq!(apply("", &document, &[set("a", 2)]), Err(EditError::NoText));
    let stream = crate::parse("a: 1\n".into());
    assert_eq!(apply("a: 2\n", &stream.documents[0], &[]), Err(EditError::OtherText));
}

#[test]
fn quotes_what_would_mean_something_else() {
    for (text, written) in [
        ("yes", "\"yes\""),
        ("0777", "\"0777\""),
        ("12:30:45", "\"12:30:45\""),
        ("2001-01-01", "\"2001-01-01\""),
        ("1.27.3", "\"1.27.3\""),
        ("", "\"\""),
        ("a: b", "\"a: b\""),
        ("a #b", "\"a #b\""),
        ("-v", "\"-v\""),
        ("nginx:1.27@sha256:0a", "nginx:1.27@sha256:0a"),
        ("RuntimeDefault", "RuntimeDefault"),
        ("tab\there\u{85}", "\"tab\\there\\u0085\""),
        ("\u{1f980}", "\u{1f980}"),
        ("<<", "\"<<\""),
    ] {
        check("k: 1\n", &[set("a", text)], &format!("k: 1\na: {written}\n"));
        check(
            "k: 1\n",
            &[set(text, 1)].map(|edit| match edit {
                Edit::Set { value, .. } => Edit::Set { path: Path::root().join(text), value },
                other => other,
            }),
            &format!("k: 1\n{written}: 1\n"),
        );
    }
}

#[test]
fn patches_create_parents_and_remove_from_the_end() {
    let stream = crate::parse("a: 1\nl: [x, y, z]\nk:\n".into());
    let edits = [
        remove("l[0]"),
        remove("l[2]"),
        append("l", "w"),
        set("b.c/d", 1),
        set("k.o", 2),
        set("a", 1),
        remove("nothing"),
    ];
    let patch = to_json_patch(stream.documents[0].root(), &edits).unwrap();
    assert_eq!(
        patch,
        serde_json::json!([
            {"op": "add", "path": "/l/-", "value": "w"},
            {"op": "remove", "path": "/l/2"},
            {"op": "remove", "path": "/l/0"},
            {"op": "add", "path": "/b", "value": {"c/d": 1}},
            {"op": "replace", "path": "/k", "value": {"o": 2}}
        ])
    );
}

#[test]
fn a_renamed_key_keeps_its_place_quotes_and_comments() {
    check(
        "# two\nreplica: 2 # never less\nother:\n  # hardened\n  'secure': # a\n    # b\n    drop: ['ALL'] # c\n",
        &[rename("replica", "replicas"), rename("other.secure", "security")],
        "# two\nreplicas: 2 # never less\nother:\n  # hardened\n  'security': # a\n    # b\n    drop: ['ALL'] # c\n",
    );
    check(
        "a: {x: 1, \"y\": 2, z: 3}\n",
        &[rename("a.y", "why"), rename("a.z", "zed")],
        "a: {x: 1, \"why\": 2, zed: 3}\n",
    );
    check("{\"a\": 1}\n", &[rename("a", "b")], "{\"b\": 1}\n");
    // What is not there is not renamed.
    check("a: 1\n", &[rename("b", "c")], "a: 1\n");
    for (source, edits) in [
        ("a: 1\nb: 2\n", vec![rename("a", "b")]),
        ("a: 1\n", vec![rename("a", "b"), set("a", 2)]),
        ("a: 1\n", vec![rename("a", "b"), set("b", 2)]),
        ("a: 1\nb: 2\n", vec![rename("a", "c"), rename("b", "c")]),
        ("a: [1]\n", vec![rename("a[0]", "b")]),
    ] {
        let refused = edited(source, &edits);
        assert!(matches!(refused, Err(EditError::Conflict { .. })), "{source}: {refused:?}");
    }
}

#[test]
fn a_removed_member_takes_its_own_comments_and_no_others() {
    let list = "add:\n  # for mounts\n  - SYS_ADMIN # really\n  # for port 443\n  - NET_BIND_SERVICE\n  # the end\n";
    check(list, &[remove("add[0]")], "add:\n  # for port 443\n  - NET_BIND_SERVICE\n  # the end\n");
    check(list, &[remove("add[1]")], "add:\n  # for mounts\n  - SYS_ADMIN # really\n  # the end\n");
    check(
        "a:\n  # of all\n\n  # of b\n  b: 1 # b\n  c: 2\n",
        &[remove("a.b")],
        "a:\n  # of all\n\n  c: 2\n",
    );
    // A line of a text is not a comment.
    check("a: |\n  x\n  # y\nb: 1\nc: 2\n", &[remove("b")], "a: |\n  x\n  # y\nc: 2\n");
}

#[test]
fn a_comment_of_a_removed_member_does_not_end_up_on_another() {
    let source = "a:\n  # why\n  privileged: true # needed\nb: 1\n";
    check(
        source,
        &[remove("a.privileged"), set("a.readOnly", true)],
        "a:\n  readOnly: true\nb: 1\n",
    );
    check(source, &[remove("a.privileged")], "a: {}\nb: 1\n");
    check("a:\n- x # needed\nb: 1\n", &[remove("a[0]"), append("a", "z")], "a:\n- z\nb: 1\n");
    check(
        "- privileged: true # needed\n- b\n",
        &[remove("[0].privileged"), set("[0].c", true)],
        "- c: true\n- b\n",
    );
}

#[test]
fn a_removed_flow_member_takes_its_comment() {
    for (source, expected) in [
        ("a: {b: 1,\n  c: 2 # of c\n  }\n", "a: {b: 1\n  }\n"),
        ("a: {b: 1, # of b\n  c: 2 # of c\n  }\n", "a: {b: 1 # of b\n  }\n"),
        (
            "a: {\n  b: 1, # of b\n  c: 2, # of c\n  d: 3 # of d\n}\n",
            "a: {\n  b: 1, # of b\n  d: 3 # of d\n}\n",
        ),
        ("a: {c: 2, # of c\n  d: 3}\n", "a: {\n  d: 3}\n"),
        ("a: {b: 1, c: 2, # of both\n  d: 3}\n", "a: {b: 1, # of both\n  d: 3}\n"),
        ("a: {b: 1, c: 2} # of all\n", "a: {b: 1} # of all\n"),
        ("a: {\n  c: 2, # of c\n  # of d\n  d: 3,\n}\n", "a: {\n  # of d\n  d: 3,\n}\n"),
        (
            "a: {\r\n  b: 1,\r\n  c: 2, # of c\r\n  d: 3\r\n}\r\n",
            "a: {\r\n  b: 1,\r\n  d: 3\r\n}\r\n",
        ),
    ] {
        check(source, &[remove("a.c")], expected);
    }
    check(
        "a: [\n  x, # of x\n  y # of y\n]\n",
        &[remove("a[1]"), append("a", "z")],
        "a: [\n  x, # of x\n  z\n]\n",
    );
    check(
        "a: {b: 1,\n  c: 2 # of c\n  }\n",
        &[remove("a.c"), set("a.d", 3)],
        "a: {b: 1,\n  d: 3\n  }\n",
    );
}

#[test]
fn comments_at_the_end_stay_with_what_they_are_in() {
    check(
        "a:\n  b: 1 # one\n  # c: 2\n    # deep\nd: 1\n",
        &[set("a.e", 3)],
        "a:\n  b: 1 # one\n  # c: 2\n    # deep\n  e: 3\nd: 1\n",
    );
    check("a:\n  b: 1\n# next\nd: 1\n", &[set("a.e", 3)], "a:\n  b: 1\n  e: 3\n# next\nd: 1\n");
    check(
        "a:\n  b: 1\n\n  # far\nd: 1\n",
        &[set("a.e", 3)],
        "a:\n  b: 1\n  e: 3\n\n  # far\nd: 1\n",
    );
    check(
        "a:\r\n- b: {}\r\n  # of b\r\n  # end",
        &[set("a[0].b.c", 1), set("a[0].d", 2)],
        "a:\r\n- b:\r\n    c: 1\r\n  # of b\r\n  # end\r\n  d: 2",
    );
    check(
        "a:\n  b: |\n    # text\nc: 1\n",
        &[set("a.d", 1)],
        "a:\n  b: |\n    # text\n  d: 1\nc: 1\n",
    );
}
