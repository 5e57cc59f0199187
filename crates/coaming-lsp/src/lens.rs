//! Code lenses on workloads: how much was found, and who can reach it.

use std::collections::BTreeMap;

use coaming_finding::{ObjectRef, Severity};
use coaming_kube::{Object, Source, SourceId};
use coaming_yaml::Span;
use lsp_types::{CodeLens, Command, Range};
use serde::{Deserialize, Serialize};

use crate::exposure::WorkloadName;
use crate::position::{Lines, first_line};
use crate::workspace::Judgement;

/// An object with pods, at its place in the document.
#[derive(Debug)]
pub(crate) struct FoundWorkload {
    pub(crate) object: ObjectRef,
    pub(crate) name: WorkloadName,
    pub(crate) range: Range,
}

/// What a lens remembers until it is resolved.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LensData {
    pub(crate) uri: lsp_types::Uri,
    namespace: String,
    kind: String,
    name: String,
}

impl LensData {
    pub(crate) fn workload(self) -> WorkloadName {
        WorkloadName { namespace: self.namespace, kind: self.kind, name: self.name }
    }
}

/// The workloads of a document. In a chart's template, they are where the template writes them.
pub(crate) fn workloads(judgement: &Judgement, text: &str) -> Vec<FoundWorkload> {
    let lines = Lines::new(text);
    let sources = judgement.objects.iter().filter_map(|id| Some((*id, judgement.sources.get(id)?)));
    let all = sources.flat_map(|(id, source)| {
        let workloads =
            source.objects(id).filter(move |object| source.workloads_of(*object).next().is_some());
        workloads.map(move |object| (source, object))
    });
    all.filter_map(|(source, object)| {
        let span = place(source, object, &judgement.sources)?;
        Some(FoundWorkload {
            object: ObjectRef {
                api_version: object.api_version().to_owned(),
                kind: object.kind().to_owned(),
                namespace: object.namespace().to_owned(),
                name: object.name().to_owned(),
            },
            name: WorkloadName {
                namespace: object.namespace_or_default().to_owned(),
                kind: object.kind().to_owned(),
                name: object.name().to_owned(),
            },
            range: lines.range(first_line(text, span)),
        })
    })
    .collect()
}

/// Where an object starts, in the document itself.
fn place(
    source: &Source,
    object: Object<'_>,
    sources: &BTreeMap<SourceId, std::sync::Arc<Source>>,
) -> Option<Span> {
    let span = object.node().span()?;
    let Some(map) = source.rendering.as_deref() else { return Some(span) };
    let (id, offset) = map.template(span.start)?;
    let is_here = sources.get(&id).is_some_and(|template| template.name == source.name);
    let length = span.end - span.start;
    is_here.then(|| Span::new(offset, offset.saturating_add(length)))
}

/// The lenses of a document: a count, and who can reach it, which is computed when it is shown.
pub(crate) fn of(judgement: &Judgement, text: &str, uri: &lsp_types::Uri) -> Vec<CodeLens> {
    let mut lenses = Vec::new();
    for workload in workloads(judgement, text) {
        let title = count(judgement, &workload.object);
        lenses.push(CodeLens { range: workload.range, command: Some(shown(title)), data: None });
        let WorkloadName { namespace, kind, name } = workload.name;
        let data = LensData { uri: uri.clone(), namespace, kind, name };
        let data = serde_json::to_value(data).ok();
        lenses.push(CodeLens { range: workload.range, command: None, data });
    }
    lenses
}

/// A title that does nothing when it is clicked.
pub(crate) fn shown(title: String) -> Command {
    Command { title, command: String::new(), arguments: None }
}

/// `3 findings: 1 critical, 2 medium`
fn count(judgement: &Judgement, object: &ObjectRef) -> String {
    let mut by_severity: BTreeMap<std::cmp::Reverse<Severity>, usize> = BTreeMap::new();
    for placed in &judgement.findings {
        if placed.finding.object.as_ref() == Some(object) {
            *by_severity.entry(std::cmp::Reverse(placed.finding.severity)).or_default() += 1;
        }
    }
    let total: usize = by_severity.values().sum();
    let parts: Vec<String> =
        by_severity.iter().map(|(severity, count)| format!("{count} {}", severity.0)).collect();
    match total {
        0 => "no findings".to_owned(),
        1 => format!("1 finding: {}", parts.join(", ")),
        total => format!("{total} findings: {}", parts.join(", ")),
    }
}
