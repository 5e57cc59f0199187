//! `coaming render`, and the choice of a renderer.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use coaming_config::KubernetesVersion;

/// What renders charts and overlays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Renderer {
    /// Coaming itself: no program is started, and findings point to templates, values and patches.
    #[default]
    BuiltIn,
    /// The `helm`, and the `kustomize` or `kubectl`, on PATH.
    External,
}

// `coaming render`
#[derive(Debug, Args)]
#[command(after_help = "\
The result is that of `helm template`, or for a directory with a kustomization that of `kubectl
kustomize`, byte for byte, except for random values of charts: passwords, keys and certificates are
deterministic placeholders. Nothing is fetched, and no program is started. `lookup` finds nothing,
except with `--cluster`.
Exit codes: 0 rendered; 2 it could not be rendered.

Examples:
  coaming render charts/web
  coaming render -f production.yaml --set image.tag=1.2 charts/web
  coaming render --show-origin charts/web   also where each object is from
  coaming render overlays/prod
  coaming render charts/web | kubectl diff -f -")]
pub struct RenderArguments {
    /// Chart, which is a directory or packed (`.tgz`), or directory of a Kustomize overlay.
    #[arg(value_name = "CHART|OVERLAY")]
    pub path: PathBuf,

    /// Name of the release.
    #[arg(long, value_name = "NAME", default_value = "release-name")]
    pub release_name: String,

    /// Namespace of the release.
    #[arg(short, long, value_name = "NAMESPACE", default_value = "default")]
    pub namespace: String,

    /// Values in a YAML file; of several, later ones win.
    #[arg(short = 'f', long = "values", value_name = "FILE")]
    pub values: Vec<PathBuf>,

    /// Set values: `a.b=1,c={x,y}`.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,

    /// Set values that remain text.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set_string: Vec<String>,

    /// Set values from JSON: `a=[1,2]`, or `{"a": [1,2]}`.
    #[arg(long, value_name = "KEY=JSON")]
    pub set_json: Vec<String>,

    /// Set a value to the content of a file.
    #[arg(long, value_name = "KEY=FILE")]
    pub set_file: Vec<String>,

    /// Kubernetes version that the chart is rendered for: `1.N`, or `latest`.
    #[arg(long, value_name = "1.N")]
    pub kubernetes_version: Option<KubernetesVersion>,

    /// Further API versions that the cluster has, such as `monitoring.coreos.com/v1`.
    #[arg(long, value_name = "VERSION", value_delimiter = ',')]
    pub api_versions: Vec<String>,

    /// Include the custom resource definitions of `crds/`.
    #[arg(long)]
    pub include_crds: bool,

    /// Leave out tests.
    #[arg(long)]
    pub skip_tests: bool,

    /// Let `lookup` in the chart read a live cluster, with your kubeconfig, and render for its
    /// version. Nothing is written, and the values of Secrets are withheld.
    #[cfg(feature = "cluster")]
    #[arg(long)]
    pub cluster: bool,

    /// Context of the kubeconfig (default: the current one).
    #[cfg(feature = "cluster")]
    #[arg(long, value_name = "CONTEXT", requires = "cluster")]
    pub context: Option<String>,

    /// Add the files and lines that each object is from, as comments.
    #[arg(long)]
    pub show_origin: bool,

    /// Write the result to this file.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}
