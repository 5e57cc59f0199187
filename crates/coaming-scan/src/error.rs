//! Why a request cannot be handled.

use std::path::PathBuf;

use coaming_config::ConfigError;
use coaming_finding::BaselineError;
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
    /// A rule of the configuration or a policy file does not compile; one line for each.
    #[error("{0}")]
    CustomRules(String),
    /// A file of policies cannot be handled.
    #[error("policies: {0}")]
    Policies(String),
    /// The file of secret rules is not understood.
    #[error("{}: {message}", path.display())]
    SecretRules {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        message: String,
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
    /// A VEX document cannot be read or is not understood.
    #[error("{}: {message}", path.display())]
    Vex {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// There is no directory for the user's own database.
    #[error("neither XDG_CACHE_HOME nor HOME is set; name the database with --db")]
    NoCacheDirectory,
}

fn lines(path: &std::path::Path, errors: &[ConfigError]) -> String {
    let line = |error: &ConfigError| {
        format!("{}:{}:{}: {error}", path.display(), error.line, error.column)
    };
    errors.iter().map(line).collect::<Vec<_>>().join("\nerror: ")
}
