//! `coaming pin`.

use std::path::PathBuf;

use clap::Args;
use coaming_pin::Update;

use super::{RegistryArguments, ScopeArguments};

// `coaming pin`
#[derive(Debug, Args)]
#[command(after_help = "\
A tag can be moved to different content by its owner, or by anyone with stolen credentials. A digest
cannot. `nginx:1.27` becomes `nginx:1.27@sha256:…` in the pods of all workloads and custom resources,
in the `images:` of Kustomize, in Helm values and in Dockerfiles. Only those bytes are changed.
Credentials are those of `docker login`.
Exit codes: 0 all images are pinned; 1 some are not (or, with --diff, something would change);
2 something could not be handled, such as a registry.

Examples:
  coaming pin --diff .                    show what would change; write nothing
  coaming pin deploy/ charts/web/values.yaml
  coaming pin --update .                  also move to the newest tag of the same major version
  coaming pin --update='~1.27' web.yaml
  coaming pin --offline --archive images.tar .")]
pub struct PinArguments {
    /// Files, directories or globs to pin images in.
    #[arg(value_name = "PATH", default_value = ".")]
    pub paths: Vec<PathBuf>,

    /// Show what would change; write nothing.
    #[arg(long)]
    pub diff: bool,

    /// Move to the newest tag in a version range (default: the same major version).
    #[arg(long, value_name = "RANGE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub update: Option<Update>,

    /// Take digests from this OCI layout (directory or tar) or `docker save` archive first, in addition
    /// to the `images.archives` of `coaming.yaml`.
    #[arg(long, value_name = "PATH")]
    pub archive: Vec<PathBuf>,

    /// Do not ask registries: pin only the images in archives, and report the others.
    #[arg(long)]
    pub offline: bool,

    /// Use this configuration file instead of the nearest `coaming.yaml` at or above the first path.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Also read files that `.gitignore` excludes.
    #[arg(long)]
    pub no_gitignore: bool,

    /// How to reach registries.
    #[command(flatten)]
    pub registry: RegistryArguments,
}

impl PinArguments {
    /// The files to read, as arguments of a scan.
    pub fn scope(&self) -> ScopeArguments {
        ScopeArguments {
            paths: self.paths.clone(),
            config: self.config.clone(),
            no_gitignore: self.no_gitignore,
            no_render: true,
            renderer: super::Renderer::default(),
            ..ScopeArguments::default()
        }
    }
}
