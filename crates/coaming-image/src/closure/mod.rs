//! What the entry point uses: the program that the container starts, and from there every file that
//! a file says it needs.
//!
//! Nothing is executed. A file is in the closure for a [`Reason`], which says how sure that is: what
//! the dynamic linker will load is certain; what belongs to an application or a runtime may be too
//! much. What only shows at run time (libraries opened by computed names, programs that are run) can
//! be in no closure, so that each program which could do so is told as a [`Limit`].
//!
//! Invariants: the closure holds only files of the tree, with every link on the way to them; every
//! file is looked at once, so that no circle of needs or links lasts; the same tree gives the same
//! closure.

mod data;
mod linker;
mod owners;
mod places;
mod runtimes;
mod start;
mod usage;
mod walk;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use owners::{OwnedPackage, Owners};
pub(crate) use usage::entry_point;
pub use usage::{EntryPoint, PackagePlace};

use crate::{ImageConfig, Tree};

/// Why a file is in the closure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The entry point or the command is this program, or starts it.
    Started,
    /// A kept program or library is linked with it, or the linker that loads it.
    Linked,
    /// A script that is started is run by it.
    Interpreter,
    /// A shell script that is started runs it.
    Command,
    /// A library that a program or a configuration names, and opens at run time.
    Opened,
    /// The C library opens it to look up users and hosts.
    NameService,
    /// The C library opens it for the locale, or to convert between character sets.
    Locale,
    /// A part of a language's runtime, such as Python's own library.
    Runtime,
    /// The application's own: no package's, and in no directory of the system.
    Application,
    /// Data and settings of the package that a started program is of.
    Data,
    /// A file that a program or a configuration names.
    Named,
    /// What nearly all programs take for granted: users, certificates, time zones.
    System,
    /// The image's configuration names it: the working directory, a volume.
    Configured,
    /// The user asked for it.
    Asked,
    /// The licence or the record of a package that is left.
    Record,
    /// A link on the way to another file.
    Link,
    /// A directory that another file lies in.
    Directory,
}

/// Why a file is in the closure, and because of what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Because {
    /// Why.
    pub reason: Reason,
    /// The file, package, variable or argument that it is there for; may be empty.
    pub of: String,
}

/// What the closure can't know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Limit {
    /// The entry point names a program that is not in the image.
    NoProgram {
        /// The program, as it is named.
        program: String,
    },
    /// A program or library needs a library that is nowhere in the image.
    NoLibrary {
        /// The library, by its name.
        library: String,
        /// Who needs it.
        file: String,
    },
    /// It opens libraries by names that it makes at run time; those that it names plainly are in
    /// the closure.
    OpensLibraries {
        /// The program or library.
        file: String,
    },
    /// It can run other programs.
    RunsPrograms {
        /// The program or library.
        file: String,
        /// The functions by which it does: `execve`, `system`.
        functions: Vec<String>,
        /// Programs of the image that it names and that are not in the closure.
        named: Vec<String>,
    },
    /// A shell script runs what it says, and maybe more, by names that it makes at run time.
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
    /// What can't be known, sorted.
    pub limits: Vec<Limit>,
}

/// A file that the user wants, whether or not the entry point needs it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// Its path, which may lead through links.
    pub path: String,
    /// What of the user's words it is there for.
    pub of: String,
    /// Whether a program is run: then its script's interpreter is wanted too.
    pub run: bool,
}

/// Finds what the entry point of an image uses, and what is asked for with all that it needs.
#[must_use]
pub fn closure(tree: &Tree, config: &ImageConfig, asked: &[Asked]) -> Closure {
    let mut walk = walk::Walk::new(tree, config);
    walk.start();
    for asked in asked {
        walk.ask(asked);
    }
    walk.run();
    walk.data();
    walk.finish()
}

#[cfg(test)]
mod tests;
