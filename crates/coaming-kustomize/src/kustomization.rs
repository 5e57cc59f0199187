//! A kustomization file: found, parsed, and checked for fields that Kustomize does not know.

use coaming_helm::Source;
use coaming_yaml::Scalar as Typed;

use crate::build::{Build, Loaded};
use crate::failure::Failure;
use crate::files::{FileKind, is_within, join};
use crate::known;
use crate::value::{Kind, Value};

/// The names of a kustomization's file.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// A kustomization.
pub(crate) struct Kustomization {
    /// Its directory.
    pub(crate) directory: String,
    /// The name of its file.
    pub(crate) file: &'static str,
    pub(crate) root: Value,
}

impl Kustomization {
    /// Reads the kustomization of a directory; `named_by` is what refers to it.
    pub(crate) fn read(
        build: &Build<'_>,
        directory: &str,
        named_by: Source,
    ) -> Result<Self, Failure> {
        let found: Vec<(&'static str, String)> = NAMES
            .iter()
            .map(|name| (*name, join(directory, name)))
            .filter(|(_, path)| build.files.kind(path) == FileKind::File)
            .collect();
        let [(file, path)] = found.as_slice() else {
            let problem = if found.is_empty() { "has no" } else { "has more than one" };
            let message = format!("the directory `{directory}` {problem} kustomization.yaml");
            return Err(build.invalid(named_by, message));
        };
        let is_inside = is_within(&build.files.real_path(path), &build.files.real_path(directory));
        if !is_inside {
            let message = format!("`{path}` is a link to a file elsewhere, which is not read");
            return Err(build.invalid(named_by, message));
        }
        let bytes = build
            .files
            .read(path)
            .map_err(|reason| build.invalid(named_by, format!("`{path}` {reason}")))?;
        let documents = build.documents(&Loaded { path: path.clone(), bytes })?;
        let root = match documents.as_slice() {
            [root] if root.is_map() && !root.entries().is_empty() => root.clone(),
            _ => {
                let file = build.input(path, "".into());
                let place = crate::value::Origins::file(file).at(0);
                return Err(build.invalid(place, "is empty, or is not one mapping"));
            }
        };
        let this = Self { directory: directory.to_owned(), file, root };
        this.check(build)?;
        let is_header = |key: &str| matches!(key, "apiVersion" | "kind");
        let is_unset = |value: &Value| {
            value.is_null() || (matches!(value.kind, Kind::Scalar(_)) && value.str().is_empty())
        };
        let mut entries = this.root.entries().iter();
        if entries.all(|entry| is_header(&entry.key) || is_unset(&entry.value)) {
            return Err(build.invalid(this.root.source, "is empty: list `resources` in it"));
        }
        Ok(this)
    }

    fn check(&self, build: &Build<'_>) -> Result<(), Failure> {
        for entry in self.root.entries() {
            if !known::FIELDS.contains(&&*entry.key) {
                let message = format!("`{}` is not a field of a kustomization", entry.key);
                return Err(build.invalid(entry.source, message));
            }
        }
        if let Some((value, path)) = known::unknown(&self.root) {
            let message = format!("`{path}` is not a field of a kustomization");
            return Err(build.invalid(value.source, message));
        }
        if let Some((value, field)) = self.mistyped() {
            let message = match &value.kind {
                Kind::Scalar(scalar) => {
                    format!("`{field}` must be text: put `{}` in quotes", scalar.text)
                }
                Kind::List(_) => format!("`{field}` must be text, and is a list"),
                Kind::Map(_) => format!("`{field}` must be text, and is a mapping"),
            };
            return Err(build.invalid(value.source, message));
        }
        let kind = self.kind();
        if !matches!(kind, "Kustomization" | "Component") {
            let source = self.root.get("kind").map_or(self.root.source, |kind| kind.source);
            let message = format!("`kind` is `{kind}`: expected Kustomization or Component");
            return Err(build.invalid(source, message));
        }
        let version = self.root.str_at(&["apiVersion"]);
        let group = "kustomize.config.k8s.io";
        let wanted = match kind {
            "Component" => format!("{group}/v1alpha1"),
            _ => format!("{group}/v1beta1"),
        };
        if !version.is_empty() && *version != *wanted {
            let source = self.root.get("apiVersion").map_or(self.root.source, |it| it.source);
            let message = format!("`apiVersion` is `{version}`: expected {wanted}");
            return Err(build.invalid(source, message));
        }
        Ok(())
    }

    /// The first value of a field for text that is a number or a boolean: Kustomize reads this file
    /// as YAML 1.1, in which `y` is a boolean too.
    fn mistyped(&self) -> Option<(&Value, &str)> {
        let wrong = |value: &&Value| match &value.kind {
            Kind::Scalar(scalar) => {
                !scalar.is_text
                    && !matches!(Typed::of_plain(&scalar.text), Typed::Str(_) | Typed::Null)
            }
            Kind::List(_) | Kind::Map(_) => true,
        };
        let texts = ["namePrefix", "nameSuffix", "namespace"];
        let fields = texts.iter().filter_map(|field| Some((self.root.get(field)?, *field)));
        let pairs = ["commonLabels", "commonAnnotations"].iter().flat_map(|field| {
            let entries = self.root.get(field).map(Value::entries).unwrap_or_default();
            entries.iter().map(move |entry| (&entry.value, *field))
        });
        let labels = self.items("labels").iter().flat_map(|label| {
            let pairs = label.get("pairs").map(Value::entries).unwrap_or_default();
            pairs.iter().map(|entry| (&entry.value, "pairs"))
        });
        let arguments = ["configMapGenerator", "secretGenerator"].iter();
        let options = arguments
            .flat_map(|field| self.items(field).iter().filter_map(|item| item.get("options")))
            .chain(self.root.get("generatorOptions"))
            .flat_map(|options| {
                ["labels", "annotations"].iter().flat_map(move |field| {
                    let entries = options.get(field).map(Value::entries).unwrap_or_default();
                    entries.iter().map(move |entry| (&entry.value, *field))
                })
            });
        let images = self
            .items("images")
            .iter()
            .flat_map(|image| image.entries().iter().map(|entry| (&entry.value, &*entry.key)));
        let lists = ["resources", "bases", "components"]
            .iter()
            .flat_map(|field| self.items(field).iter().map(move |item| (item, *field)));
        let mut all = fields.chain(pairs).chain(labels).chain(options).chain(images).chain(lists);
        all.find(|(value, _)| wrong(value))
    }

    fn kind(&self) -> &str {
        match self.root.str_at(&["kind"]) {
            "" => "Kustomization",
            kind => kind,
        }
    }

    pub(crate) fn is_component(&self) -> bool {
        self.kind() == "Component"
    }

    /// The items of a list.
    pub(crate) fn items(&self, field: &str) -> &[Value] {
        self.root.get(field).map(Value::items).unwrap_or_default()
    }

    /// The text of a field; `None` if it is empty.
    pub(crate) fn text(&self, field: &str) -> Option<&Value> {
        self.root.get(field).filter(|value| !value.str().is_empty())
    }
}
