//! The analysers of the ecosystems' formats, one file each: pure functions from a file's bytes to
//! the packages that it names.
//!
//! An analyser selects its files with `wants(path)` and reads them with `read(path, bytes)`; see
//! [`Analyser`]. Invariants: bytes are hostile, so an analyser bounds what it accepts and never
//! panics; a broken record is a problem, and the other records are still read.
//!
//! Analysers know only their own file. What depends on the whole image follows after the walk, in
//! [`dedup::complete`].

mod apk;
mod archive;
mod chisel;
mod composer;
pub(crate) mod dedup;
mod dotnet;
mod dpkg;
mod elf;
mod embedded;
mod gem;
mod java;
mod locks;
mod node;
mod other;
mod parsed;
mod python;
pub(crate) mod rpm;

#[cfg(test)]
mod generated;
#[cfg(test)]
mod properties;

pub(crate) use java::name_archives;
pub(crate) use other::of_directory;
pub use rpm::{ReducedRpm, reduced_rpm};

pub use crate::analyse::Ecosystem;

use crate::Package;
use crate::analyse::{Analyser, Reader};
use crate::content::Content;

/// The largest database or list of a distribution, in bytes.
const DATABASE_LIMIT: u64 = 64 << 20;

/// The largest list of an application or of one package, in bytes.
const LIST_LIMIT: u64 = 32 << 20;

/// All analysers, in the order of the documentation. The order decides nothing else.
pub(crate) const ANALYSERS: &[Analyser] = &[
    Analyser {
        name: "dpkg database",
        ecosystems: &[Ecosystem {
            name: "Debian, Ubuntu",
            reads: "`/var/lib/dpkg/status`, `status.d` (distroless), `info/*.list`",
            leaves_out: "removed packages that left only their configuration",
        }],
        reader: Reader::Whole { wants: dpkg::wants, limit: DATABASE_LIMIT, read: dpkg::read },
    },
    Analyser {
        name: "Chisel manifest",
        ecosystems: &[Ecosystem {
            name: "Ubuntu, chiseled",
            reads: "`/var/lib/chisel/manifest.wall`; without it or dpkg's database nothing names packages",
            leaves_out: "source packages are known for what such images contain, and are assumed to \
                         have the same name elsewhere",
        }],
        reader: Reader::Whole { wants: chisel::wants, limit: DATABASE_LIMIT, read: chisel::read },
    },
    Analyser {
        name: "apk database",
        ecosystems: &[Ecosystem {
            name: "Alpine, Wolfi",
            reads: "`/lib/apk/db/installed`, also below `/usr`",
            leaves_out: "",
        }],
        reader: Reader::Whole { wants: apk::wants, limit: DATABASE_LIMIT, read: apk::read },
    },
    Analyser {
        name: "rpm database",
        ecosystems: &[Ecosystem {
            name: "Red Hat, Fedora, SUSE, …",
            reads: "`rpmdb.sqlite` with its write-ahead log, `Packages.db` (ndb), `Packages` (Berkeley DB); \
                    `container-manifest-2` (Mariner and Azure Linux, distroless)",
            leaves_out: "`gpg-pubkey`: keys, not software",
        }],
        reader: Reader::Seek { wants: rpm::wants, read: rpm::read },
    },
    Analyser {
        name: "Python metadata",
        ecosystems: &[Ecosystem {
            name: "Python",
            reads: "`*.dist-info/METADATA`, `*.egg-info` (file or directory), `EGG-INFO`, also in \
                    an `.egg` archive",
            leaves_out: "requirements that are not installed",
        }],
        reader: Reader::Whole { wants: python::wants, limit: LIST_LIMIT, read: python::read },
    },
    Analyser {
        name: "Python egg",
        ecosystems: &[],
        reader: Reader::Seek { wants: python::wants_archive, read: python::read_archive },
    },
    Analyser {
        name: "Node package",
        ecosystems: &[Ecosystem {
            name: "Node",
            reads: "`package.json` of each directory in `node_modules`; without a `node_modules` \
                    next to them, the lock files of npm, Yarn, pnpm, Bun and Deno",
            leaves_out: "development dependencies of a lock file; `bun.lockb`",
        }],
        reader: Reader::Whole { wants: node::wants, limit: LIST_LIMIT, read: node::read },
    },
    Analyser {
        name: "gem specification",
        ecosystems: &[Ecosystem {
            name: "Ruby",
            reads: "`specifications/*.gemspec`; Bundler's gems from git",
            leaves_out: "",
        }],
        reader: Reader::Whole { wants: gem::wants, limit: LIST_LIMIT, read: gem::read },
    },
    Analyser {
        name: "Java archive",
        ecosystems: &[Ecosystem {
            name: "Java",
            reads: "`jar`, `war`, `ear` and similar archives, nested up to four levels: \
                    `pom.properties`, else `pom.xml`, else manifest and file name",
            leaves_out: "archives without a version that no index of archives names, of sources and of documentation",
        }],
        reader: Reader::Seek { wants: java::wants, read: java::read },
    },
    Analyser {
        name: "Composer list",
        ecosystems: &[Ecosystem {
            name: "PHP",
            reads: "`composer/installed.json`; without it, `composer.lock`",
            leaves_out: "`packages-dev` of a lock file; extensions of PECL",
        }],
        reader: Reader::Whole { wants: composer::wants, limit: LIST_LIMIT, read: composer::read },
    },
    Analyser {
        name: ".NET dependencies",
        ecosystems: &[Ecosystem {
            name: ".NET",
            reads: "`*.deps.json`, including the runtime of self-contained applications",
            leaves_out: "projects, which are the application itself; packages without files, which \
                         are only needed to build",
        }],
        reader: Reader::Whole { wants: dotnet::wants, limit: LIST_LIMIT, read: dotnet::read },
    },
    Analyser {
        name: "package record",
        ecosystems: &[
            Ecosystem {
                name: "Arch, OpenWrt, Gentoo, Nix",
                reads: "`/var/lib/pacman/local`, `opkg/status`, `/var/db/pkg`, `/nix/store`",
                leaves_out: "",
            },
            Ecosystem { name: "Conda", reads: "`conda-meta/*.json`", leaves_out: "" },
            Ecosystem {
                name: "R, Lua",
                reads: "`library/*/DESCRIPTION`, `rocks-*/*.rockspec`",
                leaves_out: "",
            },
            Ecosystem {
                name: "WordPress",
                reads: "the header of each plugin in `wp-content/plugins`",
                leaves_out: "themes",
            },
            Ecosystem {
                name: "Void, Slackware, Guix, Solus, Homebrew, FreeBSD",
                reads: "nothing",
                leaves_out: "all packages, which is reported",
            },
        ],
        reader: Reader::Whole { wants: other::wants, limit: LIST_LIMIT, read: other::read },
    },
    Analyser {
        name: "lock file",
        ecosystems: &[Ecosystem {
            name: "Erlang, Elixir, Swift, Dart, Julia, C and C++",
            reads: "`lib/*/ebin/*.app` of releases, `mix.lock`, `rebar.lock`, `Package.resolved`, `pubspec.lock`, \
                    `Manifest.toml` of Julia, `conan.lock`",
            leaves_out: "development dependencies of `pubspec.lock`",
        }],
        reader: Reader::Whole { wants: locks::wants, limit: LIST_LIMIT, read: locks::read },
    },
    Analyser {
        name: "SBOM",
        ecosystems: &[Ecosystem {
            name: "Bitnami, libraries in wheels",
            reads: "`/opt/bitnami/*/.spdx-*.spdx`, `*.dist-info/sboms` (PEP 770)",
            leaves_out: "other SBOMs, which may be about another image",
        }],
        reader: Reader::Whole { wants: embedded::wants, limit: LIST_LIMIT, read: embedded::read },
    },
    Analyser {
        name: "executable",
        ecosystems: &[
            Ecosystem {
                name: "Rust",
                reads: "programs built with `cargo auditable`",
                leaves_out: "build dependencies",
            },
            Ecosystem {
                name: "Go",
                reads: "the build information in programs of all Go versions; the standard library \
                        as `stdlib`",
                leaves_out: "replacements by a directory: the module keeps its original name",
            },
        ],
        reader: Reader::Executable { read: elf::read },
    },
];

/// The ecosystems whose packages are found, in the order of the documentation.
pub fn ecosystems() -> impl Iterator<Item = &'static Ecosystem> {
    ANALYSERS.iter().flat_map(|analyser| analyser.ecosystems)
}

/// What one file names.
#[derive(Debug, Default)]
pub struct FilePackages {
    /// The packages, in the file's order; those of a distribution without its name.
    pub packages: Vec<Package>,
    /// What could not be read, and why; the rest is whole.
    pub problems: Vec<String>,
}

/// Reads one file as the walk over an image reads it at this absolute path. A file that starts like
/// a program counts as one. For callers without an image, such as a fuzzer.
#[must_use]
pub fn packages_of_file(path: &str, bytes: Vec<u8>) -> FilePackages {
    let mut all = FilePackages::default();
    let content = Content::memory(bytes);
    let bytes = content.in_memory().unwrap_or_default();
    for analyser in ANALYSERS {
        let parsed = match &analyser.reader {
            Reader::Whole { wants, limit, read } => {
                (wants(path) && bytes.len() as u64 <= *limit).then(|| read(path, bytes))
            }
            Reader::Seek { wants, read } => wants(path).then(|| read(path, &mut content.clone())),
            Reader::Executable { read } => {
                bytes.starts_with(b"\x7fELF").then(|| read(path, &mut content.clone()))
            }
        };
        match parsed {
            Some(Ok(parsed)) => {
                let named = parsed.packages.into_iter().filter(|it| !dedup::is_unnamed(it));
                all.packages.extend(named);
                all.problems.extend(parsed.problems);
            }
            Some(Err(error)) => all.problems.push(format!("{}: {error}", analyser.name)),
            None => {}
        }
    }
    all
}
