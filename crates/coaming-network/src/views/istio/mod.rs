//! Istio: AuthorizationPolicy and PeerAuthentication of `security.istio.io`.
//!
//! Both are evaluated by the proxy of the receiving pod, after all network policies. A policy therefore
//! selects only pods that have a proxy. Pods of which the input does not say whether they have one are
//! reported as not evaluated, and so is every field that is not evaluated.

mod authentication;
mod authorization;
mod pods;
pub(super) mod settings;
mod sources;
pub(crate) mod waypoints;

use coaming_kube::{Fields, Object};
use coaming_yaml::Node;

use super::{Checks, unknown_fields};
use crate::facts::PolicyFacts;
use crate::model::{
    Influence, Mesh, Namespaces, PeerKind, PodSelector, Policy, PolicyKind, PolicyPeer, Rule,
    Scope, SourceRef, Tier, Unevaluated,
};
use crate::selector::{ISTIO, Operator, Selector};
pub(super) use pods::wish;
pub(crate) use settings::{RootNamespace, is_settings};
use waypoints::AttachedPolicy;

/// Reads the policy under examination; what is wrong with it is in `checks` afterwards.
pub(super) fn read(checks: &mut Checks<'_, '_>, kind: PolicyKind) -> PolicyFacts {
    let root = checks.object.node();
    let spec = checks.mapping(root, "spec");
    let mut reader = SpecReader { checks, kind, gaps: Vec::new(), attached: None };
    let subject = reader.subject(spec);
    let policies = match kind {
        PolicyKind::PeerAuthentication => authentication::read(&mut reader, spec, &subject),
        _ => authorization::read(&mut reader, spec, &subject),
    };
    reader.finish(spec, policies, &subject)
}

/// Whether a DestinationRule makes clients connect otherwise than as the mesh does by itself: without
/// encryption, or with certificates of its own.
pub(super) fn changes_encryption(object: Object<'_>) -> bool {
    let policy = object.spec().mapping("trafficPolicy");
    let subsets = object.spec().list("subsets").filter_map(|it| it.mapping("trafficPolicy"));
    let policies = policy.into_iter().chain(subsets);
    let ports = |policy: Node<'_>| policy.list("portLevelSettings").any(overrides);
    policies.into_iter().any(|policy| overrides(policy) || ports(policy))
}

fn overrides(policy: Node<'_>) -> bool {
    let mode = policy.mapping("tls").string("mode");
    mode.is_some_and(|mode| mode != "ISTIO_MUTUAL")
}

/// A policy under examination.
struct SpecReader<'c, 'r, 'i> {
    checks: &'c mut Checks<'r, 'i>,
    kind: PolicyKind,
    /// The fields that are not evaluated.
    gaps: Vec<String>,
    /// The policy, if it is attached to other objects than pods.
    attached: Option<AttachedPolicy>,
}

impl<'i> SpecReader<'_, '_, 'i> {
    /// Whether the policy applies to all namespaces.
    fn is_root(&self) -> bool {
        self.checks.reader.istio_root().is(self.checks.object.namespace_or_default())
    }

    /// The pods that the policy selects, with a proxy or without.
    fn subject(&mut self, spec: Option<Node<'i>>) -> PodSelector {
        let namespaces = if self.is_root() {
            Namespaces::Selected(Selector::everything())
        } else {
            Namespaces::Named(self.checks.object.namespace_or_default().to_owned())
        };
        let node = spec.and_then(|spec| self.checks.mapping(spec, "selector"));
        let pods = node.map(|node| self.checks.selector(node)).unwrap_or_default();
        PodSelector { namespaces, pods }
    }

    /// Notes the fields of a mapping that are not known.
    fn note_unknown(&mut self, node: Node<'_>, known: &[&str]) {
        self.gaps.extend(unknown_fields(node, known).map(str::to_owned));
    }

    /// A policy for those of the selected pods for which Istio does one of these.
    fn policy(&self, subject: &PodSelector, mesh: &[Mesh], tier: Tier, rules: Vec<Rule>) -> Policy {
        let node = self.checks.object.spec().unwrap_or(self.checks.object.node());
        Policy {
            kind: self.kind,
            namespace: self.checks.object.namespace_or_default().to_owned(),
            name: self.checks.object.name().to_owned(),
            part: None,
            tier,
            priority: 0,
            order: crate::model::Order::of_kubernetes(),
            subject: with(subject, mesh),
            ingress: Some(rules),
            egress: None,
            isolates: [false, false],
            dead_rules: Vec::new(),
            location: self.checks.location(node),
        }
    }

    fn finish(
        mut self,
        spec: Option<Node<'i>>,
        policies: Vec<Policy>,
        subject: &PodSelector,
    ) -> PolicyFacts {
        self.gaps.sort_unstable();
        self.gaps.dedup();
        let location = self.checks.location(spec.unwrap_or(self.checks.object.node()));
        let unevaluated = |field: Option<String>, influence, scope| Unevaluated {
            group: "security.istio.io".to_owned(),
            kind: self.kind.name().to_owned(),
            field,
            influence,
            scope,
            location: location.clone(),
        };
        let mut found: Vec<Unevaluated> = Vec::new();
        // Who writes a policy for the pods of one namespace most likely gives them a proxy.
        let unclear: &[Mesh] =
            if self.is_root() { &[Mesh::Unknown] } else { &[Mesh::Unknown, Mesh::Nothing] };
        if !policies.is_empty() {
            let scope = Scope::Pods(with(subject, unclear));
            found.push(unevaluated(None, Influence::Proxy, scope));
        }
        let concerned = with(subject, &[&Mesh::IDENTIFIED[..], unclear].concat());
        for field in std::mem::take(&mut self.gaps) {
            found.push(unevaluated(Some(field), Influence::Mesh, Scope::Pods(concerned.clone())));
        }
        PolicyFacts {
            policies,
            attached: self.attached.take(),
            problems: Vec::new(),
            unevaluated: found,
        }
    }
}

/// Those of the pods for which Istio does one of these.
fn with(pods: &PodSelector, mesh: &[Mesh]) -> PodSelector {
    let mut selector = pods.pods.clone();
    selector.require(ISTIO, Operator::In(names(mesh)));
    PodSelector { namespaces: pods.namespaces.clone(), pods: selector }
}

fn names(mesh: &[Mesh]) -> Vec<String> {
    let mut names: Vec<String> = mesh.iter().map(|mesh| mesh.name().to_owned()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// These pods of any namespace.
fn anywhere(pods: Selector) -> PeerKind {
    PeerKind::Pods(PodSelector { namespaces: Namespaces::Selected(Selector::everything()), pods })
}

/// These pods, and everything that is not a pod of the pod network.
fn and_outside(pods: Selector, location: Option<&SourceRef>) -> Vec<PolicyPeer> {
    let kinds = [anywhere(pods), PeerKind::Outside(crate::ip::IpSet::all()), PeerKind::Hosts];
    kinds.into_iter().map(|kind| PolicyPeer { kind, location: location.cloned() }).collect()
}
