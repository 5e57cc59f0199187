//! `coaming image`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Color, SlimArguments};

/// `coaming image`
#[derive(Debug, Args)]
#[command(after_help = "\
An archive is what `docker save`, `podman save`, `skopeo copy` or `ctr images export` write: plain or
compressed, for docker or OCI. A directory is an OCI layout or a root filesystem. A name is looked for in
the local Docker, Podman and containerd, then in its registry, with the credentials of `docker login`.
Facts of images that were read before are kept in the user's cache directory; no secret is in them.
Known vulnerabilities are shown where there is a database: `coaming db update`. Nothing is downloaded here.
Exit codes: 0 read; 1 what --fail-on names is there; 2 something could not be read (the rest still is shown).

Examples:
  coaming image nginx:1.27
  docker save shop/web | coaming image -
  coaming image --format cyclonedx -o web.cdx.json web.tar
  coaming image --fail-on fixable,high web.tar
  coaming image --format openvex web.tar
  coaming image --registry-results harbor.example.com/shop/web:1.4
  coaming image rootfs/
  coaming image web.cdx.json              a bill of materials, of CycloneDX or SPDX
  coaming image slim web.tar -o slim.tar  a smaller image, with only what the entry point needs")]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ImageArguments {
    /// What to do instead of showing it.
    #[command(subcommand)]
    pub command: Option<ImageCommand>,

    /// An image's name, an archive, a directory, or a bill of materials; `-` reads an archive from
    /// standard input.
    #[arg(value_name = "REF|FILE|DIR", required = true)]
    pub image: Option<String>,

    /// How to show it.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = ImageFormat::Full)]
    pub format: ImageFormat,

    /// Write to this file.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Where the image is.
    #[command(flatten)]
    pub origin: OriginArguments,

    /// Read the image anew, and keep nothing of it.
    #[arg(long)]
    pub no_cache: bool,

    /// Whether to use colours; `NO_COLOR` in the environment switches them off too.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,

    /// Which known vulnerabilities count.
    #[command(flatten)]
    pub known: super::KnownArguments,

    /// What the registry says.
    #[command(flatten)]
    pub scanner: ScannerArguments,
}

/// What else is done with images.
#[derive(Debug, Subcommand)]
pub enum ImageCommand {
    /// Write a smaller image that holds only what the entry point needs.
    Slim(Box<SlimArguments>),
}

/// Where an image is, and which of several.
#[derive(Debug, Args)]
pub struct OriginArguments {
    /// Of an image for several platforms, take this one, and not this machine's.
    #[arg(long, value_name = "OS/ARCH")]
    pub platform: Option<coaming_oci::Platform>,

    /// Where to look for a name.
    #[arg(long, value_name = "PLACE", value_enum, default_value_t = ImagePlace::Auto)]
    pub from: ImagePlace,

    /// How to reach registries.
    #[command(flatten)]
    pub registry: super::RegistryArguments,
}

/// What the image's registry says of it.
#[derive(Debug, Args)]
pub struct ScannerArguments {
    /// Also show what the image's registry found when it scanned it, and the bills of materials, VEX
    /// and SARIF attached to it there; and where they differ from our own findings. Harbor, Quay, Docker
    /// Trusted Registry (Mirantis), Google's and Red Hat's registries are known.
    #[arg(long, help_heading = "Registries")]
    pub registry_results: bool,

    /// Let VEX documents that are attached to the image in its registry excuse what `--vex` would, where
    /// they name this image or a package. Their signatures are not verified: whoever can push to the
    /// repository can attach one. Without this they are shown, and excuse nothing.
    #[arg(long, requires = "registry_results", help_heading = "Registries")]
    pub trust_registry_vex: bool,

    /// Which scanner the registry has, if it does not say so itself.
    #[arg(
        long,
        value_name = "KIND",
        value_enum,
        requires = "registry_results",
        help_heading = "Registries"
    )]
    pub registry_scanner: Option<RegistryScanner>,

    /// Where the scanner's interface is, if not at its usual place.
    #[arg(long, value_name = "URL", requires = "registry_results", help_heading = "Registries")]
    pub registry_scanner_url: Option<String>,
}

/// The scanners of registries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RegistryScanner {
    /// Harbor.
    Harbor,
    /// Quay.
    Quay,
    /// Docker Trusted Registry, Mirantis Secure Registry.
    TrustedRegistry,
    /// Google's Container Analysis.
    Google,
    /// Red Hat's Container Catalog, with its grades.
    RedHat,
}

/// How an image is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImageFormat {
    /// A page for people.
    Full,
    /// All facts as JSON, a contract for programs.
    Json,
    /// A bill of materials in CycloneDX 1.6, as JSON.
    Cyclonedx,
    /// A bill of materials in SPDX 2.3, as JSON.
    Spdx,
    /// The known vulnerabilities as an OpenVEX document: what is affected, and what to do.
    Openvex,
    /// The known vulnerabilities as a CycloneDX document.
    CyclonedxVex,
}

/// Where an image's name is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImagePlace {
    /// In local daemons, then in the registry.
    Auto,
    /// In the local Docker, Podman or containerd alone.
    Daemon,
    /// In the registry alone.
    Registry,
}
