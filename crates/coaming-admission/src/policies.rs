//! All policies of a cluster, made ready: which engine judges a namespace, and how strictly.
//!
//! A value never changes; a change of a policy is a new value. Engines are shared between values and
//! between namespaces with the same configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use coaming_config::Config;
use coaming_finding::{Finding, RuleRef, Severity};
use coaming_scan::Engine;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use time::Date;

use crate::exemption::{self, Answer, Compiled};
use crate::policy::check_rules;
use crate::{Mode, PolicyError, PolicySpec, RuleMode, User};

/// The mode where no policy and no label says one: visible, and never in the way.
const DEFAULT_MODE: Mode = Mode::Warn;

/// Rules that only another object can satisfy, which may be created next. A policy that names them
/// can still enforce them.
const ABOUT_OTHERS: &[&str] = &["no-egress-policy", "no-ingress-policy"];

/// What is never in the way of the cluster itself.
#[derive(Clone, Debug)]
pub struct Guard {
    /// Namespaces in which nothing is judged.
    pub excluded_namespaces: BTreeSet<String>,
    /// Users whose pods are copies of what was judged before: the controllers of Kubernetes. What
    /// they make is recorded and never refused, so that a workload from before a policy can still
    /// be scaled and moved to other nodes.
    pub controllers: BTreeSet<String>,
    /// Whether registries may be asked for what policies want to know of images. Who writes a
    /// policy decides which hosts are asked, and so the owner of the server decides whether any is.
    pub may_ask_registries: bool,
}

impl Default for Guard {
    fn default() -> Self {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let of_kube_system =
            |controller: &str| format!("system:serviceaccount:kube-system:{controller}-controller");
        let controllers =
            ["cronjob", "daemon-set", "deployment", "job", "replicaset", "statefulset"];
        let mut users: BTreeSet<String> = controllers.into_iter().map(of_kube_system).collect();
        users.insert(of_kube_system("replication"));
        // Without credentials of their own, all controllers share one user.
        users.insert("system:kube-controller-manager".to_owned());
        Self {
            excluded_namespaces: names(&["kube-node-lease", "kube-system"]),
            controllers: users,
            may_ask_registries: false,
        }
    }
}

impl Guard {
    /// Whether what this user makes for an owner is a copy. Nodes make the mirror pods of static
    /// pods, which run whether or not their mirror is refused.
    pub(crate) fn is_controller(&self, user: &User) -> bool {
        self.controllers.contains(&user.username)
            || user.groups.iter().any(|group| group == "system:nodes")
    }
}

/// The policy of the whole cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterPolicy {
    /// Modes and exemptions.
    pub spec: PolicySpec,
    /// The text of `coaming.yaml`; `None` for the defaults.
    pub configuration: Option<String>,
}

/// The name of a `CoamingPolicy`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyName {
    /// The namespace, which is also what the policy is about.
    pub namespace: String,
    /// The name in it.
    pub name: String,
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// All policies, ready to judge by.
#[derive(Debug)]
pub struct Policies {
    /// What is never in the way of the cluster itself.
    pub guard: Guard,
    cluster: Layer,
    namespaces: BTreeMap<String, Layer>,
    /// By the text of their configuration.
    engines: BTreeMap<String, Arc<Engines>>,
    hash: String,
}

/// One configuration, made ready.
#[derive(Debug)]
struct Engines {
    /// For verdicts: findings without edits.
    judge: Arc<Engine>,
    /// For mutations.
    fixer: Engine,
}

/// The settings of one namespace.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    engines: Arc<Engines>,
    mode: Option<Mode>,
    rules: Vec<RuleMode>,
    /// The least severity that is refused.
    enforce_severity: Severity,
    exemptions: Vec<Compiled>,
    /// Whether safe fixes are applied.
    pub(crate) mutate: bool,
    /// Whether tags are replaced by digests.
    pub(crate) digests: bool,
    /// Whether annotations suppress findings.
    pub(crate) accept_annotations: bool,
}

impl Layer {
    /// The engine for verdicts.
    pub(crate) fn judge(&self) -> &Engine {
        &self.engines.judge
    }

    /// The engine for mutations.
    pub(crate) fn fixer(&self) -> &Engine {
        &self.engines.fixer
    }

    /// The strictest mode of a finding.
    pub(crate) fn limit(&self, finding: &Finding) -> Mode {
        let rule = &finding.rule;
        let is_about =
            |entry: &&RuleMode| entry.rules.iter().any(|name| coaming_config::names(name, rule));
        let default =
            if ABOUT_OTHERS.contains(&rule.id.as_str()) { Mode::Warn } else { Mode::Enforce };
        let of_rule = self.rules.iter().rev().find(is_about).map_or(default, |entry| entry.mode);
        let is_minor = finding.severity < self.enforce_severity;
        let by_severity = if is_minor && self.judge().config().standard.is_none() {
            Mode::Warn
        } else {
            Mode::Enforce
        };
        of_rule.min(by_severity)
    }

    /// What exemptions say about a finding in an object.
    pub(crate) fn exemption(
        &self,
        finding: &Finding,
        object: (&str, &str, &str),
        today: Option<Date>,
    ) -> Answer {
        exemption::answer(&self.exemptions, finding, object, today)
    }
}

impl Policies {
    /// Makes policies ready. A policy of a namespace that cannot be used is left out, and its error
    /// is returned beside the rest. `previous` saves the work for what has not changed.
    ///
    /// # Errors
    ///
    /// The cluster's policy cannot be used.
    pub fn new(
        guard: Guard,
        cluster: &ClusterPolicy,
        policies: &BTreeMap<PolicyName, PolicySpec>,
        previous: Option<&Self>,
    ) -> Result<(Self, BTreeMap<PolicyName, PolicyError>), PolicyError> {
        let mut engines = EngineCache { known: previous, made: BTreeMap::new() };
        check_digests(&guard, &cluster.spec)?;
        let cluster_layer = cluster_layer(cluster, &mut engines)?;
        let mut namespaces: BTreeMap<String, Layer> = BTreeMap::new();
        let mut configured: BTreeMap<&str, &str> = BTreeMap::new();
        let mut errors = BTreeMap::new();
        for (name, spec) in policies {
            let before = namespaces.get(&name.namespace).unwrap_or(&cluster_layer);
            let other = configured.get(name.namespace.as_str()).copied();
            let layer = check_digests(&guard, spec)
                .and_then(|()| namespace_layer(before, spec, other, &mut engines));
            match layer {
                Ok(layer) => {
                    namespaces.insert(name.namespace.clone(), layer);
                    if spec.configuration.is_some() {
                        configured.insert(&name.namespace, &name.name);
                    }
                }
                Err(error) => {
                    errors.insert(name.clone(), error);
                }
            }
        }
        let used = policies.iter().filter(|(name, _)| !errors.contains_key(name));
        let hash = hash(cluster, used);
        let engines = engines.made;
        Ok((Self { guard, cluster: cluster_layer, namespaces, engines, hash }, errors))
    }

    /// The default: every default rule, as warnings.
    ///
    /// # Errors
    ///
    /// None in practice: the default configuration is valid.
    pub fn defaults(guard: Guard) -> Result<Self, PolicyError> {
        let none = BTreeMap::new();
        Self::new(guard, &ClusterPolicy::default(), &none, None).map(|(policies, _)| policies)
    }

    /// Identifies the content of all policies: 12 hexadecimal digits.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The engine for verdicts of the cluster's own configuration.
    #[must_use]
    pub fn cluster_engine(&self) -> Arc<Engine> {
        Arc::clone(&self.cluster.engines.judge)
    }

    /// The settings of a namespace; for objects in none, those of the cluster.
    pub(crate) fn layer(&self, namespace: &str) -> &Layer {
        self.namespaces.get(namespace).unwrap_or(&self.cluster)
    }

    /// The mode of a namespace, whose label may say another.
    pub(crate) fn mode(&self, namespace: &str, label: Option<Mode>) -> Mode {
        label.or(self.layer(namespace).mode).or(self.cluster.mode).unwrap_or(DEFAULT_MODE)
    }
}

/// Engines, each made once.
struct EngineCache<'p> {
    known: Option<&'p Policies>,
    made: BTreeMap<String, Arc<Engines>>,
}

impl EngineCache<'_> {
    fn get(&mut self, name: &str, text: &str) -> Result<Arc<Engines>, PolicyError> {
        let known = self.known.and_then(|policies| policies.engines.get(text));
        if let Some(engines) = self.made.get(text).or(known).map(Arc::clone) {
            self.made.insert(text.to_owned(), Arc::clone(&engines));
            return Ok(engines);
        }
        let failed = |error: coaming_scan::ScanError| PolicyError::Configuration(error.to_string());
        let config = coaming_scan::parse_config(Path::new(name), text).map_err(failed)?;
        check_files(&config, name)?;
        let judge = Engine::new(config.clone(), None).map_err(failed)?.without_edits();
        let fixer = Engine::new(config, None).map_err(failed)?;
        let engines = Arc::new(Engines { judge: Arc::new(judge), fixer });
        self.made.insert(text.to_owned(), Arc::clone(&engines));
        Ok(engines)
    }
}

/// Fails where a configuration names files: those of the server are not for who writes a policy.
fn check_files(config: &Config, name: &str) -> Result<(), PolicyError> {
    let named = [
        ("policies", !config.policies.is_empty()),
        ("releases", !config.releases.is_empty()),
        ("secrets", config.secret_rules.is_some()),
        ("images", !config.image_archives.is_empty()),
        ("images.signatures", !config.signatures.is_empty()),
        ("registries.ca", !config.registry_access.ca.is_empty()),
        ("vulnerabilities.database", config.vulnerabilities.database.is_some()),
        ("vulnerabilities.vex", !config.vulnerabilities.vex.is_empty()),
    ];
    match named.into_iter().find(|(_, is_named)| *is_named) {
        None => Ok(()),
        Some((key, _)) => Err(PolicyError::invalid(
            format!("{name}: {key}"),
            "names files, which a policy in the cluster cannot",
        )),
    }
}

/// Fails where a policy wants digests from a server that may not ask registries.
fn check_digests(guard: &Guard, spec: &PolicySpec) -> Result<(), PolicyError> {
    if spec.digests != Some(true) || guard.may_ask_registries {
        return Ok(());
    }
    Err(PolicyError::invalid(
        "digests",
        "the server may not ask registries: start it with `--ask-registries` \
         (`registries.ask: true` in the chart)",
    ))
}

fn cluster_layer(
    cluster: &ClusterPolicy,
    engines: &mut EngineCache<'_>,
) -> Result<Layer, PolicyError> {
    let spec = &cluster.spec;
    if spec.configuration.is_some() {
        return Err(PolicyError::invalid(
            "configuration",
            "the cluster's is the key `coaming.yaml` of the ConfigMap",
        ));
    }
    let text = cluster.configuration.as_deref().unwrap_or_default();
    let empty = Layer {
        engines: engines.get(coaming_config::FILE_NAME, text)?,
        mode: None,
        rules: Vec::new(),
        enforce_severity: Severity::Low,
        exemptions: Vec::new(),
        mutate: false,
        digests: false,
        accept_annotations: false,
    };
    with_spec(empty, spec)
}

/// The settings of a namespace with one more policy; `configured` is a policy of the namespace that
/// has a configuration.
fn namespace_layer(
    before: &Layer,
    spec: &PolicySpec,
    configured: Option<&str>,
    engines: &mut EngineCache<'_>,
) -> Result<Layer, PolicyError> {
    let elsewhere = |exemption: &crate::Exemption| !exemption.namespaces.is_empty();
    if let Some(position) = spec.exemptions.iter().position(elsewhere) {
        return Err(PolicyError::invalid(
            format!("exemptions[{position}].namespaces"),
            "a policy is about its own namespace only",
        ));
    }
    let mut layer = before.clone();
    match (&spec.configuration, configured) {
        (None, _) => {}
        (Some(_), Some(other)) => {
            return Err(PolicyError::TwoConfigurations { other: other.to_owned() });
        }
        (Some(configuration), None) => {
            layer.engines = engines.get("configuration", &configuration.to_string())?;
        }
    }
    with_spec(layer, spec)
}

/// The settings with what a policy says on top.
fn with_spec(mut layer: Layer, spec: &PolicySpec) -> Result<Layer, PolicyError> {
    let own: Vec<RuleRef> = layer.judge().own_rules().collect();
    let known = |name: &str| {
        let is_named = |rule: &coaming_finding::RuleMeta| coaming_config::names(name, rule);
        own.iter().any(|rule| is_named(rule))
            || coaming_rules::all().iter().any(|rule| is_named(rule.meta))
    };
    for (position, entry) in spec.rules.iter().enumerate() {
        check_rules(&entry.rules, &format!("rules[{position}].rules"), &known)?;
        layer.rules.push(entry.clone());
    }
    for (position, exemption) in spec.exemptions.iter().enumerate() {
        let field = format!("exemptions[{position}]");
        layer.exemptions.push(Compiled::new(exemption, &field, &known)?);
    }
    layer.mode = spec.mode.or(layer.mode);
    layer.enforce_severity = spec.enforce_severity.unwrap_or(layer.enforce_severity);
    layer.mutate = spec.mutate.unwrap_or(layer.mutate);
    layer.digests = spec.digests.unwrap_or(layer.digests);
    layer.accept_annotations = spec.accept_annotations.unwrap_or(layer.accept_annotations);
    Ok(layer)
}

fn hash<'p>(
    cluster: &ClusterPolicy,
    policies: impl Iterator<Item = (&'p PolicyName, &'p PolicySpec)>,
) -> String {
    let value = |spec: &PolicySpec| serde_json::to_value(spec).unwrap_or(Value::Null);
    let mut hasher = Sha256::new();
    hasher.update(cluster.configuration.as_deref().unwrap_or_default());
    hasher.update(value(&cluster.spec).to_string());
    for (name, spec) in policies {
        hasher.update(format!("\0{name}\0{}", value(spec)));
    }
    base16ct::lower::encode_string(hasher.finalize().get(..6).unwrap_or_default())
}
