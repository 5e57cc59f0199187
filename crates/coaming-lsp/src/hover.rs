//! What a hover shows: the findings at a place with the pages of their rules, and who can reach a
//! workload.

use coaming_secret::gate::masked;
use lsp_types::{Hover, HoverContents, MarkupContent, MarkupKind, Position, Range};

use crate::diagnostics;
use crate::exposure::{Exposure, WorkloadName};
use crate::lens;
use crate::position::Lines;
use crate::workspace::Judgement;

/// The hover at a position; `exposure` looks a workload up.
pub(crate) fn at(
    judgement: &Judgement,
    text: &str,
    position: Position,
    exposure: impl Fn(&WorkloadName) -> Option<Exposure>,
) -> Option<Hover> {
    let lines = Lines::new(text);
    let is_in = |range: &Range| range.start <= position && position <= range.end;
    let mut parts = Vec::new();
    let mut shown: Option<Range> = None;
    let mut pages = std::collections::BTreeMap::new();
    for placed in &judgement.findings {
        let range = diagnostics::range(placed, text, &lines);
        if !is_in(&range) {
            continue;
        }
        shown = shown.or(Some(range));
        let finding = &placed.finding;
        parts.push(masked(&format!("**{}**: {}", finding.severity, finding.message)).into_owned());
        pages
            .entry(finding.rule.id.to_string())
            .or_insert_with(|| coaming_report::rule_pages::page(&finding.rule));
    }
    for workload in lens::workloads(judgement, text) {
        if is_in(&workload.range)
            && let Some(exposure) = exposure(&workload.name)
        {
            shown = shown.or(Some(workload.range));
            parts.push(exposure.markdown());
        }
    }
    parts.extend(pages.into_values().map(|page| page.trim().to_owned()));
    (!parts.is_empty()).then(|| Hover {
        contents: HoverContents::Markup(MarkupContent {
            kind: MarkupKind::Markdown,
            value: parts.join("\n\n---\n\n"),
        }),
        range: shown,
    })
}
