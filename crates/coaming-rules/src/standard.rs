//! The Pod Security Standards as findings: what `--standard` runs, alone.

use coaming_finding::{Category, Finding, RuleMeta, Severity, Standard};
use coaming_kube::{Inventory, Workload};
use rayon::prelude::*;

use crate::pss::{self, Level, Version, Violation};
use crate::rules::words;
use crate::{Context, Settings};

/// What `--standard baseline` says of itself.
static BASELINE: RuleMeta = RuleMeta {
    name: "pod-security-baseline",
    summary: "Violates the Pod Security Standard `baseline`",
    category: Category::SecurityContext,
    severity: Severity::High,
    default: false,
    standards: &[Standard::PssBaseline("all controls")],
    docs: DOCS,
};

/// What `--standard restricted` says of itself.
static RESTRICTED: RuleMeta = RuleMeta {
    name: "pod-security-restricted",
    summary: "Violates the Pod Security Standard `restricted`",
    category: Category::SecurityContext,
    severity: Severity::Medium,
    default: false,
    standards: &[Standard::PssRestricted("all controls")],
    docs: DOCS,
};

const DOCS: &str = " Judges pods by a Pod Security Standard, exactly as Kubernetes' own Pod Security \
    admission judges them for the chosen version: run it by `coaming scan --standard baseline` or \
    `--standard restricted`, with `--kubernetes-version 1.N` for the version of the policy.\n\n \
    ## Why it matters\n\n A namespace that enforces the standard refuses the pod. Better to know \
    before the rollout.\n";

/// Judges every pod by a standard. One finding for each control and place.
#[must_use]
pub fn run_standard(inventory: &Inventory, level: Level, version: Version) -> Vec<Finding> {
    let settings = Settings { kubernetes_minor: version.minor(), ..Settings::default() };
    let images = crate::Images::default();
    let context = Context::new(inventory, &images, &settings, std::collections::BTreeSet::new());
    let workloads = inventory.workloads();
    let mut findings: Vec<Finding> = (0..workloads.len())
        .into_par_iter()
        .filter_map(|position| workloads.get(position))
        .flat_map_iter(|workload| {
            let violations = pss::check(workload.pod(), level, version);
            violations
                .into_iter()
                .map(|violation| finding(&context, workload, level, version, violation))
                .collect::<Vec<_>>()
        })
        .collect();
    crate::engine::put_in_order(&mut findings);
    findings
}

impl Level {
    /// What the standard says of itself, as a rule.
    #[must_use]
    pub fn rule(self) -> &'static RuleMeta {
        match self {
            Self::Baseline => &BASELINE,
            Self::Restricted => &RESTRICTED,
        }
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
        "A namespace that enforces `{level}` ({version}) refuses pods of {}: {}. {}.",
        words::object(workload.object),
        violation.reason,
        words::sentence(&violation.remedy),
    );
    let first = violation.places.first().map_or(workload.pod().node(), |place| place.node);
    let mut draft = context.finding(level.rule(), workload.object, first, message);
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
