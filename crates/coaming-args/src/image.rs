//! `coaming image`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Color, SlimArguments};

// `coaming image`
#[derive(Debug, Args)]
#[command(after_help = "\
An archive is the output of `docker save`, `podman save`, `skopeo copy` or `ctr images export`:
plain or compressed, in the Docker or OCI format. A directory is an OCI layout or a root
filesystem. A name is looked up in the local Docker, Podman and containerd, then in its registry,
with the credentials of `docker login`. Facts of images that were read before are cached in the
user's cache directory, without secrets. Known vulnerabilities are shown if there is a database,
which `coaming db update` downloads.
Exit codes: 0 read; 1 something of --fail-on found; 2 something could not be read (the rest
is shown).

Examples:
  coaming image nginx:1.27
  docker save shop/web | coaming image -
  coaming image --format cyclonedx -o web.cdx.json web.tar
  coaming image --fail-on fixable,high web.tar
  coaming image --format openvex web.tar
  coaming image --registry-results harbor.example.com/shop/web:1.4
  coaming image --registry registry.example.com --repositories 'shop/**' --newest 3 -o images.jsonl
  coaming image rootfs/
  coaming image web.cdx.json              an SBOM in CycloneDX, SPDX or syft's JSON
  coaming image slim web.tar -o slim.tar  a smaller image, with only what the entry point needs")]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ImageArguments {
    /// A command to run instead of showing the image.
    #[command(subcommand)]
    pub command: Option<ImageCommand>,

    /// Image name, archive, directory or SBOM; `-` reads an archive from standard input.
    #[cfg_attr(
        feature = "registry",
        arg(value_name = "REF|FILE|DIR", required_unless_present = "registry")
    )]
    #[cfg_attr(not(feature = "registry"), arg(value_name = "REF|FILE|DIR", required = true))]
    pub image: Option<String>,

    /// Output format.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = ImageFormat::Full)]
    pub format: ImageFormat,

    /// Write to this file instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Where to find the image.
    #[command(flatten)]
    pub origin: OriginArguments,

    /// Do not read or write the image cache.
    #[arg(long)]
    pub no_cache: bool,

    /// When to use colors; the environment variable `NO_COLOR` disables them too.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,

    /// Which known vulnerabilities to report.
    #[command(flatten)]
    pub known: super::KnownArguments,

    /// What to show of the registry's results.
    #[command(flatten)]
    pub scanner: ScannerArguments,

    /// All images of a registry, instead of one.
    #[cfg(feature = "registry")]
    #[command(flatten)]
    pub walk: super::WalkArguments,
}

// Other commands for images.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum ImageCommand {
    /// Write a smaller image with only what the entry point needs.
    Slim(Box<SlimArguments>),
}

// Where to find an image, and which one of a multi-platform image.
#[derive(Debug, Args)]
pub struct OriginArguments {
    /// Platform to read from a multi-platform image (default: this machine's).
    #[arg(long, value_name = "OS/ARCH")]
    pub platform: Option<coaming_oci::Platform>,

    /// Where to look up an image name.
    #[arg(long, value_name = "PLACE", value_enum, default_value_t = ImagePlace::Auto)]
    pub from: ImagePlace,

    /// How to reach registries.
    #[command(flatten)]
    pub registry: super::RegistryArguments,
}

// What the image's registry reports about it.
#[derive(Debug, Args)]
pub struct ScannerArguments {
    /// Also show the scan results of the image's registry, and the SBOM, VEX and SARIF documents
    /// that are attached to the image there, with the differences from Coaming's own findings.
    /// Supports Harbor, Quay, Docker Trusted Registry (Mirantis), and the registries of Google and
    /// Red Hat.
    #[cfg(feature = "registry")]
    #[arg(long, help_heading = "Registries")]
    pub registry_results: bool,

    /// Treat VEX documents that are attached to the image in its registry like documents passed to
    /// `--vex`, if they name this image or a package. With `--verify-key` or `--certificate-identity`, only
    /// those that are signed accordingly; else anyone who can push to the repository can attach one.
    /// Without this option they are shown but have no effect.
    #[cfg(feature = "registry")]
    #[arg(long, requires = "registry_results", help_heading = "Registries")]
    pub trust_registry_vex: bool,

    /// Verify signatures of the image and of attached documents (DSSE, Sigstore bundles, cosign's `.sig` and
    /// `.att`) with this public key in PEM; may be repeated.
    #[cfg(feature = "registry")]
    #[arg(long, value_name = "FILE", requires = "registry_results", help_heading = "Signatures")]
    pub verify_key: Vec<PathBuf>,

    /// Verify them with certificates of this identity, a mail address or a URI; may be repeated.
    #[cfg(feature = "registry")]
    #[arg(
        long,
        value_name = "IDENTITY",
        requires_all = ["registry_results", "certificate_oidc_issuer", "trusted_root"],
        help_heading = "Signatures"
    )]
    pub certificate_identity: Vec<String>,

    /// Who vouches for the identities, such as `https://token.actions.githubusercontent.com`.
    #[cfg(feature = "registry")]
    #[arg(
        long,
        value_name = "URL",
        requires = "certificate_identity",
        help_heading = "Signatures"
    )]
    pub certificate_oidc_issuer: Option<String>,

    /// The authorities and logs of Sigstore, or of your own instance: `trusted_root.json`, as `cosign
    /// trusted-root create` writes it. Nothing is downloaded.
    #[cfg(feature = "registry")]
    #[arg(
        long,
        value_name = "FILE",
        requires = "certificate_identity",
        help_heading = "Signatures"
    )]
    pub trusted_root: Option<PathBuf>,

    /// Scanner of the registry, if it cannot be detected.
    #[cfg(feature = "registry")]
    #[arg(
        long,
        value_name = "KIND",
        value_enum,
        requires = "registry_results",
        help_heading = "Registries"
    )]
    pub registry_scanner: Option<RegistryScanner>,

    /// Address of the scanner's API, if it is not the default.
    #[cfg(feature = "registry")]
    #[arg(long, value_name = "URL", requires = "registry_results", help_heading = "Registries")]
    pub registry_scanner_url: Option<String>,
}

/// The scanners of registries.
#[cfg(feature = "registry")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RegistryScanner {
    /// Harbor.
    Harbor,
    /// Quay.
    Quay,
    /// Docker Trusted Registry, Mirantis Secure Registry.
    TrustedRegistry,
    /// Google Container Analysis.
    Google,
    /// Red Hat Container Catalog, with its grades.
    RedHat,
}

#[cfg(feature = "registry")]
impl From<RegistryScanner> for coaming_registry::Scanner {
    fn from(scanner: RegistryScanner) -> Self {
        match scanner {
            RegistryScanner::Harbor => Self::Harbor,
            RegistryScanner::Quay => Self::Quay,
            RegistryScanner::TrustedRegistry => Self::TrustedRegistry,
            RegistryScanner::Google => Self::Google,
            RegistryScanner::RedHat => Self::RedHat,
        }
    }
}

/// Output formats for an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImageFormat {
    /// A page of text.
    Full,
    /// All facts as JSON, in a stable format.
    Json,
    /// An SBOM in CycloneDX 1.6, as JSON.
    Cyclonedx,
    /// An SBOM in SPDX 2.3, as JSON.
    Spdx,
    /// The known vulnerabilities as an OpenVEX document: what is affected, and what to do.
    Openvex,
    /// The known vulnerabilities as a CycloneDX document.
    CyclonedxVex,
    /// A `ClusterPolicyReport` for Kubernetes.
    PolicyReport,
}

/// Where an image name is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImagePlace {
    /// Local daemons, then the registry.
    Auto,
    /// Only the local Docker, Podman or containerd.
    Daemon,
    /// Only the registry.
    Registry,
}
