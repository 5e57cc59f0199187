//! Secrets are not in plain text, and only where they are needed.

pub(crate) mod default_account_rights;
pub(crate) mod dockerfile_secret;
mod encryption;
pub(crate) mod encryption_identity_first;
pub(crate) mod encryption_weak_provider;
pub(crate) mod encryption_without_secrets;
mod found;
pub(crate) mod guessable_password;
mod held_roles;
pub(crate) mod image_credential;
pub(crate) mod long_lived_token;
pub(crate) mod no_password;
pub(crate) mod plain_secret_annotation;
pub(crate) mod plain_secret_command;
pub(crate) mod plain_secret_config_map;
pub(crate) mod plain_secret_environment;
pub(crate) mod plain_secret_field;
pub(crate) mod plain_secret_file;
pub(crate) mod plain_secret_manifest;
pub(crate) mod projected_token;
pub(crate) mod readable_credential;
pub(crate) mod role_gives_rights;
mod role_powers;
pub(crate) mod role_reads_secrets;
pub(crate) mod sealed_secret_scope;
pub(crate) mod secret_copied_from_store;
pub(crate) mod secret_default_mode;
pub(crate) mod secret_file_mode;
pub(crate) mod secret_in_environment;
pub(crate) mod secret_on_disk;
pub(crate) mod secret_sub_path;
pub(crate) mod shared_secret;
pub(crate) mod sops_misses_field;
pub(crate) mod store_for_all_namespaces;
pub(crate) mod unneeded_secret;
mod usage;
pub(crate) mod vault_for_all_containers;
pub(crate) mod vault_without_tls;
pub(crate) mod whole_secret;

use coaming_access::{Danger, ResolvedRole, danger_of};

use crate::Context;

pub(crate) use encryption::SNIPPET as ENCRYPTION_SNIPPET;
pub(crate) use found::LAST_APPLIED;
pub use plain_secret_file::generated_secrets;

/// The rules that find secret values.
pub const SECRET_RULES: &[&str] = &[
    "plain-secret-manifest",
    "plain-secret-environment",
    "plain-secret-command",
    "plain-secret-config-map",
    "plain-secret-annotation",
    "plain-secret-field",
    "plain-secret-file",
];

/// Whether the rules about rights report a role, for its holders have more than it seems.
pub(crate) fn reports_rights(context: &Context<'_>, role: &ResolvedRole) -> bool {
    let has = |danger: &Danger| danger_of(role, *danger).is_some();
    let reads = || role_reads_secrets::DANGERS.iter().any(has);
    let gives = || has(&Danger::Everything) || !role_powers::powers_of(role).is_empty();
    (context.enabled::<role_reads_secrets::RoleReadsSecrets>() && reads())
        || (context.enabled::<role_gives_rights::RoleGivesRights>() && gives())
}
