//! The Pod Security Standards as findings: with `--standard`, they run instead of the rules.

use coaming_finding::{Category, Finding, Lifecycle, RuleId, RuleMeta, Severity, Standard};
use coaming_kube::{SourceId, Workload, World};
use rayon::prelude::*;

use crate::pss::{self, Level, Version, Violation};
use crate::rules::phrases;
use crate::{Context, Input, Settings};

/// The description of `--standard baseline`.
static BASELINE: RuleMeta = RuleMeta {
    id: RuleId::new("pod-security-baseline"),
    summary: std::borrow::Cow::Borrowed("Pod violates the Pod Security Standard `baseline`"),
    category: Category::SecurityContext,
    severity: Severity::High,
    default: false,
    since: "0.1.0",
    lifecycle: Lifecycle::Stable,
    standards: &[Standard::PssBaseline("all controls")],
    docs: std::borrow::Cow::Borrowed(DOCS),
};

/// The description of `--standard restricted`.
static RESTRICTED: RuleMeta = RuleMeta {
    id: RuleId::new("pod-security-restricted"),
    summary: std::borrow::Cow::Borrowed("Pod violates the Pod Security Standard `restricted`"),
    category: Category::SecurityContext,
    severity: Severity::Medium,
    default: false,
    since: "0.1.0",
    lifecycle: Lifecycle::Stable,
    standards: &[Standard::PssRestricted("all controls")],
    docs: std::borrow::Cow::Borrowed(DOCS),
};

const DOCS: &str = " ## What it looks for\n\n Pods that violate a Pod Security Standard, judged exactly \
    as Pod Security admission of Kubernetes judges them in the chosen version. Run it with \
    `coaming scan --standard baseline` or `--standard restricted`, and choose the version of the \
    policy with `--kubernetes-version 1.N`.\n\n ## Why it matters\n\n A namespace that enforces \
    the standard rejects the pod. It is better to know before the rollout.\n\n ## Fix\n\n Make \
    the change that the finding names; most of them are available with `coaming fix --unsafe`.\n";

/// Judges every pod by a standard, with one finding for each control and place.
#[must_use]
pub fn run_standard(world: &World, level: Level, version: Version) -> Vec<Finding> {
    let settings = Settings { kubernetes_minor: version.minor(), ..Settings::default() };
    let images = crate::Images::default();
    let enabled = std::collections::BTreeSet::new();
    let context = Context::new(Input::new(world, &images, &settings), &enabled);
    let workloads: Vec<_> = world.workloads().collect();
    let mut findings: Vec<Finding> = workloads
        .into_par_iter()
        .flat_map_iter(|workload| of_workload(&context, workload, level, version))
        .collect();
    crate::engine::put_in_order(&mut findings);
    findings
}

/// Judges the pods of one source by a standard, on the calling thread.
#[must_use]
pub fn review_standard(
    world: &World,
    subject: SourceId,
    level: Level,
    version: Version,
) -> Vec<Finding> {
    let settings = Settings { kubernetes_minor: version.minor(), ..Settings::default() };
    let (images, enabled) = (crate::Images::default(), std::collections::BTreeSet::new());
    let context = Context::new(Input::new(world, &images, &settings), &enabled);
    let workloads = world.objects_in(subject).flat_map(|object| world.workloads_of(object));
    let mut findings: Vec<Finding> =
        workloads.flat_map(|workload| of_workload(&context, workload, level, version)).collect();
    findings.sort_by(|a, b| a.rank().cmp(&b.rank()));
    findings
}

fn of_workload(
    context: &Context<'_>,
    workload: Workload<'_>,
    level: Level,
    version: Version,
) -> Vec<Finding> {
    let violations = pss::check(workload.pod(), level, version);
    let found = violations
        .into_iter()
        .map(|violation| finding(context, workload, level, version, violation));
    found.collect()
}

/// A standard's description, as a rule.
#[must_use]
pub fn standard_rule(level: Level) -> &'static RuleMeta {
    match level {
        Level::Baseline => &BASELINE,
        Level::Restricted => &RESTRICTED,
    }
}

fn finding(
    context: &Context<'_>,
    workload: Workload<'_>,
    level: Level,
    version: Version,
    violation: Violation<'_>,
) -> Finding {
    let message = format!(
        "{} violates `{level}` ({version}): {}",
        phrases::object(workload.object),
        violation.reason,
    );
    let first = violation.places.first().map_or(workload.pod().node(), |place| place.node);
    let mut draft = context.finding(standard_rule(level), workload.object, first, message);
    draft = draft
        .why(format!("A namespace that enforces the standard `{level}` rejects the pod."))
        .help(format!("{}.", phrases::sentence(&violation.remedy)));
    for place in violation.places.iter().skip(1) {
        draft = draft.at(place.node, "");
    }
    draft = if violation.edits.is_empty() {
        draft.manual(violation.remedy.clone(), violation.remedy.clone())
    } else {
        let applicability = violation.applicability();
        draft.fix(violation.remedy.clone(), applicability, violation.edits)
    };
    let mut finding = draft.done();
    finding.container = violation.container.map(str::to_owned);
    finding
}
