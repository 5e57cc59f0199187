//! `file` URIs and paths.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use lsp_types::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What a path in a URI keeps as it is.
const KEPT: AsciiSet =
    NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The path of a `file` URI; `None` for every other one, such as a text that was never saved.
pub(crate) fn to_path(uri: &Uri) -> Option<PathBuf> {
    let rest = uri.as_str().strip_prefix("file://")?;
    let path = &rest[rest.find('/')?..];
    let path = percent_decode_str(path).decode_utf8().ok()?;
    Some(native(&path))
}

/// The path of a URI on this system: `/C:/a` is `C:/a` on Windows.
fn native(path: &str) -> PathBuf {
    let drive = path.strip_prefix('/').filter(|rest| rest.as_bytes().get(1) == Some(&b':'));
    PathBuf::from(drive.filter(|_| cfg!(windows)).unwrap_or(path))
}

/// The URI of an absolute path; `None` for a relative one.
pub(crate) fn of_path(path: &Path) -> Option<Uri> {
    if !path.is_absolute() {
        return None;
    }
    let text = path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
    let slash = if text.starts_with('/') { "" } else { "/" };
    Uri::from_str(&format!("file://{slash}{}", utf8_percent_encode(&text, &KEPT))).ok()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn paths_and_uris_are_translated() {
        for path in ["/a/b.yaml", "/with space/ä%.yaml", "/a#b/c?d.yaml", "/C:/x"] {
            let uri = of_path(Path::new(path)).unwrap();
            assert_eq!(to_path(&uri).unwrap(), Path::new(path), "{}", uri.as_str());
        }
        assert_eq!(to_path(&Uri::from_str("file:///a%20b").unwrap()), Some("/a b".into()));
        assert_eq!(to_path(&Uri::from_str("file://host/a").unwrap()), Some("/a".into()));
        assert_eq!(to_path(&Uri::from_str("untitled:Untitled-1").unwrap()), None);
        assert!(of_path(Path::new("a/b")).is_none());
    }
}
