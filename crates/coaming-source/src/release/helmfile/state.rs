//! What the templates of a helmfile see: the values of an environment.

use std::sync::Arc;

use coaming_kube::Fields as _;
use serde_json::{Map, Value, json};

/// The environment that is there without being named.
pub(super) const DEFAULT: &str = "default";

/// The values of an environment, as far as they are read.
#[derive(Clone)]
pub(super) struct State {
    pub(super) environment: String,
    values: Value,
    /// The parts of its bases: they may have templates of releases.
    pub(super) bases: Vec<Arc<super::Part>>,
    /// How many bases were read, or were to be.
    pub(super) bases_read: usize,
}

impl State {
    pub(super) fn new(environment: &str) -> Self {
        Self {
            environment: environment.to_owned(),
            values: Value::Object(Map::new()),
            bases: Vec::new(),
            bases_read: 0,
        }
    }

    /// Puts values over those that are there.
    pub(super) fn add(&mut self, values: Value) {
        merge(&mut self.values, values);
    }

    /// What `.` is in a helmfile.
    pub(super) fn data(&self) -> Value {
        let environment = json!({"Name": self.environment, "Values": self.values});
        json!({
            "Values": self.values,
            "StateValues": self.values,
            "Environment": environment,
            "Namespace": "",
        })
    }

    /// What `.` is in the values of a release.
    pub(super) fn data_of(&self, name: &str, namespace: &str) -> Value {
        let mut data = self.data();
        if let Some(data) = data.as_object_mut() {
            data.insert("Release".to_owned(), json!({"Name": name, "Namespace": namespace}));
            data.insert("Namespace".to_owned(), namespace.into());
        }
        data
    }
}

fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}

/// The names of a helmfile's environments, up to one more than are evaluated, after those of its bases:
/// `default` if there are none.
pub(super) fn environments(text: &str, of_bases: Vec<String>) -> Vec<String> {
    let mut names = of_bases;
    for part in super::parts(text).take(super::MAX_PARTS) {
        let stream = coaming_yaml::parse(without_templates(&part));
        for document in &stream.documents {
            for entry in document.root().pairs("environments") {
                let is_wanted = names.len() <= super::MAX_ENVIRONMENTS;
                if is_wanted && !names.iter().any(|name| name == entry.name()) {
                    names.push(entry.name().to_owned());
                }
            }
        }
    }
    if names.is_empty() {
        names.push(DEFAULT.to_owned());
    }
    names
}

/// A text without the lines that have templates: what is left is often YAML, and names environments.
pub(super) fn without_templates(text: &str) -> Arc<str> {
    let lines = text.split_inclusive('\n');
    let kept =
        lines.map(|line| if line.contains("{{") { super::blank(line) } else { line.to_owned() });
    kept.collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environments_are_named_in_any_part() {
        let text = "environments:\n  prod:\n    values: [a.yaml]\n  dev: {}\n---\nreleases:\n- name: {{ .Values.x }}\n";
        assert_eq!(environments(text, Vec::new()), ["prod", "dev"]);
        assert_eq!(environments("releases: []\n", vec![]), ["default"]);
    }

    #[test]
    fn later_values_win() {
        let mut state = State::new("dev");
        state.add(json!({"a": {"b": 1, "c": 2}}));
        state.add(json!({"a": {"b": 3}}));
        assert_eq!(state.data()["Values"], json!({"a": {"b": 3, "c": 2}}));
        assert_eq!(state.data_of("web", "shop")["Release"]["Name"], "web");
    }
}
