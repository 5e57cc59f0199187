//! Which lists of an object merge by keys, and which objects are outside of namespaces: of the
//! built-in types from a table, of others from the OpenAPI documents that a kustomization names.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::id::Gvk;

/// What is known about types.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schema {
    /// What an `openapi` document adds.
    own: Types,
    /// Whether it replaces the built-in types.
    replaces: bool,
}

/// Types by their names, and the kinds of objects that have them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Types {
    /// By `apps/v1 Deployment`: the name of the type.
    pub(crate) objects: HashMap<String, String>,
    /// By `v1 Node`: whether it is outside of namespaces.
    pub(crate) cluster_scoped: HashMap<String, bool>,
    pub(crate) fields: HashMap<String, HashMap<String, Field>>,
}

/// A field that is a list that merges, or leads to one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Field {
    /// The type of the value, or of the items.
    pub(crate) of_type: Option<String>,
    /// For a list that merges, its keys. Without any, its items are scalars.
    pub(crate) merge_keys: Option<Vec<String>>,
}

/// A type among the known ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TypeRef<'s> {
    types: &'s Types,
    name: &'s str,
}

impl<'s> TypeRef<'s> {
    pub(crate) fn field(self, name: &str) -> Option<FieldRef<'s>> {
        let field = self.types.fields.get(self.name)?.get(name)?;
        Some(FieldRef { types: self.types, field })
    }
}

/// A field of a known type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldRef<'s> {
    types: &'s Types,
    field: &'s Field,
}

impl<'s> FieldRef<'s> {
    /// The type of the value, or of the items.
    pub(crate) fn of_type(self) -> Option<TypeRef<'s>> {
        let name = self.field.of_type.as_deref()?;
        Some(TypeRef { types: self.types, name })
    }

    /// For a list that merges, its keys.
    pub(crate) fn merge_keys(self) -> Option<&'s [String]> {
        self.field.merge_keys.as_deref()
    }
}

static BUILT_IN: LazyLock<Types> = LazyLock::new(|| built_in(include_str!("schema.txt")));

/// Reads the table of the built-in types.
fn built_in(text: &str) -> Types {
    let mut types = Types::default();
    let mut section = "";
    let mut current = String::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if section == "cluster" {
            types.cluster_scoped.insert(line.to_owned(), true);
        } else if section == "objects" {
            if let Some((kind, name)) = line.rsplit_once(' ') {
                types.objects.insert(kind.to_owned(), name.to_owned());
            }
        } else if let Some(field) = line.strip_prefix("  ") {
            let mut parts = field.split(' ');
            let (Some(name), Some(of_type)) = (parts.next(), parts.next()) else { continue };
            let keys = parts.next().map(|keys| {
                let keys = keys.trim_matches(['[', ']']).split(',').filter(|key| !key.is_empty());
                keys.map(str::to_owned).collect()
            });
            let of_type = (of_type != "-").then(|| of_type.to_owned());
            let field = Field { of_type, merge_keys: keys };
            types.fields.entry(current.clone()).or_default().insert(name.to_owned(), field);
        } else {
            line.clone_into(&mut current);
        }
    }
    types
}

fn described(gvk: &Gvk) -> String {
    format!("{} {}", gvk.api_version(), gvk.kind)
}

impl Schema {
    /// Whether an `openapi` document has replaced the built-in types.
    pub(crate) fn is_replaced(&self) -> bool {
        self.replaces
    }

    /// Adds the types of an OpenAPI document. The first one replaces the built-in types.
    pub(crate) fn add(&mut self, types: Types) {
        self.own.objects.extend(types.objects);
        self.own.cluster_scoped.extend(types.cluster_scoped);
        self.own.fields.extend(types.fields);
        self.replaces = true;
    }

    /// The type of an object.
    pub(crate) fn of(&self, gvk: &Gvk) -> Option<TypeRef<'_>> {
        let key = described(gvk);
        let of = |types: &'static Types| {
            types.objects.get(&key).map(|name| TypeRef { types, name: name.as_str() })
        };
        match self.own.objects.get(&key) {
            Some(name) => Some(TypeRef { types: &self.own, name }),
            None if self.replaces => None,
            None => of(&BUILT_IN),
        }
    }

    /// Whether an object is certainly outside of namespaces.
    pub(crate) fn is_cluster_scoped(&self, gvk: &Gvk) -> bool {
        let key = described(gvk);
        let own = self.own.cluster_scoped.get(&key).copied();
        own.unwrap_or_else(|| BUILT_IN.cluster_scoped.contains_key(&key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_merge_by_name_and_ports_by_two_keys() {
        let schema = Schema::default();
        let deployment = schema.of(&Gvk::new("apps/v1", "Deployment")).unwrap();
        let spec = deployment.field("spec").unwrap().of_type().unwrap();
        let template = spec.field("template").unwrap().of_type().unwrap();
        let pod = template.field("spec").unwrap().of_type().unwrap();
        let containers = pod.field("containers").unwrap();
        assert_eq!(containers.merge_keys().unwrap(), ["name"]);
        let ports = containers.of_type().unwrap().field("ports").unwrap();
        assert_eq!(ports.merge_keys().unwrap(), ["containerPort", "protocol"]);
        assert!(containers.of_type().unwrap().field("args").is_none());
        assert!(schema.is_cluster_scoped(&Gvk::new("v1", "Namespace")));
        assert!(!schema.is_cluster_scoped(&Gvk::new("v1", "Pod")));
    }
}
