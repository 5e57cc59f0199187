//! Charts in the manner of those that many people install, against Helm: each is a text of files,
//! which start with `== path`; files in `x.tgz/` are packed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::oracle::{expected, helm, ours};

/// Writes the files of a chart.
pub(crate) fn unpack(text: &str, directory: &Path) {
    let mut archives: BTreeMap<&str, tar::Builder<Vec<u8>>> = BTreeMap::new();
    for part in text.strip_prefix("== ").unwrap().split("\n== ") {
        let (name, content) = part.split_once('\n').unwrap();
        let content = format!("{}\n", content.strip_suffix('\n').unwrap_or(content));
        if let Some((archive, inner)) = name.split_once(".tgz/") {
            let builder = archives.entry(archive).or_insert_with(|| tar::Builder::new(Vec::new()));
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, inner, content.as_bytes()).unwrap();
            continue;
        }
        let path = directory.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    for (name, builder) in archives {
        let file = std::fs::File::create(directory.join(format!("{name}.tgz"))).unwrap();
        let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        std::io::Write::write_all(&mut packed, &builder.into_inner().unwrap()).unwrap();
        packed.finish().unwrap();
    }
}

/// The charts of `tests/charts`.
pub(crate) fn texts() -> Vec<(String, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/charts");
    let mut found: Vec<(String, String)> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    found.sort();
    found
}

/// Nothing, and then each of the chart's values files for CI.
pub(crate) fn variants(chart: &Path) -> Vec<Option<PathBuf>> {
    let entries = std::fs::read_dir(chart.join("ci")).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| path.to_string_lossy().ends_with("values.yaml"));
    files.sort();
    std::iter::once(None).chain(files.into_iter().map(Some)).collect()
}

#[test]
fn charts_like_the_well_known_ones_render_to_the_same_bytes() {
    let Some(helm) = helm() else { return };
    let mut compared = 0;
    for (name, text) in texts() {
        let directory = tempfile::tempdir().unwrap();
        unpack(&text, directory.path());
        for values in variants(directory.path()) {
            let values = values.as_deref();
            let theirs = expected(&helm, directory.path(), values);
            assert!(theirs.is_some(), "Helm cannot render {name} with {values:?}");
            let own = ours(directory.path(), values);
            assert_eq!(own.as_deref(), theirs.as_deref(), "{name} with {values:?}");
            compared += 1;
        }
    }
    assert!(compared >= 20, "{compared}");
}

/// Charts that Helm refuses, by a template and values.
#[test]
fn what_helm_refuses_is_refused() {
    let Some(helm) = helm() else { return };
    let refused = [
        ("a: 1\n\t\nb: 2", ""),
        ("a:\n  b: 1\n  \t\n  c: 2", ""),
        ("a:\n-\tb", ""),
        ("a: 1\n\t# comment\nb: 2", ""),
        ("a: |\n  x\n\t\nb: 2", ""),
        ("a: {{ .Values.a }}", "a: 1\n\t\nb: 2"),
        ("a: {{ dig \"a\" \"b\" .Values }}", ""),
        ("kind: [a]", ""),
        ("kind: X\napiVersion: {}", ""),
        ("kind: X\nmetadata: x", ""),
        ("kind: X\nmetadata: {name: [x]}", ""),
        ("kind: X\nmetadata: {annotations: x}", ""),
        ("kind: X\nmetadata: {annotations: {a: {b: c}}}", ""),
        (
            "{{ $ca := genCA \"x\" 1 }}a: {{ genSignedCert \"c\" nil (splitList \",\" \"a\") 3 $ca }}",
            "",
        ),
    ];
    let accepted = [
        ("a:\t1\nb: 2\t# comment\nc: {\td: 1,\n\te: 2}", ""),
        ("d: |\n  x\n  \ty\ne: \"x\n  \ty\"", ""),
        ("kind: X\n---\n# nothing\n---\n{}\n---\nkind: 1\n---\nkind: Y\n---\nkind: ~", ""),
        ("kind: X\nmetadata: {annotations: {a: 1, b: ~, c: no, d: 1.5}, name: 5}", ""),
        ("kind: X\nmetadata: {annotations: {helm.sh/hook: ~}}\n---\nkind: Z", ""),
        ("kind: X\nmetadata: ~\n---\nkind: Z\nmetadata: {annotations: }", ""),
        ("a: {{ hasKey (fromYaml \"\\ta: 1\") \"Error\" }}", "a: b"),
    ];
    let all = refused.iter().map(|case| (case, false));
    for ((template, values), is_fine) in all.chain(accepted.iter().map(|case| (case, true))) {
        let directory = tempfile::tempdir().unwrap();
        let chart = format!(
            "== Chart.yaml\napiVersion: v2\nname: c\nversion: 0.1.0\n== values.yaml\n{values}\n== templates/x.yaml\n{template}\n"
        );
        unpack(&chart, directory.path());
        let theirs = expected(&helm, directory.path(), None);
        assert_eq!(theirs.is_some(), is_fine, "{template:?}");
        assert_eq!(ours(directory.path(), None), theirs, "{template:?} with {values:?}");
    }
}
