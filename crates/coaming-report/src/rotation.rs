//! The plan of `coaming secrets --rotate-plan`, as a Markdown checklist.

use std::fmt::Write as _;

use coaming_scan::Rotation;
use coaming_text::Printable;

/// The checklist: one section per secret.
#[must_use]
pub fn markdown(plan: &[Rotation]) -> String {
    let mut text = String::from("# Secrets to rotate\n\n");
    text.push_str(match plan.len() {
        0 => "No secrets were found.\n",
        _ => {
            "Make a new secret, deliver it to what uses the old one, and then revoke the old one. \
             A secret that was committed or\ndeployed stays valid until it is revoked: removing it \
             from the files is not enough.\n"
        }
    });
    for (number, rotation) in plan.iter().enumerate() {
        section(number + 1, rotation, &mut text);
    }
    text
}

fn section(number: usize, rotation: &Rotation, text: &mut String) {
    let title = rotation.messages.first().map_or("secret", String::as_str);
    let _ = writeln!(text, "\n## {number}. {}\n", plain(title));
    for place in &rotation.places {
        let _ = writeln!(text, "- In `{}`", plain(place));
    }
    if let Some(commit) = &rotation.commit {
        let day = commit.date.as_ref().map(|date| format!(" of {date}")).unwrap_or_default();
        let removed = if commit.is_removed { "; `HEAD` no longer has it" } else { "" };
        let _ = writeln!(text, "- In the history since commit `{}`{day}{removed}", commit.id);
    }
    if let Some(verification) = &rotation.verification {
        let status = verification.status;
        let _ = writeln!(text, "- Status at {}: {status}", plain(&verification.provider));
    }
    let _ = writeln!(text, "- [ ] Make a new one, and keep it in a vault or a Secret");
    for user in &rotation.users {
        let _ = writeln!(text, "- [ ] Deliver it to `{}`", plain(user));
    }
    match rotation.revoke {
        Some(address) => {
            let _ = writeln!(text, "- [ ] Revoke the old one at <{address}>");
        }
        None => text.push_str("- [ ] Revoke the old one where it was issued\n"),
    }
    if !rotation.commit.as_ref().is_some_and(|commit| commit.is_removed) {
        text.push_str("- [ ] Remove it from the files above\n");
    }
}

/// Untrusted text in one line, without markup.
fn plain(text: &str) -> String {
    let text = Printable(text).to_string();
    text.replace('<', "&lt;").replace('[', "\\[").replace('@', "@\u{200b}")
}
