//! The arguments of `coaming agent`, `coaming kms`, and of the local store of secrets.

use std::path::PathBuf;

use clap::{Args, Subcommand};

// `coaming agent`
#[derive(Debug, Args)]
#[command(after_help = "\
The configuration (YAML or JSON) names stores and the files that come from them; `docs/vault.md` describes
it. Without --config it is read from the environment variable COAMING_AGENT_CONFIG, where `coaming serve`
puts it in a pod. It contains no secret.

Exit codes: 0 the agent ended as it was asked to; 2 the configuration cannot be used, or the first files
did not come in time.

Examples:
  coaming agent --config agent.yaml
  coaming agent --config agent.yaml --once     (before a program starts, or in a Job)
  coaming agent --config agent.yaml --ready    (a startup probe: are the files there?)")]
pub struct AgentArguments {
    /// The configuration.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Write the files, and end.
    #[arg(long, conflicts_with = "ready")]
    pub once: bool,

    /// Only say by the exit code whether the files are there.
    #[arg(long)]
    pub ready: bool,
}

// `coaming kms`
#[derive(Debug, Args)]
#[command(after_help = "\
Both versions of the API server's interface, v1beta1 and v2, on one socket, for Kubernetes 1.26 and later. The
configuration (YAML or JSON):

  socket: /run/coaming-kms/kms.sock
  mount: transit                 (default)
  key: kubernetes
  vault:
    address: https://vault.example:8200
    auth: {appRole: {roleId: …, secretIdFile: /etc/coaming/secret-id}}

`docs/vault.md` has a static pod, a systemd unit and the API server's configuration. The plugin must start
without the API server: the login by `kubernetes` is refused.

Examples:
  coaming kms --config /etc/coaming/kms.yaml")]
pub struct KmsArguments {
    /// The configuration.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

// Where the local store is.
#[derive(Clone, Debug, Args)]
pub struct LocalArguments {
    /// The store: a file that is encrypted with `age`.
    #[arg(long, value_name = "FILE", default_value = "secrets.age")]
    pub store: PathBuf,

    /// The file of its private key. Keep it out of version control.
    #[arg(long, value_name = "FILE", env = "COAMING_SECRETS_KEY", default_value = "secrets.key")]
    pub key: PathBuf,
}

// The commands about a local store of secrets.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum LocalCommand {
    /// Make a local store of secrets: one file that is encrypted with `age`.
    Init(LocalArguments),
    /// Put a value into the local store; it is read from standard input.
    Set(SetArguments),
    /// Print a value of the local store, or the names of everything in it.
    Get(GetArguments),
    /// Change the local store in your editor.
    Edit(LocalArguments),
    /// Make a new key for the local store, and encrypt it with that.
    Rotate(LocalArguments),
    /// Move the Secrets of manifests to a store, and put grants in their place.
    Migrate(MigrateArguments),
    /// Run a program that reads secrets from files in memory, which no other program sees.
    Exec(ExecArguments),
}

// `coaming secrets set`
#[derive(Debug, Args)]
#[command(after_help = "\
One line end at the end of the value is left out.

Examples:
  coaming secrets set shop/db password < password.txt
  openssl rand -hex 20 | coaming secrets set shop/db password")]
pub struct SetArguments {
    /// The secret's path.
    #[arg(value_name = "PATH")]
    pub path: String,

    /// The field.
    #[arg(value_name = "FIELD")]
    pub field: String,

    /// The store.
    #[command(flatten)]
    pub local: LocalArguments,
}

// `coaming secrets get`
#[derive(Debug, Args)]
pub struct GetArguments {
    /// The secret's path (default: print the names of all secrets and their fields).
    #[arg(value_name = "PATH", requires = "field")]
    pub path: Option<String>,

    /// The field.
    #[arg(value_name = "FIELD")]
    pub field: Option<String>,

    /// The store.
    #[command(flatten)]
    pub local: LocalArguments,
}

// `coaming secrets exec`
#[derive(Debug, Args)]
#[command(after_help = "\
Every field is a file PATH/FIELD below the directory that the environment variable COAMING_SECRETS names.
It is in memory, and only in the mount namespace of this program: it needs root or user namespaces. The
program replaces `coaming`, and gets its signals and exit code.

Examples:
  coaming secrets exec -- sh -c 'DB_PASSWORD_FILE=$COAMING_SECRETS/shop/db/password ./server'")]
pub struct ExecArguments {
    /// The store.
    #[command(flatten)]
    pub local: LocalArguments,

    /// Mount the files over this directory (default: `coaming-secrets` in XDG_RUNTIME_DIR, or a
    /// directory of your own in the system's temporary directory).
    #[arg(long, value_name = "DIR")]
    pub directory: Option<PathBuf>,

    /// The program and its arguments.
    #[arg(value_name = "COMMAND", required = true, last = true)]
    pub command: Vec<std::ffi::OsString>,
}

// `coaming secrets migrate`
#[derive(Debug, Args)]
#[command(after_help = "\
Shows what would be done, unless --apply is given. Then the values are written to the store and read back,
and only after that the manifests change: each Secret becomes the SecretGrants of the containers that use
it, volumes of it become their files, and a variable NAME becomes NAME_FILE with a file's path. What the
program has to change is listed. A Secret that something else uses stays, with the reason. A secret that
the store has already, with other values, is never overwritten.

The configuration (YAML or JSON) is that of a store of `coaming agent`, under `vault:`; its account may
create and read below the mount.

Exit codes: 0 nothing is left to do by hand; 1 something is; 2 something failed.

Examples:
  coaming secrets migrate deploy/ --to vault --config vault.yaml --secret-store vault
  coaming secrets migrate deploy/ --to vault --config vault.yaml --secret-store vault --apply")]
pub struct MigrateArguments {
    /// Files and directories with manifests.
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,

    /// What kind of store the values go to.
    #[arg(long, value_enum)]
    pub to: MigrationTarget,

    /// How to reach the store.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,

    /// The SecretStore that the grants name.
    #[arg(long, value_name = "NAME")]
    pub secret_store: String,

    /// The grants name a ClusterSecretStore.
    #[arg(long)]
    pub cluster_store: bool,

    /// Where the key/value engine is mounted; the rest of a path is namespace and name.
    #[arg(long, value_name = "PATH", default_value = "secret")]
    pub mount: String,

    /// The role of the login (default: the name of each service account).
    #[arg(long, value_name = "ROLE")]
    pub role: Option<String>,

    /// Write the values to the store, and change the manifests.
    #[arg(long)]
    pub apply: bool,
}

/// Where secrets can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum MigrationTarget {
    /// Vault or OpenBao.
    Vault,
}
