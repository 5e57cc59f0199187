//! Signs that a pod uses its service account token: a client of the Kubernetes API among its
//! images, commands, variables and configuration.
//!
//! Invariants: [`TokenUse::None`] is said only of pods none of whose texts mentions Kubernetes'
//! API, as a fix that takes the token away is safe there; words are compared whole, or a service
//! named `helmet` would be a client.

use coaming_kube::{Container, Fields as _, PodSpec, Workload, World};
use coaming_oci::Reference;

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
const PROGRAMS: &[&str] = &[
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

/// Images whose programs are clients of the Kubernetes API, by the last part of their names.
const IMAGES: &[&str] = &[
    "activator",
    "actions-runner",
    "agent",
    "airflow",
    "alloy",
    "ambassador",
    "argocd",
    "argocli",
    "argoexec",
    "autoscaler",
    "aws-node",
    "botkube",
    "cassandra",
    "cilium",
    "cloudnative-pg",
    "cluster-agent",
    "cluster-proportional-autoscaler-amd64",
    "configmap-reload",
    "consul",
    "consul-k8s",
    "consul-k8s-control-plane",
    "contour",
    "coredns",
    "cost-model",
    "dashboard",
    "datadog-agent",
    "descheduler",
    "elastic-agent",
    "emissary",
    "eventrouter",
    "external-dns",
    "external-secrets",
    "falco",
    "filebeat",
    "flannel",
    "flink",
    "fluent-bit",
    "fluent-bit-plus",
    "fluentd",
    "fluentd-elasticsearch",
    "fluentd-kubernetes-daemonset",
    "gatekeeper",
    "gitlab-runner",
    "gloo",
    "grafana-agent",
    "hazelcast",
    "hyperkube",
    "infrastructure",
    "infrastructure-k8s",
    "k3s",
    "origin",
    "prometheus-to-sd",
    "headlamp",
    "heapster",
    "ignite",
    "infinispan",
    "inbound-agent",
    "install-cni",
    "jenkins",
    "jupyterhub",
    "k8s-hub",
    "k8s-sidecar",
    "karpenter",
    "keda",
    "keycloak",
    "kiali",
    "kong",
    "kured",
    "kyverno",
    "kyvernopre",
    "linkerd-await",
    "logstash",
    "longhorn-manager",
    "metricbeat",
    "metrics-server",
    "mongo-k8s-sidecar",
    "node-problem-detector",
    "nri-kubernetes",
    "oneagent",
    "opencost",
    "opentelemetry-collector",
    "opentelemetry-collector-contrib",
    "opentelemetry-collector-k8s",
    "otelcol",
    "patroni",
    "pilot",
    "policy-controller",
    "polaris",
    "popeye",
    "prometheus",
    "promtail",
    "proxyv2",
    "reloader",
    "rancher",
    "rancher-agent",
    "rabbitmq",
    "robusta-runner",
    "sealed-secrets",
    "scope",
    "spark",
    "speaker",
    "spilo",
    "spire-agent",
    "spire-server",
    "stolon",
    "telegraf",
    "tiller",
    "traefik",
    "typha",
    "vault",
    "vault-k8s",
    "vector",
    "velero",
    "vmagent",
    "weave-kube",
    "wildfly",
    "workflow-controller",
    "ztunnel",
];

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
const HINTS: &[&str] = &["ingress", "k8s", "kubernetes", "leader", "manager", "mesh", "vault"];

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
    let variables = container.node().list("env").map(|variable| {
        let name = variable.string("name").unwrap_or_default();
        let value = variable.string("value").map_or(TokenUse::None, of_text);
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
    image.max(name).max(texts.chain(variables).max().unwrap_or(TokenUse::None))
}

fn of_image(text: &str) -> TokenUse {
    let Ok(reference) = Reference::parse(text) else { return TokenUse::Possible };
    let repository = reference.repository();
    let name = repository.rsplit('/').next().unwrap_or_default();
    // `spilo-16` is Spilo of PostgreSQL 16.
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '.'));
    if IMAGES.contains(&name) || PROGRAMS.contains(&name) || name.starts_with("kube") {
        return TokenUse::Shown;
    }
    of_words(repository)
}

/// By the words of a name.
fn of_words(name: &str) -> TokenUse {
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
    if option.len() < argument.len() && OPTIONS.iter().any(|known| option.starts_with(known)) {
        return TokenUse::Shown;
    }
    of_text(argument)
}

/// By a longer text: programs and what only clients mention.
fn of_text(text: &str) -> TokenUse {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let runs = |word: &str| PROGRAMS.contains(&word);
    if TEXTS.iter().any(|known| text.contains(known)) {
        return TokenUse::Shown;
    }
    // Words between slashes count one by one: `/usr/local/bin/kubectl`.
    let mut words = text.split(|c: char| !is_word(c)).filter(|word| !word.is_empty());
    if words.any(|word| runs(word) || matches!(of_program(word), TokenUse::Shown)) {
        return TokenUse::Shown;
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

/// By the ConfigMaps that the pod mounts or takes variables from, as far as the input has them.
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
        .filter_map(|name| world.find("ConfigMap", namespace, name))
        .flat_map(|map| map.node().pairs("data"))
        .filter_map(|entry| entry.value.as_str())
        .map(of_text)
        .max()
        .unwrap_or(TokenUse::None)
}
