use std::io::Write as _;
use std::process::Command;

use proptest::prelude::*;

use super::*;

/// A zip archive of these entries, compressed or stored.
fn zip(entries: &[(&str, &[u8])], compress: bool) -> Vec<u8> {
    let method =
        if compress { zip::CompressionMethod::Deflated } else { zip::CompressionMethod::Stored };
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn properties(group: &str, artifact: &str, version: &str) -> (String, Vec<u8>) {
    let text = format!("#made\nversion={version}\ngroupId={group}\nartifactId={artifact}\n");
    (format!("META-INF/maven/{group}/{artifact}/pom.properties"), text.into_bytes())
}

fn read_bytes(path: &str, bytes: Vec<u8>) -> ParsedFile {
    read(path, &mut Content::memory(bytes)).unwrap()
}

fn urls(found: &ParsedFile) -> Vec<&str> {
    found.packages.iter().map(|package| package.purl.as_str()).collect()
}

#[test]
fn reads_nested_and_shaded_archives() {
    let (name, text) = properties("org.apache.logging.log4j", "log4j-core", "2.14.1");
    for compress in [true, false] {
        let log4j = zip(&[(&name, &text)], compress);
        let (app, app_text) = properties("com.example", "shop", "1.0");
        let (shaded, shaded_text) = properties("com.google.guava", "guava", "31.1-jre");
        let jar = zip(
            &[
                (&app, &app_text),
                (&shaded, &shaded_text),
                ("BOOT-INF/lib/log4j-core-2.14.1.jar", &log4j),
                ("BOOT-INF/lib/broken.jar", b"PK"),
                ("a/Class.class", &[0; 100]),
            ],
            compress,
        );
        // A program before the archive, as in executable jars.
        let jar = [b"#!/bin/sh\n".as_slice(), &jar].concat();
        let found = read_bytes("/app/shop.jar", jar);
        assert_eq!(
            urls(&found),
            [
                "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
                "pkg:maven/com.example/shop@1.0",
                "pkg:maven/com.google.guava/guava@31.1-jre",
            ]
        );
        assert_eq!(found.packages[0].path, "/app/shop.jar!/BOOT-INF/lib/log4j-core-2.14.1.jar");
        assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
    }
}

#[test]
fn reads_what_jar_writes() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("Main.java"), "class Main {}").unwrap();
    std::fs::write(
        directory.path().join("manifest"),
        "Bundle-SymbolicName: com.example.tools\nImplementation-Version: 3.1\n",
    )
    .unwrap();
    let jar = directory.path().join("tools.jar");
    let made = Command::new("jar")
        .args(["cfm", "tools.jar", "manifest", "Main.java"])
        .current_dir(directory.path())
        .status();
    if made.is_err() {
        coaming_test::skip!("reads_what_jar_writes: there is no jar");
        return;
    }
    let found = read_bytes("/opt/tools.jar", std::fs::read(jar).unwrap());
    assert_eq!(urls(&found), ["pkg:maven/com.example/tools@3.1"]);
}

#[test]
fn bombs_do_not_go_off() {
    let zeros = vec![0; 33 << 20];
    let bomb = zip(&[("lib/a.jar", &zeros)], true);
    let found = read_bytes("/bomb.jar", bomb);
    assert!(found.problems[0].contains("too large"), "{:?}", found.problems);
    let mut nested = zip(&[("x", b"")], true);
    for _ in 0..10 {
        nested = zip(&[("a.jar", &nested)], true);
    }
    let found = read_bytes("/nested.jar", nested);
    assert!(found.problems[0].contains("too deep"), "{:?}", found.problems);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn never_panics_on_mutated_archives(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
        part in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let (name, text) = properties("g", "a", "1");
        let inner = zip(&[(&name, &text), (MANIFEST, b"Bundle-Version: 1\n")], true);
        let mut bytes = zip(&[("a.jar", &inner), (&name, &text)], false);
        for (index, value) in changes {
            let length = bytes.len();
            bytes[index.index(length)] = value;
        }
        if cut {
            bytes.truncate(part.index(bytes.len()));
        }
        let _ = read("/a.jar", &mut Content::memory(bytes));
    }

    #[test]
    fn never_panics_on_arbitrary_bytes(mut bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        bytes.extend_from_slice(b"PK\x05\x06");
        bytes.resize(bytes.len() + 18, 0);
        let _ = read("/a.jar", &mut Content::memory(bytes));
    }
}
