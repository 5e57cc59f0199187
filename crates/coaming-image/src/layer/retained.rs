//! The entries of a layer that matter beyond their paths.

use super::file::FileError;
use crate::analyse::ParsedFile;
use crate::archive::{Entry, EntryKind};
use crate::checksum::Checksums;
use crate::content::Content;
use crate::credential::{self, CredentialMatch};
use crate::utilities;

/// An entry that matters.
#[derive(Debug)]
pub(crate) struct RetainedEntry {
    pub(crate) entry: Entry,
    /// The packages that it names, and the files that they own.
    pub(crate) parsed: Option<ParsedFile>,
    /// The credentials in it.
    pub(super) credentials: Credentials,
    /// Its bytes, if they are still to be searched for credentials.
    pub(super) unsearched: Option<Content>,
    /// Its text, if it is one of the few files that describe the system.
    pub(crate) text: Option<String>,
    /// The applets in it, if it is a multi-call program such as busybox.
    pub(crate) applets: Vec<&'static str>,
}

/// The credentials in a file, and the file's checksums if there are any credentials.
#[derive(Clone, Debug, Default)]
pub(crate) struct Credentials {
    pub(crate) found: Vec<CredentialMatch>,
    pub(crate) checksums: Option<Checksums>,
}

impl Credentials {
    pub(super) fn of(path: &str, bytes: &[u8]) -> Self {
        let found = credential::in_file(path, bytes);
        let checksums = (!found.is_empty()).then(|| Checksums::of(bytes));
        Self { found, checksums }
    }
}

impl RetainedEntry {
    pub(crate) fn new(entry: Entry) -> Self {
        // Nothing reads them here, and they may be large.
        let entry = Entry { attributes: Vec::new(), ..entry };
        let (parsed, credentials, unsearched, text, applets) = Default::default();
        Self { entry, parsed, credentials, unsearched, text, applets }
    }

    /// The credentials in it.
    ///
    /// # Errors
    ///
    /// If its bytes were left for now and cannot be read any more.
    pub(crate) fn credentials(&self) -> Result<Credentials, FileError> {
        match &self.unsearched {
            None => Ok(self.credentials.clone()),
            Some(content) => {
                let bytes = content.whole().map_err(FileError::Unreadable)?;
                Ok(Credentials::of(&self.entry.path, &bytes))
            }
        }
    }

    /// Adds what an analyser read in it.
    pub(super) fn add(&mut self, parsed: ParsedFile) {
        if parsed.packages.is_empty()
            && parsed.owned_paths.is_empty()
            && parsed.checksums.is_empty()
        {
            return;
        }
        let all = self.parsed.get_or_insert_default();
        let before = all.owned_paths.len();
        all.packages.extend(parsed.packages);
        all.owned_paths.extend(parsed.owned_paths);
        all.owners.extend(parsed.owners.into_iter().map(|(name, end)| (name, before + end)));
        all.checksums.extend(parsed.checksums);
        all.relations.extend(parsed.relations);
    }

    pub(super) fn matters(&self) -> bool {
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
            // A directory that is closed to others protects what is in it.
            EntryKind::Directory => entry.is_world_writable() || entry.mode & 0o001 == 0,
            EntryKind::Special => false,
        };
        by_kind
            || self.parsed.is_some()
            || !self.credentials.found.is_empty()
            || self.unsearched.is_some()
            || self.text.is_some()
            || !self.applets.is_empty()
    }
}

impl Entry {
    /// Whether running it gives a process more rights than its user has.
    pub(crate) fn is_privileged(&self) -> bool {
        let set_id = self.mode & 0o6000 != 0 && self.mode & 0o111 != 0;
        self.kind != EntryKind::Directory && (set_id || !self.capability.is_empty())
    }

    /// Whether every user may change it. A sticky directory does not count: its files are safe from
    /// other users.
    pub(crate) fn is_world_writable(&self) -> bool {
        match self.kind {
            EntryKind::Directory => self.mode & 0o1002 == 0o002,
            EntryKind::File | EntryKind::HardLink => self.mode & 0o002 != 0,
            EntryKind::Symlink | EntryKind::Special => false,
        }
    }
}
