//! `Chart.yaml`.

use super::shape;
use crate::failure::Failure;
use crate::print;
use crate::semver::Version;
use crate::value::{Kind, Map, MapType, Value};

/// What a chart says of itself.
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) kube_version: String,
    pub(crate) is_library: bool,
    /// Whether its `apiVersion` is `v1`.
    pub(crate) is_first_version: bool,
    pub(crate) dependencies: Vec<Dependency>,
    /// Whether the chart names dependencies at all, enabled or not.
    pub(crate) names_dependencies: bool,
    /// The fields that templates see, but for the dependencies.
    fields: Map,
}

/// A dependency that a chart names.
#[derive(Clone, Debug)]
pub(crate) struct Dependency {
    /// Its name, after processing its alias.
    pub(crate) name: String,
    pub(crate) original: String,
    pub(crate) version: String,
    pub(crate) repository: String,
    pub(crate) condition: String,
    pub(crate) tags: Vec<String>,
    pub(crate) import_values: Vec<Value>,
    pub(crate) alias: String,
    pub(crate) enabled: bool,
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).as_ref().and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn flag(value: &Value, key: &str) -> bool {
    matches!(value.get(key).map(|value| value.kind), Some(Kind::Bool(true)))
}

/// A text on one line, as templates see it: white space is blanks, and what cannot be printed goes.
fn sanitized(text: &str) -> String {
    let shown = |c: char| {
        if c.is_whitespace() { Some(' ') } else { print::is_printable(c).then_some(c) }
    };
    text.chars().filter_map(shown).collect()
}

fn items(value: &Value, key: &str) -> Vec<Value> {
    value.get(key).as_ref().and_then(Value::as_list).unwrap_or_default().to_vec()
}

/// Whether aliases are valid, and no two dependencies have the same name.
fn check_names(dependencies: &[Dependency]) -> Result<(), String> {
    let mut known = std::collections::HashSet::new();
    for Dependency { name, alias, .. } in dependencies {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if !alias.chars().all(is_allowed) {
            return Err(format!("the alias {alias:?} of dependency {name:?} is not valid"));
        }
        let name = if alias.is_empty() { name } else { alias };
        if !known.insert(name) {
            return Err(format!("more than one dependency has the name or alias {name:?}"));
        }
    }
    Ok(())
}

fn texts(value: &Value, key: &str) -> Vec<Value> {
    let items = items(value, key);
    items.iter().map(|item| Value::from(item.as_str().unwrap_or_default())).collect()
}

impl Metadata {
    /// Reads the metadata; `requirements` is `requirements.yaml`, where old charts name
    /// their dependencies.
    pub(crate) fn parse(
        chart: &Value,
        requirements: Option<&Value>,
        prefix: &str,
    ) -> Result<Self, Failure> {
        let wrong_in = |file: &str, what: &str| Failure::Chart(format!("{prefix}{file}: {what}"));
        let wrong = |what: &str| wrong_in("Chart.yaml", what);
        let chart = &shape::chart(chart).map_err(|what| wrong(&what))?;
        let requirements = requirements.map(shape::requirements).transpose();
        let requirements = requirements.map_err(|what| wrong_in("requirements.yaml", &what))?;
        let name = text(chart, "name");
        let api_version = text(chart, "apiVersion");
        let fail = |what: &str| Err(wrong(what));
        if name.is_empty() {
            return fail("`name` is required");
        }
        if name.contains('/') || name == "." || name == ".." {
            return fail("`name` is not a valid chart name");
        }
        let version = text(chart, "version");
        if version.is_empty() {
            return fail("`version` is required");
        }
        if Version::parse(&version).is_none() {
            return fail(&format!("`version` {version:?} is not a semantic version"));
        }
        let kind = text(chart, "type");
        if !matches!(kind.as_str(), "" | "application" | "library") {
            return fail(&format!("`type` is {kind:?}, not `application` or `library`"));
        }
        if !matches!(api_version.as_str(), "" | "v1" | "v2") {
            return fail(&format!("`apiVersion` is {api_version:?}, not `v1` or `v2`"));
        }
        if items(chart, "maintainers").iter().any(Value::is_nil) {
            return fail("`maintainers` contains an empty entry");
        }
        let listed = match requirements {
            Some(requirements) => {
                requirements.get("dependencies").or_else(|| chart.get("dependencies"))
            }
            None => chart.get("dependencies"),
        };
        let listed = listed.as_ref().and_then(Value::as_list).unwrap_or_default();
        if listed.iter().any(Value::is_nil) {
            return fail("`dependencies` contains an empty entry");
        }
        let dependencies: Vec<Dependency> = listed
            .iter()
            .filter(|dependency| dependency.as_map().is_some())
            .map(|dependency| Dependency {
                name: text(dependency, "name"),
                original: text(dependency, "name"),
                version: text(dependency, "version"),
                repository: text(dependency, "repository"),
                condition: text(dependency, "condition"),
                tags: texts(dependency, "tags")
                    .iter()
                    .filter_map(|tag| tag.as_str().map(str::to_owned))
                    .collect(),
                import_values: dependency
                    .get("import-values")
                    .as_ref()
                    .and_then(Value::as_list)
                    .unwrap_or_default()
                    .to_vec(),
                alias: text(dependency, "alias"),
                // Helm decides it only for the dependencies of charts that it processes.
                enabled: flag(dependency, "enabled"),
            })
            .collect();
        check_names(&dependencies).map_err(|message| wrong(&message))?;
        let mut fields = Map::new();
        for (field, key) in [
            ("Name", "name"),
            ("Home", "home"),
            ("Version", "version"),
            ("Description", "description"),
            ("Icon", "icon"),
            ("APIVersion", "apiVersion"),
            ("Condition", "condition"),
            ("Tags", "tags"),
            ("AppVersion", "appVersion"),
            ("KubeVersion", "kubeVersion"),
            ("Type", "type"),
        ] {
            let origin = chart.get(key).map(|value| value.first_origin()).unwrap_or_default();
            let text = match field {
                // A chart that does not say is one of version 1.
                "APIVersion" if api_version.is_empty() => "v1".to_owned(),
                "APIVersion" | "Version" | "Type" => text(chart, key),
                _ => sanitized(&text(chart, key)),
            };
            fields.insert(field.into(), Value::from(text).at(origin));
        }
        for (field, key) in [("Sources", "sources"), ("Keywords", "keywords")] {
            let texts = texts(chart, key);
            let texts = texts.iter().filter_map(Value::as_str).map(sanitized);
            fields.insert(field.into(), Value::from(texts.map(Value::from).collect::<Vec<_>>()));
        }
        fields.insert("Deprecated".into(), Value::from(flag(chart, "deprecated")));
        let annotations = chart.get("annotations").filter(|value| value.as_map().is_some());
        let annotations = annotations.map(|value| value.as_type(MapType::Texts));
        let annotations = annotations.unwrap_or_else(|| Value::map_of(MapType::Texts, Map::new()));
        fields.insert("Annotations".into(), annotations);
        fields.insert("Maintainers".into(), maintainers(chart));
        Ok(Self {
            is_library: kind == "library",
            is_first_version: api_version != "v2",
            version,
            kube_version: text(chart, "kubeVersion"),
            names_dependencies: !dependencies.is_empty(),
            name,
            dependencies,
            fields,
        })
    }

    /// `.Chart`.
    pub(crate) fn value(&self, is_root: bool) -> Value {
        let mut fields = self.fields.clone();
        fields.insert("IsRoot".into(), Value::from(is_root));
        if let Some(name) = fields.get_mut("Name")
            && name.as_str() != Some(&self.name)
        {
            *name = Value::from(self.name.as_str());
        }
        let dependencies = self.dependencies.iter().map(|dependency| {
            let tags = dependency.tags.iter().map(|tag| Value::from(tag.as_str()));
            let map: Map = [
                ("Name", Value::from(dependency.name.as_str())),
                ("Version", Value::from(dependency.version.as_str())),
                ("Repository", Value::from(dependency.repository.as_str())),
                ("Condition", Value::from(dependency.condition.as_str())),
                ("Tags", Value::from(tags.collect::<Vec<_>>())),
                ("Enabled", Value::from(dependency.enabled)),
                ("ImportValues", Value::from(dependency.import_values.clone())),
                ("Alias", Value::from(dependency.alias.as_str())),
            ]
            .into_iter()
            .map(|(name, value)| (name.into(), value))
            .collect();
            Value::from(map)
        });
        fields.insert("Dependencies".into(), Value::from(dependencies.collect::<Vec<_>>()));
        Value::from(fields)
    }
}

fn maintainers(chart: &Value) -> Value {
    let listed = items(chart, "maintainers");
    let maintainer = |value: &Value| {
        let map: Map = [("Name", "name"), ("Email", "email"), ("URL", "url")]
            .into_iter()
            .map(|(field, key)| (field.into(), Value::from(sanitized(&text(value, key)))))
            .collect();
        Value::from(map)
    };
    Value::from(listed.iter().map(maintainer).collect::<Vec<_>>())
}
