//! The fields of a kustomization, which Kustomize refuses others than. As in Go, case does not count
//! below the outermost level.

use crate::value::Value;

/// The fields at the outermost level.
pub(crate) const FIELDS: &[&str] = &[
    "apiVersion",
    "kind",
    "metadata",
    "openapi",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "commonLabels",
    "labels",
    "commonAnnotations",
    "patchesStrategicMerge",
    "patchesJson6902",
    "patches",
    "images",
    "imageTags",
    "replacements",
    "replicas",
    "vars",
    "sortOptions",
    "resources",
    "components",
    "crds",
    "bases",
    "configMapGenerator",
    "secretGenerator",
    "helmGlobals",
    "helmCharts",
    "helmChartInflationGenerator",
    "generatorOptions",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "buildMetadata",
];

/// The fields of a generator, but for `type`.
const GENERATOR: &str = "name namespace behavior literals files env envs options";
const GENERATOR_OPTIONS: &str = "labels annotations disableNameSuffixHash immutable";
const PATCH: &str = "path patch target options";
const SELECTOR: &str = "group version kind name namespace annotationSelector labelSelector";
const FIELD_OPTIONS: &str = "delimiter index encoding create";

/// Paths from the outermost level, and the fields there.
const NESTED: &[(&str, &[&str])] = &[
    ("configMapGenerator", &[GENERATOR]),
    ("configMapGenerator.options", &[GENERATOR_OPTIONS]),
    ("secretGenerator", &[GENERATOR, "type"]),
    ("secretGenerator.options", &[GENERATOR_OPTIONS]),
    ("generatorOptions", &[GENERATOR_OPTIONS]),
    ("patches", &[PATCH]),
    ("patches.target", &[SELECTOR]),
    ("patchesJson6902", &[PATCH]),
    ("patchesJson6902.target", &[SELECTOR]),
    ("images", &["name newName tagSuffix newTag digest"]),
    ("replicas", &["name count"]),
    ("labels", &["pairs includeSelectors includeTemplates fields"]),
    ("labels.fields", &["group version kind path create"]),
    ("replacements", &["path source sourceValue targets"]),
    ("replacements.source", &["group version kind name namespace fieldPath options"]),
    ("replacements.source.options", &[FIELD_OPTIONS]),
    ("replacements.targets", &["select reject fieldPaths options"]),
    ("replacements.targets.select", &[SELECTOR]),
    ("replacements.targets.reject", &[SELECTOR]),
    ("replacements.targets.options", &[FIELD_OPTIONS]),
    ("vars", &["name objref fieldref"]),
    ("vars.objref", &["group version kind apiVersion name namespace"]),
    ("vars.fieldref", &["fieldPath"]),
    ("helmGlobals", &["chartHome configHome"]),
    (
        "helmCharts",
        &[
            "name version repo releaseName namespace valuesFile additionalValuesFiles valuesInline",
            "valuesMerge includeCRDs skipHooks skipTests apiVersions kubeVersion nameTemplate debug",
            "devel",
        ],
    ),
    ("sortOptions", &["order legacySortOptions"]),
    ("sortOptions.legacySortOptions", &["orderFirst orderLast"]),
];

/// The first field below the outermost level that is not known: its value and its path.
pub(crate) fn unknown(root: &Value) -> Option<(&Value, String)> {
    NESTED.iter().find_map(|(path, fields)| {
        let mut nodes = vec![root];
        for name in path.split('.') {
            nodes = nodes.into_iter().filter_map(|node| node.get(name)).flat_map(each).collect();
        }
        let is_known = |key: &str| {
            fields
                .iter()
                .flat_map(|list| list.split(' '))
                .any(|name| name.eq_ignore_ascii_case(key))
        };
        let mut entries = nodes.into_iter().flat_map(Value::entries);
        let found = entries.find(|entry| !is_known(&entry.key))?;
        Some((&found.value, format!("{path}.{}", found.key)))
    })
}

/// The items of a list; another value itself.
fn each(value: &Value) -> Vec<&Value> {
    if value.is_list() { value.items().iter().collect() } else { vec![value] }
}
