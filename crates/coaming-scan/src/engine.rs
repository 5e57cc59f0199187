//! The engine: rules and settings, made ready once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use coaming_config::{Config, KubernetesVersion, PodSecurityLevel, Standard};
use coaming_finding::{
    Compliance, Finding, Framework, InputError, Note, RuleMeta, RuleRef, Severity,
};
use coaming_kube::{ApiRequest, Source, SourceId, World};
use coaming_rules::{Images, Input, Knowledge, RuleSet, Settings};
use coaming_secret::{Detector, FingerprintKey};
use time::Date;

use crate::configuration::read_settings;
use crate::custom::{CustomRules, by_definitions};
use crate::neighborhood::{self, SUBJECT};
use crate::{ScanError, VariantWorld, compliance, notes};

/// The rule that needs known vulnerabilities to be looked up.
const VULNERABILITIES: &str = "image-vulnerabilities";
/// The rule that reads signatures.
const UNSIGNED: &str = "image-unsigned";

/// The rule about values that definitions do not allow.
const INVALID_VALUE: &str = "invalid-value";

/// Judges objects, by one configuration.
#[derive(Debug)]
pub struct Engine {
    /// The Pod Security Standard that is the only rule.
    standard: Option<PodSecurityLevel>,
    /// The framework whose controls are reported.
    framework: Option<Framework>,
    version: KubernetesVersion,
    settings: Settings,
    rules: RuleSet,
    custom: CustomRules,
    least: Severity,
}

/// The result of a scan or a review.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The findings, worst first; suppressed ones too.
    pub findings: Vec<Finding>,
    /// What was not evaluated, sorted.
    pub notes: Vec<Note>,
}

impl Engine {
    /// The id of the reviewed source in the locations of [`Engine::review`].
    pub const SUBJECT: SourceId = SUBJECT;

    /// An engine for this configuration. `key` makes fingerprints of secrets that nobody else can
    /// compute; without one, guessable secrets have none.
    ///
    /// # Errors
    ///
    /// If a file that the configuration names cannot be read, or a rule in it does not compile.
    pub fn new(mut config: Config, key: Option<&[u8]>) -> Result<Self, ScanError> {
        let custom = CustomRules::new(&config)?;
        let detector = detector(&config, key)?;
        if !config.select.is_empty() {
            // A user who writes a rule wants it to run.
            config.select.extend(custom.rules().map(|meta| meta.id.to_string()));
        }
        let version = config.kubernetes_version.unwrap_or_default();
        let custom_ids = custom.rules().map(|meta| meta.id.clone()).collect::<Vec<_>>();
        let (standard, framework) = match config.standard {
            Some(Standard::PodSecurity(level)) => (Some(level), None),
            Some(Standard::Framework(framework)) => (None, Some(framework)),
            None => (None, None),
        };
        let rules = match framework {
            Some(framework) => {
                RuleSet::matching(|rule| coaming_rules::compliance::is_part(rule.meta, framework))
            }
            None => RuleSet::configured(&config),
        };
        Ok(Self {
            standard,
            framework,
            version,
            rules: rules.with_custom(custom_ids),
            custom,
            least: config.min_severity.unwrap_or(Severity::Low),
            settings: Settings {
                kubernetes_minor: version.minor(),
                config,
                edits: true,
                detector,
                generated_secrets: None,
            },
        })
    }

    /// The same engine without the edits of fixes, which are most of a finding's cost: for a report
    /// that shows only their titles.
    #[must_use]
    pub fn without_edits(mut self) -> Self {
        self.settings.edits = false;
        self
    }

    /// Says which files become Secrets, and under which keys, for worlds that each hold only a part
    /// of all files.
    #[must_use]
    pub fn with_generated_secrets(mut self, keys: BTreeMap<String, String>) -> Self {
        self.settings.generated_secrets = Some(keys);
        self
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.settings.config
    }

    /// The rules that run.
    #[must_use]
    pub fn rules(&self) -> Vec<RuleRef> {
        match self.standard {
            Some(level) => vec![coaming_rules::standard_rule(level).into()],
            None => {
                let built_in = self.rules.rules().iter().map(|rule| RuleRef::from(rule.meta));
                let custom = self.custom.rules().map(|meta| RuleRef::from(Arc::clone(meta)));
                built_in.chain(custom).collect()
            }
        }
    }

    /// Whether there are rules about requests ([`Engine::is_about_requests`]).
    #[must_use]
    pub fn judges_requests(&self) -> bool {
        self.custom.of_requests().next().is_some()
    }

    /// Whether a rule of the user's own is about requests: it reads the object before an update, or
    /// who asks.
    #[must_use]
    pub fn is_about_requests(&self, rule: &RuleRef) -> bool {
        self.custom.of_requests().any(|meta| meta.id == rule.id)
    }

    /// The rules that the user's configuration defines.
    pub fn own_rules(&self) -> impl Iterator<Item = RuleRef> {
        self.custom.rules().map(|meta| RuleRef::from(Arc::clone(meta)))
    }

    /// Whether what is in images makes a difference: the Pod Security Standards do not know images.
    #[must_use]
    pub fn reads_images(&self) -> bool {
        self.standard.is_none()
    }

    /// Whether known vulnerabilities make a difference.
    #[must_use]
    pub fn reads_vulnerabilities(&self) -> bool {
        let is_it = |rule: &&coaming_rules::Rule| rule.meta.id == *VULNERABILITIES;
        self.reads_images() && self.rules.rules().iter().copied().any(|rule| is_it(&rule))
    }

    /// What keeps the rule about signatures from judging any image, if the user asks for this rule.
    #[must_use]
    pub fn missing_signers(&self) -> Option<&'static str> {
        let config = self.config();
        let is_asked_for = config.select.iter().any(|name| name == UNSIGNED);
        (is_asked_for && self.reads_images() && config.signatures.is_empty()).then_some(
            "`image-unsigned` judges no image: `images.signatures` in coaming.yaml names no keys and \
             no identities",
        )
    }

    /// The user's own rules for kinds that neither Kubernetes nor any of these worlds has: they would
    /// never run.
    #[must_use]
    pub fn unknown_kinds(&self, variants: &[VariantWorld]) -> Vec<InputError> {
        let mut worlds = variants.iter().map(|variant| self.custom.unknown_kinds(&variant.world));
        let mut errors = worlds.next().unwrap_or_default();
        // What one world has is known.
        for others in worlds {
            errors.retain(|error| others.iter().any(|other| other == error));
        }
        errors
    }

    /// Judges everything in a world, in parallel. What has expired `today` does not count.
    #[must_use]
    pub fn scan(&self, world: &World, images: &Images, today: Option<Date>) -> Report {
        self.scan_knowing(world, images, today, &Knowledge::default())
    }

    /// The same, with what the engines know about the world: what the rules need of it is worked out
    /// there, and is not worked out again for the next caller.
    #[must_use]
    pub fn scan_knowing(
        &self,
        world: &World,
        images: &Images,
        today: Option<Date>,
        known: &Knowledge,
    ) -> Report {
        let mut notes = notes::of(world);
        let mut findings = match self.standard {
            Some(level) => coaming_rules::run_standard(world, level, self.version),
            None => {
                let known = Some(known);
                let input = Input { world, images, settings: &self.settings, today, known };
                let (mut others, unknown) = self.by_definitions(world, None);
                others.extend(self.custom.run(world));
                notes.extend(notes::unknown_rules(unknown));
                notes.sort();
                coaming_rules::run(input, &self.rules, others)
            }
        };
        coaming_rules::settle(world, &mut findings);
        if coaming_rules::relocate(world, &mut findings) {
            coaming_rules::put_in_order(&mut findings);
        }
        Report { notes, ..self.report(findings) }
    }

    /// The custom resources that break rules of their definitions, if the rule about that runs, and how
    /// many rules could not be compiled.
    fn by_definitions(&self, world: &World, only: Option<SourceId>) -> (Vec<Finding>, usize) {
        let rule = self.rules.rules().iter().find(|rule| rule.meta.id == *INVALID_VALUE);
        rule.map_or_else(Default::default, |rule| by_definitions(world, rule.meta, only))
    }

    /// Judges what is in one source (the object of an admission review, an editor's buffer), which
    /// `world` need not hold, as if it were created now. Runs on the calling thread, and reads of the
    /// world only what the object refers to and what refers to it. Findings are in the source
    /// [`Engine::SUBJECT`].
    ///
    /// Rules that report the absence of other objects (a policy that selects no pods) are left out:
    /// these objects may be created next.
    #[must_use]
    pub fn review(
        &self,
        world: &World,
        images: &Images,
        subject: &Arc<Source>,
        today: Option<Date>,
    ) -> Report {
        self.review_request(world, images, subject, today, None)
    }

    /// The same for a request to an API server, which the rules of the user's own may be about.
    #[must_use]
    pub fn review_request(
        &self,
        world: &World,
        images: &Images,
        subject: &Arc<Source>,
        today: Option<Date>,
        request: Option<ApiRequest<'_>>,
    ) -> Report {
        let small = neighborhood::of(world, subject);
        let findings = match self.standard {
            Some(level) => coaming_rules::review_standard(&small, SUBJECT, level, self.version),
            None => {
                let settings = &self.settings;
                let input = Input { world: &small, images, settings, today, known: None };
                let mut custom = self.custom.review(&small, SUBJECT, request);
                custom.extend(self.by_definitions(&small, Some(SUBJECT)).0);
                coaming_rules::review(input, &self.rules, SUBJECT, custom)
            }
        };
        self.report(findings)
    }

    /// What the findings of these worlds say about the controls of the framework, if the engine is
    /// restricted to one.
    #[must_use]
    pub fn compliance(
        &self,
        variants: &[VariantWorld],
        images: &Images,
        findings: &[Finding],
    ) -> Option<Compliance> {
        self.framework.map(|framework| compliance::of(framework, variants, images, findings))
    }

    fn report(&self, mut findings: Vec<Finding>) -> Report {
        findings.retain(|finding| finding.severity >= self.least);
        Report { findings, notes: Vec::new() }
    }
}

/// What recognizes credentials, with the user's own rules and key; `None` where there are none.
fn detector(config: &Config, key: Option<&[u8]>) -> Result<Option<Arc<Detector>>, ScanError> {
    if key.is_none() && config.secret_rules.is_none() {
        return Ok(None);
    }
    let mut detector = Detector::new(key.map_or_else(FingerprintKey::default, FingerprintKey::new));
    if let Some(path) = &config.secret_rules {
        let path = Path::new(path);
        let rules = coaming_secret::gitleaks::parse(&read_settings(path)?)
            .map_err(|source| ScanError::SecretRules { path: path.to_path_buf(), source })?;
        detector = detector.with_rules(rules);
    }
    Ok(Some(Arc::new(detector)))
}

/// All built-in rules: those for objects, then those of other commands.
pub fn all_rules() -> impl Iterator<Item = &'static RuleMeta> {
    let of_objects = coaming_rules::all().iter().map(|rule| rule.meta);
    of_objects.chain(coaming_etcd::RULES.iter().copied())
}
