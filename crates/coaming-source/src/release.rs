//! The ways in which charts are installed: each is a variant of its own.
//!
//! A chart's defaults are what nobody installs if the input says how it is installed: by
//! `releases` of the configuration, by Flux, Argo CD or a helmfile. Invariants:
//!
//! * Only charts of the input are rendered. A release of any other chart is left out.
//! * Files of values that the input names are read only in the directories that the user named.
//! * Values that are part of another file keep their places in it.

mod helmfile;
mod objects;

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use coaming_finding::Note;
use coaming_helm::Values;
use coaming_kube::Source;
use coaming_yaml::LineIndex;

use crate::layout::{Directory, Layout};
use crate::read;
use crate::walk::{display_name, without_detours};
use crate::{InputError, Options};

/// A release that the configuration names.
#[derive(Clone, Debug, Default)]
pub struct Release {
    /// The chart's directory.
    pub chart: PathBuf,
    /// `.Release.Name`.
    pub name: Option<String>,
    /// `.Release.Namespace`.
    pub namespace: Option<String>,
    /// Files of values; later ones win.
    pub values: Vec<PathBuf>,
    /// The minor version of Kubernetes 1 that it is installed in.
    pub kubernetes_minor: Option<u32>,
    /// The file that names it, with the line and column, for errors.
    pub place: (String, u32, u32),
}

/// A rendering to make.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) chart: Directory,
    /// What tells it apart from other renderings of the chart.
    pub(crate) label: String,
    pub(crate) options: coaming_helm::Options,
    /// The names of the values that are whole files, which can be edited.
    pub(crate) files: BTreeSet<String>,
    /// Whether it is how the chart is installed, and not one of its tests.
    pub(crate) is_installed: bool,
    /// The object of the input that installs it.
    pub(crate) installer: Option<Installer>,
}

/// An object of the plain files that installs charts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Installer {
    /// The index of its source.
    pub(crate) source: usize,
    /// Its document in the source.
    pub(crate) document: u32,
}

impl Job {
    fn new(chart: &Directory, label: String, options: &Options) -> Self {
        Self {
            chart: chart.clone(),
            label,
            options: defaults(options),
            files: BTreeSet::new(),
            is_installed: true,
            installer: None,
        }
    }

    /// The chart with its defaults.
    pub(crate) fn defaults(chart: &Directory, options: &Options) -> Self {
        Self::new(chart, String::new(), options)
    }

    /// The name of the variant.
    pub(crate) fn name(&self) -> String {
        format!("{} ({})", self.chart.name, self.label)
    }

    fn add_file(&mut self, path: &Path, options: &Options) -> Result<(), read::ReadError> {
        let text = read::read_text(path, options.max_file_bytes)?;
        let name = display_name(&without_detours(path));
        self.files.insert(name.clone());
        self.options.values.push(Values::File(name, text.into()));
        Ok(())
    }
}

/// How a chart is rendered if nothing says how it is installed.
fn defaults(options: &Options) -> coaming_helm::Options {
    let mut wanted = coaming_helm::Options {
        release_name: "release".to_owned(),
        include_crds: true,
        allow_missing_dependencies: true,
        cluster: options.cluster.clone(),
        ..coaming_helm::Options::default()
    };
    if let Some(minor) = options.kubernetes_minor {
        wanted.kubernetes_minor = minor;
    }
    wanted
}

/// All releases of the charts of the input.
pub(crate) fn all(
    layout: &Layout,
    sources: &[Source],
    paths: &[PathBuf],
    options: &Options,
    errors: &mut Vec<InputError>,
    notes: &mut Vec<Note>,
) -> Vec<Job> {
    let charts = &layout.charts;
    let mut jobs = configured(charts, options, errors);
    if options.test_values {
        jobs.extend(of_tests(charts, options, errors));
    }
    if charts.is_empty() || !options.render || options.external {
        return jobs;
    }
    let directories = paths.iter().filter_map(|path| {
        let real = path.canonicalize().ok()?;
        if real.is_dir() { Some(real) } else { real.parent().map(Path::to_path_buf) }
    });
    let roots: Vec<PathBuf> = directories.collect();
    let (roots, jobs_found) = (&roots, Vec::new());
    let mut finder = Finder {
        sources,
        charts,
        options,
        roots,
        errors,
        notes,
        jobs: jobs_found,
        nested: Vec::new(),
        active: Vec::new(),
    };
    for (number, source) in sources.iter().enumerate() {
        for (document, tree) in (0..).zip(source.documents()) {
            finder.object(source, tree.root(), Installer { source: number, document });
        }
    }
    finder.helmfiles(&layout.helmfiles);
    jobs.append(&mut finder.jobs);
    jobs
}

/// The releases of the configuration.
fn configured(charts: &[Directory], options: &Options, errors: &mut Vec<InputError>) -> Vec<Job> {
    let mut jobs = Vec::new();
    for release in &options.releases {
        let (file, line, column) = &release.place;
        let mut complain = |message: String| {
            let position = Some((*line, *column));
            errors.push(InputError { position, ..InputError::new(file, message) });
        };
        let canonical = release.chart.canonicalize().ok();
        let is_it =
            |chart: &&Directory| canonical.is_some() && chart.path.canonicalize().ok() == canonical;
        let Some(chart) = charts.iter().find(is_it) else {
            // Another part of the repository may be scanned.
            if !release.chart.join("Chart.yaml").is_file() {
                complain(format!("`{}` is not a chart", release.chart.display()));
            }
            continue;
        };
        let label = release.name.as_ref().map_or_else(
            || release.values.iter().map(|path| display_name(path)).collect::<Vec<_>>().join(", "),
            |name| format!("release {name}"),
        );
        let mut job = Job::new(chart, label, options);
        if let Some(name) = &release.name {
            job.options.release_name.clone_from(name);
        }
        if let Some(namespace) = &release.namespace {
            job.options.namespace.clone_from(namespace);
        }
        if let Some(minor) = release.kubernetes_minor {
            job.options.kubernetes_minor = minor;
        }
        for path in &release.values {
            if let Err(error) = job.add_file(path, options) {
                complain(format!("the values `{}`: {error}", path.display()));
            }
        }
        jobs.push(job);
    }
    jobs
}

/// A rendering for each file of values that a chart is tested with.
fn of_tests(charts: &[Directory], options: &Options, errors: &mut Vec<InputError>) -> Vec<Job> {
    let mut jobs = Vec::new();
    for chart in charts {
        let Ok(entries) = std::fs::read_dir(chart.path.join("ci")) else { continue };
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        files.retain(|path| path.is_file() && display_name(path).ends_with("-values.yaml"));
        files.sort();
        for path in files {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let mut job = Job::new(chart, format!("ci/{name}"), options);
            job.is_installed = false;
            match job.add_file(&path, options) {
                Ok(()) => jobs.push(job),
                Err(error) => errors.push(InputError::new(display_name(&path), error.to_string())),
            }
        }
    }
    jobs
}

/// Whether a file is a helmfile, by its name.
pub(crate) fn is_helmfile(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    let file = file.strip_suffix(".gotmpl").unwrap_or(file);
    let is_part = [".yaml", ".yml"].iter().any(|ending| file.ends_with(ending))
        && name.rsplit('/').nth(1) == Some("helmfile.d");
    is_part || file == "helmfile.yaml" || file == "helmfile.yml"
}

/// Finds releases in the input.
struct Finder<'f> {
    sources: &'f [Source],
    charts: &'f [Directory],
    options: &'f Options,
    /// The directories that the user named, as the disk knows them.
    roots: &'f [PathBuf],
    errors: &'f mut Vec<InputError>,
    notes: &'f mut Vec<Note>,
    jobs: Vec<Job>,
    /// The helmfiles that others name, as often as they do.
    nested: Vec<PathBuf>,
    /// The helmfiles that are being read, each named by the one before it.
    active: Vec<PathBuf>,
}

impl<'f> Finder<'f> {
    /// The chart of the input that a path from the top of a repository means: the one nearest to the
    /// file that names it.
    fn chart_at(&self, path: &str, file: &str) -> Option<&'f Directory> {
        let wanted = coaming_kustomize::join(".", path.trim_start_matches('/'));
        if path.contains("://") || wanted == "." || wanted.starts_with("..") {
            return None;
        }
        let is_it = |chart: &&Directory| {
            chart.name == wanted || chart.name.ends_with(&format!("/{wanted}"))
        };
        let common = |chart: &&Directory| {
            let pairs = chart.name.split('/').zip(file.split('/'));
            pairs.take_while(|(a, b)| a == b).count()
        };
        self.charts.iter().filter(is_it).max_by_key(common)
    }

    /// Adds a file of values, by its path relative to a directory or to a directory that the user
    /// named. Returns whether it is there.
    fn add_file(&mut self, job: &mut Job, directory: &Path, path: &str) -> bool {
        let inside = self.inside(directory, path);
        inside.is_some_and(|inside| job.add_file(&inside, self.options).is_ok())
    }

    /// The file at a path relative to a directory or to a directory that the user named, if it is
    /// in one of the latter.
    fn inside(&self, directory: &Path, path: &str) -> Option<PathBuf> {
        let tried = std::iter::once(directory.to_path_buf()).chain(self.roots.iter().cloned());
        tried.map(|directory| directory.join(path)).find(|path| {
            let is_here = |real: PathBuf| {
                real.is_file() && self.roots.iter().any(|root| real.starts_with(root))
            };
            !has_prefix(path) && path.canonicalize().is_ok_and(is_here)
        })
    }

    fn complain(&mut self, source: &str, text: &str, offset: u32, message: String) {
        let position = Some(LineIndex::new(text).position(text, offset));
        self.errors.push(InputError { position, ..InputError::new(source, message) });
    }
}

/// Whether a path is absolute or of another drive.
fn has_prefix(path: &Path) -> bool {
    path.components().any(|part| matches!(part, Component::Prefix(_)))
}

/// The directory of a file on disk.
fn directory_of(path: &Path) -> PathBuf {
    path.parent().map(Path::to_path_buf).unwrap_or_default()
}
