//! Any bytes as a record of OSV's, as VEX and as a package URL: each is read, or says why it is not.

#![no_main]

use coaming_advisory::{check_record, parse_purl, vex};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = check_record(bytes);
    let _ = vex::parse(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = parse_purl(text);
    }
});
