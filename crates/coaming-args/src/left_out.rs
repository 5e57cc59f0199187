//! What a build leaves out: asking for it gets an error that says so, not that there is no such thing.
//!
//! Invariant: the names here are those of the command line (a test looks each up in it).

use clap::Command;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// A Cargo feature, and what no build has without it.
#[derive(Clone, Copy)]
struct Feature {
    name: &'static str,
    is_built: bool,
    commands: &'static [&'static str],
    /// Options that no other feature adds to the same commands.
    options: &'static [&'static str],
}

const FEATURES: [Feature; 9] = [
    Feature {
        name: "cluster",
        is_built: cfg!(feature = "cluster"),
        commands: &[],
        options: &["cluster", "context"],
    },
    Feature {
        name: "export",
        is_built: cfg!(feature = "export"),
        commands: &["export"],
        options: &[],
    },
    Feature {
        name: "git",
        is_built: cfg!(feature = "git"),
        commands: &[],
        options: &["git", "since", "staged"],
    },
    Feature { name: "lsp", is_built: cfg!(feature = "lsp"), commands: &["lsp"], options: &[] },
    Feature {
        name: "queue",
        is_built: cfg!(feature = "queue"),
        commands: &[],
        options: &["queue", "queue-name"],
    },
    Feature {
        name: "registry",
        is_built: cfg!(feature = "registry"),
        commands: &["java-index", "pin", "pull", "push"],
        options: &["plain-http", "registry", "registry-results", "repositories"],
    },
    Feature {
        name: "serve",
        is_built: cfg!(feature = "serve"),
        commands: &["serve"],
        options: &[],
    },
    Feature {
        name: "vault",
        is_built: cfg!(all(feature = "vault", unix)),
        commands: &["agent", "edit", "exec", "get", "init", "kms", "migrate", "rotate", "set"],
        options: &[],
    },
    Feature {
        name: "verify",
        is_built: cfg!(feature = "verify"),
        commands: &[],
        options: &["verify", "verify-at"],
    },
];

/// The command line, whose help ends with what this build leaves out.
pub(crate) fn in_help(command: Command) -> Command {
    let left_out = FEATURES.iter().filter(|feature| !feature.is_built);
    let names: Vec<&str> = left_out.map(|feature| feature.name).collect();
    if names.is_empty() {
        return command;
    }
    command.after_help(format!(
        "This build leaves out: {}. Build without '--no-default-features' to have all.",
        names.join(", ")
    ))
}

/// The error, with a hint where it is about a command or an option that this build leaves out.
pub(crate) fn with_hint(error: clap::Error) -> clap::Error {
    hint(error, &FEATURES)
}

fn hint(mut error: clap::Error, features: &[Feature]) -> clap::Error {
    let kind = match error.kind() {
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        _ => return error,
    };
    let Some(ContextValue::String(asked)) = error.get(kind) else { return error };
    let Some(feature) = feature_of(asked, features) else { return error };
    let hint = if cfg!(unix) || feature.name != "vault" {
        format!(
            "'{asked}' is left out of this build: build without '--no-default-features', or with \
             '--features {}'",
            feature.name
        )
    } else {
        format!("'{asked}' exists on Linux and macOS only")
    };
    // What clap would suggest instead is a name that only looks alike.
    error.remove(ContextKind::SuggestedSubcommand);
    error.remove(ContextKind::SuggestedArg);
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(hint)]));
    error
}

/// The feature that would add a command or `--option` and is not built.
fn feature_of<'a>(asked: &str, features: &'a [Feature]) -> Option<&'a Feature> {
    let (name, is_option) = match asked.strip_prefix("--") {
        Some(option) => (option.split('=').next().unwrap_or(option), true),
        None => (asked, false),
    };
    features.iter().filter(|feature| !feature.is_built).find(|feature| {
        let names = if is_option { feature.options } else { feature.commands };
        names.contains(&name)
    })
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;
    use crate::Arguments;

    /// Names of all commands and options, of all levels.
    fn names(command: &Command, commands: &mut Vec<String>, options: &mut Vec<String>) {
        options.extend(command.get_arguments().filter_map(|a| a.get_long()).map(String::from));
        for subcommand in command.get_subcommands() {
            commands.push(subcommand.get_name().to_owned());
            names(subcommand, commands, options);
        }
    }

    #[test]
    fn names_are_those_of_the_command_line() {
        let (mut commands, mut options) = (Vec::new(), Vec::new());
        let mut command = Arguments::command();
        command.build();
        names(&command, &mut commands, &mut options);
        let mut wrong: Vec<&str> = Vec::new();
        for feature in FEATURES {
            let names = [(feature.commands, &commands), (feature.options, &options)];
            for (names, all) in names {
                let is_there = |name: &str| all.iter().any(|n| n == name);
                wrong.extend(names.iter().filter(|name| is_there(name) != feature.is_built));
            }
        }
        assert_eq!(wrong, [""; 0]);
    }

    #[test]
    fn what_is_left_out_is_said() {
        let without = FEATURES.map(|feature| Feature { is_built: false, ..feature });
        let error = |arguments: &[&str]| {
            let command = Command::new("coaming")
                .subcommand(Command::new("scan"))
                .subcommand(Command::new("secrets"));
            let error = command.try_get_matches_from(arguments).expect_err("it is unknown");
            hint(error, &without).to_string()
        };
        let message = error(&["coaming", "serve"]);
        assert!(message.contains("'serve' is left out of this build"), "{message}");
        assert!(message.contains("--features serve"), "{message}");
        assert!(!message.contains("'secrets'"), "{message}");
        let message = error(&["coaming", "scan", "--cluster"]);
        assert!(message.contains("--features cluster"), "{message}");
        let message = error(&["coaming", "scam"]);
        assert!(message.contains("similar subcommand exists: 'scan'"), "{message}");
    }

    #[test]
    fn what_is_built_is_not_said_to_be_left_out() {
        let error =
            Arguments::try_parse_from(["coaming", "scan", "--no-such"]).expect_err("unknown");
        assert!(!with_hint(error).to_string().contains("left out"));
    }
}
