//! Any text: reading it never panics, and every span is within it.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let stream = coaming_yaml::parse(text.into());
    for document in &stream.documents {
        for node in document.root().descendants() {
            if let Some(span) = node.span() {
                assert!(text.get(span.range()).is_some());
            }
        }
        let _ = document.root().to_json();
    }
});
