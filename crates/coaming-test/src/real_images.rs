//! Images that are made of real packages, and the tools that other people read them with.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// The directory of the images that `coaming-image/tests/build-images` makes, as OCI layouts;
/// `None`, with a report, if they cannot be made.
///
/// # Panics
///
/// If they can be made, and are not.
#[must_use]
pub fn built() -> Option<&'static Path> {
    static IMAGES: OnceLock<Option<PathBuf>> = OnceLock::new();
    IMAGES
        .get_or_init(|| {
            let needed = [
                "debootstrap",
                "rpmbuild",
                "npm",
                "cargo-auditable",
                "busybox",
                "syft",
                "trivy",
                "helm",
                "kubectl",
                "apt-get",
            ];
            if let Some(missing) = needed.iter().find(|name| !is_there(name)) {
                crate::skip!("images of real packages: there is no {missing}");
                return None;
            }
            let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
            let directory = crates.parent().unwrap().join("target/test-images");
            let built = Command::new(crates.join("coaming-image/tests/build-images"))
                .arg(&directory)
                .output()
                .unwrap();
            assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
            Some(directory)
        })
        .as_deref()
}

fn is_there(program: &str) -> bool {
    ["PATH", "COAMING_TOOLS"].iter().filter_map(std::env::var_os).any(|paths| {
        std::env::split_paths(&paths).any(|directory| directory.join(program).exists())
    })
}

/// A tool in `COAMING_TOOLS`. A missing tool is reported, and fails in CI.
#[must_use]
pub fn tool(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("COAMING_TOOLS").map(|tools| Path::new(&tools).join(name));
    let found = path.filter(|path| path.exists());
    if found.is_none() {
        crate::skip!("peers: there is no {name} in COAMING_TOOLS");
    }
    found
}

/// Syft, which will write a document of this format.
#[must_use]
pub fn syft(format: &str, layout: &Path) -> Option<Command> {
    let mut command = Command::new(tool("syft")?);
    command
        .args(["scan", "--quiet", "--output", format])
        .args(["--override-default-catalogers", "image"])
        .arg(format!("oci-dir:{}", layout.display()))
        .env("SYFT_CHECK_FOR_APP_UPDATE", "false");
    Some(command)
}

/// Trivy, which will write a document of this format. `cache` is a directory for it; it gets an
/// empty index of Java archives, which Trivy else downloads.
///
/// # Panics
///
/// If the index cannot be written.
#[must_use]
pub fn trivy(format: &str, layout: &Path, cache: &Path) -> Option<Command> {
    let tool = tool("trivy")?;
    let index = cache.join("java-db");
    if !index.join("metadata.json").exists() {
        std::fs::create_dir_all(&index).unwrap();
        let made = Command::new("python3").args(["-c", EMPTY_INDEX]).arg(&index).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
    let mut command = Command::new(tool);
    command
        .args(["image", "--quiet", "--offline-scan", "--skip-db-update", "--skip-java-db-update"])
        .args(["--skip-version-check", "--scanners", "license", "--list-all-pkgs"])
        .args(["--format", format, "--input"])
        .arg(layout)
        .arg("--cache-dir")
        .arg(cache);
    Some(command)
}

/// Makes an index in the form of Trivy's, without archives.
const EMPTY_INDEX: &str = "
import json, sqlite3, sys
index = sqlite3.connect(sys.argv[1] + '/trivy-java.db')
index.executescript('''
create table artifacts(id integer primary key, group_id text, artifact_id text);
create table indices(artifact_id integer, version text, sha1 blob, archive_type text);
create unique index artifacts_idx on artifacts(artifact_id, group_id);
create unique index indices_sha1_idx on indices(sha1);
''')
index.commit()
times = {key: '2099-01-01T00:00:00Z' for key in ('NextUpdate', 'UpdatedAt', 'DownloadedAt')}
json.dump({'Version': 1, **times}, open(sys.argv[1] + '/metadata.json', 'w'))
";

/// What a tool prints, as JSON.
///
/// # Panics
///
/// If it fails, or prints anything else.
#[must_use]
pub fn json(command: &mut Command) -> Value {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
