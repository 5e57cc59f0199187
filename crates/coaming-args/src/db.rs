//! `coaming db`: the vulnerability database.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[cfg(feature = "registry")]
use super::RegistryArguments;

// `coaming db`
#[derive(Debug, Args)]
pub struct DbArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: DbCommand,
}

// What `coaming db` can do.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum DbCommand {
    /// Download what changed and rebuild the database.
    Update(DbUpdateArguments),
    /// Build the database from OSV's exports in a directory, without network access.
    Build(DbBuildArguments),
    /// Show the content, age and checksum of the database.
    Info(DbInfoArguments),
    /// Show the known vulnerabilities of packages.
    Query(DbQueryArguments),
    /// Compare versions by the rules of an ecosystem.
    Compare(DbCompareArguments),
    /// Push the database to your own registry, for all your machines to pull.
    #[cfg(feature = "registry")]
    Push(DbTransferArguments),
    /// Pull the database from your own registry.
    #[cfg(feature = "registry")]
    Pull(DbTransferArguments),
    /// Download the index that names Java archives by their SHA-1.
    #[cfg(feature = "registry")]
    JavaIndex(DbJavaIndexArguments),
}

// `coaming db compare`
#[derive(Debug, Args)]
#[command(after_help = "\
Reads lines with two versions, separated by a tab, from standard input. Prints `<`, `=` or `>` for
each line, or `?` if one of the versions is not valid in this ecosystem.

Example:
  printf '1.0~rc1-1\\t1.0-1\\n' | coaming db compare Debian")]
pub struct DbCompareArguments {
    /// OSV's name of the ecosystem: `Debian:12`, `Alpine:v3.18`, `PyPI`, `npm`, `semver`.
    pub ecosystem: String,
}

// The database.
#[derive(Debug, Args)]
pub struct DbFileArguments {
    /// Path of the database; by default `coaming/advisories.db` in the user's cache directory.
    #[arg(long = "db", value_name = "FILE", env = "COAMING_DB")]
    pub file: Option<PathBuf>,
}

// `coaming db update`
#[derive(Debug, Args)]
#[command(after_help = "\
Downloads OSV's exports, EPSS scores and CISA's list, each only if it changed, and resumes interrupted
downloads. If something fails, the previous files stay in use.

A mirror serves the same files: MIRROR/PyPI/all.zip, MIRROR/Red%20Hat/all.zip, …,
MIRROR/epss_scores-current.csv.gz and MIRROR/known_exploited_vulnerabilities.json.

Examples:
  coaming db update
  coaming db update --ecosystem Debian,PyPI
  coaming db update --mirror https://mirror.example.com/osv")]
pub struct DbUpdateArguments {
    /// Download only from this mirror.
    #[arg(long, value_name = "URL")]
    pub mirror: Option<String>,

    /// Trust the CA certificates in this file (PEM), in addition to the system's.
    #[arg(long, value_name = "FILE")]
    pub ca: Vec<PathBuf>,

    /// Update only these ecosystems, by OSV's names; earlier downloads of others are kept.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub ecosystem: Vec<String>,

    /// Directory for downloads; by default `osv` next to the database.
    #[arg(long, value_name = "DIR")]
    pub downloads: Option<PathBuf>,

    /// Which database.
    #[command(flatten)]
    pub database: DbFileArguments,
}

// `coaming db build`
#[derive(Debug, Args)]
#[command(after_help = "\
The directory contains OSV's exports as published, such as PyPI/all.zip and Debian/all.zip; single
records as JSON are read too. If it also contains EPSS scores (epss*.csv or .csv.gz) and CISA's list
(known_exploited_vulnerabilities.json), exploited vulnerabilities come first.

The database is one file, which is replaced as a whole or not at all.")]
pub struct DbBuildArguments {
    /// Directory with the exports.
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,

    /// Which database.
    #[command(flatten)]
    pub database: DbFileArguments,
}

// `coaming db info`
#[derive(Debug, Args)]
pub struct DbInfoArguments {
    /// Output format.
    #[arg(long, value_enum, default_value_t = DbFormat::Text)]
    pub format: DbFormat,

    /// Which database.
    #[command(flatten)]
    pub database: DbFileArguments,
}

// `coaming db query`
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 no vulnerabilities; 1 vulnerabilities (with --fail-on, only those that match);
2 a package or a file could not be handled.

Examples:
  coaming db query pkg:pypi/requests@2.19.1 pkg:npm/lodash@4.17.4
  coaming db query 'pkg:deb/debian/libssl3@3.0.9-1?distro=debian-12&upstream=openssl'
  coaming db query --fail-on fixable,high --vex ours.openvex.json - < packages.txt")]
pub struct DbQueryArguments {
    /// Package URLs; `-` reads them from standard input, one per line.
    #[arg(value_name = "PURL", required = true)]
    pub packages: Vec<String>,

    /// Output format.
    #[arg(long, value_enum, default_value_t = DbQueryFormat::Text)]
    pub format: DbQueryFormat,

    /// Which vulnerabilities count.
    #[command(flatten)]
    pub known: KnownArguments,
}

// Which known vulnerabilities count.
#[derive(Debug, Args)]
pub struct KnownArguments {
    /// Exit with 1 only if a vulnerability matches all of these conditions: a severity (that one or
    /// higher), `fixable`, `exploited`, `used` (by the entry point, unless it is known not to be);
    /// or if an image has `credentials` in it or runs as `root`; separated by commas.
    #[arg(long, value_name = "WHAT")]
    pub fail_on: Option<coaming_advisory::FailOn>,

    /// Use this configuration file instead of `coaming.yaml` in this or a parent directory.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Where they are looked up.
    #[command(flatten)]
    pub look_up: LookUpArguments,
}

// Where known vulnerabilities are looked up, and which VEX documents apply. `vulnerabilities:` in
// `coaming.yaml` sets the same.
#[derive(Clone, Debug, Default, Args)]
pub struct LookUpArguments {
    /// Ignore vulnerabilities that this VEX document (OpenVEX, CycloneDX or CSAF) declares not affected
    /// or fixed.
    #[arg(long, value_name = "FILE", help_heading = "Known vulnerabilities")]
    pub vex: Vec<PathBuf>,

    /// Name Java archives that do not say which artifact they are by this index, as `coaming db
    /// java-index` downloads it; by default `coaming/java-index.db` in the user's cache directory, if
    /// it exists.
    #[arg(
        long,
        value_name = "FILE",
        env = "COAMING_JAVA_INDEX",
        help_heading = "Known vulnerabilities"
    )]
    pub java_index: Option<PathBuf>,

    /// Path of the database; by default `coaming/advisories.db` in the user's cache directory, if
    /// it exists.
    #[arg(
        long = "db",
        value_name = "FILE",
        env = "COAMING_DB",
        help_heading = "Known vulnerabilities"
    )]
    pub database: Option<PathBuf>,
}

/// The format of a database's description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DbFormat {
    /// For people.
    Text,
    /// JSON.
    Json,
}

/// The format of known vulnerabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DbQueryFormat {
    /// For people.
    Text,
    /// JSON.
    Json,
    /// An OpenVEX document that declares what is affected.
    Openvex,
    /// A CycloneDX document that declares what is affected.
    Cyclonedx,
}

// `coaming db push` and `coaming db pull`
#[cfg(feature = "registry")]
#[derive(Debug, Args)]
#[command(after_help = "\
The database is an OCI artifact; its content is verified by its digest. A pulled database replaces the
file as a whole or not at all. Credentials are those of `docker login`.

Examples:
  coaming db push registry.example.com/security/advisories:2026-01
  coaming db pull registry.example.com/security/advisories:2026-01")]
pub struct DbTransferArguments {
    /// Reference in the registry: `registry.example.com/security/advisories:TAG`; to pull, prefer a
    /// digest.
    #[arg(value_name = "REF")]
    pub reference: String,

    /// Which database.
    #[command(flatten)]
    pub database: DbFileArguments,

    /// How to reach the registry.
    #[command(flatten)]
    pub registry: RegistryArguments,
}

// `coaming db java-index`
#[cfg(feature = "registry")]
#[derive(Debug, Args)]
#[command(after_help = "\
Many Java archives do not say which Maven artifact they are, and advisories name artifacts. The index of
Trivy's project has the names of all artifacts on Maven Central by the SHA-1 of their archives: more than 1
GB. It is an OCI artifact, which your own registry can mirror. `coaming image` and `coaming scan` use it if
it is there.

Examples:
  coaming db java-index
  coaming db java-index registry.example.com/mirror/trivy-java-db:1
  coaming image --java-index ~/.cache/trivy/java-db/trivy-java.db shop/web:1.4")]
pub struct DbJavaIndexArguments {
    /// Reference in the registry.
    #[arg(value_name = "REF", default_value = "ghcr.io/aquasecurity/trivy-java-db:1")]
    pub reference: String,

    /// Path of the index; by default `coaming/java-index.db` in the user's cache directory.
    #[arg(long = "java-index", value_name = "FILE", env = "COAMING_JAVA_INDEX")]
    pub file: Option<PathBuf>,

    /// How to reach the registry.
    #[command(flatten)]
    pub registry: RegistryArguments,
}
