//! UserDefinedNetwork and ClusterUserDefinedNetwork of OVN-Kubernetes and OpenShift.
//!
//! A primary network replaces the cluster's for the pods of its namespaces: nothing crosses its border
//! but connections to the cluster's name servers. It is a policy of its own tier, before all others. A
//! secondary network is one more interface of pods, about which the engine knows nothing.

use coaming_kube::Fields;
use coaming_yaml::Node;

use super::Checks;
use crate::facts::PolicyFacts;
use crate::model::{
    Action, Direction, Influence, NAMESPACE_NAME_LABEL, Namespaces, Order, PeerKind, PodSelector,
    Policy, PolicyKind, PolicyPeer, Rule, Scope, Tier, Unevaluated,
};
use crate::selector::{Operator, Selector};

/// The label without which a namespace stays on the cluster's network.
const LABEL: &str = "k8s.ovn.org/primary-user-defined-network";

/// The namespaces of the name servers, to which all networks are connected.
const NAME_SERVERS: [&str; 2] = ["kube-system", "openshift-dns"];

/// Reads the network under examination; what is wrong with it is in `checks` afterwards.
pub(super) fn read(checks: &mut Checks<'_, '_>, kind: PolicyKind) -> PolicyFacts {
    let root = checks.object.node();
    let Some(spec) = checks.mapping(root, "spec") else {
        checks.refuse(root, "the network needs a `spec`");
        return PolicyFacts::default();
    };
    let clusterwide = kind == PolicyKind::ClusterUserDefinedNetwork;
    let network = if clusterwide { checks.mapping(spec, "network") } else { Some(spec) };
    let wanted = if clusterwide {
        let selector = checks.mapping(spec, "namespaceSelector");
        selector.map(|node| checks.selector(node)).unwrap_or_default()
    } else {
        let own = checks.object.namespace_or_default();
        Selector::labels([(NAMESPACE_NAME_LABEL, own)])
    };
    match role(checks, network.unwrap_or(spec)) {
        None => PolicyFacts::default(),
        Some(Role::Secondary) => PolicyFacts {
            unevaluated: vec![unevaluated(checks, kind, spec, "role: Secondary", wanted)],
            ..PolicyFacts::default()
        },
        Some(Role::Primary) => primary(checks, kind, spec, wanted),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Primary,
    Secondary,
}

fn role<'i>(checks: &mut Checks<'_, 'i>, network: Node<'i>) -> Option<Role> {
    let field = match network.string("topology") {
        Some("Layer2") => "layer2",
        Some("Layer3") => "layer3",
        // It attaches pods to a network outside of the cluster, beside the cluster's.
        Some("Localnet") => return Some(Role::Secondary),
        _ => {
            checks.refuse(network, "`topology` must be Layer2, Layer3 or Localnet");
            return None;
        }
    };
    let Some(layer) = checks.mapping(network, field) else {
        checks.refuse(network, format!("a network of this topology needs `{field}`"));
        return None;
    };
    match layer.string("role") {
        Some("Primary") => Some(Role::Primary),
        Some("Secondary") => Some(Role::Secondary),
        _ => {
            checks.refuse(layer, "`role` must be Primary or Secondary");
            None
        }
    }
}

fn primary(
    checks: &Checks<'_, '_>,
    kind: PolicyKind,
    spec: Node<'_>,
    wanted: Selector,
) -> PolicyFacts {
    let mut labeled = wanted.clone();
    labeled.require(LABEL, Operator::Exists);
    let mut unlabeled = wanted;
    unlabeled.require(LABEL, Operator::DoesNotExist);
    let location = checks.location(spec);
    let inside =
        PodSelector { namespaces: Namespaces::Selected(labeled), pods: Selector::everything() };
    let peer = |pods: PodSelector| PolicyPeer { kind: PeerKind::Pods(pods), location: None };
    let rule = |path: &str, action, peers: Vec<PodSelector>| Rule {
        path: Some(path.to_owned()),
        name: None,
        action,
        peers: Some(peers.into_iter().map(peer).collect()),
        ports: None,
        limits: Vec::new(),
        location: location.clone(),
    };
    let rules = |direction: Direction| {
        let mut rules = vec![rule("pods of this network", Action::Pass, vec![inside.clone()])];
        if direction == Direction::Egress {
            let servers = NAME_SERVERS.into_iter().map(|name| {
                let mut pods = Selector::everything();
                let names = ["coredns", "kube-dns"].map(str::to_owned).to_vec();
                if name == "kube-system" {
                    pods.require("k8s-app", Operator::In(names));
                }
                PodSelector { namespaces: Namespaces::Named(name.to_owned()), pods }
            });
            rules.push(rule("the name servers", Action::Pass, servers.collect()));
        }
        let anybody = PodSelector {
            namespaces: Namespaces::Selected(Selector::everything()),
            pods: Selector::everything(),
        };
        rules.push(rule("pods of other networks", Action::Deny, vec![anybody]));
        Some(rules)
    };
    let policy = Policy {
        kind,
        namespace: checks.object.namespace().to_owned(),
        name: checks.object.name().to_owned(),
        part: None,
        tier: Tier::Networks,
        priority: 0,
        order: Order::of_kubernetes(),
        subject: inside.clone(),
        ingress: rules(Direction::Ingress),
        egress: rules(Direction::Egress),
        isolates: [false, false],
        dead_rules: Vec::new(),
        location: location.clone(),
    };
    let unclear = unevaluated(
        checks,
        kind,
        spec,
        "the network of namespaces without label k8s.ovn.org/primary-user-defined-network",
        unlabeled,
    );
    let unevaluated = vec![unclear];
    PolicyFacts { policies: vec![policy], unevaluated, ..PolicyFacts::default() }
}

fn unevaluated(
    checks: &Checks<'_, '_>,
    kind: PolicyKind,
    spec: Node<'_>,
    field: &str,
    namespaces: Selector,
) -> Unevaluated {
    Unevaluated {
        group: "k8s.ovn.org".to_owned(),
        kind: kind.name().to_owned(),
        field: Some(field.to_owned()),
        influence: Influence::Network,
        scope: Scope::Pods(PodSelector {
            namespaces: Namespaces::Selected(namespaces),
            pods: Selector::everything(),
        }),
        location: checks.location(spec),
    }
}
