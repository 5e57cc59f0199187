//! Upstream's evaluator of admission policies: `vapeval` of the archive of the lab.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// The evaluator that `COAMING_VAPEVAL` names; `None` where it is not available, which is reported.
#[must_use]
pub fn program(test: &str) -> Option<PathBuf> {
    let program = std::env::var_os("COAMING_VAPEVAL").map(PathBuf::from);
    if program.is_none() {
        crate::skip!("{test}: it needs COAMING_VAPEVAL, upstream's evaluator of policies");
    }
    program
}

/// The answers of the evaluator, in the order of the questions.
///
/// # Panics
///
/// If it does not run, or prints anything but answers.
#[must_use]
pub fn ask(program: &Path, questions: &[Value]) -> Vec<Value> {
    let mut input = String::new();
    for question in questions {
        writeln!(input, "{question}").unwrap();
    }
    let mut command = Command::new(program);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // It answers while it still reads: one thread alone could wait for ever.
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
