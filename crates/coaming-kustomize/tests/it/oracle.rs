//! Kustomize itself, where `COAMING_TOOLS` names a directory that has `kubectl`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::disk::Disk;

/// The program, if it is there.
pub(crate) fn kubectl() -> Option<PathBuf> {
    let directories = std::env::var_os("COAMING_TOOLS").or_else(|| std::env::var_os("PATH"))?;
    let found = std::env::split_paths(&directories)
        .map(|directory| directory.join("kubectl"))
        .find(|path| path.is_file());
    if found.is_none() {
        coaming_test::skip!("no kubectl on PATH, nor in COAMING_TOOLS");
    }
    found
}

/// What Kustomize builds, or what it says about it.
pub(crate) fn expected(kubectl: &Path, directory: &Path) -> Result<String, String> {
    let output = Command::new(kubectl)
        .arg("kustomize")
        .arg(directory)
        // Nothing may be fetched.
        .env("PATH", "")
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        .output()
        .unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// What we build.
pub(crate) fn ours(directory: &Path) -> Result<String, String> {
    let options = coaming_kustomize::Options::default();
    coaming_kustomize::build(&Disk, &directory.to_string_lossy(), &options)
        .map(|built| built.text())
        .map_err(|error| match error.place() {
            Some(place) => format!("{}:{}: {error}", place.file, place.line),
            None => error.to_string(),
        })
}

/// How the results differ, if they do; else whether both could build it.
pub(crate) fn compare(kubectl: &Path, directory: &Path) -> Result<bool, String> {
    match (expected(kubectl, directory), ours(directory)) {
        (Ok(theirs), Ok(own)) if theirs == own => Ok(true),
        (Ok(theirs), Ok(own)) => {
            let differing = theirs.lines().zip(own.lines()).position(|(a, b)| a != b);
            let line = differing.unwrap_or(theirs.lines().count().min(own.lines().count()));
            let around = |text: &str| {
                let lines = text.lines().skip(line.saturating_sub(8)).take(16);
                lines.collect::<Vec<&str>>().join("\n")
            };
            Err(format!(
                "line {} differs:\n--- kubectl\n{}\n--- ours\n{}",
                line + 1,
                around(&theirs),
                around(&own)
            ))
        }
        (Err(_), Err(_)) => Ok(false),
        (Ok(_), Err(error)) => Err(format!("only we fail: {error}")),
        (Err(error), Ok(_)) => Err(format!("only kubectl fails: {error}")),
    }
}

/// Fails if the results differ.
pub(crate) fn assert_same(kubectl: &Path, directory: &Path) -> bool {
    compare(kubectl, directory)
        .unwrap_or_else(|difference| panic!("{}: {difference}", directory.display()))
}

pub(crate) fn kustomizations(directory: &Path, found: &mut Vec<PathBuf>) {
    let names = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
    if names.iter().any(|name| directory.join(name).is_file()) {
        found.push(directory.to_path_buf());
    }
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.path().is_dir() && !entry.path().is_symlink() {
            kustomizations(&entry.path(), found);
        }
    }
}

/// Every kustomization of the corpus builds to the same bytes, or fails in both.
#[test]
fn kustomizations_of_the_corpus_build_to_the_same_bytes() {
    let Some(kubectl) = kubectl() else { return };
    let Some(corpus) = std::env::var_os("COAMING_CORPUS") else {
        coaming_test::skip!("COAMING_CORPUS is not set");
        return;
    };
    let mut all = Vec::new();
    kustomizations(Path::new(&corpus), &mut all);
    all.sort();
    let built = all.iter().filter(|directory| assert_same(&kubectl, directory)).count();
    assert!(built > 30, "{built} of {}", all.len());
}

/// Overlays that are written as files in `cases/`: each starts with the name of a file after `==`.
#[test]
fn cases_build_to_the_same_bytes() {
    let Some(kubectl) = kubectl() else { return };
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut names: Vec<PathBuf> =
        std::fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let mut failures = BTreeMap::new();
    for case in &names {
        let directory = tempfile::tempdir().unwrap();
        unpack(&std::fs::read_to_string(case).unwrap(), directory.path());
        let root = directory.path().join("overlay");
        let root = if root.is_dir() { root } else { directory.path().to_path_buf() };
        let is_refused = case.to_string_lossy().contains("refused");
        match compare(&kubectl, &root) {
            Ok(built) if built != is_refused => {}
            Ok(_) => {
                let error = expected(&kubectl, &root).err();
                failures.insert(case.clone(), format!("unexpected outcome: {error:?}"));
            }
            Err(difference) => drop(failures.insert(case.clone(), difference)),
        }
    }
    let texts: Vec<String> =
        failures.iter().map(|(case, text)| format!("{}: {text}", case.display())).collect();
    assert!(texts.is_empty(), "{}", texts.join("\n\n"));
    assert!(names.len() > 10);
}

/// Writes the files of a case.
pub(crate) fn unpack(text: &str, directory: &Path) {
    for part in text.split("== ").skip(1) {
        let (name, content) = part.split_once('\n').unwrap();
        let path = directory.join(name.trim());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
}
