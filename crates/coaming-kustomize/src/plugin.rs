//! `generators`, `transformers` and `validators`: configurations of built-in plugins. Others are
//! programs, which are refused.

use std::rc::Rc;

use crate::annotate::Plugin;
use crate::build::Build;
use crate::charts;
use crate::config::{FieldSpec, field_specs};
use crate::failure::Failure;
use crate::files::{FileKind, join};
use crate::generate::{self, Generated};
use crate::json_patch::equals;
use crate::resource::Resource;
use crate::target::{Accumulator, Target, resources_in};
use crate::transform::{affixes, images, labels, namespace, replicas};
use crate::value::Value;
use crate::{annotate, hash, patch, replacement, value_add};

/// The annotations of functions: programs in containers or on disk.
const FUNCTIONS: [&str; 2] = ["config.kubernetes.io/function", "config.k8s.io/function"];

/// The configuration of a plugin, and the file that it is in.
struct Configuration {
    root: Resource,
    file: String,
}

impl Configuration {
    fn kind(&self) -> &str {
        self.root.root.str_at(&["kind"])
    }

    fn plugin(&self) -> Plugin<'_> {
        let (name, namespace) = (self.root.name(), self.root.namespace());
        Plugin { file: &self.file, kind: self.kind(), name, namespace }
    }
}

/// The configurations that a field lists: texts come first, then files, and directories with
/// kustomizations.
fn configurations(target: &Target<'_, '_>, field: &str) -> Result<Vec<Configuration>, Failure> {
    let build = target.build;
    let is_text = |reference: &&Value| {
        reference.str().contains('\n') || reference.str().trim_start().starts_with('{')
    };
    let (texts, references): (Vec<&Value>, Vec<&Value>) =
        target.kustomization.items(field).iter().partition(is_text);
    let mut found = Vec::new();
    for text in texts {
        let mut resources = Vec::new();
        for document in build.inline(text)? {
            resources_in(build, document, &mut resources)?;
        }
        let file = target.own_path();
        found.extend(resources.into_iter().map(|root| Configuration { root, file: file.clone() }));
    }
    for reference in references {
        let path = join(target.directory(), reference.str());
        let resources = if build.files.kind(&path) == FileKind::Directory {
            target.built_below(&path, reference)?
        } else {
            target.resources_of(&target.load(reference)?)?
        };
        let named = target.path_of(reference.str());
        found.extend(resources.into_iter().map(|root| {
            let file = annotate::path_of(&root).unwrap_or(&named).to_owned();
            Configuration { root, file }
        }));
    }
    found.iter().try_for_each(|plugin| check(build, &plugin.root))?;
    Ok(found)
}

/// Refuses what is not built into Kustomize.
fn check(build: &Build<'_>, plugin: &Resource) -> Result<(), Failure> {
    let is_function = FUNCTIONS
        .iter()
        .any(|annotation| plugin.root.at(&["metadata", "annotations", annotation]).is_some());
    if plugin.root.str_at(&["apiVersion"]) == "builtin" && !is_function {
        return Ok(());
    }
    let kind = plugin.root.str_at(&["kind"]);
    let what = if is_function { "a function" } else { "a plugin" };
    Err(Failure::Program {
        place: build.place(plugin.source()),
        message: format!("`{kind}` is {what} that is a program, and no program is run"),
    })
}

/// Runs the generators.
pub(crate) fn generate(target: &Target<'_, '_>, gathered: &mut Accumulator) -> Result<(), Failure> {
    let build = target.build;
    let mut made = charts::all(target)?;
    let file = &target.own_path();
    let plugin = Plugin { file, kind: "HelmChartInflationGenerator", name: "", namespace: "" };
    made.iter_mut().for_each(|one| target.metadata.add_generator(one, &plugin));
    for plugin in configurations(target, "generators")? {
        let mut more = generated(target, &plugin)?;
        more.iter_mut().for_each(|one| target.metadata.add_generator(one, &plugin.plugin()));
        made.extend(more);
    }
    let schema = build.schema();
    made.into_iter().try_for_each(|one| {
        let absorbed = gathered.resources.absorb(one, &schema);
        absorbed.map_err(|refused| build.invalid(refused.source, refused.message))
    })
}

/// What a generator makes.
fn generated(target: &Target<'_, '_>, plugin: &Configuration) -> Result<Vec<Resource>, Failure> {
    let build = target.build;
    let root = &plugin.root.root;
    Ok(match plugin.kind() {
        "ConfigMapGenerator" => vec![generate::one(target, root, None, Generated::ConfigMap)?],
        "SecretGenerator" => vec![generate::one(target, root, None, Generated::Secret)?],
        "HelmChartInflationGenerator" => charts::one(target, root, None)?,
        "IAMPolicyGenerator" => vec![account(build, &plugin.root)?],
        "ResourceGenerator" => {
            let mut made = Vec::new();
            for reference in root.get("files").map(Value::items).unwrap_or_default() {
                made.extend(target.resources_of(&target.load(reference)?)?);
            }
            made
        }
        kind => return Err(unknown(build, &plugin.root, kind)),
    })
}

/// What `IAMPolicyGenerator` makes: a service account that is one of the cloud's, too.
fn account(build: &Build<'_>, plugin: &Resource) -> Result<Resource, Failure> {
    let root = &plugin.root;
    let source = plugin.source();
    match root.str_at(&["cloud"]) {
        "gke" => {}
        other => {
            let message = format!("`cloud: {other}` is not supported by `IAMPolicyGenerator`");
            return Err(build.invalid(source, message));
        }
    }
    let text = |path: &[&str]| root.at(path).map(|value| Value::text(value.str(), value.source));
    let cloud = format!(
        "{}@{}.iam.gserviceaccount.com",
        root.str_at(&["serviceAccount", "name"]),
        root.str_at(&["serviceAccount", "projectId"])
    );
    let mut made = Value::map(source);
    made.set("apiVersion", Value::text("v1", source));
    made.set("kind", Value::text("ServiceAccount", source));
    let metadata = made.map_at("metadata");
    let annotations = metadata.map_at("annotations");
    annotations.set("iam.gke.io/gcp-service-account", Value::text(&cloud, source));
    for field in ["name", "namespace"] {
        if let Some(value) = text(&["kubernetesService", field]).filter(|it| !it.str().is_empty()) {
            metadata.set(field, value);
        }
    }
    Ok(Resource::new(made))
}

fn unknown(build: &Build<'_>, plugin: &Resource, kind: &str) -> Failure {
    build.invalid(plugin.source(), format!("`{kind}` is not a built-in plugin of this field"))
}

/// Runs the transformers.
pub(crate) fn transform(
    target: &Target<'_, '_>,
    gathered: &mut Accumulator,
) -> Result<(), Failure> {
    for plugin in configurations(target, "transformers")? {
        transform_by(target, gathered, &plugin.root)?;
        target.metadata.add_transformer(&mut gathered.resources.list, &plugin.plugin());
        gathered.resources.drop_deleted();
    }
    Ok(())
}

/// Runs the validators: built-in transformers that must not change anything.
pub(crate) fn validate(target: &Target<'_, '_>, gathered: &mut Accumulator) -> Result<(), Failure> {
    for plugin in configurations(target, "validators")? {
        let before = gathered.resources.list.clone();
        transform_by(target, gathered, &plugin.root)?;
        let after = std::mem::replace(&mut gathered.resources.list, before);
        let is_same = after.len() == gathered.resources.list.len()
            && after.iter().zip(&gathered.resources.list).all(|(a, b)| equals(&a.root, &b.root));
        if !is_same {
            let message = "a validator changes the resources, which it may not";
            return Err(target.build.invalid(plugin.root.source(), message));
        }
    }
    Ok(())
}

fn transform_by(
    target: &Target<'_, '_>,
    gathered: &mut Accumulator,
    plugin: &Resource,
) -> Result<(), Failure> {
    let build = target.build;
    let schema = build.schema();
    let root = &plugin.root;
    let config = Rc::clone(&gathered.config);
    let resources = &mut gathered.resources;
    let own = field_specs(root.get("fieldSpecs").or_else(|| root.get("fieldspecs")));
    let or = |defaults: &[FieldSpec]| if own.is_empty() { defaults.to_vec() } else { own.clone() };
    let invalid = |message: String| build.invalid(plugin.source(), message);
    let affix = |field: &str| root.get(field).filter(|value| !value.str().is_empty());
    match root.str_at(&["kind"]) {
        "AnnotationsTransformer" => match root.get("annotations") {
            Some(pairs) => labels::add(resources, pairs, &or(&[])).map_err(invalid),
            None => Ok(()),
        },
        "LabelTransformer" => match root.get("labels") {
            Some(pairs) => labels::add(resources, pairs, &or(&[])).map_err(invalid),
            None => Ok(()),
        },
        "PrefixTransformer" | "SuffixTransformer" | "PrefixSuffixTransformer" => {
            if own.is_empty() {
                return Err(invalid("a prefix or suffix needs `fieldSpecs`".to_owned()));
            }
            for (field, side) in
                [("prefix", affixes::Side::Prefix), ("suffix", affixes::Side::Suffix)]
            {
                if let Some(affix) = affix(field) {
                    affixes::add(resources, affix, &own, side, &schema).map_err(invalid)?;
                }
            }
            Ok(())
        }
        "NamespaceTransformer" => {
            let name = root.at(&["metadata", "namespace"]).or_else(|| root.get("namespace"));
            match name {
                Some(name) => {
                    let options = namespace_options(root).map_err(invalid)?;
                    namespace::set(resources, name, &own, &options, &schema).map_err(invalid)
                }
                None => Ok(()),
            }
        }
        "ImageTagTransformer" => match root.get("imageTag") {
            Some(entry) => images::set(resources, entry, &or(&config.images)).map_err(invalid),
            None => Ok(()),
        },
        "ReplicaCountTransformer" => match root.get("replica") {
            Some(entry) => replicas::set(resources, entry, &own, &schema).map_err(invalid),
            None => Ok(()),
        },
        "PatchTransformer" => patch::entry(target, root, resources),
        "PatchJson6902Transformer" => patch::json_entry(target, root, resources),
        "PatchStrategicMergeTransformer" => {
            let paths = root.get("paths").map(Value::items).unwrap_or_default();
            patch::strategic_files(target, paths, resources)?;
            match root.get("patches").filter(|patches| !patches.str().is_empty()) {
                Some(text) => patch::strategic_files(target, std::slice::from_ref(text), resources),
                None => Ok(()),
            }
        }
        "ReplacementTransformer" => {
            let list = root.get("replacements").map(Value::items).unwrap_or_default();
            replacement::all(target, list, resources)
        }
        "HashTransformer" => hash::add_to_names(resources, &schema).map_err(invalid),
        "ValueAddTransformer" => value_add::apply(target, root, resources),
        kind => Err(unknown(build, plugin, kind)),
    }
}

fn namespace_options(root: &Value) -> Result<namespace::Options, String> {
    let subjects = match root.str_at(&["setRoleBindingSubjects"]) {
        "" | "defaultOnly" => namespace::Subjects::Default,
        "allServiceAccounts" => namespace::Subjects::AllServiceAccounts,
        "none" => namespace::Subjects::None,
        other => return Err(format!("`setRoleBindingSubjects: {other}` is not known")),
    };
    let unset_only = root.get("unsetOnly").is_some_and(Value::is_true);
    Ok(namespace::Options { subjects, unset_only })
}
