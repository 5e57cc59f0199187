//! Results of registries that scan images themselves.
//!
//! Each client uses one registry's own API and returns the same [`ScanReport`]. The parsers take
//! bytes and open no socket, so that recorded answers can test them. What a registry does not state
//! is left empty; nothing is made up.

mod attached;
mod beside;
mod compare;
mod google;
mod harbor;
mod quay;
mod red_hat;
mod trusted;

use coaming_http::header::{ACCEPT, HeaderName, HeaderValue};
use coaming_http::{Request, Url, clean, is_loopback};
use coaming_oci::Reference;

use crate::error::{MalformedAnswer, RegistryError};
use crate::manifest::Image;
use crate::transport::{Authorization, Target, of_status, read_bounded};
use crate::{RegistryClient, auth, client};

pub use attached::{Attachment, AttachmentKind, Attachments, VexStatement};
pub use beside::{Attached, PackageComparison, RegistryResults, SignatureState};
pub use compare::{Comparison, OwnVulnerability, compare};

/// The largest answer of a scanner that is read.
const MAX_REPORT_BYTES: u64 = 64 << 20;
/// The most vulnerabilities of one image that are kept.
const MAX_VULNERABILITIES: usize = 100_000;
/// The most pages that are requested.
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

/// The state of a registry's scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanState {
    /// It is done: no vulnerabilities means that the registry knows none.
    Complete,
    /// It is running or queued.
    Pending,
    /// It was never requested.
    NotScanned,
    /// The registry cannot scan this kind of image.
    Unsupported,
    /// It failed.
    Failed,
}

/// A severity as registries report it. `Unknown` is the lowest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReportedSeverity {
    /// Not stated, or in an unknown word.
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
    /// The installed version; empty if it is not stated.
    pub version: String,
    /// The first fixed version, if it is stated.
    pub fixed_version: Option<String>,
    /// The registry's rating.
    pub severity: ReportedSeverity,
}

/// A registry's scan of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanReport {
    /// The scanner, with its version if that is stated: `Trivy v0.37.2`.
    pub scanner: String,
    /// Its state.
    pub state: ScanState,
    /// When it was completed, as the registry writes it.
    pub completed: Option<String>,
    /// The registry's grade of the image; `A` is the best.
    pub grade: Option<String>,
    /// The vulnerabilities, sorted, without duplicates.
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

    /// Adds vulnerabilities: cleaned, sorted, and not more than there can be.
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
    /// The scanner of a registry that its host name identifies.
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

    /// The address of its API, if it is not at the registry itself.
    fn own_base(self) -> Option<&'static str> {
        match self {
            Self::Google => Some("https://containeranalysis.googleapis.com/"),
            Self::RedHat => Some("https://catalog.redhat.com/api/containers/"),
            _ => None,
        }
    }
}

impl RegistryClient {
    /// The scanner of the reference's registry: by its host name, else by what it answers. `None`
    /// if it has no known scanner.
    ///
    /// # Errors
    ///
    /// Where the registry cannot be reached.
    pub async fn scanner(&self, reference: &Reference) -> Result<Option<Scanner>, RegistryError> {
        if let Some(scanner) = Scanner::of_host(reference.registry()) {
            return Ok(Some(scanner));
        }
        let target = client::target(reference, false);
        let base = self.transport.base(&target.host).await?;
        for (scanner, path, mark) in [
            (Scanner::Harbor, "api/v2.0/systeminfo", "harbor_version"),
            (Scanner::TrustedRegistry, "api/v0/meta/features", "scanningEnabled"),
            (Scanner::Quay, "api/v1/discovery", "quay"),
        ] {
            let Ok(url) = base.join(path) else { continue };
            let authorization = auth::basic_authorization(&target.host, &self.transport.options)?;
            match self.get(&target, url, authorization, &[]).await {
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
    }

    /// What the registry's scanner found in an image. `base` is the address of its API, if that is
    /// not the usual one.
    ///
    /// # Errors
    ///
    /// See [`RegistryError`]. An image that was not scanned is not an error: see [`ScanState`].
    pub async fn scan_report(
        &self,
        scanner: Scanner,
        reference: &Reference,
        image: &Image,
        base: Option<&str>,
    ) -> Result<ScanReport, RegistryError> {
        let target = client::target(reference, false);
        let base = match base.or(scanner.own_base()) {
            Some(base) => Url::parse(base)
                .ok()
                .filter(is_safe)
                .ok_or_else(|| RegistryError::ScannerAddress(base.to_owned()))?,
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
    }

    /// Gets a scanner's answer.
    async fn get(
        &self,
        target: &Target,
        url: Url,
        authorization: Authorization,
        headers: &[(&'static str, &'static str)],
    ) -> Result<Vec<u8>, RegistryError> {
        let what = format!("{}{}", url.host_str().unwrap_or_default(), url.path());
        let mut request = Request::get(url);
        request.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        for (name, value) in headers {
            let name = HeaderName::from_static(name);
            request.headers.insert(name, HeaderValue::from_static(value));
        }
        let response = self.transport.send_as(target, request, authorization).await?;
        if !response.status().is_success() {
            return Err(of_status(response, target, &what).await);
        }
        read_bounded(response, target, &what, MAX_REPORT_BYTES).await
    }
}

/// Whether credentials may be sent there: with TLS, or to this machine.
fn is_safe(base: &Url) -> bool {
    base.scheme() == "https" || base.scheme() == "http" && base.host_str().is_some_and(is_loopback)
}

/// A URL below a base, with its parts escaped.
fn below<'p>(
    base: &Url,
    parts: impl IntoIterator<Item = &'p str>,
    target: &Target,
) -> Result<Url, RegistryError> {
    let mut url = base.clone();
    url.path_segments_mut()
        .map_err(|()| target.malformed("the address of its API cannot have a path"))?
        .pop_if_empty()
        .extend(parts);
    Ok(url)
}

/// Parses a scanner's answer.
fn parse<'b, T: serde::Deserialize<'b>>(bytes: &'b [u8]) -> Result<T, MalformedAnswer> {
    Ok(serde_json::from_slice(bytes)?)
}
