//! Images and vulnerabilities: `image`, `image slim`, `db`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What an image contains.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// The version of this format: 1.
    pub version: u32,
    /// The image as the user named it.
    pub image: String,
    /// What one pass over it finds.
    pub facts: ImageFacts,
    /// The known vulnerabilities, if they were looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vulnerabilities: Option<Vulnerabilities>,
    /// What the registry reports, with `--registry-results`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry: Option<RegistryResults>,
}

/// One line of a walk over a registry: an image, or why there are no facts of it.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WalkedImage {
    /// The version of this format: 1.
    pub version: u32,
    /// The image by its digest.
    pub image: String,
    /// All names that lead to it, as `repository:tag`.
    pub names: Vec<String>,
    /// What is in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<ImageFacts>,
    /// The known vulnerabilities, if they were looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vulnerabilities: Option<Vulnerabilities>,
    /// Why it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why it was not read: it is an artifact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
}

/// What one pass over an image finds.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageFacts {
    /// The manifest's digest, else the configuration's; empty for a root file system.
    pub digest: String,
    /// Whether the facts are from an SBOM: then only distribution and packages are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sbom: Option<bool>,
    /// The configuration that the container starts with.
    pub config: ImageConfig,
    /// The distribution.
    pub distribution: Option<Distribution>,
    /// The layers, from the lowest.
    pub layers: Vec<Layer>,
    /// The user that it runs as.
    pub user: User,
    /// How much it offers an attacker: `distroless`, `minimal` or `full`.
    pub verdict: String,
    /// The packages.
    pub packages: Vec<Package>,
    /// What the entry point uses of the image, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry_point: Option<EntryPoint>,
    /// Programs that help an attacker.
    pub utilities: Vec<Utility>,
    /// Files that run with more rights than their caller has.
    pub privileged_files: Vec<PrivilegedFile>,
    /// Paths that every user may write to.
    pub world_writable: Vec<String>,
    /// Credentials, without their values.
    pub credentials: Vec<ImageCredential>,
    /// What could not be read.
    pub problems: Vec<ImageProblem>,
}

/// How an image says that it is started.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageConfig {
    /// `linux`.
    pub os: String,
    /// `amd64`.
    pub architecture: String,
    /// `USER` as written; empty means root.
    pub user: String,
    /// `ENTRYPOINT`.
    pub entrypoint: Vec<String>,
    /// `CMD`.
    pub command: Vec<String>,
    /// `WORKDIR`.
    pub working_directory: String,
    /// The names of the variables, and the values of those that are not secret.
    pub environment: Vec<(String, Option<String>)>,
    /// `EXPOSE`.
    pub exposed_ports: Vec<String>,
    /// `VOLUME`.
    pub volumes: Vec<String>,
    /// `LABEL`.
    pub labels: Vec<(String, String)>,
}

/// A release of a distribution.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Distribution {
    /// `debian`.
    pub id: String,
    /// What it is like.
    pub id_like: Vec<String>,
    /// `12`; empty for rolling releases.
    pub version: String,
    /// `bookworm`; may be empty.
    pub codename: String,
    /// Its name for people.
    pub name: String,
}

/// A layer of an image.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// The digest of its decompressed archive.
    pub diff_id: String,
    /// Its decompressed size in bytes.
    pub size: u64,
    /// The number of its entries.
    pub entries: u64,
    /// The instruction that created it; may be empty.
    pub created_by: String,
}

/// The user that a container runs as.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The user ID; null if the image does not say which ID the name has.
    pub uid: Option<u32>,
    /// The group ID.
    pub gid: Option<u32>,
    /// The name; may be empty.
    pub name: String,
}

/// A package in an image.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// The type of its package URL.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture.
    pub architecture: Option<String>,
    /// The source package it was built from.
    pub source: Option<SourcePackage>,
    /// The file that names it.
    pub path: String,
    /// The layer that added it, from 0.
    pub layer: Option<u32>,
    /// The license; may be empty.
    pub licence: String,
    /// Its package URL.
    pub purl: String,
}

/// The source package of a package.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourcePackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What the entry point uses of an image.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntryPoint {
    /// The programs that are started.
    pub programs: Vec<String>,
    /// How many files they use.
    pub files: u64,
    /// The packages that they use.
    pub packages: Vec<PackageId>,
    /// The packages that they may use.
    pub maybe: Vec<PackageId>,
    /// What cannot be known.
    pub limits: Vec<Limit>,
}

/// What identifies a package in an image.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackageId {
    /// Its package URL.
    pub purl: String,
    /// The file that names it.
    pub path: String,
}

/// What cannot be known without running an image: its `kind`, and the names that it is about.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Limit {
    /// `no-program`, `no-library`, `opens-libraries`, `runs-programs`, `script`, `no-command` and so
    /// on.
    pub kind: String,
    /// The names.
    #[serde(flatten)]
    pub details: Map<String, Value>,
}

/// A file in an image.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileLocation {
    /// Its path; empty for what is not in a file.
    pub path: String,
    /// The layer, from 0.
    pub layer: Option<u32>,
}

/// A program that helps an attacker.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Utility {
    /// Where it is.
    pub place: FileLocation,
    /// Its name.
    pub name: String,
    /// What it is for: `shell`, `network` and so on.
    pub kind: String,
    /// The program that it leads to, if it is a link.
    pub target: Option<String>,
    /// What an attacker does with it.
    pub misuse: String,
}

/// A file that runs with more rights than its caller has.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrivilegedFile {
    /// Where it is.
    pub place: FileLocation,
    /// Its mode, as a decimal number.
    pub mode: u32,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its file capabilities.
    pub capabilities: Vec<String>,
}

/// A credential in an image, without its value.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageCredential {
    /// Where it is.
    pub place: FileLocation,
    /// Where else it is; may be empty.
    pub label: String,
    /// Its kind.
    pub kind: String,
    /// Whether the image's user may read it; null if that is unknown.
    pub readable: Option<bool>,
    /// Whether an upper layer deleted it: it is in the image, but not in the container.
    pub deleted: bool,
}

/// What could not be read in an image.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageProblem {
    /// Where it is.
    pub place: FileLocation,
    /// What is wrong.
    pub message: String,
}

/// The known vulnerabilities of packages.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vulnerabilities {
    /// The version of this format: 1.
    pub version: u32,
    /// Those to act on.
    pub vulnerabilities: Vec<Vulnerability>,
    /// Those that the configuration or a VEX document ignores.
    pub ignored: Vec<Vulnerability>,
    /// What to do.
    pub advice: Vec<Advice>,
    /// What could not be checked.
    pub notes: Vec<String>,
    /// The numbers.
    pub summary: VulnerabilityCounts,
}

/// A known vulnerability of a package.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vulnerability {
    /// Its name: `CVE-2024-1234`.
    pub id: String,
    /// Its other names.
    pub aliases: Vec<String>,
    /// The package.
    pub package: VulnerablePackage,
    /// The version that fixes it; null if there is none.
    pub fixed: Option<String>,
    /// `low`, `medium`, `high` or `critical`; null if that is unknown.
    pub severity: Option<crate::Severity>,
    /// Its CVSS score.
    pub score: Option<f64>,
    /// Its CVSS vector.
    pub vector: Option<String>,
    /// How likely it is to be exploited soon (EPSS), from 0 to 1.
    pub probability: Option<f64>,
    /// Since when it is known to be exploited (CISA).
    pub exploited: Option<String>,
    /// Whether the entry point uses the package; null if that is unknown.
    pub used: Option<bool>,
    /// Its rank among others: higher is more urgent.
    pub priority: u8,
    /// What it is about.
    pub summary: String,
    /// Why it is ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A package with a vulnerability.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VulnerablePackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its package URL.
    pub purl: String,
    /// The file that names it.
    pub path: String,
    /// The layer that added it.
    pub layer: Option<u32>,
}

/// What to do about vulnerabilities.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Advice {
    /// What to do.
    pub text: String,
    /// The vulnerabilities that it ends, or how many.
    pub ends: Value,
}

/// Vulnerabilities in numbers.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VulnerabilityCounts {
    /// The packages that were looked up.
    pub packages: u64,
    /// The vulnerabilities to act on.
    pub vulnerabilities: u64,
}

/// What a registry reports about an image. Its parts follow what registries offer.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegistryResults {
    /// The report of the registry's own scanner.
    pub report: Option<Map<String, Value>>,
    /// How it compares with what was found here.
    pub comparison: Option<Map<String, Value>>,
    /// Documents that are attached to the image: SBOMs, VEX documents, reports.
    pub attached: Vec<Map<String, Value>>,
    /// The signatures of the image itself, and whether they are verified.
    #[serde(default)]
    pub signatures: Vec<Map<String, Value>>,
    /// What could not be read.
    pub problems: Vec<String>,
}

/// What was removed from an image.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Slimmed {
    /// The version of this format: 1.
    pub version: u32,
    /// The known vulnerabilities before and after, if they were looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vulnerabilities: Option<BeforeAfter>,
    /// The digest of the original image.
    pub source: String,
    /// The digest of the new image.
    pub digest: String,
    /// The programs that it starts.
    pub programs: Vec<String>,
    /// The contents before.
    pub before: ContentCounts,
    /// The contents after.
    pub after: ContentCounts,
    /// What stayed, by reason.
    pub kept: Vec<KeptGroup>,
    /// What was removed.
    pub gone: Gone,
    /// Programs that remain and help an attacker.
    pub utilities: Vec<Utility>,
    /// Files that remain and give more rights.
    pub privileged_files: Vec<PrivilegedFile>,
    /// What cannot be known without running it.
    pub limits: Vec<Limit>,
    /// What a trace shows beside what the files show, with `--trace` or `--trace-file`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<SlimTrace>,
    /// Other notes.
    pub notes: Vec<String>,
    /// Every file that stayed.
    pub files: Vec<KeptFile>,
}

/// What only one of a trace and the files shows.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlimTrace {
    /// How many files of the image were used.
    pub used: u64,
    /// Used, and kept only because of the trace: with their sizes, the largest first.
    pub only_used: Vec<(String, u64)>,
    /// How many files stay although they were not used during the trace.
    pub unused: u64,
    /// Their size in bytes.
    pub unused_bytes: u64,
    /// The largest 1,000 of them, with their sizes.
    pub only_kept: Vec<(String, u64)>,
    /// How the run ended, and which part of the trace was not understood.
    pub notes: Vec<String>,
}

/// A number before and after.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BeforeAfter {
    /// Before.
    pub before: u64,
    /// After.
    pub after: u64,
}

/// The contents of an image in numbers.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContentCounts {
    /// Files, directories and links.
    pub entries: u64,
    /// Bytes before compression.
    pub bytes: u64,
    /// Packages.
    pub packages: u64,
    /// Programs that help an attacker.
    pub utilities: u64,
    /// Files with setuid, setgid or capabilities.
    pub privileged_files: u64,
}

/// The files that stayed for one reason.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeptGroup {
    /// The reason.
    pub reason: String,
    /// How many.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
    /// What needs most of them.
    pub of: Vec<String>,
}

/// A file that stayed.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeptFile {
    /// Its path.
    pub path: String,
    /// Why it stayed.
    pub reason: String,
    /// What needs it; may be empty.
    pub of: String,
}

/// What was removed.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gone {
    /// Packages: kind, name and version.
    pub packages: Vec<(String, String, String)>,
    /// Programs that help an attacker.
    pub utilities: Vec<Utility>,
    /// Files that give more rights.
    pub privileged_files: Vec<PrivilegedFile>,
    /// Files that no package owns, with their sizes.
    pub unowned: Vec<(String, u64)>,
}

/// What a vulnerability database contains.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatabaseInfo {
    /// The version of this format: 1.
    pub version: u32,
    /// The file.
    pub file: String,
    /// When it was built.
    pub built: String,
    /// The newest change in it.
    pub newest: String,
    /// How many advisories it has.
    pub advisories: u64,
    /// How many packages they are about.
    pub packages: u64,
    /// Its size in bytes.
    pub size: u64,
    /// Its checksum.
    pub sha256: String,
    /// The packages by ecosystem.
    pub ecosystems: Vec<EcosystemCount>,
}

/// The packages of an ecosystem.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EcosystemCount {
    /// Its name.
    pub name: String,
    /// How many packages have advisories.
    pub packages: u64,
}
