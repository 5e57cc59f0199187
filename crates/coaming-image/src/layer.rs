//! One layer, read once: what of it matters, and the names of all the rest.
//!
//! A layer can't know whether an upper one hides its files, so it keeps what would matter if nothing
//! did; [`Overlay`](crate::overlay::Overlay) decides. Of files that don't matter a hash of the name
//! is kept, for they hide others, and a leaf of the [`Tree`](crate::Tree) if there are not too many
//! of them. Invariants: each file is read at most once and only if
//! somebody wants it; a file that can't be read is a problem, and the walk goes on.

use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::analyse::{Analyser, Found, Reader};
use crate::archive::{ArchiveError, Entry, EntryKind, Step, Walk};
use crate::content::{Content, Gap};
use crate::credential::{self, Leak};
use crate::input::PEEK;
use crate::packages::ANALYSERS;
use crate::source::{DirectoryWalk, LayerSource, open_regular};
use crate::sum::Sums;
use crate::system;
use crate::text::lossy;
use crate::tree::{Clue, Clues, Leaf, Look, code, look};
use crate::utilities;
use crate::waiting::Buffer;

/// The most entries that are read of an image, in all its layers.
const ENTRY_LIMIT: usize = 4_000_000;
/// The most entries of an image that are kept.
const KEPT_LIMIT: usize = 400_000;
/// The most entries that become leaves of a tree, see [`Tree`](crate::Tree).
const LEAF_LIMIT: usize = 400_000;
/// Whole files above this size are read one at a time, whatever the number of threads.
const LARGE: u64 = 4 << 20;
/// The most problems that are told of one layer.
const PROBLEM_LIMIT: usize = 100;

/// What the readers of all layers share.
pub(crate) struct Shared {
    /// One for all layers, so that they agree; another in every run, so that no image can be made
    /// whose names collide.
    pub(crate) hasher: RandomState,
    entries: AtomicUsize,
    kept: AtomicUsize,
    leaves: AtomicUsize,
    clues: Arc<Clues>,
    large: Mutex<()>,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            entries: AtomicUsize::new(0),
            kept: AtomicUsize::new(0),
            leaves: AtomicUsize::new(0),
            clues: Arc::default(),
            large: Mutex::new(()),
        }
    }

    /// Whether every entry became a leaf: there were not too many.
    pub(crate) fn has_tree(&self) -> bool {
        self.leaves.load(Ordering::Relaxed) <= LEAF_LIMIT
    }

    /// The name of a path: a hash, with two bits left for what lies there.
    pub(crate) fn name(&self, path: &str) -> u64 {
        self.hasher.hash_one(path) << 2
    }
}

/// Set in a name where a directory lies there.
pub(crate) const DIRECTORY: u64 = 1;
/// Set in a name where a file lies there that may be executed.
pub(crate) const EXECUTABLE: u64 = 2;

/// An entry that matters.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) entry: Entry,
    /// Packages that it names, and the files that they own.
    pub(crate) found: Option<Found>,
    /// Credentials in it.
    leaks: Leaks,
    /// Its bytes, if credentials are still to be looked for in them.
    unread: Option<Content>,
    /// Its text, if it is one of the few files that say what the system is.
    pub(crate) text: Option<String>,
    /// The applets in it, if it is a program of many names.
    pub(crate) applets: Vec<&'static str>,
}

/// The credentials in a file, and what the file is if there are any.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leaks {
    pub(crate) found: Vec<Leak>,
    pub(crate) sums: Option<Sums>,
}

impl Leaks {
    fn of(path: &str, bytes: &[u8]) -> Self {
        let found = credential::in_file(path, bytes);
        let sums = (!found.is_empty()).then(|| Sums::of(bytes));
        Self { found, sums }
    }
}

/// What was read of one layer.
#[derive(Debug, Default)]
pub(crate) struct LayerReading {
    /// The names of all entries, sorted, see [`Shared::name`].
    pub(crate) names: Vec<u64>,
    /// Paths that this layer takes away from those below.
    pub(crate) whiteouts: Vec<String>,
    /// Directories whose contents in the layers below it takes away.
    pub(crate) opaque: Vec<String>,
    /// What matters, in the order of the archive.
    pub(crate) kept: Vec<Kept>,
    /// All entries in the order of the archive, for a tree, unless the image has too many.
    pub(crate) leaves: Vec<Leaf>,
    /// What could not be read: a path, maybe empty, and why.
    pub(crate) problems: Vec<(String, String)>,
    /// How many bytes it has uncompressed.
    pub(crate) size: u64,
    /// How many entries.
    pub(crate) entries: u64,
}

/// Reads a layer; what can't be read is a problem in it.
pub(crate) fn read(source: &LayerSource, shared: &Shared) -> LayerReading {
    let mut layer = LayerReading::default();
    match source {
        LayerSource::Archive(blob) => match blob.archive() {
            Ok(input) => {
                if let Err(error) = layer.walk(Walk::new(input), shared) {
                    layer.problem("", format!("{error}. What follows in this layer is left out."));
                }
            }
            Err(error) => layer.problem("", format!("The layer can't be read: {error}.")),
        },
        LayerSource::Directory(root) => layer.walk_directory(root, shared),
    }
    layer.names.sort_unstable();
    layer.names.dedup();
    layer.names.shrink_to_fit();
    layer
}

impl LayerReading {
    fn problem(&mut self, path: &str, message: impl Into<String>) {
        if self.problems.len() < PROBLEM_LIMIT {
            self.problems.push((path.to_owned(), message.into()));
        }
    }

    fn walk(&mut self, mut walk: Walk, shared: &Shared) -> Result<(), ArchiveError> {
        let mut buffer = Buffer::default();
        while let Some(step) = walk.next()? {
            match step {
                Step::Entry(entry) => {
                    if !self.count(shared) {
                        break;
                    }
                    if !self.take_whiteout(&entry) {
                        self.take(entry, Place::Archive(&mut walk, &mut buffer), shared);
                    }
                }
                Step::Refused { path, message } => {
                    self.problem(&path, format!("It was left out: {message}."));
                }
            }
            self.size = walk.input.position();
        }
        // The end of a stream is where its checksum and its digest are known to hold.
        let position = walk.input.position();
        walk.input.drain().map_err(|source| ArchiveError::Io { position, source })?;
        self.size = walk.input.position();
        Ok(())
    }

    fn walk_directory(&mut self, root: &Path, shared: &Shared) {
        let mut walk = DirectoryWalk::new(root);
        for (entry, path) in walk.by_ref() {
            if !self.count(shared) {
                break;
            }
            self.size += entry.size;
            self.take(entry, Place::Directory(&path), shared);
        }
        for (path, message) in walk.problems {
            self.problem(&path, format!("It was left out: {message}."));
        }
    }

    /// Counts an entry; false if there are too many.
    fn count(&mut self, shared: &Shared) -> bool {
        self.entries += 1;
        if shared.entries.fetch_add(1, Ordering::Relaxed) < ENTRY_LIMIT {
            return true;
        }
        self.problem(
            "",
            format!("The image has more than {ENTRY_LIMIT} entries. What follows is left out."),
        );
        false
    }

    /// Whether the entry is a mark that something below is gone, and no file.
    fn take_whiteout(&mut self, entry: &Entry) -> bool {
        let Some((directory, name)) = entry.path.rsplit_once('/') else { return false };
        let Some(hidden) = name.strip_prefix(".wh.") else { return false };
        if hidden == ".wh..opq" {
            self.opaque.push(if directory.is_empty() { "/" } else { directory }.to_owned());
        } else if !hidden.starts_with(".wh.") && !hidden.is_empty() {
            self.whiteouts.push(format!("{directory}/{hidden}"));
        }
        true
    }

    /// Takes an entry: remembers its name, and reads it if somebody wants it.
    fn take(&mut self, entry: Entry, place: Place<'_>, shared: &Shared) {
        let executable = entry.kind == EntryKind::File && entry.mode & 0o111 != 0;
        self.names.push(
            shared.name(&entry.path)
                | if entry.kind == EntryKind::Directory { DIRECTORY } else { 0 }
                | if executable { EXECUTABLE } else { 0 },
        );
        let mut kept = Kept::new(entry);
        let mut leaf = (shared.leaves.fetch_add(1, Ordering::Relaxed) < LEAF_LIMIT)
            .then(|| Leaf::new(&kept.entry));
        if kept.entry.kind == EntryKind::File && kept.entry.size > 0 {
            let clue = self.read_file(&mut kept, place, shared);
            if let Some(leaf) = &mut leaf {
                leaf.clue = clue.map(Box::new);
            }
        }
        self.leaves.extend(leaf);
        if !kept.matters() {
            return;
        }
        if shared.kept.fetch_add(1, Ordering::Relaxed) < KEPT_LIMIT {
            self.kept.push(kept);
        } else if shared.kept.load(Ordering::Relaxed) == KEPT_LIMIT + 1 {
            self.problem("", "The image has more links and programs than are looked at.");
        }
    }

    /// Lets whoever wants to read a file do so; what it tells of the files that it needs is returned.
    fn read_file(
        &mut self,
        kept: &mut Kept,
        mut place: Place<'_>,
        shared: &Shared,
    ) -> Option<Clue> {
        let wants = Wants::of(&kept.entry, &mut place);
        if wants.is_empty() {
            return None;
        }
        let path = kept.entry.path.clone();
        let gap = if wants.tables_alone() { place.code(kept.entry.size) } else { Gap::default() };
        let content = match place.content(kept.entry.size, gap) {
            Ok(content) => content,
            Err(error) => {
                self.problem(&path, format!("It can't be read: {error}."));
                return None;
            }
        };
        let _one_at_a_time = (kept.entry.size > LARGE)
            .then(|| shared.large.lock().unwrap_or_else(PoisonError::into_inner));
        for analyser in wants.analysers {
            match analyse(analyser, &path, content.clone()) {
                Ok(mut found) => {
                    for message in std::mem::take(&mut found.problems) {
                        self.problem(&path, format!("{}: {message}.", analyser.name));
                    }
                    kept.take_found(found);
                }
                Err(message) => {
                    self.problem(
                        &path,
                        format!("It can't be read as {}: {message}.", analyser.name),
                    );
                }
            }
        }
        let clue = wants.look.and_then(|look| Clue::of(look, content.clone(), &shared.clues));
        // To wait for who owns the file saves reading it; but not too many may wait.
        let credentials = wants.credentials
            && (!content.stays() || shared.kept.load(Ordering::Relaxed) > KEPT_LIMIT / 2);
        if wants.credentials && !credentials {
            kept.unread = Some(content.clone());
        }
        if wants.system || credentials || wants.applets {
            match content.whole() {
                Ok(bytes) => {
                    if wants.system {
                        kept.text = Some(lossy(&bytes).into_owned());
                    }
                    if credentials {
                        kept.leaks = Leaks::of(&path, &bytes);
                    }
                    if wants.applets {
                        kept.applets = utilities::applets(&bytes);
                    }
                }
                Err(error) => self.problem(&path, format!("It can't be read: {error}.")),
            }
        }
        clue
    }
}

impl Kept {
    pub(crate) fn new(entry: Entry) -> Self {
        let (found, leaks, unread, text, applets) = Default::default();
        Self { entry, found, leaks, unread, text, applets }
    }

    /// The credentials in it; why it can't be read if it can't.
    pub(crate) fn leaks(&self) -> Result<Leaks, String> {
        match &self.unread {
            None => Ok(self.leaks.clone()),
            Some(content) => content
                .whole()
                .map(|bytes| Leaks::of(&self.entry.path, &bytes))
                .map_err(|error| format!("It can't be read: {error}.")),
        }
    }

    fn take_found(&mut self, found: Found) {
        if found.packages.is_empty() && found.owned_paths.is_empty() && found.sums.is_empty() {
            return;
        }
        let all = self.found.get_or_insert_default();
        let before = all.owned_paths.len();
        all.packages.extend(found.packages);
        all.owned_paths.extend(found.owned_paths);
        all.owners.extend(found.owners.into_iter().map(|(name, end)| (name, before + end)));
        all.sums.extend(found.sums);
        all.relations.extend(found.relations);
    }

    fn matters(&self) -> bool {
        let entry = &self.entry;
        let named = || utilities::of_path(&entry.path).is_some();
        let by_kind = match entry.kind {
            EntryKind::Symlink => true,
            EntryKind::HardLink => named() || entry.is_privileged() || entry.is_world_writable(),
            EntryKind::File => {
                entry.mode & 0o111 != 0 && named()
                    || entry.is_privileged()
                    || entry.is_world_writable()
            }
            // Directories that not everybody may enter protect what is in them.
            EntryKind::Directory => entry.is_world_writable() || entry.mode & 0o001 == 0,
            EntryKind::Special => false,
        };
        by_kind
            || self.found.is_some()
            || !self.leaks.found.is_empty()
            || self.unread.is_some()
            || self.text.is_some()
            || !self.applets.is_empty()
    }
}

impl Entry {
    /// Whether it gives whoever runs it more than he has.
    pub(crate) fn is_privileged(&self) -> bool {
        let set_id = self.mode & 0o6000 != 0 && self.mode & 0o111 != 0;
        self.kind != EntryKind::Directory && (set_id || !self.capability.is_empty())
    }

    /// Whether everybody may change it; a sticky directory is for everybody, and safe.
    pub(crate) fn is_world_writable(&self) -> bool {
        match self.kind {
            EntryKind::Directory => self.mode & 0o1002 == 0o002,
            EntryKind::File | EntryKind::HardLink => self.mode & 0o002 != 0,
            EntryKind::Symlink | EntryKind::Special => false,
        }
    }
}

/// Who wants to read a file.
struct Wants {
    analysers: Vec<&'static Analyser>,
    system: bool,
    credentials: bool,
    applets: bool,
    look: Option<Look>,
}

impl Wants {
    fn of(entry: &Entry, place: &mut Place<'_>) -> Self {
        let path = entry.path.as_str();
        let start = place.start();
        let executable = entry.mode & 0o111 != 0 && is_program(start);
        let analysers = ANALYSERS
            .iter()
            .filter(|analyser| match &analyser.reader {
                Reader::Whole { wants, .. } | Reader::Seek { wants, .. } => wants(path),
                Reader::Executable { .. } => executable,
            })
            .collect();
        Self {
            analysers,
            system: system::wants(path) && entry.size <= system::LIMIT,
            credentials: credential::wants(path) && entry.size <= credential::LIMIT,
            applets: executable
                && entry.size <= utilities::APPLET_LIMIT
                && utilities::has_applets(path),
            look: look(path, entry.size, &start),
        }
    }

    /// Whether nothing but a program's tables and constants is looked at.
    fn tables_alone(&self) -> bool {
        let of_programs = |reader: &Reader| matches!(reader, Reader::Executable { .. });
        self.look == Some(Look::Elf)
            && !(self.system || self.credentials || self.applets)
            && self.analysers.iter().all(|analyser| of_programs(&analyser.reader))
    }

    fn is_empty(&self) -> bool {
        self.analysers.is_empty()
            && !self.system
            && !self.credentials
            && !self.applets
            && self.look.is_none()
    }
}

/// Where the file is that was come upon.
enum Place<'a> {
    Archive(&'a mut Walk, &'a mut Buffer),
    Directory(&'a Path),
}

impl Place<'_> {
    /// How the file begins; zeros where that can't be told.
    fn start(&mut self) -> [u8; 4] {
        let mut start = [0_u8; 4];
        let read = match self {
            Self::Archive(walk, _) => walk.input.peek(4).map(|bytes| {
                if let Some(bytes) = bytes.first_chunk() {
                    start = *bytes;
                }
            }),
            Self::Directory(path) => {
                open_regular(path).and_then(|mut file| file.read_exact(&mut start))
            }
        };
        if read.is_ok() { start } else { [0; 4] }
    }

    /// The machine code of the program of this size that lies here, if that is known.
    fn code(&mut self, size: u64) -> Gap {
        let Self::Archive(walk, _) = self else { return Gap::default() };
        let start = walk.input.peek(PEEK).unwrap_or_default();
        code(start.get(..PEEK).unwrap_or(start), size)
    }

    /// The file's bytes. In a stream they are consumed, and wait in memory or on the disk, maybe without
    /// the gap; one that ends too early yields fewer.
    fn content(self, size: u64, gap: Gap) -> io::Result<Content> {
        let (walk, buffer) = match self {
            Self::Archive(walk, buffer) => (walk, buffer),
            Self::Directory(path) => {
                let file = open_regular(path)?;
                let length = file.metadata()?.len();
                return Ok(Content::file(Arc::new(file), 0, length));
            }
        };
        if let Some((file, offset)) = walk.input.place() {
            return Ok(Content::file(Arc::clone(file), offset, size).staying());
        }
        buffer.take(&mut walk.input, size, gap)
    }
}

/// Whether a file that begins so is an ELF, PE or Mach-O program.
fn is_program(start: [u8; 4]) -> bool {
    start == *b"\x7fELF"
        || start.starts_with(b"MZ")
        || matches!(start, [0xcf | 0xce, 0xfa, 0xed, 0xfe] | [0xca, 0xfe, 0xba, 0xbe])
}

/// Lets a reader read a file. Its errors are told, and cost only this file.
fn analyse(analyser: &Analyser, path: &str, mut content: Content) -> Result<Found, String> {
    match &analyser.reader {
        Reader::Whole { limit, read, .. } => {
            if content.length() > *limit {
                return Err(format!("it has more than {} MiB", limit >> 20));
            }
            let bytes = content.whole().map_err(|error| error.to_string())?;
            read(path, &bytes).map_err(|error| error.to_string())
        }
        Reader::Seek { read, .. } | Reader::Executable { read } => {
            read(path, &mut content).map_err(|error| error.to_string())
        }
    }
}
