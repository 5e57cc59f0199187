//! `coaming export`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use coaming_config::KubernetesVersion;

use super::InputArguments;

// `coaming export`
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// What to write.
    #[command(subcommand)]
    pub command: ExportCommand,
}

// What `coaming export` can write.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum ExportCommand {
    /// Write rules as ValidatingAdmissionPolicies with bindings, for clusters without the webhook.
    Vap(VapArguments),
    /// Plan Pod Security labels: the level that each namespace passes today, and what keeps it from
    /// the next.
    Psa(PsaArguments),
}

// `coaming export vap`
#[derive(Debug, Args)]
#[command(after_help = "\
A policy refuses exactly the objects in which its rule finds something. Rules that CEL cannot express
are listed at the top of the output, each with the reason; `coaming serve` has all of them.
Namespaces are warned, until a label says something else:
  kubectl label namespace NAME coaming.dev/mode=enforce      (or audit, or disabled)

Examples:
  coaming export vap | kubectl apply -f -
  coaming export vap --select privileged,host-namespaces,host-path --mode enforce | kubectl apply -f -
  coaming export vap --as manifest --output /etc/kubernetes/admission/coaming.yaml")]
pub struct VapArguments {
    /// Write only these rules or categories (or ALL).
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub select: Vec<String>,

    /// Leave out these rules or categories.
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub ignore: Vec<String>,

    /// Use this configuration file instead of the nearest `coaming.yaml` at or above the current
    /// directory: which rules run, and which registries are allowed.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// How the API server gets the policies.
    #[arg(long = "as", value_name = "FORM", value_enum, default_value_t = VapForm::Objects)]
    pub form: VapForm,

    /// What happens in namespaces without the label `coaming.dev/mode`.
    #[arg(long, value_name = "MODE", value_enum, default_value_t = VapMode::Warn)]
    pub mode: VapMode,

    /// Never judge this namespace, besides `kube-system` and `kube-node-lease`; may be repeated.
    #[arg(long, value_name = "NAMESPACE")]
    pub exclude_namespace: Vec<String>,

    /// Also do not judge what this user makes for an owner, as it is a copy of what was judged
    /// (`system:serviceaccount:NAMESPACE:NAME`); may be repeated.
    #[arg(long, value_name = "USER")]
    pub controller: Vec<String>,

    /// Format of the output.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = VapFormat::Yaml)]
    pub format: VapFormat,

    /// Write to this file instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// How the API server gets policies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum VapForm {
    /// As objects: `kubectl apply` (Kubernetes 1.30 and later).
    #[default]
    Objects,
    /// As a file in the API server's `staticManifestsDir` (1.36 and later), which nobody can change
    /// through the API.
    Manifest,
}

/// What happens with an object that a policy refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum VapMode {
    /// It is refused.
    Enforce,
    /// The user sees a warning.
    #[default]
    Warn,
    /// The audit log records it.
    Audit,
}

/// Formats of `coaming export vap`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum VapFormat {
    /// Objects to apply.
    #[default]
    Yaml,
    /// Machine-readable, with the rules that are left out.
    Json,
}

// `coaming export psa`
#[derive(Debug, Args)]
#[command(after_help = "\
Pods are judged as Kubernetes' own Pod Security admission judges them. Nothing is written to the cluster.

Examples:
  coaming export psa --cluster
  coaming export psa --cluster --format yaml | kubectl apply --server-side --field-manager=coaming -f -
  coaming export psa --kubernetes-version 1.29 deploy/")]
pub struct PsaArguments {
    /// Where the workloads are.
    #[command(flatten)]
    pub inputs: InputArguments,

    /// Version of the policy: `1.N`, or `latest` (default: that of the cluster, or the newest).
    #[arg(long, value_name = "1.N")]
    pub kubernetes_version: Option<KubernetesVersion>,

    /// Format of the output.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = PsaFormat::Text)]
    pub format: PsaFormat,

    /// Write to this file instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Formats of `coaming export psa`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PsaFormat {
    /// The plan, with the commands that set the labels.
    #[default]
    Text,
    /// Namespaces with their labels, for a server-side apply.
    Yaml,
    /// Machine-readable.
    Json,
}
