//! The program, as it is run.

#![cfg(unix)]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs the program in a directory of files.
fn launch(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_coaming-launch"))
        .args(arguments)
        .current_dir(directory)
        .env("PATH", "/usr/bin:/bin")
        .env("KEPT", "as it is")
        .output()
        .unwrap()
}

fn files(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(directory.path().join(name), content).unwrap();
    }
    directory
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_program_gets_the_contents_of_files() {
    let directory = files(&[("password", b"s3cret $(x) = \xff\n"), ("empty", b"")]);
    let arguments = ["--variable", "A=password", "--variable", "B=empty", "--", "sh", "-c"];
    let script = "printf '%s|' \"$A\" \"${B-unset}\" \"$KEPT\" \"$@\"; exit 7";
    let output =
        launch(directory.path(), &[&arguments[..], &[script, "sh", "--variable", "x"]].concat());
    assert_eq!(output.status.code(), Some(7), "{}", text(&output.stderr));
    // As it is, also the line end.
    assert_eq!(output.stdout, b"s3cret $(x) = \xff\n||as it is|--variable|x|");
}

#[test]
fn the_program_replaces_the_launcher() {
    let directory = files(&[("password", b"s3cret")]);
    let child = Command::new(env!("CARGO_BIN_EXE_coaming-launch"))
        .args(["--variable", "A=password", "--", "sh", "-c", "echo $$"])
        .current_dir(directory.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let id = child.id();
    let output = child.wait_with_output().unwrap();
    assert_eq!(text(&output.stdout), format!("{id}\n"), "its signals are the program's");
}

#[test]
fn a_program_is_not_started_without_all_of_its_variables() {
    let long = vec![b'x'; 128 << 10];
    let directory = files(&[("good", b"g00d-value"), ("zero", b"v4lue\0"), ("long", &long)]);
    let refused = |arguments: &[&str], reason: &str| {
        let output = launch(directory.path(), &[arguments, &["--", "echo", "started"]].concat());
        let said = text(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{said}");
        assert!(said.contains(reason) && !said.contains("alue\0"), "{said}");
    };
    let good = ["--variable", "A=good"];
    refused(&["--variable", "A=missing"], "cannot read missing, which the variable A is to have");
    refused(&["--variable", "A=zero"], "a zero byte");
    refused(&["--variable", "A=long"], "128 KiB");
    refused(&[good, good].concat(), "occurs twice");
    for pair in ["", "A", "A=", "=good", "1A=good", "A-B=good", "Ä=good"] {
        refused(&["--variable", pair], "NAME=FILE");
    }
    refused(&["--verbose"], "`--verbose` is not an option");
    refused(&["echo"], "a program follows `--`");
}

#[test]
fn what_cannot_be_run_is_named() {
    let directory = files(&[("good", b"g00d-value")]);
    let good = ["--variable", "A=good", "--"];
    let missing = launch(directory.path(), &[&good[..], &["no-such-program"]].concat());
    assert_eq!(missing.status.code(), Some(2));
    let said = text(&missing.stderr);
    assert_eq!(
        said,
        "coaming-launch: cannot run `no-such-program`: No such file or directory (os error 2)\n"
    );
    for arguments in [&good[..], &good[..2], &[]] {
        let said = text(&launch(directory.path(), arguments).stderr);
        assert!(said.contains("name a program") && said.contains("usage: "), "{said}");
    }
}

/// The longest value that Linux takes arrives.
#[test]
fn the_longest_value_arrives() {
    let longest = vec![b'x'; (128 << 10) - 3];
    let directory = files(&[("long", &longest)]);
    let script = "echo ${#A}";
    let output = launch(directory.path(), &["--variable", "A=long", "--", "sh", "-c", script]);
    assert_eq!(text(&output.stdout), format!("{}\n", longest.len()), "{}", text(&output.stderr));
}
