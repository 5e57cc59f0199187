//! What a text becomes: shapes, spans, aliases, recovery.

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
    let document = only("a:\n- b: 1\n- c: [x, {y: z}]\n");
    for node in document.root().descendants() {
        assert!(document.at(&node.path()).is_some());
    }
    let z = at(&document, &["a", "1", "c", "1", "y"]);
    assert_eq!(z.path().to_string(), "a[1].c[1].y");
    assert_eq!(document.at(&z.path()), Some(z));
}

#[test]
fn aliases_and_merges_expand() {
    let document = only(
        "base: &b {x: 1, y: [2]}\ncopy: *b\nmerged:\n  <<: *b\n  x: 5\nlist:\n  <<: [{p: 1}, {p: 2, q: 3}]\n",
    );
    assert_eq!(at(&document, &["copy", "y", "0"]).as_int(), Some(2));
    assert_eq!(at(&document, &["copy", "y", "0"]).path().to_string(), "copy.y[0]");
    assert!(at(&document, &["copy", "y"]).alias().is_some_and(|site| !site.merge));
    let merged = at(&document, &["merged"]);
    assert_eq!(merged.entries().len(), 2);
    assert_eq!(merged.get("x").and_then(Node::as_int), Some(5));
    let y = merged.get("y").unwrap();
    assert!(y.alias().is_some_and(|site| site.merge));
    assert_eq!(y.path().to_string(), "merged.y");
    assert_eq!(at(&document, &["list", "p"]).as_int(), Some(1));
    assert_eq!(at(&document, &["list", "q"]).as_int(), Some(3));
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
    assert_eq!(bomb.errors[0].message, "the aliases in this document expand to too much");
    let cycle = stream("a: &a [*a]\n---\nb: 1\n");
    assert_eq!(cycle.errors.len(), 1);
    assert_eq!(cycle.documents.len(), 1);
}

#[test]
fn of_duplicate_keys_the_last_counts() {
    let document = only("a: 1\nb: 2\na: 3\n");
    assert_eq!(document.root().get("a").and_then(Node::as_int), Some(3));
    assert_eq!(document.root().entries().len(), 3);
}

#[test]
fn one_bad_document_never_costs_the_others() {
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
