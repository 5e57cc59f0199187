//! The verdict on a request.

use std::collections::BTreeMap;
use std::sync::Arc;

use coaming_finding::Finding;
use coaming_kube::{ApiRequest, Fields as _, Source, World};
use coaming_rules::Images;
use time::Date;

use crate::exemption::Answer;
use crate::labels::{self, LabelChange};
use crate::policies::Layer;
use crate::{
    MODE_LABEL, Mode, NeededRight, Operation, Policies, Request, ReviewError, change, message,
    subject,
};

/// A finding, and what happens with it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The finding.
    pub finding: Finding,
    /// What happens with it; [`Mode::Disabled`] if an exemption accepts it.
    pub mode: Mode,
    /// The day on which the last exemption for it expired.
    pub(crate) expired: Option<Date>,
}

/// The answer to a request.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Why the request is refused; `None` if it is allowed.
    pub refusal: Option<String>,
    /// What the user is warned of.
    pub warnings: Vec<String>,
    /// What the audit log gets, by names without a prefix.
    pub audit_annotations: BTreeMap<String, String>,
    /// Everything that was found.
    pub findings: Vec<Judged>,
    /// A right that the user must have, or else the request must be refused
    /// ([`Verdict::without_right`]). Who has rights is not known here.
    pub needs: Option<NeededRight>,
}

impl Verdict {
    /// The verdict if the user does not have the right that is needed.
    #[must_use]
    pub fn without_right(self) -> Self {
        let refusal = self.needs.as_ref().map(|needed| needed.refusal.clone());
        Self { refusal: refusal.or(self.refusal), needs: None, ..self }
    }

    fn refused(refusal: String) -> Self {
        Self { refusal: Some(refusal), ..Self::default() }
    }
}

/// Judges a request by the policies and what is known of the cluster. What has expired `today` does
/// not count.
///
/// # Errors
///
/// The objects of the request are not understood.
pub fn validate(
    request: &Request,
    world: &World,
    policies: &Policies,
    today: Option<Date>,
) -> Result<Verdict, ReviewError> {
    if policies.guard.excluded_namespaces.contains(&request.namespace) {
        return Ok(Verdict::default());
    }
    if is_namespace(request) {
        return Ok(match labels::change(request)? {
            LabelChange::None => Verdict::default(),
            LabelChange::Invalid(reason) => Verdict::refused(reason),
            LabelChange::Needs(right, warnings) => {
                Verdict { needs: Some(right), warnings, ..Verdict::default() }
            }
        });
    }
    let Some(scope) = Scope::of(request, world, policies)? else { return Ok(Verdict::default()) };
    let findings = scope.findings(request, world, scope.layer.judge(), &scope.subject, today)?;
    let is_copy = policies.guard.is_controller(&request.user) && is_controlled(&scope.subject);
    let limit = if is_copy { scope.mode.min(Mode::Audit) } else { scope.mode };
    let judged = findings.into_iter().map(|finding| {
        let (mode, expired) = match scope.exemption(request, &finding, today) {
            Answer::Accepted(_) => (Mode::Disabled, None),
            Answer::Expired(date) => (limit.min(scope.layer.limit(&finding)), Some(date)),
            Answer::None => (limit.min(scope.layer.limit(&finding)), None),
        };
        Judged { finding, mode, expired }
    });
    Ok(verdict(request, judged.collect(), policies))
}

/// What a request is about, and by which settings it is judged.
pub(crate) struct Scope<'p> {
    /// The settings.
    pub(crate) layer: &'p Layer,
    /// The mode of the namespace.
    pub(crate) mode: Mode,
    /// The object as it will be.
    pub(crate) subject: Arc<Source>,
}

impl<'p> Scope<'p> {
    /// The scope of a request; `None` if it is not judged at all.
    pub(crate) fn of(
        request: &Request,
        world: &World,
        policies: &'p Policies,
    ) -> Result<Option<Self>, ReviewError> {
        let is_change = matches!(request.operation, Operation::Create | Operation::Update);
        let is_judged =
            matches!(request.subresource.as_str(), "" | "ephemeralcontainers" | "resize");
        let is_excluded = policies.guard.excluded_namespaces.contains(&request.namespace);
        if !is_change || !is_judged || is_excluded || is_namespace(request) {
            return Ok(None);
        }
        let layer = policies.layer(&request.namespace);
        let mode = policies.mode(&request.namespace, namespace_mode(world, &request.namespace));
        if mode == Mode::Disabled {
            return Ok(None);
        }
        let subject = subject::new_object(request, layer.accept_annotations)?;
        // What is being deleted only loses its finalizers.
        let is_going = |source: &Arc<Source>| {
            let root = source.documents().first().map(coaming_yaml::Document::root);
            root.mapping("metadata").string("deletionTimestamp").is_some()
        };
        Ok(subject.filter(|subject| !is_going(subject)).map(|subject| Self {
            layer,
            mode,
            subject,
        }))
    }

    /// Whether mutation leaves the object alone: its owner made it of a template and compares the two, so
    /// that a Deployment would make one ReplicaSet after another, and an operator write without end. Nobody
    /// compares pods and Jobs.
    pub(crate) fn is_compared(&self, request: &Request) -> bool {
        // Nor is a list of ephemeral containers the pod that is judged in its place.
        subject::is_debuggers(request)
            || !matches!(request.kind.as_str(), "Pod" | "Job") && is_controlled(&self.subject)
    }

    /// The findings in a state of the object that the object before the request does not have.
    pub(crate) fn findings(
        &self,
        request: &Request,
        world: &World,
        engine: &coaming_scan::Engine,
        subject: &Arc<Source>,
        today: Option<Date>,
    ) -> Result<Vec<Finding>, ReviewError> {
        let review = |source: &Arc<Source>, asked: Option<ApiRequest<'_>>| {
            let images = Images::default();
            let mut findings = engine.review_request(world, &images, source, today, asked).findings;
            findings.retain(|finding| finding.suppressed.is_none());
            findings
        };
        let is_update = request.operation == Operation::Update;
        let read_old = || subject::old_object(request, self.layer.accept_annotations);
        let old = if is_update && engine.judges_requests() { read_old()? } else { None };
        let mut findings = review(subject, Some(asked(request, old.as_deref())));
        if !is_update || findings.is_empty() {
            return Ok(findings);
        }
        let Some(old) = old.map_or_else(read_old, |old| Ok(Some(old)))? else {
            return Ok(findings);
        };
        let mut before = review(&old, None);
        // What a rule says of this request, it did not say before.
        before.retain(|finding| !engine.is_about_requests(&finding.rule));
        change::retain_new(&mut findings, subject, &before, &old);
        Ok(findings)
    }

    /// What exemptions say about a finding in the object of a request.
    pub(crate) fn exemption(
        &self,
        request: &Request,
        finding: &Finding,
        today: Option<Date>,
    ) -> Answer {
        // The name of a pod is often made by the server.
        let made = finding.object.as_ref().map_or("", |object| object.name.as_str());
        let name = if request.name.is_empty() { made } else { &request.name };
        let kind = if subject::is_debuggers(request) { "Pod" } else { &request.kind };
        self.layer.exemption(finding, (&request.namespace, kind, name), today)
    }
}

/// The request as the rules of the user's own see it.
fn asked<'r>(request: &'r Request, old: Option<&'r Source>) -> ApiRequest<'r> {
    let Request { subresource, dry_run, user, .. } = request;
    ApiRequest {
        is_update: request.operation == Operation::Update,
        old,
        subresource,
        dry_run: *dry_run,
        username: &user.username,
        uid: &user.uid,
        groups: &user.groups,
        extra: &user.extra,
    }
}

fn is_namespace(request: &Request) -> bool {
    request.group.is_empty() && request.kind == "Namespace"
}

/// The mode that a namespace's label says, if it is one.
fn namespace_mode(world: &World, namespace: &str) -> Option<Mode> {
    if namespace.is_empty() {
        return None;
    }
    let object = world.find("Namespace", "", namespace)?;
    let label = object.metadata().mapping("labels").string(MODE_LABEL)?;
    label.parse().ok()
}

/// Whether the object says that a controller made it.
fn is_controlled(subject: &Source) -> bool {
    let root = subject.documents().first().map(coaming_yaml::Document::root);
    let mut owners = root.mapping("metadata").list("ownerReferences");
    owners.any(|owner| Some(owner).boolean("controller") == Some(true))
}

fn verdict(request: &Request, findings: Vec<Judged>, policies: &Policies) -> Verdict {
    let of = |mode: Mode| findings.iter().filter(move |judged| judged.mode == mode);
    let refused: Vec<&Judged> = of(Mode::Enforce).collect();
    let refusal = (!refused.is_empty()).then(|| message::refusal(request, &refused));
    let mut audit_annotations = BTreeMap::new();
    for (name, mode) in [
        ("enforced", Mode::Enforce),
        ("warned", Mode::Warn),
        ("audited", Mode::Audit),
        ("exempted", Mode::Disabled),
    ] {
        let text = message::annotation(of(mode).map(|judged| &judged.finding));
        if !text.is_empty() {
            audit_annotations.insert(name.to_owned(), text);
        }
    }
    if !audit_annotations.is_empty() {
        audit_annotations.insert("policy".to_owned(), policies.hash().to_owned());
    }
    let warnings = message::warnings(&findings);
    Verdict { refusal, warnings, audit_annotations, findings, needs: None }
}
