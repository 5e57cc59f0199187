//! `coaming image slim`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Color, OriginArguments};

/// `coaming image slim`
#[derive(Debug, Args)]
#[command(after_help = "\
What stays: the programs of ENTRYPOINT and CMD with the libraries they are linked with, name services and
locales, the whole library of Python, Node, Java, Perl, Ruby or PHP where one of them is started, the
application's own files (what no package owns outside the system's directories, WORKDIR, VOLUME), data and
settings of the started program's package, certificates, time zones, users; and the record of the packages
that are left, so that scanners still see them. Everything else goes. Nothing is run to find that out: what
only shows at run time is listed as what can't be known. Try the result before you ship it.
Exit codes: 0 written; 1 written, and what --fail-on names is left; 2 nothing was written.

Examples:
  coaming image slim web.tar -o slim.tar --name shop/web:1.4-slim
  coaming image slim shop/web:1.4 -o slim/ --keep ca-certificates --keep '/opt/plugins/**'
  docker save shop/web:1.4 | coaming image slim - -o slim.tar && docker load -i slim.tar")]
pub struct SlimArguments {
    /// An image's name, an archive, or a directory; `-` reads an archive from standard input.
    #[arg(value_name = "REF|FILE|DIR")]
    pub image: String,

    /// Where to write the image: an OCI archive if it ends in `.tar`, else the directory of an OCI layout.
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,

    /// Keep this too, with all that it needs: a package of the distribution, a path, or a pattern of
    /// paths.
    #[arg(long, value_name = "PACKAGE|PATH|GLOB")]
    pub keep: Vec<String>,

    /// The image's name for `docker load` and `ctr images import`.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// Replace the output if it is an image already.
    #[arg(long)]
    pub force: bool,

    /// How to show what was done.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = SlimFormat::Full)]
    pub format: SlimFormat,

    /// Where the image is.
    #[command(flatten)]
    pub origin: OriginArguments,

    /// Whether to use colours; `NO_COLOR` in the environment switches them off too.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,

    /// Which known vulnerabilities count.
    #[command(flatten)]
    pub known: super::KnownArguments,
}

/// How a slimming is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SlimFormat {
    /// A page for people.
    Full,
    /// All of it as JSON, each kept file with its reason.
    Json,
}
