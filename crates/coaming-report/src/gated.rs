//! A report whose texts passed the gate: no message quotes a secret.
//!
//! Most reports have nothing to mask, and are not copied.

use std::borrow::Cow;

use coaming_finding::{Finding, InputError, Note};
use coaming_secret::gate::masked;

use crate::Report;

/// A report that may be written.
pub(crate) struct Gated<'a> {
    report: Report<'a>,
    findings: Cow<'a, [Finding]>,
    errors: Cow<'a, [InputError]>,
    notes: Cow<'a, [Note]>,
}

impl<'a> Gated<'a> {
    pub(crate) fn new(report: &Report<'a>) -> Self {
        Self {
            findings: each(report.findings, finding),
            errors: each(report.errors, error),
            notes: each(report.notes, note),
            report: report.clone(),
        }
    }

    /// The report, without secrets in its texts.
    pub(crate) fn report(&self) -> Report<'_> {
        Report {
            findings: &self.findings,
            errors: &self.errors,
            notes: &self.notes,
            ..self.report.clone()
        }
    }
}

/// The items, copied only if one of them is changed.
fn each<T: Clone>(items: &[T], change: impl Fn(&T) -> Option<T>) -> Cow<'_, [T]> {
    let mut changed: Option<Vec<T>> = None;
    for (index, item) in items.iter().enumerate() {
        if let Some(item) = change(item) {
            let all = changed.get_or_insert_with(|| items.to_vec());
            if let Some(place) = all.get_mut(index) {
                *place = item;
            }
        }
    }
    changed.map_or(Cow::Borrowed(items), Cow::Owned)
}

/// The text without secrets, if it has some.
fn changed(text: &str) -> Option<String> {
    match masked(text) {
        Cow::Owned(text) => Some(text),
        Cow::Borrowed(_) => None,
    }
}

fn finding(finding: &Finding) -> Option<Finding> {
    let message = changed(&finding.message);
    // Texts that are built in quote nothing.
    let quoted = |text: &Cow<'static, str>| match text {
        Cow::Borrowed(_) => None,
        Cow::Owned(text) => changed(text),
    };
    let (why, help) = (quoted(&finding.why), quoted(&finding.help));
    let fix = finding.fix.as_ref().and_then(|fix| {
        let (title, snippet) = (changed(&fix.title), changed(&fix.snippet));
        let is_changed = title.is_some() || snippet.is_some();
        is_changed.then(|| {
            let mut fix = fix.clone();
            fix.title = title.unwrap_or(fix.title);
            fix.snippet = snippet.unwrap_or(fix.snippet);
            fix
        })
    });
    if message.is_none() && why.is_none() && help.is_none() && fix.is_none() {
        return None;
    }
    let mut finding = finding.clone();
    finding.message = message.unwrap_or(finding.message);
    finding.why = why.map_or(finding.why, Cow::Owned);
    finding.help = help.map_or(finding.help, Cow::Owned);
    finding.fix = fix.or(finding.fix);
    Some(finding)
}

fn error(error: &InputError) -> Option<InputError> {
    changed(&error.message).map(|message| InputError { message, ..error.clone() })
}

fn note(note: &Note) -> Option<Note> {
    changed(&note.message).map(|message| Note { message, ..note.clone() })
}
