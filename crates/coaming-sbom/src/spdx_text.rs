//! SPDX 2 as lines of `Tag: value`: <https://spdx.github.io/spdx-spec/v2.3/>. Read only.

use std::io::{self, BufRead, Read as _};

use crate::spdx::Package;
use crate::{MAX_PACKAGES, ReadError};

/// The longest line that is read; the rest of a longer one is skipped.
const MAX_LINE: u64 = 1 << 20;

/// Whether a file that starts like this is such a document.
pub(crate) fn is_start(start: &[u8]) -> bool {
    let lines = start.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.take(200).find(|line| !line.is_empty() && !line.starts_with(b"#"));
    first.is_some_and(|line| line.starts_with(b"SPDXVersion:"))
}

/// A package, while its lines are read.
#[derive(Default)]
struct Fields {
    name: String,
    version: String,
    purpose: String,
    source_info: String,
    comment: String,
    urls: Vec<String>,
}

impl Fields {
    fn finish(self) -> Package {
        let Self { name, version, purpose, source_info, comment, urls } = self;
        Package::read(name, version, purpose, source_info, comment, urls)
    }
}

/// Reads a line, of which [`MAX_LINE`] bytes are kept; false at the end of the document.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let read = reader.by_ref().take(MAX_LINE).read_until(b'\n', line)?;
    if !line.ends_with(b"\n") && read as u64 == MAX_LINE {
        reader.skip_until(b'\n')?;
    }
    Ok(read > 0)
}

/// Reads the packages, line by line. Texts of several lines are in `<text>…</text>`.
pub(crate) fn read(mut reader: impl BufRead) -> Result<Vec<Package>, ReadError> {
    let mut packages = Vec::new();
    let mut bytes = Vec::new();
    let mut current: Option<Fields> = None;
    let mut in_text = false;
    while read_line(&mut reader, &mut bytes).map_err(serde_json::Error::io)? {
        if packages.len() > MAX_PACKAGES {
            return Err(ReadError::TooMany { what: "packages", limit: MAX_PACKAGES });
        }
        let line = String::from_utf8_lossy(&bytes);
        let line = line.trim_end_matches(['\r', '\n']);
        if in_text {
            in_text = !line.contains("</text>");
            continue;
        }
        let Some((tag, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        in_text = value.contains("<text>") && !value.contains("</text>");
        let value = value.trim_start_matches("<text>").trim_end_matches("</text>");
        match tag.trim() {
            "PackageName" => {
                packages.extend(current.take().map(Fields::finish));
                current = Some(Fields { name: value.to_owned(), ..Fields::default() });
            }
            // What follows is about something else.
            "FileName" | "SnippetSPDXID" | "LicenseID" | "Relationship" => {
                packages.extend(current.take().map(Fields::finish));
            }
            tag => {
                let Some(package) = &mut current else { continue };
                match tag {
                    "PackageVersion" => value.clone_into(&mut package.version),
                    "PrimaryPackagePurpose" => value.clone_into(&mut package.purpose),
                    "PackageSourceInfo" => value.clone_into(&mut package.source_info),
                    "PackageComment" => value.clone_into(&mut package.comment),
                    "ExternalRef" => {
                        let mut words = value.split_whitespace();
                        if let (Some(_), Some("purl"), Some(url)) =
                            (words.next(), words.next(), words.next())
                        {
                            package.urls.push(url.to_owned());
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    packages.extend(current.map(Fields::finish));
    Ok(packages)
}
