//! Any text as a module of Terraform in both syntaxes, and as a plan: what it makes is YAML, and every byte
//! of that is from a byte of the text.

#![no_main]

use coaming_terraform::{Rendered, SourceFile, is_plan, plan, render};
use libfuzzer_sys::fuzz_target;

fn check(text: &str, rendered: &Rendered) {
    for manifest in &rendered.manifests {
        let _ = coaming_yaml::parse(manifest.text.as_str().into());
        let places = manifest.marks.iter().flat_map(|mark| [mark.place, mark.value]);
        assert!(places.flatten().all(|place| place.offset as usize <= text.len()));
    }
}

fuzz_target!(|text: &str| {
    for name in ["main.tf", "main.tf.json"] {
        check(text, &render(&[SourceFile { name: name.to_owned(), text: text.into() }]));
    }
    let stream = coaming_yaml::parse(text.into());
    if let Some(root) = stream.documents.first().map(|it| it.root()).filter(|it| is_plan(*it)) {
        check(text, &plan(root));
    }
});
