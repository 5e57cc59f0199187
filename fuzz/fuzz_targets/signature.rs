//! Signed documents: whatever is in an envelope or a bundle, nothing is verified without trust.
#![no_main]

use coaming_signature::{Annotations, Signed, Trust};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let annotations = Annotations {
        signature: Some(text),
        certificate: Some(text),
        chain: Some(text),
        bundle: Some(text),
    };
    let mut trust = Trust::default();
    let _ = trust.add_key("key", bytes);
    let _ = trust.set_root("root", bytes);
    trust.add_identity("nobody", "nobody").expect("one identity");
    let digests = [String::new()];
    let signed = Signed::read(bytes).map(|signed| signed.with_annotations(&annotations));
    for signed in signed.into_iter().chain([Signed::of_image(bytes, &annotations)]) {
        assert!(signed.verify(&Trust::default(), &digests).is_err());
        let _ = signed.verify(&trust, &digests);
    }
});
