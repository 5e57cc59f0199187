//! The result of parsing: shapes, spans, aliases, recovery.

use super::*;

fn stream(text: &str) -> Stream {
    parse(text.into())
}

fn only(text: &str) -> Document {
    let stream = stream(text);
    assert_eq!(stream.errors, [], "{text}");
    assert_eq!(stream.documents.len(), 1, "{text}");
    stream.documents.into_iter().next().unwrap()
}

fn at<'d>(document: &'d Document, path: &[&str]) -> Node<'d> {
    path.iter().fold(document.root(), |node, key| match key.parse::<usize>() {
        Ok(index) => node.items().nth(index).unwrap(),
        Err(_) => node.get(key).unwrap_or_else(|| panic!("no {key}")),
    })
}

fn text_at<'d>(document: &'d Document, path: &[&str]) -> &'d str {
    at(document, path).span().unwrap().text(document.source())
}

#[test]
fn spans_cover_exactly_their_text() {
    let document = only(
        "a: &x\n  b: 1 # c\n  e:\n  f: |-  # note\n    text\n\n  g: \"q\\n\"\n\nl:\n- a\n-\n- {x: y, z: [1,\n  2]}\nk: plain\n  multi\n# end\n",
    );
    assert_eq!(text_at(&document, &["a", "f"]), "|-  # note\n    text");
    assert_eq!(text_at(&document, &["a", "g"]), "\"q\\n\"");
    assert_eq!(
        text_at(&document, &["a"]),
        "b: 1 # c\n  e:\n  f: |-  # note\n    text\n\n  g: \"q\\n\""
    );
    assert_eq!(text_at(&document, &["l"]), "- a\n-\n- {x: y, z: [1,\n  2]}");
    assert_eq!(text_at(&document, &["l", "2", "z"]), "[1,\n  2]");
    assert_eq!(text_at(&document, &["k"]), "plain\n  multi");
    assert!(at(&document, &["a", "e"]).is_null());
    assert_eq!(document.comments().len(), 3);
}

#[test]
fn paths_lead_there_and_back() {
    let document = only("a:\n- b: 1\n- c: [x, {w: z}]\n");
    for node in document.root().descendants() {
        assert!(document.at(&node.path()).is_some());
    }
    let z = at(&document, &["a", "1", "c", "1", "w"]);
    assert_eq!(z.path().to_string(), "a[1].c[1].w");
    assert_eq!(document.at(&z.path()), Some(z));
}

#[test]
fn aliases_and_merges_expand() {
    let document = only(
        "base: &b {x: 1, w: [2]}\ncopy: *b\nmerged:\n  <<: *b\n  x: 5\nlist:\n  <<: [{p: 1}, {p: 2, q: 3}]\n",
    );
    assert_eq!(at(&document, &["copy", "w", "0"]).as_int(), Some(2));
    assert_eq!(at(&document, &["copy", "w", "0"]).path().to_string(), "copy.w[0]");
    assert!(at(&document, &["copy", "w"]).alias().is_some_and(|site| !site.merge));
    let merged = at(&document, &["merged"]);
    assert_eq!(merged.entries().len(), 2);
    assert_eq!(merged.get("x").and_then(Node::as_int), Some(5));
    let w = merged.get("w").unwrap();
    assert!(w.alias().is_some_and(|site| site.merge));
    assert_eq!(w.path().to_string(), "merged.w");
    assert_eq!(at(&document, &["list", "p"]).as_int(), Some(1));
    assert_eq!(at(&document, &["list", "q"]).as_int(), Some(3));
}

/// Each as `kubectl` 1.32 has it.
#[test]
fn the_last_writer_of_a_key_wins() {
    let document = only(
        "late:\n  a: 1\n  <<: {a: 2, b: 3}\ntwo:\n  <<: [{a: 1}, {a: 2, b: 3}]\n  <<: {b: 5}\n\
         quoted:\n  \"<<\": {a: 1}\n",
    );
    assert_eq!(at(&document, &["late", "a"]).as_int(), Some(2));
    assert_eq!(at(&document, &["two", "a"]).as_int(), Some(1));
    assert_eq!(at(&document, &["two", "b"]).as_int(), Some(5));
    assert_eq!(at(&document, &["quoted", "<<", "a"]).as_int(), Some(1));
    let duplicates = |key: &str| -> Vec<&str> {
        at(&document, &[key]).duplicate_keys().iter().map(|entry| entry.name()).collect()
    };
    assert_eq!(duplicates("late"), ["a"]);
    assert!(duplicates("two").is_empty());
}

/// `yq` writes merge keys with their tag.
#[test]
fn a_merge_key_may_have_its_tag() {
    for key in ["!!merge <<", "!<tag:yaml.org,2002:merge> <<", "!!merge \"<<\""] {
        let document = only(&format!("a: &a {{x: 1}}\nb:\n  {key}: *a\n  y: 2\n"));
        assert_eq!(at(&document, &["b", "x"]).as_int(), Some(1), "{key}");
    }
    let document = only("!!merge a: {x: 1}\n!!str <<: {x: 1}\n");
    assert_eq!(at(&document, &["a", "x"]).as_int(), Some(1));
    assert_eq!(at(&document, &["<<", "x"]).as_int(), Some(1));
}

/// Each as `kubectl` 1.32 has it.
#[test]
fn keys_become_strings() {
    let document = only("y: a\n0777: b\n1.50: c\n\"on\": d\n!!str 010: e\n");
    let names: Vec<&str> = document.root().entries().map(|entry| entry.name()).collect();
    assert_eq!(names, ["true", "511", "1.5", "on", "010"]);
    assert_eq!(document.root().entries().next().unwrap().key.span(), Some(Span::new(0, 1)));
    for refused in ["~: b\n", "{a: b}: c\n", "a: !!int foo\n", "<<: 5\n"] {
        assert_eq!(stream(refused).errors.len(), 1, "{refused}");
    }
}

#[test]
fn tags_decide_types() {
    let document = only("[!!float 1, !!int \"5\", !!str 1, !foo 1, ! 1, !!bool \"yes\"]");
    let values: Vec<Scalar<'_>> = document.root().items().filter_map(Node::scalar).collect();
    assert_eq!(
        values,
        [
            Scalar::Float(1.0),
            Scalar::Int(5),
            Scalar::Str("1"),
            Scalar::Str("1"),
            Scalar::Str("1"),
            Scalar::Bool(true)
        ]
    );
}

#[test]
fn depth_is_bounded() {
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert_eq!(stream(&deep(500)).errors.len(), 0);
    assert_eq!(stream(&deep(600)).documents.len(), 0);
    let mut text = format!("a0: &a0 {}\n", deep(200));
    for level in 1..5 {
        text +=
            &format!("a{level}: &a{level} {}*a{}{}\n", "[".repeat(200), level - 1, "]".repeat(200));
    }
    assert_eq!(stream(&text).errors.len(), 1);
    let mut value = serde_json::Value::Null;
    for _ in 0..600 {
        value = serde_json::Value::Array(vec![value]);
    }
    assert_eq!(from_json(&value).len(), 513);
}

#[test]
fn spans_at_odd_places() {
    let document = only(
        "e:\nf : \ng: # x | y\n  &b|c >  # z\n  text\n\n\nh: |+\n  k\n\n\ni: &q-\n- - x\n  -\n- \
         !!str\nj: |\n\nk: {a, b: , c: d}\n? l\n",
    );
    let empty = |path: &[&str]| at(&document, path).span().unwrap();
    assert_eq!(empty(&["e"]), Span::new(2, 2));
    assert_eq!(empty(&["f"]), Span::new(6, 6));
    assert_eq!(text_at(&document, &["g"]), ">  # z\n  text");
    assert_eq!(text_at(&document, &["h"]), "|+\n  k\n\n");
    assert_eq!(text_at(&document, &["i"]), "- - x\n  -\n- !!str");
    assert_eq!(text_at(&document, &["i", "0"]), "- x\n  -");
    let nested = only("- - a\n  - b\n- - c\n");
    assert_eq!(text_at(&nested, &["0"]), "- a\n  - b");
    assert_eq!(text_at(&nested, &["1"]), "- c");
    assert_eq!(text_at(&document, &["j"]), "|");
    assert_eq!(text_at(&document, &["k"]), "{a, b: , c: d}");
    assert!(at(&document, &["k", "a"]).is_null());
    assert!(at(&document, &["l"]).is_null());
}

#[test]
fn absent_value_after_a_byte_order_mark_follows_its_indicator() {
    for text in ["\u{feff}-", "\n\u{feff}-", "\u{feff}-\n"] {
        let document = only(text);
        let item = document.root().items().next().unwrap();
        assert_eq!(item.span().unwrap().start as usize, text.find('-').unwrap() + 1, "{text:?}");
    }
}

#[test]
fn flow_collections_may_be_indented_with_tabs() {
    let text = "a: {\n\t\"b\": 1, # it's\n\tc: 'x\ty',\n\td: [\n\t\t1]\n}\ne: {\n\tf: 2}\n";
    let document = only(text);
    assert_eq!(at(&document, &["a", "b"]).as_int(), Some(1));
    assert_eq!(at(&document, &["a", "c"]).as_str(), Some("x\ty"));
    assert_eq!(at(&document, &["e", "f"]).as_int(), Some(2));
    assert_eq!(text_at(&document, &["a", "d"]), "[\n\t\t1]");
    assert_eq!(stream("a:\n\tb: 1\n").errors.len(), 1);
    // The collection starts on a line of its own, or tabs follow its first item only.
    let document = only("a:\n  [\n    \"b\",\n\t    \"c\",\n  ]\nd:\n  {b: 1,\n\tc: [x,\n\t z]}\n");
    assert_eq!(at(&document, &["a", "1"]).as_str(), Some("c"));
    assert_eq!(at(&document, &["d", "c", "1"]).as_str(), Some("z"));
    assert_eq!(stream("a: b[0]\n\tb: 1\n").errors.len(), 1);
}

#[test]
fn documents_know_their_own_text() {
    let text = "# one\n---\na: 1 # a\n# end of a\n---\nb: [\n---\n# c\nc: 3\n---\n\u{feff}d: 4\n";
    let stream = stream(text);
    let shown: Vec<(&str, usize)> = stream
        .documents
        .iter()
        .map(|document| (document.span().text(text), document.comments().len()))
        .collect();
    assert_eq!(
        shown,
        [
            ("# one\n---\na: 1 # a\n# end of a\n", 3),
            ("---\n# c\nc: 3\n", 1),
            ("---\n\u{feff}d: 4\n", 0)
        ]
    );
    assert_eq!(stream.documents[2].root().get("d").and_then(Node::as_int), Some(4));
}

#[test]
fn alias_bombs_are_refused() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let previous = format!("*a{}", level - 1);
        text += &format!("a{level}: &a{level} [{}]\n", [previous.as_str(); 9].join(", "));
    }
    let bomb = stream(&text);
    assert!(bomb.documents.is_empty());
    assert_eq!(bomb.errors[0].message, "the aliases in this document expand to too many values");
    let cycle = stream("a: &a [*a]\n---\nb: 1\n");
    assert_eq!(cycle.errors.len(), 1);
    assert_eq!(cycle.documents.len(), 1);
}

#[test]
fn last_duplicate_key_wins() {
    let document = only("a: 1\nb: 2\na: 3\n");
    assert_eq!(document.root().get("a").and_then(Node::as_int), Some(3));
    assert_eq!(document.root().entries().len(), 3);
}

#[test]
fn one_bad_document_does_not_affect_the_others() {
    let stream = stream("a: 1\n---\nb: [1\n---\nc: *no\n---\nd: 4\n---\n\n---\n# nothing\n");
    let keys: Vec<&str> = stream
        .documents
        .iter()
        .flat_map(|document| document.root().entries())
        .map(|entry| entry.name())
        .collect();
    assert_eq!(keys, ["a", "d"]);
    assert_eq!(stream.errors.len(), 2);
}

#[test]
fn takes_what_kubectl_takes() {
    let bom = only("\u{feff}a: 1\r\nb:\ttab\t\r\nc: \"x\"\t# note\r\n");
    assert_eq!(bom.root().get("a").and_then(Node::as_int), Some(1));
    assert_eq!(bom.root().get("b").and_then(Node::as_str), Some("tab"));
    assert_eq!(bom.root().get("c").and_then(Node::as_str), Some("x"));
    // The last line counts as ended.
    assert_eq!(only("a: |\n  x").root().get("a").and_then(Node::as_str), Some("x\n"));
    let directive = only("%YAML 1.1\n---\na: !!str 1\nb: ! x\n1: one\n");
    assert_eq!(directive.root().get("a").and_then(Node::as_str), Some("1"));
    assert_eq!(directive.root().get("1").and_then(Node::as_str), Some("one"));
}

#[test]
fn json_has_spans_too() {
    let text = "{\n\t\"a\": [1, \"x\\u00e9\", null],\n\t\"b\": {\"c\": true}\n}\n";
    let document = only(text);
    assert_eq!(at(&document, &["a", "1"]).as_str(), Some("xé"));
    assert_eq!(text_at(&document, &["a", "1"]), "\"x\\u00e9\"");
    assert_eq!(text_at(&document, &["b"]), "{\"c\": true}");
    assert!(at(&document, &["a", "2"]).is_null());
    assert_eq!(stream("{\"a\": 1}\n{\"a\": 2}").documents.len(), 2);
    // Flow-style YAML is not JSON, and is read all the same.
    assert_eq!(at(&only("{a: yes}"), &["a"]).as_bool(), Some(true));
}

#[test]
fn values_without_text_have_no_spans() {
    let value = serde_json::json!({"spec": {"containers": [{"name": "yes", "port": 80}]}});
    let document = from_json(&value);
    let container = at(&document, &["spec", "containers", "0"]);
    assert_eq!(container.get("name").and_then(Node::as_str), Some("yes"));
    assert_eq!(container.get("port").and_then(Node::as_int), Some(80));
    assert_eq!(container.span(), None);
    assert_eq!(container.path().to_string(), "spec.containers[0]");
}

#[test]
fn nodes_are_small() {
    // A scan holds every node of every file: a word more is a tenth of its trees' memory.
    assert_eq!(size_of::<crate::arena::NodeData>(), 24);
}

#[test]
fn one_bad_line_of_json_lines_is_one_error() {
    let text = "{\"a\": 1}\n{\"b\": x}\n{\"c\": 3}\n{\"d\"\n";
    let stream = parse(text.into());
    let read: Vec<_> = stream.documents.iter().map(|document| document.root().to_json()).collect();
    assert_eq!(read, [serde_json::json!({"a": 1}), serde_json::json!({"c": 3})]);
    let errors: Vec<_> =
        stream.errors.iter().map(|error| (error.offset, error.message.as_str())).collect();
    assert_eq!(
        errors,
        [(15, "a JSON value is not valid here"), (27, "a JSON value ends too early")]
    );
}
