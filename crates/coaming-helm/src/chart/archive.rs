//! Charts in `.tgz` archives.

use std::io::Read as _;

use crate::failure::Failure;

/// The largest unpacked chart, in bytes; Helm has a limit of 100 MiB.
const MAX_BYTES: u64 = 100 << 20;

/// The largest file in a packed chart, as Helm has it.
const MAX_FILE: u64 = 5 << 20;

/// The largest number of files in a chart.
const MAX_FILES: usize = 20_000;

/// The files of a packed chart, relative to the chart's directory.
pub(crate) fn unpack(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let unreadable =
        |error: std::io::Error| Failure::Chart(format!("the packed chart cannot be read: {error}"));
    let limited = flate2::read::MultiGzDecoder::new(bytes).take(MAX_BYTES);
    let mut archive = tar::Archive::new(limited);
    let mut files = Vec::new();
    let mut total = 0;
    for entry in archive.entries().map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = String::from_utf8_lossy(&entry.path_bytes()).replace('\\', "/");
        let Some((_, inside)) = path.trim_start_matches("./").split_once('/') else { continue };
        if inside.split('/').any(|part| part == "..") {
            return Err(Failure::Chart(
                "the packed chart contains a path outside of itself".to_owned(),
            ));
        }
        let inside = inside.to_owned();
        let mut content = Vec::new();
        entry.take(MAX_FILE + 1).read_to_end(&mut content).map_err(unreadable)?;
        total += content.len() as u64;
        if content.len() as u64 > MAX_FILE || total >= MAX_BYTES || files.len() >= MAX_FILES {
            return Err(Failure::Chart("the packed chart is too large".to_owned()));
        }
        files.push((inside, content));
    }
    if files.is_empty() {
        return Err(Failure::Chart("the packed chart contains no files".to_owned()));
    }
    Ok(files)
}
