//! Files are replaced as a whole or not at all, and what a run watches for arrives.

#![expect(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use coaming_console::{FileWatch, OutputError, WatchError, append_lines, refuse_device, write};
use coaming_console::{full_options, write_masked};

/// The names in a directory.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

#[test]
fn a_file_is_replaced_as_a_whole() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("report.json");
    fs::write(&file, "the report before, which is longer").unwrap();
    write(Some(&file), |out| out.write_all(b"new")).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "new");
    assert_eq!(names(directory.path()), ["report.json"]);
}

#[test]
fn a_file_that_cannot_be_written_stays_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("report.json");
    fs::write(&file, "before").unwrap();
    let error = write(Some(&file), |out| {
        out.write_all(&[b'x'; 1 << 20])?;
        Err(io::Error::other("the disk is full"))
    });
    let message = error.unwrap_err().to_string();
    assert_eq!(message, format!("cannot write {}: the disk is full", file.display()));
    assert_eq!(fs::read_to_string(&file).unwrap(), "before");
    assert_eq!(names(directory.path()), ["report.json"]);
}

#[test]
fn a_reader_that_has_gone_is_told_from_other_failures() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("report.json");
    let failure = |kind| write(Some(&file), |_| Err(io::Error::from(kind))).unwrap_err();
    assert!(failure(io::ErrorKind::BrokenPipe).is_broken_pipe());
    assert!(!failure(io::ErrorKind::StorageFull).is_broken_pipe());
    assert!(names(directory.path()).is_empty());
}

#[cfg(unix)]
#[test]
fn links_and_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let directory = tempfile::tempdir().unwrap();
    let (file, link) = (directory.path().join("report.json"), directory.path().join("latest.json"));
    fs::write(&file, "before").unwrap();
    fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
    symlink("report.json", &link).unwrap();
    write(Some(&link), |out| out.write_all(b"new")).unwrap();
    assert!(link.is_symlink());
    assert_eq!(fs::read_to_string(&file).unwrap(), "new");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
}

#[cfg(unix)]
#[test]
fn a_device_is_written_to_and_not_replaced() {
    use std::os::unix::fs::FileTypeExt as _;
    let null = Path::new("/dev/null");
    write(Some(null), |out| out.write_all(b"a report")).unwrap();
    assert!(null.metadata().unwrap().file_type().is_char_device());
    let error = refuse_device(null).unwrap_err();
    assert!(matches!(error, OutputError::NotRegular(ref path) if path == null), "{error}");
    refuse_device(Path::new("/dev/null.json")).unwrap();
}

#[test]
fn lines_are_appended_after_the_last_whole_one() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("results.jsonl");
    fs::write(&file, "{\"image\":\"a\"}\n{\"image\":\"b\"}\n{\"imag").unwrap();
    let mut known = Vec::new();
    let mut out = append_lines(Some(&file), |line| known.push(line.to_vec())).unwrap();
    out.write_all(b"{\"image\":\"c\"}\n").unwrap();
    drop(out);
    assert_eq!(known, [b"{\"image\":\"a\"}\n", b"{\"image\":\"b\"}\n"]);
    let lines = fs::read_to_string(&file).unwrap();
    assert_eq!(lines, "{\"image\":\"a\"}\n{\"image\":\"b\"}\n{\"image\":\"c\"}\n");
}

#[test]
fn a_new_file_of_lines_begins_empty() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("results.jsonl");
    let mut out = append_lines(Some(&file), |_| panic!("there is no line")).unwrap();
    out.write_all(b"{}\n").unwrap();
    drop(out);
    assert_eq!(fs::read_to_string(&file).unwrap(), "{}\n");
    let missing = directory.path().join("no/such/results.jsonl");
    assert!(append_lines(Some(&missing), |_| ()).is_err());
}

#[test]
fn names_that_are_secrets_are_masked() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("report.txt");
    let token = ["gh", "p_", "x3Jq9ZtL7vB2mKd8RfWc1NsYh5TgUp4AeXo0"].concat();
    write_masked(Some(&file), |out| writeln!(out, "postgres://app:{token}@db/app")).unwrap();
    let written = fs::read_to_string(&file).unwrap();
    assert!(!written.contains(&token) && written.contains("db/app"), "{written}");
}

#[test]
fn a_report_in_a_file_has_neither_colors_nor_links_unless_asked_for() {
    let options = full_options(None, true);
    assert_eq!((options.links, options.width), (false, None));
    assert!(full_options(Some(true), true).color);
    assert!(!full_options(Some(false), false).color);
}

#[test]
fn a_change_ends_the_wait() {
    let directory = tempfile::tempdir().unwrap();
    let manifest = directory.path().join("web.yaml");
    fs::write(&manifest, "kind: Pod\n").unwrap();
    let watch = FileWatch::start([&manifest], &[]).unwrap();
    for kind in ["Service", "Job"] {
        // An editor writes another file, and gives it the name of the first.
        let edited = directory.path().join("web.yaml.new");
        fs::write(&edited, format!("kind: {kind}\n")).unwrap();
        fs::rename(&edited, &manifest).unwrap();
        watch.wait().unwrap();
    }
}

#[test]
fn standard_input_cannot_be_watched() {
    let paths = [PathBuf::from("-")];
    let error = FileWatch::start(&paths, &[]).unwrap_err();
    assert!(matches!(error, WatchError::StandardInput), "{error}");
}
