//! Files that are wanted under another name than the one they have in the archive: by a hard link,
//! or because a package database is reached through a symbolic link.
//!
//! A stream is read once, and whether a file has a second name is known only afterwards. What was
//! read under the first name is used again; only a file that nobody wanted under its first name is
//! read in a second pass over its layer. Invariants: a layer is read a second time at most once;
//! links add no more than [`LIMIT`] names.

use std::collections::HashMap;

use super::{FileBuffer, FileError, FileSource, LayerContext, LayerReading, RetainedEntry};
use crate::analyse::Reader;
use crate::archive::{ArchiveError, Entry, EntryKind, Step, Walk};
use crate::content::Content;
use crate::deferred::Portion;
use crate::packages::{ANALYSERS, rpm};
use crate::source::{DirectoryWalk, LayerSource};
use crate::{Package, PackageKind, credential, system};

/// The most names of one layer that are read under another one.
pub(super) const LIMIT: usize = 50_000;

/// The most links that are followed although no reader wants their names, and the most bytes of the
/// names of each; how many links may lead to each other.
const OTHER_LINKS: usize = 10_000;
const OTHER_NAMES: usize = 512;
const DEPTH: usize = 8;

/// A hard link whose name a reader wants.
#[derive(Debug)]
pub(super) struct HardLink {
    pub(super) path: String,
    pub(super) target: String,
    pub(super) mode: u32,
}

/// A file to read again: where it is, and the name that its readers see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Alias {
    /// The name under which a reader wants it.
    pub(crate) wanted: String,
    /// Where what was read is put: the path in the layer that upper layers hide.
    pub(crate) at: String,
}

/// The files of a layer to read again, by their paths in it.
pub(crate) type Aliases = HashMap<String, Vec<Alias>>;

/// Whether a reader wants the file at this path, whatever is in it.
pub(super) fn is_wanted(path: &str) -> bool {
    let of_packages = ANALYSERS.iter().any(|analyser| match &analyser.reader {
        Reader::Whole { wants, .. } | Reader::Seek { wants, .. } => wants(path),
        Reader::Executable { .. } => false,
    });
    of_packages || system::wants(path) || credential::wants(path)
}

/// Whether what is in a program says which packages are in it.
fn is_of_program(package: &Package) -> bool {
    matches!(package.kind, PackageKind::Golang | PackageKind::Cargo)
}

/// The names under which the file at a path is wanted. A key that ends with a slash is a directory,
/// with all that is in it.
fn names(aliases: &Aliases, path: &str) -> Vec<Alias> {
    let mut found = aliases.get(path).cloned().unwrap_or_default();
    let in_directory = path.rsplit_once('/').and_then(|(directory, name)| {
        let directories = aliases.get(&format!("{directory}/"))?;
        Some(directories.iter().map(move |alias| (alias, name)))
    });
    for (alias, name) in in_directory.into_iter().flatten() {
        let wanted = format!("{}{name}", alias.wanted);
        if is_wanted(&wanted) {
            found.push(Alias { wanted, at: path.to_owned() });
        }
    }
    found
}

impl LayerReading {
    /// Keeps a hard link until the end of the walk.
    pub(super) fn take_hard_link(&mut self, entry: &Entry, context: &LayerContext) {
        let (path, target) = (entry.path.clone(), entry.link.clone());
        if self.hard_links.len() < LIMIT
            && (is_wanted(&path) || entry.mode & 0o111 != 0)
            && context.count_name(&path)
            && context.count_name(&target)
        {
            self.hard_links.push(HardLink { path, target, mode: entry.mode });
        } else if path.len() + target.len() <= OTHER_NAMES && self.link_targets.len() < OTHER_LINKS
        {
            self.link_targets.insert(path, target);
        }
    }

    /// The file that a hard link leads to through others.
    fn first_name(&self, links: &HashMap<&str, &str>, target: &str) -> String {
        let mut name = target;
        for _ in 0..DEPTH {
            let next = links.get(name).copied();
            match next.or_else(|| self.link_targets.get(name).map(String::as_str)) {
                Some(next) => name = next,
                None => break,
            }
        }
        name.to_owned()
    }

    /// Gives hard links what was read of their files, and returns those to read again.
    pub(super) fn share_with_links(&mut self, context: &LayerContext) -> Aliases {
        let mut again = Aliases::new();
        let links = std::mem::take(&mut self.hard_links);
        if links.is_empty() {
            return again;
        }
        let mut read: HashMap<String, usize> = HashMap::new();
        for (index, retained) in self.retained.iter().enumerate() {
            read.insert(retained.entry.path.clone(), index);
        }
        let targets: HashMap<&str, &str> =
            links.iter().map(|link| (link.path.as_str(), link.target.as_str())).collect();
        let firsts: Vec<String> =
            links.iter().map(|link| self.first_name(&targets, &link.target)).collect();
        for (HardLink { path, mode, .. }, target) in links.into_iter().zip(firsts) {
            let known = read.get(&target).and_then(|&index| self.retained.get(index));
            let known = known.map(|known| known.under(&path, mode)).filter(RetainedEntry::matters);
            match known {
                Some(shared)
                    if shared.parsed.as_ref().is_none_or(|it| context.count_parsed(it)) =>
                {
                    read.insert(path, self.retained.len());
                    self.push(shared, context);
                }
                // A container's file system is one: a link may lead to a file of a lower layer.
                None if is_wanted(&path) && !self.has(&target, context) => {
                    let link = Entry::symlink(path, target);
                    self.push(RetainedEntry::new(link), context);
                }
                None if is_wanted(&path) && !is_wanted(&target) => {
                    again.entry(target).or_default().push(Alias { at: path.clone(), wanted: path });
                }
                Some(_) | None => {}
            }
        }
        again
    }

    /// Reads files again, under other names.
    pub(crate) fn read_again(
        &mut self,
        source: &LayerSource,
        aliases: &Aliases,
        context: &LayerContext,
    ) {
        let paths = self.retained.iter().map(|retained| context.hash(&retained.entry.path));
        self.positions = paths.enumerate().map(|(index, path)| (path, index)).collect();
        let result = match source {
            LayerSource::Archive(blob, _) => blob
                .archive()
                .map_err(|source| ArchiveError::Io { position: 0, source })
                .and_then(|input| self.walk_again(Walk::new(input), aliases, context)),
            LayerSource::Directory(root) => {
                for (entry, path) in DirectoryWalk::new(root) {
                    if entry.kind != EntryKind::File {
                        continue;
                    }
                    for alias in &names(aliases, &entry.path) {
                        let source = FileSource::Directory(&path);
                        match source.content(entry.size, Portion::Whole) {
                            Ok(content) => self.read_alias(&entry, alias, content, context),
                            Err(error) => {
                                self.failed(context, &alias.at, &FileError::Unreadable(error));
                            }
                        }
                    }
                }
                Ok(())
            }
        };
        self.positions = HashMap::new();
        if let Err(error) = result {
            self.problem(context, "", format!("The layer cannot be read again: {error}."));
        }
    }

    fn walk_again(
        &mut self,
        mut walk: Walk,
        aliases: &Aliases,
        context: &LayerContext,
    ) -> Result<(), ArchiveError> {
        let mut buffer = FileBuffer::default();
        while let Some(step) = walk.next()? {
            let Step::Entry(entry) = step else { continue };
            let names = match entry.kind {
                EntryKind::File => names(aliases, &entry.path),
                _ => continue,
            };
            let mut kept = None;
            for alias in &names {
                // The bytes are read once, however many names they have.
                let content = match kept.take() {
                    Some(content) => content,
                    None => {
                        let source = FileSource::Archive(&mut walk, &mut buffer);
                        match source.content(entry.size, Portion::Whole) {
                            Ok(content) => content,
                            Err(error) => {
                                self.failed(context, &alias.at, &FileError::Unreadable(error));
                                break;
                            }
                        }
                    }
                };
                self.read_alias(&entry, alias, content.clone(), context);
                kept = Some(content);
            }
        }
        Ok(())
    }

    /// Lets the readers of the other name read the file.
    fn read_alias(
        &mut self,
        entry: &Entry,
        alias: &Alias,
        content: Content,
        context: &LayerContext,
    ) {
        let mut retained = RetainedEntry::new(entry.clone());
        retained.entry.path.clone_from(&alias.wanted);
        let newest = self.with_log(content, alias, context);
        retained.entry.size = newest.length();
        self.read_file(&mut retained, FileSource::Content(newest), context);
        self.merge(retained, alias, context);
    }

    /// A database with the pages of its log; other files as they are.
    fn with_log(&mut self, content: Content, alias: &Alias, context: &LayerContext) -> Content {
        let Some(log) = self.logs.get(&alias.wanted) else { return content };
        let newest = match content.length() <= rpm::log::LIMIT {
            true => content.whole().ok().and_then(|bytes| rpm::log::apply(&bytes, log)),
            false => None,
        };
        newest.map(Content::memory).unwrap_or_else(|| {
            let left_out = "The database's write-ahead log cannot be read, and is left out.";
            self.problem(context, &alias.at, left_out);
            content
        })
    }

    /// Adds what was read under another name to the entry at its path.
    fn merge(&mut self, mut read: RetainedEntry, alias: &Alias, context: &LayerContext) {
        if !read.matters() {
            return;
        }
        read.entry.path.clone_from(&alias.at);
        let path = context.hash(&alias.at);
        let known = self.positions.get(&path).and_then(|&index| self.retained.get_mut(index));
        match known {
            Some(known) => {
                // The database without its log is out of date.
                if self.logs.contains_key(&alias.at) {
                    known.parsed = None;
                }
                if let Some(parsed) = read.parsed {
                    known.add(parsed);
                }
                known.text = known.text.take().or(read.text);
                if known.credentials.found.is_empty() {
                    known.credentials = read.credentials;
                }
            }
            None => {
                self.positions.insert(path, self.retained.len());
                self.push(read, context);
            }
        }
    }
}

impl RetainedEntry {
    /// What the file means under another name.
    fn under(&self, path: &str, mode: u32) -> Self {
        let mut entry = self.entry.clone();
        entry.path = path.to_owned();
        entry.mode = mode;
        let mut other = Self::new(entry);
        let wanted = is_wanted(path);
        other.text = self.text.clone().filter(|_| system::wants(path));
        if credential::wants(path) {
            other.credentials = self.credentials.clone();
            other.unsearched = self.unsearched.clone();
        }
        let Some(parsed) = &self.parsed else { return other };
        let mut parsed = parsed.clone();
        parsed.packages.retain(|package| wanted || is_of_program(package));
        for package in &mut parsed.packages {
            if let Some(rest) = package.path.strip_prefix(&self.entry.path) {
                package.path = format!("{path}{rest}");
            }
        }
        other.add(parsed);
        other
    }
}
