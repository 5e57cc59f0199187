//! Any text and any edits to it: text edits and JSON values agree, or the edits are rejected.

#![no_main]

use coaming_yaml::Path;
use coaming_yaml::edit::{self, Edit};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, Vec<(u8, u16, bool)>)| {
    let (text, choices) = input;
    let stream = coaming_yaml::parse(text.into());
    let Some(document) = stream.documents.first() else { return };
    let places: Vec<Path> = document.root().descendants().map(|node| node.path()).collect();
    let edits: Vec<Edit> = choices
        .iter()
        .take(4)
        .map(|&(kind, place, value)| {
            let path = places[usize::from(place) % places.len()].clone();
            match kind % 4 {
                0 => Edit::Remove { path },
                1 => Edit::Append { path, value: value.into() },
                2 => Edit::Set { path, value: value.into() },
                _ => Edit::Set { path: path.join("new"), value: value.into() },
            }
        })
        .collect();
    if let Ok(text_edits) = edit::apply(text, document, &edits) {
        let mut wanted = document.root().to_json();
        assert!(edit::apply_to_value(&mut wanted, &edits).is_ok());
        let after = edit::apply_to_text(text, &text_edits);
        if stream.errors.is_empty() && stream.documents.len() == 1 {
            let again = coaming_yaml::parse(after.as_str().into());
            let value = again.documents.first().map(|document| document.root().to_json());
            assert_eq!(value.unwrap_or_default(), wanted);
        }
    }
});
