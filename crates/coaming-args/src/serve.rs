//! `coaming serve`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use coaming_config::KubernetesVersion;

// `coaming serve`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  coaming serve --print-manifests | kubectl apply -f -      install it
  kubectl label namespace shop coaming.dev/mode=enforce     refuse what is unsafe in a namespace
  kubectl delete validatingwebhookconfiguration,mutatingwebhookconfiguration coaming
                                                            the way out: nothing is judged any more

docs/serve.md says more.")]
pub struct ServeArguments {
    /// Print what is applied to install the server, and end.
    #[arg(long)]
    pub print_manifests: bool,

    /// Version of the cluster that the manifests are for.
    #[arg(long, value_name = "VERSION", requires = "print_manifests")]
    pub kubernetes_version: Option<KubernetesVersion>,

    /// Set a value of the manifests, as for the Helm chart.
    #[arg(long, value_name = "KEY=VALUE", requires = "print_manifests")]
    pub set: Vec<String>,

    /// Address to listen on.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:8443")]
    pub listen: SocketAddr,

    /// Name of its Service, ConfigMap, Lease and webhook configurations.
    #[arg(long, value_name = "NAME", default_value = "coaming")]
    pub name: String,

    /// Namespace that it runs in, where nothing is judged.
    #[arg(long, value_name = "NAMESPACE", default_value = "coaming")]
    pub namespace: String,

    /// Context of the kubeconfig (default: the pod's service account, else the current context).
    #[arg(long, value_name = "CONTEXT")]
    pub context: Option<String>,

    /// Run without an API server: every object is judged by itself. Needs `--tls-cert`.
    #[arg(long, requires = "tls_cert", conflicts_with = "context")]
    pub standalone: bool,

    /// Certificate file (PEM), read again when it changes; default: one of its own, in a Secret.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// Key file of the certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Further name or address of its own certificate, for webhooks by URL.
    #[arg(long, value_name = "NAME", conflicts_with = "tls_cert")]
    pub tls_name: Vec<String>,

    /// Lifetime of its own certificate, such as `90d`, `12h` or `600s`.
    #[arg(long, value_name = "DURATION", default_value = "90d", value_parser = duration)]
    pub certificate_lifetime: Duration,

    /// Policy file, in place of the ConfigMap's key `policy.yaml`.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,

    /// Configuration file, in place of the ConfigMap's key `coaming.yaml`.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Deliver secrets from a vault: the image of the agent that is put into pods which are granted
    /// secrets, which is this program's own image.
    #[arg(long, value_name = "IMAGE", conflicts_with = "standalone")]
    pub agent_image: Option<String>,

    /// Let policies with `digests: true` replace tags of images by digests: registries are asked for
    /// them, with the credentials of Docker's configuration.
    #[arg(long)]
    pub ask_registries: bool,

    /// Authority (PEM file) to trust for registries, beside those of the system.
    #[arg(long, value_name = "FILE")]
    pub registry_ca: Vec<PathBuf>,

    /// Judge the whole cluster in the background, and write a policy report for each workload.
    #[arg(long, conflicts_with = "standalone")]
    pub reports: bool,

    /// Show what `coaming scan` and `coaming breach` say of the cluster, at `/report` and `/breach`, to
    /// those who send a token and may list what is shown.
    #[arg(long, conflicts_with = "standalone")]
    pub pages: bool,

    /// Memory that a page may take, in MiB (default: what the container's limit leaves).
    #[arg(long, value_name = "MIB", requires = "pages", value_parser = clap::value_parser!(u32).range(1..))]
    pub page_memory: Option<u32>,

    /// Find out every few minutes whether API servers reach this server, by a dry run that would
    /// create a ConfigMap in this namespace.
    #[arg(long, value_name = "NAMESPACE", conflicts_with = "standalone")]
    pub self_test: Option<String>,

    /// Namespace in which nothing is judged, beside kube-system, kube-node-lease and its own.
    #[arg(long, value_name = "NAMESPACE")]
    pub exclude_namespace: Vec<String>,

    /// User whose pods are copies of what was judged before, beside the controllers of Kubernetes.
    #[arg(long, value_name = "USER")]
    pub controller: Vec<String>,

    /// Time for an answer; afterwards the webhook's failure policy decides. Must be below the
    /// webhook's own timeout, which is 3 s.
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration)]
    pub deadline: Duration,

    /// Time to go on answering after it was asked to stop.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    pub drain: Duration,
}

/// The longest duration: ten years.
const MAX_SECONDS: u64 = 10 * 366 * 24 * 60 * 60;

/// A duration with its unit.
fn duration(text: &str) -> Result<Duration, String> {
    let expected = || format!("`{text}` is not a duration such as 90d, 12h, 30m or 600s");
    let unit = text.char_indices().next_back().ok_or_else(expected)?;
    let seconds = match unit.1 {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return Err(expected()),
    };
    let count: u64 = text.get(..unit.0).unwrap_or_default().parse().map_err(|_| expected())?;
    let total = count.checked_mul(seconds).filter(|total| *total <= MAX_SECONDS);
    total.map(Duration::from_secs).ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("90d"), Ok(Duration::from_secs(7_776_000)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        for text in ["", "5", "d", "-5s", "5 s", "1.5h", "99999999999999999999d", "9999999d", "5ü"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
