//! No input of `coaming image` takes more than 300 MB: a test for each shape that could.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use coaming_test::image_archives::docker_archive;

/// The limit, in KiB.
const LIMIT: u64 = 300 << 10;

/// How much of a path has the same name.
const LONG: usize = 200;

/// The most memory that the program had, in KiB, by the kernel's own account.
fn peak(target: &Path) -> u64 {
    let home = tempfile::tempdir().unwrap();
    let script = "import os, subprocess, sys\nchild = subprocess.Popen(sys.argv[1:], \
                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n_, status, usage = \
                  os.wait4(child.pid, 0)\nprint(os.waitstatus_to_exitcode(status), usage.ru_maxrss)";
    let output = Command::new("python3")
        .args(["-c", script, env!("CARGO_BIN_EXE_coaming")])
        .args(["image", "--no-cache", "--format", "json"])
        .arg(target)
        .env("HOME", home.path())
        .env("XDG_CACHE_HOME", home.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (status, memory) = text.trim().split_once(' ').expect("status and memory");
    // What is left out is reported.
    assert!(["0", "2"].contains(&status), "{text} {}", String::from_utf8_lossy(&output.stderr));
    memory.parse().unwrap()
}

fn assert_bounded(what: &str, target: &Path) {
    let memory = peak(target);
    assert!(memory < LIMIT, "{what}: {} MB", memory >> 10);
}

/// An image of one layer with such entries: path, kind, target of a link, mode and contents.
fn image(entries: impl Iterator<Item = (String, tar::EntryType, String, u32, Vec<u8>)>) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, kind, link, mode, contents) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(contents.len() as u64);
        if link.is_empty() {
            archive.append_data(&mut header, &path, contents.as_slice()).unwrap();
        } else {
            archive.append_link(&mut header, &path, &link).unwrap();
        }
    }
    let layer = archive.into_inner().unwrap();
    let config = br#"{"architecture": "amd64", "os": "linux", "config": {}}"#;
    docker_archive(config, None, &[layer])
}

fn assert_image(
    what: &str,
    entries: impl Iterator<Item = (String, tar::EntryType, String, u32, Vec<u8>)>,
) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("image.tar");
    std::fs::write(&file, image(entries)).unwrap();
    assert_bounded(what, &file);
}

/// A path of many long parts.
fn long(number: usize, parts: usize) -> String {
    format!("d/{number}/{}", vec!["x".repeat(LONG); parts].join("/"))
}

#[test]
fn long_links() {
    assert_image(
        "links",
        (0..30_000).map(|number| {
            let target = format!("../../{}{number}", long(0, 18));
            (long(number, 18), tar::EntryType::Symlink, target, 0o777, Vec::new())
        }),
    );
}

#[test]
fn long_hard_links() {
    let file = std::iter::once((
        "f".to_owned(),
        tar::EntryType::Regular,
        String::new(),
        0o755,
        b"x".to_vec(),
    ));
    let links = (0..40_000)
        .map(|number| (long(number, 10), tar::EntryType::Link, "f".to_owned(), 0o755, Vec::new()));
    assert_image("hard links", file.chain(links));
}

#[test]
fn files_that_everyone_may_write_and_programs() {
    assert_image(
        "writable files",
        (0..40_000).map(|number| {
            (long(number, 10), tar::EntryType::Regular, String::new(), 0o4777, b"\x7fELF".to_vec())
        }),
    );
}

#[test]
fn packages_of_a_language() {
    assert_image(
        "packages",
        (0..100_000).map(|number| {
            let name = format!("p{number}{}", "n".repeat(100));
            let text = format!(
                r#"{{"name": "{name}", "version": "1.0.0", "license": "{}"}}"#,
                "L".repeat(400)
            );
            let path = format!("app/node_modules/{name}/package.json");
            (path, tar::EntryType::Regular, String::new(), 0o644, text.into_bytes())
        }),
    );
}

#[test]
fn lists_of_files_of_packages() {
    let status: String = (0..90_000)
        .map(|number| {
            format!(
                "Package: p{number}\nStatus: install ok installed\nVersion: {number}\nSource: s{number}\n\
                 Description: {}\n\n",
                "d".repeat(300)
            )
        })
        .collect();
    let file = |path: &str, text: String| {
        (path.to_owned(), tar::EntryType::Regular, String::new(), 0o644, text.into_bytes())
    };
    let release = file("etc/os-release", "ID=debian\nVERSION_ID=12\n".to_owned());
    let status = file("var/lib/dpkg/status", status);
    let lists = (0..2_000).map(|number| {
        let name = "y".repeat(80);
        let list: String =
            (0..200).map(|index| format!("/usr/share/{number}/{index}/{name}\n")).collect();
        file(&format!("var/lib/dpkg/info/p{number}.list"), list)
    });
    assert_image("lists of files", [release, status].into_iter().chain(lists));
}

/// How large an SBOM is.
const SBOM: usize = 200 << 20;

/// An SBOM of 200 MB: a start, parts with numbers, and an end.
fn assert_sbom(name: &str, start: &str, part: impl Fn(usize) -> String, end: &str) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    let mut file = BufWriter::new(File::create(&path).unwrap());
    file.write_all(start.as_bytes()).unwrap();
    let (mut written, mut number) = (0, 0);
    while written < SBOM {
        let text = part(number);
        file.write_all(text.as_bytes()).unwrap();
        written += text.len();
        number += 1;
    }
    file.write_all(end.as_bytes()).unwrap();
    drop(file);
    assert!(number <= 100_000, "{name} has {number} packages");
    assert_bounded(name, &path);
}

fn comma(number: usize) -> &'static str {
    if number == 0 { "" } else { "," }
}

#[test]
fn sboms_in_cyclonedx() {
    let component = |number: usize| {
        let description = "d".repeat(2000);
        format!(
            r#"{}{{"type": "library", "name": "p{number}", "version": "1.0.0",
            "purl": "pkg:npm/p{number}@1.0.0", "description": "{description}",
            "properties": [{{"name": "syft:cpe23", "value": "{}"}}]}}"#,
            comma(number),
            "c".repeat(300)
        )
    };
    assert_sbom("a.cdx.json", r#"{"bomFormat": "CycloneDX", "components": ["#, component, "]}");
    let start = r#"{"predicateType": "https://cyclonedx.org/bom", "predicate": {"bomFormat": "CycloneDX", "components": ["#;
    assert_sbom("statement.json", start, component, "]}}");
    let element = |number: usize| {
        format!(
            "<component type=\"library\"><name>p{number}</name><version>1.0.0</version><description>{}\
             </description><purl>pkg:npm/p{number}@1.0.0</purl></component>",
            "d".repeat(2200)
        )
    };
    let start =
        "<?xml version=\"1.0\"?><bom xmlns=\"http://cyclonedx.org/schema/bom/1.4\"><components>";
    assert_sbom("a.cdx.xml", start, element, "</components></bom>");
}

#[test]
fn sboms_in_spdx() {
    let package = |number: usize| {
        format!(
            r#"{}{{"SPDXID": "SPDXRef-{number}", "name": "p{number}", "versionInfo": "1.0.0",
            "comment": "{}", "sourceInfo": "{}", "externalRefs": [{{"referenceCategory":
            "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:npm/p{number}@1.0.0"}}]}}"#,
            comma(number),
            "c".repeat(1500),
            "s".repeat(500)
        )
    };
    assert_sbom("a.spdx.json", r#"{"spdxVersion": "SPDX-2.3", "packages": ["#, package, "]}");
    let lines = |number: usize| {
        format!(
            "\nPackageName: p{number}\nPackageVersion: 1.0.0\nPackageComment: <text>{}</text>\n\
             ExternalRef: PACKAGE-MANAGER purl pkg:npm/p{number}@1.0.0\n",
            "c".repeat(2200)
        )
    };
    assert_sbom("a.spdx", "SPDXVersion: SPDX-2.3\n", lines, "");
}

#[test]
fn sboms_of_syft_and_single_texts() {
    let artifact = |number: usize| {
        format!(
            r#"{}{{"name": "p{number}", "version": "1", "type": "npm", "purl": "pkg:npm/p{number}@1",
            "locations": [{{"path": "/{}"}}], "metadata": {{"files": "{}"}}, "cpes": ["{}"]}}"#,
            comma(number),
            "x".repeat(200),
            "m".repeat(1500),
            "c".repeat(300)
        )
    };
    let start = r#"{"distro": {"id": "debian", "versionID": "12"}, "artifacts": ["#;
    assert_sbom("a.syft.json", start, artifact, "]}");
    let text = |_| "a".repeat(1 << 20);
    assert_sbom("text.json", r#"{"bomFormat": "CycloneDX", "x": ""#, text, "\"}");
    assert_sbom("text.spdx", "SPDXVersion: SPDX-2.3\nPackageName: ", text, "\n");
    let start = "<bom xmlns=\"http://cyclonedx.org/schema/bom/1.4\"><components><component><name>";
    assert_sbom("text.xml", start, text, "</name></component></components></bom>");
}
