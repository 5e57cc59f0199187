//! Any bytes as an image archive, plain or compressed: it is opened and read, or rejected with a
//! reason, and nothing panics.

#![no_main]

use coaming_image::Image;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match Image::from_stream("fuzz", bytes, None) {
        Ok(image) => drop(image.read()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
