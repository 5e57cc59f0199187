//! Read one file: bounded, decoded, parsed, and checked for Kubernetes objects.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use coaming_kube::{Origin, Source};
use coaming_yaml::{Document, LineIndex, Stream};
use memchr::memmem;

use crate::recipe::Recipe;
use crate::terraform::{self, Tally};
use crate::walk::Candidate;
use crate::{InputError, Options, docker, misfit};

/// The display name of standard input.
pub(crate) const STDIN: &str = "<stdin>";
/// Most manifests are no larger than this: the first allocation has this size.
const USUAL_BYTES: usize = 16 << 10;

/// Why the text of a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The operating system refused: permissions, a deleted file, a broken disk.
    #[error("cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// The file is larger than [`Options::max_file_bytes`].
    #[error(
        "is larger than {} MiB, too large for a manifest; `exclude:` in coaming.yaml leaves it out",
        limit >> 20
    )]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The path is a socket, a device or a pipe.
    #[error("is not a regular file")]
    NotAFile,
    /// The file contains NUL bytes, or is neither UTF-8 nor UTF-16 with a byte order mark.
    #[error("is not text: {0}")]
    NotText(&'static str),
}

/// The result of reading one input.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) files: Vec<Source>,
    pub(crate) errors: Vec<InputError>,
    pub(crate) read: usize,
    /// How to render it again, if it is a chart and [`Options::keep_recipes`] is set.
    pub(crate) recipe: Option<Box<Recipe>>,
    /// What is not judged of modules and plans.
    pub(crate) tally: Tally,
}

impl Outcome {
    pub(crate) fn failed(error: InputError) -> Self {
        Self { errors: vec![error], ..Self::default() }
    }

    pub(crate) fn append(&mut self, other: Self) {
        self.files.extend(other.files);
        self.errors.extend(other.errors);
        self.read += other.read;
        self.tally.append(other.tally);
    }
}

/// Reads and parses one file. Callers pass one `buffer` for many files to save allocations.
pub(crate) fn file(candidate: &Candidate, options: &Options, buffer: &mut Vec<u8>) -> Outcome {
    // Walking a directory finds only regular files; a path that the user named may be anything.
    let checked = if candidate.explicit { regular(&candidate.path) } else { Ok(()) };
    let text = checked.and_then(|()| {
        if let Some(text) = options.unsaved.get(&candidate.path) {
            return Ok(Arc::clone(text));
        }
        read_bytes(&candidate.path, options.max_file_bytes, buffer)?;
        decode(buffer).map(Arc::from)
    });
    match text {
        Ok(text) => {
            let mut outcome = parse(&candidate.name, text, candidate.expectation());
            if candidate.unlisted {
                outcome.files.iter_mut().for_each(Source::take_patches_as_parts);
            }
            outcome
        }
        // Any file of a directory may have such a name; only a manifest has to be readable.
        Err(ReadError::NotText(_) | ReadError::TooLarge { .. })
            if !candidate.explicit && !mentions_kubernetes(buffer) =>
        {
            Outcome { read: 1, ..Outcome::default() }
        }
        Err(error) => Outcome::failed(InputError::new(&candidate.name, error.to_string())),
    }
}

/// What a file should contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expectation {
    /// Anything: a file of a directory may belong to another program.
    Anything,
    /// YAML or JSON: something selected the file, or wrote it.
    Syntax,
    /// Kubernetes objects alone: the user named the file.
    Objects,
}

/// Reads and parses standard input.
pub(crate) fn stdin(options: &Options) -> Outcome {
    match stdin_text(options) {
        Ok(text) => {
            let mut outcome = parse(STDIN, text.into(), Expectation::Objects);
            for source in &mut outcome.files {
                source.origin = Origin::Stdin;
            }
            outcome
        }
        Err(error) => Outcome::failed(InputError::new(STDIN, error.to_string())),
    }
}

/// The text of a file, if it has at most [`Options::max_file_bytes`].
pub(crate) fn text(path: &Path, options: &Options) -> Result<String, ReadError> {
    match options.unsaved.get(path) {
        Some(text) => Ok(text.to_string()),
        None => read_text(path, options.max_file_bytes),
    }
}

/// Reads a whole file as text, if it has at most `limit` bytes. UTF-16 with a byte order mark is
/// decoded, as kubectl does.
///
/// # Errors
///
/// As [`ReadError`] says.
pub fn read_text(path: &Path, limit: u64) -> Result<String, ReadError> {
    regular(path)?;
    let mut bytes = Vec::new();
    read_bytes(path, limit, &mut bytes)?;
    decode(&bytes).map(Cow::into_owned)
}

/// The text of one file. `buffer` is reused, as for [`file`].
pub(crate) fn any_text(
    candidate: &Candidate,
    options: &Options,
    buffer: &mut Vec<u8>,
) -> Result<Arc<str>, ReadError> {
    if candidate.explicit {
        regular(&candidate.path)?;
    }
    read_bytes(&candidate.path, options.max_file_bytes, buffer)?;
    decode(buffer).map(Arc::from)
}

/// The text of standard input.
pub(crate) fn stdin_text(options: &Options) -> Result<String, ReadError> {
    let mut bytes = Vec::new();
    let limit = options.max_file_bytes;
    std::io::stdin().lock().take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(ReadError::TooLarge { limit });
    }
    decode(&bytes).map(Cow::into_owned)
}

/// Opening a pipe would wait for its writer, and opening a device may have any effect: check first.
fn regular(path: &Path) -> Result<(), ReadError> {
    if std::fs::metadata(path)?.is_file() { Ok(()) } else { Err(ReadError::NotAFile) }
}

/// Replaces the content of `bytes` with that of a file.
fn read_bytes(path: &Path, limit: u64, bytes: &mut Vec<u8>) -> Result<(), ReadError> {
    bytes.clear();
    bytes.reserve(USUAL_BYTES);
    let mut file = File::open(path)?;
    (&file).take(USUAL_BYTES as u64).read_to_end(bytes)?;
    if bytes.len() == USUAL_BYTES {
        // Only a large file is worth the system call for its size; growing step by step would
        // leave ever larger buffers behind.
        let rest = file.metadata()?.len().min(limit).saturating_sub(bytes.len() as u64);
        bytes.reserve_exact(usize::try_from(rest).unwrap_or_default() + 1);
        file.by_ref().take((limit + 1).saturating_sub(bytes.len() as u64)).read_to_end(bytes)?;
    }
    if bytes.len() as u64 > limit { Err(ReadError::TooLarge { limit }) } else { Ok(()) }
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, ReadError> {
    match bytes {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes).map(Cow::Owned),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes).map(Cow::Owned),
        _ => {
            if bytes.contains(&0) {
                return Err(ReadError::NotText(if is_unmarked_utf16(bytes) {
                    "it is UTF-16 without a byte order mark, which kubectl does not read either; \
                     save it as UTF-8"
                } else {
                    "it contains NUL bytes, like a binary file"
                }));
            }
            std::str::from_utf8(bytes)
                .map(Cow::Borrowed)
                .map_err(|_| ReadError::NotText("it is not valid UTF-8"))
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, ReadError> {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units)
        .collect::<Result<String, _>>()
        .map_err(|_| ReadError::NotText("it is not valid UTF-16"))
}

/// Whether bytes are UTF-16 without a byte order mark: of its characters, most are ASCII.
fn is_unmarked_utf16(bytes: &[u8]) -> bool {
    let pairs = bytes.len() / 2;
    let count = |is_narrow: fn(&&[u8]) -> bool| bytes.chunks_exact(2).filter(is_narrow).count();
    let little = count(|pair| pair.first() != Some(&0) && pair.last() == Some(&0));
    let big = count(|pair| pair.first() == Some(&0) && pair.last() != Some(&0));
    pairs > 0 && bytes.len().is_multiple_of(2) && little.max(big) > pairs / 2
}

/// Whether raw bytes name the fields that every object has, in UTF-8 or UTF-16.
fn mentions_kubernetes(bytes: &[u8]) -> bool {
    let mentions = |bytes: &[u8]| {
        ["apiVersion", "kind"].iter().all(|field| memmem::find(bytes, field.as_bytes()).is_some())
    };
    let is_wide = || memchr::memchr(0, bytes.get(..USUAL_BYTES).unwrap_or(bytes)).is_some();
    mentions(bytes) || is_wide() && mentions(&without_zeros(bytes))
}

fn without_zeros(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().filter(|byte| *byte != 0).collect()
}

/// Parses a text and keeps the documents that are Kubernetes objects; reports those that should be.
pub(crate) fn parse(name: &str, text: Arc<str>, expected: Expectation) -> Outcome {
    let stream = coaming_yaml::parse(text);
    let is_kubernetes =
        || expected != Expectation::Anything || has_kubernetes_fields(&stream.source);
    let mut errors = if !stream.errors.is_empty() && is_kubernetes() {
        syntax_errors(name, &stream)
    } else {
        Vec::new()
    };
    let (documents, others): (Vec<Document>, Vec<Document>) =
        stream.documents.into_iter().partition(coaming_kube::looks_like_kubernetes);
    let (of_docker, others): (Vec<_>, Vec<_>) = others
        .into_iter()
        .map(|other| (docker::containers(&other), other))
        .partition(|(it, _)| it.is_some());
    let containers: Vec<Document> =
        of_docker.into_iter().flat_map(|(it, _)| it).flatten().collect();
    let others = others.into_iter().map(|(_, other)| other);
    let (plans, others): (Vec<_>, Vec<_>) = others
        .map(|other| (terraform::plan(name, &other), other))
        .partition(|(it, _)| it.is_some());
    let others: Vec<Document> = others.into_iter().map(|(_, other)| other).collect();
    let named = expected == Expectation::Objects;
    let misfits = others.iter().filter_map(|document| misfit::problem(document.root(), named));
    let in_lists = documents.iter().flat_map(|document| misfit::in_list(document.root(), named));
    errors.extend(misfits.chain(in_lists).map(|(node, message)| {
        let start = node.span().map_or(node.document().span().start, |span| span.start);
        let position = LineIndex::new(&stream.source).position(&stream.source, start);
        InputError { position: Some(position), ..InputError::new(name, message) }
    }));
    let mut files = Vec::new();
    if !documents.is_empty() {
        files.push(Source::new(name, stream.source, documents));
    }
    if !containers.is_empty() {
        let source = Source::new(name, Arc::from(""), containers);
        files.push(source.with_origin(Origin::Rendered));
    }
    let mut outcome = Outcome { files, errors, read: 1, ..Outcome::default() };
    plans.into_iter().filter_map(|(plan, _)| plan).for_each(|plan| outcome.append(plan));
    outcome
}

/// Whether a text that cannot be parsed is intended for Kubernetes. Templates of other programs are
/// rarely valid YAML, and that is not an error.
pub(crate) fn has_kubernetes_fields(text: &str) -> bool {
    // A JSON document may be one line.
    if text.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '[', '/']) {
        return ["\"apiVersion\"", "\"kind\""].iter().all(|field| text.contains(field));
    }
    let has = |field: &str| {
        text.lines().any(|line| {
            let line = line.trim_start_matches(['\u{feff}', ' ', '\t', '{', '-', '"', '\'']);
            line.strip_prefix(field)
                .is_some_and(|rest| rest.trim_start_matches(['"', '\'', ' ']).starts_with(':'))
        })
    };
    has("apiVersion") && has("kind")
}

fn syntax_errors(name: &str, stream: &Stream) -> Vec<InputError> {
    let lines = LineIndex::new(&stream.source);
    let is_template = stream.source.contains("{{");
    let syntax = if is_json(name, &stream.source) { "JSON" } else { "YAML" };
    stream
        .errors
        .iter()
        .map(|error| {
            let hint = if is_template {
                "; it looks like a template: render it, and pipe the result to `coaming scan -`"
            } else {
                ""
            };
            InputError {
                file: name.to_owned(),
                position: Some(lines.position(&stream.source, error.offset)),
                message: format!("not valid {syntax}: {}{hint}", error.message),
            }
        })
        .collect()
}

/// Whether a text should be JSON: its name says so or, where it has none, its first characters.
fn is_json(name: &str, text: &str) -> bool {
    let is_named = [".json", ".jsonl", ".ndjson"].iter().any(|ending| name.ends_with(ending));
    let starts_object = || {
        let rest = text.trim_start_matches('\u{feff}').trim_start().strip_prefix('{');
        rest.is_some_and(|rest| rest.trim_start().starts_with('"'))
    };
    is_named || name == STDIN && starts_object()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_kubectl_takes() {
        assert_eq!(decode(b"a: 1").unwrap(), "a: 1");
        assert_eq!(decode(&[0xFF, 0xFE, b'a', 0, b':', 0]).unwrap(), "a:");
        assert_eq!(decode(&[0xFE, 0xFF, 0, b'a', 0, b':']).unwrap(), "a:");
        assert!(decode(&[b'a', 0, b'b']).is_err());
        assert!(decode(&[0xC3, 0x28]).is_err());
    }

    #[test]
    fn utf16_without_a_mark_is_named() {
        let object = "apiVersion: v1\nkind: Pod\nmetadata: {name: \u{e4}\u{4e00}}\n";
        let little: Vec<u8> = object.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = object.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [little, big] {
            let error = decode(&bytes).unwrap_err().to_string();
            assert!(error.contains("UTF-16 without a byte order mark"), "{error}");
            assert!(mentions_kubernetes(&bytes));
        }
        let binary = [&[0; 64], &b"apiVersion kind"[..]].concat();
        let error = decode(&binary).unwrap_err().to_string();
        assert!(error.contains("NUL bytes"), "{error}");
    }

    #[test]
    fn broken_json_is_called_json() {
        let said = |name: &str, text: &str| {
            let outcome = parse(name, text.into(), Expectation::Objects);
            outcome.errors.into_iter().map(|error| error.message).next().unwrap_or_default()
        };
        let broken = "{\"apiVersion\": \"v1\", \"kind\": \"Pod\"";
        assert!(said("a.json", broken).starts_with("not valid JSON: "));
        assert!(said(STDIN, broken).starts_with("not valid JSON: "));
        assert!(said("a.yaml", broken).starts_with("not valid YAML: "));
        assert!(said(STDIN, "{apiVersion: v1, kind: [").starts_with("not valid YAML: "));
    }

    #[test]
    fn reads_files_of_any_size_up_to_the_limit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.yaml");
        let mut bytes = Vec::new();
        for size in [0, 1, USUAL_BYTES - 1, USUAL_BYTES, USUAL_BYTES + 1, 3 * USUAL_BYTES] {
            let written: Vec<u8> = (b'a'..=b'z').cycle().take(size).collect();
            std::fs::write(&path, &written).unwrap();
            read_bytes(&path, size as u64, &mut bytes).unwrap();
            assert_eq!(bytes, written);
            if let Some(limit) = size.checked_sub(1) {
                let refused = read_bytes(&path, limit as u64, &mut bytes);
                assert!(matches!(refused, Err(ReadError::TooLarge { .. })), "{size}");
            }
        }
    }

    #[test]
    fn distinguishes_broken_manifests_from_files_of_other_programs() {
        assert!(has_kubernetes_fields("apiVersion: v1\nkind: Pod\n"));
        assert!(has_kubernetes_fields("{\n \"apiVersion\": \"v1\",\n \"kind\": \"Pod\"}"));
        assert!(has_kubernetes_fields("{\"apiVersion\":\"v1\",\"kind\":\"Pod\""));
        assert!(has_kubernetes_fields("// x\n{ \"apiVersion\": \"v1\", \"kind\": \"Pod\" }"));
        assert!(!has_kubernetes_fields("on: push\njobs:\n  kind: x\n"));
    }
}
