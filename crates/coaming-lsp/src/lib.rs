//! The language server: diagnostics while typing, fixes, explanations.
//!
//! One [`Engine`](coaming_scan::Engine) judges the text of the editor, with the rest of the
//! workspace as its world. The server is synchronous: one loop handles the client's messages in
//! their order, and the workspace is read on a thread of its own. Invariants:
//!
//! * After a change, the changed document is judged first and alone: the cost does not grow with the
//!   workspace. Documents whose world changed with it follow when no message waits.
//! * Nothing is written: every change is an edit that the client applies.
//! * Texts of the editor count, not those on disk, for every open document.
//! * No message to the client quotes a secret, and nothing is logged.

mod actions;
mod capabilities;
mod diagnostics;
mod document;
mod exposure;
mod hover;
mod lens;
mod origin;
mod position;
mod requests;
mod server;
mod uri;
mod workspace;

use std::path::PathBuf;

use lsp_server::Connection;
use time::Date;

pub use server::LspError;

/// What the server needs to know from its caller.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The configuration file; by default the nearest `coaming.yaml` at or above the workspace.
    pub config: Option<PathBuf>,
    /// The key for fingerprints of secrets.
    pub fingerprint_key: Option<Vec<u8>>,
    /// Today's date, for expiry dates.
    pub today: Option<Date>,
    /// The program's version, for the client.
    pub version: String,
}

/// Serves a client over standard input and output until it says `exit` or closes them.
///
/// # Errors
///
/// As [`LspError`] says.
pub fn run(options: Options) -> Result<(), LspError> {
    let (connection, threads) = Connection::stdio();
    server::serve(&connection, options)?;
    // The threads end once the channels are closed.
    drop(connection);
    threads.join()?;
    Ok(())
}
