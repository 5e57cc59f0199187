//! Any bytes as an OSV record: it is read, or rejected with a reason.

#![no_main]

use coaming_advisory::check_record;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = check_record(bytes);
});
