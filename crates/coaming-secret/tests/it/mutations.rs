//! Random mutations of untrusted input: nothing panics, hangs, or returns a range outside the text.
//!
//! `COAMING_MUTATIONS=100000 cargo test -p coaming-secret mutations` runs more rounds.

use std::io::Write as _;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use coaming_secret::structured::{in_file, in_generated};
use coaming_secret::{Detector, FingerprintKey, TextKind, detector, gitleaks};
use flate2::Compression;
use flate2::write::GzEncoder;

/// A random generator with a fixed seed: every run makes the same mutations.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound.max(1)
    }

    fn range(&mut self, length: usize, longest: usize) -> Range<usize> {
        let start = self.below(length + 1);
        start..(start + self.below(longest)).min(length)
    }
}

/// Fragments to insert: what the parsers look for.
const PIECES: &[&str] = &[
    "\n",
    ": ",
    "=",
    "\"",
    "'",
    "\\n",
    "{{",
    "}}",
    "${",
    "}",
    "<",
    "</",
    ">",
    "password",
    "key=",
    "://",
    "@",
    ":",
    "-----BEGIN ",
    "-----END ",
    "PuTTY-User-Key-File-",
    "Private-Lines:",
    "\"kty\"",
    "\"d\":",
    "oracle:thin:",
    "identified by '",
    "%2F",
    "%3A",
    "cookie",
    "</name>\n<value>",
    "&",
    "*",
    "|\n",
    "\u{feff}",
    "é",
    "\0",
    "[[rules]]\n",
    "regex = '''",
    "(?i)",
    "{0,50}",
    "enc[",
    "#",
    "\\u0",
    " -p",
    "curl -u ",
];

fn mutated(seed: &[u8], others: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=dice.below(6) {
        let range = dice.range(bytes.len(), 40);
        match dice.below(6) {
            0 => drop(bytes.splice(range, [])),
            1 => {
                let copy = bytes[range].to_vec().repeat(1 + dice.below(30));
                let at = dice.below(bytes.len() + 1);
                bytes.splice(at..at, copy);
            }
            2 => {
                let piece = PIECES[dice.below(PIECES.len())].as_bytes();
                bytes.splice(range, piece.iter().copied());
            }
            3 => {
                let other = &others[dice.below(others.len())];
                let part = other[dice.range(other.len(), 400)].to_vec();
                bytes.splice(range.start..range.start, part);
            }
            4 => {
                let bit = 1 << dice.below(8);
                bytes.iter_mut().skip(range.start).take(1).for_each(|byte| *byte ^= bit);
            }
            _ => bytes.truncate(range.start),
        }
    }
    bytes
}

fn rounds() -> usize {
    std::env::var("COAMING_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(300)
}

/// A Secret with a Helm release of this text, encoded as Helm does.
fn release(json: &[u8]) -> String {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(json).unwrap();
    let packed = STANDARD.encode(STANDARD.encode(packer.finish().unwrap()));
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: sh.helm.release.v1.shop.v1}}\n\
         type: helm.sh/release.v1\ndata:\n  release: {packed}\n"
    )
}

/// A Helm release: values and rendered manifest.
const RELEASE: &[u8] = br#"{"config": {"db": {"password": "hunter2"}}, "manifest": "---\napiVersion: v1\nkind: Secret\ndata: {a: eA==}\n"}"#;

fn seeds() -> Vec<Vec<u8>> {
    const KEY: &str =
        "MIIEpAIBAAKCAQEA1c7+9z5Pad7OejecsQ0bu3aozN3tihPmljnnudb9G3HECdnHlWu2/a1gB9JW5TBQ";
    let texts = [
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\n\
         data: {password: aHVudGVyMg==, .env: QT1iCg==}\n"
            .to_owned(),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  \
         a.json: '{\"jwt\": {\"key\": \"x9Kq2LmZ8vTn4RwY\"}}'\n  \
         userlist.txt: '\"app\" \"hunter2\"'\n"
            .to_owned(),
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: a, \
         args: [mysql, -phunter2], env: [{name: TOKEN, value: x9Kq2LmZ8vTn4RwY}]}]}\n"
            .to_owned(),
        format!("-----BEGIN RSA PRIVATE KEY-----\n{KEY}\n-----END RSA PRIVATE KEY-----\n"),
        format!(
            "PuTTY-User-Key-File-3: x\nPublic-Lines: 1\nA\nPrivate-Lines: 2\n{KEY}\nPrivate-MAC: 0\n"
        ),
        "{\"keys\": [{\"kty\": \"RSA\", \"d\": \"x9Kq2LmZ8vTn4RwYx9Kq2LmZ8vTn4RwY\"}]}".to_owned(),
        "<?php $password = 'hunter2'; define( 'KEY', 'x' ); ?>\n\
         <name>a.password</name>\n<value>hunter2</value>\n"
            .to_owned(),
        "machine x login y password hunter2\njdbc:oracle:thin:scott/tiger@//x IDENTIFIED BY 'x'\n\
         Cookie: session=x9Kq2LmZ8vTn4RwY; a=b\n"
            .to_owned(),
        "to=postgres%3A%2F%2Fapp%3Ahunter2%40db%2Fshop&u=app:pw@tcp(x)\n\
         Authorization: Basic YTpodW50ZXIy\n"
            .to_owned(),
        release(RELEASE),
    ];
    texts.into_iter().map(String::into_bytes).collect()
}

#[test]
fn texts() {
    let seeds = seeds();
    let mut dice = Dice(1);
    for round in 0..rounds() {
        let bytes = mutated(&seeds[round % seeds.len()], &seeds, &mut dice);
        for kind in [TextKind::Fragment, TextKind::Value("DB_PASSWORD"), TextKind::File(".pgpass")]
        {
            for found in detector().scan(&bytes, kind) {
                assert!(found.range.end <= bytes.len() && !found.range.is_empty());
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        let names = ["values.yaml", "config.json", "userlist.txt"];
        let places = names.iter().flat_map(|name| in_file(detector(), name, &text));
        for place in places.chain(in_generated(detector(), "password.txt", &text)) {
            assert!(text.get(place.span.start as usize..place.span.end as usize).is_some());
        }
    }
}

#[test]
fn releases() {
    let seeds = seeds();
    let mut dice = Dice(2);
    for _ in 0..rounds() {
        let text = release(&mutated(RELEASE, &seeds, &mut dice));
        assert!(in_file(detector(), "release.yaml", &text).len() < 1000);
    }
}

#[test]
fn rule_files() {
    let seeds: Vec<Vec<u8>> = [
        "[[rules]]\nid = 'a'\nregex = '''(?i)[\\w.-]{0,50}?(?:acme)(?:[ \\t\\w.-]{0,20})[\\s'\"]\
         {0,3}(?:=|>)([a-z0-9_-]{32})(?:[\\x60'\"\\s;]|\\\\[nr]|$)'''\nentropy = 3\nkeywords = ['acme']\n",
        "[allowlist]\nregexes = ['''^\\$(?:\\d+|{\\d+})$''']\nstopwords = ['x']\n\
         [[rules]]\nid = 'b'\npath = '''\\.p12$'''\n",
    ]
    .into_iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    let text = "acme_key = 'x9kq2lmz8vtn4rwyx9kq2lmz8vtn4rwy'\n".repeat(20);
    let mut dice = Dice(3);
    for round in 0..rounds() {
        let bytes = mutated(&seeds[round % seeds.len()], &seeds, &mut dice);
        if let Ok(rules) = gitleaks::parse(&String::from_utf8_lossy(&bytes)) {
            let detector = Detector::new(FingerprintKey::default()).with_rules(rules);
            for found in detector.scan(&text, TextKind::File("a.p12")) {
                assert!(found.range.end <= text.len());
            }
        }
    }
}
