//! The object that is judged, converted once for all rules.

use std::cell::OnceCell;

use coaming_kube::{ApiRequest, Object, World};
use coaming_yaml::Document;

use crate::kinds::{self, ApiKind};
use crate::lang::value::Value;
use crate::matching::labels;

/// What is done with an object when its manifest is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    /// It is there already, as it is written: what it was before is not known.
    Update,
}

impl Operation {
    pub(crate) const ALL: [Self; 2] = [Self::Create, Self::Update];

    /// Its name in policies and requests.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
        }
    }

    /// The kind of its options.
    fn options(self) -> &'static str {
        match self {
            Self::Create => "CreateOptions",
            Self::Update => "UpdateOptions",
        }
    }
}

/// An object with what an API server would bind when it is applied.
pub(crate) struct Subject<'w> {
    pub(crate) world: &'w World,
    /// The files of policies, which hold parameters and definitions.
    pub(crate) policies: &'w World,
    pub(crate) object: Object<'w>,
    /// The request that is judged, if there is one.
    asked: Option<ApiRequest<'w>>,
    pub(crate) kind: ApiKind,
    /// The groups and versions that serve its resource, too.
    pub(crate) equivalents: Vec<(String, String)>,
    value: OnceCell<Value>,
    old: OnceCell<Option<Value>>,
    admitted: OnceCell<Value>,
    creation: OnceCell<Value>,
    update: OnceCell<Value>,
    namespace: OnceCell<Value>,
    namespace_labels: OnceCell<Vec<(String, String)>>,
}

impl<'w> Subject<'w> {
    pub(crate) fn new(
        world: &'w World,
        policies: &'w World,
        object: Object<'w>,
        asked: Option<ApiRequest<'w>>,
    ) -> Self {
        let worlds = [world, policies];
        Self {
            world,
            policies,
            object,
            asked,
            kind: kinds::of(&worlds, object.group(), object.kind()),
            equivalents: kinds::equivalents(&worlds, object.group(), object.kind()),
            value: OnceCell::new(),
            old: OnceCell::new(),
            admitted: OnceCell::new(),
            creation: OnceCell::new(),
            update: OnceCell::new(),
            namespace: OnceCell::new(),
            namespace_labels: OnceCell::new(),
        }
    }

    /// The object as it is written.
    pub(crate) fn value(&self) -> Value {
        self.value.get_or_init(|| Value::of_object(self.object.node())).clone()
    }

    /// The object before the request; `None` without a request.
    pub(crate) fn old(&self) -> Option<Value> {
        let read = || {
            let root = self.asked?.old.and_then(|old| old.documents().first()).map(Document::root);
            Some(root.map_or(Value::Null, Value::of_object))
        };
        self.old.get_or_init(read).clone()
    }

    /// The object as an admission policy sees it: with its namespace.
    pub(crate) fn admitted(&self) -> Value {
        self.admitted.get_or_init(|| self.with_namespace()).clone()
    }

    fn with_namespace(&self) -> Value {
        let value = self.value();
        let Value::Map(fields) = &value else { return value };
        let Some(Value::Map(metadata)) = fields.field("metadata") else { return value };
        if !self.kind.namespaced || metadata.field("namespace").is_some() {
            return value;
        }
        let mut inner = metadata.entries().to_vec();
        inner.push((Value::string("namespace"), Value::string(self.namespace_name())));
        let mut outer = fields.entries().to_vec();
        outer.push((Value::string("metadata"), Value::map(inner)));
        Value::map(outer)
    }

    /// The namespace that the object is created in; empty if it is in none.
    pub(crate) fn namespace_name(&self) -> &'w str {
        if self.kind.namespaced { self.object.namespace_or_default() } else { "" }
    }

    fn namespace_object(&self) -> Option<Object<'w>> {
        let name = self.namespace_name();
        let named = |world: &'w World| world.find("Namespace", "", name);
        named(self.world).or_else(|| named(self.policies))
    }

    /// The labels of the object's namespace, with the one that every namespace has.
    pub(crate) fn namespace_labels(&self) -> &[(String, String)] {
        self.namespace_labels.get_or_init(|| {
            let mut found = self.namespace_object().map(labels).unwrap_or_default();
            let key = "kubernetes.io/metadata.name".to_owned();
            found.retain(|(own, _)| *own != key);
            found.push((key, self.namespace_name().to_owned()));
            found
        })
    }

    /// The object's namespace; null if it is in none.
    pub(crate) fn namespace(&self) -> Value {
        self.namespace.get_or_init(|| self.make_namespace()).clone()
    }

    fn make_namespace(&self) -> Value {
        if !self.kind.namespaced {
            return Value::Null;
        }
        let text = |(key, value): &(String, String)| (Value::string(key), Value::string(value));
        let known = self.namespace_labels().iter().map(text).collect();
        let mut metadata = vec![
            (Value::string("name"), Value::string(self.namespace_name())),
            (Value::string("labels"), Value::map(known)),
        ];
        let own = self.namespace_object().map(|object| Value::of_object(object.node()));
        let mut fields = vec![(Value::string("metadata"), Value::Null)];
        if let Some(Value::Map(own)) = own {
            fields = own.entries().to_vec();
            if let Some(Value::Map(written)) = own.field("metadata") {
                metadata.splice(0..0, written.entries().iter().cloned());
            }
        }
        fields.push((Value::string("metadata"), Value::map(metadata)));
        Value::map(fields)
    }

    /// The request with this operation on the object. Where there is none, nobody is known to send it.
    pub(crate) fn request(&self, operation: Operation) -> Value {
        let cell = match operation {
            Operation::Create => &self.creation,
            Operation::Update => &self.update,
        };
        cell.get_or_init(|| self.make_request(operation)).clone()
    }

    fn make_request(&self, operation: Operation) -> Value {
        let text = Value::string;
        let object = self.object;
        let (group, kind) = (object.group(), object.kind());
        let version = object.api_version().rsplit('/').next().unwrap_or_default();
        let of_kind = Value::object([
            ("group", text(group)),
            ("version", text(version)),
            ("kind", text(kind)),
        ]);
        let resource = Value::object([
            ("group", text(group)),
            ("version", text(version)),
            ("resource", text(&self.kind.resource)),
        ]);
        let options = Value::object([
            ("apiVersion", text("meta.k8s.io/v1")),
            ("kind", text(operation.options())),
        ]);
        let mut fields = vec![
            (text("kind"), of_kind.clone()),
            (text("resource"), resource.clone()),
            (text("requestKind"), of_kind),
            (text("requestResource"), resource),
            (text("operation"), text(operation.name())),
            (text("userInfo"), self.user()),
            (text("dryRun"), Value::Bool(self.asked.is_some_and(|asked| asked.dry_run))),
            (text("options"), options),
        ];
        let part = self.asked.map_or("", |asked| asked.subresource);
        for (field, value) in [
            ("name", object.name()),
            ("namespace", self.namespace_name()),
            ("subResource", part),
            ("requestSubResource", part),
        ] {
            if !value.is_empty() {
                fields.push((text(field), text(value)));
            }
        }
        Value::map(fields)
    }

    /// Who sends the request.
    fn user(&self) -> Value {
        let text = Value::string;
        let texts = |all: &[String]| Value::list(all.iter().map(|one| text(one)).collect());
        let Some(asked) = self.asked else {
            return Value::object([
                ("username", text("")),
                ("groups", Value::list(vec![text("system:authenticated")])),
                ("extra", Value::map(Vec::new())),
            ]);
        };
        let extra = asked.extra.iter().map(|(key, values)| (text(key), texts(values)));
        let mut fields = vec![
            (text("username"), text(asked.username)),
            (text("groups"), texts(asked.groups)),
            (text("extra"), Value::map(extra.collect())),
        ];
        if !asked.uid.is_empty() {
            fields.push((text("uid"), text(asked.uid)));
        }
        Value::map(fields)
    }
}
