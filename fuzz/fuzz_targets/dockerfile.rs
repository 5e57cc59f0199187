//! Any text as a Dockerfile, judged by every rule: spans are within the text, and nothing panics.

#![no_main]

use std::sync::Arc;

use coaming_kube::{Source, SourceKind, World};
use coaming_rules::{Images, Input, RuleSet, Settings};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for stage in &coaming_dockerfile::parse(text).stages {
        for instruction in &stage.instructions {
            assert!(text.get(instruction.span.range()).is_some());
        }
    }
    let file = Source::text("Dockerfile", Arc::from(text), SourceKind::Dockerfile);
    let world = World::new(vec![file]);
    let (images, settings) = (Images::default(), Settings::default());
    let input = Input::new(&world, &images, &settings);
    let _ = coaming_rules::run(input, &RuleSet::matching(|_| true), Vec::new());
});
