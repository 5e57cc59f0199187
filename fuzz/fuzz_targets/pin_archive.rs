//! Any bytes as an archive that digests are taken from: read, or rejected with a reason.

#![no_main]

use coaming_oci::Reference;
use coaming_pin::Archives;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let file = tempfile::NamedTempFile::new().expect("there is room for a small file");
    std::fs::write(file.path(), bytes).expect("there is room for a small file");
    let image = Reference::parse("web:1").expect("a name");
    let mut archives = Archives::default();
    let _ = archives.add(file.path());
    if archives.add_as(file.path(), &image).is_ok() {
        assert!(archives.digest(&image).is_some());
    }
});
