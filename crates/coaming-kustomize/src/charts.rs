//! `helmCharts`: charts in the directory of a kustomization. Charts that would be pulled are remote.

use std::rc::Rc;

use coaming_helm::{Location, Manifest, RenderError, Rendered, SourceMap, Values, write_yaml};

use crate::build::Build;
use crate::failure::Failure;
use crate::files::{FileKind, is_within, join};
use crate::output::tree;
use crate::resource::Resource;
use crate::target::{Target, resources_in};
use crate::value::{Kind, Origins, Value};

/// The directory of charts, if `helmGlobals` names no other.
const HOME: &str = "charts";

/// The name of the values that are written in a kustomization.
const INLINE: &str = "valuesInline";

/// The objects of all charts.
pub(crate) fn all(target: &Target<'_, '_>) -> Result<Vec<Resource>, Failure> {
    let mut made = Vec::new();
    let globals = target.kustomization.root.get("helmGlobals");
    for field in ["helmCharts", "helmChartInflationGenerator"] {
        for entry in target.kustomization.items(field) {
            made.extend(one(target, entry, globals)?);
        }
    }
    Ok(made)
}

/// The objects of one chart.
pub(crate) fn one(
    target: &Target<'_, '_>,
    entry: &Value,
    globals: Option<&Value>,
) -> Result<Vec<Resource>, Failure> {
    let build = target.build;
    let directory = directory(target, entry, globals)?;
    let given = Given::of(target, entry)?;
    let options = options(entry, &given, build.options.kubernetes_minor);
    let files = build
        .files
        .chart(&directory)
        .map_err(|reason| build.invalid(entry.source, format!("the chart {reason}")))?;
    let rendered = coaming_helm::render(files, &options)
        .map_err(|error| chart_error(build, entry, &directory, error))?;
    resources(build, &directory, &rendered, &given)
}

fn chart_error(build: &Build<'_>, entry: &Value, directory: &str, error: RenderError) -> Failure {
    match error {
        RenderError::Place { file, line, column, message, .. } => Failure::Invalid {
            place: Some(crate::Place { file: join(directory, &file), line, column }),
            message: message.to_string(),
        },
        error => build.invalid(entry.source, format!("the chart cannot be rendered: {error}")),
    }
}

/// The directory of a chart, which must be there.
fn directory(
    target: &Target<'_, '_>,
    entry: &Value,
    globals: Option<&Value>,
) -> Result<String, Failure> {
    let build = target.build;
    let text = |field: &str| entry.str_at(&[field]);
    let name = text("name");
    if name.is_empty() {
        return Err(build.invalid(entry.source, "the chart has no `name`"));
    }
    let home = match (globals.map(|it| it.str_at(&["chartHome"])), text("chartHome")) {
        (Some(home), _) if !home.is_empty() => home,
        (_, home) if !home.is_empty() => home,
        _ => HOME,
    };
    let home = join(target.directory(), home);
    let versioned = join(&home, &format!("{name}-{}/{name}", text("version")));
    let found = [versioned, join(&home, name)]
        .into_iter()
        .find(|path| build.files.kind(path) == FileKind::Directory);
    let Some(found) = found else {
        return match entry.get("repo").filter(|repo| !repo.str().is_empty()) {
            Some(repo) => Err(build.remote(repo)),
            None => {
                let message = format!("the chart `{name}` is not in `{home}`");
                Err(build.invalid(entry.source, message))
            }
        };
    };
    let root = build.files.real_path(target.directory());
    if !is_within(&build.files.real_path(&found), &root) {
        let message = format!("the chart `{name}` is not below the kustomization");
        return Err(build.invalid(entry.source, message));
    }
    Ok(found)
}

/// The values that an entry gives.
struct Given {
    values: Vec<Values>,
    /// Where the values in place are from.
    inline: SourceMap,
}

impl Given {
    fn of(target: &Target<'_, '_>, entry: &Value) -> Result<Self, Failure> {
        let build = target.build;
        let mut values = Vec::new();
        let mut add = |loaded: &crate::build::Loaded| -> Result<(), Failure> {
            let text = build.text(loaded)?;
            build.input(&loaded.path, text.clone());
            values.push(Values::File(loaded.path.clone(), text));
            Ok(())
        };
        let merges = entry.str_at(&["valuesMerge"]);
        let inline = entry.get(INLINE).filter(|inline| inline.is_map());
        let in_place = inline.map(|inline| inline_values(build, inline)).transpose()?;
        let file = entry.get("valuesFile").filter(|file| !file.str().is_empty());
        if let Some(file) = file
            && !(merges == "replace" && in_place.is_some())
        {
            add(&target.load(file)?)?;
        }
        let more = entry.get("additionalValuesFiles").map(Value::items).unwrap_or_default();
        for file in more {
            add(&target.load(file)?)?;
        }
        let mut map = SourceMap::default();
        if let Some((text, of_text)) = in_place {
            let given = Values::File(INLINE.to_owned(), text.into());
            map = of_text;
            // `merge` lets the file win over what is written in place.
            if merges == "merge" { values.insert(0, given) } else { values.push(given) }
        }
        Ok(Self { values, inline: map })
    }
}

fn inline_values(build: &Build<'_>, inline: &Value) -> Result<(String, SourceMap), Failure> {
    write_yaml(tree(inline)).map_err(|message| build.invalid(inline.source, message))
}

fn options(entry: &Value, given: &Given, minor: Option<u32>) -> coaming_helm::Options {
    let text = |field: &str| entry.str_at(&[field]).to_owned();
    let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
    let is_set = |field: &str| entry.get(field).is_some_and(Value::is_true);
    let defaults = coaming_helm::Options::default();
    let version = text("kubeVersion");
    let minor_of = |version: &str| version.trim_start_matches('v').split('.').nth(1)?.parse().ok();
    let listed = entry.get("apiVersions").map(Value::items).unwrap_or_default();
    coaming_helm::Options {
        release_name: or(text("releaseName"), &text("name")),
        namespace: or(text("namespace"), &defaults.namespace),
        values: given.values.clone(),
        kubernetes_minor: minor_of(&version).or(minor).unwrap_or(defaults.kubernetes_minor),
        api_versions: listed.iter().map(|version| version.str().to_owned()).collect(),
        include_crds: is_set("includeCRDs"),
        skip_tests: is_set("skipTests"),
        cluster: None,
        allow_missing_dependencies: false,
    }
}

/// The objects of what a chart rendered.
fn resources(
    build: &Build<'_>,
    directory: &str,
    rendered: &Rendered,
    given: &Given,
) -> Result<Vec<Resource>, Failure> {
    let indices: Vec<Option<usize>> = rendered
        .files
        .iter()
        .map(|file| {
            if file.name == INLINE {
                return None;
            }
            let is_given = given
                .values
                .iter()
                .any(|values| matches!(values, Values::File(name, _) if *name == file.name));
            let path = if is_given { file.name.clone() } else { join(directory, &file.name) };
            Some(build.input(&path, file.text.clone()))
        })
        .collect();
    let inline = given.inline.clone();
    let files: Rc<dyn Fn(Location) -> Option<Location>> =
        Rc::new(move |location: Location| match indices.get(location.file)? {
            Some(file) => Some(Location { file: *file, ..location }),
            None => inline.at(location.offset as usize).template,
        });
    let mut resources = Vec::new();
    for Manifest { text, map, .. } in &rendered.manifests {
        let origins = Origins::rendered(map.clone(), Rc::clone(&files));
        for document in build.parse(text.as_str().into(), &origins)? {
            if document.is_map()
                && !matches!(&document.kind, Kind::Map(entries) if entries.is_empty())
            {
                resources_in(build, document, &mut resources)?;
            }
        }
    }
    Ok(resources)
}
