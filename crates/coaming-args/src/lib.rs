//! The arguments of the command line: `--help`, the manual pages, completions and the reference
//! documentation are made from them.
//!
//! Invariants: nothing is read or asked here but whether a path exists; what cannot be combined is
//! refused before any work.
//!
//! What a command is for stands once, at its variant of [`Command`]. Structs of arguments have plain
//! comments: clap would take a doc comment for that sentence, since it builds the arguments of a
//! command only when the command is asked for.

#![expect(missing_docs, reason = "clap would take them for what a command is for")]

mod breach;
mod db;
#[cfg(feature = "export")]
mod export;
mod image;
mod left_out;
mod net;
#[cfg(feature = "registry")]
mod pin;
mod registry;
mod render;
mod report;
#[cfg(feature = "serve")]
mod serve;
mod slim;
#[cfg(all(feature = "vault", unix))]
mod vault;
#[cfg(feature = "registry")]
mod walk;

use std::path::PathBuf;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use coaming_config::{KubernetesVersion, Standard};

pub use breach::{Assumption, BreachArguments, BreachFormat, ClusterOnly};
pub use db::*;
#[cfg(feature = "export")]
pub use export::*;
pub use image::{
    ImageArguments, ImageCommand, ImageFormat, ImagePlace, OriginArguments, ScannerArguments,
};
pub use net::*;
#[cfg(feature = "registry")]
pub use pin::PinArguments;
pub use registry::RegistryArguments;
pub use render::{RenderArguments, Renderer};
pub use report::{Color, Format, ReportArguments};
#[cfg(feature = "serve")]
pub use serve::ServeArguments;
pub use slim::{SlimArguments, SlimFormat};
#[cfg(all(feature = "vault", unix))]
pub use vault::*;
#[cfg(feature = "registry")]
pub use walk::{Attach, WalkArguments};

/// Finds what an attacker would use in your Kubernetes deployment, explains it, and fixes it.
#[derive(Debug, Parser)]
#[command(name = "coaming", version, propagate_version = true, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Arguments {
    /// The process's own arguments. Prints help, or what is wrong with them, and ends the process
    /// where there is nothing to run.
    #[must_use]
    pub fn of_process() -> Self {
        let matches = left_out::in_help(Self::command()).try_get_matches();
        matches
            .and_then(|mut matches| Self::from_arg_matches_mut(&mut matches))
            .unwrap_or_else(|error| left_out::with_hint(error).exit())
    }
}

// The commands.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum Command {
    /// Find what is unsafe in manifests, charts and overlays.
    Scan(ScanArguments),
    /// Apply the fixes that are available, in your own files.
    Fix(FixArguments),
    /// Pin images to digests, everywhere your files name them.
    #[cfg(feature = "registry")]
    Pin(PinArguments),
    /// Render a chart or an overlay, as `helm template` and `kubectl kustomize` do.
    Render(RenderArguments),
    /// Show what an image contains: packages, tools, users, credentials.
    Image(ImageArguments),
    /// Analyze network policies: reachability, explanations, suggested policies.
    Net(NetArguments),
    /// Find secrets in manifests, other text files and etcd; show who can read a Secret.
    Secrets(SecretsArguments),
    /// Show what an attacker in a compromised container can run, read and reach.
    Breach(BreachArguments),
    /// Serve an editor: diagnostics while typing, fixes, explanations.
    #[cfg(feature = "lsp")]
    Lsp(LspArguments),
    /// Refuse, repair or warn of what is unsafe when it is applied: the cluster's admission webhook.
    #[cfg(feature = "serve")]
    Serve(ServeArguments),
    /// Write secrets from a store to files in memory, and keep them up to date.
    #[cfg(all(feature = "vault", unix))]
    Agent(AgentArguments),
    /// Encrypt what the API server keeps in etcd, by a key of Vault or OpenBao.
    #[cfg(all(feature = "vault", unix))]
    Kms(KmsArguments),
    /// Write what Kubernetes itself can enforce: admission policies, Pod Security labels.
    #[cfg(feature = "export")]
    Export(ExportArguments),
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

// `coaming scan`
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 nothing found; 1 findings; 2 an input could not be handled (the rest was).

Examples:
  coaming scan .                          all manifests, charts and overlays below this directory
  coaming scan --cluster --namespace shop  everything that runs in this namespace
  coaming scan --cluster charts/          these charts; their `lookup` reads the live cluster
  coaming scan --standard restricted --kubernetes-version 1.29 deploy/
  coaming scan --images require deploy/   also the images, pulled from their registries
  coaming scan --watch deploy/            again after every change
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

    /// Scan again whenever a file changes, until Ctrl-C.
    #[arg(long)]
    #[cfg_attr(feature = "cluster", arg(conflicts_with = "cluster"))]
    pub watch: bool,
}

// A live cluster instead of files.
#[derive(Clone, Debug, Default, Args)]
pub struct ClusterArguments {
    /// Read the objects of a live cluster, with your kubeconfig. Nothing is written, and the values
    /// of Secrets are not stored.
    #[cfg(feature = "cluster")]
    #[arg(long)]
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

// Where the objects are.
#[derive(Clone, Debug, Args)]
pub struct InputArguments {
    /// Files, directories or globs; `-` reads standard input.
    #[arg(value_name = "PATH", default_value = ".")]
    #[cfg_attr(feature = "cluster", arg(conflicts_with = "cluster"))]
    pub paths: Vec<PathBuf>,

    /// Accept paths in which there is nothing to read, instead of failing.
    #[arg(long)]
    pub allow_empty: bool,

    /// A live cluster.
    #[command(flatten)]
    pub cluster: ClusterArguments,
}

// What to scan, and with which rules.
#[derive(Debug, Default, Args)]
pub struct ScopeArguments {
    /// Files, directories or globs; `-` reads standard input.
    // With a cluster, no path means the cluster itself.
    #[arg(value_name = "PATH", default_value = ".", default_value_if("cluster", "true", None))]
    pub paths: Vec<PathBuf>,

    /// Run only these rules or categories (or ALL).
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub select: Vec<String>,

    /// Disable these rules or categories.
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub ignore: Vec<String>,

    /// Check only this standard: `baseline` or `restricted`, with the same result as Kubernetes'
    /// admission controller; or `cis-1.12`, `nsa-1.2` or `pci-4.0`, with a list of controls.
    #[arg(long, value_name = "STANDARD")]
    pub standard: Option<Standard>,

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

    /// What renders charts and overlays.
    #[arg(long, value_name = "RENDERER", value_enum, default_value_t = Renderer::BuiltIn)]
    pub renderer: Renderer,

    /// Also judge charts with other values than those they are installed with.
    #[arg(long, value_name = "WHICH", value_enum)]
    pub variants: Option<Variants>,

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

/// Values that charts are judged with besides their defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Variants {
    /// Each file `ci/*-values.yaml` of a chart
    Ci,
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

// `coaming fix`
#[derive(Debug, Args)]
#[command(after_help = "\
Only the bytes that a fix has to change are changed: comments, order and quoting are preserved.
In a chart, the values or the template that made the field are changed; then the chart is rendered
again, and nothing but the intended fields may differ.
Exit codes: 0 nothing left to fix; 1 findings are left (or, with --diff, something would change);
2 an input could not be handled.

Examples:
  coaming fix .                           apply the fixes that do not affect a working application
  coaming fix --unsafe --diff deploy/     show what all fixes would change; write nothing
  coaming fix --unsafe --standard restricted deploy/
  coaming fix --cut --unsafe deploy/      close the paths that `coaming breach` finds")]
pub struct FixArguments {
    /// What to scan, and with which rules.
    #[command(flatten)]
    pub scope: ScopeArguments,

    /// Also apply fixes that may break the application; test it afterwards.
    #[arg(long = "unsafe")]
    pub allow_unsafe: bool,

    /// Apply only the smallest set of fixes that closes what an attacker reaches from the entries of
    /// the cluster (see `coaming breach`). With `--unsafe`, also what is otherwise left to a person:
    /// volumes, rules and bindings are removed, and policies added, as `coaming breach` verified it.
    #[arg(long)]
    pub cut: bool,

    /// What a safe, an unsafe and a manual fix cost (default: 1,3,8).
    #[arg(long, value_name = "COSTS", value_parser = breach::costs, requires = "cut")]
    pub cut_costs: Option<coaming_breach::Weights>,

    /// Show what would change, and why; write nothing.
    #[arg(long)]
    pub diff: bool,
}

// `coaming secrets`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Reads text files of any name: manifests and other YAML and JSON by their structure, the rest as plain
text. Charts and overlays are not rendered. Values are never shown: a finding has a location, a kind,
and a fingerprint, so that you can recognize the same secret in several places. Guessable values get a
fingerprint only if you set the environment variable COAMING_FINGERPRINT_KEY to a private key.

With `--git`, every version of every file in the history of a repository is searched once: all branches,
tags and the stash. A finding names the oldest commit with the secret, and says if the secret was removed
since: it is still in every clone, so it has to be revoked.

With `--verify`, the provider of each credential with a format of its own (a GitHub token, a Slack token)
is asked once whether it is valid, by the provider's own question \"who am I\", which changes nothing.
The hosts are named before they are asked. Credentials of other kinds are never sent to anyone.

Exit codes: 0 nothing found; 1 findings; 2 an input could not be handled (the rest was).

Examples:
  coaming secrets .
  coaming secrets --git
  coaming secrets --git --since origin/main
  coaming secrets --staged                    (in a pre-commit hook)
  coaming secrets --verify .
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

// What `coaming secrets` scans, and how it shows the findings.
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

    /// Write a checklist for the rotation of the secrets that were found to this file (Markdown): where
    /// each one is, what uses it, and where to revoke it.
    #[arg(long, value_name = "FILE")]
    pub rotate_plan: Option<PathBuf>,

    /// Whether to ask the providers of credentials.
    #[cfg(feature = "verify")]
    #[command(flatten)]
    pub verify: VerifyArguments,

    /// Which part of a git repository to search instead of files.
    #[cfg(feature = "git")]
    #[command(flatten)]
    pub git: GitArguments,
}

// Whether and where `coaming secrets` asks providers about credentials.
#[cfg(feature = "verify")]
#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// Ask the providers of the credentials over the network whether they are valid.
    #[arg(long, help_heading = "Verification")]
    pub verify: bool,

    /// Ask this server instead of a provider's own, as `gitlab=https://gitlab.example.com`; may be
    /// repeated.
    #[arg(long, value_name = "PROVIDER=URL", requires = "verify", help_heading = "Verification")]
    pub verify_at: Vec<String>,

    /// A file of CA certificates (PEM) to trust in addition to the system's; may be repeated.
    #[arg(long, value_name = "FILE", requires = "verify", help_heading = "Verification")]
    pub ca: Vec<PathBuf>,
}

// Which part of a git repository `coaming secrets` searches.
#[cfg(feature = "git")]
#[derive(Debug, Args)]
pub struct GitArguments {
    /// Search the history of the git repository at or above PATH instead of its files.
    #[arg(long, help_heading = "Git")]
    pub git: bool,

    /// Search only what was committed on or after a day (`2026-03-31`), or what a revision
    /// (`origin/main`, `v1.2.0`) does not have.
    #[arg(long, value_name = "WHEN", requires = "git", help_heading = "Git")]
    pub since: Option<coaming_git::Since>,

    /// Search only what is staged for the next commit.
    #[arg(long, conflicts_with = "git", help_heading = "Git")]
    pub staged: bool,
}

// The commands of `coaming secrets`.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum SecretsCommand {
    /// Show who can read a Secret: subjects, containers, and nodes.
    WhoCan(WhoCanArguments),
    /// Find secrets that etcd stores in plain text, offline.
    Etcd(EtcdArguments),
    /// A local store of secrets.
    #[cfg(all(feature = "vault", unix))]
    #[command(flatten)]
    Local(LocalCommand),
}

// `coaming secrets who-can`
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

// `coaming secrets etcd`
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

// `coaming lsp`
#[cfg(feature = "lsp")]
#[derive(Debug, Args)]
#[command(after_help = "\
Speaks the Language Server Protocol over standard input and output; an editor starts it. Extensions and
configurations for editors are in `editors/` of the source code.")]
pub struct LspArguments {
    /// Use this configuration file instead of the nearest `coaming.yaml` at or above the workspace.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Accepted and without effect: standard input and output are the only transport.
    #[arg(long, hide = true)]
    pub stdio: bool,
}

// `coaming explain`
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// Name of a rule (also one of your own, in `coaming.yaml`) or of a category.
    pub rule: String,
}

// `coaming rules`
#[derive(Debug, Args)]
pub struct RulesArguments {
    /// Output format.
    #[arg(long, value_enum, default_value_t = RulesFormat::Text)]
    pub format: RulesFormat,
}

// `coaming completions`
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
