//! `coaming db`: the database of known vulnerabilities.

use clap::{Args, Subcommand};

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
    /// Compare versions as an ecosystem does.
    Compare(DbCompareArguments),
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
