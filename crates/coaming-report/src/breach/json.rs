//! `coaming breach --format json`: a contract.

use std::io::{self, Write};

use coaming_breach::{
    Cut, EntryAnswer, Foothold, IdentityName, NodeName, Way, WayStep, WorkloadName,
};
use serde_json::{Map, Value, json};

use super::View;

/// Writes an answer as JSON.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn json(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let answer = view.answer;
    out.write_all(b"{\"version\": 1,\n \"entries\": [")?;
    lines(out, answer.entries.iter().map(entry))?;
    out.write_all(b"],\n \"prizes\": [")?;
    lines(out, answer.prizes.iter().map(foothold))?;
    out.write_all(b"],\n \"ways\": [")?;
    lines(out, answer.entries.iter().flat_map(|entry| &entry.ways).map(|it| way(view, it)))?;
    out.write_all(b"],\n \"cuts\": [")?;
    lines(out, answer.cuts.iter().map(|it| cut(view, it)))?;
    out.write_all(b"],\n \"unknown\": [")?;
    let unknown = answer.unknown.iter();
    lines(out, unknown.map(|note| json!({"message": note.message, "count": note.count})))?;
    out.write_all(b"]}\n")
}

/// Items of a list, one line each.
fn lines(out: &mut dyn Write, items: impl Iterator<Item = Value>) -> io::Result<()> {
    for (position, item) in items.enumerate() {
        out.write_all(if position == 0 { b"\n  " } else { b",\n  " })?;
        serde_json::to_writer(&mut *out, &item)?;
    }
    Ok(())
}

fn workload(name: &WorkloadName) -> Value {
    json!({"namespace": name.namespace, "kind": name.kind, "name": name.name})
}

/// A foothold as JSON.
pub(super) fn foothold(foothold: &Foothold) -> Value {
    let mut fields = Map::new();
    fields.insert("type".to_owned(), foothold.type_name().into());
    let mut add = |values: Value| {
        if let Value::Object(values) = values {
            fields.extend(values);
        }
    };
    match foothold {
        Foothold::Container(own) | Foothold::ContainerRoot(own) => {
            add(workload(&own.workload));
            add(json!({"container": own.container}));
            if matches!(foothold, Foothold::ContainerRoot(_)) {
                add(json!({"user": "root"}));
            }
        }
        Foothold::Port { workload: own, protocol, port } => {
            add(workload(own));
            add(json!({"protocol": protocol.name(), "port": port}));
        }
        Foothold::Node(node) | Foothold::NodeFiles(node) => add(match node {
            NodeName::Named(name) => json!({"name": name}),
            NodeName::Of(own) => json!({"runs": workload(own)}),
            NodeName::Any => json!({"any": true}),
        }),
        Foothold::Identity(IdentityName::User(name)) => add(json!({"user": name})),
        Foothold::Identity(IdentityName::Group(name)) => add(json!({"group": name})),
        Foothold::Identity(IdentityName::ServiceAccount { namespace, name }) => {
            add(json!({"service_account": {"namespace": namespace, "name": name}}));
        }
        Foothold::Secret { namespace, name } => add(json!({"namespace": namespace, "name": name})),
        Foothold::DataStore(own) => add(workload(own)),
        Foothold::CloudIdentity(name) | Foothold::Credential(name) => add(json!({"name": name})),
        Foothold::Outside | Foothold::Exfiltration | Foothold::ClusterAdmin | Foothold::Link(_) => {
        }
    }
    Value::Object(fields)
}

fn entry(entry: &EntryAnswer) -> Value {
    let mut value = foothold(&entry.from);
    if let Value::Object(fields) = &mut value {
        fields.insert("via".to_owned(), json!(entry.via));
        fields.insert("risk".to_owned(), json!(entry.risk));
        let runs = entry.runs.iter().map(|own| foothold(&Foothold::Container(own.clone())));
        fields.insert("runs".to_owned(), runs.collect());
        let reads = entry.reads.iter().map(|prize| Value::String(prize.to_string()));
        fields.insert("reads".to_owned(), reads.collect());
        fields.insert("reaches".to_owned(), entry.reaches.iter().map(workload).collect());
    }
    value
}

fn way(view: &View<'_>, way: &Way) -> Value {
    json!({
        "from": foothold(&way.from),
        "to": foothold(&way.to),
        "kind": way.kind().as_str(),
        "cost": way.cost,
        "steps": way.steps.iter().map(|it| step(view, it)).collect::<Vec<_>>(),
    })
}

fn step(view: &View<'_>, step: &WayStep) -> Value {
    let locations = step.evidence.iter().filter_map(|evidence| {
        let place = view.place(evidence)?;
        let mut value = json!({"file": place.file, "path": place.path});
        if let (Value::Object(fields), Some((line, column))) = (&mut value, place.position) {
            fields.insert("line".to_owned(), line.into());
            fields.insert("column".to_owned(), column.into());
        }
        Some(value)
    });
    let mut value = json!({
        "step": step.step.id,
        "technique": step.step.technique,
        "kind": step.kind.as_str(),
        "from": foothold(&step.from),
        "to": foothold(&step.to),
        "reason": step.reason,
        "locations": locations.collect::<Vec<_>>(),
    });
    if let (Value::Object(fields), false) = (&mut value, step.also.is_empty()) {
        fields.insert("also".to_owned(), step.also.iter().map(foothold).collect());
    }
    value
}

fn cut(view: &View<'_>, cut: &Cut) -> Value {
    let findings = cut.findings.iter().filter_map(|&number| view.findings.get(number));
    let findings = findings.map(|finding| {
        let mut value = json!({
            "rule": finding.rule.id.as_str(),
            "severity": finding.severity.as_str(),
            "message": finding.message,
        });
        if let Value::Object(fields) = &mut value {
            if let Some(object) = &finding.object {
                fields.insert(
                    "object".to_owned(),
                    json!({
                        "api_version": object.api_version,
                        "kind": object.kind,
                        "namespace": object.namespace,
                        "name": object.name,
                    }),
                );
            }
            if let Some(container) = &finding.container {
                fields.insert("container".to_owned(), container.as_str().into());
            }
            if let Some(fix) = &finding.fix {
                let applicability = fix.applicability.as_str();
                let fix = json!({"title": fix.title, "applicability": applicability});
                fields.insert("fix".to_owned(), fix);
            }
        }
        value
    });
    json!({
        "findings": findings.collect::<Vec<_>>(),
        "closes": {"pairs": cut.closed, "of": cut.of},
        "cost": cut.cost,
        "proven": cut.gap == 0,
        "at_most_more_than_smallest": cut.gap,
    })
}
