//! `coaming lsp`: serves an editor.

use crate::args::LspArguments;
use crate::{CommandError, Outcome, scope};

/// Runs the command.
pub(crate) fn run(arguments: &LspArguments) -> Result<Outcome, CommandError> {
    let key = std::env::var_os("COAMING_FINGERPRINT_KEY").filter(|key| !key.is_empty());
    let options = coaming_lsp::Options {
        config: arguments.config.clone(),
        fingerprint_key: key.map(std::ffi::OsString::into_encoded_bytes),
        today: scope::today(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    coaming_lsp::run(options).map_err(|error| CommandError::Argument(error.to_string()))?;
    Ok(Outcome::Clean)
}
