//! The command line: arguments, wiring, exit codes.
//!
//! This crate has no logic of its own: it turns arguments into calls of the engines' crates, and
//! their results into output. Invariants:
//!
//! * Findings go to standard output (or `--output`), everything else to standard error.
//! * Exit codes are stable: 0 nothing found, 1 findings, 2 something could not be handled, 130
//!   interrupted by Ctrl-C.

mod breach;
mod db;
mod etcd;
mod explain;
#[cfg(feature = "export")]
mod export;
mod fix;
mod image;
#[cfg(all(feature = "vault", unix))]
mod kms;
#[cfg(all(feature = "vault", unix))]
mod local_secrets;
#[cfg(feature = "lsp")]
mod lsp;
#[cfg(all(feature = "vault", unix))]
mod migrate;
mod net;
#[cfg(feature = "registry")]
mod pin;
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
#[cfg(feature = "registry")]
mod walk;

use std::process::ExitCode;

use clap::CommandFactory as _;

use coaming_args::{Arguments, Command, CompletionsArguments};
use coaming_console::{self as output, OutputError};

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
    Interrupted = output::EXIT_CODE as isize,
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
    #[error(transparent)]
    Output(#[from] OutputError),
    /// An engine, an input or an argument cannot be used; the error says which one, and why.
    #[error("{0}")]
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

impl From<coaming_scan::ScanError> for CommandError {
    fn from(error: coaming_scan::ScanError) -> Self {
        failed(error)
    }
}

/// The error of a command that cannot do what it was asked to.
fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> CommandError {
    CommandError::Failed(error.into())
}

/// Runs the program with the process's own arguments.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::of_process();
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
        Command::Completions(arguments) => completions(&arguments),
        Command::Man => manual(),
    };
    match outcome {
        Ok(outcome) => outcome.into(),
        // The reader of the output has closed the pipe: `coaming scan . | head`.
        Err(CommandError::Output(error)) if error.is_broken_pipe() => Outcome::Clean.into(),
        Err(error) => {
            output::complain(&error.to_string());
            Outcome::Failed.into()
        }
    }
}

/// Prints a completion script.
fn completions(arguments: &CompletionsArguments) -> Result<Outcome, CommandError> {
    output::write(None, |out| {
        let mut command = Arguments::command();
        clap_complete::generate(arguments.shell, &mut command, "coaming", &mut &mut *out);
        Ok(())
    })?;
    Ok(Outcome::Clean)
}

/// Prints the manual page.
fn manual() -> Result<Outcome, CommandError> {
    output::write(None, |out| clap_mangen::Man::new(Arguments::command()).render(&mut &mut *out))?;
    Ok(Outcome::Clean)
}
