//! Any bytes as an admission review: it is answered, or refused with the reason.

#![no_main]

use std::sync::OnceLock;

use coaming_admission::{Guard, Policies, SafeFixes};
use coaming_kube::World;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    static POLICIES: OnceLock<Option<Policies>> = OnceLock::new();
    let policies = POLICIES.get_or_init(|| Policies::defaults(Guard::default()).ok());
    let (Some(policies), Ok(request)) = (policies, coaming_admission::read(body)) else { return };
    let world = World::default();
    if let Ok(verdict) = coaming_admission::validate(&request, &world, policies, None) {
        let _ = coaming_admission::verdict_response(&request.uid, &verdict);
    }
    let fixes = SafeFixes { policies, world: &world, today: None };
    if let Ok(mutation) = coaming_admission::mutate(&request, &[&fixes]) {
        let _ = coaming_admission::mutation_response(&request.uid, &mutation);
    }
});
