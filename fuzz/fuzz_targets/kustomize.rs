//! Any text as a kustomization, a resource and a patch: building ends, nothing panics, and every
//! origin is a byte of a file that was read.

#![no_main]

use std::sync::Arc;

use coaming_kustomize::{FileKind, Files, Options, build};
use libfuzzer_sys::fuzz_target;

struct Texts<'t> {
    files: [(&'static str, &'t str); 3],
}

impl Texts<'_> {
    fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|(name, _)| *name == path).map(|(_, text)| *text)
    }
}

impl Files for Texts<'_> {
    fn kind(&self, path: &str) -> FileKind {
        match (self.text(path), path) {
            (Some(_), _) => FileKind::File,
            (None, "." | "overlay") => FileKind::Directory,
            _ => FileKind::Missing,
        }
    }

    fn real_path(&self, path: &str) -> String {
        path.to_owned()
    }

    fn read(&self, path: &str) -> Result<Arc<[u8]>, String> {
        self.text(path).map(|text| text.as_bytes().into()).ok_or_else(|| "is missing".to_owned())
    }

    fn chart(&self, _: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
        Err("is missing".to_owned())
    }
}

fuzz_target!(|input: (&str, &str, &str)| {
    let (kustomization, resource, patch) = input;
    let files = Texts {
        files: [
            ("overlay/kustomization.yaml", kustomization),
            ("overlay/a.yaml", resource),
            ("overlay/b.yaml", patch),
        ],
    };
    let options = Options { skip_absent: true, ..Options::default() };
    let Ok(built) = build(&files, "overlay", &options) else { return };
    for document in &built.documents {
        for (_, source) in document.map.segments() {
            for location in [source.template, source.values].into_iter().flatten() {
                let file = &built.files[location.file];
                assert!(location.offset as usize <= file.text.len());
            }
        }
    }
});
