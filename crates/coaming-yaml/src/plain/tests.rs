//! The module agrees with the general parser on every text that it reads.

use std::path::{Path, PathBuf};

use super::*;
use crate::arena::NodeData;
use crate::tree::NodeId;

/// A small pseudorandom number generator with the same output on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// Everything in a document, one line per node, except where a scalar's text is stored.
fn shown(documents: &[Document]) -> Vec<String> {
    let mut lines = Vec::new();
    for document in documents {
        let Document { nodes, children, expansions, comments, root, span, has_spans, .. } =
            document;
        lines.push(format!("{span:?} {root:?} {children:?} {expansions:?} {has_spans}"));
        lines.extend(comments.iter().map(|comment| format!("{comment:?}")));
        for (id, node) in (0..).zip(nodes) {
            let NodeData { span, parent, first, len, shape } = node;
            let content = match shape {
                Shape::Scalar { style, typing, .. } => {
                    format!("{style:?} {typing:?} {:?}", document.node(NodeId(id)).text())
                }
                Shape::Sequence(_) | Shape::Mapping { .. } => format!("{shape:?} {first} {len}"),
            };
            lines.push(format!("{span:?} {parent} {content}"));
        }
    }
    lines
}

/// Whether the text was read. Panics if the general parser reads it differently.
fn agrees(text: &str) -> bool {
    let source: Arc<str> = text.into();
    let Some(documents) = parse(&source) else { return false };
    let stream = crate::parse::parse_any(source);
    assert!(stream.errors.is_empty(), "{:?} in {text:?}", stream.errors);
    let (ours, theirs) = (shown(&documents), shown(&stream.documents));
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs, "in {text:?}");
    }
    assert_eq!(ours.len(), theirs.len(), "in {text:?}");
    true
}

#[test]
fn reads_plain_texts() {
    for text in [
        "a: b\n",
        "a: b",
        "---\na: b\n---\n\n---\nc:\n- d\n-   e: f\n    g:\n    - - h\n      -\n",
        "# first\n\n# second\na:  # right\n  # above\n  b: c # d\n\n  e:\n  f: {}\ng: []\n",
        "a: 'it is'\nb: \"x y\" # z\n\"c d\": http://e:80/f#g\nh: a: b\n",
        "- a\n- b: c\n  d: e\n-\n  f: g\n- -1\n",
        "a:\nb:\n  c:\nd: e\n  \n",
        "1: a\non: b\n~x: c\n",
        "a:\n  - b\n  - c\nd: - e\n",
        "a: |\n  b\n   c: d # e\n\n\n  f\n\ng: |-\n    h\n  \n# i\nj:\n- k: |\n    l\n  m: n\n",
        "a: |\n  b",
        "a: |-\n  b\n\n\n---\nc: |\n d\n",
        "a: [b, \"c d\",'e' , -f] # g\nh: [ ]\n",
        "a: \"b\\n\\\"\\t\\\\\\/\"\nb: 'c''d'\n'e''f': \"\\n\"\ng: ''\nh: ''''\n",
        "a:\n- |\n  b\n- [c, 'd']\n- |-\n    e\n- f\n",
        "a: [b, [c]]\nd: [[ ], [e,[f]]]\n",
        "a: {b: c}\nd: { e: \"f\", 'g': 1 } # h\ni: [{j: 80}, {k: 81, l: []}]\nm: {n: {o: p}}\n",
        "- {a: b, c: {}}\n- [d, {e: f}]\n- {}\n",
        "a: {b: c, b: d}\n",
        "a: [get, b/c, d.e]\nf: [ '*' ]\ng:\n- h: [1, true]\n",
        "a: b é → 日本 c # ü\nd: aö\nc: |\n  ß\n",
    ] {
        let unsure = ["h: a", "d: -", "-f"].iter().any(|part| text.contains(part));
        assert_eq!(agrees(text), !unsure, "{text:?}");
    }
}

#[test]
fn gives_up_when_unsure() {
    for text in [
        "a: b\n  c\n",
        "a:\n  b\n",
        "a: &b c\n",
        "a: |+\n  b\n",
        "a: |2\n  b\n",
        "a: |\n\n  b\n",
        "a: |\n  b\n   \n",
        "a: |\nb: c\n",
        "a: | # b\n  c\n",
        "a: [b: c]\n",
        "a: [b,\n  c]\n",
        "a: [b, [c]\n",
        "a: {b: c\n",
        "a: {b: c]\n",
        "a: {b}\n",
        "a: {b:c}\n",
        "a: {b: }\n",
        "a: {b: c,}\n",
        "a: {b: c: d}\n",
        "a: {b: c} d\n",
        "a: {b: [[[[[[[[c]]]]]]]]}\n",
        "a: b\u{2028}c\n",
        "a\n",
        "a: b\n...\n",
        "a: \"b\\x41\"\n",
        "a: \"b\\\n  c\"\n",
        "a:\tb\n",
        "a: b\n c: d\n",
        "? a\n: b\n",
        "a: b\n# last\n",
        "a: b\r\n",
        "a: 'b\n  c'\n",
        "- a\nb: c\n",
        "%YAML 1.1\n---\na: b\n",
        "--- a: b\n",
        "a:b\n",
    ] {
        assert!(!agrees(text), "{text:?}");
    }
}

/// Lines with arbitrary nesting, about half of which are valid.
fn generated(random: &mut Random) -> String {
    let mut text = String::new();
    let mut column = 0_usize;
    for _ in 0..random.below(14) {
        match random.below(12) {
            0 => {
                text += random.pick(&[
                    "\n",
                    "  \n",
                    "---\n",
                    "---\n---\n",
                    "---\n\n---\n",
                    "# c\n",
                    "  # d\n",
                ])
            }
            1..=3 => column += 2,
            4 | 5 => column = column.saturating_sub(2 * random.below(3)),
            6 => column += 1,
            _ => {}
        }
        text += &" ".repeat(column);
        for _ in 0..random.below(3) {
            text += random.pick(&["", "", "- ", "-   "]);
        }
        text +=
            random.pick(&["a:", "b:", "'c':", "\"d e\":", "f", "-", "1:", "on:", "x-y/z:", "<<:"]);
        text += random.pick(&[
            "",
            "",
            " v",
            "  v w",
            " 'q'",
            " \"r\"",
            " {}",
            " []",
            " # n",
            " v # n",
            " a:b",
            " -1",
            " <x",
            " null",
            " v ",
            " 'q' # n",
            " v#n",
            " x: y",
            ":",
            " |",
            " |-",
            " [a, 'b']",
            " {a: b}",
            " [{a: 1}, {b: [c], 'd': {}}]",
            " {a: {<<: {b: c}, \"d\": e}} # n",
            " {a: b, a: ~}",
            " {a: b",
            " {a, b: c}",
            " {a: b:c}",
            " [1,\"c\" ] # n",
            " é",
            " [a, b",
            " 'a''b'",
            " \"a\\nb\"",
            " :a",
            " ''",
        ]);
        text.push('\n');
    }
    text
}

#[test]
fn agrees_on_generated_texts() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let read = (0..40_000).filter(|_| agrees(&generated(&mut random))).count();
    assert!(read > 4_000, "only {read} were plain");
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|name| name == "yaml" || name == "yml") {
            files.push(path);
        }
    }
}

#[test]
fn agrees_on_real_texts_and_their_mutations() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let corpus = std::env::var_os("COAMING_CORPUS").map(PathBuf::from);
    let mut files = Vec::new();
    collect(&own.join("examples"), &mut files);
    collect(&corpus.unwrap_or_else(|| own.join("../shared/corpus")), &mut files);
    files.sort();
    let mut random = Random(0xD1B5_4A32_D192_ED03);
    let mut read = 0;
    for file in &files {
        let Ok(text) = std::fs::read_to_string(file) else { continue };
        read += usize::from(agrees(&text));
        let lines: Vec<&str> = text.lines().take(60).collect();
        for _ in 0..8 {
            let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            let place = random.below(lines.len().max(1));
            let Some(line) = lines.get_mut(place) else { continue };
            let at = random.below(line.len() + 1);
            if line.is_char_boundary(at) {
                let pieces = [" ", "-", "- ", ":", ": ", "#", " #", "'", "\"", "{}", "~", "", "\n"];
                line.insert_str(at, random.pick(&pieces));
            }
            agrees(&(lines.join("\n") + random.pick(&["", "\n"])));
        }
    }
    assert!(read > 0, "no file was plain");
    eprintln!("{read} of {} files are plain", files.len());
}
