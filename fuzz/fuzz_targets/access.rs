//! Any text as roles and bindings: who can read a Secret always has an answer.

#![no_main]

use std::sync::Arc;

use coaming_access::{Access, who_can};
use coaming_kube::{Source, World};
use coaming_report::access;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let stream = coaming_yaml::parse(Arc::from(text));
    let world = World::new(vec![Source::new("fuzz.yaml", stream.source, stream.documents)]);
    let known = Access::new(&world);
    if let Ok(answer) = who_can(&world, &known, "shop/db") {
        let _ = access::text(&answer);
        let _ = access::json(&answer);
    }
});
