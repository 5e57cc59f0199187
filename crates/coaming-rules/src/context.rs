//! The input of rules, and the builder of their findings.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use coaming_access::Access;
use coaming_config::Config;
use coaming_finding::{
    Applicability, Confidence, DocumentEdits, Finding, Fix, Location, ObjectRef, RuleId, RuleMeta,
    Severity,
};
use coaming_image::ImageFacts;
use coaming_kube::schema::Definitions;
use coaming_kube::{Fields as _, Object, ObjectId, Origin, Service, Workload, World};
use coaming_network::{PolicyProblem, Reach};
use coaming_secret::Detector;
use coaming_yaml::edit::Edit;
use coaming_yaml::{Node, Span};

use time::Date;

use crate::rule::BuiltIn;
use crate::suppress::Suppressions;
use crate::{ContainerScope, Images, Input, Knowledge};

/// The newest Kubernetes minor version that the rules know.
pub(crate) const NEWEST_MINOR: u32 = 37;

/// The user's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The cluster's version, 1.`minor`.
    pub kubernetes_minor: u32,
    /// The configuration: which rules run where, and what is suppressed.
    pub config: Config,
    /// Whether to compute the edits of fixes, which are most of a finding's cost. Titles of fixes
    /// do not need them.
    pub edits: bool,
    /// What knows credentials: the built-in detector, or one with rules of the user's own.
    pub detector: Option<Arc<Detector>>,
    /// The keys of Secrets that Kustomize makes of files, by the files' names, where the world is only
    /// a part of all files ([`crate::generated_secrets`] of the whole).
    pub generated_secrets: Option<BTreeMap<String, String>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            kubernetes_minor: NEWEST_MINOR,
            config: Config::default(),
            edits: true,
            detector: None,
            generated_secrets: None,
        }
    }
}

/// Objects with workloads, each with its position in the world, by the namespace and the name of the
/// account that they run with.
type ByAccount = HashMap<String, HashMap<String, Vec<(usize, ObjectId)>>>;

/// Objects with workloads by their namespace and each label of their pods, in the order of the world.
type ByLabel = HashMap<String, Vec<ObjectId>>;

fn label_key(namespace: &str, (key, value): (&str, &str)) -> String {
    format!("{namespace}/{key}={value}")
}

/// The input of rules.
#[derive(Debug)]
pub struct Context<'a> {
    /// The objects.
    pub world: &'a World,
    /// What is known of the images that they run.
    pub images: &'a Images,
    /// The user's settings.
    pub settings: &'a Settings,
    /// Today, to know what has expired; nothing expires without.
    pub today: Option<Date>,
    enabled: &'a BTreeSet<RuleId>,
    shared: Option<&'a Knowledge>,
    own: Knowledge,
    by_account: OnceLock<ByAccount>,
    by_label: OnceLock<ByLabel>,
    policy_problems: OnceLock<Vec<PolicyProblem>>,
    definitions: OnceLock<Definitions>,
    suppressions: OnceLock<Suppressions>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(input: Input<'a>, enabled: &'a BTreeSet<RuleId>) -> Self {
        Self {
            world: input.world,
            images: input.images,
            settings: input.settings,
            today: input.today,
            enabled,
            shared: input.known,
            own: Knowledge::default(),
            by_account: OnceLock::new(),
            by_label: OnceLock::new(),
            policy_problems: OnceLock::new(),
            definitions: OnceLock::new(),
            suppressions: OnceLock::new(),
        }
    }

    /// Whether this rule runs too: another one then leaves to it what it reports.
    #[must_use]
    pub(crate) fn enabled<R: BuiltIn>(&self) -> bool {
        self.enabled.contains(&R::RULE.id)
    }

    /// Whether an API server has set every default of an object: it is in a live cluster, or reviewed
    /// on its way there.
    pub(crate) fn has_defaults(&self, object: Object<'_>) -> bool {
        let source = self.world.source(object.source());
        source.is_some_and(|source| matches!(source.origin, Origin::Cluster | Origin::Memory))
    }

    /// What knows credentials.
    pub(crate) fn detector(&self) -> &Detector {
        self.settings.detector.as_deref().unwrap_or_else(|| coaming_secret::detector())
    }

    /// What is known of a container's image.
    pub(crate) fn image_facts(&self, scope: ContainerScope<'_>) -> Option<&'a ImageFacts> {
        self.images.get(scope.image()?)
    }

    /// Where a container names its image.
    pub(crate) fn image_node<'n>(&self, scope: ContainerScope<'n>) -> Node<'n> {
        scope.container.node().field("image").unwrap_or(scope.container.node())
    }

    fn known(&self) -> &Knowledge {
        self.shared.unwrap_or(&self.own)
    }

    /// The roles and bindings, read once for all rules that ask.
    pub(crate) fn access(&self) -> &Access {
        self.known().access(self.world)
    }

    /// The objects with workloads that run with one of these accounts, in the order of the world.
    pub(crate) fn objects_with_accounts(&self, accounts: &BTreeSet<(&str, &str)>) -> Vec<ObjectId> {
        let by_account = self.by_account.get_or_init(|| {
            let mut found = ByAccount::new();
            for (position, workload) in self.world.workloads().enumerate() {
                let of_namespace =
                    found.entry(workload.object.namespace_or_default().to_owned()).or_default();
                let account = workload.pod().service_account_name().to_owned();
                of_namespace.entry(account).or_default().push((position, workload.object.id));
            }
            found
        });
        let of_account = |(namespace, name): &(&str, &str)| by_account.get(*namespace)?.get(*name);
        let mut objects: Vec<(usize, ObjectId)> =
            accounts.iter().filter_map(of_account).flatten().copied().collect();
        objects.sort_unstable_by_key(|(position, _)| *position);
        objects.dedup_by_key(|(_, object)| *object);
        objects.into_iter().map(|(_, object)| object).collect()
    }

    /// The workloads whose pods a Service selects, in the order of the world.
    pub(crate) fn workloads_behind(
        &self,
        service: Service<'a>,
    ) -> impl Iterator<Item = Workload<'a>> {
        let by_label = self.by_label.get_or_init(|| {
            let mut found = ByLabel::new();
            for workload in self.world.workloads() {
                let namespace = workload.object.namespace_or_default();
                for label in workload.pod_labels() {
                    let objects = found.entry(label_key(namespace, label)).or_default();
                    // One object may have several pods.
                    if objects.last() != Some(&workload.object.id) {
                        objects.push(workload.object.id);
                    }
                }
            }
            found
        });
        let namespace = service.object.namespace_or_default();
        // One label is enough to find few of them.
        let label = service.selector().first().copied();
        let objects = label.and_then(|label| by_label.get(&label_key(namespace, label)));
        let objects: Vec<ObjectId> = objects.cloned().unwrap_or_default();
        let world = self.world;
        objects
            .into_iter()
            .filter_map(|id| world.object(id))
            .flat_map(|object| world.workloads_of(object))
            .filter(move |workload| service.selects(&workload.pod_labels()))
    }

    /// The custom resource definitions in the world, found once for all objects.
    pub(crate) fn definitions(&self) -> &Definitions {
        self.definitions.get_or_init(|| Definitions::of(self.world))
    }

    /// Who can reach whom, worked out once for all rules that ask.
    pub(crate) fn reach(&self) -> &Reach {
        self.known().reach(self.world)
    }

    /// What is wrong with the network policies, found once for all rules that speak of them.
    pub(crate) fn policy_problems(&self) -> &[PolicyProblem] {
        self.policy_problems.get_or_init(|| {
            let mut found = coaming_network::policy_findings(self.reach());
            found.extend(coaming_network::broken_routes(self.world));
            found
        })
    }

    /// The user's suppressions, read once.
    pub(crate) fn suppressions(&self) -> &Suppressions {
        self.suppressions.get_or_init(|| Suppressions::of(self.world, self.settings, self.today))
    }

    /// Whether the user suppresses a rule here: a finding that joins several places is about the
    /// others, and this one gets a finding of its own, which is suppressed.
    pub(crate) fn is_suppressed(
        &self,
        rule: &'static RuleMeta,
        object: Object<'a>,
        node: Node<'a>,
    ) -> bool {
        let finding = self.finding(rule, object, node, "").done();
        self.suppressions().hold(self.world, self.settings, &finding)
    }

    /// A finding about an object, at one of its nodes.
    pub(crate) fn finding(
        &self,
        rule: &'static RuleMeta,
        object: Object<'a>,
        node: Node<'a>,
        message: impl Into<String>,
    ) -> Draft<'a> {
        let finding = Finding {
            rule: rule.into(),
            severity: rule.severity,
            confidence: Confidence::High,
            message: message.into(),
            why: Cow::Borrowed(""),
            help: Cow::Borrowed(""),
            object: Some(object_ref(object)),
            container: None,
            // Most findings have one place, and there are many findings.
            locations: Vec::with_capacity(1),
            fix: None,
            suppressed: None,
            variants: Vec::new(),
            commit: None,
            verification: None,
            way: None,
        };
        let has_spans = has_spans(self.world, object);
        Draft { finding, object, has_spans }.at(node, "")
    }

    /// A finding about a container, at one of its nodes.
    pub(crate) fn container_finding(
        &self,
        rule: &'static RuleMeta,
        scope: ContainerScope<'a>,
        node: Node<'a>,
        message: impl Into<String>,
    ) -> Draft<'a> {
        let mut draft = self.finding(rule, scope.workload.object, node, message);
        draft.finding.container = Some(scope.container.name().to_owned());
        draft
    }
}

/// Whether positions in an object's text are those of a file that the user sees.
pub(crate) fn has_spans(world: &World, object: Object<'_>) -> bool {
    world.source(object.source()).is_some_and(|source| source.has_positions())
}

pub(crate) fn object_ref(object: Object<'_>) -> ObjectRef {
    ObjectRef {
        api_version: object.api_version().to_owned(),
        kind: object.kind().to_owned(),
        namespace: object.namespace().to_owned(),
        name: object.name().to_owned(),
    }
}

/// A builder of a finding.
pub(crate) struct Draft<'a> {
    finding: Finding,
    object: Object<'a>,
    /// Whether positions in the object's text are those of a file that the user sees.
    has_spans: bool,
}

impl<'a> Draft<'a> {
    /// Points to one more place of the same object.
    pub(crate) fn at(self, node: Node<'a>, label: impl Into<String>) -> Self {
        let (object, has_spans) = (self.object, self.has_spans);
        self.add(object, node, label.into(), has_spans)
    }

    /// Points to a place of another object.
    pub(crate) fn also(
        self,
        context: &Context<'_>,
        object: Object<'_>,
        node: Node<'_>,
        label: impl Into<String>,
    ) -> Self {
        let has_spans = has_spans(context.world, object);
        self.add(object, node, label.into(), has_spans)
    }

    fn add(mut self, object: Object<'_>, node: Node<'_>, label: String, has_spans: bool) -> Self {
        self.finding.locations.push(Location {
            source: Some(object.source()),
            path: node.path(),
            span: if has_spans { telling_span(node) } else { None },
            label,
        });
        self
    }

    /// Points to this part of the node's text, where that is known.
    pub(crate) fn span(mut self, span: Option<Span>) -> Self {
        if let (Some(location), Some(span), true) =
            (self.finding.locations.last_mut(), span, self.has_spans)
        {
            location.span = Some(span);
        }
        self
    }

    /// The container it is about, where it is in one.
    pub(crate) fn container(mut self, name: Option<&str>) -> Self {
        self.finding.container = name.map(str::to_owned);
        self
    }

    /// What an attacker does with it: one or two sentences.
    pub(crate) fn why(mut self, why: impl Into<Cow<'static, str>>) -> Self {
        self.finding.why = why.into();
        self
    }

    /// What to do about it: one or two sentences in the imperative.
    pub(crate) fn help(mut self, help: impl Into<Cow<'static, str>>) -> Self {
        self.finding.help = help.into();
        self
    }

    pub(crate) fn severity(mut self, severity: Severity) -> Self {
        self.finding.severity = severity;
        self
    }

    pub(crate) fn confidence(mut self, confidence: Confidence) -> Self {
        self.finding.confidence = confidence;
        self
    }

    /// A repair by edits to the object's document.
    pub(crate) fn fix(
        self,
        title: impl Into<String>,
        applicability: Applicability,
        edits: Vec<Edit>,
    ) -> Self {
        let edits = vec![self.edits(edits)];
        self.fix_all(title, applicability, edits)
    }

    /// A repair by edits to several documents.
    pub(crate) fn fix_all(
        mut self,
        title: impl Into<String>,
        applicability: Applicability,
        edits: Vec<DocumentEdits>,
    ) -> Self {
        let title = title.into();
        self.finding.fix = Some(Fix {
            title,
            applicability,
            edits,
            file_edits: Vec::new(),
            snippet: String::new(),
        });
        self
    }

    /// A repair that only a person can make.
    pub(crate) fn manual(mut self, title: impl Into<String>, snippet: impl Into<String>) -> Self {
        self.finding.fix = Some(Fix::manual(title, snippet));
        self
    }

    fn edits(&self, edits: Vec<Edit>) -> DocumentEdits {
        document_edits(self.object, edits)
    }

    /// The finished finding.
    pub(crate) fn done(self) -> Finding {
        self.finding
    }
}

/// Edits to the document that contains an object.
pub(crate) fn document_edits(object: Object<'_>, edits: Vec<Edit>) -> DocumentEdits {
    DocumentEdits { source: object.source(), document: object.document, edits }
}

/// The text to show for a node: of a field with a simple value, the key as well.
fn telling_span(node: Node<'_>) -> Option<Span> {
    let span = node.span()?;
    if node.is_mapping() || node.is_sequence() || node.alias().is_some() {
        return Some(span);
    }
    let key = node
        .parent()
        .and_then(|parent| parent.entries().find(|entry| entry.value == node))
        .and_then(|entry| entry.key.span());
    Some(key.map_or(span, |key| Span::new(key.start.min(span.start), span.end)))
}
