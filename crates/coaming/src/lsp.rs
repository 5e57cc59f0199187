//! `coaming lsp`: serves an editor.

use coaming_args::LspArguments;

use crate::{CommandError, Outcome, failed};

/// Runs the command.
pub(crate) fn run(arguments: &LspArguments) -> Result<Outcome, CommandError> {
    let options = coaming_lsp::Options {
        config: arguments.config.clone(),
        fingerprint_key: coaming_scan::fingerprint_key(),
        today: coaming_scan::today(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    coaming_lsp::run(options).map_err(failed)?;
    Ok(Outcome::Clean)
}
