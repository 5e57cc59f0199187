//! `coaming image slim`: a smaller image, with only what the entry point needs.

use coaming_scan::{Found, ImageQuery};
use coaming_slim::{Options, Slimmed};

use crate::args::{SlimArguments, SlimFormat};
use crate::image::{find, matches};
use crate::progress::Progress;
use crate::{CommandError, Outcome, output, scope};

/// Runs the command.
pub(crate) fn run(arguments: &SlimArguments) -> Result<Outcome, CommandError> {
    output::refuse_device(&arguments.output)?;
    let progress = Progress::start("slimming the image …");
    let config = scope::config_here(arguments.known.config.as_deref())?;
    let Found::Image(image) = find(&arguments.image, &arguments.origin, None, &config)? else {
        return Err(CommandError::Argument(format!("cannot read {}", arguments.image)));
    };
    let options = Options {
        keep: arguments.keep.clone(),
        name: arguments.name.clone(),
        force: arguments.force,
        trace: arguments.trace_file.clone(),
    };
    let Slimmed { report, before, after } = coaming_slim::slim(&image, &arguments.output, &options)
        .map_err(|error| CommandError::Argument(error.to_string()))?;
    let query =
        || ImageQuery { fail_on: arguments.known.fail_on, ..ImageQuery::named(&arguments.image) };
    let look_up = |facts| matches(facts, query(), &arguments.known, &config);
    let (known_before, known) = (look_up(&before)?, look_up(&after)?);
    drop(progress);
    let counts = known_before.as_ref().zip(known.as_ref()).map(|(a, b)| (a.count(), b.count()));
    output::write(None, |out| match arguments.format {
        SlimFormat::Full => {
            let color = output::full_options(arguments.color, false).color;
            let names = (arguments.image.as_str(), arguments.output.display().to_string());
            coaming_report::slim::render(&report, (names.0, &names.1), counts, color, out)
        }
        SlimFormat::Json => coaming_report::slim::json(&report, counts, out),
    })?;
    Ok(if known.is_some_and(|known| known.fails) { Outcome::Found } else { Outcome::Clean })
}
