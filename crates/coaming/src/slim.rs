//! `coaming image slim`: a smaller image, with only what the entry point needs.

use std::time::Duration;

use coaming_args::{SlimArguments, SlimFormat};
use coaming_console as output;
use coaming_console::{Interrupt, Progress};
use coaming_scan::{Found, ImageQuery, JavaNames};
use coaming_slim::{Options, RunOptions, SlimError, Slimmed, Trace, TraceError, Variable};

use crate::image::{find, matches};
use crate::{CommandError, Outcome, failed, scope};

/// Runs the command.
pub(crate) fn run(arguments: &SlimArguments) -> Result<Outcome, CommandError> {
    output::refuse_device(&arguments.output)?;
    let progress = Progress::start("slimming the image …");
    let config = scope::image_config(&arguments.known)?;
    let names = JavaNames::new(&config)?;
    let Found::Image(image) = find(&arguments.image, &arguments.origin, None, &config)? else {
        return Err(failed(format!("cannot read {}", arguments.image)));
    };
    let options = Options {
        keep: arguments.keep.clone(),
        name: arguments.name.clone(),
        force: arguments.force,
        trace: trace(arguments)?,
    };
    let slimmed = match coaming_slim::slim(&image, &arguments.output, &options) {
        Err(SlimError::Trace(error @ TraceError::Interrupted)) => {
            drop(progress);
            output::complain(&error.to_string());
            return Ok(Outcome::Interrupted);
        }
        slimmed => slimmed.map_err(failed)?,
    };
    let Slimmed { report, mut before, mut after } = slimmed;
    names.complete(&mut before).map_err(failed)?;
    names.complete(&mut after).map_err(failed)?;
    let query =
        || ImageQuery { fail_on: arguments.known.fail_on, ..ImageQuery::named(&arguments.image) };
    let look_up = |facts| matches(facts, query(), &arguments.known, &config);
    let (known_before, known) = (look_up(&before)?, look_up(&after)?);
    drop(progress);
    let counts = known_before.as_ref().zip(known.as_ref()).map(|(a, b)| (a.count(), b.count()));
    output::write(None, |out| match arguments.format {
        SlimFormat::Full => {
            let color = output::full_options(arguments.color.wanted(), false).color;
            let names = (arguments.image.as_str(), arguments.output.display().to_string());
            coaming_report::slim::render(&report, (names.0, &names.1), counts, color, out)
        }
        SlimFormat::Json => coaming_report::slim::json(&report, counts, out),
    })?;
    Ok(if known.is_some_and(|known| known.fails) { Outcome::Found } else { Outcome::Clean })
}

/// Where the trace comes from, if one is asked for.
fn trace(arguments: &SlimArguments) -> Result<Option<Trace>, CommandError> {
    if let Some(file) = &arguments.trace_file {
        return Ok(Some(Trace::File(file.clone())));
    }
    if !arguments.trace {
        return Ok(None);
    }
    let run = &arguments.run;
    Ok(Some(Trace::Run(RunOptions {
        runtime: run.trace_runtime.clone(),
        limit: Duration::from_secs(run.trace_time),
        command: run.trace_command.clone(),
        environment: run.trace_env.iter().map(|it| variable(it)).collect::<Result<_, _>>()?,
        network: run.trace_network,
        stop: Interrupt::watch_to_clean_up().flag(),
    })))
}

/// `NAME=VALUE`, or `NAME` of this program's own environment.
fn variable(written: &str) -> Result<Variable, CommandError> {
    let (name, value) = match written.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (written, std::env::var(written).ok()),
    };
    match value {
        Some(value) if !name.is_empty() => Ok(Variable { name: name.to_owned(), value }),
        _ => Err(failed(format!("--trace-env {name}: the variable is not set"))),
    }
}
