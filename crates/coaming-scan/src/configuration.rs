//! Merges a configuration file and a front end's overrides.

use std::path::{Path, PathBuf};

use coaming_config::{Config, KubernetesVersion, PodSecurityLevel};
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
    pub standard: Option<PodSecurityLevel>,
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
        Some(path) => resolve_paths(read_config(&path)?, path.parent().unwrap_or(Path::new(""))),
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

/// The configuration file found from the first path upwards.
fn find_config(paths: &[PathBuf]) -> Option<PathBuf> {
    let first = paths.iter().find(|path| path.as_os_str() != "-")?;
    let start = std::path::absolute(first).ok()?;
    start
        .ancestors()
        .map(|directory| directory.join(coaming_config::FILE_NAME))
        .find(|path| path.is_file())
}

fn read_config(path: &Path) -> Result<Config, ScanError> {
    let text = read_settings(path)?;
    coaming_config::parse(&text)
        .map_err(|errors| ScanError::Config { path: path.to_path_buf(), errors })
}

/// Other files are named relative to the configuration file.
fn resolve_paths(mut config: Config, directory: &Path) -> Config {
    let vulnerabilities = &mut config.vulnerabilities;
    let files = config
        .policies
        .iter_mut()
        .chain(&mut config.secret_rules)
        .chain(config.image_archives.values_mut())
        .chain(&mut config.registry_access.ca)
        .chain(&mut vulnerabilities.database)
        .chain(&mut vulnerabilities.vex);
    for file in files {
        *file = directory.join(&file).to_string_lossy().into_owned();
    }
    config
}

/// Fails where a rule or category is named that does not exist.
fn check_names(config: &Config) -> Result<(), ScanError> {
    let overrides = config.overrides.iter().flat_map(|over| over.select.iter().chain(&over.ignore));
    let suppressed = config.suppressions.iter().map(|suppression| &suppression.rule);
    let named = config.select.iter().chain(&config.ignore).chain(overrides).chain(suppressed);
    let is_own = |name: &str| config.rules.iter().any(|rule| rule.name == name);
    for name in named.chain(config.severity.keys()).filter(|name| !is_own(name)) {
        let is_known =
            coaming_rules::all().iter().any(|rule| coaming_config::names(name, rule.meta));
        if !is_known {
            let hint = coaming_rules::nearest(name)
                .map_or_else(String::new, |near| format!(" Did you mean `{near}`?"));
            return Err(ScanError::UnknownRule { name: name.clone(), hint });
        }
    }
    Ok(())
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
    let mut exclude = globset::GlobSetBuilder::new();
    for pattern in &config.exclude {
        exclude.add(globset::Glob::new(pattern)?);
    }
    Ok(coaming_source::Options {
        exclude: exclude.build()?,
        kubernetes_minor: config.kubernetes_version.map(|version| version.minor()),
        ..coaming_source::Options::default()
    })
}
