//! What all parts of a build share: the files that it has read, what it may still cost, and where
//! errors are.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use coaming_helm::{InputFile, Source};
use coaming_secret::gate::KnownValues;
use coaming_yaml::LineIndex;

use crate::failure::Failure;
use crate::files::{FileKind, Files, is_remote, is_within, join};
use crate::schema::Schema;
use crate::value::{Origins, Value, from_node, key_text};
use crate::{BuildError, Built, Options, Place, output, target};

/// How many bytes a build may read.
const MAX_BYTES: u64 = 256 << 20;

/// How many nodes a build may make of them.
const MAX_NODES: u64 = 20_000_000;

/// How many kustomizations a build may consist of; each use of a base counts.
const MAX_TARGETS: u32 = 5_000;

/// Builds the kustomization of a directory.
///
/// # Errors
///
/// As [`Failure`] says: also where Kustomize itself would refuse it.
pub fn build(files: &dyn Files, directory: &str, options: &Options) -> Result<Built, BuildError> {
    let build = Build {
        files,
        options,
        inputs: RefCell::default(),
        by_path: RefCell::default(),
        contents: RefCell::default(),
        documents: RefCell::default(),
        problems: RefCell::default(),
        bytes: Cell::new(MAX_BYTES),
        nodes: Cell::new(MAX_NODES),
        targets: Cell::new(MAX_TARGETS),
        schema: RefCell::default(),
    };
    let documents = target::run(&build, &join(".", directory))
        .and_then(|resources| output::documents(&build, resources))
        .map_err(|failed| failed.shown(&build.known()))?;
    let problems = build.problems.take();
    let known = if problems.is_empty() { KnownValues::default() } else { build.known() };
    let problems = problems.into_iter().map(|problem| problem.shown(&known)).collect();
    Ok(Built { documents, files: build.inputs.into_inner(), problems })
}

/// A build that is going on.
pub(crate) struct Build<'f> {
    pub(crate) files: &'f dyn Files,
    pub(crate) options: &'f Options,
    inputs: RefCell<Vec<InputFile>>,
    by_path: RefCell<HashMap<String, usize>>,
    /// All that was read, also what is not YAML.
    contents: RefCell<Vec<(String, Arc<[u8]>)>>,
    /// The documents of files that were parsed: bases are often used more than once.
    documents: RefCell<HashMap<String, Rc<Vec<Value>>>>,
    problems: RefCell<Vec<Failure>>,
    bytes: Cell<u64>,
    nodes: Cell<u64>,
    targets: Cell<u32>,
    schema: RefCell<Rc<Schema>>,
}

/// A file that was read.
pub(crate) struct Loaded {
    pub(crate) path: String,
    pub(crate) bytes: Arc<[u8]>,
}

impl Build<'_> {
    /// What is known about types now.
    pub(crate) fn schema(&self) -> Rc<Schema> {
        Rc::clone(&self.schema.borrow())
    }

    pub(crate) fn set_schema(&self, schema: Schema) {
        self.schema.replace(Rc::new(schema));
    }

    /// What the files that were read contain.
    fn known(&self) -> KnownValues {
        let mut known = KnownValues::default();
        let contents = self.contents.borrow();
        for (path, bytes) in contents.iter() {
            known.add_file(path, &String::from_utf8_lossy(bytes));
            if path.ends_with("Kustomization") {
                known.add_file("kustomization.yaml", &String::from_utf8_lossy(bytes));
            }
        }
        let inputs = self.inputs.borrow();
        let of_charts =
            inputs.iter().filter(|file| contents.iter().all(|(path, _)| *path != file.name));
        of_charts.for_each(|file| known.add_file(&file.name, &file.text));
        known
    }

    /// Counts a kustomization.
    pub(crate) fn count_target(&self) -> Result<(), Failure> {
        let left = self.targets.get().checked_sub(1);
        self.targets.set(left.ok_or(Failure::Limit("it has too many bases"))?);
        Ok(())
    }

    /// Counts nodes that are made.
    pub(crate) fn count_nodes(&self, count: u64) -> Result<(), Failure> {
        let left = self.nodes.get().checked_sub(count);
        self.nodes.set(left.ok_or(Failure::Limit("it has too many objects"))?);
        Ok(())
    }

    fn count_bytes(&self, count: usize) -> Result<(), Failure> {
        let left = self.bytes.get().checked_sub(count as u64);
        self.bytes.set(left.ok_or(Failure::Limit("its files are too large"))?);
        Ok(())
    }

    /// Notes what was left out.
    pub(crate) fn add_problem(&self, problem: Failure) {
        let mut problems = self.problems.borrow_mut();
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }

    /// Whether anything was left out.
    pub(crate) fn has_problems(&self) -> bool {
        !self.problems.borrow().is_empty()
    }

    /// The place in a file that something is from.
    pub(crate) fn place(&self, source: Source) -> Option<Place> {
        let location = source.template.or(source.values)?;
        let inputs = self.inputs.borrow();
        let file = inputs.get(location.file)?;
        let (line, column) = LineIndex::new(&file.text).position(&file.text, location.offset);
        Some(Place { file: file.name.clone(), line, column })
    }

    /// An error about what is from there.
    pub(crate) fn invalid(&self, source: Source, message: impl Into<String>) -> Failure {
        Failure::Invalid { place: self.place(source), message: message.into() }
    }

    pub(crate) fn remote(&self, reference: &Value) -> Failure {
        Failure::Remote { place: self.place(reference.source), address: reference.str().into() }
    }

    /// Registers a file that origins refer to. Returns its index.
    pub(crate) fn input(&self, path: &str, text: Arc<str>) -> usize {
        if let Some(known) = self.by_path.borrow().get(path) {
            return *known;
        }
        let mut inputs = self.inputs.borrow_mut();
        inputs.push(InputFile { name: path.to_owned(), text, given: true });
        self.by_path.borrow_mut().insert(path.to_owned(), inputs.len() - 1);
        inputs.len() - 1
    }

    /// The text of a file that was read before.
    pub(crate) fn input_text(&self, file: usize) -> Arc<str> {
        self.inputs.borrow().get(file).map(|file| Arc::clone(&file.text)).unwrap_or_default()
    }

    /// Reads the file that a reference in a kustomization names.
    pub(crate) fn load(&self, directory: &str, reference: &Value) -> Result<Loaded, Failure> {
        self.load_named(directory, reference.str(), reference)
    }

    /// Reads the file with this name, which is a part of a reference.
    pub(crate) fn load_named(
        &self,
        directory: &str,
        name: &str,
        reference: &Value,
    ) -> Result<Loaded, Failure> {
        let path = join(directory, name);
        match self.files.kind(&path) {
            FileKind::File if !name.is_empty() => {}
            FileKind::Directory => {
                let message = format!("`{name}` is a directory, and a file is expected");
                return Err(self.invalid(reference.source, message));
            }
            _ if is_remote(name) => {
                let place = self.place(reference.source);
                return Err(Failure::Remote { place, address: name.to_owned() });
            }
            _ => {
                let place = self.place(reference.source);
                return Err(Failure::Missing { place, name: name.to_owned() });
            }
        }
        let (real, root) = (self.files.real_path(&path), self.files.real_path(directory));
        if !is_within(&real, &root) {
            let message = format!(
                "`{name}` is not in or below `{directory}`: Kustomize refuses to read files from \
                 elsewhere"
            );
            return Err(self.invalid(reference.source, message));
        }
        let bytes = self.read(&path, reference.source)?;
        Ok(Loaded { path, bytes })
    }

    fn read(&self, path: &str, source: Source) -> Result<Arc<[u8]>, Failure> {
        let bytes = self
            .files
            .read(path)
            .map_err(|reason| self.invalid(source, format!("`{path}` {reason}")))?;
        self.count_bytes(bytes.len())?;
        self.contents.borrow_mut().push((path.to_owned(), Arc::clone(&bytes)));
        Ok(bytes)
    }

    /// The documents of a file.
    pub(crate) fn documents(&self, loaded: &Loaded) -> Result<Rc<Vec<Value>>, Failure> {
        if let Some(known) = self.documents.borrow().get(&loaded.path) {
            return Ok(Rc::clone(known));
        }
        let text = self.text(loaded)?;
        let file = self.input(&loaded.path, Arc::clone(&text));
        let parsed = Rc::new(self.parse(text, &Origins::file(file))?);
        self.documents.borrow_mut().insert(loaded.path.clone(), Rc::clone(&parsed));
        Ok(parsed)
    }

    /// The text of a file.
    pub(crate) fn text(&self, loaded: &Loaded) -> Result<Arc<str>, Failure> {
        let text = std::str::from_utf8(&loaded.bytes).map_err(|_| Failure::Invalid {
            place: Some(Place { file: loaded.path.clone(), line: 1, column: 1 }),
            message: "is not valid UTF-8".to_owned(),
        })?;
        Ok(text.strip_prefix('\u{feff}').unwrap_or(text).into())
    }

    /// The documents of a text that is written in a kustomization.
    pub(crate) fn inline(&self, value: &Value) -> Result<Vec<Value>, Failure> {
        let text = value.str();
        let Some(location) = value.source.template else { return Ok(Vec::new()) };
        let origins = Origins::inline(text, location, &self.input_text(location.file));
        self.parse(text.into(), &origins)
            .map_err(|_| self.invalid(value.source, "the text is not valid YAML"))
    }

    /// Parses a text into its documents. As Kustomize, this splits the text first, so that anchors
    /// are those of one document.
    pub(crate) fn parse(&self, text: Arc<str>, origins: &Origins) -> Result<Vec<Value>, Failure> {
        let parts = parts(&text);
        if let [_] = parts.as_slice() {
            return self.parse_part(Arc::clone(&text), origins);
        }
        let mut documents = Vec::with_capacity(parts.len());
        for (start, part) in parts {
            documents.extend(self.parse_part(part.into(), &origins.from(start))?);
        }
        Ok(documents)
    }

    fn parse_part(&self, text: Arc<str>, origins: &Origins) -> Result<Vec<Value>, Failure> {
        let stream = coaming_yaml::parse(text);
        if let Some(error) = stream.errors.first() {
            let message = format!("not valid YAML: {}", error.message);
            return Err(self.invalid(origins.at(error.offset), message));
        }
        let nodes: usize = stream.documents.iter().map(coaming_yaml::Document::len).sum();
        self.count_nodes(nodes as u64)?;
        let mut documents = Vec::with_capacity(stream.documents.len());
        for document in &stream.documents {
            if let Some(twice) = duplicate(document) {
                let message = format!("the key `{}` occurs twice", key_text(twice.key));
                let start = twice.key.span().map_or(0, |span| span.start);
                return Err(self.invalid(origins.at(start), message));
            }
            documents.push(from_node(document.root(), origins));
        }
        Ok(documents)
    }
}

/// The parts of a text between lines that start with `---`, with their offsets.
fn parts(text: &str) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let (mut start, mut search) = (0, 0);
    while let Some(at) = text.get(search..).and_then(|rest| rest.find("\n---")) {
        let at = search + at;
        let Some(end) = text.get(at + 1..).and_then(|rest| rest.find('\n')) else { break };
        parts.push((start, text.get(start..=at).unwrap_or_default()));
        start = at + 1 + end + 1;
        search = start;
    }
    parts.push((start, text.get(start..).unwrap_or_default()));
    parts
}

/// A key that occurs twice in a mapping, as it is written, which Kustomize refuses.
fn duplicate(document: &coaming_yaml::Document) -> Option<coaming_yaml::Entry<'_>> {
    let nodes = document.root().descendants().filter(|node| node.is_mapping());
    nodes.flat_map(duplicates_in).find(|entry| entry.value.alias().is_none())
}

fn duplicates_in(node: coaming_yaml::Node<'_>) -> Vec<coaming_yaml::Entry<'_>> {
    let mut seen = HashSet::with_capacity(node.entries().len());
    node.entries().filter(|entry| !seen.insert(key_text(entry.key))).collect()
}
