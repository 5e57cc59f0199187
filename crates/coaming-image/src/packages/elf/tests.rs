use std::process::Command;

use proptest::prelude::*;

use super::*;
use crate::packages::generated::{run, tool, write};

fn read_bytes(bytes: &[u8]) -> Result<ParsedFile, AnalyserError> {
    read("/app/server", &mut Content::memory(bytes))
}

fn urls(found: &ParsedFile) -> Vec<&str> {
    found.packages.iter().map(|package| package.purl.as_str()).collect()
}

/// A 64-bit program with these sections, whose one segment maps the file to its own offsets plus
/// `BASE`.
fn program(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut names = b"\0".to_vec();
    let mut data = Vec::new();
    let mut headers = vec![[0_u8; 64]];
    let start = 64 + 56;
    let mut header = |name: &str, offset: u64, size: u64| {
        let mut bytes = [0; 64];
        bytes[..4].copy_from_slice(&(names.len() as u32).to_le_bytes());
        bytes[4] = 1;
        bytes[24..32].copy_from_slice(&offset.to_le_bytes());
        bytes[32..40].copy_from_slice(&size.to_le_bytes());
        names.extend_from_slice(name.as_bytes());
        names.push(0);
        bytes
    };
    for (name, bytes) in sections {
        let offset = (start + data.len()) as u64;
        headers.push(header(name, offset, bytes.len() as u64));
        data.extend_from_slice(bytes);
        data.resize(data.len().next_multiple_of(16), 0);
    }
    let offset = (start + data.len()) as u64;
    let size = sections.iter().map(|(name, _)| name.len() + 1).sum::<usize>() + 11;
    headers.push(header(".shstrtab", offset, size as u64));
    data.extend_from_slice(&names);
    let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
    elf.resize(16, 0);
    elf.extend_from_slice(&[2, 0, 62, 0, 1, 0, 0, 0]);
    for place in [0, 64, (start + data.len()) as u64] {
        elf.extend_from_slice(&place.to_le_bytes());
    }
    elf.extend_from_slice(&[0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 64, 0]);
    elf.extend_from_slice(&(headers.len() as u16).to_le_bytes());
    elf.extend_from_slice(&(headers.len() as u16 - 1).to_le_bytes());
    elf.extend_from_slice(&[1, 0, 0, 0, 6, 0, 0, 0]);
    let length = (start + data.len()) as u64;
    for field in [0, BASE, BASE, length, length, 16] {
        elf.extend_from_slice(&field.to_le_bytes());
    }
    elf.extend_from_slice(&data);
    headers.iter().for_each(|header| elf.extend_from_slice(header));
    elf
}

const BASE: u64 = 0x40_0000;

const MODULES: &str = "path\texample.com/shop\nmod\texample.com/shop\t(devel)\t\n\
    dep\tgolang.org/x/net\tv0.17.0\th1:abc=\n\
    dep\texample.com/old\tv1.0.0\n=>\texample.com/new\tv1.1.0\th1:def=\n\
    dep\texample.com/local\tv0.0.0\n=>\t./local\t\n\
    build\tvcs.revision=0123456789abcdef0123\nbuild\tvcs.time=2024-01-02T03:04:05Z\n";

const WANTED: [&str; 5] = [
    "pkg:golang/stdlib@1.17.3",
    "pkg:golang/example.com/shop@%28devel%29",
    "pkg:golang/golang.org/x/net@v0.17.0",
    "pkg:golang/example.com/new@v1.1.0",
    "pkg:golang/example.com/local@v0.0.0",
];

fn framed() -> Vec<u8> {
    [&[b'<'; 16], MODULES.as_bytes(), &[b'>'; 16]].concat()
}

#[test]
fn reads_texts_that_follow_the_mark() {
    let mut info = b"\xff Go buildinf:\x08\x02".to_vec();
    info.resize(32, 0);
    info.push(8);
    info.extend_from_slice(b"go1.17.3");
    let modules = framed();
    let length = modules.len();
    info.extend_from_slice(&[(length & 0x7f) as u8 | 0x80, (length >> 7) as u8]);
    info.extend_from_slice(&modules);
    let found = read_bytes(&program(&[(".go.buildinfo", &info)])).unwrap();
    assert_eq!(urls(&found), WANTED);
}

#[test]
fn reads_texts_that_the_mark_points_to() {
    let modules = framed();
    let start = BASE + 120;
    let mut info = b"\xff Go buildinf:\x08\x00".to_vec();
    for pointer in [start + 32, start + 48] {
        info.extend_from_slice(&pointer.to_le_bytes());
    }
    for (place, length) in [(start + 64, 8), (start + 72, modules.len() as u64)] {
        info.extend_from_slice(&place.to_le_bytes());
        info.extend_from_slice(&length.to_le_bytes());
    }
    info.extend_from_slice(b"go1.17.3");
    info.extend_from_slice(&modules);
    let found = read_bytes(&program(&[(".go.buildinfo", &info)])).unwrap();
    assert_eq!(urls(&found), WANTED);
}

fn compressed(text: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn reads_the_section_of_cargo_auditable() {
    let section = compressed(
        r#"{"packages": [{"name": "serde", "version": "1.0.0", "source": "crates.io"},
            {"name": "cc", "version": "1.0.0", "source": "crates.io", "kind": "build"},
            {"name": "app", "version": "0.1.0", "source": "local", "root": true}]}"#,
    );
    let found = read_bytes(&program(&[(".text", b"code"), (".dep-v0", &section)])).unwrap();
    assert_eq!(urls(&found), ["pkg:cargo/serde@1.0.0", "pkg:cargo/app@0.1.0"]);
    assert!(read_bytes(&program(&[(".dep-v0", b"none")])).is_err());
}

#[test]
fn finds_nothing_in_other_programs() {
    let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    assert_eq!(read_bytes(&own).unwrap().packages, []);
    assert_eq!(read_bytes(b"\x7fELF").unwrap().packages, []);
}

#[test]
fn reads_what_go_builds() {
    let Some(go) = tool("go", "reads_what_go_builds") else { return };
    let directory = tempfile::tempdir().unwrap();
    write(
        directory.path(),
        &[
            (
                "go.mod",
                "module example.com/shop\ngo 1.16\nrequire example.com/part v1.2.3\n\
                 replace example.com/part => ./part\n",
            ),
            ("main.go", "package main\nimport \"example.com/part\"\nfunc main() { part.Do() }\n"),
            ("part/go.mod", "module example.com/part\ngo 1.16\n"),
            ("part/part.go", "package part\nfunc Do() { println(1) }\n"),
        ],
    );
    run(Command::new(go)
        .args(["build", "-o", "shop", "-ldflags", "-s -w -X main.version=3.4.5", "."])
        .current_dir(directory.path())
        .env("GOFLAGS", "-mod=mod")
        .env("GOPROXY", "off")
        .env("GOTOOLCHAIN", "local")
        .env("GOCACHE", std::env::temp_dir().join("coaming-go-cache")));
    let found = read_bytes(&std::fs::read(directory.path().join("shop")).unwrap()).unwrap();
    let urls = urls(&found);
    let [stdlib, main, part] = &urls[..] else { panic!("{urls:?}") };
    assert!(stdlib.starts_with("pkg:golang/stdlib@1."), "{stdlib}");
    assert_eq!(*main, "pkg:golang/example.com/shop@v3.4.5");
    assert_eq!(*part, "pkg:golang/example.com/part@v1.2.3");
}

#[test]
fn reads_what_cargo_auditable_builds() {
    let Some(auditable) = tool("cargo-auditable", "reads_what_cargo_auditable_builds") else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    write(
        directory.path(),
        &[
            (
                "Cargo.toml",
                "[package]\nname = \"shop\"\nversion = \"0.3.0\"\nedition = \"2021\"\n\
                 [dependencies]\npart = { path = \"part\" }\n[workspace]\n",
            ),
            ("src/main.rs", "fn main() { part::act() }\n"),
            ("part/Cargo.toml", "[package]\nname = \"part\"\nversion = \"1.2.3\"\n"),
            ("part/src/lib.rs", "pub fn act() {}\n"),
        ],
    );
    run(Command::new(auditable)
        .args(["auditable", "build", "--offline", "--target-dir", "target"])
        .current_dir(directory.path())
        .env_remove("CARGO_TARGET_DIR"));
    let program = std::fs::read(directory.path().join("target/debug/shop")).unwrap();
    let found = read_bytes(&program).unwrap();
    assert_eq!(urls(&found), ["pkg:cargo/part@1.2.3", "pkg:cargo/shop@0.3.0"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn never_panics_on_mutated_programs(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        part in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut info = b"\xff Go buildinf:\x08\x00".to_vec();
        info.resize(64, 0x40);
        let mut bytes = program(&[(".go.buildinfo", &info), (".dep-v0", &compressed("{}"))]);
        for (index, value) in changes {
            let length = bytes.len();
            bytes[index.index(length)] = value;
        }
        if cut {
            bytes.truncate(part.index(bytes.len()));
        }
        let _ = read_bytes(&bytes);
    }
}
