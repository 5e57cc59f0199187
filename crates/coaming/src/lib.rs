//! The command line: arguments, wiring, exit codes.
//!
//! This crate has no logic of its own: it turns arguments into calls of the engines' crates, and
//! their results into output. Invariants:
//!
//! * Findings go to standard output (or `--output`), everything else to standard error.
//! * Exit codes are stable: 0 nothing found, 1 findings, 2 something could not be handled, 130
//!   interrupted by Ctrl-C.

pub mod args;
mod breach;
#[cfg(feature = "cluster")]
mod cluster;
mod db;
mod etcd;
pub mod explain;
#[cfg(feature = "export")]
mod export;
mod fix;
mod image;
mod interrupt;
#[cfg(all(feature = "vault", unix))]
mod kms;
#[cfg(all(feature = "vault", unix))]
mod local_secrets;
#[cfg(feature = "lsp")]
mod lsp;
#[cfg(all(feature = "vault", unix))]
mod migrate;
mod net;
mod output;
#[cfg(feature = "registry")]
mod pin;
mod progress;
mod registry_results;
mod render;
mod scan;
mod scope;
mod secrets;
#[cfg(feature = "serve")]
mod serve;
mod slim;
#[cfg(all(feature = "vault", unix))]
mod vault_agent;
#[cfg(feature = "verify")]
mod verify;
#[cfg(feature = "registry")]
mod walk;
#[cfg(feature = "registry")]
mod walk_job;
mod watch;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Arguments, Command};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// Nothing was found, and everything was handled.
    Clean,
    /// There are findings of the requested severity or higher.
    Found,
    /// The request or an input could not be handled.
    Failed,
    /// The user pressed Ctrl-C.
    Interrupted = interrupt::EXIT_CODE as isize,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome as u8)
    }
}

/// Why a command could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    /// Standard output or the output file could not be written.
    #[error("cannot write {target}: {source}")]
    Output {
        /// `standard output`, or the file.
        target: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// An argument is invalid; the text says which one, and what is expected.
    #[error("{0}")]
    Argument(String),
    /// The engine cannot be created, or one of its inputs cannot be read.
    #[error("{0}")]
    Scan(#[from] Box<coaming_scan::ScanError>),
    /// The server cannot start.
    #[cfg(feature = "serve")]
    #[error("{0}")]
    Serve(#[from] Box<coaming_serve::ServeError>),
    /// The input contains several clusters, but the question is about one.
    #[error("{}", several_clusters(.0))]
    Variants(Box<coaming_scan::Contradiction>),
}

impl From<coaming_scan::ScanError> for CommandError {
    fn from(error: coaming_scan::ScanError) -> Self {
        Self::Scan(Box::new(error))
    }
}

fn several_clusters(contradiction: &coaming_scan::Contradiction) -> String {
    let name = |name: &String| match name.as_str() {
        "" => "the plain files".to_owned(),
        name => format!("`{name}`"),
    };
    let [one, other] = &contradiction.variants;
    format!(
        "{} and {} both contain {}: they are different clusters; select one of them",
        name(one),
        name(other),
        contradiction.object
    )
}

/// Runs the program with the process's own arguments.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Command::Scan(arguments) => scan::run(&arguments),
        Command::Fix(arguments) => fix::run(&arguments),
        #[cfg(feature = "registry")]
        Command::Pin(arguments) => pin::run(&arguments),
        Command::Render(arguments) => render::run(&arguments),
        Command::Image(arguments) => image::run(&arguments),
        Command::Net(arguments) => net::run(&arguments),
        Command::Secrets(arguments) => secrets::run(&arguments),
        Command::Breach(arguments) => breach::run(&arguments),
        #[cfg(all(feature = "vault", unix))]
        Command::Agent(arguments) => vault_agent::run(&arguments),
        #[cfg(all(feature = "vault", unix))]
        Command::Kms(arguments) => kms::run(&arguments),
        Command::Db(arguments) => db::run(&arguments),
        #[cfg(feature = "lsp")]
        Command::Lsp(arguments) => lsp::run(&arguments),
        #[cfg(feature = "serve")]
        Command::Serve(arguments) => serve::run(arguments),
        #[cfg(feature = "export")]
        Command::Export(arguments) => export::run(&arguments),
        Command::Explain(arguments) => explain::explain(&arguments),
        Command::Rules(arguments) => explain::list(&arguments),
        Command::Completions(arguments) => output::completions(&arguments),
        Command::Man => output::manual(),
    };
    match outcome {
        Ok(outcome) => outcome.into(),
        // The reader of the output has closed the pipe: `coaming scan . | head`.
        Err(CommandError::Output { source, .. })
            if source.kind() == std::io::ErrorKind::BrokenPipe =>
        {
            Outcome::Clean.into()
        }
        Err(error) => {
            output::complain(&error.to_string());
            Outcome::Failed.into()
        }
    }
}
