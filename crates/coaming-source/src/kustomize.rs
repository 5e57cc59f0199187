//! Read what a `kustomization.yaml` refers to. Nothing is rendered here.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use coaming_kustomize::is_remote;
use coaming_yaml::{LineIndex, Node};

use crate::layout::parent;
use crate::walk::Candidate;
use crate::{Options, read};

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
    /// The parts that are patches.
    pub(crate) patches: Vec<String>,
    /// The parts that `secretGenerator` turns into Secrets, by display name and path.
    pub(crate) secrets: Vec<(String, PathBuf)>,
    /// Directories with kustomizations of their own.
    pub(crate) directories: Vec<String>,
    /// The first reference that would be fetched from the network.
    pub(crate) remote: Option<String>,
    /// References to files that do not exist, with their lines and columns.
    pub(crate) missing: Vec<(String, (u32, u32))>,
    /// Whether it inflates charts, which Kustomize fetches.
    pub(crate) charts: bool,
    /// Whether it does anything besides listing resources.
    changes: bool,
}

/// Fields that list whole objects.
const RESOURCES: &[&str] = &["resources", "bases", "components"];

/// Fields that list files, or directories with kustomizations, which are not whole objects.
const LISTS: &[&str] = &[
    "patchesStrategicMerge",
    "crds",
    "configurations",
    "transformers",
    "generators",
    "validators",
];

/// Fields that list mappings with the `path` of a file.
const WITH_PATH: &[&str] = &["patches", "patchesJson6902", "replacements"];

/// Fields that list patches.
const PATCHES: &[&str] = &["patches", "patchesStrategicMerge"];

/// Fields that list generators of objects from files.
const GENERATORS: &[&str] = &["configMapGenerator", "secretGenerator"];

/// Fields that change nothing in the objects.
const INERT: &[&str] = &["apiVersion", "kind", "metadata", "resources", "bases", "components"];

impl Kustomization {
    /// Reads a kustomization; `None` where the text is not a mapping.
    pub(crate) fn read(text: &Arc<str>, candidate: &Candidate) -> Option<Self> {
        let stream = coaming_yaml::parse(Arc::clone(text));
        let root = stream.documents.first()?.root();
        // Flux has a kind of the same name.
        let is_other = |version: &str| !version.starts_with("kustomize.config.k8s.io/");
        if !root.is_mapping() || root.get("apiVersion").and_then(Node::as_str).is_some_and(is_other)
        {
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
                this.add_reference(item, text);
            }
        }
        this.add_parts(root);
        this.add_secrets(root);
        this.check_other_references(root, text);
        this.charts = ["helmCharts", "helmChartInflationGenerator"]
            .iter()
            .any(|field| root.get(field).is_some_and(|list| list.items().len() > 0));
        Some(this)
    }

    /// Reads the kustomization of a directory, if there is one.
    pub(crate) fn of_directory(name: &str, path: &Path, options: &Options) -> Option<Self> {
        let file = NAMES.iter().find(|file| path.join(file).is_file())?;
        let (path, name) = (path.join(file), format!("{name}/{file}"));
        let text: Arc<str> = read::text(&path, options).ok()?.into();
        Self::read(&text, &Candidate::referenced(path, name))
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
            && self.missing.is_empty()
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

    /// Adds a file of objects, or a directory with a kustomization.
    fn add_reference(&mut self, item: Node<'_>, text: &str) {
        let Some(reference) = item.as_str() else { return };
        let path = self.directory.join(reference);
        if path.is_dir() {
            let name = self.display_reference(reference);
            self.directories.push(name);
        } else if path.is_file() {
            let name = self.display_reference(reference);
            self.resources.push(name);
        } else if is_remote(reference) {
            self.remote.get_or_insert_with(|| reference.to_owned());
        } else {
            let start = item.span().map_or(0, |span| span.start);
            let position = LineIndex::new(text).position(text, start);
            self.missing.push((reference.to_owned(), position));
        }
    }

    /// Checks the references of fields that do not list whole objects: Kustomize would fetch them
    /// too.
    fn check_other_references(&mut self, root: Node<'_>, text: &str) {
        let listed = |field: &&str| root.get(field).into_iter().flat_map(Node::items);
        let mut references: Vec<Node<'_>> = LISTS.iter().flat_map(listed).collect();
        let paths = WITH_PATH.iter().flat_map(listed).filter_map(|item| item.get("path"));
        references.extend(paths);
        references.extend(root.get("openapi").and_then(|openapi| openapi.get("path")));
        for generator in GENERATORS.iter().flat_map(listed) {
            let lists = ["files", "envs"].into_iter().filter_map(|field| generator.get(field));
            references.extend(lists.flat_map(Node::items));
            references.extend(generator.get("env"));
        }
        for item in references {
            let Some(reference) = item.as_str() else { continue };
            // Patches and plugins may be written in place.
            if reference.contains('\n') || reference.trim_start().starts_with('{') {
                continue;
            }
            let file = reference.split_once('=').map_or(reference, |(_, file)| file);
            let path = self.directory.join(file);
            if path.is_dir() {
                let name = self.display_reference(file);
                self.directories.push(name);
            } else if !path.is_file() {
                if is_remote(file) {
                    self.remote.get_or_insert_with(|| file.to_owned());
                } else {
                    let start = item.span().map_or(0, |span| span.start);
                    let position = LineIndex::new(text).position(text, start);
                    self.missing.push((file.to_owned(), position));
                }
            }
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
                    let name = self.display_reference(reference);
                    if PATCHES.contains(&entry.name()) {
                        self.patches.push(name.clone());
                    }
                    self.parts.push(name);
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
        coaming_kustomize::join(parent(&self.name), reference)
    }
}

/// The names of a kustomization's file.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
