//! `coaming net why`.

use std::io::{self, Write};

use coaming_network::model::{Action, SourceRef};
use coaming_network::{
    Advice, AdvisedPeer, AdvisedRule, Connections, Direction, Explanation, PolicyVerdict, Protocol,
    RuleVerdict, Side,
};
use serde::Serialize;

use super::{PortsJson, json_line, ports_json};

/// Writes an explanation as text.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn why_text(explanation: &Explanation, out: &mut dyn Write) -> io::Result<()> {
    let port =
        explanation.port.map_or(String::new(), |(protocol, port)| format!(" on {protocol} {port}"));
    let answer = match (explanation.is_allowed(), explanation.port) {
        (false, _) => "denied".to_owned(),
        (true, Some(_)) => "allowed".to_owned(),
        (true, None) => format!("allowed on {}", explanation.allowed),
    };
    writeln!(out, "{} → {}{port}: {answer}", explanation.source, explanation.target)?;
    for side in &explanation.sides {
        text_side(out, side)?;
    }
    for advice in &explanation.advice {
        writeln!(out, "\n{}", phrased(advice))?;
    }
    Ok(())
}

fn text_side(out: &mut dyn Write, side: &Side) -> io::Result<()> {
    let verb = if side.direction == Direction::Egress { "leaving" } else { "entering" };
    writeln!(out, "\n  {verb} {}: {}", side.subject, shown(&side.allowed))?;
    if !side.governed {
        out.write_all(b"    no policy applies to it\n")?;
    } else if side.policies.is_empty() {
        let direction = side.direction.name();
        writeln!(out, "    no policy selects it for {direction}, so everything is allowed")?;
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

/// Advice as a sentence.
fn phrased(advice: &Advice) -> String {
    let of = |rule: &AdvisedRule| {
        format!("{} of {}{}", rule.rule, rule.policy, at(rule.location.as_ref()))
    };
    match advice {
        Advice::AddPolicy { direction, subject } => format!(
            "to forbid it: no policy guards the {} of {subject}, so add one that selects it and \
             allows only what it needs",
            direction.name()
        ),
        Advice::NarrowRule(rule) => format!("to forbid it: remove or narrow {}", of(rule)),
        Advice::OverrideDenial(rule) => format!(
            "to allow it: {} denies it before any later rule is evaluated; put an allowing rule \
             above it, or narrow it",
            of(rule)
        ),
        Advice::AddRule { direction, policy, peer, port } => {
            let (policy, location) = match policy {
                Some((policy, location)) => (policy.as_str(), at(location.as_ref())),
                None => ("a policy", String::new()),
            };
            let preposition = if *direction == Direction::Ingress { "from" } else { "to" };
            format!(
                "to allow it: add to the {} rules of {policy}{location}: {preposition} {}{}",
                direction.name(),
                peer_as_yaml(peer),
                port.map_or_else(String::new, port_as_yaml)
            )
        }
    }
}

fn port_as_yaml((protocol, port): (Protocol, u16)) -> String {
    format!(", ports [{{protocol: {protocol}, port: {port}}}]")
}

/// A peer as an item of `from` or `to`.
fn peer_as_yaml(peer: &AdvisedPeer) -> String {
    match peer {
        AdvisedPeer::Addresses(addresses) => format!("an ipBlock within {addresses}"),
        AdvisedPeer::Pods { namespace, labels } => {
            let labels: Vec<String> =
                labels.iter().map(|(key, value)| format!("{key}: {value:?}")).collect();
            format!(
                "[{{namespaceSelector: {{matchLabels: {{{}: {namespace}}}}}, podSelector: \
                 {{matchLabels: {{{}}}}}}}]",
                coaming_network::model::NAMESPACE_NAME_LABEL,
                labels.join(", ")
            )
        }
    }
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
        return "does not match the other end".to_owned();
    }
    if rule.connections.is_empty() {
        return "matches, but on no port".to_owned();
    }
    format!("{} {}", action(rule.action), rule.connections)
}

fn action(action: Action) -> &'static str {
    match action {
        Action::Allow => "allows",
        Action::Deny => "denies",
        Action::Pass => "passes on",
    }
}

fn at(location: Option<&SourceRef>) -> String {
    location.map_or_else(String::new, |location| format!(" ({location})"))
}

#[derive(Serialize)]
struct WhyJson<'e> {
    version: u32,
    source: &'e str,
    target: &'e str,
    port: Option<(&'static str, u16)>,
    is_allowed: bool,
    all: bool,
    allowed: Vec<PortsJson<'e>>,
    sides: Vec<SideJson<'e>>,
    advice: Vec<String>,
}

#[derive(Serialize)]
struct SideJson<'e> {
    direction: &'static str,
    subject: &'e str,
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
}

/// Writes an explanation as JSON.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn why_json(explanation: &Explanation, out: &mut dyn Write) -> io::Result<()> {
    let sides = explanation.sides.iter().map(|side| SideJson {
        direction: side.direction.name(),
        subject: &side.subject,
        allowed: ports_json(&side.allowed),
        policies: side.policies.iter().map(policy_json).collect(),
    });
    let value = WhyJson {
        version: 1,
        source: &explanation.source,
        target: &explanation.target,
        port: explanation.port.map(|(protocol, port)| (protocol.name(), port)),
        is_allowed: explanation.is_allowed(),
        all: explanation.allowed.is_all(),
        allowed: ports_json(&explanation.allowed),
        sides: sides.collect(),
        advice: explanation.advice.iter().map(phrased).collect(),
    };
    json_line(&value, out)
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
    }
}
