//! Helm itself, where `COAMING_TOOLS` names a directory that has it.

use std::path::{Path, PathBuf};
use std::process::Command;

use coaming_helm::{Options, Values, render};

/// The program, if it is there.
pub(crate) fn helm() -> Option<PathBuf> {
    let directories = std::env::var_os("COAMING_TOOLS").or_else(|| std::env::var_os("PATH"))?;
    let found = std::env::split_paths(&directories)
        .map(|directory| directory.join("helm"))
        .find(|path| path.is_file());
    if found.is_none() {
        coaming_test::skip!("no helm on PATH, nor in COAMING_TOOLS");
    }
    found
}

/// What Helm prints for a chart; `None` if it fails.
pub(crate) fn expected(helm: &Path, chart: &Path, values: Option<&Path>) -> Option<String> {
    let mut command = Command::new(helm);
    command.arg("template").arg(chart).env("HOME", chart);
    if let Some(values) = values {
        command.arg("-f").arg(values);
    }
    let output = command.output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

pub(crate) fn files(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut pending = vec![root.to_path_buf()];
    while let Some(directory) = pending.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                files.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

pub(crate) fn ours(chart: &Path, values: Option<&Path>) -> Option<String> {
    let values = values
        .map(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            Values::File(path.display().to_string(), text.into())
        })
        .into_iter()
        .collect();
    let options = Options { values, ..Options::default() };
    render(files(chart), &options).ok().map(|rendered| rendered.text())
}

pub(crate) fn charts(directory: &Path, found: &mut Vec<PathBuf>) {
    if directory.join("Chart.yaml").is_file() {
        found.push(directory.to_path_buf());
    }
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        if entry.path().is_dir() {
            charts(&entry.path(), found);
        }
    }
}

/// Every chart of the corpus, with its defaults and with each of its values files for CI, renders
/// to the same bytes. Hashes of passwords are random.
#[test]
fn charts_of_the_corpus_render_to_the_same_bytes() {
    let Some(helm) = helm() else { return };
    let Some(corpus) = std::env::var_os("COAMING_CORPUS") else {
        coaming_test::skip!("COAMING_CORPUS is not set");
        return;
    };
    let mut all = Vec::new();
    charts(Path::new(&corpus), &mut all);
    all.sort();
    let mut compared = 0;
    for chart in &all {
        let ci = std::fs::read_dir(chart.join("ci")).into_iter().flatten().flatten();
        let ci = ci.map(|entry| entry.path()).filter(|path| {
            path.to_string_lossy().ends_with("values.yaml")
                // `htpasswd` salts.
                && !path.to_string_lossy().contains("basic-auth")
                && !path.to_string_lossy().contains("basicauth")
        });
        for values in std::iter::once(None).chain(ci.map(Some)) {
            let values = values.as_deref();
            let (theirs, own) = (expected(&helm, chart, values), ours(chart, values));
            assert!(theirs == own, "{} with {values:?} differs", chart.display());
            compared += 1;
        }
    }
    assert!(compared > 200, "{compared}");
}
