//! The law of the source map, on whole charts: changing the byte at the origin of a rendered byte
//! changes that byte, and nothing that is not from the same value.

use std::path::Path;

use coaming_helm::{Location, Manifest, Options, Rendered, render};
use coaming_test::text::lines;

use super::charts::{texts, unpack};
use super::oracle::{charts, files};

/// How many bytes of a chart are changed, each by itself.
const SAMPLES: usize = 4;

/// A rendered byte that is a copy of a byte of the values.
struct Sample {
    manifest: usize,
    at: usize,
    origin: Location,
}

/// Letters that values copy verbatim, spread over the whole result.
fn samples(rendered: &Rendered) -> Vec<Sample> {
    let mut all = Vec::new();
    for (index, manifest) in rendered.manifests.iter().enumerate() {
        for (start, source) in manifest.map.segments() {
            let at = start as usize;
            let Some(origin) = source.values.filter(|origin| origin.verbatim) else { continue };
            let written = rendered.files[origin.file].text.as_bytes()[origin.offset as usize];
            if manifest.text.as_bytes().get(at) == Some(&written) && written.is_ascii_lowercase() {
                all.push(Sample { manifest: index, at, origin });
            }
        }
    }
    let step = all.len().div_ceil(SAMPLES).max(1);
    all.into_iter().step_by(step).collect()
}

/// Whether a line has a byte from the value that starts at this origin, or from a text that is made
/// of several values, such as a checksum.
fn is_related(manifest: &Manifest, line: (usize, usize), origin: Location) -> bool {
    let (start, end) = line;
    (start..end).any(|at| {
        let values = manifest.map.at(at).values;
        values.is_some_and(|values| {
            values.file == origin.file && values.offset.abs_diff(origin.offset) < 64
        })
    })
}

/// What the samples of one chart have shown.
#[derive(Default, Debug)]
struct Outcome {
    changed: usize,
    refused: usize,
    unrelated: usize,
    broken: Vec<String>,
}

fn check(name: &str, chart: &Path, outcome: &mut Outcome) {
    let contents = files(chart);
    let options = Options::default();
    let Ok(rendered) = render(contents.clone(), &options) else { return };
    for sample in samples(&rendered) {
        let file = &rendered.files[sample.origin.file].name;
        let offset = sample.origin.offset as usize;
        let mut changed = contents.clone();
        let Some((_, bytes)) = changed.iter_mut().find(|(path, _)| path == file) else { continue };
        let new = if bytes[offset] == b'q' { b'w' } else { b'q' };
        bytes[offset] = new;
        let Ok(again) = render(changed, &options) else {
            outcome.refused += 1;
            continue;
        };
        if again.manifests.len() != rendered.manifests.len() {
            // The value also decides what is rendered.
            outcome.refused += 1;
            continue;
        }
        let before = &rendered.manifests[sample.manifest];
        let after = again.manifests.get(sample.manifest).filter(|other| {
            other.template == before.template && other.text.len() == before.text.len()
        });
        let Some(after) = after else {
            outcome.refused += 1;
            continue;
        };
        let around = |manifest: &Manifest| {
            let text = &manifest.text;
            text.get(sample.at.saturating_sub(30)..(sample.at + 20).min(text.len()))
                .unwrap_or_default()
                .to_owned()
        };
        if after.text.as_bytes()[sample.at] != new {
            let place = format!("{name}: {file}:{offset}");
            outcome.broken.push(format!("{place}: {:?} is {:?}", around(before), around(after)));
            continue;
        }
        outcome.changed += 1;
        let both = lines(&before.text).into_iter().zip(lines(&after.text));
        let is_unrelated = both.into_iter().any(|(old, new)| {
            before.text[old.0..old.1] != after.text[new.0..new.1]
                && !before.text[old.0..old.1].contains("checksum")
                && !is_related(before, old, sample.origin)
        });
        outcome.unrelated += usize::from(is_unrelated);
    }
}

#[test]
fn changing_the_byte_at_the_origin_changes_what_is_from_it() {
    let mut outcome = Outcome::default();
    for (name, text) in texts() {
        let directory = tempfile::tempdir().unwrap();
        unpack(&text, directory.path());
        check(&name, directory.path(), &mut outcome);
    }
    if let Some(corpus) = std::env::var_os("COAMING_CORPUS") {
        let mut all = Vec::new();
        charts(Path::new(&corpus), &mut all);
        all.sort();
        for chart in &all {
            check(&chart.display().to_string(), chart, &mut outcome);
        }
    } else {
        coaming_test::skip!("COAMING_CORPUS is not set");
    }
    assert!(outcome.broken.is_empty(), "{}", outcome.broken.join("\n"));
    assert!(outcome.changed > 60, "{outcome:?}");
    // A value may decide about others; few do.
    assert!(outcome.unrelated * 20 <= outcome.changed, "{outcome:?}");
}
