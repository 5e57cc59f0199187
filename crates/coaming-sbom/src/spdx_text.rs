//! SPDX 2 as lines of `Tag: value`: <https://spdx.github.io/spdx-spec/v2.3/>. Read only.

use crate::spdx::Package;

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

/// Reads the packages. Texts of several lines are in `<text>…</text>`.
pub(crate) fn read(bytes: &[u8]) -> Vec<Package> {
    let text = String::from_utf8_lossy(bytes);
    let mut packages = Vec::new();
    let mut current: Option<Fields> = None;
    let mut in_text = false;
    for line in text.lines() {
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
    packages
}
