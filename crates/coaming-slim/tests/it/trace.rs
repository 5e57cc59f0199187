//! A trace adds what was used, and shows what was not.

use std::path::Path;

use coaming_slim::{Options, SlimError, Slimmed, Trace, TraceError, slim};
use serde_json::json;

use super::Item::{Directory, File, Link};

/// Slims an image of a program, a plugin that nothing names and a page, with this trace.
fn traced(trace: &str) -> Result<Slimmed, SlimError> {
    let layer = super::layer(&[
        Directory("app", 0o755),
        File("app/run", 0o755, "program"),
        File("app/unused.html", 0o644, "page"),
        Directory("usr", 0o755),
        Directory("usr/lib", 0o755),
        File("usr/lib/plugin.so.1", 0o644, "a plugin"),
        Link("usr/lib/plugin.so", "plugin.so.1"),
        File("usr/lib/other.so", 0o644, "another"),
    ]);
    let image = super::image(&json!({"Entrypoint": ["/app/run"], "WorkingDir": "/app"}), &[layer]);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("trace");
    std::fs::write(&file, trace).unwrap();
    slim(
        &image,
        &directory.path().join("out"),
        &Options { trace: Some(Trace::File(file)), ..Options::default() },
    )
}

fn keeps(slimmed: &Slimmed, path: &str) -> bool {
    slimmed.report.files.iter().any(|file| Path::new(&file.path) == Path::new(path))
}

#[test]
fn what_only_the_trace_shows_is_kept() {
    let slimmed = traced(
        "1 execve(\"/app/run\", [\"run\"], 0x7 /* 1 var */) = 0\n\
         1 openat(AT_FDCWD, \"../usr/lib/plugin.so\", O_RDONLY) = 3\n\
         1 openat(AT_FDCWD, \"/usr/lib/other.so\", O_RDONLY) = -1 EACCES (Permission denied)\n\
         1 openat(AT_FDCWD, \"/proc/self/maps\", O_RDONLY) = 4\n\
         not a trace\n",
    )
    .unwrap();
    assert!(keeps(&slimmed, "/usr/lib/plugin.so.1"));
    assert!(!keeps(&slimmed, "/usr/lib/other.so"));
    let trace = slimmed.report.trace.unwrap();
    assert_eq!(trace.used, 2);
    assert_eq!(trace.only_used, [("/usr/lib/plugin.so.1".to_owned(), 8)]);
    assert_eq!(trace.only_kept, [("/app/unused.html".to_owned(), 4)]);
    assert_eq!((trace.unused, trace.unused_bytes), (1, 4));
    assert_eq!(trace.notes, ["Not understood in the trace: 1 of 5 lines."]);
}

#[test]
fn what_the_trace_does_not_show_stays() {
    let slimmed = traced("/app/run\n").unwrap();
    assert!(keeps(&slimmed, "/app/unused.html"));
    assert!(!keeps(&slimmed, "/usr/lib/plugin.so.1"));
}

#[test]
fn a_trace_of_something_else_is_refused() {
    let error = traced("/somewhere/else\n").unwrap_err();
    assert!(matches!(error, SlimError::Trace(TraceError::Nothing { lines: 1, .. })), "{error}");
}

#[test]
fn a_real_trace_of_strace_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let (read, out) = (directory.path().join("read \"me\""), directory.path().join("trace"));
    std::fs::write(&read, "text").unwrap();
    let traced = std::process::Command::new("strace")
        .args(["-f", "-o"])
        .args([out.as_path(), Path::new("cat"), &read])
        .output();
    if !traced.is_ok_and(|it| it.status.success()) {
        coaming_test::skip!("slim: strace is not here, or may not trace");
        return;
    }
    let inside = read.to_str().unwrap();
    let layer =
        super::layer(&[File("app/run", 0o755, "program"), File(&inside[1..], 0o644, "text")]);
    let image = super::image(&json!({"Entrypoint": ["/app/run"]}), &[layer]);
    let options = Options { trace: Some(Trace::File(out)), ..Options::default() };
    let slimmed = slim(&image, &directory.path().join("out"), &options).unwrap();
    assert!(keeps(&slimmed, inside));
    let trace = slimmed.report.trace.unwrap();
    assert_eq!(trace.used, 1);
    assert_eq!(trace.notes, [""; 0]);
}
