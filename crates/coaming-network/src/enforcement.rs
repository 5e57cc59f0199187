//! Whether the cluster's network plugin applies NetworkPolicies: Kubernetes accepts them even where
//! nothing does.
//!
//! Invariant: a plugin is only said to ignore policies if it is known to, and nothing else in the
//! world applies them. Everything else is [`Enforcement::Unknown`].

use coaming_kube::{Object, World};

/// Who applies the NetworkPolicies of a cluster.
#[derive(Clone, Copy, Debug)]
pub enum Enforcement<'a> {
    /// This object does: a DaemonSet, or a node that says so.
    Applied(Object<'a>),
    /// Nobody does: this is the network plugin, or a node of a provider that shows it.
    Ignored(Object<'a>),
    /// No network plugin is in the world, or it is not known.
    Unknown,
}

/// Names of DaemonSets, and parts of images, that apply policies.
const APPLY: &[&str] = &[
    "anetd",
    "antrea",
    "azure-npm",
    "calico-node",
    "calico/node",
    "canal",
    "cilium",
    "kube-network-policies",
    "kube-ovn",
    "kube-router",
    "multus-networkpolicy",
    "ovnkube-node",
    "openshift-sdn",
    "romana",
    "terway",
    "weave-npc",
    "weave-net",
];

/// Who applies the NetworkPolicies of a world.
#[must_use]
pub fn enforcement(world: &World) -> Enforcement<'_> {
    let mut ignoring = None;
    for object in world.of_kind("DaemonSet") {
        match of_daemon_set(world, object) {
            Some(true) => return Enforcement::Applied(object),
            Some(false) => ignoring = ignoring.or(Some(object)),
            None => {}
        }
    }
    let nodes = || world.of_kind("Node").filter(|node| node.group().is_empty());
    // k3s has flannel and a policy controller in itself.
    let k3s = nodes().find_map(|node| Some((node, k3s_applies(node)?)));
    match (k3s, ignoring) {
        (Some((node, true)), _) => Enforcement::Applied(node),
        (Some((node, false)), None) => Enforcement::Ignored(node),
        (_, Some(object)) => Enforcement::Ignored(object),
        (None, None) => Enforcement::Unknown,
    }
}

/// Whether a DaemonSet is a network plugin, and applies policies.
fn of_daemon_set(world: &World, object: Object<'_>) -> Option<bool> {
    let containers = || {
        world
            .workloads_of(object)
            .flat_map(|workload| workload.pod().containers().collect::<Vec<_>>())
    };
    let applies = |text: &str| APPLY.iter().any(|part| text.contains(part));
    if applies(object.name()) || containers().any(|it| it.image().is_some_and(applies)) {
        return Some(true);
    }
    if object.name().starts_with("kube-flannel") {
        return Some(false);
    }
    if object.name() == "aws-node" {
        // The agent is always there since 1.14, and applies policies if it is asked to.
        let mut agents = containers()
            .filter(|it| it.image().is_some_and(|image| image.contains("network-policy-agent")));
        let is_on = |word: &str| word == "--enable-network-policy=true";
        return Some(agents.any(|agent| agent.args().any(is_on)));
    }
    if object.name() == "kindnet" {
        return containers().find_map(|it| kindnet_applies(it.image()?));
    }
    None
}

/// Kind's own plugin applies policies since version 0.24: tags begin with a date.
fn kindnet_applies(image: &str) -> Option<bool> {
    let date = image.rsplit_once(":v")?.1.get(..8)?;
    let date: u32 = date.parse().ok()?;
    Some(date >= 20_240_813)
}

/// The arguments of the k3s server on a node, as k3s notes them; `None` for other nodes.
#[must_use]
pub fn k3s_server_arguments(node: Object<'_>) -> Option<Vec<String>> {
    let arguments: Vec<String> = serde_json::from_str(node.annotation("k3s.io/node-args")?).ok()?;
    arguments.first().is_some_and(|command| command == "server").then_some(arguments)
}

/// Whether k3s applies policies on its nodes; `None` for other nodes, and other plugins in k3s.
fn k3s_applies(node: Object<'_>) -> Option<bool> {
    let arguments = k3s_server_arguments(node)?;
    let has_other_plugin =
        arguments.windows(2).any(|pair| pair[0] == "--flannel-backend" && pair[1] == "none");
    let is_off = arguments.iter().any(|word| word == "--disable-network-policy");
    (!has_other_plugin).then_some(!is_off)
}

#[cfg(test)]
mod tests {
    use super::*;
    use coaming_kube::Source;

    fn answer(text: &str) -> &'static str {
        let stream = coaming_yaml::parse(text.into());
        let world = World::new(vec![Source::new("a.yaml", stream.source, stream.documents)]);
        match enforcement(&world) {
            Enforcement::Applied(_) => "applied",
            Enforcement::Ignored(_) => "ignored",
            Enforcement::Unknown => "unknown",
        }
    }

    fn daemon_set(name: &str, image: &str, arguments: &str) -> String {
        format!(
            "---\napiVersion: apps/v1\nkind: DaemonSet\nmetadata: {{name: {name}, namespace: kube-system}}\n\
             spec: {{template: {{spec: {{containers: [{{name: a, image: '{image}', args: [{arguments}]}}]}}}}}}\n"
        )
    }

    #[test]
    fn known_plugins() {
        let flannel = daemon_set("kube-flannel-ds", "ghcr.io/flannel-io/flannel:v0.26.1", "");
        let policies = daemon_set(
            "kube-network-policies",
            "registry.k8s.io/networking/kube-network-policies:v1.0.0",
            "",
        );
        let agent =
            "602401143452.dkr.ecr.us-west-2.amazonaws.com/amazon/aws-network-policy-agent:v1.2.1";
        let node = |arguments: &str| {
            format!(
                "---\napiVersion: v1\nkind: Node\nmetadata: {{name: a, annotations: {{k3s.io/node-args: '{arguments}'}}}}\n"
            )
        };
        for (text, expected) in [
            (flannel.clone(), "ignored"),
            (format!("{flannel}{policies}"), "applied"),
            (daemon_set("cilium", "quay.io/cilium/cilium:v1.18.1", ""), "applied"),
            (daemon_set("node", "docker.io/calico/node:v3.30.0", ""), "applied"),
            (daemon_set("aws-node", agent, "--enable-network-policy=true"), "applied"),
            (daemon_set("aws-node", agent, "--enable-network-policy=false"), "ignored"),
            (daemon_set("kindnet", "docker.io/kindest/kindnetd:v20230511-dc714da8", ""), "ignored"),
            (daemon_set("kindnet", "docker.io/kindest/kindnetd:v20250512-df8de77b", ""), "applied"),
            (daemon_set("kube-proxy", "registry.k8s.io/kube-proxy:v1.34.2", ""), "unknown"),
            (node("[\"server\"]"), "applied"),
            (node("[\"server\",\"--disable-network-policy\"]"), "ignored"),
            (node("[\"server\",\"--flannel-backend\",\"none\"]"), "unknown"),
            (node("[\"agent\"]"), "unknown"),
        ] {
            assert_eq!(answer(&text), expected, "{text}");
        }
    }
}
