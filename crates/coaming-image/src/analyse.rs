//! How package databases, lock files, archives and executables are read: the seam between the walk
//! over an image and the readers of the ecosystems' formats.
//!
//! A reader is a pure function of one file. The walk decides when it is called, bounds what it is
//! given, turns its errors into [`Problem`](crate::Problem)s, and says which layer its packages came
//! with. One reader that fails never costs the others' results.

use crate::Package;
use crate::content::Content;
use crate::sum::Sum;

/// What a reader found in one file.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The packages, each with its path; their layer is set by the walk.
    pub(crate) packages: Vec<Package>,
    /// Files that belong to a package of the distribution, absolute in the image. Packages of other
    /// ecosystems that are found in them are the distribution's own, and not counted twice.
    pub(crate) owned_paths: Vec<String>,
    /// Whose the owned paths are: a package's name, and where in them its own end. They begin where
    /// those of the package before it end.
    pub(crate) owners: Vec<(String, usize)>,
    /// What packages say that those of their files are in which credentials are looked for.
    pub(crate) sums: Vec<(String, Sum)>,
    /// What the distribution's packages need of each other.
    pub(crate) relations: Vec<Relation>,
    /// What in the file could not be read, and was therefore left out; the rest is whole.
    pub(crate) problems: Vec<String>,
}

/// What a package of the distribution needs of others, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Relation {
    /// Its name.
    pub(crate) name: String,
    /// The source package that it was built from.
    pub(crate) source: String,
    /// What it depends on: of each group, one is enough.
    pub(crate) needs: Vec<Vec<String>>,
    /// The other names that it answers to.
    pub(crate) provides: Vec<String>,
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnalyserError {
    /// The file does not keep to its format; the text says where.
    #[error("{0}")]
    Malformed(String),
    /// The file says that it holds more than is taken; the text says of what.
    #[error("too large: {0}")]
    TooLarge(String),
    /// The bytes could not be had, or end too early.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// How the files are chosen that a reader is given, and in which form.
pub(crate) enum Reader {
    /// A file that is read whole.
    Whole {
        /// Whether the file at this absolute path is one.
        wants: fn(path: &str) -> bool,
        /// The most bytes that such a file may have; larger ones become a problem.
        limit: u64,
        /// Reads it.
        read: fn(path: &str, bytes: &[u8]) -> Result<Found, AnalyserError>,
    },
    /// A file that is read in places, such as an archive with a directory at its end.
    Seek {
        /// Whether the file at this absolute path is one.
        wants: fn(path: &str) -> bool,
        /// Reads it.
        read: fn(path: &str, content: &mut Content) -> Result<Found, AnalyserError>,
    },
    /// Every file that may be executed and begins as ELF, PE or Mach-O programs do.
    Executable {
        /// Reads it. `object::ReadCache::new(content)` reads only the places that are asked for.
        read: fn(path: &str, content: &mut Content) -> Result<Found, AnalyserError>,
    },
}

/// A reader of one format.
pub(crate) struct Analyser {
    /// What problems call the format: `dpkg status`.
    pub(crate) name: &'static str,
    /// Which files it reads, and how.
    pub(crate) reader: Reader,
}
