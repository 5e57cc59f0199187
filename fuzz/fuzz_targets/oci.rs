//! Any bytes as a manifest, an index, a reference, a platform and a digest: read, or rejected with a
//! short reason; what is read is within its bounds and prints as a text that reads the same.

#![no_main]

use coaming_oci::{AnyManifest, Digest, MAX_LAYERS, MAX_MANIFESTS, Platform, Reference};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match AnyManifest::parse(bytes) {
        Ok(AnyManifest::Manifest(manifest)) => assert!(manifest.layers.len() <= MAX_LAYERS),
        Ok(AnyManifest::Index(index)) => {
            assert!(index.manifests.len() <= MAX_MANIFESTS);
            if let Err(error) = index.choose(None) {
                assert!(!error.to_string().contains(char::is_control));
            }
        }
        Err(_) => {}
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(reference) = Reference::parse(text) {
        assert_eq!(Reference::parse(&reference.to_string()), Ok(reference));
    }
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.to_string(), text);
    }
    if let Ok(platform) = text.parse::<Platform>() {
        assert_eq!(platform.to_string().parse(), Ok(platform));
    }
});
