//! `coaming image slim`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Color, OriginArguments};

// `coaming image slim`
#[derive(Debug, Args)]
#[command(after_help = "\
The new image keeps the programs of ENTRYPOINT and CMD with their linked libraries, name services and
locales; the complete library of Python, Node, Java, Perl, Ruby or PHP if one of them is started; the files
of the application (files outside the system directories that no package owns, WORKDIR, VOLUME); the data
and settings of the started program's package; certificates, time zones and users; and the database entries
of the remaining packages, so that scanners still see them. Everything else is removed. Nothing is run to
determine this, unless you ask with --trace: the report lists what only a run can show. Test the result
before you ship it.
Exit codes: 0 written; 1 written, and something that --fail-on names remains; 2 nothing was written.

Examples:
  coaming image slim web.tar -o slim.tar --name shop/web:1.4-slim
  coaming image slim shop/web:1.4 -o slim/ --keep ca-certificates --keep '/opt/plugins/**'
  coaming image slim web.tar -o slim.tar --trace --trace-command 'curl -fsS http://localhost:8080/'
  docker save shop/web:1.4 | coaming image slim - -o slim.tar && docker load -i slim.tar")]
pub struct SlimArguments {
    /// Image name, archive or directory; `-` reads an archive from standard input.
    #[arg(value_name = "REF|FILE|DIR")]
    pub image: String,

    /// Output path: an OCI archive if it ends in `.tar`, otherwise the directory of an OCI layout.
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,

    /// Also keep this and everything it needs: a package of the distribution, a path, or a glob
    /// pattern of paths.
    #[arg(long, value_name = "PACKAGE|PATH|GLOB")]
    pub keep: Vec<String>,

    /// Also keep what a trace shows was used, and report what only the trace or only the files
    /// show: a file of paths, one per line, or the output of `strace -f` or of Inspektor Gadget's
    /// `trace_open -o json`.
    #[arg(long, value_name = "FILE")]
    pub trace_file: Option<PathBuf>,

    /// Run the image with `runc` and also keep what it opens: as users that this machine does not
    /// have, with few rights, without a network. Needs root.
    #[arg(long, conflicts_with = "trace_file")]
    pub trace: bool,

    /// How the image is run.
    #[command(flatten)]
    pub run: TraceArguments,

    /// Name of the new image for `docker load` and `ctr images import`.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// Replace the output if it is an existing image.
    #[arg(long)]
    pub force: bool,

    /// Format of the report.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = SlimFormat::Full)]
    pub format: SlimFormat,

    /// Where the image is.
    #[command(flatten)]
    pub origin: OriginArguments,

    /// When to use colors; the environment variable `NO_COLOR` disables them too.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,

    /// Which known vulnerabilities count.
    #[command(flatten)]
    pub known: super::KnownArguments,
}

// How `--trace` runs the image.
#[derive(Debug, Args)]
pub struct TraceArguments {
    /// Stop the image after this many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, requires = "trace",
        value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub trace_time: u64,

    /// Command of this machine's shell that exercises the image, in the image's network
    /// (`curl -f http://localhost:8080/`): tried again until it succeeds, which ends the trace.
    #[arg(long, value_name = "COMMAND", requires = "trace")]
    pub trace_command: Option<String>,

    /// Variable for the image while it is traced; without a value, with the value that it has here.
    #[arg(long, value_name = "NAME[=VALUE]", requires = "trace")]
    pub trace_env: Vec<String>,

    /// Give the image the network of this machine while it is traced.
    #[arg(long, requires = "trace")]
    pub trace_network: bool,

    /// Program that runs containers, with the arguments of `runc`.
    #[arg(long, value_name = "PROGRAM", default_value = "runc", requires = "trace")]
    pub trace_runtime: PathBuf,
}

/// The format of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SlimFormat {
    /// Text.
    Full,
    /// JSON, with the reason for each kept file.
    Json,
}
