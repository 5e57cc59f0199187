//! The launcher in a pod: the container's command starts with it, and it starts the program.
//!
//! Invariants: the launcher's volume is read-only outside of the agent, and only in containers that
//! have grants with `launcher: true`: a container that could write there would run a program of its
//! own beside the secrets of another one.

use std::collections::BTreeSet;
use std::fmt::Debug;

use coaming_launch::is_variable_name;
use serde_json::{Map, Value, json};

use super::delivery::Delivery;
use super::{Refusal, items, text};
use crate::grant::SecretGrant;
use crate::launcher::FILE;

/// The launcher's volume.
pub(super) const VOLUME: &str = "coaming-launcher";
/// Where containers mount it.
const DIRECTORY: &str = "/run/coaming-launcher";
/// The most that the volume may have, in MiB: room for two copies of the program.
pub(super) const MEBIBYTES: u64 = 4;

/// What an image starts, where a container names no command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryPoint {
    /// Its `ENTRYPOINT`.
    pub command: Vec<String>,
    /// Its `CMD`.
    pub arguments: Vec<String>,
}

/// What is known of the entry points of images.
pub trait EntryPoints: Debug + Send + Sync {
    /// The entry point of an image, as a container names it. It never waits.
    ///
    /// # Errors
    ///
    /// Why it is not known (yet).
    fn entry_point(&self, image: &str) -> Result<EntryPoint, String>;
}

/// What is wrong with a grant's variables.
pub(super) fn problem(grant: &SecretGrant) -> Option<String> {
    let mut names = BTreeSet::new();
    for file in &grant.spec.files {
        let Some(variable) = &file.variable else { continue };
        if !grant.spec.launcher {
            return Some(format!(
                "file `{}` has a `variable`, which only programs get that a launcher starts: set \
                 `launcher: true`",
                file.name
            ));
        }
        if !is_variable_name(variable) {
            return Some(format!("`{variable}` is not the name of an environment variable"));
        }
        if !names.insert(variable) {
            return Some(format!("variable `{variable}` occurs twice"));
        }
    }
    let is_idle = grant.spec.launcher && names.is_empty();
    is_idle.then(|| "`launcher: true` needs a file with a `variable`".to_owned())
}

/// What a grant's owner must know.
#[must_use]
pub fn launcher_warning(grant: &SecretGrant) -> Option<String> {
    let variables: Vec<&str> =
        grant.spec.files.iter().filter_map(|file| file.variable.as_deref()).collect();
    grant.spec.launcher.then(|| {
        format!(
            "weaker than files: {} of container `{}` can be read in /proc/PID/environ and by every \
             process that the program starts; a new value arrives when the container is started again",
            variables.join(", "),
            grant.spec.container
        )
    })
}

/// Whether a pod needs the launcher.
pub(super) fn is_needed(deliveries: &[Delivery<'_>]) -> bool {
    deliveries.iter().any(|delivery| delivery.grant.spec.launcher)
}

/// The mount in a container; `None` where there is none.
pub(super) fn mount(container: &str, deliveries: &[Delivery<'_>]) -> Option<Value> {
    let own = |delivery: &Delivery<'_>| delivery.grant.spec.container == container;
    let is_launched = deliveries.iter().any(|it| own(it) && it.grant.spec.launcher);
    is_launched.then(|| json!({"name": VOLUME, "mountPath": DIRECTORY, "readOnly": true}))
}

/// Makes a container start its program by the launcher.
pub(super) fn put(
    container: &mut Map<String, Value>,
    deliveries: &[Delivery<'_>],
    entry_points: &dyn EntryPoints,
) -> Result<(), Refusal> {
    let name = container.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(mount) = mount(&name, deliveries) else { return Ok(()) };
    let mut command = variables(container, &name, deliveries)?;
    command.push("--".to_owned());
    let (program, arguments) = program(container, &name, entry_points)?;
    command.extend(program);
    container.insert("command".to_owned(), command.into());
    if !arguments.is_empty() {
        container.insert("args".to_owned(), arguments.into());
    }
    if let Some(mounts) = super::pod::list(container, "volumeMounts")
        && !mounts.iter().any(|there| text(there, "name") == VOLUME)
    {
        mounts.push(mount);
    }
    Ok(())
}

/// The launcher and its variables, each of which the container gets once.
fn variables(
    container: &Map<String, Value>,
    name: &str,
    deliveries: &[Delivery<'_>],
) -> Result<Vec<String>, Refusal> {
    let environment = container.get("env").and_then(Value::as_array).into_iter().flatten();
    let mut taken: BTreeSet<&str> = environment.map(|variable| text(variable, "name")).collect();
    let mut words = vec![format!("{DIRECTORY}/{FILE}")];
    for delivery in deliveries.iter().filter(|it| it.grant.spec.container == name) {
        for file in &delivery.grant.spec.files {
            let Some(variable) = &file.variable else { continue };
            if !taken.insert(variable) {
                let (container, variable) = (name.to_owned(), variable.clone());
                return Err(Refusal::Variable { container, variable });
            }
            let directory = &delivery.grant.spec.directory;
            words.push("--variable".to_owned());
            words.push(escaped(&format!("{variable}={directory}/{}", file.name)));
        }
    }
    Ok(words)
}

/// What the container runs, and the arguments that its image brings along.
fn program(
    container: &Map<String, Value>,
    name: &str,
    entry_points: &dyn EntryPoints,
) -> Result<(Vec<String>, Vec<String>), Refusal> {
    let own = own_command(words(container, "command")?);
    let arguments = words(container, "args")?;
    if !own.is_empty() {
        return Ok((own, Vec::new()));
    }
    let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
    let unknown = |reason: String| Refusal::EntryPoint {
        container: name.to_owned(),
        image: image.to_owned(),
        reason,
    };
    let entry = entry_points.entry_point(image).map_err(unknown)?;
    let all = |words: &[String]| words.iter().map(|word| escaped(word)).collect::<Vec<String>>();
    let brought = if arguments.is_empty() { all(&entry.arguments) } else { Vec::new() };
    if entry.command.is_empty() && brought.is_empty() && arguments.is_empty() {
        return Err(unknown("it names no program".to_owned()));
    }
    Ok((all(&entry.command), brought))
}

/// The command without the launcher that is in front of it already.
fn own_command(command: Vec<String>) -> Vec<String> {
    if command.first().is_none_or(|first| *first != format!("{DIRECTORY}/{FILE}")) {
        return command;
    }
    command.into_iter().skip_while(|word| word != "--").skip(1).collect()
}

fn words(container: &Map<String, Value>, key: &str) -> Result<Vec<String>, Refusal> {
    let container = container.get(key).cloned().unwrap_or_default();
    let container = json!({"words": container});
    let word = |word: &Value| word.as_str().map(str::to_owned).ok_or(Refusal::Form);
    items(&container, "words").map(word).collect()
}

/// A word that the kubelet leaves as it is: it replaces `$(NAME)`, and `$$` by `$`.
fn escaped(word: &str) -> String {
    word.replace('$', "$$")
}
