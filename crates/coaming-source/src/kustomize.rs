//! Read what a `kustomization.yaml` refers to. Nothing is rendered here.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use coaming_yaml::Node;

use crate::layout::parent;
use crate::walk::{Candidate, display_name};

/// A kustomization and what it is built from, by display names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kustomization {
    /// The file.
    pub(crate) name: String,
    /// Its directory on disk.
    pub(crate) directory: PathBuf,
    /// Whether it is a `Component`: only ever part of something else.
    pub(crate) component: bool,
    /// Files of whole objects.
    pub(crate) resources: Vec<String>,
    /// Files that are not whole objects: patches, values, generators' input.
    pub(crate) parts: Vec<String>,
    /// The parts that `secretGenerator` turns into Secrets, by display name and path.
    pub(crate) secrets: Vec<(String, PathBuf)>,
    /// Directories with kustomizations of their own.
    pub(crate) directories: Vec<String>,
    /// The first reference to a remote resource.
    pub(crate) remote: Option<String>,
    /// Whether it does anything besides listing resources.
    changes: bool,
}

/// Fields that list whole objects.
const RESOURCES: &[&str] = &["resources", "bases", "components"];

/// Fields that change nothing in the objects.
const INERT: &[&str] = &["apiVersion", "kind", "metadata", "resources", "bases", "components"];

impl Kustomization {
    /// Reads a kustomization; `None` where the text is not a mapping.
    pub(crate) fn read(text: &Arc<str>, candidate: &Candidate) -> Option<Self> {
        let stream = coaming_yaml::parse(Arc::clone(text));
        let root = stream.documents.first()?.root();
        if !root.is_mapping() {
            return None;
        }
        let directory = candidate.path.parent().map(PathBuf::from).unwrap_or_default();
        let mut this = Self {
            name: candidate.name.clone(),
            directory,
            component: root.get("kind").and_then(Node::as_str) == Some("Component"),
            changes: root.entries().any(|entry| {
                let is_empty = entry.value.is_null()
                    || entry.value.is_sequence() && entry.value.items().len() == 0;
                !is_empty && !INERT.contains(&entry.name())
            }),
            ..Self::default()
        };
        for field in RESOURCES {
            for item in root.get(field).into_iter().flat_map(Node::items) {
                if let Some(reference) = item.as_str() {
                    this.add_resource(reference);
                }
            }
        }
        this.add_parts(root);
        this.add_secrets(root);
        Some(this)
    }

    /// Whether rendering would give exactly the objects in its files: then the files are read
    /// directly, with their own lines.
    pub(crate) fn is_plain_list(&self, known: &BTreeMap<String, Self>) -> bool {
        self.is_plain_within(known, 16)
    }

    fn is_plain_within(&self, known: &BTreeMap<String, Self>, depth: u8) -> bool {
        depth > 0
            && !self.changes
            && self.remote.is_none()
            && self.directories.iter().all(|directory| {
                known.get(directory).is_some_and(|other| other.is_plain_within(known, depth - 1))
            })
    }

    /// The path on disk of the resource with this display name.
    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        let here = parent(&self.name);
        match name.strip_prefix(here).and_then(|rest| rest.strip_prefix('/')) {
            Some(rest) => self.directory.join(rest),
            None => PathBuf::from(name),
        }
    }

    fn add_resource(&mut self, reference: &str) {
        if is_remote(reference) {
            self.remote.get_or_insert_with(|| reference.to_owned());
            return;
        }
        let name = self.display_reference(reference);
        if self.directory.join(reference).is_dir() {
            self.directories.push(name);
        } else {
            self.resources.push(name);
        }
    }

    /// Adds every string, in any field, that names an existing file in the same directory.
    fn add_parts(&mut self, root: Node<'_>) {
        for entry in root.entries().filter(|entry| !RESOURCES.contains(&entry.name())) {
            for node in entry.value.descendants() {
                let Some(text) = node.as_str() else { continue };
                let reference = text.rsplit_once('=').map_or(text, |(_, file)| file);
                let is_file = reference.len() < 512
                    && !reference.contains('\n')
                    && !reference.is_empty()
                    && self.directory.join(reference).is_file();
                if is_file {
                    self.parts.push(self.display_reference(reference));
                }
            }
        }
    }

    /// Adds the files below this directory that become Secrets.
    fn add_secrets(&mut self, root: Node<'_>) {
        for reference in coaming_kube::generated_files(root) {
            let is_below = Path::new(reference.file)
                .components()
                .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
            let path = self.directory.join(reference.file);
            if is_below && path.is_file() {
                self.secrets.push((self.display_reference(reference.file), path));
            }
        }
    }

    fn display_reference(&self, reference: &str) -> String {
        let mut parts: Vec<Component<'_>> = Vec::new();
        let joined = Path::new(parent(&self.name)).join(reference);
        for part in joined.components() {
            match (part, parts.last()) {
                (Component::CurDir, _) => {}
                (Component::ParentDir, Some(Component::Normal(_))) => {
                    parts.pop();
                }
                _ => parts.push(part),
            }
        }
        let name = display_name(&parts.iter().collect::<PathBuf>());
        if name.is_empty() { ".".to_owned() } else { name }
    }
}

/// Whether Kustomize would fetch this reference from another machine.
fn is_remote(reference: &str) -> bool {
    reference.contains("://")
        || reference.contains("?ref=")
        || reference.starts_with("git@")
        || reference.starts_with("github.com/")
        || reference.starts_with("gitlab.com/")
        || reference.starts_with("bitbucket.org/")
}
