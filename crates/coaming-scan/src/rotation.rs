//! Plans the rotation of secrets that were found: where each one is, and what uses it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coaming_finding::{CommitRef, Finding, ObjectRef, Verification};
use coaming_kube::{Fields as _, Source, SourceId, Workload, World};
use coaming_yaml::LineIndex;

/// A secret to rotate.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// What a finding says of it, with its places in the objects and files.
    pub messages: Vec<String>,
    /// `FILE:LINE`, sorted.
    pub places: Vec<String>,
    /// The oldest commit with it, if a history was searched.
    pub commit: Option<Arc<CommitRef>>,
    /// What its provider answered, if it was asked.
    pub verification: Option<Box<Verification>>,
    /// Where it is revoked, if its provider is known.
    pub revoke: Option<&'static str>,
    /// Workloads that get it from the object that contains it: `Deployment shop/web`, sorted.
    pub users: Vec<String>,
}

/// The secrets in findings, each once, in the order of the findings. `revoke` says where a secret of
/// this text is revoked.
#[must_use]
pub fn plan_rotation(
    findings: &[Finding],
    sources: &BTreeMap<SourceId, Source>,
    world: &World,
    revoke: impl Fn(&str) -> Option<&'static str>,
) -> Vec<Rotation> {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut plan: Vec<Rotation> = Vec::new();
    let active = findings.iter().filter(|finding| finding.suppressed.is_none());
    for finding in active {
        let location = finding.locations.first();
        let source = location.and_then(|location| sources.get(&location.source?));
        let span = location.and_then(|location| location.span);
        let found = source.zip(span);
        let text = found.map(|(source, span)| span.text(&source.text)).unwrap_or_default();
        // Without a text of its own, a finding is a secret of its own.
        let text = if text.is_empty() { finding.message.as_str() } else { text };
        let number = *numbers.entry(text).or_insert(plan.len());
        if number == plan.len() {
            plan.push(Rotation {
                messages: Vec::new(),
                places: Vec::new(),
                commit: None,
                verification: None,
                revoke: revoke(text),
                users: Vec::new(),
            });
        }
        let rotation = &mut plan[number];
        rotation.messages.push(finding.message.clone());
        rotation.places.extend(found.map(|(source, span)| {
            let line = LineIndex::new(&source.text).position(&source.text, span.start).0;
            format!("{}:{line}", source.name)
        }));
        rotation.commit = rotation.commit.take().or_else(|| finding.commit.clone());
        rotation.verification =
            rotation.verification.take().or_else(|| finding.verification.clone());
        rotation.users.extend(finding.object.iter().flat_map(|object| users(world, object)));
    }
    for rotation in &mut plan {
        for list in [&mut rotation.messages, &mut rotation.places, &mut rotation.users] {
            list.sort();
            list.dedup();
        }
    }
    plan
}

/// The workloads that take something from a Secret or a ConfigMap.
fn users(world: &World, object: &ObjectRef) -> BTreeSet<String> {
    let fields: &[&str] = match object.kind.as_str() {
        "ConfigMap" => &["configMap", "configMapRef", "configMapKeyRef"],
        "Secret" => &[],
        _ => return BTreeSet::new(),
    };
    let namespace = |name: &str| if name.is_empty() { "default" } else { name }.to_owned();
    let own = namespace(&object.namespace);
    let in_namespace =
        world.workloads().filter(|workload| workload.object.namespace_or_default() == own);
    in_namespace
        .filter(|workload| match fields {
            [] => workload.pod().secret_uses().iter().any(|found| found.secret == object.name),
            fields => refers(*workload, fields, &object.name),
        })
        .map(|workload| format!("{} {own}/{}", workload.object.kind(), workload.object.name()))
        .collect()
}

/// Whether a pod has one of these fields with this name.
fn refers(workload: Workload<'_>, fields: &[&str], name: &str) -> bool {
    workload
        .template()
        .descendants()
        .any(|node| fields.iter().any(|field| node.mapping(field).string("name") == Some(name)))
}
