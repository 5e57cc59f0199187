//! Any bytes, scanned for credentials: nothing panics, and ranges are whole characters in order.

#![no_main]

use coaming_secret::{TextKind, detector};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for kind in [TextKind::Fragment, TextKind::Value("DB_PASSWORD"), TextKind::File("a.env")] {
        let mut end = 0;
        for found in detector().scan(bytes, kind) {
            assert!(found.range.start >= end && found.range.end <= bytes.len());
            end = found.range.end;
            if let Ok(text) = std::str::from_utf8(bytes) {
                assert!(text.get(found.range).is_some());
            }
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = coaming_secret::structured::in_file(detector(), "values.yaml", text);
        let _ = coaming_secret::structured::in_file(detector(), "a.txt", text);
    }
});
