//! Calico: NetworkPolicy and GlobalNetworkPolicy, network sets and tiers of `projectcalico.org/v3`, which
//! `crd.projectcalico.org/v1` stores in the same form.
//!
//! What Calico itself refuses is a problem, and then the object does not count. A field that is not
//! evaluated is reported with the pods of its policy.

mod rules;
mod selector;

use std::sync::Arc;

use coaming_kube::{Fields, Object};
use coaming_yaml::Node;

use super::{
    Checks, Reader, labels_of, listed_addresses, policy_statement, unevaluated, unknown_fields,
};
use crate::facts::{PolicyFacts, Statement};
use crate::model::{
    Direction, Influence, NAMESPACE_NAME_LABEL, Namespaces, NetworkSet, Order, PodSelector, Policy,
    PolicyKind, Scope, Tier, TierSettings, Unevaluated,
};
use crate::selector::{ACCOUNT, NAMESPACE, ORCHESTRATOR, SERVICE_ACCOUNT, Selector};

/// What an object of Calico says.
pub(super) fn statement(reader: &Reader<'_>, object: Object<'_>, kind: &str) -> Statement {
    match kind {
        "NetworkPolicy" => policy_statement(reader, object, PolicyKind::CalicoNetworkPolicy),
        "GlobalNetworkPolicy" => {
            policy_statement(reader, object, PolicyKind::CalicoGlobalNetworkPolicy)
        }
        "NetworkSet" => network_set(reader, object, Some(object.namespace_or_default())),
        "GlobalNetworkSet" => network_set(reader, object, None),
        "Tier" => Statement::Tier(Arc::from(object.name()), tier(object)),
        // They only log what they would do.
        kind if kind.starts_with("Staged") => Statement::Nothing,
        _ => match unevaluated::read(reader, object) {
            Some(found) => Statement::Unevaluated(Box::new(found)),
            None => Statement::Nothing,
        },
    }
}

/// A network set. One with an address that cannot be read is refused by Calico, or known to it alone.
fn network_set(reader: &Reader<'_>, object: Object<'_>, namespace: Option<&str>) -> Statement {
    match listed_addresses(reader, object, "nets") {
        Ok(addresses) => Statement::NetworkSet(NetworkSet {
            cidr_group: None,
            namespace: namespace.map(str::to_owned),
            labels: labels_of(object.metadata()),
            addresses,
        }),
        Err(unevaluated) => Statement::Unevaluated(unevaluated),
    }
}

fn tier(object: Object<'_>) -> TierSettings {
    let spec = object.spec();
    TierSettings {
        order: spec.field("order").and_then(number).map_or(Order::LAST, Order::of),
        passes: spec.string("defaultAction") == Some("Pass"),
    }
}

/// A number, whole or not.
fn number(node: Node<'_>) -> Option<f64> {
    node.text().parse().ok().filter(|number: &f64| number.is_finite())
}

/// Reads the policy under examination; what is wrong with it is in `checks` afterwards.
pub(super) fn read(checks: &mut Checks<'_, '_>, kind: PolicyKind) -> PolicyFacts {
    let root = checks.object.node();
    let Some(spec) = checks.mapping(root, "spec") else {
        checks.refuse(root, "the policy needs a `spec`");
        return PolicyFacts::default();
    };
    SpecReader { checks, kind, gaps: Vec::new() }.read(spec)
}

/// A policy under examination.
struct SpecReader<'c, 'r, 'i> {
    checks: &'c mut Checks<'r, 'i>,
    kind: PolicyKind,
    /// The fields that are not evaluated.
    gaps: Vec<String>,
}

impl<'i> SpecReader<'_, '_, 'i> {
    fn read(mut self, spec: Node<'i>) -> PolicyFacts {
        const FIELDS: [&str; 13] = [
            "tier",
            "order",
            "selector",
            "namespaceSelector",
            "serviceAccountSelector",
            "types",
            "ingress",
            "egress",
            "doNotTrack",
            "preDNAT",
            "applyOnForward",
            "performanceHints",
            "stagedAction",
        ];
        self.note_unknown(spec, "", &FIELDS);
        let namespace = self.namespace();
        let pods = self.selector(spec, "selector", pod_key).unwrap_or_default();
        let accounts = self.selector(spec, "serviceAccountSelector", account_key);
        let pods = Selector::all_of([pods, accounts.unwrap_or_default()]);
        let wanted = self.selector(spec, "namespaceSelector", namespace_key).unwrap_or_default();
        let namespaces = match namespace {
            Some(name) => Namespaces::Named(name.to_owned()),
            None => Namespaces::Selected(wanted),
        };
        if is_global(spec) {
            self.gaps.push("namespaceSelector: global()".to_owned());
        }
        let subject = PodSelector { namespaces, pods };
        let ingress = self.rules(spec, Direction::Ingress);
        let egress = self.rules(spec, Direction::Egress);
        let [has_ingress, has_egress] = self.types(spec, !ingress.is_empty(), !egress.is_empty());
        let set = |field: &str| spec.boolean(field) == Some(true);
        let for_hosts = set("doNotTrack") || set("preDNAT");
        let hosts = ["doNotTrack", "preDNAT", "applyOnForward"].into_iter().find(|it| set(it));
        let mut facts = PolicyFacts::default();
        if let Some(field) = hosts {
            facts.unevaluated.push(self.unevaluated(field.to_owned(), Scope::Hosts));
        }
        if for_hosts {
            return facts;
        }
        self.gaps.sort_unstable();
        self.gaps.dedup();
        let gaps = std::mem::take(&mut self.gaps).into_iter();
        facts
            .unevaluated
            .extend(gaps.map(|field| self.unevaluated(field, Scope::Pods(subject.clone()))));
        let order = self.order(spec);
        let governs = [has_ingress, has_egress];
        facts.policies.push(Policy {
            kind: self.kind,
            namespace: namespace.unwrap_or_default().to_owned(),
            name: self.checks.object.name().to_owned(),
            part: None,
            tier: match spec.string("tier") {
                None | Some("" | "default") => Tier::Network,
                Some(name) => Tier::Named(Arc::from(name)),
            },
            priority: 0,
            order,
            subject,
            ingress: has_ingress.then_some(ingress),
            egress: has_egress.then_some(egress),
            isolates: governs,
            dead_rules: self.checks.dead_rules(spec, governs),
            location: self.checks.location(self.checks.object.node()),
        });
        facts
    }

    fn unevaluated(&self, field: String, scope: Scope) -> Unevaluated {
        Unevaluated {
            group: self.checks.object.group().to_owned(),
            kind: self.kind.name().to_owned(),
            field: Some(field),
            influence: Influence::Policy,
            scope,
            location: self.checks.location(self.checks.object.node()),
        }
    }

    /// The namespace of a policy that has one.
    fn namespace(&self) -> Option<&'i str> {
        let namespaced = self.kind == PolicyKind::CalicoNetworkPolicy;
        namespaced.then(|| self.checks.object.namespace_or_default())
    }

    fn order(&mut self, spec: Node<'i>) -> Order {
        let Some(node) = spec.field("order") else { return Order::LAST };
        let order = number(node);
        if order.is_none() {
            self.checks.refuse(node, "`order` must be a number");
        }
        order.map_or(Order::LAST, Order::of)
    }

    /// Whether the policy governs ingress and egress. Without `types` it governs what it has rules
    /// for, and without any rule ingress.
    fn types(&mut self, spec: Node<'i>, ingress: bool, egress: bool) -> [bool; 2] {
        let types = self.checks.items(spec, "types");
        if types.is_empty() {
            return [ingress || !egress, egress];
        }
        let mut found = [false; 2];
        for node in types {
            match node.as_str() {
                Some("Ingress") => found[0] = true,
                Some("Egress") => found[1] = true,
                _ => self.checks.refuse(node, "a type must be `Ingress` or `Egress`"),
            }
        }
        found
    }

    /// Notes the fields of a mapping that are not known.
    fn note_unknown(&mut self, node: Node<'_>, prefix: &str, known: &[&str]) {
        self.gaps.extend(unknown_fields(node, known).map(|name| format!("{prefix}{name}")));
    }

    /// The selector in a field; `None` where there is none.
    fn selector(
        &mut self,
        node: Node<'i>,
        field: &str,
        key: fn(&str) -> String,
    ) -> Option<Selector> {
        let value = node.field(field)?;
        let text = self.checks.text(node, field)?;
        match selector::parse(text, &key) {
            Ok(selector) => Some(selector),
            Err(error) => {
                self.checks.refuse(value, format!("`{field}`: {error}"));
                None
            }
        }
    }
}

/// Whether a `namespaceSelector` means what is in no namespace.
fn is_global(node: Node<'_>) -> bool {
    node.string("namespaceSelector").is_some_and(|text| text.trim() == "global()")
}

/// The keys under which the model has what selectors of endpoints ask for.
fn pod_key(key: &str) -> String {
    match key {
        "projectcalico.org/namespace" => NAMESPACE.to_owned(),
        "projectcalico.org/serviceaccount" => SERVICE_ACCOUNT.to_owned(),
        "projectcalico.org/orchestrator" => ORCHESTRATOR.to_owned(),
        key => key.to_owned(),
    }
}

/// As `pod_key`, for selectors of service accounts.
fn account_key(key: &str) -> String {
    match key {
        "projectcalico.org/name" => SERVICE_ACCOUNT.to_owned(),
        key => format!("{ACCOUNT}{key}"),
    }
}

/// As `pod_key`, for selectors of namespaces.
fn namespace_key(key: &str) -> String {
    match key {
        "projectcalico.org/name" => NAMESPACE_NAME_LABEL.to_owned(),
        key => key.to_owned(),
    }
}
