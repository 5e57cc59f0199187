//! `coaming secrets migrate`: moves the Secrets of manifests to a store.

use coaming_args::{MigrateArguments, MigrationTarget};
use coaming_console as output;
use coaming_fix::Change;
use coaming_kube::World;
use coaming_vault::vault::VaultStore;
use coaming_vault::{
    Migration, Store as _, StoreConfig, StoreKind, StoreReference, Target, migrate, read_document,
};

use crate::vault_agent::invalid;
use crate::{CommandError, Outcome, failed, scope};

/// Runs the command.
pub(crate) fn run(arguments: &MigrateArguments) -> Result<Outcome, CommandError> {
    let loaded = scope::files(&arguments.paths, false);
    let errors = loaded.errors.clone();
    let world = loaded.into_world();
    let kind = if arguments.cluster_store {
        StoreKind::ClusterSecretStore
    } else {
        StoreKind::SecretStore
    };
    let target = Target {
        mount: arguments.mount.clone(),
        store: StoreReference { kind, name: arguments.secret_store.clone() },
        role: arguments.role.clone(),
    };
    let migration = migrate(&world, &target).map_err(failed)?;
    // Made in both cases: a configuration that cannot be used is reported before anything is done.
    let store = store(arguments)?;
    if arguments.apply {
        apply(store, &world, &migration)?;
    }
    report(&world, &migration, arguments.apply)?;
    output::complain_of(&errors);
    let is_left = !migration.steps.is_empty() || !migration.left.is_empty();
    Ok(match (errors.is_empty(), is_left) {
        (false, _) => Outcome::Failed,
        (true, true) => Outcome::Found,
        (true, false) => Outcome::Clean,
    })
}

fn store(arguments: &MigrateArguments) -> Result<VaultStore, CommandError> {
    let name = arguments.config.display().to_string();
    let value = read_document(&arguments.config).map_err(failed)?;
    let config: StoreConfig =
        serde_json::from_value(value).map_err(|error| invalid(&name, &error))?;
    match (arguments.to, config) {
        (MigrationTarget::Vault, StoreConfig::Vault(config)) => {
            VaultStore::new(config).map_err(|error| invalid(&name, &error))
        }
        (MigrationTarget::Vault, _) => Err(invalid(&name, &"`vault` is missing")),
    }
}

/// Writes the values, reads all of them back, and only then changes the files.
fn apply(mut store: VaultStore, world: &World, migration: &Migration) -> Result<(), CommandError> {
    migration.move_values(&mut store).map_err(failed)?;
    if let Err(error) = store.close() {
        output::warn(&format!("the session could not be revoked: {error}"));
    }
    for change in changes(world, migration) {
        coaming_fix::write(&change).map_err(|error| failed(format!("{}: {error}", change.file)))?;
    }
    Ok(())
}

fn changes(world: &World, migration: &Migration) -> Vec<Change> {
    let change = |(id, after): (&coaming_kube::SourceId, &std::sync::Arc<str>)| {
        let source = world.source(*id)?;
        let (file, before) = (source.name.clone(), source.text.clone());
        Some(Change { file, before, after: after.clone(), made: Vec::new(), variants: Vec::new() })
    };
    migration.files.iter().filter_map(change).collect()
}

/// What was done or would be: names, never values.
fn report(world: &World, migration: &Migration, applied: bool) -> Result<(), CommandError> {
    let mut text = String::new();
    let verb = if applied { "moved to" } else { "would be moved to" };
    for (path, fields) in &migration.secrets {
        let names: Vec<&str> = fields.keys().map(String::as_str).collect();
        text += &format!("{verb} {path}: {}\n", names.join(", "));
    }
    if !applied {
        for change in changes(world, migration) {
            text += &format!("\n{}", coaming_fix::diff(&change));
        }
    }
    let mut list = |title: &str, lines: &[String]| {
        if !lines.is_empty() {
            text += &format!("\n{title}:\n");
            lines.iter().for_each(|line| text += &format!("  {line}\n"));
        }
    };
    list("to change by hand", &migration.steps);
    list("not moved", &migration.left);
    if !migration.secrets.is_empty() {
        text += "\nThe former values are still in the history of your repository (`coaming secrets --git`), in the\n\
                 cluster and in etcd (`coaming secrets etcd`): delete the Secrets there, and replace the values.\n";
    }
    if !applied {
        text += "\nNothing was changed: add --apply.\n";
    }
    output::write(None, |out| {
        text.lines().try_for_each(|line| writeln!(out, "{}", coaming_text::Printable(line)))
    })?;
    Ok(())
}
