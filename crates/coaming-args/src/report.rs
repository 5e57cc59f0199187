//! How findings are reported, for every command that has some.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

/// Arguments that cannot be combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// A file has no format.
    #[error("there are more `--output` files than `--format`s: name a format for each")]
    MoreFiles,
    /// Several formats have no file.
    #[error("only one format can go to standard output: name an `--output` for each other one")]
    MoreFormats,
    /// A file has several formats.
    #[error("two formats cannot be written to the same file")]
    SameFile,
    /// No format shows counts.
    #[error("`--statistics` needs an output of the format `full` or `json`")]
    Statistics,
}

// How to report the findings.
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// Output format; may be repeated, with one `--output` for each but one.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "full")]
    pub format: Vec<Format>,

    /// Write the findings to this file; the first file is for the first format, and so on.
    #[arg(short, long, value_name = "FILE")]
    pub output: Vec<PathBuf>,

    /// Report only findings that are not in this baseline file.
    #[arg(long, value_name = "FILE", conflicts_with = "write_baseline")]
    pub baseline: Option<PathBuf>,

    /// Write the current findings to this file, for `--baseline`.
    #[arg(long, value_name = "FILE")]
    pub write_baseline: Option<PathBuf>,

    /// Exit with 0 even if there are findings.
    #[arg(long)]
    pub exit_zero: bool,

    /// Count the findings of each rule instead of showing them (formats: full and json).
    #[arg(long)]
    pub statistics: bool,

    /// Show suppressed findings too, with the reasons (format: full).
    #[arg(long)]
    pub show_suppressed: bool,

    /// Show every finding in full, with all its places (format: full).
    #[arg(short, long)]
    pub verbose: bool,

    /// Show only the findings, without the summary (format: full).
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// When to use colors; the environment variables `NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE` and
    /// `TERM=dumb` count too.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

impl ReportArguments {
    /// Each format with the file that it goes to; `None` is standard output.
    ///
    /// # Errors
    ///
    /// See [`ReportError`].
    pub fn outputs(&self) -> Result<Vec<(Format, Option<&Path>)>, ReportError> {
        if self.output.len() > self.format.len() {
            return Err(ReportError::MoreFiles);
        }
        let files = self.output.iter().map(|file| Some(file.as_path()));
        let files: Vec<_> = files.chain(std::iter::repeat(None)).take(self.format.len()).collect();
        if files.iter().filter(|file| file.is_none()).count() > 1 {
            return Err(ReportError::MoreFormats);
        }
        let again =
            |(at, file): (usize, &Option<&Path>)| file.is_some() && files[..at].contains(file);
        if files.iter().enumerate().any(again) {
            return Err(ReportError::SameFile);
        }
        if self.statistics && self.counting().is_none() {
            return Err(ReportError::Statistics);
        }
        Ok(self.format.iter().copied().zip(files).collect())
    }

    /// Which of the outputs shows the counts, with `--statistics`: the one on standard output, or else the
    /// first, of those whose format can.
    #[must_use]
    pub fn counting(&self) -> Option<usize> {
        let counts = |at: &usize| {
            matches!(self.format.get(*at), Some(Format::Full | Format::Json)) && self.statistics
        };
        let mut all = 0..self.format.len();
        all.clone().filter(counts).find(|at| *at >= self.output.len()).or_else(|| all.find(counts))
    }
}

/// How findings are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people: annotated source, grouped by object, with a summary.
    Full,
    /// One line per finding.
    Concise,
    /// JSON, in a stable format.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// `JUnit` XML, for test reports.
    Junit,
    /// GitHub annotations.
    Github,
    /// GitLab code quality.
    Gitlab,
    /// GitLab's report of static analysis, for the security dashboard: all findings but secrets.
    GitlabSast,
    /// GitLab's report of secret detection, for the security dashboard: secrets alone.
    GitlabSecrets,
    /// One HTML page.
    Html,
    /// A comment for a pull request.
    Markdown,
}

impl Format {
    /// Whether the format shows the edits of fixes, and not only their titles.
    #[must_use]
    pub fn shows_edits(self) -> bool {
        matches!(self, Self::Sarif | Self::Github)
    }
}

impl From<Format> for coaming_report::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Full => Self::Full,
            Format::Concise => Self::Concise,
            Format::Json => Self::Json,
            Format::Sarif => Self::Sarif,
            Format::Junit => Self::Junit,
            Format::Github => Self::Github,
            Format::Gitlab => Self::Gitlab,
            Format::GitlabSast => Self::GitlabSast,
            Format::GitlabSecrets => Self::GitlabSecrets,
            Format::Html => Self::Html,
            Format::Markdown => Self::Markdown,
        }
    }
}

/// When to use colors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// If the output is a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Whether the user wants colors; `None` leaves that to the terminal.
    #[must_use]
    pub fn wanted(self) -> Option<bool> {
        match self {
            Self::Auto => None,
            Self::Always => Some(true),
            Self::Never => Some(false),
        }
    }
}
