//! Against a real Podman, with its store in the test's folder.

use std::io::Read as _;
use std::path::Path;
use std::process::Command;

use coaming_daemon::Daemon;

use super::real::{Running, can_run, run};
use super::write_image;

/// Podman, on a store of the test's own.
fn podman(folder: &Path) -> Command {
    let mut command = Command::new("podman");
    command
        .arg("--root")
        .arg(folder.join("root"))
        .arg("--runroot")
        .arg(folder.join("run"))
        .args(["--storage-driver", "vfs"])
        .env("XDG_CONFIG_HOME", folder);
    command
}

#[test]
fn hands_out_an_image_as_an_archive() {
    if !can_run("hands_out_an_image_as_an_archive", "podman", "podman") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("image.tar");
    write_image(&archive, "registry.example/team/web:1.2");
    run(podman(folder.path()).args(["load", "--input"]).arg(&archive));
    let mut command = podman(folder.path());
    command.args(["system", "service", "--time", "0"]);
    command.arg(format!("unix://{}/socket", folder.path().display()));
    let running = Running::start(&mut command, folder, "socket");
    let daemon = Daemon::at(&running.socket);
    assert_eq!(daemon.find("registry.example/team/web:9").unwrap(), None);
    let image = daemon.find("registry.example/team/web:1.2").unwrap().unwrap();
    assert!(!image.id.is_empty());
    let mut bytes = Vec::new();
    daemon.export(&image).unwrap().read_to_end(&mut bytes).unwrap();
    let mut names: Vec<String> = tar::Archive::new(&bytes[..])
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect();
    names.sort();
    assert!(names.contains(&"manifest.json".to_owned()), "{names:?}");
}
