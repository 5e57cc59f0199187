//! Places where images are named, and how the names are written there.

use coaming_oci::{Digest, Reference};
use coaming_yaml::edit::{Edit, TextEdit, Value};
use coaming_yaml::{Path, Span};

/// A place where an image is named.
#[derive(Clone, Debug)]
pub struct Mention {
    /// The file's index in the list of files.
    pub file: usize,
    /// What names it: `Deployment web, container nginx`.
    pub subject: String,
    /// The image, normalized. It has a tag, a digest or both.
    pub image: Reference,
    /// How it is written.
    pub(crate) form: Form,
}

/// An image that stays unchanged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unpinned {
    /// The file.
    pub file: String,
    /// What names it.
    pub subject: String,
    /// The image as written.
    pub image: String,
    /// Why it stays unchanged, and what to do.
    pub reason: String,
    /// Whether a registry or a file failed; otherwise the reason is how the image is written.
    pub failed: bool,
}

/// How an image is written.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// In one scalar of a YAML document; `name` is the part before tag and digest, as written.
    Scalar { document: usize, path: Path, name: String },
    /// In separate fields. Without a field for the digest, it follows the tag in the tag's field.
    Fields { document: usize, tag: Path, digest: Option<Path> },
    /// In a file that is not YAML.
    Text { span: Span, name: String },
}

/// The tag and digest to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pinned {
    pub(crate) tag: String,
    pub(crate) digest: Digest,
}

/// A change that pins one mention.
pub(crate) enum Rewrite {
    Yaml { document: usize, edits: Vec<Edit> },
    Text(TextEdit),
}

impl Mention {
    /// The change; `None` if the image is pinned already.
    pub(crate) fn rewrite(&self, to: &Pinned) -> Option<Rewrite> {
        let Pinned { tag, digest } = to;
        let same_tag = self.image.tag() == Some(tag);
        if same_tag && self.image.digest() == Some(digest) {
            return None;
        }
        let set =
            |path: &Path, text: String| Edit::Set { path: path.clone(), value: Value::Str(text) };
        Some(match &self.form {
            Form::Scalar { document, path, name } => Rewrite::Yaml {
                document: *document,
                edits: vec![set(path, format!("{name}:{tag}@{digest}"))],
            },
            Form::Fields { document, tag: path, digest: None } => Rewrite::Yaml {
                document: *document,
                edits: vec![set(path, format!("{tag}@{digest}"))],
            },
            Form::Fields { document, tag: tag_path, digest: Some(path) } => {
                let new_tag = (!same_tag).then(|| set(tag_path, tag.clone()));
                let edits = new_tag.into_iter().chain([set(path, digest.to_string())]).collect();
                Rewrite::Yaml { document: *document, edits }
            }
            Form::Text { span, name } => Rewrite::Text(TextEdit {
                span: *span,
                replacement: format!("{name}:{tag}@{digest}"),
            }),
        })
    }
}

/// A reference as written, without its tag and digest.
pub(crate) fn written_name(text: &str) -> &str {
    let text = text.split_once('@').map_or(text, |(name, _)| name);
    match text.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_as_they_are_written() {
        for (text, name) in [
            ("nginx", "nginx"),
            ("nginx:1", "nginx"),
            ("localhost:5000/a", "localhost:5000/a"),
            ("localhost:5000/a:1@sha256:x", "localhost:5000/a"),
            ("a@sha256:x", "a"),
        ] {
            assert_eq!(written_name(text), name);
        }
    }
}
