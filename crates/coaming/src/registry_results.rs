//! `coaming image --registry-results`: what the image's registry reports about it.
//!
//! Without the feature `registry` the option does not exist.

use coaming_args::ImageArguments;
use coaming_config::Config;
use coaming_image::ImageFacts;
use coaming_sbom::vex::Document;
use coaming_scan::MatchReport;

use crate::CommandError;

/// What compares the registry's results with our own.
pub(crate) type Compare = Box<dyn FnOnce(&ImageFacts, Option<&MatchReport>) -> Results>;

/// What the registry answered.
pub(crate) struct Answers {
    /// The digests of the image in the registry.
    pub(crate) digests: Vec<String>,
    /// The attached VEX documents that the user trusts.
    pub(crate) documents: Vec<Document>,
    /// The results beside our own findings.
    pub(crate) beside: Compare,
}

/// The results beside our own findings.
pub(crate) struct Results {
    pub(crate) text: String,
    pub(crate) json: serde_json::Value,
    /// What the registry did not answer.
    pub(crate) problems: Vec<String>,
}

/// The image whose registry is to be asked, if the user wants that.
#[cfg(feature = "registry")]
pub(crate) fn question(
    name: &str,
    arguments: &ImageArguments,
) -> Result<Option<coaming_oci::Reference>, CommandError> {
    if !arguments.scanner.registry_results {
        return Ok(None);
    }
    let is_name = name != "-" && !std::path::Path::new(name).exists();
    let named = coaming_oci::Reference::parse(name).ok().filter(|_| is_name);
    named.map(Some).ok_or_else(|| {
        crate::failed(format!(
            "--registry-results needs the name of an image in a registry; `{name}` is not one"
        ))
    })
}

/// Asks the registry.
#[cfg(feature = "registry")]
pub(crate) fn ask(
    reference: &coaming_oci::Reference,
    arguments: &ImageArguments,
    config: &Config,
) -> Result<Answers, CommandError> {
    use coaming_report::registry_results as render;
    use coaming_scan::{OwnFindings, RegistryQuestion, TrustFiles};
    let scanner = &arguments.scanner;
    let files = TrustFiles {
        keys: &scanner.verify_key,
        identities: &scanner.certificate_identity,
        issuer: scanner.certificate_oidc_issuer.as_deref(),
        root: scanner.trusted_root.as_deref(),
    };
    let trust = files.read().map_err(crate::failed)?;
    let question = RegistryQuestion {
        trust: &trust,
        reference,
        platform: arguments.origin.platform.as_ref(),
        scanner: scanner.registry_scanner.map(Into::into),
        scanner_url: scanner.registry_scanner_url.as_deref(),
    };
    let answers = coaming_scan::ask_registry(arguments.origin.registry.options(config), &question);
    let trusted = scanner.trust_registry_vex;
    Ok(Answers {
        digests: answers.digests.clone(),
        documents: if trusted { answers.documents() } else { Vec::new() },
        beside: Box::new(move |facts, known| {
            let own = known.map(coaming_scan::own_vulnerabilities);
            let own = OwnFindings { facts, vulnerabilities: own.as_deref() };
            let results = answers.beside(&own, trusted);
            let (text, json) = (render::text(&results), render::json(&results));
            Results { text, json, problems: results.problems }
        }),
    })
}

#[cfg(not(feature = "registry"))]
pub(crate) fn question(
    _: &str,
    _: &ImageArguments,
) -> Result<Option<std::convert::Infallible>, CommandError> {
    Ok(None)
}

#[cfg(not(feature = "registry"))]
pub(crate) fn ask(
    never: &std::convert::Infallible,
    _: &ImageArguments,
    _: &Config,
) -> Result<Answers, CommandError> {
    match *never {}
}
