//! Why a request cannot be handled.

use std::io;
use std::path::PathBuf;

use coaming_config::ConfigError;
use coaming_finding::{BaselineError, InputError};
use coaming_secret::gitleaks::RuleFileError;
use coaming_source::ReadError;

/// Why a configuration cannot be used, or a request not be handled.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// A file that the configuration or the request names cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ReadError,
    },
    /// The configuration file contains what is not understood.
    #[error("{}", lines(path, errors))]
    Config {
        /// The file.
        path: PathBuf,
        /// Every error in it; never empty.
        errors: Vec<ConfigError>,
    },
    /// A rule or category is named that does not exist.
    #[error("there is no rule or category `{name}`.{hint} Run `coaming rules` for a list.")]
    UnknownRule {
        /// The name.
        name: String,
        /// ` Did you mean …?`, or empty.
        hint: String,
    },
    /// A pattern of `exclude` is not valid.
    #[error("exclude: {0}")]
    Exclude(#[from] globset::Error),
    /// Rules of the configuration or policies do not compile; never empty.
    #[error("{}", rule_lines(.0))]
    CustomRules(Vec<CustomRuleError>),
    /// There are rules or policies, and the program was built without what evaluates them.
    #[error("`rules` and `policies` need a program that was built with the feature `cel`")]
    NoCel,
    /// A file of policies cannot be handled.
    #[error("policies: {}: {}", .0.file, .0.message)]
    Policies(InputError),
    /// The file of secret rules is not understood.
    #[error("{}: {source}", path.display())]
    SecretRules {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        source: RuleFileError,
    },
    /// The baseline is not understood.
    #[error("{}: {source}", path.display())]
    Baseline {
        /// The file.
        path: PathBuf,
        /// Why.
        source: BaselineError,
    },
    /// The vulnerability database cannot be opened or asked.
    #[error("{0}")]
    Database(#[from] coaming_advisory::DatabaseError),
    /// The index of Java archives cannot be opened or asked.
    #[error("{0}")]
    JavaIndex(#[from] coaming_advisory::JavaIndexError),
    /// The file of a VEX document cannot be read.
    #[error("{}: {source}", path.display())]
    VexFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A VEX document is not understood.
    #[error("{}: {source}", path.display())]
    Vex {
        /// The file.
        path: PathBuf,
        /// Why.
        source: coaming_sbom::ReadError,
    },
    /// There is no directory for the user's own database.
    #[error("neither XDG_CACHE_HOME nor HOME is set; name the database with --db")]
    NoCacheDirectory,
}

/// A rule of the user's own that does not compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomRuleError {
    /// The file of a policy; empty for the configuration.
    pub file: String,
    /// The line, from 1; 0 if it is not known.
    pub line: u32,
    /// What is wrong.
    pub message: String,
}

impl std::fmt::Display for CustomRuleError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { file, line, message } = self;
        match file.as_str() {
            "" => write!(f, "{}:{line}: {message}", coaming_config::FILE_NAME),
            file if *line == 0 => write!(f, "{file}: {message}"),
            file => write!(f, "{file}:{line}: {message}"),
        }
    }
}

fn rule_lines(errors: &[CustomRuleError]) -> String {
    errors.iter().map(CustomRuleError::to_string).collect::<Vec<_>>().join("\nerror: ")
}

fn lines(path: &std::path::Path, errors: &[ConfigError]) -> String {
    let line = |error: &ConfigError| {
        format!("{}:{}:{}: {error}", path.display(), error.line, error.column)
    };
    errors.iter().map(line).collect::<Vec<_>>().join("\nerror: ")
}
