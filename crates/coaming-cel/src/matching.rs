//! Which objects a policy or a binding applies to: resource rules and selectors.

use coaming_kube::{Fields as _, Object};
use coaming_yaml::Node;

use crate::kinds;
use crate::subject::{Operation, Subject};

/// `matchConstraints` of a policy, or `matchResources` of a binding.
#[derive(Debug, Default)]
pub(crate) struct Constraints {
    included: Vec<ResourceRule>,
    excluded: Vec<ResourceRule>,
    namespaces: Selector,
    objects: Selector,
    /// Whether other versions of a resource count (`matchPolicy`).
    equivalent: bool,
}

impl Constraints {
    /// Reads them; an error says what is not valid.
    pub(crate) fn read(node: Option<Node<'_>>) -> Result<Self, String> {
        let rules = |field: &str| -> Vec<ResourceRule> {
            node.list(field).map(ResourceRule::read).collect()
        };
        let equivalent = match node.string("matchPolicy") {
            None | Some("Equivalent") => true,
            Some("Exact") => false,
            Some(other) => {
                return Err(format!("matchPolicy `{other}` is neither Exact nor Equivalent"));
            }
        };
        Ok(Self {
            included: rules("resourceRules"),
            excluded: rules("excludeResourceRules"),
            namespaces: Selector::read(node.mapping("namespaceSelector"))?,
            objects: Selector::read(node.mapping("objectSelector"))?,
            equivalent,
        })
    }

    /// The kinds of the objects that they can hold for, if that is certain: only Kubernetes' own, and
    /// named one by one.
    pub(crate) fn kinds(&self) -> Vec<String> {
        let kinds = self.included.iter().map(ResourceRule::kinds);
        let kinds: Option<Vec<Vec<String>>> = kinds.collect();
        let mut kinds: Vec<String> = kinds.unwrap_or_default().into_iter().flatten().collect();
        kinds.sort();
        kinds.dedup();
        kinds
    }

    /// Whether they hold for this operation on this object.
    pub(crate) fn hold(&self, subject: &Subject<'_>, operation: Operation) -> bool {
        let matches = |rule: &ResourceRule| rule.holds(subject, operation, self.equivalent);
        self.namespaces_hold(subject)
            && self.objects.holds(&labels(subject.object))
            && !self.excluded.iter().any(matches)
            && (self.included.is_empty() || self.included.iter().any(matches))
    }

    fn namespaces_hold(&self, subject: &Subject<'_>) -> bool {
        if self.namespaces.is_empty() {
            return true;
        }
        if subject.object.kind() == "Namespace" && subject.object.group().is_empty() {
            return self.namespaces.holds(&labels(subject.object));
        }
        // What is in no namespace is not selected by namespaces.
        !subject.kind.namespaced || self.namespaces.holds(subject.namespace_labels())
    }
}

/// The labels of an object.
pub(crate) fn labels(object: Object<'_>) -> Vec<(String, String)> {
    object
        .labels()
        .filter_map(|entry| Some((entry.name().to_owned(), entry.value.as_str()?.to_owned())))
        .collect()
}

/// One resource rule.
#[derive(Debug)]
struct ResourceRule {
    operations: Vec<String>,
    groups: Vec<String>,
    versions: Vec<String>,
    resources: Vec<String>,
    names: Vec<String>,
    scope: Option<String>,
}

impl ResourceRule {
    fn read(node: Node<'_>) -> Self {
        let texts = |field: &str| node.strings(field).map(str::to_owned).collect();
        Self {
            operations: texts("operations"),
            groups: texts("apiGroups"),
            versions: texts("apiVersions"),
            resources: texts("resources"),
            names: texts("resourceNames"),
            scope: node.string("scope").map(str::to_owned),
        }
    }

    /// The kinds of its resources; `None` if it may match others, or objects of another kind.
    fn kinds(&self) -> Option<Vec<String>> {
        let is_exact = |text: &String| !text.contains(['*', '/']);
        if !self.versions.iter().chain(&self.resources).all(is_exact) {
            return None;
        }
        let mut kinds = Vec::new();
        for group in &self.groups {
            for resource in &self.resources {
                kinds.extend(kinds::built_in_kind(group, resource)?.map(str::to_owned));
            }
        }
        Some(kinds)
    }

    fn holds(&self, subject: &Subject<'_>, operation: Operation, equivalent: bool) -> bool {
        let object = subject.object;
        let has =
            |list: &[String], wanted: &str| list.iter().any(|item| item == "*" || item == wanted);
        let version = object.api_version().rsplit('/').next().unwrap_or_default();
        let same = has(&self.groups, object.group()) && has(&self.versions, version);
        let group_and_version = same || (equivalent && self.is_equivalent(subject));
        let resource = self.resources.iter().any(|item| {
            let (resource, sub) = item.split_once('/').unwrap_or((item, ""));
            (resource == "*" || resource == subject.kind.resource) && (sub.is_empty() || sub == "*")
        });
        let is_namespace = subject.kind.resource == "namespaces" && object.group().is_empty();
        let scope = match self.scope.as_deref() {
            Some("Namespaced") => subject.kind.namespaced && !is_namespace,
            Some("Cluster") => !subject.kind.namespaced || is_namespace,
            _ => true,
        };
        let name = self.names.is_empty() || self.names.iter().any(|name| name == object.name());
        has(&self.operations, operation.name()) && group_and_version && resource && scope && name
    }

    /// Whether the rule names the resource in another version that the API server serves, or in the
    /// other group that serves it.
    fn is_equivalent(&self, subject: &Subject<'_>) -> bool {
        let served = subject.equivalents.iter();
        served.into_iter().any(|(group, version)| {
            self.groups.iter().any(|named| named == group)
                && self.versions.iter().any(|named| named == version)
        })
    }
}

/// A label selector; an empty one selects everything.
#[derive(Debug, Default)]
pub(crate) struct Selector {
    requirements: Vec<Requirement>,
}

#[derive(Debug)]
struct Requirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

impl Selector {
    /// Reads a selector; an error names the operator that does not exist.
    pub(crate) fn read(node: Option<Node<'_>>) -> Result<Self, String> {
        let equal = node.pairs("matchLabels").filter_map(|entry| {
            let values = vec![entry.value.as_str()?.to_owned()];
            Some(Requirement { key: entry.name().to_owned(), operator: Operator::In, values })
        });
        let mut requirements: Vec<Requirement> = equal.collect();
        for expression in node.list("matchExpressions") {
            let operator = match expression.string("operator").unwrap_or_default() {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                other => return Err(format!("`{other}` is not a valid label selector operator")),
            };
            requirements.push(Requirement {
                key: expression.string("key").unwrap_or_default().to_owned(),
                operator,
                values: expression.strings("values").map(str::to_owned).collect(),
            });
        }
        Ok(Self { requirements })
    }

    fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether it selects what has these labels.
    pub(crate) fn holds(&self, labels: &[(String, String)]) -> bool {
        self.requirements.iter().all(|wanted| {
            let found = labels.iter().find(|(key, _)| *key == wanted.key).map(|(_, value)| value);
            let is_listed = found.is_some_and(|value| wanted.values.contains(value));
            match wanted.operator {
                Operator::In => is_listed,
                Operator::NotIn => !is_listed,
                Operator::Exists => found.is_some(),
                Operator::DoesNotExist => found.is_none(),
            }
        })
    }
}
