//! `configMapGenerator` and `secretGenerator`: objects from literals, files and files of variables.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use coaming_helm::{Location, Source};

use crate::annotate::Plugin;
use crate::build::{Build, Loaded};
use crate::failure::Failure;
use crate::files::{file_name, is_remote};
use crate::resource::{Behavior, Resource};
use crate::target::Target;
use crate::value::{Value, whole};

/// Which kind of object is generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generated {
    ConfigMap,
    Secret,
}

/// What all generators of a kustomization make.
pub(crate) fn all(target: &Target<'_, '_>) -> Result<Vec<Resource>, Failure> {
    let options = target.kustomization.root.get("generatorOptions");
    let mut made = Vec::new();
    for (field, kind) in
        [("configMapGenerator", Generated::ConfigMap), ("secretGenerator", Generated::Secret)]
    {
        let name = if kind == Generated::Secret { "SecretGenerator" } else { "ConfigMapGenerator" };
        for entry in target.kustomization.items(field) {
            let mut resource = one(target, entry, options, kind)?;
            let file = &target.own_path();
            let plugin = Plugin { file, kind: name, name: "", namespace: "" };
            target.metadata.add_generator(&mut resource, &plugin);
            made.push(resource);
        }
    }
    Ok(made)
}

/// What one generator makes.
pub(crate) fn one(
    target: &Target<'_, '_>,
    entry: &Value,
    global: Option<&Value>,
    kind: Generated,
) -> Result<Resource, Failure> {
    let build = target.build;
    let metadata = entry.get("metadata");
    let field = |name: &str| entry.get(name).or_else(|| metadata.and_then(|it| it.get(name)));
    let Some(name) = field("name").filter(|name| !name.str().is_empty()) else {
        return Err(build.invalid(entry.source, "the generator has no `name`"));
    };
    let source = whole(entry.source);
    let mut root = Value::map(source);
    let kind_name = if kind == Generated::Secret { "Secret" } else { "ConfigMap" };
    root.set("apiVersion", Value::text("v1", source));
    root.set("kind", Value::text(kind_name, source));
    let mut names = Value::map(source);
    names.set("name", Value::text(name.str(), name.source));
    if let Some(namespace) = field("namespace").filter(|it| !it.str().is_empty()) {
        names.set("namespace", Value::text(namespace.str(), namespace.source));
    }
    root.set("metadata", names);
    if kind == Generated::Secret {
        let of_type = entry.get("type").filter(|it| !it.str().is_empty());
        let of_type = of_type.map_or_else(
            || Value::text("Opaque", source),
            |of_type| Value::text(of_type.str(), of_type.source),
        );
        root.set("type", of_type);
    }
    for pair in pairs(target, entry)? {
        add_pair(build, &mut root, pair, kind)?;
    }
    let options = entry.get("options");
    set_metadata(&mut root, options, global);
    let is_set = |name: &str| {
        let is_true = |options: Option<&Value>| {
            options.and_then(|options| options.get(name)).is_some_and(Value::is_true)
        };
        is_true(options) || is_true(global)
    };
    if is_set("immutable") {
        root.set("immutable", Value::plain("true", source));
    }
    let mut resource = Resource::new(root);
    resource.needs_hash = !is_set("disableNameSuffixHash");
    resource.is_annotated = true;
    resource.behavior = match entry.str_at(&["behavior"]) {
        "merge" => Behavior::Merge,
        "replace" => Behavior::Replace,
        _ => Behavior::Create,
    };
    Ok(resource)
}

/// Sets labels and annotations; those of the generator itself win.
fn set_metadata(root: &mut Value, options: Option<&Value>, global: Option<&Value>) {
    for field in ["labels", "annotations"] {
        for from in [global, options].into_iter().flatten() {
            for entry in from.get(field).map(Value::entries).unwrap_or_default() {
                let value = Value::text(entry.value.as_text().unwrap_or(""), entry.value.source);
                root.map_at("metadata").map_at(field).set(&entry.key, value);
            }
        }
    }
}

/// A key with its value.
struct Pair {
    key: String,
    value: Vec<u8>,
    source: Source,
    /// Whether it is a whole file.
    is_file: bool,
}

/// All pairs of a generator, in Kustomize's order.
fn pairs(target: &Target<'_, '_>, entry: &Value) -> Result<Vec<Pair>, Failure> {
    let list = |field: &str| entry.get(field).map(Value::items).unwrap_or_default();
    let mut pairs = Vec::new();
    let one = entry.get("env").filter(|env| !env.str().is_empty());
    for reference in list("envs").iter().chain(one) {
        variables(target.build, &target.load(reference)?, &mut pairs)?;
    }
    for literal in list("literals") {
        pairs.push(literal_pair(target.build, literal)?);
    }
    for reference in list("files") {
        pairs.push(file_pair(target, reference)?);
    }
    Ok(pairs)
}

/// The pairs of a file of variables.
fn variables(build: &Build<'_>, loaded: &Loaded, pairs: &mut Vec<Pair>) -> Result<(), Failure> {
    let text = build.text(loaded)?;
    let file = build.input(&loaded.path, text.clone());
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.strip_suffix('\n').unwrap_or(line);
        let content = content.strip_suffix('\r').unwrap_or(content);
        let trimmed = content.trim_start();
        let offset = start + (content.len() - trimmed.len());
        start += line.len();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let (key, value) = match trimmed.split_once('=') {
            Some((key, value)) => (key, value),
            // Kustomize takes the value from its environment, of which nothing is known here.
            None => (trimmed, ""),
        };
        let offset = offset + (trimmed.len() - value.len());
        pairs.push(Pair {
            key: key.to_owned(),
            value: value.as_bytes().to_vec(),
            source: at(file, offset),
            is_file: false,
        });
    }
    Ok(())
}

fn at(file: usize, offset: usize) -> Source {
    let offset = u32::try_from(offset).unwrap_or(u32::MAX);
    let location = Location { file, offset, verbatim: true };
    Source { template: Some(location), ..Source::default() }
}

fn literal_pair(build: &Build<'_>, literal: &Value) -> Result<Pair, Failure> {
    let text = literal.as_text().unwrap_or_default();
    let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
    let Some((key, value)) = pair else {
        return Err(build.invalid(literal.source, "a literal has the form `key=value`"));
    };
    let quoted =
        |quote: char| value.len() >= 2 && value.starts_with(quote) && value.ends_with(quote);
    let is_quoted = quoted('"') || quoted('\'');
    let inner = if is_quoted { value.get(1..value.len() - 1).unwrap_or_default() } else { value };
    let mut source = literal.source;
    if let Some(location) = source.template.as_mut().filter(|location| location.verbatim) {
        let before = key.len() + 1 + usize::from(is_quoted);
        location.offset += u32::try_from(before).unwrap_or(0);
    }
    Ok(Pair { key: key.to_owned(), value: inner.as_bytes().to_vec(), source, is_file: false })
}

fn file_pair(target: &Target<'_, '_>, reference: &Value) -> Result<Pair, Failure> {
    let text = reference.str();
    let invalid = |message: &str| target.build.invalid(reference.source, message);
    let (key, name) = match text.matches('=').count() {
        _ if is_remote(text) && !text.contains('=') => (file_name(text), text),
        0 => (file_name(text), text),
        1 => text.split_once('=').unwrap_or((text, text)),
        _ => return Err(invalid("neither the key nor the file may contain `=`")),
    };
    if key.is_empty() || name.is_empty() {
        return Err(invalid("a file has the form `key=file`"));
    }
    let loaded = target.build.load_named(target.directory(), name, reference)?;
    let source = match target.build.text(&loaded) {
        Ok(text) => at(target.build.input(&loaded.path, text), 0),
        // Bytes have no place in a text: the entry that names the file is the next best.
        Err(_) => whole(reference.source),
    };
    Ok(Pair { key: key.to_owned(), value: loaded.bytes.to_vec(), source, is_file: true })
}

/// Adds a pair to the data of an object.
fn add_pair(
    build: &Build<'_>,
    root: &mut Value,
    pair: Pair,
    kind: Generated,
) -> Result<(), Failure> {
    // What is a copy of something that is searched for credentials by itself is not reported again:
    // only files of ConfigMaps are not.
    let generated = kind == Generated::Secret || !pair.is_file;
    let pair = Pair { source: Source { generated, ..pair.source }, ..pair };
    let text = String::from_utf8(pair.value);
    let (field, value) = match (kind, text) {
        (Generated::ConfigMap, Ok(text)) => ("data", Value::text(&text, pair.source)),
        (Generated::ConfigMap, Err(bytes)) => {
            ("binaryData", Value::text(&encoded(bytes.as_bytes()), whole(pair.source)))
        }
        (Generated::Secret, text) => {
            let bytes = text.map_or_else(std::string::FromUtf8Error::into_bytes, String::into);
            ("data", Value::text(&encoded(&bytes), whole(pair.source)))
        }
    };
    let is_known =
        ["data", "binaryData"].iter().any(|field| root.at(&[field, pair.key.as_str()]).is_some());
    if is_known {
        let message = format!("the key `{}` is generated twice", pair.key);
        return Err(build.invalid(pair.source, message));
    }
    root.map_at(field).set(&pair.key, value);
    Ok(())
}

/// How many characters a line of encoded bytes has.
const LINE: usize = 70;

/// Base64 in lines, if there is more than one.
fn encoded(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    if text.len() < LINE {
        return text;
    }
    let mut lines = String::with_capacity(text.len() + text.len() / LINE + 1);
    for (index, c) in text.chars().enumerate() {
        if index > 0 && index.is_multiple_of(LINE) {
            lines.push('\n');
        }
        lines.push(c);
    }
    lines.push('\n');
    lines
}
