//! What the commands that scan have in common: the configuration, the inputs, the judgement.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use coaming_cel::CustomRules;
use coaming_config::Config;
use coaming_finding::{Baseline, Finding, RuleMeta, Severity};
use coaming_kube::Inventory;
use coaming_report::InputProblem;
use coaming_rules::pss::{Level, Version};
use coaming_rules::{Images, RuleSet, Settings};
use coaming_secret::{Detector, FingerprintKey};
use coaming_source::{ClusterOptions, Loaded};

use crate::args::{ClusterArguments, ImagesMode, InputArguments, ScopeArguments};
use crate::progress::Progress;
use crate::{CommandError, Outcome, output};

/// What was taken in.
pub(crate) struct Inputs {
    /// The objects.
    pub(crate) inventory: Inventory,
    /// What could not be handled.
    pub(crate) errors: Vec<InputProblem>,
    /// How many files were read.
    pub(crate) file_count: usize,
}

/// Reads all inputs: the files, or the cluster if there is one.
pub(crate) fn read(
    arguments: &ScopeArguments,
    config: &Config,
    cluster: Option<Loaded>,
) -> Result<Inputs, CommandError> {
    let loaded = match cluster {
        Some(loaded) => loaded,
        None => coaming_source::load(&arguments.paths, &source_options(arguments, config)?),
    };
    let errors = problems(loaded.errors);
    Ok(Inputs { inventory: Inventory::new(loaded.files), errors, file_count: loaded.read })
}

/// Reads what the arguments name: a cluster, or files.
pub(crate) fn load(inputs: &InputArguments) -> Loaded {
    cluster(&inputs.cluster).unwrap_or_else(|| files(&inputs.paths))
}

/// Reads what these paths name.
pub(crate) fn files(paths: &[PathBuf]) -> Loaded {
    let _progress = Progress::start("reading …");
    coaming_source::load(paths, &coaming_source::Options::default())
}

/// The objects; what could not be handled is told and fails the command in the end.
pub(crate) fn inventory(loaded: Loaded) -> (Inventory, Outcome) {
    let errors = problems(loaded.errors);
    output::complain_of(&errors);
    let outcome = if errors.is_empty() { Outcome::Clean } else { Outcome::Failed };
    (Inventory::new(loaded.files), outcome)
}

/// The objects of a live cluster, if the user asked for one.
pub(crate) fn cluster(arguments: &ClusterArguments) -> Option<Loaded> {
    arguments.cluster.then(|| {
        let _progress = Progress::start("reading the cluster …");
        coaming_source::load_cluster(&ClusterOptions {
            context: arguments.context.clone(),
            namespace: arguments.namespace.clone(),
        })
    })
}

/// Reads the files that objects are made of, as their authors wrote them.
pub(crate) fn read_as_written(
    arguments: &ScopeArguments,
    config: &Config,
) -> Result<coaming_source::Loaded, CommandError> {
    let options =
        coaming_source::Options { as_written: true, ..source_options(arguments, config)? };
    Ok(coaming_source::load(&arguments.paths, &options))
}

/// What could not be handled, as reports have it.
pub(crate) fn problems(errors: Vec<coaming_source::InputError>) -> Vec<InputProblem> {
    errors
        .into_iter()
        .map(|error| InputProblem {
            file: error.file,
            position: error.position,
            message: error.message,
        })
        .collect()
}

/// The rule that needs known vulnerabilities to be looked up.
const VULNERABILITIES: &str = "image-vulnerabilities";

/// How inventories are judged.
pub(crate) struct Judge {
    level: Option<Level>,
    version: Version,
    settings: Settings,
    rules: RuleSet,
    custom: CustomRules,
    images: Images,
    least: Severity,
}

impl Judge {
    /// By this configuration; `edits`: fixes are needed, not only their titles.
    pub(crate) fn new(mut config: Config, edits: bool) -> Result<Self, CommandError> {
        let custom = custom_rules(&config)?;
        let detector = secret_detector(&config)?;
        if !config.select.is_empty() {
            // Whoever writes a rule of his own wants it to run.
            config.select.extend(custom.metas().iter().map(|meta| meta.name.to_owned()));
        }
        let version = match &config.kubernetes_version {
            Some(text) => text.parse().map_err(argument)?,
            None => Version::LATEST,
        };
        let level = config.standard.as_deref().map(str::parse).transpose().map_err(argument)?;
        Ok(Self {
            level,
            version,
            rules: RuleSet::configured(&config),
            custom,
            images: Images::default(),
            least: config.min_severity.unwrap_or(Severity::Low),
            settings: Settings {
                kubernetes_minor: version.minor(),
                config,
                edits,
                today: today(),
                detector,
                generated_secrets: None,
            },
        })
    }

    /// Tells the rules which files become Secrets, where they see only a part of all files at once.
    pub(crate) fn with_generated(mut self, keys: BTreeMap<String, String>) -> Self {
        self.settings.generated_secrets = Some(keys);
        self
    }

    /// Looks into the images of an inventory, and looks up what is known to be vulnerable in them;
    /// what could not be read comes back.
    pub(crate) fn look_into_images(
        &mut self,
        scope: &ScopeArguments,
        inventory: &Inventory,
    ) -> Result<Vec<InputProblem>, CommandError> {
        // The Pod Security Standards know no images.
        let mode = if self.level.is_some() { ImagesMode::Never } else { scope.images };
        let (images, errors) = crate::images::gather(mode, &self.settings.config, inventory);
        self.images = images;
        let asked = self.rules.rules().iter().any(|rule| rule.meta.name == VULNERABILITIES);
        if asked && mode != ImagesMode::Never {
            crate::db::into_images(&mut self.images, &scope.look_up, &self.settings.config)?;
        }
        Ok(errors)
    }

    /// The findings, in the order in which they are shown.
    pub(crate) fn judge(&self, inventory: &Inventory) -> Vec<Finding> {
        let mut findings = match self.level {
            Some(level) => coaming_rules::run_standard(inventory, level, self.version),
            None => {
                let own = self.custom.run(inventory);
                let names: Vec<&'static str> =
                    self.custom.metas().iter().map(|meta| meta.name).collect();
                coaming_rules::run_with(
                    inventory,
                    &self.images,
                    &self.settings,
                    &self.rules,
                    own,
                    &names,
                )
            }
        };
        findings.retain(|finding| finding.severity >= self.least);
        findings
    }

    /// The rules that are asked.
    pub(crate) fn rules(&self) -> Vec<&'static RuleMeta> {
        match self.level {
            Some(level) => vec![level.rule()],
            None => {
                let built_in = self.rules.rules().iter().map(|rule| rule.meta);
                built_in.chain(self.custom.metas()).collect()
            }
        }
    }
}

/// The variable that holds a key for fingerprints.
const FINGERPRINT_KEY: &str = "COAMING_FINGERPRINT_KEY";

/// What knows credentials, with the user's own rules and key; `None` where there are none.
fn secret_detector(config: &Config) -> Result<Option<Arc<Detector>>, CommandError> {
    let key = std::env::var_os(FINGERPRINT_KEY).filter(|key| !key.is_empty());
    if key.is_none() && config.secret_rules.is_none() {
        return Ok(None);
    }
    let key =
        key.map_or_else(FingerprintKey::default, |key| FingerprintKey::new(key.as_encoded_bytes()));
    let mut detector = Detector::new(key);
    if let Some(path) = &config.secret_rules {
        let rules = coaming_secret::gitleaks::parse(&read_settings(Path::new(path))?)
            .map_err(|error| CommandError::Argument(format!("{path}: {error}")))?;
        detector = detector.with_rules(rules);
    }
    Ok(Some(Arc::new(detector)))
}

/// The user's own rules, and the policies in the files that the configuration names.
fn custom_rules(config: &Config) -> Result<CustomRules, CommandError> {
    let paths: Vec<PathBuf> = config.policies.iter().map(PathBuf::from).collect();
    let loaded = coaming_source::load(&paths, &coaming_source::Options::default());
    if let Some(error) = loaded.errors.first() {
        return Err(CommandError::Argument(format!("policies: {}: {}", error.file, error.message)));
    }
    CustomRules::compile(&config.rules, &Inventory::new(loaded.files)).map_err(|errors| {
        let lines: Vec<String> = errors
            .iter()
            .map(|error| match (error.file.as_str(), error.line) {
                ("", line) => format!("{}:{line}: {}", coaming_config::FILE_NAME, error.message),
                (file, _) => format!("{file}: {}", error.message),
            })
            .collect();
        CommandError::Argument(lines.join("\nerror: "))
    })
}

/// The configuration file's word, and the arguments' over it.
pub(crate) fn config(arguments: &ScopeArguments) -> Result<Config, CommandError> {
    let mut config = match config_file(arguments) {
        Some(path) => {
            let mut config = read_config(&path)?;
            // Other files are named from where this one stands.
            let directory = path.parent().unwrap_or(Path::new(""));
            for policy in config.policies.iter_mut().chain(&mut config.secret_rules) {
                *policy = directory.join(&policy).to_string_lossy().into_owned();
            }
            for archive in config.image_archives.values_mut() {
                *archive = directory.join(&archive).to_string_lossy().into_owned();
            }
            let known = &mut config.vulnerabilities;
            for file in config
                .registry_access
                .ca
                .iter_mut()
                .chain(&mut known.database)
                .chain(&mut known.vex)
            {
                *file = directory.join(&file).to_string_lossy().into_owned();
            }
            config
        }
        None => Config::default(),
    };
    if !arguments.select.is_empty() {
        config.select.clone_from(&arguments.select);
        config.ignore.clear();
        config.standard = None;
    }
    config.ignore.extend(arguments.ignore.iter().cloned());
    config.standard = arguments.standard.clone().or(config.standard);
    config.kubernetes_version = arguments.kubernetes_version.clone().or(config.kubernetes_version);
    config.min_severity = arguments.min_severity.map(Severity::from).or(config.min_severity);
    let overrides = config.overrides.iter().flat_map(|over| over.select.iter().chain(&over.ignore));
    let excused = config.suppressions.iter().map(|suppression| &suppression.rule);
    let named = config.select.iter().chain(&config.ignore).chain(overrides).chain(excused);
    let is_own = |name: &str| config.rules.iter().any(|rule| rule.name == name);
    for name in named.chain(config.severity.keys()).filter(|name| !is_own(name)) {
        check_name(name)?;
    }
    Ok(config)
}

/// The configuration of commands that scan no files: the named one, else the one found from here
/// upwards.
pub(crate) fn config_here(file: Option<&Path>) -> Result<Config, CommandError> {
    config(&ScopeArguments {
        paths: vec![PathBuf::from(".")],
        config: file.map(Path::to_path_buf),
        ..ScopeArguments::default()
    })
}

/// The file that the user named, else the one found from the first path upwards.
fn config_file(arguments: &ScopeArguments) -> Option<PathBuf> {
    if arguments.config.is_some() {
        return arguments.config.clone();
    }
    let first = arguments.paths.iter().find(|path| path.as_os_str() != "-")?;
    let start = std::path::absolute(first).ok()?;
    start
        .ancestors()
        .map(|directory| directory.join(coaming_config::FILE_NAME))
        .find(|path| path.is_file())
}

/// The largest configuration or baseline file that is read.
const MAX_SETTINGS_BYTES: u64 = 64 << 20;

fn read_config(path: &Path) -> Result<Config, CommandError> {
    let text = read_settings(path)?;
    coaming_config::parse(&text).map_err(|errors| {
        let lines: Vec<String> = errors
            .iter()
            .map(|error| format!("{}:{}:{}: {error}", path.display(), error.line, error.column))
            .collect();
        CommandError::Argument(lines.join("\nerror: "))
    })
}

pub(crate) fn read_baseline(path: &Path) -> Result<Baseline, CommandError> {
    let text = read_settings(path)?;
    Baseline::parse(&text)
        .map_err(|error| CommandError::Argument(format!("{}: {error}", path.display())))
}

fn read_settings(path: &Path) -> Result<String, CommandError> {
    coaming_source::read_text(path, MAX_SETTINGS_BYTES)
        .map_err(|error| CommandError::Argument(format!("{}: {error}", path.display())))
}

/// The day, to tell which suppressions have expired; `SOURCE_DATE_EPOCH` can set it.
pub(crate) fn today() -> Option<String> {
    let date = now()?;
    Some(format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day()))
}

/// The time; `SOURCE_DATE_EPOCH` can set it.
pub(crate) fn now() -> Option<time::OffsetDateTime> {
    let set = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse().ok());
    let seconds = set.or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.ok().map(|since| since.as_secs())
    })?;
    time::OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).ok()?).ok()
}

fn argument(error: impl std::fmt::Display) -> CommandError {
    CommandError::Argument(error.to_string())
}

pub(crate) fn source_options(
    arguments: &ScopeArguments,
    config: &Config,
) -> Result<coaming_source::Options, CommandError> {
    let mut exclude = globset::GlobSetBuilder::new();
    for pattern in &config.exclude {
        exclude.add(globset::Glob::new(pattern).map_err(argument)?);
    }
    Ok(coaming_source::Options {
        exclude: exclude.build().map_err(argument)?,
        gitignore: !arguments.no_gitignore,
        render: !arguments.no_render,
        ..coaming_source::Options::default()
    })
}

/// Fails where nothing has this name.
fn check_name(name: &str) -> Result<(), CommandError> {
    if coaming_rules::all().iter().any(|rule| coaming_config::names(name, rule.meta)) {
        return Ok(());
    }
    let hint = coaming_rules::nearest(name)
        .map_or_else(String::new, |near| format!(" Did you mean `{near}`?"));
    Err(CommandError::Argument(format!(
        "there is no rule or category `{name}`.{hint} `coaming rules` lists them all."
    )))
}
