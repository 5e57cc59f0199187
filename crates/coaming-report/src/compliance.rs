//! The controls of a compliance framework with their results, in the formats that have room for
//! them.

use std::io;

use coaming_finding::{Compliance, ControlReport, ControlState};
use serde::Serialize;

use crate::text::{counted, wrapped_to};

/// For JSON: `{"framework": "cis-1.12", "title": "…", "controls": [{"id": "5.2.2", "title": "…",
/// "status": "failed|passed|not-checked", "findings": 2, "reason": "…"}]}`.
#[derive(Serialize)]
pub(crate) struct JsonCompliance<'a> {
    framework: &'a str,
    title: &'a str,
    controls: Vec<JsonControl<'a>>,
}

#[derive(Serialize)]
struct JsonControl<'a> {
    id: &'a str,
    title: &'a str,
    status: &'a str,
    findings: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl<'a> From<&'a Compliance> for JsonCompliance<'a> {
    fn from(compliance: &'a Compliance) -> Self {
        let control = |control: &ControlReport| JsonControl {
            id: control.id,
            title: control.title,
            status: status(control.state),
            findings: match control.state {
                ControlState::Failed(count) => count,
                _ => 0,
            },
            reason: reason(control.state),
        };
        Self {
            framework: compliance.framework.as_str(),
            title: compliance.framework.title(),
            controls: compliance.controls.iter().map(control).collect(),
        }
    }
}

fn status(state: ControlState) -> &'static str {
    match state {
        ControlState::Failed(_) => "failed",
        ControlState::Passed => "passed",
        ControlState::NotChecked(_) => "not-checked",
    }
}

fn reason(state: ControlState) -> Option<&'static str> {
    match state {
        ControlState::NotChecked(reason) => Some(reason),
        _ => None,
    }
}

/// `12 controls failed, 8 passed, 95 were not checked`
fn totals(compliance: &Compliance) -> String {
    let [failed, passed, not_checked] = compliance.counts();
    format!(
        "{} failed, {passed} passed, {not_checked} were not checked",
        counted(failed, "control")
    )
}

/// A table of what failed and passed, and what was not checked by reason.
pub(crate) fn text(
    compliance: &Compliance,
    width: usize,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    writeln!(out, "{}: {}", compliance.framework.title(), totals(compliance))?;
    let id_width = compliance.controls.iter().map(|control| control.id.len()).max().unwrap_or(0);
    for control in &compliance.controls {
        let result = match control.state {
            ControlState::Failed(count) => counted(count, "finding"),
            ControlState::Passed => "passed".to_owned(),
            ControlState::NotChecked(_) => continue,
        };
        writeln!(out, "  {:id_width$}  {result:12}  {}", control.id, control.title)?;
    }
    for (reason, ids) in by_reason(compliance) {
        writeln!(
            out,
            "{}",
            wrapped_to(&format!("Not checked, {reason}: {}", ids.join(", ")), width)
        )?;
    }
    writeln!(out)
}

/// The controls that were not checked, by the reason, in the framework's order.
fn by_reason(compliance: &Compliance) -> Vec<(&'static str, Vec<&'static str>)> {
    let mut reasons: Vec<(&'static str, Vec<&'static str>)> = Vec::new();
    for control in &compliance.controls {
        let Some(reason) = reason(control.state) else { continue };
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, ids)) => ids.push(control.id),
            None => reasons.push((reason, vec![control.id])),
        }
    }
    reasons
}

/// A folded table.
pub(crate) fn markdown(compliance: &Compliance, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(
        out,
        "\n<details><summary>{}: {}</summary>\n\n| control | result | |\n|---|---|---|",
        compliance.framework.title(),
        totals(compliance)
    )?;
    for control in &compliance.controls {
        writeln!(out, "| {} | {} | {} |", control.id, result(control.state), control.title)?;
    }
    writeln!(out, "\n</details>")
}

/// A table of all controls.
pub(crate) fn html(compliance: &Compliance, out: &mut dyn io::Write) -> io::Result<()> {
    let title = compliance.framework.title();
    writeln!(out, "<h2>{title}</h2><p>{}</p><table>", totals(compliance))?;
    writeln!(out, "<tr><th>control<th>result<th></tr>")?;
    for control in &compliance.controls {
        let (id, title) = (crate::text::xml(control.id), crate::text::xml(control.title));
        let result = result(control.state);
        writeln!(out, "<tr><td>{id}<td>{}<td>{title}</tr>", crate::text::xml(&result))?;
    }
    writeln!(out, "</table>")
}

fn result(state: ControlState) -> String {
    match state {
        ControlState::Failed(count) => counted(count, "finding"),
        ControlState::Passed => "passed".to_owned(),
        ControlState::NotChecked(reason) => format!("not checked: {reason}"),
    }
}
