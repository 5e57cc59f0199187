//! Broken texts: nothing panics, and every span is within its text.

use std::fs;

use coaming_yaml::parse;

use crate::corpus::{self, Random};
use crate::laws;

/// Texts that have broken parsers.
const SEEDS: [&str; 6] = [
    "a: &a [*a, {<<: *b, ? c : |+2\n  d\n}]\n--- !!int x\n%YAML 1.2\n...\n- - ? - :\n",
    "{\"a\": [1, \"\\ud800\", -0.0e+1, null], \"b\": {\t\"c\": true}}",
    "base: &b {p: 1}\nm:\n  <<: [*b, *b]\n  \"<<\": 1\n",
    "\u{feff}a:\r\n\t- b\r\n--- |\n\u{feff}---\n# c",
    "k: 'it''s'\nl: \"\\x41\\u0042\n  c\"\nm: >-\n\n  x\n    y\n",
    "[[[[{{{{a: b, c}: [d, ]}]]]",
];

fn mutate(text: &[u8], random: &mut Random) -> String {
    const PIECES: &[u8] = b":-?#&*!|>'\"%@`{}[], \n\t\r\\<0~\xef\xbb\xbf";
    let mut bytes = text.to_vec();
    for _ in 0..=random.next() % 4 {
        if bytes.is_empty() {
            break;
        }
        let at = random.next() as usize % bytes.len();
        let piece = PIECES[random.next() as usize % PIECES.len()];
        match random.next() % 4 {
            0 => bytes[at] = piece,
            1 => bytes.insert(at, piece),
            2 => {
                let end = (at + 1 + random.next() as usize % 16).min(bytes.len());
                bytes.drain(at..end);
            }
            _ => {
                let end = (at + 1 + random.next() as usize % 64).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                let to = random.next() as usize % bytes.len();
                bytes.splice(to..to, copy);
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn check(text: &str, random: &mut Random) {
    let stream = parse(text.into());
    for document in &stream.documents {
        for node in document.root().descendants() {
            let span = node.span().unwrap();
            assert!(text.get(span.range()).is_some(), "{node:?} in {text:?}");
        }
        let _ = document.root().to_json();
    }
    if !stream.errors.is_empty() {
        return;
    }
    for (index, document) in stream.documents.iter().enumerate() {
        let edits = laws::choose_edits(document, &[random.next(), random.next()]);
        laws::edits_agree(&stream, index, &edits);
    }
}

#[test]
fn seeds_survive_mutation() {
    let mut random = Random(99);
    for round in 0..4000 {
        let seed = SEEDS[round % SEEDS.len()];
        check(&mutate(seed.as_bytes(), &mut random), &mut random);
    }
}

#[test]
fn corpus_survives_mutation() {
    let mut random = Random(4242);
    for file in corpus::files() {
        let Ok(bytes) = fs::read(&file) else { continue };
        if bytes.len() > 20_000 {
            continue;
        }
        check(&mutate(&bytes, &mut random), &mut random);
    }
}
