//! Where images are named.

mod dockerfile;
mod kustomize;
mod manifest;
mod values;

use coaming_kube::{Source, SourceKind, looks_like_kubernetes};
use coaming_oci::Reference;
use coaming_yaml::Node;

use crate::mention::{Form, Mention, Unpinned, written_name};

/// The images that files name.
#[derive(Debug, Default)]
pub struct Found {
    /// Those that can be pinned, in the order of the files.
    pub mentions: Vec<Mention>,
    /// Those that are unclear.
    pub unpinned: Vec<Unpinned>,
}

impl Found {
    /// Whether an image with this name and tag can be pinned.
    #[must_use]
    pub fn names(&self, image: &Reference) -> bool {
        let same = |other: &Reference| {
            other.registry() == image.registry()
                && other.repository() == image.repository()
                && other.tag().unwrap_or("latest") == image.tag().unwrap_or("latest")
        };
        self.mentions.iter().any(|mention| same(&mention.image))
    }
}

/// Finds where `files` name images.
#[must_use]
pub fn find(files: &[Source]) -> Found {
    let mut found = Found::default();
    for (position, file) in files.iter().enumerate().filter(|(_, file)| file.origin.has_own_lines())
    {
        let mut finder = Finder { file: position, name: &file.name, found: &mut found };
        match file.kind {
            SourceKind::Manifest => manifest::find(file, &mut finder),
            SourceKind::Kustomization | SourceKind::HelmValues => {
                let stream = coaming_yaml::parse(file.text.clone());
                for (position, document) in stream.documents.iter().enumerate() {
                    let root = document.root();
                    if file.kind == SourceKind::Kustomization {
                        kustomize::find(root, position, &mut finder);
                    } else if !looks_like_kubernetes(document) {
                        values::find(root, root, position, &mut finder);
                    }
                }
            }
            SourceKind::Dockerfile => dockerfile::find(&file.text, &mut finder),
            _ => {}
        }
    }
    found.unpinned.sort();
    found.unpinned.dedup();
    found
}

/// Collects the images of one file.
struct Finder<'f> {
    file: usize,
    name: &'f str,
    found: &'f mut Found,
}

impl Finder<'_> {
    /// Adds a scalar that is an image's whole name. Without a tag, it means `latest`.
    fn scalar(&mut self, subject: String, node: Node<'_>, document: usize) {
        let Some(text) = node.as_str().filter(|text| !text.is_empty()) else { return };
        let form =
            Form::Scalar { document, path: node.path(), name: written_name(text).to_owned() };
        self.whole(subject, text, form);
    }

    /// Adds a text that is an image's whole name.
    fn whole(&mut self, subject: String, text: &str, form: Form) {
        match Reference::parse(text) {
            Ok(image) => self.add(subject, image.or_latest(), form),
            Err(error) => {
                self.skip(subject, text, format!("it is not a valid image name: {error}"))
            }
        }
    }

    fn add(&mut self, subject: String, image: Reference, form: Form) {
        self.found.mentions.push(Mention { file: self.file, subject, image, form });
    }

    fn skip(&mut self, subject: String, image: &str, reason: String) {
        self.found.unpinned.push(Unpinned {
            file: self.name.to_owned(),
            subject,
            image: image.to_owned(),
            reason,
            failed: false,
        });
    }
}

/// A tag as written. A YAML number is accepted if its text is the same as the number's.
fn tag_text(node: Node<'_>) -> Result<&str, String> {
    use coaming_yaml::Scalar;
    let text = node.text();
    let same = match node.scalar() {
        Some(Scalar::Str(_)) => true,
        Some(Scalar::Null) => return Ok(""),
        Some(Scalar::Int(number)) => number.to_string() == text,
        Some(Scalar::UInt(number)) => number.to_string() == text,
        Some(Scalar::Float(number)) => number.to_string() == text,
        Some(Scalar::Bool(_)) | None => false,
    };
    if same {
        Ok(text)
    } else {
        Err(format!("YAML reads the tag `{text}` as another value: put it in quotes"))
    }
}
