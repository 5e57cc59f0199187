//! Tests that cannot run here, said so that nobody takes them for passed.

use std::fs::OpenOptions;
use std::io::Write as _;

/// The variable that names the file to which a line is added for each test that cannot run.
const LIST: &str = "COAMING_SKIPPED";

/// Reports that a test cannot run, with the reason; `cargo xtask test` lists them at the end. With
/// `CI` set, that is a failure. Takes what `format!` takes.
#[macro_export]
macro_rules! skip {
    ($($text:tt)*) => {
        $crate::skip::report(&format!($($text)*))
    };
}

/// See [`skip!`](crate::skip!).
///
/// # Panics
///
/// In CI, where every test must run.
pub fn report(text: &str) {
    let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    assert!(!in_ci, "must not be skipped in CI: {text}");
    if let Some(list) = std::env::var_os(LIST) {
        let mut file = OpenOptions::new().create(true).append(true).open(list).unwrap();
        // One write: tests of several processes add lines at the same time.
        file.write_all(format!("{text}\n").as_bytes()).unwrap();
    }
}
