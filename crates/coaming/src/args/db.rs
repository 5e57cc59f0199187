//! `coaming db`: the vulnerability database.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::RegistryArguments;

/// `coaming db`
#[derive(Debug, Args)]
pub struct DbArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: DbCommand,
}

/// What `coaming db` can do.
#[derive(Debug, Subcommand)]
pub enum DbCommand {
    /// Download the changed files, and rebuild the database.
    Update(DbUpdateArguments),
    /// Build the database from OSV's exports in a directory, without a network.
    Build(DbBuildArguments),
    /// Show the contents, the age and the checksum of the database.
    Info(DbInfoArguments),
    /// Show the known vulnerabilities of packages.
    Query(DbQueryArguments),
    /// Compare versions by the rules of an ecosystem.
    Compare(DbCompareArguments),
    /// Push the database to your own registry, for all your machines to pull.
    Push(DbTransferArguments),
    /// Pull the database from your own registry.
    Pull(DbTransferArguments),
}

/// `coaming db compare`
#[derive(Debug, Args)]
#[command(after_help = "\
Reads lines of two versions with a tab between them from standard input, and prints for each `<`, `=`
or `>`, or `?` where one of them is no version in this ecosystem.

Example:
  printf '1.0~rc1-1\\t1.0-1\\n' | coaming db compare Debian")]
pub struct DbCompareArguments {
    /// OSV's name of the ecosystem: `Debian:12`, `Alpine:v3.18`, `PyPI`, `npm`, `semver`.
    pub ecosystem: String,
}

/// Which database.
#[derive(Debug, Args)]
pub struct DbFileArguments {
    /// The database; by default `coaming/advisories.db` in the user's cache.
    #[arg(long = "db", value_name = "FILE", env = "COAMING_DB")]
    pub file: Option<PathBuf>,
}

/// `coaming db update`
#[derive(Debug, Args)]
#[command(after_help = "\
Downloads OSV's exports, EPSS's scores and CISA's catalog of exploited vulnerabilities, each only if it
has changed, and resumes a broken download. If a download fails, the old file stays in use.

A mirror serves the same files: MIRROR/PyPI/all.zip, MIRROR/Red%20Hat/all.zip …,
MIRROR/epss_scores-current.csv.gz and MIRROR/known_exploited_vulnerabilities.json.

Examples:
  coaming db update
  coaming db update --ecosystem Debian,PyPI
  coaming db update --mirror https://mirror.example.com/osv")]
pub struct DbUpdateArguments {
    /// Download everything from this mirror.
    #[arg(long, value_name = "URL")]
    pub mirror: Option<String>,

    /// Trust the CA certificates in this file (PEM), in addition to the system's.
    #[arg(long, value_name = "FILE")]
    pub ca: Vec<PathBuf>,

    /// Update only these ecosystems (OSV's names); earlier downloads of others stay in use.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub ecosystem: Vec<String>,

    /// Directory for the downloads; by default `osv` beside the database.
    #[arg(long, value_name = "DIR")]
    pub downloads: Option<PathBuf>,

    /// Which database.
    #[command(flatten)]
    pub database: DbFileArguments,
}

/// `coaming db build`
#[derive(Debug, Args)]
#[command(after_help = "\
The directory holds OSV's exports as they are published: PyPI/all.zip, Debian/all.zip and so on; single
records as JSON are read too. Where it also holds EPSS's scores (epss*.csv or .csv.gz) and CISA's list
(known_exploited_vulnerabilities.json), vulnerabilities that are exploited come first.

The database is one file. It is replaced as a whole or not at all.")]
pub struct DbBuildArguments {
    /// The directory with the exports.
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,

    /// Which database.
    #[command(flatten)]
    pub database: DbFileArguments,
}

/// `coaming db info`
#[derive(Debug, Args)]
pub struct DbInfoArguments {
    /// How to show it.
    #[arg(long, value_enum, default_value_t = DbFormat::Text)]
    pub format: DbFormat,

    /// Which database.
    #[command(flatten)]
    pub database: DbFileArguments,
}

/// `coaming db query`
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 nothing is known; 1 vulnerabilities (with --fail-on, such ones); 2 a package or a file
could not be handled.

Examples:
  coaming db query pkg:pypi/requests@2.19.1 pkg:npm/lodash@4.17.4
  coaming db query 'pkg:deb/debian/libssl3@3.0.9-1?distro=debian-12&upstream=openssl'
  coaming db query --fail-on fixable,high --vex ours.openvex.json - < packages.txt")]
pub struct DbQueryArguments {
    /// Package URLs; `-` reads them from standard input, one a line.
    #[arg(value_name = "PURL", required = true)]
    pub packages: Vec<String>,

    /// How to show it.
    #[arg(long, value_enum, default_value_t = DbQueryFormat::Text)]
    pub format: DbQueryFormat,

    /// What counts.
    #[command(flatten)]
    pub known: KnownArguments,
}

/// Which known vulnerabilities count, and who says so.
#[derive(Debug, Args)]
pub struct KnownArguments {
    /// Exit with 1 only for such: a severity, `fixable`, `exploited`, `used` (by the entry point, as far
    /// as is known), or several with commas.
    #[arg(long, value_name = "WHAT")]
    pub fail_on: Option<coaming_advisory::FailOn>,

    /// Use this configuration file, not the `coaming.yaml` found upwards from here.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Where they are looked up.
    #[command(flatten)]
    pub look_up: LookUpArguments,
}

/// Where known vulnerabilities are looked up, and who says what of them does not matter.
/// `vulnerabilities:` in `coaming.yaml` can say the same.
#[derive(Debug, Default, Args)]
pub struct LookUpArguments {
    /// Excuse what this VEX document (OpenVEX or CycloneDX) says is not affected or fixed.
    #[arg(long, value_name = "FILE", help_heading = "Known vulnerabilities")]
    pub vex: Vec<PathBuf>,

    /// The database; by default `coaming/advisories.db` in the user's cache, if it is there.
    #[arg(
        long = "db",
        value_name = "FILE",
        env = "COAMING_DB",
        help_heading = "Known vulnerabilities"
    )]
    pub database: Option<PathBuf>,
}

/// How a database is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DbFormat {
    /// For people.
    Text,
    /// JSON.
    Json,
}

/// How known vulnerabilities are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DbQueryFormat {
    /// For people.
    Text,
    /// JSON.
    Json,
    /// An OpenVEX document that says what is affected.
    Openvex,
    /// A CycloneDX document that says what is affected.
    Cyclonedx,
}

/// `coaming db push` and `coaming db pull`
#[derive(Debug, Args)]
#[command(after_help = "\
The database is an OCI artifact; its contents are verified against their digest. A pull replaces the
file whole or not at all. Credentials are those of `docker login`.

Examples:
  coaming db push registry.example.com/security/advisories:2026-01
  coaming db pull registry.example.com/security/advisories:2026-01")]
pub struct DbTransferArguments {
    /// The database in the registry: `registry.example.com/security/advisories:TAG`. To pull, a
    /// digest is safer than a tag.
    #[arg(value_name = "REF")]
    pub reference: String,

    /// Which database.
    #[command(flatten)]
    pub database: DbFileArguments,

    /// How to reach the registry.
    #[command(flatten)]
    pub registry: RegistryArguments,
}
