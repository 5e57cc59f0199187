//! Releases by Flux (`HelmRelease`) and Argo CD (`Application`).

use coaming_helm::Values;
use coaming_kube::{Fields as _, Source, SourceKind};
use coaming_yaml::Node;

use super::{Finder, Installer, Job};
use crate::layout::parent;
use coaming_yaml::embedded_yaml;

impl Finder<'_> {
    /// The releases that an object describes.
    pub(super) fn object(&mut self, source: &Source, root: Node<'_>, installer: Installer) {
        if source.kind != SourceKind::Manifest {
            return;
        }
        let before = self.jobs.len();
        let group = root.string("apiVersion").unwrap_or_default().split('/').next();
        let is_whole = match (group, root.string("kind")) {
            (Some("helm.toolkit.fluxcd.io"), Some("HelmRelease")) => {
                self.flux(source, root);
                true
            }
            (Some("argoproj.io"), Some("Application")) => self.argo(source, root),
            _ => return,
        };
        let new = self.jobs.get_mut(before..).unwrap_or_default();
        new.iter_mut().for_each(|job| job.installer = is_whole.then_some(installer));
    }

    fn flux(&mut self, source: &Source, root: Node<'_>) {
        let (metadata, spec) = (root.mapping("metadata"), root.mapping("spec"));
        let chart = spec.mapping("chart").mapping("spec");
        let is_local = matches!(
            chart.mapping("sourceRef").string("kind"),
            Some("GitRepository" | "Bucket" | "OCIRepository")
        );
        let path = chart.string("chart").filter(|_| is_local);
        let Some(found) = path.and_then(|path| self.chart_at(path, &source.name)) else { return };
        let mut job = Job::new(found, source.name.clone(), self.options);
        let name = metadata.string("name").unwrap_or_default();
        let target = spec.string("targetNamespace");
        let default_name = target.map_or_else(|| name.to_owned(), |it| format!("{it}-{name}"));
        job.options.release_name = spec.string("releaseName").map_or(default_name, str::to_owned);
        if let Some(namespace) = target.or_else(|| metadata.string("namespace")) {
            job.options.namespace = namespace.to_owned();
        }
        for file in chart.list("valuesFiles") {
            self.values_file(source, &mut job, file, "");
        }
        for reference in spec.list("valuesFrom") {
            self.values_from(source, metadata.string("namespace"), &mut job, reference);
        }
        push_values(&mut job, source, spec.field("values"));
        self.jobs.push(job);
    }

    /// Values in a ConfigMap or Secret of the input.
    fn values_from(
        &mut self,
        source: &Source,
        namespace: Option<&str>,
        job: &mut Job,
        reference: Node<'_>,
    ) {
        let (kind, name) = (reference.string("kind"), reference.string("name"));
        let key = reference.string("valuesKey").unwrap_or("values.yaml");
        let is_it = |root: &Node<'_>| {
            let metadata = root.mapping("metadata");
            root.string("kind") == kind
                && metadata.string("name") == name
                && (metadata.string("namespace") == namespace || namespace.is_none())
        };
        let found = self.sources.iter().find_map(|other| {
            let root = other.documents().iter().map(|document| document.root()).find(is_it)?;
            let data =
                root.mapping("stringData").field(key).or_else(|| root.mapping("data").field(key));
            let is_encoded =
                kind == Some("Secret") && root.mapping("stringData").field(key).is_none();
            data.filter(|_| !is_encoded).map(|data| (other, data))
        });
        match found {
            Some((other, data)) if reference.string("targetPath").is_none() => {
                push_values(job, other, Some(data));
            }
            _ if reference.boolean("optional") == Some(true) => {}
            _ => {
                let (kind, name) = (kind.unwrap_or("object"), name.unwrap_or_default());
                let message = format!(
                    "the values in {kind} `{name}` are not in the input: the chart is judged \
                     without them"
                );
                let offset = reference.span().map_or(0, |span| span.start);
                self.complain(&source.name, &source.text, offset, message);
            }
        }
    }

    /// Returns whether all that it installs are charts of the input.
    fn argo(&mut self, source: &Source, root: Node<'_>) -> bool {
        let spec = root.mapping("spec");
        let name = root.mapping("metadata").string("name").unwrap_or_default();
        let mut is_whole = true;
        for from in spec.field("source").into_iter().chain(spec.list("sources")) {
            let path = from.string("path");
            let Some(chart) = path.and_then(|path| self.chart_at(path, &source.name)) else {
                // A source with a `ref` alone only has values for the others.
                is_whole &= path.is_none() && from.string("chart").is_none();
                continue;
            };
            let mut job = Job::new(chart, source.name.clone(), self.options);
            let helm = from.mapping("helm");
            job.options.release_name = helm.string("releaseName").unwrap_or(name).to_owned();
            if let Some(namespace) =
                helm.string("namespace").or_else(|| spec.mapping("destination").string("namespace"))
            {
                job.options.namespace = namespace.to_owned();
            }
            let may_be_missing = helm.boolean("ignoreMissingValueFiles") == Some(true);
            for file in helm.list("valueFiles") {
                let text = file.as_str().unwrap_or_default();
                // `$name/path` is a path in another source, which is often this repository.
                let path = text.strip_prefix('$').and_then(|rest| rest.split_once('/'));
                let (path, directory) =
                    path.map_or((text, chart.name.as_str()), |(_, path)| (path, ""));
                if !self.add_values(&mut job, directory, path) && !may_be_missing {
                    self.missing(source, file);
                }
            }
            push_values(&mut job, source, helm.field("values"));
            push_values(&mut job, source, helm.field("valuesObject"));
            for parameter in helm.list("parameters") {
                let (key, value) = (parameter.string("name"), parameter.field("value"));
                let (Some(key), Some(value)) = (key, value) else { continue };
                let assignment = format!("{key}={}", escaped(value.text()));
                job.options.values.push(match parameter.boolean("forceString") {
                    Some(true) => Values::SetString(assignment),
                    _ => Values::Set(assignment),
                });
            }
            self.jobs.push(job);
        }
        is_whole
    }

    /// Adds a file of values that an object names, or says that it is missing.
    fn values_file(&mut self, source: &Source, job: &mut Job, file: Node<'_>, directory: &str) {
        if !self.add_values(job, directory, file.as_str().unwrap_or_default()) {
            self.missing(source, file);
        }
    }

    /// Adds a file by its path relative to a displayed directory, or to the top of the repository:
    /// every directory above the chart may be that.
    fn add_values(&mut self, job: &mut Job, directory: &str, path: &str) -> bool {
        if path.is_empty() || path.starts_with('/') || path.contains("://") {
            return false;
        }
        let chart = job.chart.name.clone();
        let above = std::iter::successors(Some(chart.as_str()), |name| {
            (!name.is_empty() && *name != ".").then(|| parent(name))
        });
        let first = (!directory.is_empty()).then_some(directory);
        first.into_iter().chain(above).any(|directory| {
            let name = coaming_kustomize::join(directory, path);
            self.add_file(job, std::path::Path::new(""), &name)
        })
    }

    fn missing(&mut self, source: &Source, file: Node<'_>) {
        let message = format!(
            "the values `{}` are not in the input: the chart is judged without them",
            file.text()
        );
        let offset = file.span().map_or(0, |span| span.start);
        self.complain(&source.name, &source.text, offset, message);
    }
}

/// Adds values that are written in an object: a mapping, or YAML as text.
fn push_values(job: &mut Job, source: &Source, node: Option<Node<'_>>) {
    let Some(node) = node.filter(|node| !node.is_null()) else { return };
    // Text in quotes has no lines of its own in the file.
    let written = || embedded_yaml(&source.text, node).filter(|_| !node.is_sealed());
    let text = node.opened_text().or_else(|| node.as_str()).map(Into::into);
    let Some(text) = written().or(text) else { return };
    job.options.values.push(Values::File(source.name.clone(), text));
}

/// A value as an assignment takes it: commas and braces divide values there.
pub(super) fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace(',', "\\,").replace('{', "\\{").replace('}', "\\}")
}
