//! What is known of images: which of them talk to the Kubernetes API, and which never do.
//!
//! Invariants: an image that others publish and that is in no table is a [`TokenUse::Possible`]
//! client, as its roles may be installed by somebody else; an image of a registry of one's own is
//! judged by its name alone, as its roles are in one's own manifests. What it does is not known: the
//! token may be a proof of identity to something else than the API server.

use coaming_oci::Reference;

use super::token_use::{PROGRAMS, TokenUse, of_words};

/// Images whose programs are clients of the Kubernetes API, by the last part of their names.
const CLIENTS: &[&str] = &[
    "act_runner",
    "activator",
    "actions-runner",
    "addon-resizer",
    "addon-resizer-amd64",
    "agent",
    "agentk",
    "airflow",
    "alloy",
    "ambassador",
    "argo-events",
    "argo-rollouts",
    "argocd",
    "argocd-image-updater",
    "argocli",
    "argoexec",
    "armada-executor",
    "autocert",
    "autoscaler",
    "aws-node",
    "botkube",
    "camel-k",
    "cassandra",
    "chaoskube",
    "che-server",
    "cilium",
    "cloudnative-pg",
    "cluster-agent",
    "cluster-proportional-autoscaler-amd64",
    "coder",
    "configmap-reload",
    "consul",
    "consul-k8s",
    "consul-k8s-control-plane",
    "contour",
    "coredns",
    "cost-model",
    "dagster-k8s",
    "daprd",
    "dashboard",
    "datadog-agent",
    "descheduler",
    "drone-runner-kube",
    "elastic-agent",
    "emissary",
    "eventrouter",
    "external-dns",
    "external-secrets",
    "falco",
    "filebeat",
    "fission-bundle",
    "flagger",
    "flannel",
    "fleet-agent",
    "flink",
    "fluent-bit",
    "fluent-bit-plus",
    "fluentd",
    "fluentd-elasticsearch",
    "fluentd-kubernetes-daemonset",
    "gatekeeper",
    "gitlab-agent",
    "gitlab-runner",
    "gloo",
    "goldilocks",
    "grafana-agent",
    "hazelcast",
    "headlamp",
    "heapster",
    "homepage",
    "hyperkube",
    "ignite",
    "inbound-agent",
    "infinispan",
    "infrastructure",
    "infrastructure-k8s",
    "install-cni",
    "jenkins",
    "jupyterhub",
    "k3s",
    "k8s",
    "k8s-hub",
    "k8s-sidecar",
    "k8s-wait-for",
    "k8up",
    "karmada-agent",
    "karpenter",
    "keda",
    "keycloak",
    "kgateway",
    "kiali",
    "kong",
    "kotsadm",
    "kured",
    "kyverno",
    "kyvernopre",
    "leader-elector",
    "linkerd-await",
    "liqonet",
    "logstash",
    "longhorn-manager",
    "metricbeat",
    "metrics-scraper",
    "metrics-server",
    "mongo-k8s-sidecar",
    "netdata",
    "node-feature-discovery",
    "node-problem-detector",
    "nri-kubernetes",
    "octant",
    "oneagent",
    "opencost",
    "opentelemetry-collector",
    "opentelemetry-collector-contrib",
    "opentelemetry-collector-k8s",
    "origin",
    "otelcol",
    "patroni",
    "pilot",
    "policy-controller",
    "polaris",
    "popeye",
    "portainer",
    "portainer-ce",
    "portainer-ee",
    "prometheus",
    "prometheus-adapter",
    "prometheus-to-sd",
    "promtail",
    "proxyv2",
    "rabbitmq",
    "rancher",
    "rancher-agent",
    "reloader",
    "replicated-sdk",
    "robusta-runner",
    "scope",
    "sealed-secrets",
    "skooner",
    "spark",
    "speaker",
    "spilo",
    "spire-agent",
    "spire-server",
    "starboard",
    "stash",
    "stolon",
    "submariner-gateway",
    "system-agent",
    "tailscale",
    "telegraf",
    "teleport",
    "teleport-distroless",
    "tiller",
    "traefik",
    "typha",
    "vault",
    "vault-k8s",
    "vcluster",
    "vector",
    "velero",
    "virt-api",
    "vmagent",
    "vpa-recommender",
    "vpa-updater",
    "weave-kube",
    "wildfly",
    "workflow-controller",
    "yunikorn",
    "ztunnel",
];

/// Repositories whose last part is too common a word to stand alone.
const CLIENT_REPOSITORIES: &[&str] = &[
    "ansible/awx",
    "calico/node",
    "envoyproxy/gateway",
    "envoyproxy/gateway-dev",
    "linkerd/proxy",
    "ml-pipeline/api-server",
    "ml-pipeline/frontend",
    "openfaas/gateway",
    "rook/ceph",
    "strimzi/kafka",
];

/// Published images that are no clients of the Kubernetes API, by the last part of their names: data
/// stores, web servers, runtimes and base images, exporters, and user interfaces.
const OTHERS: &[&str] = &[
    "activemq",
    "adminer",
    "all-in-one",
    "alertmanager",
    "alpine",
    "apache",
    "bash",
    "blackbox-exporter",
    "busybox",
    "caddy",
    "cadvisor",
    "centos",
    "chronograf",
    "clickhouse",
    "clickhouse-server",
    "cockroach",
    "couchbase",
    "couchdb",
    "curl",
    "debian",
    "distroless",
    "docker",
    "echo-server",
    "eclipse-mosquitto",
    "elasticsearch",
    "elasticsearch-exporter",
    "emqx",
    "envoy",
    "etcd",
    "fedora",
    "ghost",
    "gitea",
    "gogs",
    "golang",
    "grafana",
    "haproxy",
    "hello-app",
    "hello-world",
    "http-echo",
    "httpbin",
    "httpd",
    "influxdb",
    "java",
    "jetty",
    "jre",
    "kafka",
    "kibana",
    "loki",
    "mailhog",
    "mariadb",
    "memcached",
    "memcached-exporter",
    "minio",
    "mongo",
    "mongo-express",
    "mongodb",
    "mysql",
    "mysqld-exporter",
    "nats",
    "neo4j",
    "nextcloud",
    "nginx",
    "nginx-prometheus-exporter",
    "nginx-unprivileged",
    "node",
    "node-exporter",
    "oauth2-proxy",
    "openjdk",
    "openresty",
    "oraclelinux",
    "pause",
    "percona",
    "pgadmin",
    "pgbouncer",
    "php",
    "phpmyadmin",
    "postgres",
    "postgres-exporter",
    "postgresql",
    "pushgateway",
    "python",
    "redis",
    "redis-exporter",
    "redis-stack",
    "registry",
    "rockylinux",
    "ruby",
    "rust",
    "solr",
    "sonarqube",
    "static",
    "swagger-ui",
    "temurin",
    "tomcat",
    "ubi",
    "ubi-minimal",
    "ubuntu",
    "valkey",
    "varnish",
    "whoami",
    "wordpress",
    "zipkin",
    "zookeeper",
];

/// Registries whose images everybody can use. Others are one's own, as are projects of clouds.
const PUBLIC: &[&str] = &[
    "container-registry.oracle.com",
    "cp.icr.io",
    "icr.io",
    "lscr.io",
    "oci.external-secrets.io",
    "projects.registry.vmware.com",
    "registry.access.redhat.com",
    "registry.connect.redhat.com",
    "registry.redhat.io",
    "registry.suse.com",
    "xpkg.upbound.io",
    "docker.io",
    "ghcr.io",
    "quay.io",
    "registry.k8s.io",
    "k8s.gcr.io",
    "public.ecr.aws",
    "mcr.microsoft.com",
    "nvcr.io",
    "cr.l5d.io",
    "docker.elastic.co",
    "registry.gitlab.com",
    "registry.opensource.zalan.do",
    "cgr.dev",
    "docker.redpanda.com",
];

/// Projects of clouds whose images everybody can use.
const PUBLIC_PROJECTS: &[(&str, &str)] = &[
    ("gcr.io", "google-containers/"),
    ("gcr.io", "google_containers/"),
    ("gcr.io", "gke-release/"),
    ("gcr.io", "istio-release/"),
    ("gcr.io", "kaniko-project/"),
    ("gcr.io", "knative-releases/"),
    ("gcr.io", "kubebuilder/"),
    ("gcr.io", "ml-pipeline/"),
    ("gcr.io", "spark-operator/"),
    ("gcr.io", "tekton-releases/"),
];

/// What an image's name says about the use of the token.
pub(super) fn of_image(text: &str) -> TokenUse {
    let Ok(reference) = Reference::parse(text) else { return TokenUse::Possible };
    let repository = reference.repository();
    let name = repository.rsplit('/').next().unwrap_or_default();
    // `spilo-16` is Spilo of PostgreSQL 16.
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '.'));
    let is_client = CLIENTS.contains(&name)
        || PROGRAMS.contains(&name)
        || name.starts_with("kube")
        || CLIENT_REPOSITORIES.iter().any(|known| repository.ends_with(known));
    if is_client {
        return TokenUse::Shown;
    }
    let by_words = of_words(repository);
    if by_words == TokenUse::Shown || !is_published(&reference) {
        return by_words;
    }
    if is_other(name) { TokenUse::None } else { TokenUse::Possible }
}

fn is_other(name: &str) -> bool {
    OTHERS.iter().any(|known| *known == name || name.replace('_', "-") == **known)
}

/// Whether an image is a published one that is known to be no client.
pub(super) fn is_no_client(text: &str) -> bool {
    let Ok(reference) = Reference::parse(text) else { return false };
    is_published(&reference) && of_image(text) == TokenUse::None
}

/// Whether an image is one that others publish.
fn is_published(image: &Reference) -> bool {
    let (registry, repository) = (image.registry(), image.repository());
    PUBLIC.contains(&registry)
        || PUBLIC_PROJECTS
            .iter()
            .any(|(of, project)| *of == registry && repository.starts_with(project))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_without_duplicates() {
        for table in [CLIENTS, CLIENT_REPOSITORIES, OTHERS] {
            assert!(table.iter().all(|name| !name.is_empty()));
            let mut sorted = table.to_vec();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), table.len());
        }
        assert!(!OTHERS.iter().any(|name| CLIENTS.contains(name)));
    }
}
