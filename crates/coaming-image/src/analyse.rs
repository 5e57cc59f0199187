//! How package databases, lock files, archives and executables are read: the interface between the
//! walk over an image and the analysers of the ecosystems' formats.
//!
//! An analyser is a pure function of one file. The walk decides when it is called, bounds its
//! input, turns its errors into [`Problem`](crate::Problem)s, and records which layer added its
//! packages. Invariant: an analyser that fails never costs the results of the others.

use crate::Package;
use crate::checksum::Checksum;
use crate::content::Content;

/// What an analyser found in one file.
#[derive(Clone, Debug, Default)]
pub(crate) struct ParsedFile {
    /// The packages, each with its path; their layer is set by the walk.
    pub(crate) packages: Vec<Package>,
    /// Files that belong to a package of the distribution, absolute in the image. Packages of other
    /// ecosystems in such files are the distribution's own, and are not counted twice.
    pub(crate) owned_paths: Vec<String>,
    /// The owners of these paths: the name of a package, and the index after its last path. Its
    /// first path follows the last one of the package before it.
    pub(crate) owners: Vec<(String, usize)>,
    /// The recorded checksums of those files that are searched for credentials.
    pub(crate) checksums: Vec<(String, Checksum)>,
    /// The dependencies between the distribution's packages.
    pub(crate) relations: Vec<Relation>,
    /// What could not be read in the file and was left out; the rest is whole.
    pub(crate) problems: Vec<String>,
    /// How many bytes the names in it have so far.
    pub(crate) bytes: usize,
}

impl ParsedFile {
    /// How many bytes it takes, approximately.
    pub(crate) fn weight(&self) -> usize {
        let of_package = |package: &Package| {
            let source = package.source.as_ref();
            let source = source.map_or(0, |source| source.name.len() + source.version.len());
            let names = package.name.len() + package.version.len() + package.path.len();
            200 + names + package.purl.len() + package.licence.len() + source
        };
        let of_names = |names: &[String]| names.iter().map(|name| name.len() + 24).sum::<usize>();
        let of_relation = |relation: &Relation| {
            let needs: usize = relation.needs.iter().map(|group| 24 + of_names(group)).sum();
            100 + relation.name.len() + relation.source.len() + needs + of_names(&relation.provides)
        };
        // The facts have a copy of each package.
        2 * self.packages.iter().map(of_package).sum::<usize>()
            + of_names(&self.owned_paths)
            + self.owners.iter().map(|(name, _)| name.len() + 32).sum::<usize>()
            + self.checksums.iter().map(|(path, _)| path.len() + 60).sum::<usize>()
            + self.relations.iter().map(of_relation).sum::<usize>()
    }
}

/// The other packages that a package of the distribution needs, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Relation {
    /// Its name.
    pub(crate) name: String,
    /// The source package that it was built from.
    pub(crate) source: String,
    /// What it depends on: one of each group is enough.
    pub(crate) needs: Vec<Vec<String>>,
    /// The other names that it provides.
    pub(crate) provides: Vec<String>,
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnalyserError {
    /// The file is malformed; the text says where.
    #[error("{0}")]
    Malformed(String),
    /// The file has or claims more than is accepted; the text says of what.
    #[error("too large: {0}")]
    TooLarge(String),
    /// The bytes cannot be read, or end too early.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// Which files an analyser reads, and how.
pub(crate) enum Reader {
    /// A file that is read whole.
    Whole {
        /// Whether the file at this absolute path is one of them.
        wants: fn(path: &str) -> bool,
        /// The largest size in bytes; a larger file is a problem.
        limit: u64,
        /// Reads it.
        read: fn(path: &str, bytes: &[u8]) -> Result<ParsedFile, AnalyserError>,
    },
    /// A file that is read in parts, such as an archive with a directory at its end.
    Seek {
        /// Whether the file at this absolute path is one of them.
        wants: fn(path: &str) -> bool,
        /// Reads it.
        read: fn(path: &str, content: &mut Content) -> Result<ParsedFile, AnalyserError>,
    },
    /// Every file that starts like an ELF program, or may be executed and starts like a PE or Mach-O
    /// program.
    Executable {
        /// Reads it. `object::ReadCache::new(content)` reads only the parts that are needed.
        read: fn(path: &str, content: &mut Content) -> Result<ParsedFile, AnalyserError>,
    },
}

/// A reader of one format.
pub(crate) struct Analyser {
    /// The name of the format in problems: `dpkg database`.
    pub(crate) name: &'static str,
    /// What the documentation says about it.
    pub(crate) ecosystems: &'static [Ecosystem],
    /// Which files it reads, and how.
    pub(crate) reader: Reader,
}

/// Which packages of an ecosystem are found, in Markdown: a row of the table in `docs/images.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ecosystem {
    /// Whose packages they are.
    pub name: &'static str,
    /// The files that are read.
    pub reads: &'static str,
    /// What is left out on purpose; may be empty.
    pub leaves_out: &'static str,
}
