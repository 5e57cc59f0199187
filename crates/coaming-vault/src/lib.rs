//! Delivers secrets from a store to one container alone, as files in memory.
//!
//! A [`Store`] keeps secrets (Vault and OpenBao, AWS, Google, Azure, a namespace of the cluster, or a
//! local file that is encrypted with `age`), an [`Agent`] writes them where one container reads them,
//! and [`inject`] puts the agent into a pod as a `SecretGrant` says. Invariants:
//!
//! * The value of a secret is a [`Value`]: zeroed when it is dropped, and in no `Debug` text, error,
//!   message or metric.
//! * What blocks is bounded in time and bytes. There is no runtime in here: [`coaming_http::Runtime`]
//!   drives the requests.
//! * Files change together or not at all, and the last good ones stay until their lease ends.
//! * [`inject`] is pure. A pod that it returns gives each file to one container, read-only; a pod that
//!   would not is refused, with the reason.

#![cfg(unix)]

mod agent;
mod cloud;
mod config;
mod document;
mod files;
mod grant;
mod inject;
mod json;
mod launcher;
mod local;
mod migrate;
mod pause;
mod private;
mod store;
mod template;
mod value;
pub mod vault;
mod volume;
mod wire;

pub use agent::{Agent, Event, Hardening, Late, Messages, Started, Status, harden, serve_status};
pub use cloud::open as open_cloud_store;
pub use config::{
    Auth, AwsAuth, AwsConfig, AzureConfig, ClusterConfig, Config, ConfigError, FileConfig,
    GoogleConfig, GrantConfig, LauncherConfig, StoreConfig, VaultConfig,
};
pub use grant::{
    AwsMethod, AwsServer, AzureServer, ClusterSecretStore, ClusterSecretStoreSpec, GoogleServer,
    GrantFile, GrantImage, GrantStatus, KubernetesServer, Provider, SecretGrant, SecretGrantSpec,
    SecretStore, SecretStoreSpec, Server, StoreKind, StoreMethod, StoreReference, VaultServer,
    definitions,
};
pub use inject::{
    ANNOTATION, EntryPoint, EntryPoints, LAUNCHER, PROGRAM, Refusal, ServerFacts, Stores,
    check_grant, inject, launcher_warning,
};

pub use document::{DocumentError, parse_document, read_document};
pub use files::{FilesError, StoredFiles, default_directory, write_private};
pub use local::{LocalStore, public_key};
pub use migrate::{MigrateError, Migration, MoveError, Target, migrate};
pub use private::{PrivateError, enter_private_directory};
pub use store::{Lease, Parameters, Secret, Store, StoreError};
pub use value::{Fields, Value};
pub use volume::{File, Volume};
