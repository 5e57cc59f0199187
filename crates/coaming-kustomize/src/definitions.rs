//! What the OpenAPI documents of custom resources say: which lists merge (`openapi`), and which
//! fields are names of other objects (`crds`).

use crate::config::{BackReference, Config, FieldSpec, merge};
use crate::id::Gvk;
use crate::schema::{Field, Types};
use crate::value::Value;

/// How deep types of `crds` are followed: they may contain each other.
const MAX_DEPTH: usize = 16;

/// The most fields that the types of one object have, those of its fields included.
const MAX_FIELDS: usize = 10_000;

/// The types of an OpenAPI document.
pub(crate) fn types(document: &Value) -> Types {
    let mut types = Types::default();
    for definition in document.get("definitions").map(Value::entries).unwrap_or_default() {
        for gvk in kinds(&definition.value) {
            let key = format!("{} {}", gvk.api_version(), gvk.kind);
            types.objects.insert(key, definition.key.to_string());
        }
        add_fields(&mut types, &definition.key, &definition.value, 0);
    }
    for path in document.get("paths").map(Value::entries).unwrap_or_default() {
        let is_namespaced = path.key.contains("namespaces/{namespace}/");
        for operation in path.value.entries() {
            for gvk in kinds(&operation.value) {
                let key = format!("{} {}", gvk.api_version(), gvk.kind);
                let outside = types.cluster_scoped.entry(key).or_insert(true);
                *outside &= !is_namespaced;
            }
        }
    }
    types
}

/// The kinds that a definition or an operation is about.
fn kinds(value: &Value) -> Vec<Gvk> {
    let Some(kinds) = value.get("x-kubernetes-group-version-kind") else { return Vec::new() };
    let one = kinds.is_map().then_some(kinds);
    kinds.items().iter().chain(one).map(Gvk::of_selector).collect()
}

/// Adds the fields of a type; types that are written in place get names from their fields.
fn add_fields(types: &mut Types, name: &str, definition: &Value, depth: usize) {
    if depth > MAX_DEPTH || types.fields.len() > MAX_FIELDS {
        return;
    }
    let mut fields = std::collections::HashMap::new();
    for property in definition.get("properties").map(Value::entries).unwrap_or_default() {
        let value = &property.value;
        let items = value.get("items");
        let content = items.unwrap_or(value);
        let of_type = match content.str_at(&["$ref"]).strip_prefix("#/definitions/") {
            Some(name) => Some(name.to_owned()),
            None if content.get("properties").is_some() => {
                let inner = format!("{name}.{}", property.key);
                add_fields(types, &inner, content, depth + 1);
                Some(inner)
            }
            None => None,
        };
        let field = Field { of_type, merge_keys: merge_keys(value) };
        if field.of_type.is_some() || field.merge_keys.is_some() {
            fields.insert(property.key.to_string(), field);
        }
    }
    types.fields.insert(name.to_owned(), fields);
}

/// The keys by which a list merges, if it does.
fn merge_keys(value: &Value) -> Option<Vec<String>> {
    let strategy = value.str_at(&["x-kubernetes-patch-strategy"]);
    if !strategy.contains("merge") {
        return None;
    }
    if let Some(keys) = value.get("x-kubernetes-list-map-keys") {
        return Some(keys.items().iter().map(|key| key.str().to_owned()).collect());
    }
    let key = value.str_at(&["x-kubernetes-patch-merge-key"]);
    Some(if key.is_empty() { Vec::new() } else { vec![key.to_owned()] })
}

/// The fields that every object has, by which a definition is known to be one of an object.
const OBJECT: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Adds the fields of custom resources that transformers change, by Kustomize's extensions of
/// OpenAPI.
pub(crate) fn add_to(config: &mut Config, document: &Value) -> Result<(), String> {
    for definition in document.entries() {
        let properties = definition.value.at(&["Schema", "properties"]);
        let is_object = OBJECT
            .iter()
            .all(|field| properties.is_some_and(|properties| properties.get(field).is_some()));
        if is_object {
            let kind = definition.key.rsplit('.').next().unwrap_or_default();
            let gvk = Gvk { kind: kind.into(), ..Gvk::default() };
            let mut follower = Follower { document, gvk, config, found: 0 };
            follower.follow(&definition.key, &mut Vec::new())?;
        }
    }
    Ok(())
}

/// Follows the types of an object's fields.
struct Follower<'d> {
    document: &'d Value,
    gvk: Gvk,
    config: &'d mut Config,
    found: usize,
}

impl Follower<'_> {
    fn follow(&mut self, name: &str, path: &mut Vec<String>) -> Result<(), String> {
        if path.len() > MAX_DEPTH || self.found > MAX_FIELDS {
            return Ok(());
        }
        let document = self.document;
        let properties = document.at(&[name, "Schema", "properties"]);
        for property in properties.map(Value::entries).unwrap_or_default() {
            self.found += 1;
            path.push(property.key.to_string());
            self.add(&property.value, path)?;
            let reference = property.value.str_at(&["$ref"]);
            if !reference.is_empty() {
                let inner = reference.strip_prefix("#/definitions/").unwrap_or(reference);
                self.follow(inner, path)?;
            }
            path.pop();
        }
        Ok(())
    }

    /// Adds a field by its extensions.
    fn add(&mut self, property: &Value, path: &[String]) -> Result<(), String> {
        let path = path.join("/");
        let spec = |path: &str| FieldSpec { gvk: self.gvk.clone(), ..FieldSpec::new(path, false) };
        let text = |extension: &str| property.str_at(&[extension]);
        if property.get("x-kubernetes-annotation").is_some() {
            merge(&mut self.config.common_annotations, [spec(&path)])?;
        }
        if property.get("x-kubernetes-label-selector").is_some() {
            merge(&mut self.config.common_labels, [spec(&path)])?;
        }
        if property.get("x-kubernetes-identity").is_some() {
            merge(&mut self.config.name_prefix, [spec(&path)])?;
        }
        let version = text("x-kubernetes-object-ref-api-version");
        let kind = text("x-kubernetes-object-ref-kind");
        if version.is_empty() || kind.is_empty() {
            return Ok(());
        }
        let field = match text("x-kubernetes-object-ref-name-key") {
            "" => "name",
            key => key,
        };
        let gvk = Gvk { version: version.into(), kind: kind.into(), ..Gvk::default() };
        let referrers = vec![spec(&format!("{path}/{field}"))];
        self.config.add_reference(BackReference { gvk, referrers })
    }
}
