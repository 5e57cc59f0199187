//! Any text as a chart's template and values: rendering ends, nothing panics, and every origin is a
//! byte of a file that was read.

#![no_main]

use coaming_helm::{Options, render};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str)| {
    let (template, values) = input;
    let metadata = "apiVersion: v2\nname: fuzz\nversion: 1.0.0\n";
    let files = [("Chart.yaml", metadata), ("templates/a.yaml", template), ("values.yaml", values)];
    let files = files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).to_vec();
    let Ok(rendered) = render(files, &Options::default()) else { return };
    for manifest in &rendered.manifests {
        for (_, source) in manifest.map.segments() {
            for location in [source.template, source.values].into_iter().flatten() {
                let file = &rendered.files[location.file];
                assert!(location.offset as usize <= file.text.len());
            }
        }
    }
});
