//! Against a real Podman, with its store in the test's directory.

use std::io::Read as _;
use std::path::Path;
use std::process::Command;

use coaming_daemon::Daemon;
use coaming_http::{BlockingReader, Runtime};

use super::write_image;
use coaming_test::daemons::{Running, can_run, run};

/// Podman, on a store of the test's own.
fn podman(directory: &Path) -> Command {
    let mut command = Command::new("podman");
    command
        .arg("--root")
        .arg(directory.join("root"))
        .arg("--runroot")
        .arg(directory.join("run"))
        .args(["--storage-driver", "vfs"])
        .env("XDG_CONFIG_HOME", directory);
    command
}

#[test]
fn hands_out_an_image_as_an_archive() {
    if !can_run("hands_out_an_image_as_an_archive", "podman", "podman") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let archive = directory.path().join("image.tar");
    write_image(&archive, "registry.example/team/web:1.2");
    run(podman(directory.path()).args(["load", "--input"]).arg(&archive));
    let mut command = podman(directory.path());
    command.args(["system", "service", "--time", "0"]);
    command.arg(format!("unix://{}/socket", directory.path().display()));
    let running = Running::start(&mut command, directory, "socket");
    let daemon = Daemon::at(&running.socket);
    let runtime = Runtime::shared().unwrap();
    let find = |name| runtime.block_on(daemon.find(name)).unwrap();
    assert_eq!(find("registry.example/team/web:9"), None);
    let image = find("registry.example/team/web:1.2").unwrap();
    assert!(!image.id.is_empty());
    let mut bytes = Vec::new();
    let archive = runtime.block_on(daemon.export(&image)).unwrap();
    BlockingReader::new(runtime, archive).read_to_end(&mut bytes).unwrap();
    let mut names: Vec<String> = tar::Archive::new(&bytes[..])
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect();
    names.sort();
    assert!(names.contains(&"manifest.json".to_owned()), "{names:?}");
}
