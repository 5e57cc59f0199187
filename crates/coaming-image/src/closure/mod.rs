//! What the entry point uses: the program that the container starts, and from there every file that
//! a file needs.
//!
//! Nothing is executed. Each file is in the closure for a [`Reason`], which also shows how certain
//! that is: what the dynamic linker loads is certain; what belongs to an application or a runtime
//! may be too much. What is decided only at run time (libraries opened by computed names, programs
//! that are run) cannot be in a closure: each program that could do this is reported as a
//! [`Limit`].
//!
//! Invariants: the closure contains only files of the tree, with every link on the way to them;
//! every file is visited once, so circular needs and links end; the same tree gives the same
//! closure.

mod data;
mod directories;
mod linker;
mod owners;
mod runtimes;
mod start;
mod usage;
mod walk;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use owners::{OwnedPackage, Owners};
pub(crate) use usage::entry_point;
pub use usage::{EntryPoint, PackageId};

use crate::{ImageConfig, Tree};

/// Why a file is in the closure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It is the program of the entry point or the command, or is started by it.
    Started,
    /// A program or library in the closure is linked with it, or it is the linker that loads one.
    Linked,
    /// It runs a script that is started.
    Interpreter,
    /// A shell script that is started runs it.
    Command,
    /// A library that a program or a configuration names, to open it at run time.
    Opened,
    /// The C library opens it to look up users and hosts.
    NameService,
    /// The C library opens it for the locale, or to convert between character sets.
    Locale,
    /// A part of a language's runtime, such as Python's own library.
    Runtime,
    /// A part of the application: no package owns it, and it is in no directory of the system.
    Application,
    /// Data and settings of the package that owns a started program.
    Data,
    /// A file that a program or a configuration names.
    Named,
    /// What nearly all programs need: users, certificates, time zones.
    System,
    /// The image's configuration names it: the working directory, a volume.
    Configured,
    /// The caller requested it.
    #[serde(rename = "asked")]
    Requested,
    /// The license or the record of a package in the closure.
    Record,
    /// A link on the way to another file.
    Link,
    /// A directory that another file is in.
    Directory,
}

/// Why a file is in the closure, and for what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Because {
    /// Why.
    pub reason: Reason,
    /// The file, package, variable or argument that needs it; may be empty.
    pub of: String,
}

/// What the closure cannot know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Limit {
    /// The entry point names a program that is not in the image.
    NoProgram {
        /// The program, as it is named.
        program: String,
    },
    /// A program or library needs a library that is not in the image.
    NoLibrary {
        /// The library, by its name.
        library: String,
        /// The file that needs it.
        file: String,
    },
    /// It opens libraries by names that it builds at run time; those with literal names are in the
    /// closure.
    OpensLibraries {
        /// The program or library.
        file: String,
    },
    /// It can run other programs.
    RunsPrograms {
        /// The program or library.
        file: String,
        /// The functions that it does this with: `execve`, `system`.
        functions: Vec<String>,
        /// Programs of the image that it names and that are not in the closure.
        named: Vec<String>,
    },
    /// A shell script may run more than the commands that it names literally.
    Script {
        /// The script.
        file: String,
    },
    /// A command that a script runs is not in the image.
    NoCommand {
        /// The command.
        command: String,
        /// The script.
        file: String,
    },
}

/// What the entry point uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closure {
    /// The files, directories and links that are used, each with the first reason that was found.
    pub files: BTreeMap<String, Because>,
    /// The programs that are started, without links, in the order in which they were found.
    pub programs: Vec<String>,
    /// What cannot be known, sorted.
    pub limits: Vec<Limit>,
}

/// A file that the caller wants, whether or not the entry point needs it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestedFile {
    /// Its path, which may lead through links.
    pub path: String,
    /// The part of the request that it is for.
    pub of: String,
    /// Whether it is run, if it is a program: then the interpreter of a script is needed, too.
    pub run: bool,
}

/// Finds what the entry point of an image uses, and the requested files with all that they need.
#[must_use]
pub fn closure(tree: &Tree, config: &ImageConfig, requested: &[RequestedFile]) -> Closure {
    let mut walk = walk::Walk::new(tree, config);
    walk.start();
    for file in requested {
        walk.request(file);
    }
    walk.run();
    walk.data();
    walk.finish()
}

#[cfg(test)]
mod tests;
