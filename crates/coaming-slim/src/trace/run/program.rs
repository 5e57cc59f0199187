//! What the image's configuration says is to run.

use std::path::Path;

use coaming_image::{Image, Tree};
use serde::Deserialize;

use crate::trace::{RunOptions, TraceError};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Document {
    architecture: String,
    config: Option<Settings>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Settings {
    user: Option<String>,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    working_dir: Option<String>,
    env: Option<Vec<String>>,
    stop_signal: Option<String>,
    volumes: Option<serde_json::Map<String, serde_json::Value>>,
}

/// The program of an image, with its secrets: it is never shown.
pub(super) struct Program {
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<String>,
    pub(super) working_directory: String,
    pub(super) volumes: Vec<String>,
    pub(super) user: String,
    pub(super) stop_signal: String,
}

/// The numbers of a user.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) user: u32,
    pub(super) group: u32,
    pub(super) groups: Vec<u32>,
    pub(super) home: Option<String>,
}

impl Program {
    pub(super) fn of(image: &Image) -> Result<Self, TraceError> {
        let document: Document = serde_json::from_slice(image.configuration()).unwrap_or_default();
        let host = coaming_oci::Platform::host().architecture;
        if !document.architecture.is_empty() && document.architecture != host {
            return Err(TraceError::Platform { image: document.architecture, host });
        }
        let settings = document.config.unwrap_or_default();
        let mut arguments = settings.entrypoint.unwrap_or_default();
        arguments.extend(settings.cmd.unwrap_or_default());
        if arguments.is_empty() {
            return Err(TraceError::NoProgram);
        }
        let is_signal = |it: &String| {
            !it.is_empty() && it.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'+')
        };
        Ok(Self {
            arguments,
            environment: settings.env.unwrap_or_default(),
            working_directory: absolute(&settings.working_dir.unwrap_or_default()),
            volumes: settings.volumes.unwrap_or_default().into_iter().map(|it| it.0).collect(),
            user: settings.user.unwrap_or_default(),
            stop_signal: settings.stop_signal.filter(is_signal).unwrap_or_else(|| "TERM".into()),
        })
    }

    /// The values that must not be shown: those of the image and of the user.
    pub(super) fn secrets<'a>(&'a self, options: &'a RunOptions) -> Vec<&'a str> {
        let values = self.environment.iter().filter_map(|it| Some(it.split_once('=')?.1));
        values.chain(options.environment.iter().map(|it| it.value.as_str())).collect()
    }

    /// Who the program runs as, by the image's own files.
    pub(super) fn account(&self, root: &Path, tree: &Tree) -> Result<Account, TraceError> {
        let file = |path| Ok(super::read(root, tree, path)?.unwrap_or_default());
        let passwd: String = file("/etc/passwd").map_err(TraceError::Unpack)?;
        let group: String = file("/etc/group").map_err(TraceError::Unpack)?;
        account(&self.user, &passwd, &group).ok_or_else(|| TraceError::User(self.user.clone()))
    }
}

fn absolute(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

/// The account of `USER`, which is a name or a number, with a group or without.
fn account(written: &str, passwd: &str, group: &str) -> Option<Account> {
    let (user, own_group) = match written.split_once(':') {
        Some((user, group)) => (user, Some(group).filter(|it| !it.is_empty())),
        None => (written, None),
    };
    let user = if user.is_empty() { "0" } else { user };
    let mut found = Account::default();
    let entry =
        passwd.lines().map(fields).find(|it| it.first() == Some(&user)).or_else(|| {
            passwd.lines().map(fields).find(|it| it.len() > 5 && it.get(2) == Some(&user))
        });
    match &entry {
        Some(entry) => {
            found.user = entry.get(2)?.parse().ok()?;
            found.group = entry.get(3)?.parse().ok()?;
            found.home = entry.get(5).filter(|it| !it.is_empty()).map(|it| (*it).to_owned());
        }
        None => found.user = user.parse().ok()?,
    }
    let groups = || group.lines().map(fields);
    if let Some(name) = own_group {
        let named = groups().find(|it| it.first() == Some(&name)).and_then(|it| it.get(2).copied());
        found.group = named.unwrap_or(name).parse().ok()?;
    } else if let Some(name) = entry.and_then(|it| it.first().copied()) {
        let is_member = |it: &Vec<&str>| {
            it.get(3).is_some_and(|members| members.split(',').any(|member| member == name))
        };
        found.groups =
            groups().filter(is_member).filter_map(|it| it.get(2)?.parse().ok()).collect();
    }
    Some(found)
}

fn fields(line: &str) -> Vec<&str> {
    line.split(':').collect()
}

#[cfg(test)]
mod tests {
    use super::{Account, account};

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:web:/srv:/bin/false\n";
    const GROUP: &str = "root:x:0:\nweb:x:34:\nlog:x:4:root,web\n";

    #[test]
    fn users_are_found_by_name_and_number() {
        let web = Account { user: 33, group: 34, groups: vec![4], home: Some("/srv".into()) };
        assert_eq!(account("web", PASSWD, GROUP), Some(web));
        let web = Account { user: 33, group: 4, groups: vec![], home: Some("/srv".into()) };
        assert_eq!(account("33:log", PASSWD, GROUP), Some(web));
        assert_eq!(account("", PASSWD, GROUP).map(|it| (it.user, it.groups)), Some((0, vec![4])));
        let unknown = Account { user: 1001, ..Account::default() };
        assert_eq!(account("1001", PASSWD, ""), Some(unknown));
        assert_eq!(account("nobody", PASSWD, GROUP), None);
        assert_eq!(account("web:nogroup", PASSWD, GROUP), None);
    }
}
