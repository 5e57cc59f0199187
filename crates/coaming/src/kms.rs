//! `coaming kms`: the API server's plugin for encryption at rest.

use std::sync::mpsc::channel;

use coaming_args::KmsArguments;
use coaming_console as output;
use coaming_http::Runtime;
use coaming_kms::Config;
use coaming_vault::{Event, read_document};

use crate::vault_agent::{harden, invalid, watch_signals};
use crate::{CommandError, Outcome, failed};

/// Runs the command.
pub(crate) fn run(arguments: &KmsArguments) -> Result<Outcome, CommandError> {
    let name = arguments.config.display().to_string();
    let config = Config::parse(read_document(&arguments.config).map_err(failed)?)
        .map_err(|error| invalid(&name, &error))?;
    harden();
    let (sender, events) = channel();
    watch_signals(sender)?;
    let (end, ended) = coaming_kms::ending();
    let watcher = std::thread::Builder::new().name("end".to_owned()).spawn(move || {
        while events.recv().is_ok_and(|event| event == Event::Reload) {}
        end.end();
    });
    watcher.map_err(|error| failed(format!("cannot start a thread: {error}")))?;
    let runtime = Runtime::shared().map_err(failed)?;
    runtime.block_on(coaming_kms::serve(config, ended, output::note)).map_err(failed)?;
    Ok(Outcome::Clean)
}
