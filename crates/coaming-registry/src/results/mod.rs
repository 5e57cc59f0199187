//! What registries that scan images themselves have found in them.
//!
//! Each client asks one registry's own interface and gives the same [`ScanReport`]. The parsers take
//! bytes and open no socket, so that they can be held to recorded answers. Whatever a registry
//! does not say is left empty; nothing is made up.

mod attached;
mod beside;
mod compare;
mod google;
mod harbor;
mod quay;
mod red_hat;
mod trusted;

use coaming_oci::Reference;
use reqwest::Url;
use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};

use crate::auth;
use crate::error::{RegistryError, clean};
use crate::manifest::Image;
use crate::options::is_loopback;
use crate::transport::{Call, Identity, Target, of_status, read_bounded};
use crate::{Registry, client};

pub use attached::{Attachment, AttachmentKind, VexStatement};
pub use beside::{Attached, PackageComparison, RegistryResults};
pub use compare::{Comparison, OwnVulnerability, compare};

/// The largest answer of a scanner that is read.
const MAX_REPORT_BYTES: u64 = 64 << 20;
/// The most vulnerabilities that are taken of one image.
const MAX_VULNERABILITIES: usize = 100_000;
/// The most pages that are asked for.
const MAX_PAGES: usize = 1_000;

/// A registry with a scanner of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scanner {
    /// Harbor.
    Harbor,
    /// Red Hat Quay and quay.io.
    Quay,
    /// Docker Trusted Registry, which Mirantis Secure Registry is today.
    TrustedRegistry,
    /// Google's Container and Artifact Registry, by Container Analysis.
    Google,
    /// Red Hat's Container Catalog.
    RedHat,
}

/// How far a registry's scan has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanState {
    /// It is done: no vulnerabilities means that none is known there.
    Complete,
    /// It is under way or waits its turn.
    Pending,
    /// Nobody has asked for it.
    NotScanned,
    /// The registry can't scan such an image.
    Unsupported,
    /// It failed.
    Failed,
}

/// A severity as registries say it. `Unknown` is the least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReportedSeverity {
    /// Not said, or in words that are not understood.
    #[default]
    Unknown,
    /// Of no practical consequence.
    Negligible,
    /// Low.
    Low,
    /// Medium, or Red Hat's "moderate".
    Medium,
    /// High, or Red Hat's "important".
    High,
    /// Critical.
    Critical,
}

impl ReportedSeverity {
    /// Reads the words of all registries.
    fn of(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "negligible" | "minimal" | "none" => Self::Negligible,
            "low" => Self::Low,
            "medium" | "moderate" => Self::Medium,
            "high" | "important" => Self::High,
            "critical" | "defcon1" => Self::Critical,
            _ => Self::Unknown,
        }
    }

    /// By the ratings of CVSS.
    fn of_score(score: f64) -> Self {
        match score {
            score if score >= 9.0 => Self::Critical,
            score if score >= 7.0 => Self::High,
            score if score >= 4.0 => Self::Medium,
            score if score > 0.0 => Self::Low,
            _ => Self::Unknown,
        }
    }

    /// Its name, in lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Negligible => "negligible",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// A vulnerability that a registry reports.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReportedVulnerability {
    /// `CVE-…`, or the registry's own name for it.
    pub id: String,
    /// The package.
    pub package: String,
    /// The version that is installed; empty where it is not said.
    pub version: String,
    /// The version that is repaired, if there is one and it is said.
    pub fixed_version: Option<String>,
    /// How bad the registry thinks it is.
    pub severity: ReportedSeverity,
}

/// A registry's scan of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanReport {
    /// Who scanned, with the version where it is said: `Trivy v0.37.2`.
    pub scanner: String,
    /// How far it is.
    pub state: ScanState,
    /// When it was done, as the registry writes it.
    pub completed: Option<String>,
    /// The registry's grade of the image, `A` the best.
    pub grade: Option<String>,
    /// What was found, sorted, nothing twice.
    pub vulnerabilities: Vec<ReportedVulnerability>,
}

impl ScanReport {
    fn new(scanner: &str, state: ScanState) -> Self {
        Self {
            scanner: clean(scanner),
            state,
            completed: None,
            grade: None,
            vulnerabilities: Vec::new(),
        }
    }

    /// Takes vulnerabilities in: cleaned for showing, sorted, and no more than there can be.
    fn with(mut self, found: impl IntoIterator<Item = ReportedVulnerability>) -> Self {
        self.vulnerabilities = tidy(found);
        self
    }
}

fn tidy(found: impl IntoIterator<Item = ReportedVulnerability>) -> Vec<ReportedVulnerability> {
    let mut all: Vec<ReportedVulnerability> = found
        .into_iter()
        .filter(|vulnerability| !vulnerability.id.is_empty())
        .take(MAX_VULNERABILITIES)
        .map(|vulnerability| ReportedVulnerability {
            id: clean(&vulnerability.id),
            package: clean(&vulnerability.package),
            version: clean(&vulnerability.version),
            fixed_version: vulnerability
                .fixed_version
                .map(|version| clean(&version))
                .filter(|version| !version.is_empty()),
            severity: vulnerability.severity,
        })
        .collect();
    all.sort();
    all.dedup();
    all
}

/// What a client asks about.
struct Question<'q> {
    reference: &'q Reference,
    image: &'q Image,
    base: Url,
}

impl Scanner {
    /// The scanner of a registry whose name tells it.
    #[must_use]
    pub fn of_host(host: &str) -> Option<Self> {
        match host {
            "quay.io" => Some(Self::Quay),
            "gcr.io" => Some(Self::Google),
            "registry.redhat.io" | "registry.access.redhat.com" | "registry.connect.redhat.com" => {
                Some(Self::RedHat)
            }
            host if host.ends_with(".gcr.io") || host.ends_with("-docker.pkg.dev") => {
                Some(Self::Google)
            }
            _ => None,
        }
    }

    /// Where its interface is, if not at the registry itself.
    fn own_base(self) -> Option<&'static str> {
        match self {
            Self::Google => Some("https://containeranalysis.googleapis.com/"),
            Self::RedHat => Some("https://catalog.redhat.com/api/containers/"),
            _ => None,
        }
    }
}

impl Registry {
    /// Which scanner the reference's registry has: by its name, else by asking it what it is.
    /// `None` where it has none that is known here.
    ///
    /// # Errors
    ///
    /// Where the registry can't be reached.
    pub fn scanner(&self, reference: &Reference) -> Result<Option<Scanner>, RegistryError> {
        if let Some(scanner) = Scanner::of_host(reference.registry()) {
            return Ok(Some(scanner));
        }
        let target = client::target(reference, false);
        self.transport.block_on(async {
            let base = self.transport.base(&target.host).await?;
            for (scanner, path, mark) in [
                (Scanner::Harbor, "api/v2.0/systeminfo", "harbor_version"),
                (Scanner::TrustedRegistry, "api/v0/meta/features", "scanningEnabled"),
                (Scanner::Quay, "api/v1/discovery", "quay"),
            ] {
                let Ok(url) = base.join(path) else { continue };
                let identity = auth::basic_identity(&target.host, &self.transport.options)?;
                match self.get(&target, url, identity, &[]).await {
                    Ok(body) if String::from_utf8_lossy(&body).contains(mark) => {
                        return Ok(Some(scanner));
                    }
                    Err(
                        error @ (RegistryError::Connection { .. }
                        | RegistryError::Certificate { .. }
                        | RegistryError::Timeout { .. }),
                    ) => return Err(error),
                    _ => {}
                }
            }
            Ok(None)
        })
    }

    /// What the registry's scanner found in an image. `base` is where its interface is, if it is
    /// not at its usual place.
    ///
    /// # Errors
    ///
    /// As [`RegistryError`] says. An image that was not scanned is no error: see [`ScanState`].
    pub fn scan_report(
        &self,
        scanner: Scanner,
        reference: &Reference,
        image: &Image,
        base: Option<&str>,
    ) -> Result<ScanReport, RegistryError> {
        let target = client::target(reference, false);
        self.transport.block_on(async {
            let base = match base.or(scanner.own_base()) {
                Some(base) => Url::parse(base).ok().filter(is_safe).ok_or_else(|| {
                    RegistryError::Setting(format!("`{base}` is no address with TLS"))
                })?,
                None => self.transport.base(&target.host).await?,
            };
            let question = Question { reference, image, base };
            match scanner {
                Scanner::Harbor => harbor::report(self, &target, &question).await,
                Scanner::Quay => quay::report(self, &target, &question).await,
                Scanner::TrustedRegistry => trusted::report(self, &target, &question).await,
                Scanner::Google => google::report(self, &target, &question).await,
                Scanner::RedHat => red_hat::report(self, &target, &question).await,
            }
        })
    }

    /// Gets a scanner's answer.
    async fn get(
        &self,
        target: &Target,
        url: Url,
        identity: Identity,
        headers: &[(&'static str, &'static str)],
    ) -> Result<Vec<u8>, RegistryError> {
        let what = format!("{}{}", url.host_str().unwrap_or_default(), url.path());
        let mut all = HeaderMap::new();
        all.insert(ACCEPT, HeaderValue::from_static("application/json"));
        for (name, value) in headers {
            all.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let call = Call { headers: all, identity, ..Call::get(url) };
        let response = self.transport.send(target, &call).await?;
        if !response.status().is_success() {
            return Err(of_status(response, target, &what).await);
        }
        read_bounded(response, target, &what, MAX_REPORT_BYTES).await
    }
}

/// Whether credentials may go there: with TLS, or to this machine.
fn is_safe(base: &Url) -> bool {
    base.scheme() == "https" || base.scheme() == "http" && base.host_str().is_some_and(is_loopback)
}

/// An address below a base, its parts escaped.
fn below<'p>(
    base: &Url,
    parts: impl IntoIterator<Item = &'p str>,
    target: &Target,
) -> Result<Url, RegistryError> {
    let mut url = base.clone();
    url.path_segments_mut()
        .map_err(|()| target.malformed("its interface's address can't have a path"))?
        .pop_if_empty()
        .extend(parts);
    Ok(url)
}

/// Parses a scanner's answer.
fn parse<'b, T: serde::Deserialize<'b>>(bytes: &'b [u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| clean(&error.to_string()))
}
