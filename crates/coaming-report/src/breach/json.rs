//! `coaming breach --format json`: a contract.

use std::io::{self, Write};

use coaming_breach::{
    Cut, EntryAnswer, Foothold, IdentityName, NodeName, Way, WayStep, WorkloadName,
};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use super::{Place, View};

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
    lines(out, answer.prizes.iter().map(AsJson))?;
    out.write_all(b"],\n \"ways\": [")?;
    let ways = answer.entries.iter().flat_map(EntryAnswer::ways);
    lines(out, ways.map(|way| WayAsJson { view, way }))?;
    out.write_all(b"],\n \"cuts\": [")?;
    lines(out, answer.cuts.iter().map(|it| cut(view, it)))?;
    out.write_all(b"],\n \"unknown\": [")?;
    let unknown = answer.unknown.iter();
    lines(out, unknown.map(|note| json!({"message": note.message, "count": note.count})))?;
    out.write_all(b"]}\n")
}

/// Items of a list, one line each.
fn lines(out: &mut dyn Write, items: impl Iterator<Item = impl Serialize>) -> io::Result<()> {
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
    serde_json::to_value(AsJson(foothold)).unwrap_or_default()
}

/// A foothold, written without a tree of values: a large answer has a hundred thousand.
struct AsJson<'f>(&'f Foothold);

impl Serialize for AsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", self.0.type_name())?;
        match self.0 {
            Foothold::Container(own) | Foothold::ContainerRoot(own) => {
                add_workload(&mut map, &own.workload)?;
                map.serialize_entry("container", &own.container)?;
                if matches!(self.0, Foothold::ContainerRoot(_)) {
                    map.serialize_entry("user", "root")?;
                }
            }
            Foothold::Port { workload, protocol, port } => {
                add_workload(&mut map, workload)?;
                map.serialize_entry("protocol", protocol.name())?;
                map.serialize_entry("port", port)?;
            }
            Foothold::Node(node) | Foothold::NodeFiles(node) => match node {
                NodeName::Named(name) => map.serialize_entry("name", name)?,
                NodeName::Of(own) => map.serialize_entry("runs", &workload(own))?,
                NodeName::Any => map.serialize_entry("any", &true)?,
            },
            Foothold::Identity(IdentityName::User(name)) => map.serialize_entry("user", name)?,
            Foothold::Identity(IdentityName::Group(name)) => map.serialize_entry("group", name)?,
            Foothold::Identity(IdentityName::ServiceAccount { namespace, name }) => {
                let own = json!({"namespace": namespace, "name": name});
                map.serialize_entry("service_account", &own)?;
            }
            Foothold::Secret { namespace, name } => {
                map.serialize_entry("namespace", namespace)?;
                map.serialize_entry("name", name)?;
            }
            Foothold::DataStore(own) => add_workload(&mut map, own)?,
            Foothold::CloudIdentity(name) | Foothold::Credential(name) => {
                map.serialize_entry("name", name)?;
            }
            Foothold::Outside
            | Foothold::Exfiltration
            | Foothold::ClusterAdmin
            | Foothold::Link(_) => {}
        }
        map.end()
    }
}

fn add_workload<M: SerializeMap>(map: &mut M, name: &WorkloadName) -> Result<(), M::Error> {
    map.serialize_entry("namespace", &name.namespace)?;
    map.serialize_entry("kind", &name.kind)?;
    map.serialize_entry("name", &name.name)
}

fn entry(entry: &EntryAnswer) -> Value {
    let mut value = foothold(&entry.from);
    if let Value::Object(fields) = &mut value {
        fields.insert("via".to_owned(), json!(entry.via));
        fields.insert("risk".to_owned(), json!(entry.risk));
        let runs = entry.runs().into_iter().cloned().map(|own| foothold(&Foothold::Container(own)));
        fields.insert("runs".to_owned(), runs.collect());
        let reads = entry.reads().into_iter().map(|prize| Value::String(prize.to_string()));
        fields.insert("reads".to_owned(), reads.collect());
        fields.insert("reaches".to_owned(), entry.reaches().into_iter().map(workload).collect());
    }
    value
}

/// A way, written without a tree of values.
struct WayAsJson<'w> {
    view: &'w View<'w>,
    way: Way,
}

impl Serialize for WayAsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { view, way } = self;
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("from", &AsJson(&way.from))?;
        map.serialize_entry("to", &AsJson(&way.to))?;
        map.serialize_entry("kind", way.kind().as_str())?;
        map.serialize_entry("cost", &way.cost)?;
        let steps = way.steps.iter().map(|step| StepAsJson { view, step });
        map.serialize_entry("steps", &steps.collect::<Vec<_>>())?;
        map.end()
    }
}

struct StepAsJson<'w> {
    view: &'w View<'w>,
    step: &'w WayStep,
}

impl Serialize for StepAsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { view, step } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("step", step.step.id)?;
        map.serialize_entry("technique", step.step.technique)?;
        map.serialize_entry("kind", step.kind.as_str())?;
        map.serialize_entry("from", &AsJson(&step.from))?;
        map.serialize_entry("to", &AsJson(&step.to))?;
        map.serialize_entry("reason", &step.reason)?;
        let places = step.evidence.iter().filter_map(|evidence| view.place(evidence));
        let places: Vec<PlaceAsJson> = places.map(PlaceAsJson).collect();
        map.serialize_entry("locations", &places)?;
        if !step.also.is_empty() {
            map.serialize_entry("also", &step.also.iter().map(AsJson).collect::<Vec<_>>())?;
        }
        map.end()
    }
}

struct PlaceAsJson(Place);

impl Serialize for PlaceAsJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("file", &self.0.file)?;
        map.serialize_entry("path", &self.0.path)?;
        if let Some((line, column)) = self.0.position {
            map.serialize_entry("line", &line)?;
            map.serialize_entry("column", &column)?;
        }
        map.end()
    }
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
