//! The arguments of `coaming breach`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use coaming_breach::Weights;
use coaming_config::KubernetesVersion;

use super::{ClusterArguments, ImagesMode, LookUpArguments};

// `coaming breach`
#[derive(Debug, Args)]
#[command(after_help = "\
Assumes that a container is compromised, and computes what an attacker can run, read and reach from
there, hop by hop: network, rights, nodes, Secrets and images together. Each step says why it is
possible, where that is written, and how sure it is: `certain`, `needs-a-flaw` (a port is reachable
and something listens), or `unknown` (it depends on something that the input does not show). At the
end comes the cheapest set of changes that closes the attack paths. Every set was verified: its fixes were
made in memory, and everything was computed again.

A neighbor counts as taken only by a known vulnerability or an interface without a password. What is
not known is listed, and never taken as safe.

Starts (--from): internet, NAMESPACE/NAME, NAMESPACE/NAME/CONTAINER, user/NAME, group/NAME,
  serviceaccount/NAMESPACE/NAME
Targets (--to): admin, node, node/NAME, secret/NAMESPACE/NAME, data-store,
  data-store/NAMESPACE/NAME, credential, cloud-identity, exfiltration,
  container/NAMESPACE/NAME, container/NAMESPACE/NAME/CONTAINER, port/NAMESPACE/NAME,
  serviceaccount/NAMESPACE/NAME

Exit codes: 0 done; 1 with --compare, if an entry leads to a prize that it did not lead to before;
2 an input could not be handled.

Examples:
  coaming breach web deploy/                   what an attacker in this workload can do
  coaming breach deploy/                       all entries from outside, by what they put at risk
  coaming breach --cluster                     the same for a live cluster
  coaming breach --from internet --to admin deploy/
  coaming breach --from shop/web --to node --format json deploy/
  coaming breach --format html --output breach.html deploy/
  coaming breach --compare old/ new/           what a change opens and closes")]
pub struct BreachArguments {
    /// The compromised workload (`name`, `namespace/name`, `namespace/name/container`), then files,
    /// directories or globs; `-` reads standard input. Without a workload, all entries are ranked.
    #[arg(value_name = "WORKLOAD] [PATH")]
    pub arguments: Vec<PathBuf>,

    /// Where the attacker starts.
    #[arg(long, value_name = "START", conflicts_with = "compare")]
    pub from: Option<String>,

    /// What the attacker is after; without, every prize.
    #[arg(long, value_name = "TARGET")]
    pub to: Option<String>,

    /// Show only paths with at most this many steps.
    #[arg(long, value_name = "N")]
    pub max_hops: Option<u32>,

    /// Also assume what is not known: `any-neighbor` takes every workload that can be reached.
    #[arg(long, value_name = "ASSUMPTION", value_enum)]
    pub assume: Option<Assumption>,

    /// Compare two states: which pairs of an entry and a prize were gained and lost.
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"], conflicts_with = "arguments")]
    pub compare: Vec<PathBuf>,

    /// Do not look for the changes that close the attack paths.
    #[arg(long)]
    pub no_cut: bool,

    /// What a safe, an unsafe and a manual fix cost in the search for changes (default: 1,3,8).
    #[arg(long, value_name = "COSTS", value_parser = costs)]
    pub cut_costs: Option<Weights>,

    /// Kubernetes version of the cluster: `1.N`, or `latest`.
    #[arg(long, value_name = "1.N")]
    pub kubernetes_version: Option<KubernetesVersion>,

    /// Use this configuration file instead of the nearest `coaming.yaml` at or above the first
    /// path.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Which images to inspect among those that pods run.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = ImagesMode::Auto)]
    pub images: ImagesMode,

    /// Where known vulnerabilities of images are looked up.
    #[command(flatten)]
    pub look_up: LookUpArguments,

    /// A live cluster.
    #[command(flatten)]
    pub cluster: ClusterOnly,

    /// Output format.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = BreachFormat::Text)]
    pub format: BreachFormat,

    /// Write to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Why a text does not say what fixes cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("three positive numbers are needed, such as 1,3,8")]
pub(crate) struct CostsError;

/// Reads what fixes cost: `1,3,8`.
pub(crate) fn costs(text: &str) -> Result<Weights, CostsError> {
    let costs: Vec<u64> = text
        .split(',')
        .map(|cost| cost.trim().parse::<u32>().ok().filter(|&cost| cost > 0).map(u64::from))
        .collect::<Option<_>>()
        .unwrap_or_default();
    match costs.as_slice() {
        &[safe, unsafe_, manual] => Ok(Weights { safe, unsafe_, manual }),
        _ => Err(CostsError),
    }
}

// A live cluster instead of files.
#[derive(Clone, Debug, Default, Args)]
pub struct ClusterOnly {
    /// Read the objects of a live cluster, with your kubeconfig. Nothing is written, and the values
    /// of Secrets are not stored.
    #[cfg(feature = "cluster")]
    #[arg(long, conflicts_with = "compare")]
    pub cluster: bool,

    /// Context of the kubeconfig (default: the current one).
    #[cfg(feature = "cluster")]
    #[arg(long, value_name = "CONTEXT", requires = "cluster")]
    pub context: Option<String>,

    /// Read only this namespace (and cluster-scoped objects).
    #[cfg(feature = "cluster")]
    #[arg(long, value_name = "NAMESPACE", requires = "cluster")]
    pub namespace: Option<String>,
}

impl ClusterOnly {
    /// The same arguments as other commands have them.
    #[cfg(feature = "cluster")]
    pub fn arguments(&self) -> ClusterArguments {
        ClusterArguments {
            cluster: self.cluster,
            context: self.context.clone(),
            namespace: self.namespace.clone(),
        }
    }

    /// Without the feature the option does not exist.
    #[cfg(not(feature = "cluster"))]
    pub fn arguments(&self) -> ClusterArguments {
        ClusterArguments::default()
    }

    #[cfg(feature = "cluster")]
    fn is_set(&self) -> bool {
        self.cluster
    }

    #[cfg(not(feature = "cluster"))]
    fn is_set(&self) -> bool {
        false
    }
}

/// What is assumed although it is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Assumption {
    /// Every workload with a port that can be reached is taken.
    #[value(alias = "any-neighbour")]
    AnyNeighbor,
}

/// How an answer of `coaming breach` is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BreachFormat {
    /// For people.
    Text,
    /// JSON, in a stable format.
    Json,
    /// For Graphviz.
    Dot,
    /// A flowchart for Mermaid.
    Mermaid,
    /// A graph for `BloodHound`.
    Opengraph,
    /// One page to look around in, complete in itself.
    Html,
    /// The definition of the graph's kinds, which `BloodHound` needs to find paths.
    OpengraphSchema,
}

impl BreachArguments {
    /// The workload, if one is named, and the paths: the first argument is a workload if there is
    /// no such file. With `--from`, all arguments are paths.
    pub fn workload_and_paths(&self) -> (Option<&str>, Vec<PathBuf>) {
        let is_path = |path: &Path| {
            let text = path.to_string_lossy();
            text == "-" || path.exists() || text.contains(['*', '?', '[']) || text.starts_with('.')
        };
        let first = self.arguments.first().filter(|_| self.from.is_none());
        let named = first.and_then(|first| first.to_str()).filter(|text| {
            // With a cluster there are no paths.
            self.cluster.is_set() || !is_path(Path::new(text))
        });
        let mut paths = self.arguments.clone();
        if named.is_some() {
            paths.remove(0);
        }
        if paths.is_empty() {
            paths.push(PathBuf::from("."));
        }
        (named, paths)
    }
}
