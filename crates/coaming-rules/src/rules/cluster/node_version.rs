//! See [`NodeVersion`].

use std::collections::BTreeMap;

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::{Fields as _, Object};
use coaming_yaml::Node;

use crate::context::NEWEST_MINOR;
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, WorldRule};

rule! {
    /// ## What it looks for
    ///
    /// Nodes whose kubelet or containerd gets no security fixes any more, and nodes whose kubelet does not fit the
    /// API server: it is newer, or older by more than three minor versions (two before 1.28).
    ///
    /// ## Why it matters
    ///
    /// A hole in the kubelet or the container runtime gives an attacker in a container the node, and with it
    /// every pod and Secret on it. A kubelet that does not fit the API server is not tested by anyone.
    ///
    /// ## Bad
    ///
    /// The kubelet is too old.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Node
    /// metadata:
    ///   name: node-1
    /// status:
    ///   nodeInfo:
    ///     kubeletVersion: v1.24.17
    ///     containerRuntimeVersion: containerd://2.1.4
    /// ```
    ///
    /// The container runtime is too old.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Node
    /// metadata:
    ///   name: node-1
    /// status:
    ///   nodeInfo:
    ///     kubeletVersion: v1.37.0
    ///     containerRuntimeVersion: containerd://1.4.13
    /// ```
    ///
    /// Several nodes with one version are one finding.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Node
    /// metadata:
    ///   name: node-1
    /// status:
    ///   nodeInfo:
    ///     kubeletVersion: v1.24.17
    ///     containerRuntimeVersion: containerd://2.1.4
    /// ---
    /// apiVersion: v1
    /// kind: Node
    /// metadata:
    ///   name: node-2
    /// status:
    ///   nodeInfo:
    ///     kubeletVersion: v1.24.17
    ///     containerRuntimeVersion: containerd://2.1.4
    /// ```
    ///
    /// ## Good
    ///
    /// Both get fixes.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Node
    /// metadata:
    ///   name: node-1
    /// status:
    ///   nodeInfo:
    ///     kubeletVersion: v1.36.1
    ///     containerRuntimeVersion: containerd://2.1.4
    /// ```
    ///
    /// A provider supports its versions for longer.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Node
    /// metadata:
    ///   name: node-1
    /// status:
    ///   nodeInfo:
    ///     kubeletVersion: v1.32.9-eks-113cf36
    ///     containerRuntimeVersion: containerd://1.7.28
    /// ```
    ///
    /// ## Fix
    ///
    /// Upgrade the nodes one minor version at a time, after the API server.
    ///
    /// ## Limits
    ///
    /// What is supported is known as of the release of Coaming, whose newest Kubernetes is 1.37: it does not ask the
    /// clock or the network. The difference from the API server is known with `--cluster`, or with
    /// `--kubernetes-version`. Kernels are not judged: distributions repair old ones.
    NodeVersion {
        name: "node-version",
        summary: "Node runs a version without security fixes",
        category: Cluster,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Preview,
        standards: [Nsa("Upgrading and application security practices"), Attack("T1068")],
    }
}

/// How many minor versions before the newest one get fixes upstream, and from a provider that
/// sells support for longer.
const SUPPORTED: u32 = 3;
const SUPPORTED_BY_PROVIDER: u32 = 6;
/// The oldest minor version of containerd 1 with fixes.
const OLDEST_CONTAINERD: u32 = 6;

impl WorldRule for NodeVersion {
    const META: &'static RuleMeta = Self::RULE;
    const REVIEWS: bool = false;

    fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
        let api_server = context.settings.config.kubernetes_version.map(|version| version.minor());
        let mut problems: BTreeMap<String, Vec<(Object<'_>, Node<'_>)>> = BTreeMap::new();
        for object in context.world.of_kind("Node").filter(|node| node.group().is_empty()) {
            let info = object.node().mapping("status").mapping("nodeInfo");
            let kubelet = info.field("kubeletVersion");
            if let Some((problem, node)) = kubelet.and_then(|it| of_kubelet(it, api_server)) {
                problems.entry(problem).or_default().push((object, node));
            }
            let runtime = info.field("containerRuntimeVersion");
            if let Some((problem, node)) = runtime.and_then(of_runtime) {
                problems.entry(problem).or_default().push((object, node));
            }
        }
        findings.extend(
            problems.iter().filter_map(|(problem, nodes)| of_nodes(context, problem, nodes)),
        );
    }
}

/// One finding for all nodes with the same problem: they are upgraded together.
fn of_nodes<'a>(
    context: &Context<'a>,
    problem: &str,
    nodes: &[(Object<'a>, Node<'a>)],
) -> Option<Finding> {
    let ((first, node), rest) = nodes.split_first()?;
    let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    let message = format!("node `{}`{more} runs {problem}", first.name());
    let mut draft = context.finding(NodeVersion::RULE, *first, *node, message);
    for (object, node) in rest {
        draft = draft.also(context, *object, *node, "the same version");
    }
    Some(
        draft
            .why(
                "A hole in the kubelet or the runtime gives an attacker in a container the node, with \
                 every pod and Secret on it.",
            )
            .help("Upgrade the nodes one minor version at a time, after the API server.")
            .manual(
                "upgrade the nodes",
                "kubectl drain NODE --ignore-daemonsets\n# upgrade it, then:\nkubectl uncordon NODE\n",
            )
            .done(),
    )
}

fn of_kubelet(node: Node<'_>, api_server: Option<u32>) -> Option<(String, Node<'_>)> {
    let version = node.as_str()?;
    let minor = minor(version.strip_prefix("v1.")?)?;
    let is_of_provider =
        ["-eks-", "-gke.", "+rke2", "-aliyun"].iter().any(|it| version.contains(it));
    let supported = if is_of_provider { SUPPORTED_BY_PROVIDER } else { SUPPORTED };
    let oldest = NEWEST_MINOR - supported;
    let behind = |server: u32| if server < 28 { 2 } else { 3 };
    let problem = match api_server {
        Some(server) if minor > server => {
            format!("kubelet {version}, which is newer than the API server (1.{server})")
        }
        Some(server) if minor + behind(server) < server => {
            format!("kubelet {version}, which is too old for the API server (1.{server})")
        }
        _ if minor < oldest => {
            format!(
                "kubelet {version}, which gets no security fixes (the oldest that does is 1.{oldest})"
            )
        }
        _ => return None,
    };
    Some((problem, node))
}

fn of_runtime(node: Node<'_>) -> Option<(String, Node<'_>)> {
    let version = node.as_str()?.strip_prefix("containerd://")?;
    let minor = minor(version.strip_prefix("1.")?)?;
    let problem = format!("containerd {version}, which gets no security fixes");
    (minor < OLDEST_CONTAINERD).then_some((problem, node))
}

/// The number at the beginning of a text.
fn minor(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}
