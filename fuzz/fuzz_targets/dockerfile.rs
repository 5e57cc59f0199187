//! Any text as a Dockerfile, judged by every rule: spans lie in it, and nothing panics.

#![no_main]

use std::sync::Arc;

use coaming_kube::{FileEntry, FileKind, Inventory};
use coaming_rules::{RuleSet, Settings};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for stage in &coaming_dockerfile::parse(text).stages {
        for instruction in &stage.instructions {
            assert!(text.get(instruction.span.range()).is_some());
        }
    }
    let file = FileEntry::text("Dockerfile", Arc::from(text), FileKind::Dockerfile);
    let inventory = Inventory::new(vec![file]);
    let _ = coaming_rules::run(&inventory, &Settings::default(), &RuleSet::matching(|_| true));
});
