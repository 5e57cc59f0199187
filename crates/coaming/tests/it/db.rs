//! `coaming db`, from the outside.

use std::io::Write as _;
use std::process::{Command, Stdio};

fn compare(ecosystem: &str, lines: &str) -> (String, String, Option<i32>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_coaming"))
        .args(["db", "compare", ecosystem])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdin.take().unwrap().write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

#[test]
fn compares_versions_line_by_line() {
    let lines = "1.0~rc1-1\t1.0-1\n1.0\t1.0-0\r\n2\t1\nx\t1\nno tab\n\n1\t2";
    let (out, error, code) = compare("Debian:12", lines);
    assert_eq!((out.as_str(), error.as_str(), code), ("<\n=\n>\n?\n?\n?\n<\n", "", Some(0)));
    assert_eq!(compare("Alpine:v3.18", "1.0_rc1\t1.0\n").0, "<\n");
    assert_eq!(compare("Red Hat", "1.0^git1\t1.0\n").0, ">\n");
}

#[test]
fn names_the_ecosystems_that_it_knows() {
    let (out, error, code) = compare("Debain", "1\t2\n");
    assert_eq!((out.as_str(), code), ("", Some(2)));
    assert!(error.contains("`Debain`") && error.contains("Debian"), "{error}");
}
