//! Which pods an admission webhook completes: sidecars of meshes, agents of vaults and tracers.
//!
//! What a webhook adds to a pod is not in its manifest, but it uses the pod's volumes and its
//! service account token. Invariants: what is switched off in the pod is off, whatever its
//! namespace says; a namespace that is not part of the input says nothing.

use coaming_kube::{Fields as _, Object, Workload, World};
use coaming_yaml::Node;

/// Whether a webhook adds containers to a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Injection {
    /// The pod or its namespace asks for it.
    Asked,
    /// The input has a webhook or a mesh that may do it.
    Possible,
    /// Nothing in the input does it.
    None,
}

/// Annotations and labels that ask for an injection without the word in their names, by prefix.
const PREFIXES: &[&str] = &[
    "admission.datadoghq.com/enabled",
    "akeyless/enabled",
    "appmesh.k8s.aws/",
    "azure.workload.identity/use",
    "config.linkerd.io/",
    "conjur.org/",
    "dapr.io/enabled",
    "gke-gcsfuse/volumes",
    "injector.tumblr.com/",
    "istio.io/rev",
    "kuma.io/mesh",
    "secretless.cyberark.com/",
    "secrets-webhook.security.bank-vaults.io/",
    "sidecar.istio.io/",
    "sidecar.jaegertracing.io/",
    "teleport.dev/enabled",
    "vault.security.bank-vaults.io/",
    "vault.hashicorp.com/",
    "vault.security.banzaicloud.io/",
];

/// Domains of annotations and labels that no webhook takes for a request to add a container.
const QUIET: &[&str] = &[
    "amazonaws.com",
    "argoproj.io",
    "azure.com",
    "backstage.io",
    "cert-manager.io",
    "checksum",
    "cilium.io",
    "cloud.google.com",
    "cncf.io",
    "co.elastic.logs",
    "co.elastic.metrics",
    "coaming.dev",
    "ad.datadoghq.com",
    "tags.datadoghq.com",
    "fluxcd.io",
    "gke.io",
    "helm.sh",
    "karpenter.sh",
    "keel.sh",
    "kubernetes.io",
    "k8s.io",
    "openshift.io",
    "projectcalico.org",
    "prometheus.io",
    "stakater.com",
    "velero.io",
];

/// API groups of meshes: where their objects are, the mesh is too.
const MESHES: &[&str] = &[
    "appmesh.k8s.aws",
    "consul.hashicorp.com",
    "istio.io",
    "kuma.io",
    "linkerd.io",
    "openservicemesh.io",
    "dapr.io",
];

/// Kinds of meshes' objects.
const MESH_KINDS: &[&str] = &[
    "AuthorizationPolicy",
    "Component",
    "DestinationRule",
    "HTTPRoute",
    "Mesh",
    "MeshTLSAuthentication",
    "MeshTrafficPermission",
    "PeerAuthentication",
    "Server",
    "ServerAuthorization",
    "ServiceDefaults",
    "ServiceEntry",
    "ServiceIntentions",
    "ServiceProfile",
    "Sidecar",
    "TrafficPermission",
    "VirtualNode",
    "VirtualService",
];

/// What is injected into the pods of a workload; `possible` is [`is_possible`] of the world.
pub(crate) fn injection_of(world: &World, workload: Workload<'_>, possible: bool) -> Injection {
    match asks(workload.pod_metadata()) {
        Some(true) => return Injection::Asked,
        Some(false) => return Injection::None,
        None => {}
    }
    let namespace = workload.object.namespace_or_default();
    let namespace = world.of_kind("Namespace").find(|it| it.name() == namespace);
    let of_namespace = namespace.and_then(|namespace| namespace.metadata());
    match asks(of_namespace) {
        Some(true) => Injection::Asked,
        _ if possible => Injection::Possible,
        _ if [workload.pod_metadata(), of_namespace].into_iter().any(is_unknown) => {
            Injection::Possible
        }
        _ => Injection::None,
    }
}

/// Whether an annotation or a label is of a domain that we do not know: a webhook may read it.
fn is_unknown(metadata: Option<Node<'_>>) -> bool {
    metadata.pairs("annotations").chain(metadata.pairs("labels")).any(|entry| {
        let Some((domain, _)) = entry.name().split_once('/') else {
            let words = ["sidecar", "agent", "mesh", "autotrace", "vault"];
            return words.iter().any(|word| entry.name().contains(word));
        };
        let is_of = |known: &str| {
            domain.strip_suffix(known).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        !QUIET.iter().any(|known| is_of(known))
    })
}

/// Whether the input has something that may inject containers into any pod.
pub(crate) fn is_possible(world: &World) -> bool {
    let changes_pods = |object: Object<'_>| {
        object.node().list("webhooks").flat_map(|webhook| webhook.list("rules")).any(|rule| {
            rule.strings("resources").any(|resource| matches!(resource, "pods" | "*" | "*/*"))
        })
    };
    world.of_kind("MutatingWebhookConfiguration").any(changes_pods)
        || MESH_KINDS.iter().flat_map(|kind| world.of_kind(kind)).any(|object| {
            MESHES.iter().any(|mesh| {
                object
                    .group()
                    .strip_suffix(mesh)
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            })
        })
}

/// Whether this metadata asks for an injection, or refuses it.
fn asks(metadata: Option<Node<'_>>) -> Option<bool> {
    let mut refuses = false;
    for entry in metadata.pairs("annotations").chain(metadata.pairs("labels")) {
        let key = entry.name();
        if !is_about_injection(key) {
            continue;
        }
        let text = entry.value.as_str().map(str::to_ascii_lowercase);
        match text.as_deref() {
            Some("false" | "disabled" | "disable" | "no" | "off" | "") => refuses = true,
            None if entry.value.as_bool() != Some(true) => refuses = true,
            _ => return Some(true),
        }
    }
    refuses.then_some(false)
}

fn is_about_injection(key: &str) -> bool {
    key.to_ascii_lowercase().contains("inject") || PREFIXES.iter().any(|it| key.starts_with(it))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use coaming_kube::Source;

    use super::*;

    fn injections(text: &str) -> Vec<Injection> {
        let stream = coaming_yaml::parse(Arc::from(text));
        let world = World::new(vec![Source::new("a.yaml", stream.source, stream.documents)]);
        let possible = is_possible(&world);
        world.workloads().map(|workload| injection_of(&world, workload, possible)).collect()
    }

    fn pod(metadata: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a, {metadata}}}\nspec: {{containers: [{{name: a, image: a}}]}}\n"
        )
    }

    #[test]
    fn pods_and_namespaces_ask() {
        for metadata in [
            "annotations: {vault.hashicorp.com/agent-inject: 'true'}",
            "annotations: {consul.hashicorp.com/connect-inject: 'true'}",
            "annotations: {linkerd.io/inject: ingress}",
            "labels: {sidecar.istio.io/inject: 'true'}",
            "labels: {istio.io/rev: stable}",
            "annotations: {instrumentation.opentelemetry.io/inject-java: 'true'}",
            "annotations: {sidecar.istio.io/userVolumeMount: '[]'}",
            "annotations: {secrets-webhook.security.bank-vaults.io/provider: vault}",
            "annotations: {akeyless/enabled: 'true'}",
            "annotations: {kuma.io/mesh: default}",
            "annotations: {conjur.org/container-mode: init}",
        ] {
            assert_eq!(injections(&pod(metadata)), [Injection::Asked], "{metadata}");
        }
        let namespace = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: default, labels: {istio-injection: enabled}}\n";
        assert_eq!(injections(&(pod("labels: {a: b}") + namespace)), [Injection::Asked]);
        let refuses = pod("annotations: {sidecar.istio.io/inject: 'false'}");
        assert_eq!(injections(&(refuses + namespace)), [Injection::None]);
        assert_eq!(injections(&pod("labels: {app: a}")), [Injection::None]);
    }

    #[test]
    fn an_unknown_domain_may_be_that_of_a_webhook() {
        for metadata in [
            "annotations: {agents.acme.example/enabled: 'true'}",
            "labels: {sidecars/x: y}",
            "labels: {instana-autotrace: 'true'}",
        ] {
            assert_eq!(injections(&pod(metadata)), [Injection::Possible], "{metadata}");
        }
        for metadata in [
            "labels: {app.kubernetes.io/name: a, app: a, helm.sh/chart: a}",
            "annotations: {checksum/config: a, prometheus.io/scrape: 'true'}",
        ] {
            assert_eq!(injections(&pod(metadata)), [Injection::None], "{metadata}");
        }
    }

    #[test]
    fn a_mesh_or_a_webhook_may_inject() {
        let mesh =
            "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\n";
        assert_eq!(injections(&(pod("labels: {app: a}") + mesh)), [Injection::Possible]);
        let webhook = "---\napiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\nmetadata: {name: a}\nwebhooks: [{rules: [{resources: [pods]}]}]\n";
        assert_eq!(injections(&(pod("labels: {app: a}") + webhook)), [Injection::Possible]);
    }
}
