//! `coaming net`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{ClusterArguments, InputArguments};

// `coaming net`
#[derive(Debug, Args)]
pub struct NetArguments {
    /// What to show.
    #[command(subcommand)]
    pub command: NetCommand,
}

// What `coaming net` can show.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum NetCommand {
    /// List all possible connections.
    List(TableArguments),
    /// Explain why a connection is or is not possible: each policy and rule, on both sides.
    Why(WhyArguments),
    /// Check assertions: which connections must be possible, and which must not be.
    Check(CheckArguments),
    /// Find rules that change nothing: what they decide, others decide too.
    Lint(LintArguments),
    /// Compare two states: connections added, removed and changed.
    Diff(DiffArguments),
    /// Show what is reachable from the cluster, from other namespaces and from the internet.
    Exposure(TableArguments),
    /// Generate least-privilege policies from manifests or flow logs.
    Suggest(SuggestArguments),
    /// Draw the connections.
    Graph(GraphArguments),
}

// The objects that a command of `coaming net` is about.
#[derive(Clone, Debug, Args)]
pub struct NetInputArguments {
    /// Files, directories or globs; `-` reads standard input.
    #[arg(value_name = "PATH", default_value = ".")]
    pub paths: Vec<PathBuf>,

    /// Read the objects of a live cluster, with your kubeconfig. Nothing is written, and the values
    /// of Secrets are not stored.
    #[cfg(feature = "cluster")]
    #[arg(long, conflicts_with = "paths")]
    pub cluster: bool,

    /// Context of the kubeconfig (default: the current one).
    #[cfg(feature = "cluster")]
    #[arg(long, value_name = "CONTEXT", requires = "cluster")]
    pub context: Option<String>,

    /// Accept paths in which there is nothing to read, instead of failing.
    #[arg(long)]
    pub allow_empty: bool,

    /// Which part of the answer to show.
    #[command(flatten)]
    pub view: NetViewArguments,
}

impl NetInputArguments {
    /// The inputs as other commands have them. A namespace limits what is shown, and not what is
    /// read: policies and pods elsewhere count too.
    pub fn inputs(&self) -> InputArguments {
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

// Which part of an answer to show.
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

    /// Network plugin of the cluster: plugins differ in whether an `ipBlock` means pods, and in the
    /// policies that they know.
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

// What to read.
#[derive(Debug, Args)]
pub struct LintArguments {
    /// Where the objects are.
    #[command(flatten)]
    pub inputs: NetInputArguments,
}

// What to read, and how to show it.
#[derive(Debug, Args)]
pub struct TableArguments {
    /// Where the objects are.
    #[command(flatten)]
    pub inputs: NetInputArguments,

    /// Output format.
    #[arg(long, value_enum, default_value_t = TableFormat::Text)]
    pub format: TableFormat,
}

// `coaming net why`
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
    /// form `5432` or `udp/53`, or before other paths that of a port's name.
    pub fn port_and_inputs(&self) -> (Option<&str>, InputArguments) {
        let mut inputs = self.inputs.inputs();
        let first = self.inputs.paths.first().filter(|path| !path.exists());
        let is_number = |text: &str| {
            let (protocol, port) = text.split_once('/').unwrap_or(("tcp", text));
            port.parse::<u16>().is_ok()
                && ["tcp", "udp", "sctp"].iter().any(|known| known.eq_ignore_ascii_case(protocol))
        };
        let is_name = |text: &str| {
            let plain =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            self.inputs.paths.len() > 1 && text.len() <= 15 && text.bytes().all(plain)
        };
        let port = first.and_then(|path| path.to_str());
        let port = port.filter(|text| is_number(text) || is_name(text));
        if self.inputs.view.port.is_some() || port.is_none() {
            return (self.inputs.view.port.as_deref(), inputs);
        }
        inputs.paths.remove(0);
        if inputs.paths.is_empty() {
            inputs.paths.push(PathBuf::from("."));
        }
        (port, inputs)
    }
}

// `coaming net check`
#[derive(Debug, Args)]
#[command(after_help = "\
The rules are two lists. A peer is a workload, an address or a block, `ingress`, or pods by their
labels; a port may be a range such as 8000-8999:

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

    /// Print JSON.
    #[arg(long)]
    pub json: bool,

    /// Where the objects are.
    #[command(flatten)]
    pub inputs: NetInputArguments,
}

// `coaming net diff`
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

// `coaming net suggest`
#[derive(Debug, Args)]
#[command(after_help = "\
What the evidence does not show becomes a question. With --answers, open questions are added to the
file, each with a line for its answer; answers that are there stay, and count.

Exit codes: 0 no question is open; 1 some are; 2 an input could not be handled.

Examples:
  coaming net suggest deploy/ > policies.yaml
  coaming net suggest --answers answers.yaml deploy/
  coaming net suggest --flows hubble.jsonl --format cilium deploy/")]
pub struct SuggestArguments {
    /// Where the objects are.
    #[command(flatten)]
    pub inputs: NetInputArguments,

    /// Read the flows from this log instead of the manifests: Hubble, Inspektor Gadget or Calico (JSON
    /// lines), or `conntrack -L`.
    #[arg(long, value_name = "FILE")]
    pub flows: Option<PathBuf>,

    /// Read answers to questions from this file, and add the questions that are open.
    #[arg(long, value_name = "FILE")]
    pub answers: Option<PathBuf>,

    /// Kind of policies to write.
    #[arg(long, value_enum, default_value_t = PolicyFormat::Kubernetes)]
    pub format: PolicyFormat,
}

/// A kind of policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PolicyFormat {
    /// NetworkPolicies of Kubernetes.
    Kubernetes,
    /// NetworkPolicies of Calico.
    Calico,
    /// CiliumNetworkPolicies, which can name hosts and the API server.
    Cilium,
}

// `coaming net graph`
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
    /// For Mermaid, in Markdown.
    Mermaid,
    /// GraphML, with each edge.
    Graphml,
}
