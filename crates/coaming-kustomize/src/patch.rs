//! Patches: strategic merges and JSON 6902, from files and written in place.

use std::collections::HashSet;
use std::rc::Rc;

use coaming_yaml::Scalar as Typed;

use crate::build::Build;
use crate::failure::Failure;
use crate::files::{FileKind, join};
use crate::id::Id;
use crate::json_patch;
use crate::merge::{Typing, merge};
use crate::output::check_keys;
use crate::resource::{Resource, Resources};
use crate::scalar::Resolved;
use crate::schema::Schema;
use crate::selector::Selector;
use crate::share::separate;
use crate::target::{Target, resources_in};
use crate::value::{Entry, Kind, Scalar, Value};

/// What a patch does, by its form.
enum Patch {
    Merge(Vec<Resource>),
    Operations(Value),
}

/// What the `options` of a patch allow.
#[derive(Clone, Copy, Default)]
struct Allowed {
    name_change: bool,
    kind_change: bool,
}

impl Allowed {
    fn of(options: Option<&Value>) -> Self {
        let is_set =
            |name| options.and_then(|options| options.get(name)).is_some_and(Value::is_true);
        Self { name_change: is_set("allowNameChange"), kind_change: is_set("allowKindChange") }
    }
}

/// Applies the files and texts of `patchesStrategicMerge`.
pub(crate) fn strategic_files(
    target: &Target<'_, '_>,
    references: &[Value],
    resources: &mut Resources,
) -> Result<(), Failure> {
    let build = target.build;
    for reference in references {
        let is_file = is_file(target, reference);
        let is_inline =
            !is_file && (reference.str().contains('\n') || reference.str().contains(':'));
        let documents = if is_inline && !crate::files::is_remote(reference.str()) {
            build.inline(reference)?
        } else {
            build.documents(&target.load(reference)?)?.to_vec()
        };
        for patch in objects(build, documents)? {
            merge_by_id(build, &patch, Allowed::default(), resources)?;
        }
    }
    Ok(())
}

fn is_file(target: &Target<'_, '_>, reference: &Value) -> bool {
    let name = reference.str();
    let path = join(target.directory(), name);
    !name.contains('\n') && target.build.files.kind(&path) == FileKind::File
}

fn objects(build: &Build<'_>, documents: Vec<Value>) -> Result<Vec<Resource>, Failure> {
    let mut objects = Vec::new();
    for document in documents {
        resources_in(build, document, &mut objects)?;
    }
    Ok(objects)
}

/// Reads the patch of an entry, which is a file or a text.
fn read(target: &Target<'_, '_>, entry: &Value, inline: &str) -> Result<Patch, Failure> {
    let build = target.build;
    let field = |name: &str| entry.get(name).filter(|value| !value.str().trim().is_empty());
    let (documents, text) = match (field("path"), field(inline)) {
        (Some(path), None) => {
            let loaded = target.load(path)?;
            (build.documents(&loaded)?.to_vec(), build.text(&loaded)?)
        }
        (None, Some(text)) => (build.inline(text)?, text.str().trim().into()),
        (Some(_), Some(_)) => {
            let message = format!("`path` and `{inline}` cannot both be set");
            return Err(build.invalid(entry.source, message));
        }
        (None, None) => {
            let message = format!("the patch has neither `path` nor `{inline}`");
            return Err(build.invalid(entry.source, message));
        }
    };
    if let [operations] = documents.as_slice()
        && json_patch::is_patch(operations)
    {
        let is_json = text.starts_with('[');
        if is_json && serde_json::from_str::<serde_json::Value>(&text).is_err() {
            let message = "a patch that starts with `[` must be JSON, which this is not";
            return Err(build.invalid(operations.source, message));
        }
        let mut operations = operations.clone();
        if !is_json {
            name_keys(&mut operations).map_err(|message| build.invalid(entry.source, message))?;
            from_yaml(&mut operations);
        }
        return Ok(Patch::Operations(operations));
    }
    if let [document] = documents.as_slice()
        && document.is_map()
        && document.entries().is_empty()
    {
        return Err(build.invalid(document.source, "the patch is empty"));
    }
    Ok(Patch::Merge(objects(build, documents)?))
}

/// Applies an entry of `patches`.
pub(crate) fn entry(
    target: &Target<'_, '_>,
    entry: &Value,
    resources: &mut Resources,
) -> Result<(), Failure> {
    let build = target.build;
    let schema = build.schema();
    let allowed = Allowed::of(entry.get("options"));
    let selector = entry.get("target").filter(|target| !target.is_null());
    let selector = selector
        .map(|target| Selector::of(target).map_err(|message| build.invalid(target.source, message)))
        .transpose()?;
    match (read(target, entry, "patch")?, selector) {
        (Patch::Operations(operations), Some(selector)) => {
            operate(build, &operations, &selector, resources)
        }
        (Patch::Operations(_), None) => {
            Err(build.invalid(entry.source, "a JSON patch needs a `target`"))
        }
        (Patch::Merge(patches), None) => {
            patches.iter().try_for_each(|patch| merge_by_id(build, patch, allowed, resources))
        }
        (Patch::Merge(mut patches), Some(selector)) => {
            patches.iter_mut().for_each(rewrite_metadata);
            for patch in &patches {
                for resource in &mut resources.list {
                    if selector.selects(resource, &schema) {
                        apply(build, resource, patch, allowed, &schema)?;
                    }
                }
                if allowed.name_change || allowed.kind_change {
                    check_distinct(build, resources, patch, &schema)?;
                }
            }
            Ok(())
        }
    }
}

/// The labels and annotations of a patch with a target, as Kustomize writes them once more: all values
/// are text, so that null deletes nothing, and empty mappings are left out.
fn rewrite_metadata(patch: &mut Resource) {
    let Some(metadata) = patch.root.get_mut("metadata").filter(|metadata| metadata.is_map()) else {
        return;
    };
    for field in ["labels", "annotations"] {
        let Some(pairs) = metadata.get_mut(field) else { continue };
        let Kind::Map(entries) = &mut pairs.kind else {
            metadata.remove(field);
            continue;
        };
        for entry in entries.iter_mut() {
            entry.is_plain = false;
            let text = entry.value.as_text().unwrap_or_default().to_owned();
            entry.value.set_text(&text, entry.value.source);
        }
        if entries.is_empty() {
            metadata.remove(field);
        }
    }
}

/// A patch that changes names may make two objects of one name.
fn check_distinct(
    build: &Build<'_>,
    resources: &Resources,
    patch: &Resource,
    schema: &Schema,
) -> Result<(), Failure> {
    let mut seen: HashSet<Id> = HashSet::new();
    for resource in resources.list.iter().filter(|resource| !resource.is_deleted()) {
        let id = resource.id(schema);
        let message = format!("after this patch, several objects are {}", id.described());
        if !seen.insert(id) {
            return Err(build.invalid(patch.source(), message));
        }
    }
    Ok(())
}

/// Applies an entry of `patchesJson6902`.
pub(crate) fn json_entry(
    target: &Target<'_, '_>,
    entry: &Value,
    resources: &mut Resources,
) -> Result<(), Failure> {
    let build = target.build;
    let inline = if entry.get("jsonOp").is_some() { "jsonOp" } else { "patch" };
    let selector = match entry.get("target") {
        Some(target) if !target.str_at(&["name"]).is_empty() => {
            Selector::of(target).map_err(|message| build.invalid(target.source, message))?
        }
        _ => return Err(build.invalid(entry.source, "a JSON patch needs a `target` with a name")),
    };
    match read(target, entry, inline)? {
        Patch::Operations(operations) => operate(build, &operations, &selector, resources),
        Patch::Merge(_) => {
            Err(build.invalid(entry.source, "the patch is not a list of JSON operations"))
        }
    }
}

fn operate(
    build: &Build<'_>,
    operations: &Value,
    selector: &Selector,
    resources: &mut Resources,
) -> Result<(), Failure> {
    let schema = build.schema();
    for resource in &mut resources.list {
        if !selector.selects(resource, &schema) {
            continue;
        }
        build.count_nodes(operations.nodes())?;
        resource.remember(&schema);
        check_keys(build, resource)?;
        normalize(&mut resource.root);
        separate(&mut resource.root);
        // What Kustomize remembers is in annotations, so that there are some.
        resource.root.map_at("metadata").map_at("annotations");
        let invalid = |message: String| build.invalid(operations.source, message);
        json_patch::apply(&mut resource.root, operations).map_err(invalid)?;
        for path in [&["kind"][..], &["metadata", "name"]] {
            if resource.root.str_at(path).is_empty() {
                let field = path.join(".");
                return Err(invalid(format!("the patch leaves an object without `{field}`")));
            }
        }
        normalize(&mut resource.root);
    }
    Ok(())
}

/// Whether a merge deletes or replaces all annotations, and with them what Kustomize keeps there.
fn deletes_annotations(patch: &Value) -> bool {
    let Some(metadata) = patch.get("metadata") else { return false };
    let annotations = metadata.get("annotations");
    [Some(metadata), annotations]
        .into_iter()
        .flatten()
        .any(|value| value.is_null() || matches!(value.str_at(&["$patch"]), "replace" | "delete"))
}

/// What a JSON patch sees: scalars with their types, and not with their spelling. All numbers have
/// been floating-point numbers.
fn normalize(value: &mut Value) {
    retype(value, &|scalar| match scalar.resolved() {
        Resolved::Null => ("null".to_owned(), false),
        Resolved::Bool(value) => (value.to_string(), false),
        Resolved::Int(value) => (crate::scalar::float(value as f64), false),
        Resolved::UInt(value) => (crate::scalar::float(value as f64), false),
        Resolved::Float(value) => (crate::scalar::float(value), false),
        Resolved::Text(text) => (text.into_owned(), true),
    });
}

/// The keys of a JSON patch in YAML, as the version that Kubernetes reads has them: `on` is `true`. Of
/// keys that become the same, the last one wins.
fn name_keys(value: &mut Value) -> Result<(), String> {
    match &mut value.kind {
        Kind::List(items) => items.iter_mut().try_for_each(name_keys),
        Kind::Scalar(_) => Ok(()),
        Kind::Map(entries) => {
            let mut named: Vec<Entry> = Vec::with_capacity(entries.len());
            for mut entry in std::mem::take(entries) {
                name_keys(&mut entry.value)?;
                if entry.is_plain {
                    entry.key = json_key(&entry.key)?;
                }
                match named.iter_mut().find(|known| known.key == entry.key) {
                    Some(known) => *known = entry,
                    None => named.push(entry),
                }
            }
            *entries = named;
            Ok(())
        }
    }
}

/// A plain key in JSON.
fn json_key(key: &Rc<str>) -> Result<Rc<str>, String> {
    Ok(match Typed::of_plain(key) {
        Typed::Bool(value) => value.to_string().into(),
        Typed::Int(value) => value.to_string().into(),
        Typed::UInt(value) => value.to_string().into(),
        Typed::Float(value) => crate::scalar::float(value).into(),
        Typed::Null => return Err("a key of the patch is null".to_owned()),
        Typed::Str(_) => Rc::clone(key),
    })
}

/// The scalars of a JSON patch in YAML: of the version that Kubernetes reads.
fn from_yaml(value: &mut Value) {
    retype(value, &|scalar| match Typed::of_plain(&scalar.text) {
        Typed::Bool(value) => (value.to_string(), false),
        Typed::Str(_) => (scalar.text.to_string(), true),
        _ => (scalar.text.to_string(), false),
    });
}

/// Gives scalars that are not text the text that a function returns, with whether they are text.
fn retype(value: &mut Value, retyped: &dyn Fn(&Scalar) -> (String, bool)) {
    match &mut value.kind {
        Kind::List(items) => items.iter_mut().for_each(|item| retype(item, retyped)),
        Kind::Map(entries) => {
            for entry in entries.iter_mut() {
                // JSON has quotes around all keys.
                entry.is_plain = false;
                retype(&mut entry.value, retyped);
            }
        }
        Kind::Scalar(scalar) if scalar.is_text => {}
        Kind::Scalar(scalar) => {
            let (text, is_text) = retyped(scalar);
            scalar.is_text = is_text;
            if *scalar.text != *text {
                scalar.text = text.into();
            }
        }
    }
}

/// Applies a patch to the object that it names.
fn merge_by_id(
    build: &Build<'_>,
    patch: &Resource,
    allowed: Allowed,
    resources: &mut Resources,
) -> Result<(), Failure> {
    let schema = build.schema();
    match resources.only(&patch.original_id(&schema), &schema) {
        Ok(index) => match resources.list.get_mut(index) {
            Some(resource) => apply(build, resource, patch, allowed, &schema),
            None => Ok(()),
        },
        // It may be for what was not fetched.
        Err(_) if build.has_problems() => Ok(()),
        Err(message) => Err(build.invalid(patch.source(), format!("{message} for this patch"))),
    }
}

/// Applies a strategic merge to an object, which keeps its name.
fn apply(
    build: &Build<'_>,
    resource: &mut Resource,
    patch: &Resource,
    allowed: Allowed,
    schema: &Schema,
) -> Result<(), Failure> {
    // What would replace a whole object has no effect.
    if patch.root.str_at(&["$patch"]) == "replace" {
        return Ok(());
    }
    build.count_nodes(patch.root.nodes())?;
    if allowed.name_change || allowed.kind_change {
        resource.remember(schema);
    }
    let shares = resource.shared();
    let source = resource.source();
    let root = std::mem::replace(&mut resource.root, Value::plain("", source));
    let kept = |path: &[&str]| root.at(path).cloned();
    let kind = kept(&["kind"]);
    if deletes_annotations(&patch.root) {
        resource.forget();
    }
    let (name, namespace) = (kept(&["metadata", "name"]), kept(&["metadata", "namespace"]));
    let api_version = kept(&["apiVersion"]);
    let typing = Typing::object(schema.of(&crate::id::Gvk::of_object(&root)));
    let merged = merge(Some(root), Some(&patch.root), typing)
        .map_err(|message| build.invalid(patch.source(), message))?;
    let Some(mut merged) = merged.filter(|merged| !merged.entries().is_empty()) else {
        return Ok(());
    };
    if let (Some(kind), false) = (kind, allowed.kind_change) {
        merged.set("kind", kind);
    }
    if let Some(api_version) = api_version {
        merged.set("apiVersion", api_version);
    }
    if let (Some(name), false) = (name, allowed.name_change) {
        merged.map_at("metadata").set("name", name);
    }
    // An empty one is removed, as is one that the patch has set.
    match namespace.filter(|namespace| !namespace.str().is_empty()) {
        Some(namespace) => merged.map_at("metadata").set("namespace", namespace),
        None => drop(merged.map_at("metadata").remove("namespace")),
    }
    resource.root = merged;
    shares.settle(&mut resource.root);
    Ok(())
}
