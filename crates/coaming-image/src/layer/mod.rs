//! One layer, read once: what matters in it, and the paths of all the rest.
//!
//! A layer does not know whether an upper one hides its files, so it keeps what would matter if
//! nothing did; [`Overlay`](crate::overlay::Overlay) decides. Of a file that does not matter, the
//! hash of its path is kept, because it hides files in lower layers, and a leaf of the
//! [`Tree`](crate::Tree) if there are not too many. Invariants: each file is read at most once and
//! only if a reader wants it; a file that cannot be read is a problem, and the walk goes on.

mod aliases;
mod context;
mod file;
mod interest;
mod path_hash;
mod retained;

use std::collections::HashMap;
use std::path::Path;

use aliases::HardLink;
pub(crate) use aliases::{Alias, Aliases};
pub(crate) use context::LayerContext;
use context::{ENTRY_LIMIT, Retention};
pub(crate) use file::FileError;
use file::{FileSource, analyse};
use interest::FileInterest;
pub(crate) use path_hash::PathHash;
pub(crate) use retained::{Credentials, RetainedEntry};

use crate::archive::{ArchiveError, Entry, EntryKind, Step, Walk};
use crate::decode::lossy;
use crate::deferred::{FileBuffer, Portion};
use crate::packages::rpm;
use crate::source::{DirectoryWalk, LayerSource};
use crate::tree::{FileDependencies, Leaf};
use crate::utilities;

/// The most problems that are reported of one layer.
const PROBLEM_LIMIT: usize = 100;

/// The most characters that are shown of the path of an entry that is left out.
const SHOWN_PATH: usize = 300;

/// What was read in one layer.
#[derive(Debug, Default)]
pub(crate) struct LayerReading {
    /// The paths of all entries, sorted.
    pub(crate) paths: Vec<PathHash>,
    /// Paths that this layer removes from those below.
    pub(crate) whiteouts: Vec<String>,
    /// Directories whose contents in the layers below it removes.
    pub(crate) opaque: Vec<String>,
    /// What matters, in the order of the archive.
    pub(crate) retained: Vec<RetainedEntry>,
    /// All entries in the order of the archive, for a tree, unless the image has too many.
    pub(crate) leaves: Vec<Leaf>,
    /// The write-ahead logs of databases, by the paths of these.
    logs: HashMap<String, Vec<u8>>,
    /// The hard links whose names a reader wants, until the end of the walk.
    hard_links: Vec<HardLink>,
    /// The targets of other hard links, because links may lead to links.
    link_targets: HashMap<String, String>,
    /// The files to read again, because they are wanted under another name.
    pub(crate) aliases: Aliases,
    /// Where the last entry of each path is in `retained`, while files are read again.
    positions: HashMap<PathHash, usize>,
    /// What could not be read: a path, which may be empty, and why.
    pub(crate) problems: Vec<(String, String)>,
    /// Its size in bytes when it is not compressed.
    pub(crate) size: u64,
    /// The number of its entries.
    pub(crate) entries: u64,
}

/// Reads a layer. What cannot be read is a problem in it.
pub(crate) fn read(source: &LayerSource, context: &LayerContext) -> LayerReading {
    let mut layer = LayerReading::default();
    match source {
        LayerSource::Archive(blob, digest) => match blob.verified_archive(digest.as_ref()) {
            Ok(input) => {
                if let Err(error) = layer.walk(Walk::new(input), context) {
                    let rest = "The rest of it is left out.";
                    layer.problem(context, "", format!("The layer is damaged: {error}. {rest}"));
                }
            }
            Err(error) => layer.problem(context, "", format!("The layer cannot be read: {error}.")),
        },
        LayerSource::Directory(root) => layer.walk_directory(root, context),
    }
    layer.paths.sort_unstable();
    layer.paths.dedup();
    layer.paths.shrink_to_fit();
    layer.aliases = layer.share_with_links(context);
    // Only now is it known that a database has a log: it is read again, with the log.
    for database in layer.logs.keys() {
        let alias = Alias { wanted: database.clone(), at: database.clone() };
        layer.aliases.entry(database.clone()).or_default().push(alias);
    }
    layer
}

impl LayerReading {
    fn problem(&mut self, context: &LayerContext, path: &str, message: impl Into<String>) {
        if self.problems.len() < PROBLEM_LIMIT && context.count_problem() {
            self.problems.push((path.to_owned(), message.into()));
        }
    }

    fn refuse(&mut self, context: &LayerContext, path: &str, reason: &str) {
        // A path that is refused may be much longer than any that is not.
        let shown = path.char_indices().nth(SHOWN_PATH).and_then(|(end, _)| path.get(..end));
        let message = format!("The entry was left out: {reason}.");
        self.problem(context, shown.unwrap_or(path), message);
    }

    fn failed(&mut self, context: &LayerContext, path: &str, error: &FileError) {
        self.problem(context, path, error.to_string());
    }

    fn walk(&mut self, mut walk: Walk, context: &LayerContext) -> Result<(), ArchiveError> {
        let mut buffer = FileBuffer::default();
        while let Some(step) = walk.next()? {
            match step {
                Step::Entry(entry) => {
                    if !self.count(context) {
                        break;
                    }
                    if !self.take_whiteout(&entry, context) {
                        self.take(entry, FileSource::Archive(&mut walk, &mut buffer), context);
                    }
                }
                Step::Refused { path, message } => self.refuse(context, &path, message),
            }
            self.size = walk.input.position();
        }
        // Only at the end of a stream are its checksum and its digest known to be right.
        let position = walk.input.position();
        walk.input.drain().map_err(|source| ArchiveError::Io { position, source })?;
        self.size = walk.input.position();
        Ok(())
    }

    fn walk_directory(&mut self, root: &Path, context: &LayerContext) {
        let mut walk = DirectoryWalk::new(root);
        for (entry, path) in walk.by_ref() {
            if !self.count(context) {
                break;
            }
            self.size += entry.size;
            self.take(entry, FileSource::Directory(&path), context);
        }
        for (path, message) in walk.problems {
            self.refuse(context, &path, &message);
        }
    }

    /// Counts an entry; false if there are too many.
    fn count(&mut self, context: &LayerContext) -> bool {
        self.entries += 1;
        if context.count_entry() {
            return true;
        }
        self.problem(
            context,
            "",
            format!("The image has more than {ENTRY_LIMIT} entries. The rest is left out."),
        );
        false
    }

    /// Whether the entry is not a file but the mark that something below is removed.
    fn take_whiteout(&mut self, entry: &Entry, context: &LayerContext) -> bool {
        let Some((directory, name)) = entry.path.rsplit_once('/') else { return false };
        let Some(hidden) = name.strip_prefix(".wh.") else { return false };
        if !context.count_name(&entry.path) {
            self.problem(context, "", "The image removes too many files; some of them are listed.");
            return true;
        }
        if hidden == ".wh..opq" {
            self.opaque.push(if directory.is_empty() { "/" } else { directory }.to_owned());
        } else if !hidden.starts_with(".wh.") && !hidden.is_empty() {
            self.whiteouts.push(format!("{directory}/{hidden}"));
        }
        true
    }

    /// Takes an entry: remembers its path, and reads it if a reader wants it.
    fn take(&mut self, entry: Entry, source: FileSource<'_>, context: &LayerContext) {
        self.paths.push(context.hash(&entry.path).with_kind_of(&entry));
        if entry.kind == EntryKind::HardLink {
            self.take_hard_link(&entry, context);
        }
        let mut retained = RetainedEntry::new(entry);
        if retained.entry.kind == EntryKind::Directory
            && let Some(parsed) = crate::packages::of_directory(&retained.entry.path)
            && context.count_parsed(&parsed)
        {
            retained.add(parsed);
        }
        let mut leaf = context.count_leaf(&retained.entry).then(|| Leaf::new(&retained.entry));
        if retained.entry.kind == EntryKind::File && retained.entry.size > 0 {
            let dependencies = self.read_file(&mut retained, source, context);
            if let Some(leaf) = &mut leaf {
                leaf.dependencies = dependencies.map(Box::new);
            }
        }
        self.leaves.extend(leaf);
        self.push(retained, context);
    }

    /// Retains an entry if it matters and there is room for it.
    fn push(&mut self, retained: RetainedEntry, context: &LayerContext) {
        if !retained.matters() {
            return;
        }
        match context.count_retained(&retained) {
            Retention::Keep => self.retained.push(retained),
            Retention::FirstDropped => {
                self.problem(
                    context,
                    "",
                    "The image has too many links and programs; some are left out.",
                );
            }
            Retention::Drop => {}
        }
    }

    /// Keeps the log of a database until the database is read again.
    fn take_log(
        &mut self,
        database: String,
        size: u64,
        source: FileSource<'_>,
        context: &LayerContext,
    ) {
        if size > rpm::log::LIMIT {
            let left_out = "The database's write-ahead log is too large, and left out.";
            return self.problem(context, &database, left_out);
        }
        let content = source.content(size, Portion::Whole);
        match content.and_then(|content| Ok(content.whole()?.into_owned())) {
            Ok(log) => drop(self.logs.insert(database, log)),
            Err(error) => self.failed(context, &database, &FileError::Unreadable(error)),
        }
    }

    /// Lets every reader that wants a file read it. Returns what the file says about the files that
    /// it needs.
    fn read_file(
        &mut self,
        retained: &mut RetainedEntry,
        mut source: FileSource<'_>,
        context: &LayerContext,
    ) -> Option<FileDependencies> {
        if let Some(database) = rpm::database_of_log(&retained.entry.path) {
            let database = database.to_owned();
            self.take_log(database, retained.entry.size, source, context);
            return None;
        }
        let interest = FileInterest::of(&retained.entry, source.start());
        if interest.is_empty() {
            return None;
        }
        let path = retained.entry.path.clone();
        let content = match source.content(retained.entry.size, interest.portion()) {
            Ok(content) => content,
            Err(error) => {
                self.failed(context, &path, &FileError::Unreadable(error));
                return None;
            }
        };
        let _turn = context.turn(retained.entry.size);
        for analyser in interest.analysers {
            match analyse(analyser, &path, content.clone()) {
                Ok(mut parsed) => {
                    for message in std::mem::take(&mut parsed.problems) {
                        self.problem(context, &path, format!("{}: {message}.", analyser.name));
                    }
                    if context.count_parsed(&parsed) {
                        retained.add(parsed);
                    } else {
                        let left_out = "The image lists too much; these packages are left out.";
                        self.problem(context, &path, left_out);
                    }
                }
                Err(error) => self.failed(context, &path, &error),
            }
        }
        let dependencies = interest
            .dependencies
            .and_then(|scan| FileDependencies::of(scan, content.clone(), &context.budget));
        // A file that a package owns need not be searched, but its owner is known only later. That
        // is worth waiting for if the file costs no memory and not too many are waiting.
        let search_now =
            interest.credentials && (!content.is_retainable() || context.is_filling_up());
        if interest.credentials && !search_now {
            retained.unsearched = Some(content.clone());
        }
        if interest.system || search_now || interest.applets {
            match content.whole() {
                Ok(bytes) => {
                    if interest.system {
                        retained.text = Some(lossy(&bytes).into_owned());
                    }
                    if search_now {
                        retained.credentials = Credentials::of(&path, &bytes);
                    }
                    if interest.applets {
                        retained.applets = utilities::applets(&bytes);
                    }
                }
                Err(error) => self.failed(context, &path, &FileError::Unreadable(error)),
            }
        }
        dependencies
    }
}
