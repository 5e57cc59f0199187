//! `coaming pin`.

use std::path::PathBuf;

use clap::Args;
use coaming_pin::Update;

use super::{RegistryArguments, ScopeArguments};

/// `coaming pin`
#[derive(Debug, Args)]
#[command(after_help = "\
A tag can be moved to other contents, by its owner or by whoever stole his password; a digest can't.
`nginx:1.27` becomes `nginx:1.27@sha256:…`: in pods of all workloads, custom resources too, in
Kustomize's `images:`, in Helm values and in Dockerfiles. Only those bytes are changed. Credentials
are those of `docker login`.
Exit codes: 0 all is pinned; 1 some images are not (or, with --diff, something would change);
2 something could not be handled, such as a registry.

Examples:
  coaming pin --diff .                    what would change; writes nothing
  coaming pin deploy/ charts/web/values.yaml
  coaming pin --update .                  also move to the newest tag of the same major version
  coaming pin --update='~1.27' web.yaml
  coaming pin --offline --archive images.tar .")]
pub struct PinArguments {
    /// Files, directories or globs.
    #[arg(value_name = "PATH", default_value = ".")]
    pub paths: Vec<PathBuf>,

    /// Show what would change; write nothing.
    #[arg(long)]
    pub diff: bool,

    /// Move to the newest tag within a range of versions; without one, of the same major version.
    #[arg(long, value_name = "RANGE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub update: Option<Update>,

    /// Take digests from this OCI layout (directory or tar) or archive of `docker save` first; `images.archives` of `coaming.yaml` are asked anyway.
    #[arg(long, value_name = "PATH")]
    pub archive: Vec<PathBuf>,

    /// Ask no registry: pin what the archives know, and say what they don't.
    #[arg(long)]
    pub offline: bool,

    /// Use this configuration file, not the `coaming.yaml` found upwards from the first path.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Also read what `.gitignore` leaves out.
    #[arg(long)]
    pub no_gitignore: bool,

    /// How to reach registries.
    #[command(flatten)]
    pub registry: RegistryArguments,
}

impl PinArguments {
    /// What to read, as the commands that scan say it.
    pub(crate) fn scope(&self) -> ScopeArguments {
        ScopeArguments {
            paths: self.paths.clone(),
            config: self.config.clone(),
            no_gitignore: self.no_gitignore,
            no_render: true,
            ..ScopeArguments::default()
        }
    }
}
