//! The launcher: for programs that read secrets only from their environment.
//!
//! It reads files, and replaces itself by the program, which gets their contents as variables. That is
//! weaker than files: everyone who reads `/proc/PID/environ`, and every process that the program starts,
//! has the values; and a new value arrives only when the program is started again. Invariants:
//!
//! * It is a program of its own, static and small: each pod that needs it has a copy in memory.
//! * Either the program has all variables, or it is not started.
//! * No value is in a message.

#![cfg(unix)]

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

/// The longest `NAME=VALUE`, with the zero byte at its end, that Linux gives to a program.
const MAX_VARIABLE: usize = 128 << 10;
const USAGE: &str = "\
usage: coaming-launch --variable NAME=FILE [--variable NAME=FILE …] -- PROGRAM [ARGUMENT …]";

/// A program to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    variables: Vec<Variable>,
    program: OsString,
    arguments: Vec<OsString>,
}

/// A variable that has the content of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Variable {
    name: String,
    file: PathBuf,
}

/// Why a program was not started.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The arguments are not those of this program.
    #[error("{0}\n{USAGE}")]
    Arguments(String),
    /// A file cannot be read.
    #[error("cannot read {}, which the variable {name} is to have: {source}", .file.display())]
    Read {
        /// The variable.
        name: String,
        /// The file.
        file: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The content cannot be the value of a variable.
    #[error("{} cannot be the value of the variable {name}: {reason}", .file.display())]
    Content {
        /// The variable.
        name: String,
        /// The file.
        file: PathBuf,
        /// Why.
        reason: &'static str,
    },
    /// The program cannot be started.
    #[error("cannot run `{program}`: {source}")]
    Run {
        /// The program.
        program: String,
        /// The system's error.
        source: io::Error,
    },
}

impl Launch {
    /// Reads the arguments.
    ///
    /// # Errors
    ///
    /// [`LaunchError::Arguments`].
    pub fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Self, LaunchError> {
        let invalid = |text: &str| LaunchError::Arguments(text.to_owned());
        let mut arguments = arguments;
        let mut variables: Vec<Variable> = Vec::new();
        loop {
            let word = arguments.next().ok_or_else(|| invalid("name a program after `--`"))?;
            if word == "--" {
                break;
            }
            if word != "--variable" {
                let word = word.to_string_lossy();
                return Err(invalid(&format!("`{word}` is not an option; a program follows `--`")));
            }
            let pair = arguments.next().and_then(|pair| variable(&pair));
            let pair = pair.ok_or_else(|| {
                invalid("NAME=FILE follows `--variable`; a name has letters, digits and `_`")
            })?;
            if variables.iter().any(|other| other.name == pair.name) {
                return Err(invalid(&format!("the variable {} occurs twice", pair.name)));
            }
            variables.push(pair);
        }
        let program = arguments.next().ok_or_else(|| invalid("name a program after `--`"))?;
        Ok(Self { variables, program, arguments: arguments.collect() })
    }

    /// Replaces this process by the program. Returns only if that is not possible.
    #[must_use]
    pub fn replace_process(&self) -> LaunchError {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        for variable in &self.variables {
            match variable.value() {
                Ok(value) => command.env(&variable.name, value),
                Err(error) => return error,
            };
        }
        let source = command.exec();
        LaunchError::Run { program: self.program.to_string_lossy().into_owned(), source }
    }
}

fn variable(pair: &OsStr) -> Option<Variable> {
    let bytes = pair.as_bytes();
    let equals = bytes.iter().position(|byte| *byte == b'=')?;
    let (name, file) = (std::str::from_utf8(bytes.get(..equals)?).ok()?, bytes.get(equals + 1..)?);
    let is_valid = is_variable_name(name) && !file.is_empty();
    is_valid.then(|| Variable { name: name.to_owned(), file: OsStr::from_bytes(file).into() })
}

/// Whether shells and programs know a variable of this name.
#[must_use]
pub fn is_variable_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl Variable {
    fn value(&self) -> Result<OsString, LaunchError> {
        let refused = |reason| {
            let (name, file) = (self.name.clone(), self.file.clone());
            Err(LaunchError::Content { name, file, reason })
        };
        let longest = MAX_VARIABLE.saturating_sub(self.name.len() + 2);
        let mut bytes = Vec::new();
        let opened = File::open(&self.file);
        let read = opened.and_then(|file| file.take(longest as u64 + 1).read_to_end(&mut bytes));
        if let Err(source) = read {
            let (name, file) = (self.name.clone(), self.file.clone());
            return Err(LaunchError::Read { name, file, source });
        }
        if bytes.len() > longest {
            return refused("it has more than the 128 KiB that Linux allows");
        }
        if bytes.contains(&0) {
            return refused("it has a zero byte");
        }
        Ok(OsString::from_vec(bytes))
    }
}
