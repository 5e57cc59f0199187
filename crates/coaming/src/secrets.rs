//! `coaming secrets`: who can read which Secret.

use coaming_access::render;

use crate::args::{AnswerFormat, SecretsArguments, SecretsCommand, WhoCanArguments};
use crate::{CommandError, Outcome, output, scope};

/// Runs the command.
pub(crate) fn run(arguments: &SecretsArguments) -> Result<Outcome, CommandError> {
    match &arguments.command {
        SecretsCommand::WhoCan(arguments) => who_can(arguments),
    }
}

fn who_can(arguments: &WhoCanArguments) -> Result<Outcome, CommandError> {
    let (inventory, outcome) = scope::inventory(scope::load(&arguments.inputs));
    let answer = coaming_access::who_can(&inventory, &arguments.secret)
        .map_err(|error| CommandError::Argument(error.to_string()))?;
    let text = match arguments.format {
        AnswerFormat::Text => render::text(&answer),
        AnswerFormat::Json => render::json(&answer),
    };
    output::write(None, |out| out.write_all(text.as_bytes()))?;
    Ok(outcome)
}
