//! Render charts and overlays: here, or with the programs that the user has installed.
//!
//! The programs are bounded in time and output. Inputs that would make them fetch from the network
//! are not rendered. Rendered objects are attributed to the files they were made from.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;

use coaming_kube::{Origin, Source};
use coaming_yaml::Document;
use rayon::prelude::*;

use crate::layout::{Directory, Overlay};
use crate::program::{on_path, run};
use crate::read::{Expectation, Outcome};
use crate::release::{Installer, Job};
use crate::{InputError, Options, chart, overlay, read};

/// Renders every overlay; each is named by its directory.
pub(crate) fn overlays(overlays: &[Overlay], options: &Options) -> Vec<(String, Outcome)> {
    let render =
        |overlay: &Overlay| (overlay.directory.name.clone(), render_overlay(overlay, options));
    overlays.par_iter().map(render).collect()
}

/// Renders every chart as the releases say, and with its defaults where that is no installation
/// of it, or none that can be rendered. Also returns the objects all of whose charts were rendered.
pub(crate) fn charts(
    charts: &[Directory],
    releases: Vec<Job>,
    options: &Options,
) -> (Vec<(String, Outcome)>, BTreeSet<Installer>) {
    let mut outcomes: Vec<(String, Outcome)> = Vec::new();
    let (mut whole, mut partial) = (BTreeSet::new(), BTreeSet::new());
    let mut installed: BTreeSet<String> = BTreeSet::new();
    let rendered: Vec<(Job, Outcome)> =
        releases.into_par_iter().map(|job| (job.clone(), render_chart(job, options))).collect();
    for (job, outcome) in rendered {
        if let Some(installer) = job.installer {
            let installers = if outcome.files.is_empty() { &mut partial } else { &mut whole };
            installers.insert(installer);
        }
        if job.is_installed && !outcome.files.is_empty() {
            installed.insert(job.chart.name.clone());
        }
        outcomes.push((job.name(), outcome));
    }
    outcomes.par_extend(
        charts.par_iter().filter(|chart| !installed.contains(&chart.name)).map(|chart| {
            (chart.name.clone(), render_chart(Job::defaults(chart, options), options))
        }),
    );
    whole.retain(|installer| !partial.contains(installer));
    (outcomes, whole)
}

fn render_chart(job: Job, options: &Options) -> Outcome {
    let directory = &job.chart;
    if !options.render {
        return Outcome::failed(InputError::new(
            &directory.name,
            "is a Helm chart, and `--no-render` leaves charts out",
        ));
    }
    if !options.external {
        return chart::render(job, options);
    }
    let Some(helm) = on_path("helm") else {
        return Outcome::failed(InputError::new(
            &directory.name,
            "is a Helm chart, and `helm` is not on PATH: leave out `--renderer external`",
        ));
    };
    let mut command = Command::new(helm);
    command.arg("template").arg("release").arg(&directory.path);
    match run(&mut command, options.max_file_bytes) {
        Ok(text) => attribute_chart(directory, &text),
        Err(reason) => Outcome::failed(InputError::new(
            &directory.name,
            format!("`helm template` could not render this chart: {reason}"),
        )),
    }
}

/// Splits rendered text by the `# Source:` comments that Helm writes, so that each template becomes
/// a separate file.
fn attribute_chart(chart: &Directory, text: &str) -> Outcome {
    let mut outcome = Outcome { read: 1, ..Outcome::default() };
    let mut by_template: std::collections::BTreeMap<String, String> =
        std::collections::BTreeMap::new();
    for part in text.split("\n---\n").map(|part| part.trim_start_matches("---\n")) {
        let source = part
            .lines()
            .find_map(|line| line.strip_prefix("# Source: "))
            .and_then(|source| source.split_once('/'))
            .map_or_else(|| chart.name.clone(), |(_, rest)| format!("{}/{rest}", chart.name));
        let template = by_template.entry(source).or_default();
        template.push_str("---\n");
        template.push_str(part);
        template.push('\n');
    }
    for (name, text) in by_template {
        let mut parsed = read::parse(&name, Arc::from(text), Expectation::Syntax);
        for file in &mut parsed.files {
            file.origin = Origin::Rendered;
        }
        outcome.files.append(&mut parsed.files);
        // Positions in rendered text would mislead: the template has other lines.
        outcome.errors.extend(parsed.errors.into_iter().map(|error| InputError {
            position: None,
            message: format!("after rendering: {}", error.message),
            ..error
        }));
    }
    outcome
}

fn render_overlay(overlay: &Overlay, options: &Options) -> Outcome {
    if !options.render {
        return Outcome::failed(InputError::new(
            &overlay.file,
            "is a Kustomize overlay, and `--no-render` leaves overlays out",
        ));
    }
    if !options.external {
        return overlay::render(overlay, options);
    }
    let mut renderers: Vec<(&str, Command)> = Vec::new();
    if let Some(kustomize) = on_path("kustomize") {
        let mut command = Command::new(kustomize);
        command.arg("build").arg(&overlay.directory.path);
        renderers.push(("kustomize build", command));
    }
    if let Some(kubectl) = on_path("kubectl") {
        let mut command = Command::new(kubectl);
        command.arg("kustomize").arg(&overlay.directory.path);
        renderers.push(("kubectl kustomize", command));
    }
    let mut failures = Vec::new();
    for (program, mut command) in renderers {
        match run(&mut command, options.max_file_bytes) {
            Ok(text) => return attribute_overlay(overlay, &text, options),
            Err(reason) => {
                failures.push(format!("`{program}` could not render this overlay: {reason}"))
            }
        }
    }
    let message = failures.into_iter().next().unwrap_or_else(|| {
        "is a Kustomize overlay, and neither `kustomize` nor `kubectl` is on PATH: leave out \
         `--renderer external`"
            .to_owned()
    });
    Outcome::failed(InputError::new(&overlay.file, message))
}

/// Attributes each rendered object to the resource file it was made from: the file that contains an
/// object of the same kind and name (without a prefix or suffix that Kustomize added), else the
/// kustomization itself.
fn attribute_overlay(overlay: &Overlay, text: &str, options: &Options) -> Outcome {
    let written: std::collections::BTreeMap<&str, Arc<Source>> = overlay
        .sources
        .iter()
        .filter_map(|candidate| {
            let text = read::text(&candidate.path, options).ok()?;
            let stream = coaming_yaml::parse(text.into());
            let source = Source::new(&candidate.name, stream.source, stream.documents);
            Some((candidate.name.as_str(), Arc::new(source)))
        })
        .collect();
    let sources: Vec<(String, Vec<(String, String)>)> = written
        .iter()
        .map(|(name, source)| {
            let objects = source.documents().iter().filter_map(kind_and_name).collect();
            ((*name).to_owned(), objects)
        })
        .collect();
    let stream = coaming_yaml::parse(Arc::from(text));
    let mut by_source: std::collections::BTreeMap<String, Vec<Document>> =
        std::collections::BTreeMap::new();
    for document in stream.documents {
        if !coaming_kube::looks_like_kubernetes(&document) {
            continue;
        }
        let source = kind_and_name(&document)
            .and_then(|(kind, name)| source_of(&sources, &kind, &name))
            .unwrap_or(&overlay.file);
        by_source.entry(source.to_owned()).or_default().push(document);
    }
    let files = by_source
        .into_iter()
        .map(|(name, documents)| {
            let source = Source::new(&name, Arc::clone(&stream.source), documents);
            source.with_origin(Origin::Rendered).written_as(written.get(name.as_str()).cloned())
        })
        .collect();
    Outcome { files, read: 1, ..Outcome::default() }
}

fn source_of<'s>(
    sources: &'s [(String, Vec<(String, String)>)],
    kind: &str,
    name: &str,
) -> Option<&'s str> {
    let containing = |matches: &dyn Fn(&str) -> bool| {
        sources
            .iter()
            .find(|(_, objects)| objects.iter().any(|(k, n)| k == kind && matches(n)))
            .map(|(file, _)| file.as_str())
    };
    containing(&|original| original == name)
        .or_else(|| containing(&|original| name.ends_with(original) || name.starts_with(original)))
}

fn kind_and_name(document: &Document) -> Option<(String, String)> {
    let root = document.root();
    let kind = root.get("kind")?.as_str()?;
    let name = root.get("metadata")?.get("name")?.as_str()?;
    Some((kind.to_owned(), name.to_owned()))
}
