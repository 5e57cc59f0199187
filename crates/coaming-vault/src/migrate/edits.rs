//! The manifests without the Secrets: grants in their place, files instead of variables.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coaming_kube::{
    Container, Fields as _, Object, SecretUse, SecretUseKind, SourceId, Volume, Workload, World,
};
use coaming_oci::Reference;
use coaming_yaml::edit::{Edit, TextEdit, Value as Yaml, apply, apply_to_text};
use coaming_yaml::{Node, Path};
use serde_json::json;

use super::{MigrateError, Target};
use crate::Fields;
use crate::inject::ANNOTATION;

/// A document of a source.
type DocumentKey = (SourceId, u32);

/// All changes so far.
pub(super) struct Rewrite<'w> {
    world: &'w World,
    target: &'w Target,
    edits: BTreeMap<DocumentKey, Vec<Edit>>,
    /// What replaces whole documents.
    grants: BTreeMap<DocumentKey, String>,
    /// The grants that the pods of a workload ask for, by the document and the pod template's path.
    wanted: BTreeMap<(DocumentKey, Path), BTreeSet<String>>,
    names: BTreeSet<String>,
}

/// What one Secret changes: taken over as a whole, or dropped.
#[derive(Default)]
struct Part {
    edits: Vec<(DocumentKey, Edit)>,
    /// By workload, container and directory: the files, by name, with their keys.
    deliveries: BTreeMap<(usize, String, String), BTreeMap<String, String>>,
    steps: Vec<String>,
}

/// A pod whose use of a Secret is being replaced.
struct Place<'p, 'w> {
    part: &'p mut Part,
    /// The workload's number among the uses.
    number: usize,
    workload: Workload<'w>,
}

impl Place<'_, '_> {
    fn edit(&mut self, edit: Edit) {
        let object = self.workload.object;
        self.part.edits.push(((object.source(), object.document), edit));
    }

    fn deliver(&mut self, container: Container<'_>, directory: &str, name: &str, key: &str) {
        let place = (self.number, container.name().to_owned(), directory.to_owned());
        let files = self.part.deliveries.entry(place).or_default();
        files.insert(name.to_owned(), key.to_owned());
    }

    /// Delivers a file instead of a variable, and returns its path.
    fn variable(
        &mut self,
        container: Container<'_>,
        directory: &str,
        name: &str,
        key: &str,
    ) -> String {
        self.deliver(container, directory, key, key);
        let file = format!("{directory}/{key}");
        let title = title(self.workload, container.name());
        self.part.steps.push(format!(
            "{title}: read {file}, which {name}_FILE names, instead of the variable {name}"
        ));
        file
    }

    /// Delivers the same files to the containers that mount a volume.
    fn volume(
        &mut self,
        volume: Volume<'_>,
        source: Node<'_>,
        fields: &Fields,
    ) -> Result<(), String> {
        let files = volume_files(volume, source, fields)?;
        self.edit(Edit::Remove { path: volume.node().path() });
        let pod = self.workload.pod();
        for (container, mount) in pod.mounts_of(volume) {
            if mount.sub_path().is_some() {
                let name = container.name();
                return Err(format!("container {name} mounts one file of it by subPath"));
            }
            let directory = mount.mount_path().unwrap_or_default().trim_end_matches('/');
            for (name, key) in &files {
                self.deliver(container, directory, name, key);
            }
            self.edit(Edit::Remove { path: mount.node().path() });
        }
        Ok(())
    }
}

impl<'w> Rewrite<'w> {
    pub(super) fn new(world: &'w World, target: &'w Target) -> Self {
        Self {
            world,
            target,
            edits: BTreeMap::new(),
            grants: BTreeMap::new(),
            wanted: BTreeMap::new(),
            names: BTreeSet::new(),
        }
    }

    /// Replaces a Secret by grants, and its uses by files; returns what people have to change.
    pub(super) fn secret(
        &mut self,
        secret: Object<'w>,
        path: &str,
        fields: &Fields,
        uses: &[(Workload<'w>, SecretUse<'w>)],
    ) -> Result<Vec<String>, String> {
        let mut part = Part::default();
        for (number, (workload, found)) in uses.iter().enumerate() {
            let number = uses
                .iter()
                .position(|(other, _)| other.template() == workload.template())
                .unwrap_or(number);
            self.replace_use(&mut part, number, *workload, found, fields)?;
        }
        let mut documents = Vec::new();
        let mut asked = Vec::new();
        for ((number, container, directory), files) in &part.deliveries {
            let Some((workload, _)) = uses.get(*number) else { continue };
            let grant = self.grant(*workload, container, secret.name(), directory, path, files)?;
            let name = grant.pointer("/metadata/name").and_then(|name| name.as_str());
            asked.push((*workload, name.unwrap_or_default().to_owned()));
            let document = coaming_yaml::from_json(&grant);
            documents.push(Yaml::from(document.root()).to_yaml());
            part.steps.extend(reader_step(*workload, container));
        }
        for (workload, name) in asked {
            let key =
                ((workload.object.source(), workload.object.document), workload.template().path());
            self.wanted.entry(key).or_default().insert(name);
        }
        for (key, edit) in part.edits {
            let edits = self.edits.entry(key).or_default();
            if !edits.contains(&edit) {
                edits.push(edit);
            }
        }
        let text = documents.join("---\n");
        self.grants.insert((secret.source(), secret.document), text.trim_end().to_owned());
        Ok(part.steps)
    }

    /// Replaces one use of a Secret by files.
    fn replace_use(
        &self,
        part: &mut Part,
        number: usize,
        workload: Workload<'w>,
        found: &SecretUse<'w>,
        fields: &Fields,
    ) -> Result<(), String> {
        let object = workload.object;
        let source = self.world.source(object.source());
        if !source.is_some_and(|source| source.origin.is_writable() && source.written.is_none()) {
            return Err(format!("{} {} is not in a file", object.kind(), object.name()));
        }
        let mut place = Place { part, number, workload };
        let directory = format!("/run/secrets/{}", found.secret);
        match found.kind {
            SecretUseKind::Variable { container, variable, name, key } => {
                if !fields.contains_key(key) {
                    return Err(format!("it has no `{key}`, which variable `{name}` needs"));
                }
                let file = place.variable(container, &directory, name, key);
                let path = variable.path();
                place.edit(set(path.join("name"), format!("{name}_FILE")));
                place.edit(Edit::Remove { path: path.join("valueFrom") });
                place.edit(set(path.join("value"), file));
            }
            SecretUseKind::Environment { container, source, prefix } => {
                place.edit(Edit::Remove { path: source.path() });
                for key in fields.keys() {
                    let name = format!("{prefix}{key}");
                    let file = place.variable(container, &directory, &name, key);
                    let variable = [("name", format!("{name}_FILE")), ("value", file)];
                    let variable = variable.map(|(key, value)| (key.to_owned(), Yaml::Str(value)));
                    let value = Yaml::Mapping(variable.to_vec());
                    place.edit(Edit::Append { path: container.node().path().join("env"), value });
                }
            }
            SecretUseKind::Files { volume, source } => place.volume(volume, source, fields)?,
            SecretUseKind::Node => return Err("the kubelet uses it".to_owned()),
        }
        Ok(())
    }

    /// The grant of one directory of a container.
    fn grant(
        &mut self,
        workload: Workload<'_>,
        container: &str,
        secret: &str,
        directory: &str,
        path: &str,
        files: &BTreeMap<String, String>,
    ) -> Result<serde_json::Value, String> {
        let pod = workload.pod();
        let found = pod.containers().find(|found| found.name() == container);
        let image = found.and_then(Container::image).unwrap_or_default();
        let reference = Reference::parse(image)
            .map_err(|error| format!("the image of container {container}: {error}"))?;
        let digest = reference.digest().map(ToString::to_string);
        let mut image =
            json!({"repository": format!("{}/{}", reference.registry(), reference.repository())});
        if let Some(digest) = digest {
            image["digest"] = digest.into();
        }
        let account = match pod.service_account_name() {
            "" => "default",
            account => account,
        };
        let role = self.target.role.as_deref().unwrap_or(account);
        let files: Vec<serde_json::Value> = files
            .iter()
            .map(|(name, key)| json!({"name": name, "path": path, "key": key}))
            .collect();
        let name = self.name(&[workload.object.name(), container, secret]);
        let mut metadata = json!({"name": name});
        if !workload.object.namespace().is_empty() {
            metadata["namespace"] = workload.object.namespace().into();
        }
        Ok(json!({
            "apiVersion": "coaming.dev/v1alpha1", "kind": "SecretGrant", "metadata": metadata,
            "spec": {
                "serviceAccount": account, "container": container, "image": image,
                "store": self.target.store, "role": role, "directory": directory, "files": files,
            },
        }))
    }

    /// A name that no other grant has.
    fn name(&mut self, parts: &[&str]) -> String {
        let name: String = parts.join("-").chars().take(240).collect();
        let mut unique = name.clone();
        let mut number = 2;
        while !self.names.insert(unique.clone()) {
            unique = format!("{name}-{number}");
            number += 1;
        }
        unique
    }

    /// The new texts of all files that change: all of them, or the reason why one cannot be edited.
    pub(super) fn texts(mut self) -> Result<BTreeMap<SourceId, Arc<str>>, MigrateError> {
        for ((key, template), names) in std::mem::take(&mut self.wanted) {
            let Some(document) = self.document(key) else { continue };
            let path = template.join("metadata").join("annotations").join(ANNOTATION);
            let before = document.at(&path).and_then(Node::as_str).unwrap_or_default();
            let before = before.split(',').map(str::trim).filter(|name| !name.is_empty());
            let all: Vec<&str> = before.chain(names.iter().map(String::as_str)).collect();
            self.edits.entry(key).or_default().push(set(path, all.join(",")));
        }
        let mut files: BTreeMap<SourceId, Vec<TextEdit>> = BTreeMap::new();
        for (&key, edits) in &self.edits {
            let Some(document) = self.document(key) else { continue };
            let name = self.world.source(key.0).map(|source| source.name.as_str());
            let edits = apply(document.source(), document, edits).map_err(|source| {
                MigrateError { file: name.unwrap_or_default().to_owned(), source }
            })?;
            files.entry(key.0).or_default().extend(edits);
        }
        for (&key, text) in &self.grants {
            let span = self.document(key).and_then(|document| document.root().span());
            let Some(span) = span else { continue };
            let replacement = text.clone();
            files.entry(key.0).or_default().push(TextEdit { span, replacement });
        }
        let text = |(id, mut edits): (SourceId, Vec<TextEdit>)| {
            edits.sort_by_key(|edit| edit.span.range().start);
            let source = self.world.source(id)?;
            Some((id, Arc::from(apply_to_text(&source.text, &edits))))
        };
        Ok(files.into_iter().filter_map(text).collect())
    }

    fn document(&self, (source, number): DocumentKey) -> Option<&'w coaming_yaml::Document> {
        self.world.source(source)?.documents().get(number as usize)
    }
}

fn set(path: Path, text: String) -> Edit {
    Edit::Set { path, value: Yaml::Str(text) }
}

fn title(workload: Workload<'_>, container: &str) -> String {
    format!("{} {}, container {container}", workload.object.kind(), workload.object.name())
}

/// What the pod needs, so that the agent can write files that only the container reads.
fn reader_step(workload: Workload<'_>, container: &str) -> Option<String> {
    let pod = workload.pod();
    let of_pod = pod.node().mapping("securityContext");
    let of_container = pod.containers().find(|found| found.name() == container);
    let of_container = of_container.and_then(|found| found.node().mapping("securityContext"));
    let user = of_container.integer("runAsUser").or_else(|| of_pod.integer("runAsUser"));
    if user.is_some_and(|user| user > 0) || of_pod.integer("fsGroup").is_some() {
        return None;
    }
    let title = title(workload, container);
    Some(format!(
        "{title}: set runAsUser (not 0), or the pod's fsGroup, so that it can read the files"
    ))
}

/// The files of a volume, by name, with the keys that they are from.
fn volume_files(
    volume: Volume<'_>,
    source: Node<'_>,
    fields: &Fields,
) -> Result<BTreeMap<String, String>, String> {
    if volume.source("projected").is_some() {
        return Err("a projected volume has it among other sources".to_owned());
    }
    let mut files = BTreeMap::new();
    for item in source.list("items") {
        let key = item.string("key").unwrap_or_default();
        let path = item.string("path").unwrap_or_default();
        if path.contains('/') || !fields.contains_key(key) {
            return Err(format!("the volume has `{key}` as `{path}`"));
        }
        files.insert(path.to_owned(), key.to_owned());
    }
    if source.field("items").is_none() {
        files.extend(fields.keys().map(|key| (key.clone(), key.clone())));
    }
    Ok(files)
}
