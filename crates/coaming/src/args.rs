//! The arguments: `--help` and the reference documentation are generated from them.

mod db;
mod image;
#[cfg(feature = "registry")]
mod pin;
mod registry;
mod render;
mod report;
mod slim;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use coaming_config::{KubernetesVersion, PodSecurityLevel};

pub use db::*;
pub use image::{
    ImageArguments, ImageCommand, ImageFormat, ImagePlace, OriginArguments, ScannerArguments,
};
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
  coaming fix --unsafe --standard restricted deploy/")]
pub struct FixArguments {
    /// What to scan, and with which rules.
    #[command(flatten)]
    pub scope: ScopeArguments,

    /// Also apply fixes that may break the application; test it afterwards.
    #[arg(long = "unsafe")]
    pub allow_unsafe: bool,

    /// Show what would change, and why; write nothing.
    #[arg(long)]
    pub diff: bool,
}

/// `coaming net`
#[derive(Debug, Args)]
pub struct NetArguments {
    /// What to show.
    #[command(subcommand)]
    pub command: NetCommand,
}

/// What `coaming net` can show.
#[derive(Debug, Subcommand)]
pub enum NetCommand {
    /// List all possible connections.
    List(TableArguments),
    /// Explain why a connection is or is not possible: each policy and rule, on both sides.
    Why(WhyArguments),
    /// Check assertions: which connections must be possible, and which must not be.
    Check(CheckArguments),
    /// Compare two states: connections added, removed and changed.
    Diff(DiffArguments),
    /// Show what is reachable from the cluster, from other namespaces and from the internet.
    Exposure(TableArguments),
    /// Generate least-privilege policies from manifests or flow logs.
    Suggest(SuggestArguments),
    /// Draw the connections.
    Graph(GraphArguments),
}

/// The objects that a command of `coaming net` is about.
#[derive(Clone, Debug, Args)]
pub struct NetInputArguments {
    /// Files, directories or globs; `-` reads standard input.
    #[arg(value_name = "PATH", default_value = ".")]
    pub paths: Vec<PathBuf>,

    /// Accept paths in which there is nothing to read, instead of failing.
    #[arg(long)]
    pub allow_empty: bool,

    /// Read the objects of a live cluster, with your kubeconfig. Nothing is written, and the values
    /// of Secrets are not stored.
    #[cfg(feature = "cluster")]
    #[arg(long, conflicts_with = "paths")]
    pub cluster: bool,

    /// Context of the kubeconfig (default: the current one).
    #[cfg(feature = "cluster")]
    #[arg(long, value_name = "CONTEXT", requires = "cluster")]
    pub context: Option<String>,

    /// Which part of the answer to show.
    #[command(flatten)]
    pub view: NetViewArguments,
}

impl NetInputArguments {
    /// The inputs as other commands have them. A namespace limits what is shown, and not what is
    /// read: policies and pods elsewhere count too.
    pub(crate) fn inputs(&self) -> InputArguments {
        InputArguments {
            paths: self.paths.clone(),
            allow_empty: self.allow_empty,
            cluster: ClusterArguments {
                #[cfg(feature = "cluster")]
                cluster: self.cluster,
                #[cfg(feature = "cluster")]
                context: self.context.clone(),
                #[cfg(feature = "cluster")]
                namespace: None,
            },
        }
    }
}

/// Which part of an answer to show.
#[derive(Clone, Debug, Args)]
pub struct NetViewArguments {
    /// Show only what concerns workloads of this namespace.
    #[arg(long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    /// Show only what concerns this workload: `name`, `namespace/name` or `namespace/kind/name`.
    #[arg(long, value_name = "WORKLOAD")]
    pub focus: Vec<String>,

    /// Show only this port: `80`, `udp/53`, or the name of a port.
    #[arg(long, value_name = "PORT")]
    pub port: Option<String>,

    /// Network plugin of the cluster: plugins differ in whether an `ipBlock` means pods.
    #[arg(long, value_name = "PLUGIN", value_enum, default_value_t = Plugin::Auto)]
    pub network_plugin: Plugin,
}

/// A network plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Plugin {
    /// The one whose DaemonSet is in the input.
    Auto,
    /// Calico: an `ipBlock` means pods by their addresses too.
    Calico,
    /// Cilium: an `ipBlock` never means pods or nodes.
    Cilium,
    /// Another one, as the tests of Kubernetes expect it: an `ipBlock` means pods too.
    Kubernetes,
}

/// What to read, and how to show it.
#[derive(Debug, Args)]
pub struct TableArguments {
    /// Where the objects are.
    #[command(flatten)]
    pub inputs: NetInputArguments,

    /// Output format.
    #[arg(long, value_enum, default_value_t = TableFormat::Text)]
    pub format: TableFormat,
}

/// `coaming net why`
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 answered (with --exit-code: allowed); 1 denied, with --exit-code; 2 not answerable: an
input could not be handled, or the answer depends on what is not evaluated.

Examples:
  coaming net why web database deploy/
  coaming net why web database 5432 deploy/
  coaming net why web database --port metrics deploy/
  coaming net why shop/web 169.254.169.254 deploy/
  coaming net why ingress shop/web deploy/")]
pub struct WhyArguments {
    /// Source of the connection: `name`, `namespace/name`, `namespace/kind/name`, an address, or
    /// `ingress`.
    pub source: String,

    /// Destination of the connection (same forms as SOURCE).
    pub target: String,

    /// Where the objects are; a port may be given before the paths.
    #[command(flatten)]
    pub inputs: NetInputArguments,

    /// Exit with 1 if the connection is denied.
    #[arg(long)]
    pub exit_code: bool,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

impl WhyArguments {
    /// The port and the inputs: the first path is the port if no such file exists and it has the
    /// form `5432` or `udp/53`.
    pub(crate) fn port_and_inputs(&self) -> (Option<&str>, InputArguments) {
        let mut inputs = self.inputs.inputs();
        let first = self.inputs.paths.first().filter(|path| !path.exists());
        let number = first.and_then(|path| path.to_str()).filter(|text| {
            let (protocol, port) = text.split_once('/').unwrap_or(("tcp", text));
            port.parse::<u16>().is_ok()
                && ["tcp", "udp", "sctp"].iter().any(|known| known.eq_ignore_ascii_case(protocol))
        });
        if self.inputs.view.port.is_some() || number.is_none() {
            return (self.inputs.view.port.as_deref(), inputs);
        }
        inputs.paths.remove(0);
        if inputs.paths.is_empty() {
            inputs.paths.push(PathBuf::from("."));
        }
        (number, inputs)
    }
}

/// `coaming net check`
#[derive(Debug, Args)]
#[command(after_help = "\
The rules are two lists. A peer is a workload, an address, `ingress`, or pods by their labels:

  must-reach:
  - {from: shop/web, to: shop/db, ports: [5432]}
  must-not-reach:
  - from: {namespace: guests}
    to: {namespace: shop, labels: {app: db}}

Exit codes: 0 all hold; 1 some do not; 2 some depend on what is not evaluated, or an input could not
be handled.")]
pub struct CheckArguments {
    /// File with the assertions.
    pub rules: PathBuf,

    /// Where the objects are.
    #[command(flatten)]
    pub inputs: NetInputArguments,
}

/// `coaming net diff`
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 no differences; 1 differences; 2 an input could not be handled."
)]
pub struct DiffArguments {
    /// The state before.
    pub old: PathBuf,

    /// The state after.
    pub new: PathBuf,

    /// Which part of the answer to show.
    #[command(flatten)]
    pub view: NetViewArguments,

    /// Output format.
    #[arg(long, value_enum, default_value_t = TableFormat::Text)]
    pub format: TableFormat,
}

/// `coaming net suggest`
#[derive(Debug, Args)]
pub struct SuggestArguments {
    /// Where the objects are.
    #[command(flatten)]
    pub inputs: InputArguments,

    /// Read the flows from this log (Hubble, JSON lines) instead of the manifests.
    #[arg(long, value_name = "FILE")]
    pub flows: Option<PathBuf>,
}

/// `coaming net graph`
#[derive(Debug, Args)]
pub struct GraphArguments {
    /// Where the objects are.
    #[command(flatten)]
    pub inputs: NetInputArguments,

    /// Output format.
    #[arg(long, value_enum, default_value_t = GraphFormat::Svg)]
    pub format: GraphFormat,
}

/// How connections are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    /// For people.
    Text,
    /// JSON, in a stable format.
    Json,
    /// Comma-separated values.
    Csv,
    /// A table in Markdown.
    Markdown,
}

/// How connections are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// An SVG image.
    Svg,
    /// For Graphviz.
    Dot,
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
