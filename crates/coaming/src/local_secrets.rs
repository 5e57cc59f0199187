//! `coaming secrets init|set|get|edit|rotate|exec`: a local store of secrets.

use std::io::{self, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use coaming_args::{ExecArguments, GetArguments, LocalArguments, LocalCommand, SetArguments};
use coaming_console as output;
use coaming_vault::{
    LocalStore, Store as _, StoreError, StoredFiles, Value, default_directory,
    enter_private_directory, write_private,
};

use crate::{CommandError, Outcome, failed};

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
    io::stdin().lock().take(MAX_VALUE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    let value = Value::new(bytes);
    if value.is_empty() {
        return Err(failed("standard input has no value"));
    }
    if value.len() as u64 > MAX_VALUE {
        return Err(failed(format!("the value has more than {MAX_VALUE} bytes")));
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
    let value = value.ok_or_else(|| failed(format!("`{path}` has no field `{field}`")))?;
    output::write(None, |out| out.write_all(value.expose()))?;
    Ok(Outcome::Clean)
}

fn edit(local: &LocalArguments) -> Result<Outcome, CommandError> {
    let store = open(local)?;
    let editor = std::env::var_os("VISUAL").or_else(|| std::env::var_os("EDITOR"));
    let editor = editor.ok_or_else(|| failed("set EDITOR to your editor"))?;
    let before = store.export().map_err(failed)?;
    // The working directory stays: the store's name may be relative.
    let directory = enter(None)?;
    let file = directory.join("secrets.json");
    write_private(&file, &before).map_err(failed)?;
    let status = Command::new("/bin/sh")
        .args(["-c", "exec $0 \"$1\""])
        .arg(&editor)
        .arg(&file)
        .status()
        .map_err(|error| failed(format!("cannot start the editor: {error}")))?;
    if !status.success() {
        return Err(failed("the editor failed: nothing was changed"));
    }
    let after = Value::new(std::fs::read(&file).map_err(failed)?);
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
    let secrets = StoredFiles::read(&mut store).map_err(failed)?;
    let directory = enter(arguments.directory.as_deref())?;
    secrets.write(&directory).map_err(failed)?;
    drop(secrets);
    let Some((program, rest)) = arguments.command.split_first() else {
        return Err(failed("name a program"));
    };
    let error = Command::new(program).args(rest).env("COAMING_SECRETS", &directory).exec();
    Err(failed(format!("cannot run `{}`: {error}", program.to_string_lossy())))
}

/// Moves to a directory in memory that only this process and its children see.
fn enter(directory: Option<&Path>) -> Result<PathBuf, CommandError> {
    let directory = directory.map_or_else(default_directory, Path::to_path_buf);
    enter_private_directory(&directory, MEMORY).map_err(failed)
}
