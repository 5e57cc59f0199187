//! Fixes of findings, made in memory.
//!
//! A fix with edits is made as `coaming fix` makes it, but in the objects: what a chart rendered, and
//! what a cluster holds, is changed there. A finding that only a person can fix counts as fixed by
//! the smallest change that its help asks for, where that is clear: the volume or the rule that it
//! points to is removed, or the policies that `coaming net suggest` writes are added.

use std::cell::Cell;
use std::sync::Arc;

use coaming_finding::{
    Applicability, DocumentEdits, FileEdits, Finding, Fix, Location, ObjectRef, SourceId,
};
use coaming_kube::{Delta, Fields as _, Object, ObjectKey, Origin, Source, SourceKind, World};
use coaming_yaml::edit::{Edit, TextEdit};
use coaming_yaml::{Document, Span};

/// Rules whose findings are fixed by removing what they point to.
const REMOVED: &[&str] = &["host-path", "role-gives-rights", "role-reads-secrets"];

/// Rules whose findings are fixed by suggested policies.
const SUGGESTED: &[&str] = &["no-ingress-policy"];

/// Whether the fix of a finding can be made in memory.
pub(crate) fn is_possible(finding: &Finding) -> bool {
    let has_edits = finding
        .fix
        .as_ref()
        .is_some_and(|fix| fix.applicability != Applicability::Manual && !fix.edits.is_empty());
    let rule = finding.rule.id.as_str();
    has_edits || REMOVED.contains(&rule) || SUGGESTED.contains(&rule)
}

/// The finding with the change that a cut makes for it, if that is left to a person, but clear: the
/// volume, rule or binding that it points to is removed, or the policies that `coaming net suggest`
/// writes are added to the file.
#[must_use]
pub fn with_remedy(world: &World, finding: &Finding) -> Finding {
    let remedy = with_edits(world, finding)
        .or_else(|| with_fix(finding, removed_document(world, finding)?))
        .or_else(|| with_fix(finding, added_policies(world, finding)?));
    remedy.unwrap_or_else(|| finding.clone())
}

/// Whether a finding is of a rule with a fix that a cut makes although it is left to a person.
#[must_use]
pub fn has_remedy(finding: &Finding) -> bool {
    let rule = finding.rule.id.as_str();
    let is_manual = finding.fix.as_ref().is_none_or(|fix| fix.edits.is_empty());
    is_manual && (REMOVED.contains(&rule) || SUGGESTED.contains(&rule))
}

/// A finding whose fix changes the text of a file.
fn with_fix(finding: &Finding, (title, edits): (&str, FileEdits)) -> Option<Finding> {
    let fix = Fix {
        title: title.to_owned(),
        applicability: Applicability::Unsafe,
        edits: Vec::new(),
        file_edits: vec![edits],
        snippet: String::new(),
    };
    Some(Finding { fix: Some(fix), ..finding.clone() })
}

/// The document of an object that a finding is about as a whole, removed.
fn removed_document(world: &World, finding: &Finding) -> Option<(&'static str, FileEdits)> {
    let key = removed_object(world, finding)?;
    let object = world.find(&key.kind, &key.namespace, &key.name)?;
    let document = object.node().document();
    if document.root() != object.node() || !is_yaml_file(world, object.source()) {
        return None;
    }
    let edit = TextEdit { span: document.span(), replacement: String::new() };
    Some(("remove the object", FileEdits { source: object.source(), edits: vec![edit] }))
}

/// The suggested policies of a finding's namespace, at the end of the file that it points to.
fn added_policies(world: &World, finding: &Finding) -> Option<(&'static str, FileEdits)> {
    if !SUGGESTED.contains(&finding.rule.id.as_str()) {
        return None;
    }
    let id = finding.locations.first()?.source.filter(|&id| is_yaml_file(world, id))?;
    let text = &world.source(id)?.text;
    let (yaml, documents) = suggested(world, &[finding])?;
    let mut replacement = String::new();
    if !text.is_empty() && !text.ends_with('\n') {
        replacement.push('\n');
    }
    for document in &documents {
        replacement.push_str("---\n");
        let span = document.root().span().unwrap_or_else(|| document.span());
        replacement.push_str(yaml[span.range()].trim_end());
        replacement.push('\n');
    }
    let end = u32::try_from(text.len()).ok()?;
    let end = Span::new(end, end);
    let edits = vec![TextEdit { span: end, replacement }];
    let title = "add the policies that `coaming net suggest` writes";
    (!documents.is_empty()).then_some((title, FileEdits { source: id, edits }))
}

/// Whether documents can be added to a source: a file of the user with YAML in it.
fn is_yaml_file(world: &World, id: SourceId) -> bool {
    world.source(id).is_some_and(|source| {
        source.origin.has_own_lines()
            && source.kind == SourceKind::Manifest
            && !source.text.trim_start().starts_with(['{', '['])
    })
}

/// The namespace that a finding is about.
pub(crate) fn namespace_of(object: &ObjectRef) -> &str {
    match object.kind.as_str() {
        "Namespace" => &object.name,
        _ if object.namespace.is_empty() => "default",
        _ => &object.namespace,
    }
}

/// The world after the fixes of these findings.
pub(crate) fn apply(world: &World, findings: &[&Finding]) -> World {
    let world = &with_texts(world);
    let edited: Vec<Finding> =
        findings.iter().filter_map(|finding| with_edits(world, finding)).collect();
    let first = Cell::new(true);
    let plan = coaming_fix::plan(
        vec![world.clone().into()],
        true,
        |_| if first.replace(false) { edited.clone() } else { Vec::new() },
        |_| None,
    );
    let mut fixed = plan.worlds.into_iter().next().unwrap_or_default();
    for key in findings.iter().filter_map(|finding| removed_object(world, finding)) {
        fixed.apply(Delta::Remove(key));
    }
    let needs_policies: Vec<&Finding> = findings
        .iter()
        .copied()
        .filter(|finding| SUGGESTED.contains(&finding.rule.id.as_str()))
        .collect();
    if needs_policies.is_empty() { fixed } else { with_policies(&fixed, &needs_policies) }
}

/// The world with a text for every object that has none, so that all fixes are made in one way.
fn with_texts(world: &World) -> World {
    if world.sources().all(|(_, source)| source.origin != Origin::Cluster) {
        return world.clone();
    }
    let sources = world.sources().map(|(id, source)| {
        if source.origin != Origin::Cluster {
            return (id, Arc::clone(source));
        }
        let texts = source.documents().iter().map(|document| document.root().to_json().to_string());
        let text = texts.collect::<Vec<_>>().join("\n---\n");
        let stream = coaming_yaml::parse(text.into());
        (id, Arc::new(Source::new(&source.name, stream.source, stream.documents)))
    });
    World::numbered(sources)
}

/// A finding whose fix has edits that can be applied.
fn with_edits(world: &World, finding: &Finding) -> Option<Finding> {
    let fix = finding.fix.as_ref();
    if fix.is_some_and(|fix| fix.applicability != Applicability::Manual && !fix.edits.is_empty()) {
        return Some(finding.clone());
    }
    if !REMOVED.contains(&finding.rule.id.as_str()) {
        return None;
    }
    let location = finding.locations.first()?;
    let object = object_of(world, finding)?;
    let mut edits = Vec::new();
    if finding.rule.id == *"host-path" {
        edits.extend(mounts(object, location));
    }
    let target = object.node().document().root().at(&location.path)?;
    if target == object.node() {
        return None;
    }
    let (removed, title) = match finding.rule.id.as_str() {
        // The finding may point to a field of the volume.
        "host-path" => (volume_of(target)?, "remove the volume and its mounts"),
        _ => (target, "remove the rule"),
    };
    edits.push(Edit::Remove { path: removed.path() });
    let edits = vec![DocumentEdits { source: object.source(), document: object.document, edits }];
    let fix = Fix {
        title: title.to_owned(),
        applicability: Applicability::Unsafe,
        edits,
        file_edits: Vec::new(),
        snippet: String::new(),
    };
    Some(Finding { fix: Some(fix), ..finding.clone() })
}

/// The object that a finding is about as a whole: a binding of a role that comes with Kubernetes.
fn removed_object(world: &World, finding: &Finding) -> Option<ObjectKey> {
    if !REMOVED.contains(&finding.rule.id.as_str()) {
        return None;
    }
    let object = object_of(world, finding)?;
    let path = &finding.locations.first()?.path;
    (*path == object.node().path()).then(|| object.key())
}

/// The object that a finding points into. What a chart rendered has its place in a template, which
/// holds no objects: there the finding's own object counts.
fn object_of<'w>(world: &'w World, finding: &Finding) -> Option<Object<'w>> {
    let location = finding.locations.first()?;
    object_at(world, location).or_else(|| {
        let object = finding.object.as_ref()?;
        let found = world.find(&object.kind, &object.namespace, &object.name)?;
        location.path.starts_with(&found.node().path()).then_some(found)
    })
}

fn object_at<'w>(world: &'w World, location: &Location) -> Option<Object<'w>> {
    let id = location.source?;
    let holds = |object: &Object<'_>| location.path.starts_with(&object.node().path());
    let Some(span) = location.span else { return world.objects_in(id).find(holds) };
    // Of several documents, the one in which the span is.
    let meets = |other: Span| other.start <= span.end && span.start <= other.end;
    let documents = world.source(id)?.documents();
    let first = documents.partition_point(|document| document.span().end < span.start);
    let near = (first..documents.len()).take_while(|&number| meets(documents[number].span()));
    let objects = near
        .filter_map(|number| u32::try_from(number).ok())
        .flat_map(|number| world.objects_of_document(id, number));
    objects.filter(holds).find(|object| {
        let node = object.node().document().root().at(&location.path);
        node.and_then(|node| node.span()).is_some_and(meets)
    })
}

/// The volume that a node is, or is a part of.
fn volume_of(node: coaming_yaml::Node<'_>) -> Option<coaming_yaml::Node<'_>> {
    std::iter::successors(Some(node), |node| node.parent()).find(|node| {
        node.is_mapping() && node.string("name").is_some() && node.field("hostPath").is_some()
    })
}

/// The removal of the mounts of a volume, the last one first: positions before it stay.
fn mounts(object: Object<'_>, location: &Location) -> Vec<Edit> {
    let root = object.node().document().root();
    let Some(volume) = root.at(&location.path).and_then(volume_of) else { return Vec::new() };
    let Some(name) = volume.string("name") else { return Vec::new() };
    let Some(pod) = volume.parent().and_then(|list| list.parent()) else { return Vec::new() };
    let lists = ["containers", "initContainers", "ephemeralContainers"];
    let containers = lists.into_iter().flat_map(|list| pod.list(list));
    let mounts = containers.flat_map(|container| container.list("volumeMounts"));
    let own = mounts.filter(|mount| mount.string("name") == Some(name));
    own.map(|mount| Edit::Remove { path: mount.path() }).collect()
}

/// The policies that are suggested for the namespaces of these findings, and their text.
fn suggested(world: &World, findings: &[&Finding]) -> Option<(Arc<str>, Vec<Document>)> {
    let suggestion = coaming_network::suggest::suggest(world, None).ok()?;
    let stream = coaming_yaml::parse(suggestion.yaml.into());
    let is_wanted = |document: &Document| {
        let node = document.root();
        let namespace = node.mapping("metadata").string("namespace").unwrap_or("default");
        findings.iter().any(|finding| {
            finding.object.as_ref().is_some_and(|object| namespace_of(object) == namespace)
        })
    };
    let documents = stream.documents.into_iter().filter(is_wanted).collect();
    Some((stream.source, documents))
}

/// The world with the suggested policies of the namespaces of these findings.
fn with_policies(world: &World, findings: &[&Finding]) -> World {
    let Some((text, documents)) = suggested(world, findings) else { return world.clone() };
    let source = Source::new("suggested policies", text, documents);
    let mut world = world.clone();
    world.apply(Delta::Put(Box::new(source)));
    world
}
