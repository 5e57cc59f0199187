//! The text of an editor, read as the file of its name would be.

use std::sync::Arc;

use coaming_kube::{Source, SourceKind};

use crate::layout::file_name;
use crate::read::{self, Expectation};
use crate::walk::{is_dockerfile, is_environment};
use crate::{InputError, Options};

/// What a text contains.
#[derive(Debug, Default)]
pub struct Buffer {
    /// The objects in it, or the text of another kind; `None` if there is nothing to judge.
    pub source: Option<Source>,
    /// What is not understood.
    pub errors: Vec<InputError>,
}

/// Reads a text as the file `name`, which need not exist. A text beyond
/// [`Options::max_file_bytes`] is an error.
#[must_use]
pub fn buffer(name: &str, text: Arc<str>, options: &Options) -> Buffer {
    if text.len() as u64 > options.max_file_bytes {
        let error = read::ReadError::TooLarge { limit: options.max_file_bytes };
        return Buffer { source: None, errors: vec![InputError::new(name, error.to_string())] };
    }
    let file = file_name(name);
    if is_dockerfile(file) {
        let source = Some(Source::text(name, text, SourceKind::Dockerfile));
        return Buffer { source, errors: Vec::new() };
    }
    if is_environment(file) {
        let source = Some(Source::text(name, text, SourceKind::Environment));
        return Buffer { source, errors: Vec::new() };
    }
    let mut outcome = read::parse(name, text, Expectation::Anything);
    Buffer { source: outcome.files.pop(), errors: outcome.errors }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Buffer {
        buffer(name, text.into(), &Options { max_file_bytes: 200, ..Options::default() })
    }

    #[test]
    fn the_name_decides_how_a_text_is_read() {
        let pod = "apiVersion: v1\nkind: Pod\n";
        let kind = |buffer: Buffer| buffer.source.map(|source| source.kind);
        assert_eq!(kind(read("/a/pod.yaml", pod)), Some(SourceKind::Manifest));
        assert_eq!(kind(read("/a/Dockerfile", "FROM a\n")), Some(SourceKind::Dockerfile));
        assert_eq!(kind(read("/a/.env", "A=b\n")), Some(SourceKind::Environment));
        assert_eq!(kind(read("/a/other.yaml", "a: 1\n")), None);
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        let broken = read("/a/pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {\n");
        assert_eq!(broken.errors.len(), 1);
        let large = read("/a/pod.yaml", &"# x\n".repeat(100));
        assert!(large.source.is_none() && large.errors.len() == 1);
    }
}
