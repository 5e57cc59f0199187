//! Any bytes as an SBOM: it is read, or rejected with a reason. An SBOM that was read
//! is written in both formats and can be read again.

#![no_main]

use coaming_sbom::Document;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(document) = Document::read(bytes) else { return };
    let _ = document.listed_vulnerabilities();
    let Ok(sbom) = document.into_sbom() else { return };
    for document in [sbom.to_cyclonedx(), sbom.to_spdx()] {
        let document = Document::read(document.to_string().as_bytes()).expect("it is well-formed");
        let again = document.into_sbom().expect("it is an SBOM");
        assert_eq!(again.packages.is_empty(), sbom.packages.is_empty());
    }
});
