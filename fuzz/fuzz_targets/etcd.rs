//! Any bytes as a file of etcd: reading and reporting never panic and end.
//!
//! A mutation seldom hits a meta page's checksum: the bytes also come as pages behind good ones.

#![no_main]

use std::io::Cursor;

use coaming_secret::etcd;
use libfuzzer_sys::fuzz_target;

const PAGE: usize = 4096;

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    let mut file = [meta(0), meta(1)].concat();
    file.extend_from_slice(bytes);
    read(&file);
});

fn read(bytes: &[u8]) {
    if let Ok(contents) = etcd::read_from(Cursor::new(bytes), bytes.len() as u64) {
        let findings = etcd::findings(&contents);
        let text = etcd::to_text(&contents, &findings);
        assert!(!text.is_empty());
    }
}

/// A meta page that says that the tree begins at page 2.
fn meta(id: u64) -> Vec<u8> {
    let mut meta = Vec::new();
    for number in [0xed0c_daed_u32, 2, PAGE as u32, 0] {
        meta.extend(number.to_le_bytes());
    }
    for number in [2, 0, u64::MAX, 64, id] {
        meta.extend(number.to_le_bytes());
    }
    let sum = meta.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    meta.extend(sum.to_le_bytes());
    let mut page = id.to_le_bytes().to_vec();
    page.extend([4, 0, 0, 0, 0, 0, 0, 0]);
    page.extend(meta);
    page.resize(PAGE, 0);
    page
}
