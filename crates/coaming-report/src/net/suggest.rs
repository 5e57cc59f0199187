//! `coaming net suggest`.

use std::io::{self, Write};

use coaming_network::suggest::Suggestion;

/// Writes the suggested policies as YAML.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn suggestion_yaml(suggestion: &Suggestion, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(suggestion.yaml.as_bytes())
}
