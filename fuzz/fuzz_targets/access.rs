//! Any text as roles and bindings: who can read a Secret always has an answer.

#![no_main]

use std::sync::Arc;

use coaming_access::{render, who_can};
use coaming_kube::{FileEntry, Inventory};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let stream = coaming_yaml::parse(Arc::from(text));
    let inventory =
        Inventory::new(vec![FileEntry::new("fuzz.yaml", stream.source, stream.documents)]);
    if let Ok(answer) = who_can(&inventory, "shop/db") {
        let _ = render::text(&answer);
        let _ = render::json(&answer);
    }
});
