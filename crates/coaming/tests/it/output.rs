//! `--output`: regular files are replaced, everything else is written to.

use std::io::Read as _;

use crate::coaming;

fn rules(output: &std::path::Path) -> std::process::Command {
    let mut command = coaming(&["scan", "--format", "json", "--exit-zero", "examples/shop", "-o"]);
    command.arg(output);
    command
}

#[cfg(unix)]
#[test]
fn a_pipe_is_written_to_and_stays_one() {
    use std::os::unix::fs::FileTypeExt as _;
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let reader = {
        let pipe = pipe.clone();
        std::thread::spawn(move || {
            let mut text = String::new();
            std::fs::File::open(pipe).unwrap().read_to_string(&mut text).unwrap();
            text
        })
    };
    assert!(rules(&pipe).status().unwrap().success());
    assert!(pipe.metadata().unwrap().file_type().is_fifo());
    assert!(reader.join().unwrap().starts_with("{\"version\": 1,"));
    let entries = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(entries, 1, "a temporary file is left");
}

#[cfg(unix)]
#[test]
fn what_is_not_written_from_front_to_back_refuses_pipes() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let pipe = pipe.to_str().unwrap();
    for arguments in [
        &["db", "build", "examples/shop", "--db", pipe][..],
        &["image", "slim", "examples/shop", "--force", "-o", pipe],
    ] {
        let output = crate::run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let error = crate::stderr(&output);
        assert!(error.contains("is not a regular file"), "{arguments:?}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link() {
    let directory = tempfile::tempdir().unwrap();
    let (file, link) = (directory.path().join("a.json"), directory.path().join("b.json"));
    std::fs::write(&file, "old").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    assert!(rules(&link).status().unwrap().success());
    assert!(link.is_symlink());
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("{\"version\": 1,"));
}
