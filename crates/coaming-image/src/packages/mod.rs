//! The readers of the ecosystems' formats, one file each: pure functions from a file's bytes to the
//! packages that it names.
//!
//! A reader names its files by `wants(path)` and reads them by `read(path, bytes)`; see
//! [`Analyser`](crate::analyse::Analyser). Bytes are hostile: a reader bounds what it takes and
//! never panics. A record that is broken is a problem, and the records beside it are still read.
//!
//! Readers know their file alone. What depends on the image is done after the walk by [`settle::settle`].

mod apk;
mod composer;
mod dotnet;
mod dpkg;
mod elf;
mod found;
mod gem;
mod java;
mod node;
mod python;
mod rpm;
pub(crate) mod settle;

#[cfg(test)]
mod made;
#[cfg(test)]
mod properties;

pub use rpm::{ReducedRpm, reduced_rpm};

use crate::Package;
use crate::analyse::{Analyser, Found, Reader};
use crate::content::Content;

/// The most bytes that a database or list of a distribution may have.
const DATABASE_LIMIT: u64 = 64 << 20;

/// The most bytes that a list of an application or of one package may have.
const LIST_LIMIT: u64 = 32 << 20;

/// All readers. The order decides nothing.
pub(crate) const ANALYSERS: &[Analyser] = &[
    Analyser {
        name: "dpkg database",
        reader: Reader::Whole { wants: dpkg::wants, limit: DATABASE_LIMIT, read: dpkg::read },
    },
    Analyser {
        name: "apk database",
        reader: Reader::Whole { wants: apk::wants, limit: DATABASE_LIMIT, read: apk::read },
    },
    Analyser { name: "rpm database", reader: Reader::Seek { wants: rpm::wants, read: rpm::read } },
    Analyser {
        name: "Python metadata",
        reader: Reader::Whole { wants: python::wants, limit: LIST_LIMIT, read: python::read },
    },
    Analyser {
        name: "Node package",
        reader: Reader::Whole { wants: node::wants, limit: LIST_LIMIT, read: node::read },
    },
    Analyser {
        name: "gem specification",
        reader: Reader::Whole { wants: gem::wants, limit: LIST_LIMIT, read: gem::read },
    },
    Analyser {
        name: "Composer list",
        reader: Reader::Whole { wants: composer::wants, limit: LIST_LIMIT, read: composer::read },
    },
    Analyser {
        name: ".NET dependencies",
        reader: Reader::Whole { wants: dotnet::wants, limit: LIST_LIMIT, read: dotnet::read },
    },
    Analyser {
        name: "Java archive",
        reader: Reader::Seek { wants: java::wants, read: java::read },
    },
    Analyser { name: "executable", reader: Reader::Executable { read: elf::read } },
];

/// What one file names.
#[derive(Debug, Default)]
pub struct FilePackages {
    /// The packages, in the file's order; distributions' packages without the distribution.
    pub packages: Vec<Package>,
    /// What could not be read, and why; the rest is whole.
    pub problems: Vec<String>,
}

/// Reads one file as the walk over an image would read it at this absolute path. A file that begins as
/// a program does counts as one. For whoever has a file and no image, such as a fuzzer.
#[must_use]
pub fn packages_of_file(path: &str, bytes: Vec<u8>) -> FilePackages {
    let mut all = FilePackages::default();
    let content = Content::memory(bytes);
    let bytes = content.in_memory().unwrap_or_default();
    for analyser in ANALYSERS {
        let found = match &analyser.reader {
            Reader::Whole { wants, limit, read } => {
                (wants(path) && bytes.len() as u64 <= *limit).then(|| read(path, bytes))
            }
            Reader::Seek { wants, read } => wants(path).then(|| read(path, &mut content.clone())),
            Reader::Executable { read } => {
                bytes.starts_with(b"\x7fELF").then(|| read(path, &mut content.clone()))
            }
        };
        match found {
            Some(Ok(Found { packages, problems, .. })) => {
                all.packages.extend(packages);
                all.problems.extend(problems);
            }
            Some(Err(error)) => all.problems.push(format!("{}: {error}", analyser.name)),
            None => {}
        }
    }
    all
}
