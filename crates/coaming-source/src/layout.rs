//! Sort the files that were found: plain manifests, charts and overlays to render, other texts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use coaming_kube::{Source, SourceKind, is_kustomization};

use crate::kustomize::Kustomization;
use crate::terraform::{self, Module};
use crate::walk::{
    Candidate, Found, display_name, is_dockerfile, is_environment, is_helmfile_template,
};
use crate::{InputError, Options, read, release};

/// A directory that an external program has to render.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Directory {
    pub(crate) path: PathBuf,
    pub(crate) name: String,
}

impl Directory {
    /// The name that users see for a file in it, from its path relative to the directory.
    pub(crate) fn name_of(&self, file: &str) -> String {
        if self.name == "." { file.to_owned() } else { format!("{}/{file}", self.name) }
    }

    /// The path relative to the directory, from the name that users see.
    pub(crate) fn name_inside<'f>(&self, file: &'f str) -> &'f str {
        let inside = file.strip_prefix(self.name.as_str()).and_then(|rest| rest.strip_prefix('/'));
        inside.unwrap_or(file)
    }
}

/// An overlay, with the files that its objects come from.
#[derive(Clone, Debug)]
pub(crate) struct Overlay {
    pub(crate) directory: Directory,
    /// The `kustomization.yaml` itself.
    pub(crate) file: String,
    /// Every local resource file it is built from, including those of its bases.
    pub(crate) sources: Vec<Candidate>,
    /// The files of patches, which are read if it cannot be built.
    pub(crate) patches: Vec<Candidate>,
}

/// How each file that was found is processed.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    pub(crate) plain: Vec<Candidate>,
    pub(crate) charts: Vec<Directory>,
    pub(crate) overlays: Vec<Overlay>,
    /// Files that say how charts are installed, and are not objects.
    pub(crate) helmfiles: Vec<Candidate>,
    /// Modules of Terraform.
    pub(crate) modules: Vec<Module>,
    pub(crate) texts: Vec<Source>,
    pub(crate) errors: Vec<InputError>,
}

/// Sorts the files that were found.
pub(crate) fn classify(found: &mut Found, options: &Options) -> Layout {
    let mut layout = Layout::default();
    let mut files = std::mem::take(&mut found.files);
    take_sops_rules(&mut files, options, &mut layout);
    let modules = terraform::take_modules(&mut files);
    if !options.as_written {
        layout.modules = modules;
    }
    take_charts(&mut files, options, &mut layout);
    take_overlays(&mut files, options, &mut layout);
    for candidate in files.into_values() {
        if is_dockerfile(file_name(&candidate.name)) {
            add_text(&candidate, SourceKind::Dockerfile, options, &mut layout);
        } else if is_environment(file_name(&candidate.name)) {
            add_text(&candidate, SourceKind::Environment, options, &mut layout);
        } else if is_values(&candidate, options) {
            add_text(&candidate, SourceKind::HelmValues, options, &mut layout);
        } else {
            if release::is_helmfile(&candidate.name) {
                layout.helmfiles.push(candidate.clone());
            }
            if !is_helmfile_template(&candidate.name) {
                layout.plain.push(candidate);
            }
        }
    }
    layout
}

/// Removes the configurations of SOPS, which are beside manifests and in charts.
fn take_sops_rules(
    files: &mut BTreeMap<String, Candidate>,
    options: &Options,
    layout: &mut Layout,
) {
    let is_rules = |name: &str| matches!(file_name(name), ".sops.yaml" | ".sops.yml");
    for (_, candidate) in files.extract_if(.., |name, _| is_rules(name)) {
        add_text(&candidate, SourceKind::SopsRules, options, layout);
    }
}

/// Removes every file that belongs to a chart, and adds the charts to the layout.
fn take_charts(files: &mut BTreeMap<String, Candidate>, options: &Options, layout: &mut Layout) {
    for candidate in files.values().filter(|candidate| candidate.explicit) {
        if let Some(chart) = chart_of_template(candidate) {
            layout.errors.push(InputError::new(
                &candidate.name,
                format!("is a template of a Helm chart: scan the chart's directory, `{chart}`"),
            ));
        }
    }
    let templates: BTreeSet<String> =
        layout.errors.iter().map(|error| error.file.clone()).collect();
    files.retain(|name, _| !templates.contains(name));

    let roots: BTreeSet<String> = files
        .keys()
        .filter(|name| file_name(name) == "Chart.yaml")
        .map(|name| parent(name).to_owned())
        .collect();
    // A subchart is rendered by its parent.
    let is_subchart = |root: &String| {
        roots.iter().any(|other| other != root && is_below(root, &join(other, "charts")))
    };
    let independent: Vec<&String> = roots.iter().filter(|root| !is_subchart(root)).collect();
    let owner = |name: &str| {
        let owners = independent.iter().filter(|root| is_below(name, root));
        // The innermost: `.` is the outermost.
        owners.max_by_key(|root| if **root == "." { 0 } else { root.len() }).copied()
    };
    let owned: Vec<(String, String)> =
        files.keys().filter_map(|name| Some((name.clone(), owner(name)?.clone()))).collect();
    for (name, root) in owned {
        let file = file_name(&name);
        if is_beside_chart(&name, &root) && !file.starts_with("values") && file != "Chart.yaml" {
            continue;
        }
        let Some(candidate) = files.remove(&name) else { continue };
        if file == "Chart.yaml" && parent(&name) == root.as_str() {
            let path = candidate.path.parent().map(PathBuf::from).unwrap_or_default();
            if !is_library(&candidate, options) {
                layout.charts.push(Directory { path, name: root.clone() });
            }
        } else if file.starts_with("values") {
            add_text(&candidate, SourceKind::HelmValues, options, layout);
        } else if is_dockerfile(file) {
            add_text(&candidate, SourceKind::Dockerfile, options, layout);
        } else if is_environment(file) {
            add_text(&candidate, SourceKind::Environment, options, layout);
        }
    }
}

/// Whether a file is in the directory of a chart without being part of the chart: manifests beside
/// it are judged like others.
fn is_beside_chart(name: &str, root: &str) -> bool {
    const PARTS: [&str; 7] = ["templates", "charts", "crds", "ci", "files", "tests", "dashboards"];
    let inside = if root == "." { name } else { name.get(root.len() + 1..).unwrap_or_default() };
    !PARTS.iter().any(|part| is_below(inside, part)) && !inside.starts_with('.')
}

/// Whether a chart is a library, which renders nothing by itself.
fn is_library(candidate: &Candidate, options: &Options) -> bool {
    is_library_chart(&candidate.path, options)
}

/// Whether a `Chart.yaml` says that its chart is a library.
pub(crate) fn is_library_chart(metadata: &Path, options: &Options) -> bool {
    read::text(metadata, options).is_ok_and(|text| {
        let stream = coaming_yaml::parse(text.into());
        let root = stream.documents.first().map(coaming_yaml::Document::root);
        root.and_then(|root| root.get("type")).and_then(|kind| kind.as_str()) == Some("library")
    })
}

/// Whether a file contains values for a chart in another directory: it has the name of a values
/// file, and contains no objects.
fn is_values(candidate: &Candidate, options: &Options) -> bool {
    let file = file_name(&candidate.name);
    let is_named =
        file.starts_with("values") && [".yaml", ".yml"].iter().any(|ending| file.ends_with(ending));
    let has_objects = || {
        read::text(&candidate.path, options).map_or(true, |text| read::has_kubernetes_fields(&text))
    };
    is_named && (options.as_written || !has_objects())
}

/// The chart's directory, if a file is one of a chart's templates.
fn chart_of_template(candidate: &Candidate) -> Option<String> {
    let templates =
        candidate.path.ancestors().find(|directory| directory.ends_with("templates"))?;
    let chart = templates.parent()?;
    chart.join("Chart.yaml").is_file().then(|| display_name(chart))
}

/// Removes the kustomizations, and the files that are not whole objects or are covered by
/// rendering.
fn take_overlays(files: &mut BTreeMap<String, Candidate>, options: &Options, layout: &mut Layout) {
    let mut known: BTreeMap<String, Kustomization> = BTreeMap::new();
    let names: Vec<String> = files.keys().filter(|name| is_kustomization(name)).cloned().collect();
    for name in names {
        let Some(candidate) = files.remove(&name) else { continue };
        match read::text(&candidate.path, options) {
            Ok(text) => {
                let text: std::sync::Arc<str> = text.into();
                if let Some(kustomization) = Kustomization::read(&text, &candidate) {
                    take_secrets(&kustomization, files, options, layout);
                    known.insert(parent(&name).to_owned(), kustomization);
                } else if read::has_kubernetes_fields(&text) {
                    files.insert(name, candidate);
                    continue;
                }
                layout.texts.push(Source::text(&name, text, SourceKind::Kustomization));
            }
            Err(error) => layout.errors.push(InputError::new(name, error.to_string())),
        }
    }
    if options.as_written {
        return;
    }
    let outside = bases_outside(&known, options);
    let kustomizations = Kustomizations { known: &known, outside: &outside };
    let referenced: BTreeSet<String> = known
        .values()
        .flat_map(|kustomization| kustomization.directories.iter().cloned())
        .collect();
    let listed = kustomizations.listed();
    for (name, candidate) in files.iter_mut() {
        candidate.unlisted = !listed.contains(name.as_str()) && kustomizations.has_around(name);
    }
    for (directory, kustomization) in &known {
        let missing = kustomization.missing.iter();
        layout.errors.extend(missing.map(|(reference, position)| InputError {
            position: Some(*position),
            ..InputError::new(
                &kustomization.name,
                format!("names `{reference}`, which does not exist"),
            )
        }));
        if kustomization.is_plain_list(&known) {
            continue;
        }
        for file in &kustomization.parts {
            files.remove(file);
        }
        // A component, or a base of an overlay that is rendered, is part of that rendering. What no
        // overlay uses is read as it is written.
        if kustomization.component || referenced.contains(directory) {
            continue;
        }
        let parts = kustomizations.closure(directory);
        match obstacle(directory, &parts, options) {
            Some(Obstacle::Message(message)) => {
                layout.errors.push(InputError::new(&kustomization.name, message));
            }
            Some(Obstacle::Reported) => {}
            None => layout.overlays.push(overlay(directory, kustomization, &parts)),
        }
    }
    // The files of a base are covered by the overlays that are built on it; a plain list of files
    // that no overlay uses is read directly.
    for overlay in &layout.overlays {
        for source in &overlay.sources {
            files.remove(&source.name);
        }
    }
}

/// Why an overlay is not rendered.
enum Obstacle {
    /// An error about it.
    Message(String),
    /// Something of which there is an error already.
    Reported,
}

/// What keeps an overlay, built from these parts, from being rendered without the network. Our own
/// renderer finds what is remote by itself, and renders the rest.
fn obstacle(
    directory: &str,
    parts: &[(String, Option<&Kustomization>)],
    options: &Options,
) -> Option<Obstacle> {
    let is_ours = options.render && !options.external;
    let by_hand = format!("render it yourself: `kustomize build {directory} | coaming scan -`");
    let read = || parts.iter().filter_map(|(_, part)| *part);
    let remote = read().find_map(|part| part.remote.as_deref());
    if let Some(remote) = remote.filter(|_| !is_ours) {
        return Some(Obstacle::Message(format!(
            "is built on `{remote}`, which would be fetched from the network: {by_hand}; the \
             local files that it lists were read as they are written"
        )));
    }
    if !is_ours && read().any(|part| part.charts) {
        return Some(Obstacle::Message(format!(
            "inflates Helm charts (`helmCharts`), which needs `--enable-helm` and may fetch them \
             from the network: render it yourself: `kustomize build --enable-helm {directory} | \
             coaming scan -`"
        )));
    }
    if let Some((absent, _)) = parts.iter().find(|(_, part)| part.is_none()) {
        return Some(Obstacle::Message(format!(
            "is built on the directory `{absent}`, which has no kustomization.yaml"
        )));
    }
    // Our own renderer goes on without them.
    (!is_ours && read().any(|part| !part.missing.is_empty())).then_some(Obstacle::Reported)
}

/// The kustomizations of the input, and those outside of it that they are built on.
struct Kustomizations<'k> {
    known: &'k BTreeMap<String, Kustomization>,
    outside: &'k BTreeMap<String, Kustomization>,
}

impl<'k> Kustomizations<'k> {
    /// The files that any of them lists as resources.
    fn listed(&self) -> BTreeSet<&'k str> {
        let all = self.known.values().chain(self.outside.values());
        all.flat_map(|one| &one.resources).map(String::as_str).collect()
    }

    /// Whether a file is in the directory of one, or below it.
    fn has_around(&self, file: &str) -> bool {
        let mut directory = file;
        while directory != "." {
            directory = parent(directory);
            if self.known.contains_key(directory) || self.outside.contains_key(directory) {
                return true;
            }
        }
        false
    }

    /// The directory of a kustomization and those it is built on, its own first; without a
    /// kustomization where the directory has none.
    fn closure(&self, directory: &str) -> Vec<(String, Option<&'k Kustomization>)> {
        let mut seen = BTreeSet::new();
        let mut order = Vec::new();
        let mut stack = vec![directory.to_owned()];
        while let Some(next) = stack.pop() {
            if !seen.insert(next.clone()) {
                continue;
            }
            let found = self.known.get(&next).or_else(|| self.outside.get(&next));
            stack.extend(found.into_iter().flat_map(|found| found.directories.iter().cloned()));
            order.push((next, found));
        }
        order
    }
}

/// The most kustomizations outside of the input that are read.
const MAX_OUTSIDE: usize = 4096;

/// Reads the kustomizations outside of the input that those in it are built on.
fn bases_outside(
    known: &BTreeMap<String, Kustomization>,
    options: &Options,
) -> BTreeMap<String, Kustomization> {
    let mut outside: BTreeMap<String, Kustomization> = BTreeMap::new();
    let references = |one: &Kustomization| -> Vec<(String, PathBuf)> {
        one.directories.iter().map(|name| (name.clone(), one.path_of(name))).collect()
    };
    let mut stack: Vec<_> = known.values().flat_map(references).collect();
    while let Some((name, path)) = stack.pop() {
        let is_known = known.contains_key(&name) || outside.contains_key(&name);
        if is_known || outside.len() == MAX_OUTSIDE {
            continue;
        }
        if let Some(base) = Kustomization::of_directory(&name, &path, options) {
            stack.extend(references(&base));
            outside.insert(name, base);
        }
    }
    outside
}

/// The files of overlays that could not be rendered, which are then read as they are written; not
/// those that another overlay covers.
pub(crate) fn unrendered(
    overlays: &[Overlay],
    rendered: &[(String, read::Outcome)],
    plain: &[Candidate],
) -> Vec<Candidate> {
    let failed = |overlay: &&Overlay| {
        let of_overlay = |(name, _): &&(String, read::Outcome)| *name == overlay.directory.name;
        let outcome = rendered.iter().find(of_overlay).map(|(_, outcome)| outcome);
        outcome.is_some_and(|outcome| !outcome.errors.is_empty() && outcome.files.is_empty())
    };
    let files = |overlay: &Overlay| [&overlay.sources[..], &overlay.patches].concat();
    let rest = overlays.iter().filter(|overlay| !failed(overlay));
    let covered: BTreeSet<String> =
        rest.flat_map(files).chain(plain.to_vec()).map(|source| source.name).collect();
    let lost: BTreeMap<String, Candidate> = overlays
        .iter()
        .filter(failed)
        .flat_map(files)
        .filter(|source| !covered.contains(&source.name))
        .map(|source| (source.name.clone(), source))
        .collect();
    lost.into_values().collect()
}

/// Moves the files that a kustomization turns into Secrets to the texts. Binary files are left out:
/// they have no text to search.
fn take_secrets(
    kustomization: &Kustomization,
    files: &mut BTreeMap<String, Candidate>,
    options: &Options,
    layout: &mut Layout,
) {
    if options.as_written {
        return;
    }
    for (name, path) in &kustomization.secrets {
        let is_known = layout.texts.iter().any(|text| text.name == *name);
        if let (false, Ok(text)) = (is_known, read::text(path, options)) {
            files.remove(name);
            layout.texts.push(Source::text(name, text.into(), SourceKind::Text));
        }
    }
}

fn overlay(
    directory: &str,
    kustomization: &Kustomization,
    parts: &[(String, Option<&Kustomization>)],
) -> Overlay {
    let parts = || parts.iter().filter_map(|(_, part)| *part);
    let candidate = |part: &Kustomization, name: &String| {
        Candidate::referenced(part.path_of(name), name.clone())
    };
    let sources =
        parts().flat_map(|part| part.resources.iter().map(move |name| candidate(part, name)));
    let patches = parts().flat_map(|part| {
        let patch = move |name: &String| Candidate { unlisted: true, ..candidate(part, name) };
        part.patches.iter().map(patch)
    });
    Overlay {
        directory: Directory { path: kustomization.directory.clone(), name: directory.to_owned() },
        file: kustomization.name.clone(),
        sources: sources.collect(),
        patches: patches.collect(),
    }
}

fn add_text(candidate: &Candidate, kind: SourceKind, options: &Options, layout: &mut Layout) {
    match read::text(&candidate.path, options) {
        Ok(text) => {
            if kind == SourceKind::Dockerfile {
                layout.errors.extend(syntax_error(candidate, &text));
            }
            layout.texts.push(Source::text(&candidate.name, text.into(), kind));
        }
        Err(error) => layout.errors.push(InputError::new(&candidate.name, error.to_string())),
    }
}

/// The first syntax error of a Dockerfile. Templates of other programs and fragments of Dockerfiles
/// are not errors, unless the user named the file.
fn syntax_error(candidate: &Candidate, text: &str) -> Option<InputError> {
    let dockerfile = coaming_dockerfile::parse(text);
    let error = dockerfile.error?;
    let is_template = ["{{", "{%", "<%", "@@"].iter().any(|mark| text.contains(mark));
    let is_intended = !is_template && !dockerfile.stages.is_empty();
    (is_intended || candidate.explicit).then(|| InputError {
        position: Some((error.line, error.column)),
        ..InputError::new(
            &candidate.name,
            format!(
                "not a valid Dockerfile from here on: {}; the lines before were checked",
                error.message
            ),
        )
    })
}

/// The last part of a display name.
pub(crate) fn file_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// All but the last part of a display name; `.` where there is only one.
pub(crate) fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or(".", |(parent, _)| parent)
}

fn join(directory: &str, name: &str) -> String {
    if directory == "." { name.to_owned() } else { format!("{directory}/{name}") }
}

pub(crate) fn is_below(name: &str, directory: &str) -> bool {
    directory == "." && !name.starts_with("../") && !name.starts_with('/') && name != "."
        || name.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}
