//! How Kustomize names objects: by group, version, kind, name and namespace.

use std::rc::Rc;

use crate::schema::Schema;
use crate::value::Value;

/// The namespace of what is outside of namespaces.
pub(crate) const NO_NAMESPACE: &str = "_non_namespaceable_";

/// The namespace that is meant where none is named.
const DEFAULT: &str = "default";

/// A group, version and kind. As a selector, an empty part selects all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Gvk {
    pub(crate) group: Rc<str>,
    pub(crate) version: Rc<str>,
    pub(crate) kind: Rc<str>,
}

impl Gvk {
    pub(crate) fn new(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self { group: group.into(), version: version.into(), kind: kind.into() }
    }

    /// The parts that a mapping names with `group`, `version`, `kind` or `apiVersion`.
    pub(crate) fn of_selector(value: &Value) -> Self {
        let text = |key| value.get(key).map(Value::str).unwrap_or_default();
        let api_version = text("apiVersion");
        let mut this = Self::new(api_version, text("kind"));
        if api_version.is_empty() {
            this.group = text("group").into();
            this.version = text("version").into();
        }
        this
    }

    pub(crate) fn of_object(root: &Value) -> Self {
        let text = |key| root.get(key).map(Value::str).unwrap_or_default();
        Self::new(text("apiVersion"), text("kind"))
    }

    /// Whether a selector selects it.
    pub(crate) fn is_selected(&self, selector: &Self) -> bool {
        let fits = |part: &str, wanted: &str| wanted.is_empty() || part == wanted;
        fits(&self.group, &selector.group)
            && fits(&self.version, &selector.version)
            && fits(&self.kind, &selector.kind)
    }

    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_string()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

/// The name of an object among those of a build.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Id {
    pub(crate) gvk: Gvk,
    pub(crate) name: Rc<str>,
    /// The namespace that is in effect.
    pub(crate) namespace: Rc<str>,
}

impl Id {
    pub(crate) fn new(gvk: Gvk, name: &str, namespace: &str, schema: &Schema) -> Self {
        let namespace = effective_namespace(&gvk, namespace, schema).into();
        Self { gvk, name: name.into(), namespace }
    }

    /// The id of an object as it is now.
    pub(crate) fn of_object(root: &Value, schema: &Schema) -> Self {
        let gvk = Gvk::of_object(root);
        let name = root.str_at(&["metadata", "name"]);
        Self::new(gvk, name, root.str_at(&["metadata", "namespace"]), schema)
    }

    pub(crate) fn is_cluster_scoped(&self) -> bool {
        &*self.namespace == NO_NAMESPACE
    }

    /// For messages: `Deployment web`.
    pub(crate) fn described(&self) -> String {
        let place = match &*self.namespace {
            DEFAULT | NO_NAMESPACE => String::new(),
            namespace => format!(" in namespace {namespace}"),
        };
        format!("{} {}{place}", self.gvk.kind, self.name)
    }
}

fn effective_namespace<'n>(gvk: &Gvk, namespace: &'n str, schema: &Schema) -> &'n str {
    if schema.is_cluster_scoped(gvk) {
        NO_NAMESPACE
    } else if namespace.is_empty() {
        DEFAULT
    } else {
        namespace
    }
}

/// An exact selection of objects, as replacements make it: empty parts select all.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdSelector {
    gvk: Gvk,
    name: Rc<str>,
    namespace: Rc<str>,
}

impl IdSelector {
    pub(crate) fn of(value: &Value) -> Self {
        let text = |key| value.get(key).map(Value::str).unwrap_or_default().into();
        Self { gvk: Gvk::of_selector(value), name: text("name"), namespace: text("namespace") }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.gvk == Gvk::default() && self.name.is_empty() && self.namespace.is_empty()
    }

    pub(crate) fn selects(&self, id: &Id, schema: &Schema) -> bool {
        let namespace = || effective_namespace(&self.gvk, &self.namespace, schema);
        (self.namespace.is_empty() || *namespace() == *id.namespace)
            && (self.name.is_empty() || self.name == id.name)
            && id.gvk.is_selected(&self.gvk)
    }
}
