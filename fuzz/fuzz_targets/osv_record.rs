//! Any bytes as a record of OSV: it is read, or there is a reason why not.

#![no_main]

use coaming_advisory::check_record;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = check_record(bytes);
});
