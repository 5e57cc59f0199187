//! A report whose texts passed the gate: no message quotes a secret.
//!
//! Most reports have nothing to mask, and are not copied.

use std::borrow::Cow;

use coaming_finding::{Finding, InputError, Location, Note, ObjectRef};
use coaming_secret::gate::{masked, masked_names, shown_name};
use coaming_yaml::Step;

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
    let message = match masked_names(&finding.message) {
        Cow::Owned(text) => Some(masked(&text).into_owned()),
        Cow::Borrowed(text) => changed(text),
    };
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
    let object = finding.object.as_ref().and_then(object);
    let container = finding.container.as_deref().and_then(name);
    let locations = match each(&finding.locations, location) {
        Cow::Owned(locations) => Some(locations),
        Cow::Borrowed(_) => None,
    };
    let is_changed = [message.is_some(), why.is_some(), help.is_some(), fix.is_some()]
        .contains(&true)
        || [object.is_some(), container.is_some(), locations.is_some()].contains(&true);
    if !is_changed {
        return None;
    }
    let mut finding = finding.clone();
    finding.message = message.unwrap_or(finding.message);
    finding.why = why.map_or(finding.why, Cow::Owned);
    finding.help = help.map_or(finding.help, Cow::Owned);
    finding.fix = fix.or(finding.fix);
    finding.object = object.or(finding.object);
    finding.container = container.or(finding.container);
    finding.locations = locations.unwrap_or(finding.locations);
    Some(finding)
}

/// The name without a secret, if it has one.
fn name(text: &str) -> Option<String> {
    match shown_name(text) {
        Cow::Owned(text) => Some(text),
        Cow::Borrowed(_) => None,
    }
}

fn object(object: &ObjectRef) -> Option<ObjectRef> {
    let ObjectRef { api_version, kind, namespace, name: own } = object;
    let (version, kind) = (name(api_version), name(kind));
    let (namespace, own) = (name(namespace), name(own));
    if [&version, &kind, &namespace, &own].iter().all(|it| it.is_none()) {
        return None;
    }
    let object = object.clone();
    Some(ObjectRef {
        api_version: version.unwrap_or(object.api_version),
        kind: kind.unwrap_or(object.kind),
        namespace: namespace.unwrap_or(object.namespace),
        name: own.unwrap_or(object.name),
    })
}

fn location(location: &Location) -> Option<Location> {
    let key = |step: &Step| match step {
        Step::Key(key) => name(key),
        Step::Index(_) => None,
    };
    let label = changed(&location.label);
    let path = location.path.steps().iter().any(|step| key(step).is_some()).then(|| {
        let steps = location.path.steps().iter();
        steps.map(|step| key(step).map_or(step.clone(), |key| Step::Key(key.into()))).collect()
    });
    if label.is_none() && path.is_none() {
        return None;
    }
    let mut location = location.clone();
    location.label = label.unwrap_or(location.label);
    location.path = path.unwrap_or(location.path);
    Some(location)
}

fn error(error: &InputError) -> Option<InputError> {
    changed(&error.message).map(|message| InputError { message, ..error.clone() })
}

fn note(note: &Note) -> Option<Note> {
    changed(&note.message).map(|message| Note { message, ..note.clone() })
}
