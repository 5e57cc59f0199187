//! The Kubernetes Hardening Guide of NSA and CISA, version 1.2, by its sections.

use super::About::{self, Images, Nodes, Program, Rights, Workloads};
use super::{Control, control};

const CLUSTER: &str = "no rule checks this part of the control plane";
const NODES: &str = "how nodes are separated is not known from manifests";
const LOGS: &str = "where logs go and who reads them is not known from manifests";

pub(super) const CONTROLS: &[Control] = &[
    control("Non-root containers", "containers do not run as root", Workloads),
    control("Immutable container file systems", "programs cannot be changed or added", Workloads),
    control("Container image scanning", "images have no known vulnerabilities", Images),
    control("Pod security enforcement", "pods get no more than they need", Workloads),
    control("Protecting Pod service account tokens", "tokens only where needed", Workloads),
    control("Hardening container engines", "seccomp, AppArmor and SELinux confine", Workloads),
    control("Network separation and hardening", "policies allow what is needed", Workloads),
    control("Resource policies", "limits for namespaces and pods", About::Nothing(CLUSTER)),
    control("Control plane hardening", "the API server is not exposed", About::Nothing(CLUSTER)),
    control("etcd", "only the API server reaches it", Program("etcd")),
    control("Worker node segmentation", "nodes are separated", About::Nothing(NODES)),
    control("Encrypt traffic", "connections use TLS", Workloads),
    control("Protecting Secrets", "secrets are encrypted, and in no file", Workloads),
    control("Protecting cloud infrastructure", "metadata of the cloud", About::Nothing(NODES)),
    control("Authentication and authorization", "least rights for accounts", Rights),
    control("Audit logging", "requests are logged", Program("kube-apiserver")),
    control("Threat detection", "logs are watched", About::Nothing(LOGS)),
    control("Upgrading", "nodes run releases that get repairs", Nodes),
];

/// The control of a section, which rules may name in another way.
pub(super) fn control_of(section: &str) -> &str {
    match section {
        "Secrets" => "Protecting Secrets",
        "Upgrading and application security practices" => "Upgrading",
        section => section,
    }
}
