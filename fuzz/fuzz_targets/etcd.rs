//! Any bytes as an etcd database: reading and checking them never panics.
//!
//! Mutations rarely produce a valid checksum of a meta page: the bytes are also read as the pages
//! that follow valid ones.

#![no_main]

use std::io::Cursor;

use coaming_etcd::{StoreReader, findings};
use libfuzzer_sys::fuzz_target;

const PAGE: usize = 4096;

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    let mut file = [meta(0), meta(1)].concat();
    file.extend_from_slice(bytes);
    read(&file);
});

fn read(bytes: &[u8]) {
    let length = bytes.len() as u64;
    if let Ok(mut reader) = StoreReader::database(Cursor::new(bytes), length) {
        let _ = reader.other_file("wal", Cursor::new(bytes), length);
        let _ = findings(&reader.finish());
    }
}

/// A meta page of a tree that begins at page 2.
fn meta(id: u64) -> Vec<u8> {
    let mut meta = Vec::new();
    for number in [0xed0c_daed_u32, 2, PAGE as u32, 0] {
        meta.extend(number.to_le_bytes());
    }
    for number in [2, 0, u64::MAX, 64, id] {
        meta.extend(number.to_le_bytes());
    }
    let checksum = meta.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    meta.extend(checksum.to_le_bytes());
    let mut page = id.to_le_bytes().to_vec();
    page.extend([4, 0, 0, 0, 0, 0, 0, 0]);
    page.extend(meta);
    page.resize(PAGE, 0);
    page
}
