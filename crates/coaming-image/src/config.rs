//! The image's configuration, without the secrets that people put into it.
//!
//! Invariant: a value that looks like a credential leaves this module only as a kind and a
//! location.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::credential::{self, CredentialMatch};
use crate::{Credential, FileLocation, ImageConfig};

/// The most characters that are kept of an instruction.
const INSTRUCTION_LIMIT: usize = 4096;
/// The most variables, labels, ports, or instructions that are kept.
const LIST_LIMIT: usize = 4096;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Document {
    os: String,
    architecture: String,
    config: Option<Settings>,
    rootfs: Root,
    history: Option<Vec<Instruction>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Settings {
    user: Option<String>,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    working_dir: Option<String>,
    env: Option<Vec<String>>,
    exposed_ports: Option<BTreeMap<String, serde_json::Value>>,
    volumes: Option<BTreeMap<String, serde_json::Value>>,
    labels: Option<BTreeMap<String, Option<String>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Root {
    diff_ids: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Instruction {
    created_by: Option<String>,
    empty_layer: Option<bool>,
}

/// What a configuration says.
#[derive(Debug, Default)]
pub(crate) struct Configuration {
    pub(crate) config: ImageConfig,
    /// The digests of the decompressed layers.
    pub(crate) diff_ids: Vec<String>,
    /// The instructions that created a layer, in the order of the layers.
    pub(crate) instructions: Vec<String>,
    /// Credentials in variables, labels, arguments and the history.
    pub(crate) credentials: Vec<Credential>,
}

/// Reads a configuration.
///
/// # Errors
///
/// If it is not JSON, or has another form.
pub(crate) fn read(json: &[u8]) -> Result<Configuration, serde_json::Error> {
    let document: Document = serde_json::from_slice(json)?;
    let settings = document.config.unwrap_or_default();
    let mut read = Configuration { diff_ids: document.rootfs.diff_ids, ..Default::default() };
    read.diff_ids.truncate(LIST_LIMIT);
    read.config = ImageConfig {
        os: document.os,
        architecture: document.architecture,
        user: settings.user.unwrap_or_default(),
        entrypoint: read.arguments("ENTRYPOINT", settings.entrypoint),
        command: read.arguments("CMD", settings.cmd),
        working_directory: settings.working_dir.unwrap_or_default(),
        environment: read.environment(settings.env),
        exposed_ports: settings.exposed_ports.unwrap_or_default().into_keys().collect(),
        volumes: settings.volumes.unwrap_or_default().into_keys().collect(),
        labels: read.labels(settings.labels),
    };
    let history = document.history.unwrap_or_default();
    for (index, instruction) in history.into_iter().take(LIST_LIMIT).enumerate() {
        read.instruction(index, instruction);
    }
    // A variable is in the history, too: the same secret, which is reported once.
    let in_environment: Vec<String> =
        read.credentials.iter().map(|credential| credential.label.clone()).collect();
    read.credentials.retain(|credential| {
        !credential.label.strip_prefix("history ").is_some_and(|rest| {
            rest.split_once(' ')
                .is_some_and(|(_, variable)| in_environment.iter().any(|label| label == variable))
        })
    });
    Ok(read)
}

impl Configuration {
    fn report(
        &mut self,
        label: String,
        found: &CredentialMatch,
        readable: Option<bool>,
        deleted: bool,
    ) {
        let credential = Credential {
            place: FileLocation::default(),
            label,
            kind: found.kind.clone(),
            readable,
            deleted,
        };
        if !self.credentials.contains(&credential) {
            self.credentials.push(credential);
        }
    }

    fn arguments(&mut self, label: &str, arguments: Option<Vec<String>>) -> Vec<String> {
        let mut shown = Vec::new();
        let mut arguments = arguments.unwrap_or_default();
        arguments.truncate(LIST_LIMIT);
        for (text, matches) in credential::redact_words(&arguments) {
            // Every user in the container can read the arguments of its first process.
            for found in matches {
                self.report(label.to_owned(), &found, Some(true), false);
            }
            shown.push(text);
        }
        shown
    }

    fn environment(&mut self, variables: Option<Vec<String>>) -> Vec<(String, Option<String>)> {
        let mut shown = Vec::new();
        for variable in variables.unwrap_or_default().into_iter().take(LIST_LIMIT) {
            let (name, value) = variable.split_once('=').unwrap_or((&variable, ""));
            let (_, matches) = credential::redact(value, Some(name));
            for found in &matches {
                self.report(format!("ENV {name}"), found, Some(true), false);
            }
            shown.push((name.to_owned(), matches.is_empty().then(|| value.to_owned())));
        }
        shown
    }

    fn labels(
        &mut self,
        labels: Option<BTreeMap<String, Option<String>>>,
    ) -> Vec<(String, String)> {
        let mut shown = Vec::new();
        for (name, value) in labels.unwrap_or_default().into_iter().take(LIST_LIMIT) {
            let (text, matches) = credential::redact(&value.unwrap_or_default(), Some(&name));
            // Labels are not in the container, but everyone who may pull the image can read them.
            for found in matches {
                self.report(format!("LABEL {name}"), &found, Some(false), false);
            }
            shown.push((name, text));
        }
        shown
    }

    fn instruction(&mut self, index: usize, instruction: Instruction) {
        let written: String = instruction.created_by.unwrap_or_default();
        // Redacted before it is truncated: half a credential would not be recognized.
        let (text, matches) = credential::redact(&written, None);
        for found in matches {
            let variable = found.name.as_deref().filter(|_| written.contains("ENV "));
            let label = match variable {
                Some(name) => format!("history {index} ENV {name}"),
                None => format!("history {index}"),
            };
            self.report(label, &found, Some(false), true);
        }
        if instruction.empty_layer != Some(true) {
            self.instructions.push(text.chars().take(INSTRUCTION_LIMIT).collect());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_no_secrets() {
        let password = "hunter2-Vq8x!pLz";
        let json = serde_json::json!({
            "os": "linux", "architecture": "amd64",
            "config": {
                "User": "app", "Env": ["PATH=/bin", format!("DB_PASSWORD={password}")],
                "Cmd": ["--token", password], "Entrypoint": ["/app", format!("--password={password}")],
                "ExposedPorts": {"80/tcp": {}}, "Labels": {"version": "1", "none": null}
            },
            "rootfs": {"type": "layers", "diff_ids": ["sha256:00"]},
            "history": [
                {"created_by": format!("ENV DB_PASSWORD={password}"), "empty_layer": true},
                {"created_by": "COPY app /app # buildkit"},
                {"created_by": format!("RUN |1 DB_PASSWORD={password} /bin/sh -c make")},
                {"created_by": format!("RUN /bin/sh -c curl -u ci:{password} https://shop.example/a")},
            ]
        });
        let read = read(json.to_string().as_bytes()).unwrap();
        let shown = format!("{read:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert_eq!(read.config.environment[0], ("PATH".into(), Some("/bin".into())));
        assert_eq!(read.config.environment[1], ("DB_PASSWORD".into(), None));
        assert_eq!(read.instructions.len(), 3);
        let labels: Vec<_> = read.credentials.iter().map(|it| it.label.as_str()).collect();
        assert_eq!(labels, ["ENTRYPOINT", "CMD", "ENV DB_PASSWORD", "history 2", "history 3"]);
    }

    #[test]
    fn accepts_a_configuration_of_nulls() {
        let read = read(br#"{"config": null, "history": null}"#).unwrap();
        assert_eq!(read.config.user, "");
        assert!(super::read(b"[1").is_err());
    }
}
