//! `coaming net why`.

use std::io::{self, Write};

use coaming_network::model::{Action, Limit, PolicyKind, SourceRef};
use coaming_network::{
    Advice, AdvisedPeer, AdvisedRule, AskedPort, Connections, Direction, EntranceVerdict,
    Explanation, Labels, NewPolicy, Peer, PolicyVerdict, RuleVerdict, Side, Uncertainty, Way,
};
use serde::Serialize;

use super::notes::not_evaluated;
use super::{PortsJson, addresses_text, json_line, ports_json};

/// Writes an explanation as text.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn why_text(explanation: &Explanation, out: &mut dyn Write) -> io::Result<()> {
    let (source, target) = (peer(&explanation.source), peer(&explanation.target));
    let port = explanation.port.as_ref();
    let on = port.map_or_else(String::new, |port| format!(" on {}", port_text(explanation, port)));
    writeln!(out, "{source} → {target}{on}: {}", answer(explanation))?;
    if let Some((port, service, own)) = port.and_then(|port| {
        let (service, own) = port.service.as_ref()?;
        Some((port, service, own))
    }) {
        let (protocol, number) = (port.protocol, port.number);
        writeln!(
            out,
            "  {protocol} {own} is the port of Service {service}; it leads to {protocol} {number} \
             of the pods, which is what policies see"
        )?;
    }
    if let Some(port) = explanation.tunnel {
        writeln!(
            out,
            "  Istio's ambient mesh carries TCP between them through port {port} of the target, which is \
             what network policies see"
        )?;
    }
    for entrance in &explanation.entrances {
        let EntranceVerdict { via, protocol, port, open } = entrance;
        let verdict = if *open { "open" } else { "closed by the policies" };
        writeln!(out, "  through {via} to {protocol} {port}: {verdict}")?;
    }
    for reason in &explanation.refused {
        writeln!(out, "  {reason}")?;
    }
    if explanation.source == Peer::Ingress && explanation.sides.is_empty() {
        let what = if explanation.entrances.is_empty() { "it" } else { "that port" };
        let other = if explanation.refused.is_empty() { "no" } else { "no other" };
        writeln!(out, "  {other} Ingress, route or open Service here leads to {what}")?;
    }
    text_ways(out, explanation)?;
    let none = no_policy(explanation);
    for side in &explanation.sides {
        text_side(out, side, port, none)?;
    }
    for way in &explanation.ways {
        writeln!(out, "\n  through waypoint {}:", way.waypoint)?;
        for side in sides_of(way) {
            text_side(out, side, None, none)?;
        }
    }
    for uncertainty in &explanation.uncertain {
        writeln!(out, "\nnote: {}", doubt(explanation, uncertainty))?;
    }
    text_advice(out, explanation)
}

/// What is allowed through waypoints, and without them.
fn text_ways(out: &mut dyn Write, explanation: &Explanation) -> io::Result<()> {
    if explanation.ways.is_empty() {
        return Ok(());
    }
    for way in &explanation.ways {
        let verdict = match way.is_allowed() {
            true => format!("allowed{}", restricted(&way.limits)),
            false => "denied".to_owned(),
        };
        writeln!(out, "  {}, through waypoint {}: {verdict}", way_name(way), way.waypoint)?;
    }
    if explanation.ways.iter().all(|way| way.service.is_some()) {
        let verdict = if explanation.is_allowed_directly() { "allowed" } else { "denied" };
        writeln!(out, "  by the pods' own addresses, past the waypoint: {verdict}")?;
    }
    Ok(())
}

fn way_name(way: &Way) -> String {
    match &way.service {
        Some(service) => format!("by Service {service}"),
        None => "by the pods' own addresses".to_owned(),
    }
}

/// The decisions on the way, in their order.
fn sides_of(way: &Way) -> impl Iterator<Item = &Side> {
    let first = way.first.sides.iter();
    first.chain(std::iter::once(&way.authorization)).chain(&way.onward.sides)
}

fn answer(explanation: &Explanation) -> String {
    let verdict = match (explanation.is_allowed(), &explanation.port) {
        (false, _) => "denied".to_owned(),
        (true, Some(_)) => format!("allowed{}", restricted(&explanation.limits)),
        (true, None) => {
            format!("allowed on {}{}", explanation.allowed, restricted(&explanation.limits))
        }
    };
    if explanation.is_certain() {
        return verdict;
    }
    let by_plugin = explanation.uncertain.iter().find_map(|uncertainty| match uncertainty {
        Uncertainty::Plugin { by_address } => Some(by_address),
        _ => None,
    });
    let by_way = |it: &Uncertainty| matches!(it, Uncertainty::Masqueraded { .. });
    match by_plugin {
        Some(_) => "it depends on the network plugin".to_owned(),
        None if explanation.uncertain.iter().all(by_way) => {
            format!("{verdict} to the pods' own addresses, but not through the Service")
        }
        None => format!("{verdict}, as far as the evaluated policies decide"),
    }
}

/// `, further restricted to HTTP GET /a or HTTP GET /b`: of each side any limit must hold.
fn restricted(limits: &[Vec<Limit>]) -> String {
    if limits.is_empty() {
        return String::new();
    }
    let sides: Vec<String> = limits.iter().map(|limits| any_of(limits)).collect();
    format!(", further restricted to {}", sides.join(", and to "))
}

fn any_of(limits: &[Limit]) -> String {
    limits.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

/// A port with the name that the target gives it.
fn port_text(explanation: &Explanation, port: &AskedPort) -> String {
    let declared = explanation
        .declared
        .iter()
        .find(|declared| (declared.protocol, declared.number) == (port.protocol, port.number));
    match declared.and_then(|declared| declared.name.as_ref()) {
        Some(name) => format!("{} {} ({name})", port.protocol, port.number),
        None => format!("{} {}", port.protocol, port.number),
    }
}

/// A peer, with addresses as people write them.
fn peer(peer: &Peer) -> String {
    match peer {
        Peer::Ip(addresses) => addresses_text(addresses),
        Peer::Workload(workload) => workload.to_string(),
        Peer::Ingress => "ingress".to_owned(),
    }
}

/// Why the answer may differ, as a sentence.
fn doubt(explanation: &Explanation, uncertainty: &Uncertainty) -> String {
    match uncertainty {
        Uncertainty::NotEvaluated(kind) => not_evaluated(kind).message,
        Uncertainty::DomainNames { policy, rule } => format!(
            "{rule} of {policy} matches by domain names, and no address tells whether it applies: \
             the answer may differ"
        ),
        Uncertainty::ApiServer { policy, rule } => format!(
            "{rule} of {policy} is about the API server, whose address is not known: if it is the \
             other peer, the answer differs"
        ),
        Uncertainty::EqualPriorities([one, other]) => format!(
            "{one} and {other} have the same priority and decide differently: which of them \
             counts is undefined"
        ),
        Uncertainty::Masqueraded { via, open } => format!(
            "through {via} the pods see the address of a node instead of {}, as its \
             externalTrafficPolicy is not Local: that way it is {}",
            peer(&explanation.source),
            if *open { "allowed" } else { "denied" }
        ),
        Uncertainty::Plugin { by_address } => {
            let verdict = |allowed: &Connections| {
                let open = match &explanation.port {
                    Some(port) => allowed.contains(port.protocol, port.number),
                    None => !allowed.is_empty(),
                };
                if open { "allowed" } else { "denied" }
            };
            format!(
                "an ipBlock covers the pod's address. {} on Calico, Antrea and other plugins where \
                 an ipBlock means pods too; {} on Cilium, where it never does. Say which with \
                 --network-plugin",
                verdict(by_address),
                verdict(&explanation.allowed)
            )
        }
    }
}

fn text_side(
    out: &mut dyn Write,
    side: &Side,
    port: Option<&AskedPort>,
    none: &str,
) -> io::Result<()> {
    let verb = if side.direction == Direction::Egress { "leaving" } else { "entering" };
    writeln!(out, "\n  {verb} {}: {}", peer(&side.subject), shown(&side.allowed))?;
    if side.host_network {
        out.write_all(
            b"    it shares its node's network (hostNetwork), so no policy applies to it\n",
        )?;
    } else if !side.governed {
        out.write_all(b"    no policy applies to it\n")?;
    } else if side.policies.is_empty() {
        let direction = side.direction.name();
        writeln!(out, "    {none} selects it for {direction}, so everything is allowed")?;
    }
    if let Some(port) = port.filter(|port| {
        side.policies.iter().any(|policy| policy.kind.is_istio())
            && coaming_network::is_port_of_proxy(port.protocol, port.number)
    }) {
        writeln!(
            out,
            "    {} {} is a port of Istio's proxy itself, which no policy of the mesh is about",
            port.protocol, port.number
        )?;
    }
    for policy in &side.policies {
        writeln!(out, "    {}{}", policy.policy, at(policy.location.as_ref()))?;
        if policy.rules.is_empty() {
            out.write_all(b"      no rule: it allows nothing by itself\n")?;
        }
        for rule in &policy.rules {
            let location = at(rule.location.as_ref());
            writeln!(out, "      {}{location}: {}", rule.name, verdict(rule))?;
        }
    }
    Ok(())
}

fn text_advice(out: &mut dyn Write, explanation: &Explanation) -> io::Result<()> {
    for (position, advice) in explanation.advice.iter().enumerate() {
        let mut text = phrased(advice, explanation);
        if position > 0 {
            // One change is not enough by itself.
            text = text.replacen("to allow it: ", "and also: ", 1);
        }
        writeln!(out, "\n{text}")?;
        if let Advice::Add(policy) = advice {
            for line in policy_yaml(policy).lines() {
                writeln!(out, "  {line}")?;
            }
        }
    }
    Ok(())
}

/// What no policy means where others are not evaluated.
fn no_policy(explanation: &Explanation) -> &'static str {
    if explanation.uncertain.is_empty() { "no policy" } else { "no evaluated policy" }
}

/// Advice as a sentence.
fn phrased(advice: &Advice, explanation: &Explanation) -> String {
    match advice {
        Advice::Guard { direction, subject } => format!(
            "to forbid it: {} guards the {} of {subject}, so add one that selects it and allows only \
             what it needs",
            no_policy(explanation),
            direction.name()
        ),
        Advice::Narrow(rules) => {
            let rules: Vec<String> = rules.iter().map(of).collect();
            format!("to forbid it: remove or narrow {}", rules.join(" and "))
        }
        Advice::OverrideDenial(rule) => format!(
            "to allow it: {} denies it before any later rule is evaluated; put an allowing rule \
             above it, or narrow it",
            of(rule)
        ),
        Advice::AddToTier { tier, policy } => format!(
            "to allow it: add an Allow rule for it to {policy}, or to another policy of tier {tier}, which \
             refuses what none of its rules decides"
        ),
        Advice::JoinNetworks(rule) => format!(
            "to allow it: put both on one network; {} refuses what crosses its border, and no policy \
             can allow that",
            of(rule)
        ),
        Advice::JoinMesh(rule) => format!(
            "to allow it: bring the source into the service mesh (label its namespace \
             istio-injection=enabled), or set the mode PERMISSIVE in {}{}",
            rule.policy,
            at(rule.location.as_ref())
        ),
        Advice::AuthorizeClient(rule, PolicyKind::Server) => format!(
            "to allow it: add an AuthorizationPolicy (policy.linkerd.io) whose targetRef is {}{} and \
             whose requiredAuthenticationRefs name the ServiceAccount of the source",
            rule.policy,
            at(rule.location.as_ref())
        ),
        Advice::AuthorizeClient(rule, _) => format!(
            "to allow it: the annotation config.linkerd.io/default-inbound-policy of the target's pods \
             or namespace, or proxy.defaultInboundPolicy of Linkerd's installation, makes it {}; \
             change it, or add a Server for the port with an AuthorizationPolicy for the source",
            rule.policy
        ),
        Advice::Authorize(policy) => format!(
            "to allow it: add a rule for it to {policy}; or add another policy of that kind with \
             action ALLOW, as they add up"
        ),
        Advice::NarrowDenial(rule) => format!(
            "to allow it: {} denies it, and no other rule can allow what it denies; remove or \
             narrow it",
            of(rule)
        ),
        Advice::Add(policy) => {
            let extra = match policy.peer {
                AdvisedPeer::Nodes => {
                    " (the peer uses its node's network: put the addresses of your nodes in)"
                }
                AdvisedPeer::Controller => {
                    " (put the name of the namespace in that your ingress controller runs in)"
                }
                AdvisedPeer::Addresses(_) | AdvisedPeer::Pods { .. } => "",
            };
            format!("to allow it: add this policy{extra}")
        }
        Advice::AddLabel(workload) => format!(
            "to allow it: first give the pods of {workload} a label that no other pods of the \
             namespace have, as no policy can select them alone"
        ),
    }
}

/// A policy as a manifest.
fn policy_yaml(policy: &NewPolicy) -> String {
    let (direction, list, peers) = match policy.direction {
        Direction::Ingress => ("Ingress", "ingress", "from"),
        Direction::Egress => ("Egress", "egress", "to"),
    };
    let labels = |labels: &Labels| {
        let pairs: Vec<String> =
            labels.iter().map(|(key, value)| format!("{key}: {value:?}")).collect();
        format!("{{matchLabels: {{{}}}}}", pairs.join(", "))
    };
    let namespace = |name: &str| {
        format!("{{matchLabels: {{{}: {name}}}}}", coaming_network::model::NAMESPACE_NAME_LABEL)
    };
    let block = |block: &str| format!("    - ipBlock: {{cidr: {block:?}}}\n");
    let items = match &policy.peer {
        AdvisedPeer::Addresses(addresses) => {
            addresses.blocks().iter().map(|it| block(it)).collect::<String>()
        }
        AdvisedPeer::Nodes => block("NODE-ADDRESS/32"),
        AdvisedPeer::Controller => {
            format!("    - namespaceSelector: {}\n", namespace("INGRESS-NAMESPACE"))
        }
        AdvisedPeer::Pods { namespace: name, labels: own } if *name == policy.namespace => {
            format!("    - podSelector: {}\n", labels(own))
        }
        AdvisedPeer::Pods { namespace: name, labels: own } => format!(
            "    - namespaceSelector: {}\n      podSelector: {}\n",
            namespace(name),
            labels(own)
        ),
    };
    let ports = policy.port.map_or_else(String::new, |(protocol, port)| {
        format!("    ports: [{{protocol: {protocol}, port: {port}}}]\n")
    });
    format!(
        "apiVersion: networking.k8s.io/v1\n\
         kind: NetworkPolicy\n\
         metadata: {{name: {}, namespace: {}}}\n\
         spec:\n  \
         podSelector: {}\n  \
         policyTypes: [{direction}]\n  \
         {list}:\n  \
         - {peers}:\n{items}{ports}",
        policy.name,
        policy.namespace,
        labels(&policy.subject)
    )
}

fn shown(connections: &Connections) -> String {
    if connections.is_empty() {
        "nothing is allowed".to_owned()
    } else {
        format!("allows {connections}")
    }
}

fn verdict(rule: &RuleVerdict) -> String {
    if !rule.matches {
        return "does not match the peer".to_owned();
    }
    if rule.connections.is_empty() {
        return "matches, but on no port".to_owned();
    }
    let limits = match rule.limits.as_slice() {
        [] => String::new(),
        limits => format!(", further restricted to {}", any_of(limits)),
    };
    format!("{} {}{limits}", action(rule.action), rule.connections)
}

fn action(action: Action) -> &'static str {
    match action {
        Action::Allow => "allows",
        Action::Deny => "denies",
        Action::Pass => "passes on",
    }
}

/// `ingress[0] of NetworkPolicy shop/db (db.yaml:3)`.
pub(super) fn of(rule: &AdvisedRule) -> String {
    format!("{} of {}{}", rule.rule, rule.policy, at(rule.location.as_ref()))
}

fn at(location: Option<&SourceRef>) -> String {
    location.map_or_else(String::new, |location| format!(" ({location})"))
}

#[derive(Serialize)]
pub(super) struct WhyJson<'e> {
    version: u32,
    source: String,
    target: String,
    port: Option<(&'static str, u16)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'e (String, u16)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tunnel: Option<u16>,
    is_allowed: bool,
    is_certain: bool,
    all: bool,
    allowed: Vec<PortsJson<'e>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    restricted_to: Vec<Vec<String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    entrances: Vec<EntranceJson<'e>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ways: Vec<WayJson<'e>>,
    sides: Vec<SideJson<'e>>,
    notes: Vec<String>,
    advice: Vec<String>,
    policies: Vec<String>,
}

#[derive(Serialize)]
struct EntranceJson<'e> {
    via: &'e str,
    protocol: &'static str,
    port: u16,
    is_open: bool,
}

#[derive(Serialize)]
struct WayJson<'e> {
    waypoint: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'e str>,
    is_allowed: bool,
    allowed: Vec<PortsJson<'e>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    restricted_to: Vec<Vec<String>>,
    sides: Vec<SideJson<'e>>,
}

#[derive(Serialize)]
struct SideJson<'e> {
    direction: &'static str,
    subject: String,
    allowed: Vec<PortsJson<'e>>,
    policies: Vec<PolicyJson<'e>>,
}

#[derive(Serialize)]
struct PolicyJson<'e> {
    policy: &'e str,
    file: Option<&'e str>,
    line: Option<u32>,
    rules: Vec<RuleJson<'e>>,
}

#[derive(Serialize)]
struct RuleJson<'e> {
    rule: &'e str,
    line: Option<u32>,
    action: &'static str,
    matches: bool,
    connections: Vec<PortsJson<'e>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    restricted_to: Vec<String>,
}

fn limits_json(limits: &[Limit]) -> Vec<String> {
    limits.iter().map(ToString::to_string).collect()
}

/// Writes an explanation as JSON.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn why_json(explanation: &Explanation, out: &mut dyn Write) -> io::Result<()> {
    json_line(&WhyJson::of(explanation), out)
}

impl<'e> WhyJson<'e> {
    pub(super) fn of(explanation: &'e Explanation) -> Self {
        let sides = explanation.sides.iter().map(side_json);
        let ways = explanation.ways.iter().map(|way| WayJson {
            waypoint: &way.waypoint,
            service: way.service.as_deref(),
            is_allowed: way.is_allowed(),
            allowed: ports_json(&way.allowed),
            restricted_to: way.limits.iter().map(|limits| limits_json(limits)).collect(),
            sides: sides_of(way).map(side_json).collect(),
        });
        let entrances = explanation.entrances.iter().map(|entrance| EntranceJson {
            via: &entrance.via,
            protocol: entrance.protocol.name(),
            port: entrance.port,
            is_open: entrance.open,
        });
        Self {
            version: 1,
            source: peer(&explanation.source),
            target: peer(&explanation.target),
            port: explanation.port.as_ref().map(|port| (port.protocol.name(), port.number)),
            service: explanation.port.as_ref().and_then(|port| port.service.as_ref()),
            tunnel: explanation.tunnel,
            is_allowed: explanation.is_allowed(),
            is_certain: explanation.is_certain(),
            all: explanation.allowed.is_all(),
            allowed: ports_json(&explanation.allowed),
            restricted_to: explanation.limits.iter().map(|limits| limits_json(limits)).collect(),
            entrances: entrances.collect(),
            ways: ways.collect(),
            sides: sides.collect(),
            notes: {
                let doubts = explanation.uncertain.iter().map(|it| doubt(explanation, it));
                doubts.chain(explanation.refused.iter().cloned()).collect()
            },
            advice: explanation.advice.iter().map(|advice| phrased(advice, explanation)).collect(),
            policies: explanation
                .advice
                .iter()
                .filter_map(|advice| match advice {
                    Advice::Add(policy) => Some(policy_yaml(policy)),
                    _ => None,
                })
                .collect(),
        }
    }
}

fn side_json(side: &Side) -> SideJson<'_> {
    SideJson {
        direction: side.direction.name(),
        subject: peer(&side.subject),
        allowed: ports_json(&side.allowed),
        policies: side.policies.iter().map(policy_json).collect(),
    }
}

fn policy_json(verdict: &PolicyVerdict) -> PolicyJson<'_> {
    PolicyJson {
        policy: &verdict.policy,
        file: verdict.location.as_ref().map(|location| &*location.file),
        line: verdict.location.as_ref().and_then(|location| location.line),
        rules: verdict.rules.iter().map(rule_json).collect(),
    }
}

fn rule_json(verdict: &RuleVerdict) -> RuleJson<'_> {
    RuleJson {
        rule: &verdict.name,
        line: verdict.location.as_ref().and_then(|location| location.line),
        action: match verdict.action {
            Action::Allow => "allow",
            Action::Deny => "deny",
            Action::Pass => "pass",
        },
        matches: verdict.matches,
        connections: ports_json(&verdict.connections),
        restricted_to: limits_json(&verdict.limits),
    }
}
