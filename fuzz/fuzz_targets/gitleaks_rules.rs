//! Any text as a rule file in the gitleaks format, applied to itself: nothing panics.

#![no_main]

use coaming_secret::{Detector, FingerprintKey, TextKind};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(rules) = coaming_secret::gitleaks::parse(text) {
        let detector = Detector::new(FingerprintKey::default()).with_rules(rules);
        let _ = detector.scan(text, TextKind::File("a.txt"));
    }
});
