//! `coaming net why`.

use std::fmt::Write as _;

use serde::Serialize;

use super::list::{PortsJson, json_line, ports_json};
use crate::explain::{Explanation, PolicyVerdict, RuleVerdict, Side};
use crate::model::{Action, Direction, Place};
use crate::ports::Connections;

/// An explanation for people.
#[must_use]
pub fn why_text(explanation: &Explanation) -> String {
    let mut out = String::new();
    let port =
        explanation.port.map_or(String::new(), |(protocol, port)| format!(" on {protocol} {port}"));
    let answer = match (explanation.is_allowed(), explanation.port) {
        (false, _) => "denied".to_owned(),
        (true, Some(_)) => "allowed".to_owned(),
        (true, None) => format!("allowed on {}", explanation.allowed),
    };
    let _ = writeln!(out, "{} → {}{port}: {answer}", explanation.source, explanation.target);
    for side in &explanation.sides {
        text_side(&mut out, side);
    }
    for advice in &explanation.advice {
        let _ = writeln!(out, "\n{advice}");
    }
    out
}

fn text_side(out: &mut String, side: &Side) {
    let verb = if side.direction == Direction::Egress { "leaving" } else { "entering" };
    let _ = writeln!(out, "\n  {verb} {}: {}", side.subject, shown(&side.allowed));
    if !side.governed {
        out.push_str("    no policy applies to it\n");
    } else if side.policies.is_empty() {
        let _ = writeln!(
            out,
            "    no policy selects it for {}, so everything is allowed",
            side.direction.name()
        );
    }
    for policy in &side.policies {
        let _ = writeln!(out, "    {}{}", policy.policy, at(policy.place.as_ref()));
        if policy.rules.is_empty() {
            out.push_str("      no rule: it allows nothing by itself\n");
        }
        for rule in &policy.rules {
            let _ = writeln!(out, "      {}{}: {}", rule.name, at(rule.place.as_ref()), said(rule));
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

fn said(rule: &RuleVerdict) -> String {
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

fn at(place: Option<&Place>) -> String {
    place.map_or_else(String::new, |place| format!(" ({place})"))
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
    advice: &'e [String],
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

/// An explanation for programs.
#[must_use]
pub fn why_json(explanation: &Explanation) -> String {
    let rule = |rule: &'_ RuleVerdict| -> (Option<u32>, &'static str) {
        let line = rule.place.as_ref().and_then(|place| place.line);
        let action = match rule.action {
            Action::Allow => "allow",
            Action::Deny => "deny",
            Action::Pass => "pass",
        };
        (line, action)
    };
    fn policy<'e>(
        verdict: &'e PolicyVerdict,
        rule: &impl Fn(&RuleVerdict) -> (Option<u32>, &'static str),
    ) -> PolicyJson<'e> {
        PolicyJson {
            policy: &verdict.policy,
            file: verdict.place.as_ref().map(|place| &*place.file),
            line: verdict.place.as_ref().and_then(|place| place.line),
            rules: verdict
                .rules
                .iter()
                .map(|verdict| {
                    let (line, action) = rule(verdict);
                    RuleJson {
                        rule: &verdict.name,
                        line,
                        action,
                        matches: verdict.matches,
                        connections: ports_json(&verdict.connections),
                    }
                })
                .collect(),
        }
    }
    let sides = explanation.sides.iter().map(|side| SideJson {
        direction: side.direction.name(),
        subject: &side.subject,
        allowed: ports_json(&side.allowed),
        policies: side.policies.iter().map(|verdict| policy(verdict, &rule)).collect(),
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
        advice: &explanation.advice,
    };
    json_line(&value) + "\n"
}
