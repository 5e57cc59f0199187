//! `coaming agent`: delivers secrets as files.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use coaming_args::AgentArguments;
use coaming_console as output;
use coaming_vault::{Agent, Config, Event, Started, Status, Volume, parse_document, read_document};

use crate::{CommandError, Outcome, failed};

/// The variable that holds the configuration in a pod.
const VARIABLE: &str = "COAMING_AGENT_CONFIG";

/// Runs the command.
pub(crate) fn run(arguments: &AgentArguments) -> Result<Outcome, CommandError> {
    let config = config(arguments.config.as_deref())?;
    if arguments.ready {
        return Ok(ready(&config));
    }
    if let Some(launcher) = &config.launcher {
        launcher.install().map_err(|error| {
            let path = launcher.program.display();
            failed(format!("cannot install the launcher {path}: {error}"))
        })?;
    }
    harden();
    let status = Arc::new(Status::default());
    let messages = Box::new(output::note);
    let mut agent = Agent::new(&config, Arc::clone(&status), messages).map_err(failed)?;
    let (sender, events) = channel();
    watch_signals(sender.clone())?;
    if let Some(address) = config.listen {
        let listener = TcpListener::bind(address)
            .map_err(|error| failed(format!("cannot listen at {address}: {error}")))?;
        spawn("status", move || coaming_vault::serve_status(&listener, &status, &sender))?;
    }
    let deadline = Duration::from_secs(config.deadline_seconds);
    match agent.start(&events, deadline) {
        Ok(Started::Ready) => {}
        Ok(Started::Terminated) => {
            agent.end(&events, Duration::ZERO);
            return Ok(Outcome::Clean);
        }
        Err(late) => {
            agent.end(&events, Duration::ZERO);
            return Err(failed(late.to_string()));
        }
    }
    if arguments.once {
        agent.leave();
        return Ok(Outcome::Clean);
    }
    keep(agent, &events, Duration::from_secs(config.grace_seconds));
    Ok(Outcome::Clean)
}

fn keep(mut agent: Agent, events: &Receiver<Event>, grace: Duration) {
    agent.run(events);
    if !grace.is_zero() {
        output::note(&format!("asked to end: the files stay for {} s", grace.as_secs()));
    }
    agent.end(events, grace);
}

fn config(path: Option<&Path>) -> Result<Config, CommandError> {
    let (name, value) = match path {
        Some(path) => (path.display().to_string(), read_document(path)),
        None => {
            let text = std::env::var(VARIABLE)
                .map_err(|_| failed(format!("name a file by --config, or set {VARIABLE}")))?;
            (VARIABLE.to_owned(), parse_document(VARIABLE, text))
        }
    };
    Config::parse(value.map_err(failed)?).map_err(|error| invalid(&name, &error))
}

/// An error of a configuration.
pub(crate) fn invalid(name: &str, reason: &dyn std::fmt::Display) -> CommandError {
    failed(format!("{name}: {reason}"))
}

/// Whether the files of all grants are there.
fn ready(config: &Config) -> Outcome {
    let mut missing = config
        .grants
        .iter()
        .filter(|grant| !Volume::new(grant.directory.clone(), grant.uid, grant.gid).is_there());
    match missing.next() {
        None => Outcome::Clean,
        Some(grant) => {
            output::note(&format!("{}: the files are not there yet", grant.name));
            Outcome::Found
        }
    }
}

/// Protects the process's memory, and says where that is not possible.
pub(crate) fn harden() {
    let done = coaming_vault::harden();
    if !done.not_dumpable {
        output::warn("this process may leave core dumps with secrets");
    }
    if !done.locked {
        output::note(
            "memory is not locked (the limit is too small): with swap, secrets may go there",
        );
    }
}

pub(crate) fn watch_signals(events: Sender<Event>) -> Result<(), CommandError> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM])
        .map_err(|error| failed(format!("cannot watch signals: {error}")))?;
    spawn("signals", move || {
        for signal in signals.forever() {
            let event = if signal == SIGHUP { Event::Reload } else { Event::Terminate };
            if events.send(event).is_err() {
                return;
            }
        }
    })
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), CommandError> {
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    let failed = |error| failed(format!("cannot start a thread: {error}"));
    started.map(drop).map_err(failed)
}
