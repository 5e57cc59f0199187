//! Any text, judged by every rule and standard: nothing panics, and nothing takes for ever.

#![no_main]

use std::sync::Arc;

use coaming_kube::{FileEntry, Inventory};
use coaming_rules::pss::{Level, Version};
use coaming_rules::{RuleSet, Settings};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let stream = coaming_yaml::parse(Arc::from(text));
    let documents =
        stream.documents.into_iter().filter(coaming_kube::looks_like_kubernetes).collect();
    let inventory = Inventory::new(vec![FileEntry::new("fuzz.yaml", stream.source, documents)]);
    let _ = coaming_rules::run(&inventory, &Settings::default(), &RuleSet::matching(|_| true));
    let _ = coaming_rules::run_standard(&inventory, Level::Restricted, Version::LATEST);
});
