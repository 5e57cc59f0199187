//! A replacement for `libfuzzer_sys` where fuzz targets run once on given inputs, with a stable
//! compiler: the same macro, and the same way from bytes to values.

pub use arbitrary::{Arbitrary, Unstructured};

/// A fuzz target as a function `run` from bytes.
#[macro_export]
macro_rules! fuzz_target {
    (|$bytes:ident: &[u8]| $body:expr) => {
        pub(crate) fn run($bytes: &[u8]) {
            $body
        }
    };
    (|$input:ident: $type:ty| $body:expr) => {
        pub(crate) fn run(bytes: &[u8]) {
            fn body($input: $type) {
                $body
            }
            let bytes = $crate::fuzzing::Unstructured::new(bytes);
            if let Ok(input) = $crate::fuzzing::Arbitrary::arbitrary_take_rest(bytes) {
                body(input);
            }
        }
    };
}
