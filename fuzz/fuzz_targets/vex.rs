//! Any bytes as a VEX document, and as an identifier in one: it is read, or rejected with a reason, and asked
//! about an image.

#![no_main]

use coaming_sbom::vex::{self, Document, Origin, Product};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let product = Product {
        name: "web.tar".to_owned(),
        repository: "registry.example.com/shop/web".to_owned(),
        tag: "1.4".to_owned(),
        digests: vec![format!("sha256:{}", "a".repeat(64))],
    };
    if let Ok(document) = vex::read(bytes) {
        for origin in [Origin::Given, Origin::Attached] {
            let document = Document { origin, ..document.clone() };
            let _ = document.verdict(|_| true, "pkg:pypi/requests@2.19.1", &product);
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = product.is(text);
    }
});
