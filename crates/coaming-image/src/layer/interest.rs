//! Which readers a file has, decided by its path and its first bytes before anything else is read.

use crate::analyse::{Analyser, Reader};
use crate::archive::Entry;
use crate::deferred::Portion;
use crate::packages::ANALYSERS;
use crate::tree::{DependencyScan, scan_for};
use crate::{credential, system, utilities};

/// What is to be read in a file, and by which readers.
pub(super) struct FileInterest {
    pub(super) analysers: Vec<&'static Analyser>,
    /// Its text describes the system: users, groups, the distribution.
    pub(super) system: bool,
    pub(super) credentials: bool,
    /// It is a multi-call program.
    pub(super) applets: bool,
    pub(super) dependencies: Option<DependencyScan>,
}

impl FileInterest {
    /// The interest in a file that starts with these bytes.
    pub(super) fn of(entry: &Entry, start: [u8; 4]) -> Self {
        let path = entry.path.as_str();
        let executable = entry.mode & 0o111 != 0 && is_program(start);
        // A file that is loaded, or run by the dynamic linker, needs no permission. Test data of
        // programs are not programs of the image.
        let is_linked = (executable || start == *b"\x7fELF") && !path.contains("/testdata/");
        let analysers = ANALYSERS
            .iter()
            .filter(|analyser| match &analyser.reader {
                Reader::Whole { wants, .. } | Reader::Seek { wants, .. } => wants(path),
                Reader::Executable { .. } => is_linked,
            })
            .collect();
        Self {
            analysers,
            system: system::wants(path) && entry.size <= system::LIMIT,
            credentials: credential::wants(path) && entry.size <= credential::LIMIT,
            applets: executable
                && entry.size <= utilities::APPLET_LIMIT
                && utilities::has_applets(path),
            dependencies: scan_for(path, entry.size, &start, entry.mode & 0o111 != 0),
        }
    }

    /// How much of the file is needed: of most programs only tables and constants.
    pub(super) fn portion(&self) -> Portion {
        let of_programs = |reader: &Reader| matches!(reader, Reader::Executable { .. });
        let without_code = self.dependencies == Some(DependencyScan::Elf)
            && !(self.system || self.credentials || self.applets)
            && self.analysers.iter().all(|analyser| of_programs(&analyser.reader));
        if without_code { Portion::WithoutMachineCode } else { Portion::Whole }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.analysers.is_empty()
            && !self.system
            && !self.credentials
            && !self.applets
            && self.dependencies.is_none()
    }
}

/// Whether a file that starts with these bytes is an ELF, PE or Mach-O program.
fn is_program(start: [u8; 4]) -> bool {
    start == *b"\x7fELF"
        || start.starts_with(b"MZ")
        || matches!(start, [0xcf | 0xce, 0xfa, 0xed, 0xfe] | [0xca, 0xfe, 0xba, 0xbe])
}
