//! Any bytes as a bill of materials: it is read, or refused with a reason; what was read is written in
//! both formats, and can be read again.

#![no_main]

use coaming_image::sbom;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(facts) = sbom::read(bytes) else { return };
    for document in [sbom::cyclonedx(&facts, "fuzz"), sbom::spdx(&facts, "fuzz")] {
        sbom::read(document.to_string().as_bytes()).expect("we read what we write");
    }
});
