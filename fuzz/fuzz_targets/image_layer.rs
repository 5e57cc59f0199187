//! Any bytes as a layer, plain or compressed: it is read to some end, and nothing panics.

#![no_main]

use coaming_image::Image;
use libfuzzer_sys::fuzz_target;

fn append(builder: &mut tar::Builder<Vec<u8>>, name: &str, bytes: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    builder.append_data(&mut header, name, bytes).expect("memory takes all");
}

fuzz_target!(|layer: &[u8]| {
    let mut builder = tar::Builder::new(Vec::new());
    append(&mut builder, "config.json", b"{}");
    append(&mut builder, "manifest.json", br#"[{"Config":"config.json","Layers":["layer.tar"]}]"#);
    append(&mut builder, "layer.tar", layer);
    let archive = builder.into_inner().expect("memory takes all");
    let facts = Image::from_stream("fuzz", &archive[..], None).expect("the archive is whole").read();
    assert!(facts.layers.len() == 1);
});
