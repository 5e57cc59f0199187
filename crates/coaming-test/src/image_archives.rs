//! Layers and Docker archives in memory.

use std::io::Write as _;

/// A tar archive of files: a path, a mode and the bytes. All files belong to root.
///
/// # Panics
///
/// If a path does not fit into an archive.
#[must_use]
pub fn tar(files: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, mode, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(*mode);
        header.set_size(bytes.len() as u64);
        header.set_uid(0);
        header.set_gid(0);
        builder.append_data(&mut header, path, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

/// The bytes, compressed with gzip.
///
/// # Panics
///
/// Never: writing to memory does not fail.
#[must_use]
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A Docker archive, as `docker save` writes it, with this configuration, tag and layers.
#[must_use]
pub fn docker_archive(config: &[u8], tag: Option<&str>, layers: &[Vec<u8>]) -> Vec<u8> {
    let names: Vec<String> = (0..layers.len()).map(|index| format!("{index}/layer.tar")).collect();
    let tags: Vec<&str> = tag.into_iter().collect();
    let image = serde_json::json!({"Config": "config.json", "RepoTags": tags, "Layers": names});
    let manifest = serde_json::json!([image]).to_string();
    let mut files: Vec<(&str, u32, &[u8])> =
        vec![("config.json", 0o644, config), ("manifest.json", 0o644, manifest.as_bytes())];
    files.extend(names.iter().zip(layers).map(|(name, layer)| (name.as_str(), 0o644, &layer[..])));
    tar(&files)
}
