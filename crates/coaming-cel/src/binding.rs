//! ValidatingAdmissionPolicyBindings: where a policy applies, and with which parameters.

use coaming_kube::{Fields as _, Object, World};

use crate::kinds;
use crate::lang::value::Value;
use crate::matching::{Constraints, Selector, labels};
use crate::subject::Subject;

/// The kind of a policy's parameters.
#[derive(Clone, Debug)]
pub(crate) struct Parameters {
    pub(crate) api_version: String,
    pub(crate) kind: String,
}

/// A binding.
#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) matches: Constraints,
    /// Whether the API server refuses what violates the policy, rather than warn or log.
    pub(crate) denies: bool,
    reference: Option<Reference>,
}

/// `paramRef`.
#[derive(Debug)]
struct Reference {
    name: Option<String>,
    selector: Selector,
    namespace: Option<String>,
    /// Whether parameters that do not exist are an error (`parameterNotFoundAction`).
    must_exist: bool,
}

impl Binding {
    /// Reads a binding; an error says what is not valid.
    pub(crate) fn read(object: Object<'_>) -> Result<Self, String> {
        let spec = object.spec();
        let reference = spec.mapping("paramRef");
        let actions: Vec<&str> = spec.strings("validationActions").collect();
        for action in &actions {
            if !["Deny", "Warn", "Audit"].contains(action) {
                return Err(format!("`{action}` is not a valid validation action"));
            }
        }
        let reference = match reference {
            None => None,
            Some(node) => {
                let name = node.string("name").map(str::to_owned);
                let selector = node.mapping("selector");
                if name.is_some() == selector.is_some() {
                    return Err("paramRef needs either a name or a selector".to_owned());
                }
                Some(Reference {
                    name,
                    selector: Selector::read(selector)?,
                    namespace: node.string("namespace").map(str::to_owned),
                    must_exist: node.string("parameterNotFoundAction") != Some("Allow"),
                })
            }
        };
        Ok(Self {
            matches: Constraints::read(spec.mapping("matchResources"))?,
            denies: actions.is_empty() || actions.contains(&"Deny"),
            reference,
        })
    }

    /// The parameters for an object: the policy is evaluated once with each. An error is the
    /// message of the denial.
    pub(crate) fn parameters(
        &self,
        kind: Option<&Parameters>,
        subject: &Subject<'_>,
    ) -> Result<Vec<Value>, String> {
        let (Some(kind), Some(reference)) = (kind, &self.reference) else {
            return Ok(vec![Value::Null]);
        };
        let worlds = [subject.policies, subject.world];
        let group = kind.api_version.rsplit_once('/').map_or("", |(group, _)| group);
        let namespace = if kinds::of(&worlds, group, &kind.kind).namespaced {
            let wanted = reference.namespace.as_deref();
            Some(wanted.unwrap_or_else(|| subject.namespace_name()))
        } else {
            None
        };
        // The same file may be among the policies and in the input.
        let mut found: Vec<Value> = Vec::new();
        for world in worlds {
            found.extend(reference.find(world, kind, namespace));
            if !found.is_empty() {
                break;
            }
        }
        if found.is_empty() && reference.must_exist {
            return Err("failed to configure binding: no params found for policy binding with \
                        `Deny` parameterNotFoundAction"
                .to_owned());
        }
        Ok(found)
    }
}

impl Reference {
    fn find(&self, world: &World, kind: &Parameters, namespace: Option<&str>) -> Vec<Value> {
        world
            .of_kind(&kind.kind)
            .filter(|object| object.api_version() == kind.api_version)
            .filter(|object| namespace.is_none_or(|name| name == object.namespace_or_default()))
            .filter(|object| match &self.name {
                Some(name) => name == object.name(),
                None => self.selector.holds(&labels(*object)),
            })
            .map(|object| Value::of_object(object.node()))
            .collect()
    }
}
