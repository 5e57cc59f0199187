//! `coaming secrets init|set|get|edit|rotate|exec`: a local store of secrets.

use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use coaming_vault::{LocalStore, Store as _, StoreError, Value, enter_private_directory};

use crate::args::{ExecArguments, GetArguments, LocalArguments, LocalCommand, SetArguments};
use crate::{CommandError, Outcome, output};

/// The largest value that is read from standard input.
const MAX_VALUE: u64 = 1 << 20;
/// The size of the file system in memory for `exec` and `edit`, in bytes.
const MEMORY: u64 = 64 << 20;

/// Runs the command.
pub(crate) fn run(command: &LocalCommand) -> Result<Outcome, CommandError> {
    match command {
        LocalCommand::Init(local) => init(local),
        LocalCommand::Set(arguments) => set(arguments),
        LocalCommand::Get(arguments) => get(arguments),
        LocalCommand::Edit(local) => edit(local),
        LocalCommand::Rotate(local) => rotate(local),
        LocalCommand::Exec(arguments) => exec(arguments),
        LocalCommand::Migrate(arguments) => crate::migrate::run(arguments),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn failed(error: StoreError) -> CommandError {
    CommandError::Argument(error.to_string())
}

fn argument(reason: impl std::fmt::Display) -> CommandError {
    CommandError::Argument(reason.to_string())
}

fn open(local: &LocalArguments) -> Result<LocalStore, CommandError> {
    LocalStore::open(local.store.clone(), &local.key).map_err(failed)
}

fn init(local: &LocalArguments) -> Result<Outcome, CommandError> {
    LocalStore::create(local.store.clone(), &local.key).map_err(failed)?;
    let public = coaming_vault::public_key(&local.key).map_err(failed)?;
    let (store, key) = (local.store.display(), local.key.display());
    output::note(&format!("{store}: made, encrypted to {public}"));
    output::note(&format!("{key}: the private key; keep it out of version control"));
    Ok(Outcome::Clean)
}

fn set(arguments: &SetArguments) -> Result<Outcome, CommandError> {
    let mut store = open(&arguments.local)?;
    let value = read_value()?;
    let mut fields = match store.read(&arguments.path) {
        Ok(secret) => secret.fields,
        Err(StoreError::NotFound(_)) => coaming_vault::Fields::new(),
        Err(error) => return Err(failed(error)),
    };
    fields.insert(arguments.field.clone(), value);
    store.write(&arguments.path, &fields).map_err(failed)?;
    Ok(Outcome::Clean)
}

fn read_value() -> Result<Value, CommandError> {
    let mut bytes = Vec::with_capacity(64 << 10);
    io::stdin().lock().take(MAX_VALUE + 1).read_to_end(&mut bytes).map_err(argument)?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    let value = Value::new(bytes);
    if value.is_empty() {
        return Err(argument("standard input has no value"));
    }
    if value.len() as u64 > MAX_VALUE {
        return Err(argument(format!("the value has more than {MAX_VALUE} bytes")));
    }
    Ok(value)
}

fn get(arguments: &GetArguments) -> Result<Outcome, CommandError> {
    let mut store = open(&arguments.local)?;
    let Some((path, field)) = arguments.path.as_ref().zip(arguments.field.as_ref()) else {
        let paths = store.paths().map_err(failed)?;
        let mut names = Vec::new();
        for path in paths {
            let secret = store.read(&path).map_err(failed)?;
            names.extend(secret.fields.keys().map(|field| format!("{path} {field}\n")));
        }
        output::write(None, |out| {
            names.iter().try_for_each(|name| out.write_all(name.as_bytes()))
        })?;
        return Ok(Outcome::Clean);
    };
    let secret = store.read(path).map_err(failed)?;
    let value = secret.fields.get(field);
    let value = value.ok_or_else(|| argument(format!("`{path}` has no field `{field}`")))?;
    output::write(None, |out| out.write_all(value.expose()))?;
    Ok(Outcome::Clean)
}

fn edit(local: &LocalArguments) -> Result<Outcome, CommandError> {
    let store = open(local)?;
    let editor = std::env::var_os("VISUAL").or_else(|| std::env::var_os("EDITOR"));
    let editor = editor.ok_or_else(|| argument("set EDITOR to your editor"))?;
    let before = store.export().map_err(failed)?;
    // The working directory stays: the store's name may be relative.
    let directory = enter(None)?;
    let file = directory.join("secrets.json");
    write_private(&file, &before)?;
    let status = Command::new("/bin/sh")
        .args(["-c", "exec $0 \"$1\""])
        .arg(&editor)
        .arg(&file)
        .status()
        .map_err(|error| argument(format!("cannot start the editor: {error}")))?;
    if !status.success() {
        return Err(argument("the editor failed: nothing was changed"));
    }
    let after = Value::new(std::fs::read(&file).map_err(argument)?);
    if after != before {
        store.import(&before, &after).map_err(failed)?;
    }
    Ok(Outcome::Clean)
}

fn rotate(local: &LocalArguments) -> Result<Outcome, CommandError> {
    open(local)?.rotate().map_err(failed)?;
    let public = coaming_vault::public_key(&local.key).map_err(failed)?;
    output::note(&format!(
        "{}: encrypted to {public}; copies from before are still readable with the former key: if it \
         leaked, replace the secrets too",
        local.store.display()
    ));
    Ok(Outcome::Clean)
}

fn exec(arguments: &ExecArguments) -> Result<Outcome, CommandError> {
    let mut store = open(&arguments.local)?;
    let mut secrets = Vec::new();
    for path in store.paths().map_err(failed)? {
        let fields = store.read(&path).map_err(failed)?.fields;
        secrets.push((path, fields));
    }
    let directory = enter(arguments.directory.as_deref())?;
    for (path, fields) in &secrets {
        let parent = directory.join(path);
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&parent).map_err(argument)?;
        for (field, value) in fields {
            if field.contains('/') || field.starts_with('.') {
                return Err(argument(format!(
                    "the field `{field}` of `{path}` is not a file name"
                )));
            }
            write_private(&parent.join(field), value)?;
        }
    }
    drop(secrets);
    let Some((program, rest)) = arguments.command.split_first() else {
        return Err(argument("name a program"));
    };
    let error = Command::new(program).args(rest).env("COAMING_SECRETS", &directory).exec();
    Err(argument(format!("cannot run `{}`: {error}", program.to_string_lossy())))
}

/// Moves to a directory in memory that only this process and its children see.
fn enter(directory: Option<&Path>) -> Result<PathBuf, CommandError> {
    let directory = directory.map_or_else(default_directory, Path::to_path_buf);
    enter_private_directory(&directory, MEMORY).map_err(argument)
}

fn default_directory() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR").filter(|directory| !directory.is_empty()) {
        Some(directory) => PathBuf::from(directory).join("coaming-secrets"),
        None => {
            let user = rustix::process::getuid().as_raw();
            std::env::temp_dir().join(format!("coaming-secrets-{user}"))
        }
    }
}

fn write_private(path: &Path, value: &Value) -> Result<(), CommandError> {
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(value.expose()));
    written.map_err(|error| argument(format!("{}: {error}", path.display())))
}
