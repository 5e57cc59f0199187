//! Images contain as few utilities as possible.

pub(crate) mod compiler_in_image;
pub(crate) mod image_utilities;
pub(crate) mod package_lists;
pub(crate) mod unneeded_tools;

use coaming_dockerfile::{Command, Instruction, Kind};

use crate::DockerfileScope;
use crate::text::packages::{Action, ActionKind, Manager, package_actions};

/// The packages that stay in the image, with the instruction that installs them.
fn installed<'a>(scope: DockerfileScope<'a>) -> Vec<(&'a Instruction, Vec<String>)> {
    let mut installed: Vec<(&Instruction, Vec<String>)> = Vec::new();
    for (instruction, script) in scope.scripts_of_image() {
        for action in package_actions(script.text) {
            match action.kind {
                ActionKind::Install { .. } => installed.push((instruction, action.packages)),
                ActionKind::Remove => remove(&mut installed, &action),
                ActionKind::Update | ActionKind::Clean => {}
            }
        }
    }
    installed.retain(|(_, packages)| !packages.is_empty());
    installed
}

/// Takes out removed packages; a virtual package takes along everything that it installed.
fn remove(installed: &mut [(&Instruction, Vec<String>)], action: &Action) {
    for (_, packages) in installed {
        let gone = |package: &String| action.packages.contains(package);
        let is_virtual = action.manager == Manager::Apk
            && packages.first().is_some_and(|first| first.starts_with(['.', '_']) && gone(first));
        if is_virtual {
            packages.clear();
        } else {
            packages.retain(|package| !gone(package));
        }
    }
}

/// Whether one of these words is in a command that starts the image or checks its health.
fn is_started_with(scope: DockerfileScope<'_>, programs: &[&str]) -> bool {
    let names = |text: &str| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        text.split(|c| !is_part(c)).any(|word| programs.contains(&word))
    };
    scope.dockerfile.of_image().any(|instruction| match &instruction.kind {
        Kind::Entrypoint(command) | Kind::Cmd(command) | Kind::Healthcheck(command) => {
            match command {
                Command::Exec { words, .. } => words.iter().any(|word| names(&word.text)),
                Command::Shell { script, .. } => names(script),
            }
        }
        _ => false,
    })
}
