//! Signs that a pod uses its service account token: a client of the Kubernetes API among its
//! images, commands, variables and configuration.
//!
//! Invariants: [`TokenUse::None`] is said only of pods none of whose texts mentions Kubernetes'
//! API, as a fix that takes the token away is safe there; words are compared whole, or a service
//! named `helmet` would be a client.

use coaming_kube::{Container, Fields as _, PodSpec, Workload, World};
use coaming_yaml::Node;

use super::client_images::of_image;
use crate::rules::injection::{Injection, injection_of};

/// What a pod's manifest shows of the use of its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TokenUse {
    /// Nothing points to a use.
    None,
    /// Something may use it.
    Possible,
    /// Something uses it.
    Shown,
}

/// Programs that talk to the Kubernetes API.
pub(super) const PROGRAMS: &[&str] = &[
    "argo",
    "argocd",
    "argoexec",
    "calicoctl",
    "cilium",
    "cmctl",
    "consul-k8s",
    "consul-k8s-control-plane",
    "crossplane",
    "flux",
    "helm",
    "helmfile",
    "istioctl",
    "k9s",
    "kapp",
    "kn",
    "kubeadm",
    "kubectl",
    "kubelet",
    "kubeseal",
    "kustomize",
    "linkerd",
    "oc",
    "skaffold",
    "stern",
    "tilt",
    "tkn",
    "velero",
    "werf",
];

/// Programs that talk to the Kubernetes API where their own files say so.
const POSSIBLE: &[&str] = &[
    "airflow",
    "ansible-playbook",
    "ansible-runner",
    "aws-iam-authenticator",
    "consul",
    "crictl",
    "ct",
    "dagster",
    "dagster-daemon",
    "devspace",
    "flytepropeller",
    "garden",
    "gradle",
    "gradlew",
    "jupyterhub",
    "lease",
    "leases",
    "mvn",
    "nextflow",
    "patroni",
    "prefect",
    "pulumi",
    "ray",
    "snakemake",
    "spark-submit",
    "terraform",
    "terragrunt",
    "tofu",
    "vcluster",
];

/// Parts of options of programs that may be clients.
const POSSIBLE_OPTIONS: &[&str] = &[
    "vault-role",
    "lease-",
    "lock-object",
    "--master",
    "leader",
    "service-account",
    "serviceaccount",
];

/// The usual addresses of the API server, of the service network's default ranges.
const ADDRESSES: &[&str] =
    &["10.96.0.1", "10.43.0.1", "10.152.183.1", "10.100.0.1", "10.0.0.1:443", "172.30.0.1"];

/// Words of the names of images, containers and programs that are clients by their purpose.
const PURPOSES: &[&str] = &[
    "admission",
    "autoscaler",
    "cni",
    "controller",
    "controllers",
    "csi",
    "helm",
    "injector",
    "kubectl",
    "operator",
    "provisioner",
    "scheduler",
    "webhook",
];

/// Words that may be about the Kubernetes API.
const HINTS: &[&str] = &[
    "agent",
    "cleaner",
    "cluster",
    "configmap",
    "configmaps",
    "cronjob",
    "cronjobs",
    "deploy",
    "deployer",
    "discovery",
    "drainer",
    "evictor",
    "gateway",
    "ingress",
    "janitor",
    "job",
    "jobs",
    "k8s",
    "kubernetes",
    "leader",
    "manager",
    "mesh",
    "namespace",
    "namespaces",
    "nodes",
    "oauth",
    "pod",
    "pods",
    "reaper",
    "reloader",
    "rollout",
    "runner",
    "scaler",
    "secret",
    "secrets",
    "sidecar",
    "vault",
];

/// Beginnings of options of clients.
const OPTIONS: &[&str] = &[
    "apiserver",
    "election-",
    "enable-leader-election",
    "in-cluster",
    "incluster",
    "k8s",
    "kube",
    "kubernetes",
    "leader-elect",
    "publish-service",
    "watch-namespace",
];

/// Texts in commands, variables and configuration that only clients have.
const TEXTS: &[&str] = &[
    "/run/secrets/kubernetes.io",
    "KUBERNETES_PORT",
    "KUBERNETES_SERVICE_",
    "kubernetes.default",
    "kubernetes_sd",
    "InClusterConfig",
    "in_cluster",
    "incluster",
    "kube_config",
    "dns.kubernetes",
    "auth/kubernetes",
    "rabbit_peer_discovery_k8s",
    "KUBE_PING",
];

/// What the pods of a workload show.
pub(super) fn token_use(world: &World, workload: Workload<'_>, injectable: bool) -> TokenUse {
    let injected = match injection_of(world, workload, injectable) {
        Injection::Asked => return TokenUse::Shown,
        Injection::Possible => TokenUse::Possible,
        Injection::None => TokenUse::None,
    };
    let pod = workload.pod();
    let of_containers = pod.containers().map(of_container).max().unwrap_or(TokenUse::None);
    if of_containers == TokenUse::Shown {
        return TokenUse::Shown;
    }
    let agent = if is_agent(workload) { TokenUse::Possible } else { TokenUse::None };
    injected.max(of_containers).max(agent).max(of_configuration(world, workload, pod))
}

/// Whether the pods look like agents of the nodes, which often ask the API about pods.
fn is_agent(workload: Workload<'_>) -> bool {
    let pod = workload.pod();
    workload.object.kind() == "DaemonSet"
        || workload.object.namespace() == "kube-system"
        || pod.host_pid()
        || pod.host_network()
}

fn of_container(container: Container<'_>) -> TokenUse {
    let image = container.image().map_or(TokenUse::None, of_image);
    let texts = container.command().chain(container.args()).map(of_command);
    // A hook or a probe may run a client, and a path may be the token's.
    let others = ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe", "volumeMounts"]
        .into_iter()
        .filter_map(|field| container.node().field(field))
        .flat_map(Node::descendants)
        .filter_map(Node::as_str)
        .chain(container.node().string("workingDir"))
        .map(of_text);
    let variables = container.node().list("env").map(|variable| {
        let name = variable.string("name").unwrap_or_default();
        let value = variable.string("value").map_or(TokenUse::None, of_text);
        // `SPRING_CLOUD_KUBERNETES_ENABLED: "true"`, `VAULT_AUTH_METHOD: kubernetes`
        let is_asked = variable.string("value").is_some_and(|value| {
            let is_on = matches!(value, "true" | "True" | "TRUE" | "1" | "yes" | "on" | "enabled");
            name.contains("KUBERNETES") && is_on || name.contains("VAULT_") && value == "kubernetes"
        });
        if is_asked {
            return TokenUse::Shown;
        }
        let field = variable.mapping("valueFrom").mapping("fieldRef").string("fieldPath");
        let hint = ["KUBE", "K8S", "VAULT_", "WATCH_NAMESPACE", "OPERATOR_"];
        // Members of a cluster find each other through the API by their namespace.
        let possible = hint.iter().any(|hint| name.contains(hint))
            || matches!(field, Some("metadata.namespace" | "spec.serviceAccountName"));
        value.max(if possible { TokenUse::Possible } else { TokenUse::None })
    });
    let name = match of_words(container.name()) {
        // The name of a container says less than its image's.
        TokenUse::Shown => TokenUse::Possible,
        other => other,
    };
    let texts = texts.chain(others).chain(variables);
    image.max(name).max(texts.max().unwrap_or(TokenUse::None))
}

/// By the words of a name.
pub(super) fn of_words(name: &str) -> TokenUse {
    let words = || name.split(|c: char| !c.is_ascii_alphanumeric());
    if words().any(|word| PURPOSES.contains(&word)) {
        TokenUse::Shown
    } else if words().any(|word| HINTS.contains(&word) || word.starts_with("kube")) {
        TokenUse::Possible
    } else {
        TokenUse::None
    }
}

/// By an argument, which may be a script, an option or a program.
fn of_command(argument: &str) -> TokenUse {
    let option = argument.trim_start_matches('-');
    let is_option = option.len() < argument.len();
    let option = option.to_ascii_lowercase();
    if is_option && OPTIONS.iter().any(|known| option.starts_with(known)) {
        return TokenUse::Shown;
    }
    of_text(argument)
}

/// By a longer text: programs and what only clients mention.
fn of_text(text: &str) -> TokenUse {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    // `helm3` and `kubectl.sh` are what they start with.
    let runs = |word: &str| {
        let name = word.strip_suffix(".sh").unwrap_or(word);
        PROGRAMS.contains(&name.trim_end_matches(|c: char| c.is_ascii_digit()))
            || name.starts_with("kubectl")
    };
    if TEXTS.iter().any(|known| text.contains(known)) {
        return TokenUse::Shown;
    }
    // Words between slashes count one by one: `/usr/local/bin/kubectl`.
    let mut words = text.split(|c: char| !is_word(c)).filter(|word| !word.is_empty());
    if words.clone().any(|word| runs(word) || matches!(of_program(word), TokenUse::Shown)) {
        return TokenUse::Shown;
    }
    let possible = words.any(|word| POSSIBLE.contains(&word) || word.starts_with("kube"))
        || POSSIBLE_OPTIONS.iter().chain(ADDRESSES).any(|part| text.contains(part));
    if possible {
        return TokenUse::Possible;
    }
    let lower = text.to_ascii_lowercase();
    let mentions = ["kubernetes", "k8s", "kubeconfig", "kube-api"];
    if mentions.iter().any(|word| lower.contains(word)) {
        TokenUse::Possible
    } else {
        TokenUse::None
    }
}

/// By a program's name: `manager-operator` is an operator, prose with the word is not.
fn of_program(word: &str) -> TokenUse {
    let mut parts = word.split(['-', '_']);
    let is_compound = word.contains(['-', '_']);
    if is_compound && parts.any(|part| matches!(part, "operator" | "controller" | "kubectl")) {
        TokenUse::Shown
    } else {
        TokenUse::None
    }
}

/// By the ConfigMaps that the pod mounts or takes variables from; one that the input does not have
/// may contain anything.
fn of_configuration(world: &World, workload: Workload<'_>, pod: PodSpec<'_>) -> TokenUse {
    let namespace = workload.object.namespace_or_default();
    let mounted = pod.volumes().flat_map(|volume| {
        let own = volume.source("configMap").string("name");
        let projected = volume.source("projected").list("sources");
        own.into_iter().chain(projected.filter_map(|it| it.mapping("configMap").string("name")))
    });
    let variables = pod.containers().flat_map(|container| {
        let all = container.node().list("envFrom");
        let one = container.node().list("env").filter_map(|variable| {
            variable.mapping("valueFrom").mapping("configMapKeyRef").string("name")
        });
        all.filter_map(|source| source.mapping("configMapRef").string("name")).chain(one)
    });
    mounted
        .chain(variables)
        .map(|name| {
            let Some(map) = world.find("ConfigMap", namespace, name) else {
                return TokenUse::Possible;
            };
            // A value that is not a text is a manifest, which something applies.
            let of_value = |value: Node<'_>| value.as_str().map_or(TokenUse::Possible, of_text);
            let values = map.node().pairs("data").map(|entry| of_value(entry.value));
            values.max().unwrap_or(TokenUse::None)
        })
        .max()
        .unwrap_or(TokenUse::None)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use coaming_kube::Source;

    use super::*;

    fn use_of(container: &str, spec: &str) -> TokenUse {
        let text = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a, namespace: b}}\nspec:\n  containers: [{{name: a, {container}}}]\n{spec}"
        );
        let stream = coaming_yaml::parse(Arc::from(text.as_str()));
        let world = World::new(vec![Source::new("a.yaml", stream.source, stream.documents)]);
        let workload = world.workloads().next().unwrap();
        token_use(&world, workload, false)
    }

    const OWN: &str = "image: 'registry.example.com/web:1'";

    #[test]
    fn hooks_probes_and_mounts_count() {
        for (fields, expected) in [
            ("lifecycle: {preStop: {exec: {command: [sh, -c, kubectl drain x]}}}", TokenUse::Shown),
            (
                "livenessProbe: {exec: {command: [curl, 'https://kubernetes.default/']}}",
                TokenUse::Shown,
            ),
            (
                "volumeMounts: [{name: t, mountPath: /var/run/secrets/kubernetes.io/serviceaccount}]",
                TokenUse::Shown,
            ),
            (
                "workingDir: /var/run/secrets/kubernetes.io/serviceaccount, command: [cat, token]",
                TokenUse::Shown,
            ),
            (
                "env: [{name: SPRING_CLOUD_KUBERNETES_CONFIG_ENABLED, value: 'true'}]",
                TokenUse::Shown,
            ),
            ("env: [{name: VAULT_AUTH_METHOD, value: kubernetes}]", TokenUse::Shown),
            ("env: [{name: KUBERNETES_ENABLED, value: 'false'}]", TokenUse::Possible),
            ("args: [--inCluster]", TokenUse::Shown),
            ("args: [airflow, scheduler]", TokenUse::Possible),
            ("args: ['--lock=leases']", TokenUse::Possible),
            ("command: [kubent]", TokenUse::Possible),
            ("readinessProbe: {httpGet: {path: /ready, port: 80}}", TokenUse::None),
        ] {
            assert_eq!(use_of(&format!("{OWN}, {fields}"), ""), expected, "{fields}");
        }
    }

    #[test]
    fn names_of_images_say_what_they_do() {
        for (image, expected) in [
            ("gcr.io/acme-prod/pod-reaper:1", TokenUse::Possible),
            ("acme.azurecr.io/job-runner:1", TokenUse::Possible),
            ("registry.redhat.io/openshift4/ose-oauth-proxy:4", TokenUse::Possible),
            ("node:22", TokenUse::None),
            ("prom/node-exporter:v1", TokenUse::None),
            ("registry.example.com/node-app:1", TokenUse::None),
            ("registry.example.com/helmet:1", TokenUse::None),
        ] {
            assert_eq!(use_of(&format!("image: '{image}'"), ""), expected, "{image}");
        }
    }

    #[test]
    fn a_config_map_that_is_not_there_may_configure_a_client() {
        let volume = "  volumes: [{name: c, configMap: {name: c}}]\n";
        assert_eq!(use_of(OWN, volume), TokenUse::Possible);
        let with = |data: &str| {
            format!(
                "{volume}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c, namespace: b}}\ndata: {{c: '{data}'}}\n"
            )
        };
        assert_eq!(use_of(OWN, &with("port: 80")), TokenUse::None);
        assert_eq!(use_of(OWN, &with("kubernetes_sd_configs: []")), TokenUse::Shown);
    }
}
