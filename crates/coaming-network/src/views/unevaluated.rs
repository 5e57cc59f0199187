//! Objects that decide about connections and that the engine does not evaluate: policies of network
//! plugins, of service meshes and of clouds, other ways into the cluster, and other networks.
//!
//! Each is known by its API group and kind. Which pods it can touch is overestimated: an answer may
//! say too often that it may differ, but never too rarely.

use coaming_kube::{Fields, Object};
use coaming_yaml::Node;

use super::Reader;
use super::istio::RootNamespace;
use crate::model::{Influence, Mesh, Namespaces, PodSelector, Scope, Unevaluated, in_mesh};
use crate::selector::{ISTIO, Operator, Selector};
use crate::unevaluated::{OUTBOUND, ROOT_NAMESPACE};

/// Whose pods a kind of object can touch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Those of the whole cluster that a selector in it matches.
    Cluster,
    /// Those of its namespace that a selector in it matches.
    Namespace,
    /// As `Namespace`, but those of the whole cluster where it is in the mesh's root namespace.
    Mesh,
}

type Kinds = (&'static str, &'static [&'static str], Influence, Reach);

/// What is not evaluated, by API group and kinds.
const KINDS: &[Kinds] = &[
    (
        "cilium.io",
        &["CiliumEgressGatewayPolicy", "CiliumEnvoyConfig"],
        Influence::Policy,
        Reach::Cluster,
    ),
    ("cilium.io", &["CiliumLocalRedirectPolicy"], Influence::Policy, Reach::Namespace),
    ("cilium.io", &["CiliumClusterwideEnvoyConfig"], Influence::Policy, Reach::Cluster),
    ("crd.projectcalico.org", &["HostEndpoint"], Influence::Policy, Reach::Cluster),
    ("projectcalico.org", &["HostEndpoint"], Influence::Policy, Reach::Cluster),
    ("crd.antrea.io", &["NetworkPolicy"], Influence::Policy, Reach::Namespace),
    ("crd.antrea.io", &["ClusterNetworkPolicy"], Influence::Policy, Reach::Cluster),
    ("k8s.ovn.org", &["EgressFirewall"], Influence::Policy, Reach::Namespace),
    ("network.openshift.io", &["EgressNetworkPolicy"], Influence::Policy, Reach::Namespace),
    ("kubeovn.io", &["SecurityGroup", "Subnet"], Influence::Policy, Reach::Cluster),
    ("crd.nsx.vmware.com", &["SecurityPolicy"], Influence::Policy, Reach::Namespace),
    ("nsx.vmware.com", &["SecurityPolicy"], Influence::Policy, Reach::Namespace),
    ("neuvector.com", &["NvClusterSecurityRule"], Influence::Policy, Reach::Cluster),
    ("neuvector.com", &["NvSecurityRule"], Influence::Policy, Reach::Namespace),
    ("vpcresources.k8s.aws", &["SecurityGroupPolicy"], Influence::Policy, Reach::Namespace),
    ("networking.gke.io", &["FQDNNetworkPolicy"], Influence::Policy, Reach::Namespace),
    ("security.istio.io", &["RequestAuthentication"], Influence::Mesh, Reach::Mesh),
    ("networking.istio.io", &["DestinationRule"], Influence::Mesh, Reach::Mesh),
    ("networking.istio.io", &["Sidecar"], Influence::Outbound, Reach::Mesh),
    ("policy.linkerd.io", &["EgressNetwork"], Influence::Mesh, Reach::Namespace),
    ("kuma.io", &["MeshTrafficPermission", "TrafficPermission"], Influence::Mesh, Reach::Cluster),
    ("consul.hashicorp.com", &["ServiceIntentions"], Influence::Mesh, Reach::Cluster),
    ("access.smi-spec.io", &["TrafficTarget"], Influence::Mesh, Reach::Cluster),
    ("getambassador.io", &["Mapping", "TCPMapping"], Influence::Entrance, Reach::Cluster),
    (
        "configuration.konghq.com",
        &["TCPIngress", "UDPIngress"],
        Influence::Entrance,
        Reach::Namespace,
    ),
    ("k8s.nginx.org", &["VirtualServer", "TransportServer"], Influence::Entrance, Reach::Cluster),
    ("gateway.solo.io", &["VirtualService", "RouteTable"], Influence::Entrance, Reach::Cluster),
    ("apisix.apache.org", &["ApisixRoute"], Influence::Entrance, Reach::Namespace),
    ("zalando.org", &["RouteGroup"], Influence::Entrance, Reach::Namespace),
    ("traefik.io", &["TraefikService"], Influence::Entrance, Reach::Namespace),
    ("elbv2.k8s.aws", &["TargetGroupBinding"], Influence::Entrance, Reach::Namespace),
    ("cis.f5.com", &["VirtualServer", "TransportServer"], Influence::Entrance, Reach::Namespace),
    ("ingress.v3.haproxy.org", &["TCP"], Influence::Entrance, Reach::Namespace),
    ("networking.cfargotunnel.com", &["TunnelBinding"], Influence::Entrance, Reach::Namespace),
    (
        "ingress.k8s.ngrok.com",
        &["HTTPSEdge", "TCPEdge", "TLSEdge"],
        Influence::Entrance,
        Reach::Namespace,
    ),
    (
        "networking.gke.io",
        &["MultiClusterIngress", "MultiClusterService"],
        Influence::Entrance,
        Reach::Namespace,
    ),
    ("multicluster.x-k8s.io", &["ServiceExport"], Influence::Entrance, Reach::Namespace),
    ("serving.knative.dev", &["Service", "DomainMapping"], Influence::Entrance, Reach::Namespace),
    ("tailscale.com", &["Connector", "ProxyGroup"], Influence::Entrance, Reach::Cluster),
    (
        "k8s.cni.cncf.io",
        &["NetworkAttachmentDefinition", "MultiNetworkPolicy"],
        Influence::Network,
        Reach::Namespace,
    ),
];

/// The object, if it decides about connections.
pub(super) fn read(reader: &Reader<'_>, object: Object<'_>) -> Option<Unevaluated> {
    let (group, kind) = (object.group(), object.kind());
    let known = KINDS.iter().find(|(known, kinds, ..)| *known == group && kinds.contains(&kind));
    if kind == "DestinationRule" && !super::istio::changes_encryption(object) {
        return None;
    }
    if kind == "Sidecar" && !limits_outbound(reader, object) {
        return None;
    }
    if super::istio::settings::lists_outbound(object) {
        return Some(Unevaluated {
            group: group.to_owned(),
            kind: kind.to_owned(),
            field: Some(OUTBOUND.to_owned()),
            influence: Influence::Outbound,
            scope: Scope::Pods(in_mesh(&WITH_SIDECAR)),
            location: Some(reader.location(object, object.node())),
        });
    }
    let other_root = *reader.istio_root() == RootNamespace::Unclear
        && super::istio::settings::named(object).is_some();
    let (influence, reach) = match known {
        _ if other_root => (Influence::Mesh, Reach::Cluster),
        Some((_, _, influence, reach)) => (*influence, *reach),
        None => by_name(object)?,
    };
    let in_root = reach == Reach::Mesh && reader.istio_root().is(object.namespace_or_default());
    let selector = pods(object);
    let scope = if other_root {
        Scope::Pods(in_mesh(&Mesh::IDENTIFIED))
    } else if reach == Reach::Cluster || in_root {
        match selector {
            Some(pods) if !pods.is_everything() => Scope::Pods(PodSelector {
                namespaces: Namespaces::Selected(Selector::everything()),
                pods,
            }),
            _ => Scope::Cluster,
        }
    } else {
        Scope::Pods(PodSelector {
            namespaces: Namespaces::Named(object.namespace_or_default().to_owned()),
            pods: selector.unwrap_or_default(),
        })
    };
    Some(Unevaluated {
        group: group.to_owned(),
        kind: kind.to_owned(),
        field: other_root.then(|| ROOT_NAMESPACE.to_owned()),
        influence,
        scope,
        location: Some(reader.location(object, object.node())),
    })
}

/// What the settings for proxies beside applications are about; what is not known may have one.
const WITH_SIDECAR: [Mesh; 2] = [Mesh::Sidecar, Mesh::Unknown];

/// Whether a Sidecar of Istio limits where its pods connect to: it lists hosts, and what is not listed is
/// refused.
fn limits_outbound(reader: &Reader<'_>, object: Object<'_>) -> bool {
    match object.spec().mapping(OUTBOUND) {
        Some(policy) => super::istio::settings::is_listed_only(Some(policy)),
        None => reader.registry_only() && object.spec().list("egress").next().is_some(),
    }
}

/// A kind of an API group that is not known, but whose name says that it is a policy.
fn by_name(object: Object<'_>) -> Option<(Influence, Reach)> {
    let (group, kind) = (object.group(), object.kind());
    // Kubernetes' own policies are evaluated.
    const OWN: [&str; 2] = ["networking.k8s.io", "policy.networking.k8s.io"];
    if !group.contains('.') || group.ends_with("kyverno.io") || OWN.contains(&group) {
        return None;
    }
    let reach = match object.metadata().string("namespace") {
        Some(_) => Reach::Namespace,
        None => Reach::Cluster,
    };
    if kind.ends_with("NetworkPolicy") || kind.ends_with("EgressFirewall") {
        return Some((Influence::Policy, reach));
    }
    kind.ends_with("AuthorizationPolicy").then_some((Influence::Mesh, reach))
}

/// The pods that the object selects, as far as it says so in the usual way.
fn pods(object: Object<'_>) -> Option<Selector> {
    let spec = object.spec();
    if object.group() == "networking.istio.io" {
        // Only the proxies of the mesh know it.
        let mut pods =
            spec.mapping("workloadSelector").mapping("labels").map(labels).unwrap_or_default();
        if object.kind() == "Sidecar" {
            let names = WITH_SIDECAR.map(|it| it.name().to_owned()).to_vec();
            pods.require(ISTIO, Operator::In(names));
        }
        return Some(pods);
    }
    // Antrea: with several, or with other ways to select, it is any pod.
    let mut applied = spec.list("appliedTo");
    if let (Some(only), None) = (applied.next(), applied.next()) {
        return only.mapping("podSelector").map(selector);
    }
    let node = ["endpointSelector", "podSelector", "selector"]
        .into_iter()
        .find_map(|field| spec.mapping(field))?;
    Some(selector(node))
}

/// The pods with these labels.
fn labels(node: Node<'_>) -> Selector {
    let pairs = node.entries().filter_map(|entry| Some((entry.name(), entry.value.as_str()?)));
    Selector::labels(pairs)
}

/// At least the pods that a selector matches: what is not understood is left out.
pub(crate) fn selector(node: Node<'_>) -> Selector {
    let mut found = Selector::everything();
    for entry in node.pairs("matchLabels") {
        let key = unprefixed(entry.name());
        if let (Some(key), Some(value)) = (key, entry.value.as_str()) {
            drop(found.match_label(key, value));
        }
    }
    for item in node.list("matchExpressions") {
        let key = item.string("key").and_then(unprefixed);
        if let (Some(key), Some(operator)) = (key, item.string("operator")) {
            let values = item.strings("values").map(str::to_owned).collect();
            drop(found.match_expression(key, operator, values));
        }
    }
    found
}

/// A label key without Cilium's mark of its source; `None` for what is not a label of a pod.
fn unprefixed(key: &str) -> Option<&str> {
    let key = key.strip_prefix("k8s:").or_else(|| key.strip_prefix("any:")).unwrap_or(key);
    let is_label = !key.contains(':') && !key.starts_with("io.kubernetes.pod.");
    (is_label && !key.starts_with("io.cilium.")).then_some(key)
}
