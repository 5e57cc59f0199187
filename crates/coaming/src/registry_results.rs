//! `coaming image --registry-results`: what the image's registry reports about it.
//!
//! Without the feature `registry` there is no such option, and the types have no values.

#[cfg(feature = "registry")]
mod enabled {
    use std::path::Path;

    use coaming_config::Config;
    use coaming_image::ImageFacts;
    use coaming_oci::Reference;
    use coaming_registry::RegistryResults;
    use coaming_report::registry_results;
    use coaming_sbom::vex::Document;
    use coaming_scan::{MatchReport, OwnFindings, RegistryAnswers, RegistryQuestion};
    use coaming_signature::Trust;

    use crate::CommandError;
    use crate::args::{ImageArguments, ScannerArguments};

    /// What the registry answered.
    pub(crate) struct Answers {
        answers: RegistryAnswers,
        trusted: bool,
    }

    /// The image whose registry is to be asked, if the user wants that.
    pub(crate) fn question(
        name: &str,
        arguments: &ImageArguments,
    ) -> Result<Option<Reference>, CommandError> {
        if !arguments.scanner.registry_results {
            return Ok(None);
        }
        let is_name = name != "-" && !Path::new(name).exists();
        let named = Reference::parse(name).ok().filter(|_| is_name);
        named.map(Some).ok_or_else(|| {
            CommandError::Argument(format!(
                "--registry-results needs the name of an image in a registry; `{name}` is not one"
            ))
        })
    }

    /// Asks the registry.
    pub(crate) fn ask(
        reference: &Reference,
        arguments: &ImageArguments,
        config: &Config,
    ) -> Result<Answers, CommandError> {
        let trust = trust(&arguments.scanner)?;
        let question = RegistryQuestion {
            trust: &trust,
            reference,
            platform: arguments.origin.platform.as_ref(),
            scanner: arguments.scanner.registry_scanner.map(Into::into),
            scanner_url: arguments.scanner.registry_scanner_url.as_deref(),
        };
        let options = arguments.origin.registry.options(config);
        let answers = coaming_scan::ask_registry(options, &question);
        Ok(Answers { answers, trusted: arguments.scanner.trust_registry_vex })
    }

    /// Whose signatures count.
    fn trust(arguments: &ScannerArguments) -> Result<Trust, CommandError> {
        let failed = |error: &dyn std::fmt::Display| CommandError::Argument(error.to_string());
        let read = |path: &Path| {
            std::fs::read(path).map_err(|error| failed(&format!("{}: {error}", path.display())))
        };
        let mut trust = Trust::default();
        for path in &arguments.verify_key {
            let name = path.display().to_string();
            trust.add_key(&name, &read(path)?).map_err(|error| failed(&error))?;
        }
        let issuer = arguments.certificate_oidc_issuer.as_deref().unwrap_or_default();
        for identity in &arguments.certificate_identity {
            trust.add_identity(identity, issuer).map_err(|error| failed(&error))?;
        }
        if let Some(path) = &arguments.trusted_root {
            let name = path.display().to_string();
            trust.set_root(&name, &read(path)?).map_err(|error| failed(&error))?;
        }
        Ok(trust)
    }

    impl Answers {
        /// The digests of the image in the registry.
        pub(crate) fn digests(&self) -> Vec<String> {
            self.answers.digests.clone()
        }

        /// The attached VEX documents that the user trusts.
        pub(crate) fn trusted_documents(&self) -> Vec<Document> {
            if self.trusted { self.answers.documents() } else { Vec::new() }
        }

        /// The results beside our own findings.
        pub(crate) fn beside(self, facts: &ImageFacts, known: Option<&MatchReport>) -> Results {
            let own = known.map(coaming_scan::own_vulnerabilities);
            let own = OwnFindings { facts, vulnerabilities: own.as_deref() };
            Results(self.answers.beside(&own, self.trusted))
        }
    }

    /// The results beside our own findings.
    pub(crate) struct Results(RegistryResults);

    impl Results {
        /// What the registry did not answer.
        pub(crate) fn problems(&self) -> &[String] {
            &self.0.problems
        }

        pub(crate) fn text(&self) -> String {
            registry_results::text(&self.0)
        }

        pub(crate) fn json(&self) -> serde_json::Value {
            registry_results::json(&self.0)
        }
    }
}

#[cfg(not(feature = "registry"))]
mod disabled {
    use std::convert::Infallible;

    use coaming_config::Config;
    use coaming_image::ImageFacts;
    use coaming_sbom::vex::Document;
    use coaming_scan::MatchReport;

    use crate::CommandError;
    use crate::args::ImageArguments;

    pub(crate) enum Answers {}

    pub(crate) enum Results {}

    pub(crate) fn question(
        _: &str,
        _: &ImageArguments,
    ) -> Result<Option<Infallible>, CommandError> {
        Ok(None)
    }

    pub(crate) fn ask(
        never: &Infallible,
        _: &ImageArguments,
        _: &Config,
    ) -> Result<Answers, CommandError> {
        match *never {}
    }

    impl Answers {
        pub(crate) fn digests(&self) -> Vec<String> {
            match *self {}
        }

        pub(crate) fn trusted_documents(&self) -> Vec<Document> {
            match *self {}
        }

        pub(crate) fn beside(self, _: &ImageFacts, _: Option<&MatchReport>) -> Results {
            match self {}
        }
    }

    impl Results {
        pub(crate) fn problems(&self) -> &[String] {
            match *self {}
        }

        pub(crate) fn text(&self) -> String {
            match *self {}
        }

        pub(crate) fn json(&self) -> serde_json::Value {
            match *self {}
        }
    }
}

#[cfg(not(feature = "registry"))]
pub(crate) use disabled::*;
#[cfg(feature = "registry")]
pub(crate) use enabled::*;
