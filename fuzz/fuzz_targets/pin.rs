//! Any text as each kind of file that names images: finding and pinning them never panics, and
//! unknown images stay unchanged.

#![no_main]

use coaming_kube::{Source, SourceKind};
use coaming_pin::{Sources, find, pin};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for kind in [SourceKind::Dockerfile, SourceKind::HelmValues, SourceKind::Kustomization] {
        let files = [Source::text("fuzz", text.into(), kind)];
        let outcome = pin(&files, find(&files), &Sources::default(), None);
        assert!(outcome.changes.is_empty());
    }
});
