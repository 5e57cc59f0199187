//! Merges a configuration file and a front end's overrides.

use std::path::{Path, PathBuf};

use coaming_config::{Config, ConfigError, ConfigFile, KubernetesVersion, PatternBase, Standard};
use coaming_finding::{Baseline, Severity};

use crate::ScanError;

/// The largest configuration or baseline file that is read.
const MAX_SETTINGS_BYTES: u64 = 64 << 20;

/// Settings of the caller, which override the configuration file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Rules and categories to run, in place of the file's choice of rules.
    pub select: Vec<String>,
    /// Rules and categories not to run, beside the file's.
    pub ignore: Vec<String>,
    /// The Pod Security Standard to judge by, alone.
    pub standard: Option<Standard>,
    /// The cluster's version.
    pub kubernetes_version: Option<KubernetesVersion>,
    /// The least severity that counts.
    pub min_severity: Option<Severity>,
}

/// Reads the configuration: the file `named`, or else the nearest one at or above the first of
/// `paths`, or else the default; then applies `overrides`. Relative paths in the file are relative
/// to its directory.
///
/// # Errors
///
/// If the file cannot be read or is not valid, or if it names a rule or category that does not
/// exist.
pub fn load_config(
    named: Option<&Path>,
    paths: &[PathBuf],
    overrides: Overrides,
) -> Result<Config, ScanError> {
    let mut config = match named.map(Path::to_path_buf).or_else(|| find_config(paths)) {
        Some(path) => {
            let text = read_settings(&path)?;
            let config = parse_config(&path, &text)?;
            let config = resolve_paths(config, path.parent().unwrap_or(Path::new("")));
            located(config, &path, text, paths)
        }
        None => Config::default(),
    };
    if !overrides.select.is_empty() {
        config.select = overrides.select;
        config.ignore.clear();
        config.standard = None;
    }
    config.ignore.extend(overrides.ignore);
    config.standard = overrides.standard.or(config.standard);
    config.kubernetes_version = overrides.kubernetes_version.or(config.kubernetes_version);
    config.min_severity = overrides.min_severity.or(config.min_severity);
    check_names(&config)?;
    Ok(config)
}

/// Reads the text of a configuration, which `path` names in errors. Other files that it names are
/// not resolved.
///
/// # Errors
///
/// If it is not valid, or if it names a rule or category that does not exist.
pub fn parse_config(path: &Path, text: &str) -> Result<Config, ScanError> {
    let config = coaming_config::parse(text)
        .map_err(|errors| ScanError::Config { path: path.to_path_buf(), errors })?;
    check_named(&config, path)?;
    Ok(config)
}

/// The configuration file found from the first path upwards.
fn find_config(paths: &[PathBuf]) -> Option<PathBuf> {
    let first = paths.iter().find(|path| path.as_os_str() != "-")?;
    let start = std::path::absolute(first).ok()?;
    let found = start
        .ancestors()
        .map(|directory| directory.join(coaming_config::FILE_NAME))
        .find(|path| path.is_file())?;
    match std::env::current_dir() {
        Ok(current) if first.is_relative() => Some(seen_from(&current, &found)),
        _ => Some(found),
    }
}

/// An absolute path as seen from a directory above or below it: `../coaming.yaml`.
fn seen_from(directory: &Path, path: &Path) -> PathBuf {
    let common = directory.iter().zip(path).take_while(|(a, b)| a == b).count();
    let up = directory.iter().skip(common).map(|_| "..");
    up.map(Path::new).chain(path.iter().skip(common).map(Path::new)).collect()
}

/// Other files are named relative to the configuration file.
fn resolve_paths(mut config: Config, directory: &Path) -> Config {
    let vulnerabilities = &mut config.vulnerabilities;
    let files =
        config
            .policies
            .iter_mut()
            .chain(&mut config.secret_rules)
            .chain(config.image_archives.values_mut())
            .chain(&mut config.signatures.keys)
            .chain(&mut config.signatures.trusted_root)
            .chain(&mut config.registry_access.ca)
            .chain(&mut vulnerabilities.database)
            .chain(&mut vulnerabilities.vex)
            .chain(config.releases.iter_mut().flat_map(|release| {
                std::iter::once(&mut release.chart).chain(&mut release.values)
            }));
    for file in files {
        *file = directory.join(&file).to_string_lossy().into_owned();
    }
    config
}

/// Records where the file is: patterns of paths start at its directory.
fn located(mut config: Config, path: &Path, text: String, paths: &[PathBuf]) -> Config {
    let current = std::env::current_dir().unwrap_or_default();
    let absolute = current.join(path);
    let directory = absolute.parent().unwrap_or(&current);
    let shown = absolute.strip_prefix(&current).unwrap_or(path);
    config.file = Some(ConfigFile { name: shown.display().to_string(), text: text.into() });
    config.base = PatternBase::new(directory, &current);
    let is_whole = |path: &PathBuf| config.base.contains_all(&current.join(path));
    config.partial = !paths.iter().any(is_whole);
    config
}

/// Fails where the file names a rule or category that does not exist.
fn check_named(config: &Config, path: &Path) -> Result<(), ScanError> {
    let unknown = config.named_rules.iter().filter(|rule| !exists(config, &rule.name));
    let errors: Vec<ConfigError> = unknown
        .map(|rule| ConfigError {
            line: rule.line,
            column: rule.column,
            message: format!("there is no rule or category `{}`.{}", rule.name, hint(&rule.name)),
        })
        .collect();
    if errors.is_empty() {
        return Ok(());
    }
    Err(ScanError::Config { path: path.to_path_buf(), errors })
}

/// Fails where the caller names a rule or category that does not exist.
fn check_names(config: &Config) -> Result<(), ScanError> {
    let mut named = config.select.iter().chain(&config.ignore);
    match named.find(|name| !exists(config, name)) {
        Some(name) => Err(ScanError::UnknownRule { name: name.clone(), hint: hint(name) }),
        None => Ok(()),
    }
}

/// Whether a rule or category has this name; the configuration may have rules of its own.
fn exists(config: &Config, name: &str) -> bool {
    config.rules.iter().any(|rule| rule.name == name)
        || coaming_rules::all().iter().any(|rule| coaming_config::names(name, rule.meta))
}

fn hint(name: &str) -> String {
    coaming_rules::nearest(name).map_or_else(String::new, |near| format!(" Did you mean `{near}`?"))
}

/// Reads a baseline.
///
/// # Errors
///
/// If the file cannot be read or is not a baseline.
pub fn read_baseline(path: &Path) -> Result<Baseline, ScanError> {
    let text = read_settings(path)?;
    Baseline::parse(&text)
        .map_err(|source| ScanError::Baseline { path: path.to_path_buf(), source })
}

pub(crate) fn read_settings(path: &Path) -> Result<String, ScanError> {
    coaming_source::read_text(path, MAX_SETTINGS_BYTES)
        .map_err(|source| ScanError::Read { path: path.to_path_buf(), source })
}

/// How files are read, as far as the configuration says.
///
/// # Errors
///
/// If a pattern of `exclude` is not valid.
pub fn source_options(config: &Config) -> Result<coaming_source::Options, ScanError> {
    let mut globs = globset::GlobSetBuilder::new();
    for pattern in &config.exclude {
        globs.add(globset::Glob::new(pattern.trim_end_matches('/'))?);
    }
    let exclude = coaming_source::Exclude { globs: globs.build()?, base: config.base.clone() };
    let file = config.file.as_ref().map_or_else(String::new, |file| file.name.clone());
    let current = std::env::current_dir().unwrap_or_default();
    let relative = |path: &String| {
        let path = Path::new(path);
        path.strip_prefix(&current).unwrap_or(path).to_path_buf()
    };
    let releases = config.releases.iter().map(|release| coaming_source::Release {
        chart: relative(&release.chart),
        name: release.name.clone(),
        namespace: release.namespace.clone(),
        values: release.values.iter().map(relative).collect(),
        kubernetes_minor: release.kubernetes_version.map(|version| version.minor()),
        place: (file.clone(), release.position.0, release.position.1),
    });
    Ok(coaming_source::Options {
        releases: releases.collect(),
        exclude,
        kubernetes_minor: config.kubernetes_version.map(|version| version.minor()),
        ..coaming_source::Options::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_named_as_seen_from_here() {
        for (directory, path, expected) in [
            ("/a/b", "/a/b/coaming.yaml", "coaming.yaml"),
            ("/a/b", "/a/b/c/coaming.yaml", "c/coaming.yaml"),
            ("/a/b/c", "/a/coaming.yaml", "../../coaming.yaml"),
            ("/a/b", "/a/x/coaming.yaml", "../x/coaming.yaml"),
        ] {
            let seen = seen_from(Path::new(directory), Path::new(path));
            assert_eq!(seen, Path::new(expected), "{directory}");
        }
    }
}
