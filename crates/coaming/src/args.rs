//! The arguments: `--help` and the reference documentation are generated from them.

mod breach;
mod db;
mod image;
mod net;
#[cfg(feature = "registry")]
mod pin;
mod registry;
mod render;
mod report;
mod slim;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use coaming_config::{KubernetesVersion, PodSecurityLevel};

pub use breach::{Assumption, BreachArguments, BreachFormat, ClusterOnly};
pub use db::*;
pub use image::{
    ImageArguments, ImageCommand, ImageFormat, ImagePlace, OriginArguments, ScannerArguments,
};
pub use net::*;
#[cfg(feature = "registry")]
pub use pin::PinArguments;
pub use registry::RegistryArguments;
pub use render::{RenderArguments, Renderer};
pub use report::{Color, Format, ReportArguments};
pub use slim::{SlimArguments, SlimFormat};

/// Finds what an attacker would use in your Kubernetes deployment, explains it, and fixes it.
#[derive(Debug, Parser)]
#[command(name = "coaming", version, propagate_version = true, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find what is unsafe in manifests, charts and overlays.
    Scan(ScanArguments),
    /// Apply the fixes that are available, in your own files.
    Fix(FixArguments),
    /// Pin images to digests, everywhere your files name them.
    #[cfg(feature = "registry")]
    Pin(PinArguments),
    /// Render a Helm chart, as `helm template` does.
    Render(RenderArguments),
    /// Show what an image contains: packages, tools, users, credentials.
    Image(ImageArguments),
    /// Analyze network policies: reachability, explanations, suggested policies.
    Net(NetArguments),
    /// Find secrets in manifests, other text files and etcd; show who can read a Secret.
    Secrets(SecretsArguments),
    /// Show what an attacker in a compromised container can run, read and reach.
    Breach(BreachArguments),
    /// Explain a rule: what it looks for, why it matters, how to fix it.
    Explain(ExplainArguments),
    /// List all rules.
    Rules(RulesArguments),
    /// Manage the vulnerability database.
    Db(DbArguments),
    /// Print a completion script for a shell.
    Completions(CompletionsArguments),
    /// Print the manual page.
    #[command(hide = true)]
    Man,
}

/// `coaming scan`
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 nothing found; 1 findings; 2 an input could not be handled (the rest was).

Examples:
  coaming scan .                          all manifests, charts and overlays below this directory
  coaming scan --cluster --namespace shop  everything that runs in this namespace
  coaming scan --standard restricted --kubernetes-version 1.29 deploy/
  coaming scan --images require deploy/   also the images, pulled from their registries
  coaming scan --db advisories.db deploy/ also known vulnerabilities of their packages
  coaming scan --format sarif --output coaming.sarif .")]
pub struct ScanArguments {
    /// What to scan, and with which rules.
    #[command(flatten)]
    pub scope: ScopeArguments,

    /// A live cluster.
    #[command(flatten)]
    pub cluster: ClusterArguments,

    /// How to report the findings.
    #[command(flatten)]
    pub report: ReportArguments,
}

/// A live cluster instead of files.
#[derive(Clone, Debug, Default, Args)]
pub struct ClusterArguments {
    /// Read the objects of a live cluster, with your kubeconfig. Nothing is written, and the values
    /// of Secrets are not stored.
    #[cfg(feature = "cluster")]
    #[arg(long, conflicts_with = "paths")]
    pub cluster: bool,

    /// Context of the kubeconfig (default: the current one).
    #[cfg(feature = "cluster")]
    #[arg(long, value_name = "CONTEXT", requires = "cluster")]
    pub context: Option<String>,

    /// Scan only this namespace (and cluster-scoped objects).
    #[cfg(feature = "cluster")]
    #[arg(long, value_name = "NAMESPACE", requires = "cluster")]
    pub namespace: Option<String>,
}

/// Where the objects are.
#[derive(Clone, Debug, Args)]
pub struct InputArguments {
    /// Files, directories or globs; `-` reads standard input.
    #[arg(value_name = "PATH", default_value = ".")]
    pub paths: Vec<PathBuf>,

    /// Accept paths in which there is nothing to read, instead of failing.
    #[arg(long)]
    pub allow_empty: bool,

    /// A live cluster.
    #[command(flatten)]
    pub cluster: ClusterArguments,
}

/// What to scan, and with which rules.
#[derive(Debug, Default, Args)]
pub struct ScopeArguments {
    /// Files, directories or globs; `-` reads standard input.
    #[arg(value_name = "PATH", default_value = ".")]
    pub paths: Vec<PathBuf>,

    /// Run only these rules or categories (or ALL).
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub select: Vec<String>,

    /// Disable these rules or categories.
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub ignore: Vec<String>,

    /// Check only this Pod Security Standard (`baseline` or `restricted`), with the same result as
    /// Kubernetes' admission controller.
    #[arg(long, value_name = "LEVEL")]
    pub standard: Option<PodSecurityLevel>,

    /// Kubernetes version of the cluster: `1.N`, or `latest`.
    #[arg(long, value_name = "1.N")]
    pub kubernetes_version: Option<KubernetesVersion>,

    /// Use this configuration file instead of the nearest `coaming.yaml` at or above the first
    /// path.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Report only findings of this severity or higher.
    #[arg(long, value_name = "SEVERITY", value_enum)]
    pub min_severity: Option<MinSeverity>,

    /// Accept paths in which there is nothing to scan, instead of failing.
    #[arg(long)]
    pub allow_empty: bool,

    /// Do not render charts and overlays.
    #[arg(long)]
    pub no_render: bool,

    /// What renders charts. Overlays are rendered by the `kustomize` or `kubectl` on PATH.
    #[arg(long, value_name = "RENDERER", value_enum, default_value_t = Renderer::BuiltIn)]
    pub renderer: Renderer,

    /// Also read files that `.gitignore` excludes.
    #[arg(long)]
    pub no_gitignore: bool,

    /// Which images to inspect among those that pods run.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = ImagesMode::Auto)]
    pub images: ImagesMode,

    /// Where known vulnerabilities of images are looked up.
    #[command(flatten)]
    pub look_up: LookUpArguments,
}

/// Which images are inspected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ImagesMode {
    /// Images available locally: archives in `coaming.yaml`, and those of a local Docker or Podman.
    #[default]
    Auto,
    /// No images.
    Never,
    /// All images; those that are not available locally are pulled from their registries.
    Require,
}

impl From<ImagesMode> for coaming_scan::ImagesMode {
    fn from(mode: ImagesMode) -> Self {
        match mode {
            ImagesMode::Auto => Self::Auto,
            ImagesMode::Never => Self::Never,
            ImagesMode::Require => Self::Require,
        }
    }
}

/// `coaming fix`
#[derive(Debug, Args)]
#[command(after_help = "\
Only the bytes that a fix has to change are changed: comments, order and quoting are preserved.
Exit codes: 0 nothing left to fix; 1 findings are left (or, with --diff, something would change);
2 an input could not be handled.

Examples:
  coaming fix .                           apply the fixes that do not affect a working application
  coaming fix --unsafe --diff deploy/     show what all fixes would change; write nothing
  coaming fix --unsafe --standard restricted deploy/
  coaming fix --cut --unsafe deploy/      close the ways that `coaming breach` finds")]
pub struct FixArguments {
    /// What to scan, and with which rules.
    #[command(flatten)]
    pub scope: ScopeArguments,

    /// Also apply fixes that may break the application; test it afterwards.
    #[arg(long = "unsafe")]
    pub allow_unsafe: bool,

    /// Apply only the smallest set of fixes that closes what an attacker reaches from the entries of
    /// the cluster (see `coaming breach`); those that need a person are listed.
    #[arg(long)]
    pub cut: bool,

    /// Show what would change, and why; write nothing.
    #[arg(long)]
    pub diff: bool,
}

/// `coaming secrets`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Reads text files of any name: manifests and other YAML and JSON by their structure, the rest as plain
text. Charts and overlays are not rendered. Values are never shown: a finding has a location, a kind,
and a fingerprint, so that you can recognize the same secret in several places. Guessable values get a
fingerprint only if you set the environment variable COAMING_FINGERPRINT_KEY to a private key.

Exit codes: 0 nothing found; 1 findings; 2 an input could not be handled (the rest was).

Examples:
  coaming secrets .
  coaming secrets --format sarif --output secrets.sarif .
  kubectl get secrets,configmaps,pods -A -o yaml | coaming secrets -")]
pub struct SecretsArguments {
    /// Another command about secrets.
    #[command(subcommand)]
    pub command: Option<SecretsCommand>,

    /// What to scan, and how to show the findings.
    #[command(flatten)]
    pub find: FindSecretsArguments,
}

/// What `coaming secrets` scans, and how it shows the findings.
#[derive(Debug, Args)]
pub struct FindSecretsArguments {
    /// Files, directories or globs; `-` reads standard input.
    #[arg(value_name = "PATH", default_value = ".")]
    pub paths: Vec<PathBuf>,

    /// How to report the findings.
    #[command(flatten)]
    pub report: ReportArguments,

    /// Use this configuration file instead of the nearest `coaming.yaml` at or above the first
    /// path.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Also read files that `.gitignore` excludes.
    #[arg(long)]
    pub no_gitignore: bool,
}

/// The commands of `coaming secrets`.
#[derive(Debug, Subcommand)]
pub enum SecretsCommand {
    /// Show who can read a Secret: subjects, containers, and nodes.
    WhoCan(WhoCanArguments),
    /// Find secrets that etcd stores in plain text, offline.
    Etcd(EtcdArguments),
}

/// `coaming secrets who-can`
#[derive(Debug, Args)]
#[command(after_help = "\
Shows subjects with the binding and role that allow it, containers with the variable or files that
expose the Secret, and the nodes that the pods select. The objects of a cluster give a more complete
answer than a directory does:

  coaming secrets who-can shop/database --cluster
  kubectl get secrets,pods,serviceaccounts,nodes,roles,rolebindings,clusterroles,clusterrolebindings \
    -A -o json | coaming secrets who-can shop/database -
  coaming secrets who-can shop/database deploy/")]
pub struct WhoCanArguments {
    /// The Secret, as `NAMESPACE/NAME` or `NAME` (namespace `default`).
    #[arg(value_name = "NAMESPACE/NAME")]
    pub secret: String,

    /// The objects to search.
    #[command(flatten)]
    pub inputs: InputArguments,

    /// Output format.
    #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
    pub format: AnswerFormat,
}

/// The format of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AnswerFormat {
    /// Text for people.
    Text,
    /// JSON, in a stable format.
    Json,
}

/// `coaming secrets etcd`
#[derive(Debug, Args)]
#[command(after_help = "\
Shows which Secrets are encrypted, by which provider and key, and finds secrets in plain text: in
current and old revisions, in free pages, which etcd does not wipe, and in the write-ahead log of a
data directory. Values are never shown. Files are never changed.

Exit codes: 0 no secrets in plain text; 1 findings; 2 a file could not be read completely.

Examples:
  etcdctl snapshot save backup.db && coaming secrets etcd backup.db
  coaming secrets etcd /var/lib/etcd
  coaming secrets etcd --format json backup.db")]
pub struct EtcdArguments {
    /// A snapshot by `etcdctl snapshot save`, a database (`member/snap/db`), or etcd's data directory.
    #[arg(value_name = "SNAPSHOT")]
    pub snapshot: PathBuf,

    /// Output format.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Full)]
    pub format: Format,

    /// Write the findings to this file.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Exit with 0 even if there are findings.
    #[arg(long)]
    pub exit_zero: bool,
}

/// `coaming explain`
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// Name of a rule (also one of your own, in `coaming.yaml`) or of a category.
    pub rule: String,
}

/// `coaming rules`
#[derive(Debug, Args)]
pub struct RulesArguments {
    /// Output format.
    #[arg(long, value_enum, default_value_t = RulesFormat::Text)]
    pub format: RulesFormat,
}

/// `coaming completions`
#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// Shell to complete for.
    pub shell: clap_complete::Shell,
}

/// How rules are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RulesFormat {
    /// A table for people.
    Text,
    /// JSON.
    Json,
}

/// Severities by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MinSeverity {
    /// Low and above.
    Low,
    /// Medium and above.
    Medium,
    /// High and above.
    High,
    /// Critical only.
    Critical,
}

impl From<MinSeverity> for coaming_finding::Severity {
    fn from(severity: MinSeverity) -> Self {
        match severity {
            MinSeverity::Low => Self::Low,
            MinSeverity::Medium => Self::Medium,
            MinSeverity::High => Self::High,
            MinSeverity::Critical => Self::Critical,
        }
    }
}
