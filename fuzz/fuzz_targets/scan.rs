//! Any text, judged by every rule and standard: nothing panics, and nothing runs forever.

#![no_main]

use std::sync::Arc;

use coaming_kube::{Source, World};
use coaming_rules::pss::{Level, Version};
use coaming_rules::{Images, Input, RuleSet, Settings};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let stream = coaming_yaml::parse(Arc::from(text));
    let documents =
        stream.documents.into_iter().filter(coaming_kube::looks_like_kubernetes).collect();
    let world = World::new(vec![Source::new("fuzz.yaml", stream.source, documents)]);
    let (images, settings) = (Images::default(), Settings::default());
    let input = Input::new(&world, &images, &settings);
    let _ = coaming_rules::run(input, &RuleSet::matching(|_| true), Vec::new());
    let _ = coaming_rules::run_standard(&world, Level::Restricted, Version::LATEST);
});
