//! What the rules about values share: each reports the credentials that one holder holds.

use coaming_finding::{Finding, RuleMeta};
use coaming_secret::structured::{FieldCredential, Holder};

use crate::rules::words;
use crate::{Context, ObjectScope};

/// How a rule speaks of the places of one holder.
pub(crate) struct Wording {
    /// What holds it: `environment variable`.
    pub(crate) holder: &'static str,
    /// Who can read it there, and so why it matters.
    pub(crate) reader: &'static str,
    /// What to do, as an order.
    pub(crate) order: &'static str,
    /// What to paste.
    pub(crate) snippet: &'static str,
}

/// Reports each credential that this holder holds in the object.
pub(crate) fn report(
    context: &Context<'_>,
    scope: ObjectScope<'_>,
    rule: &'static RuleMeta,
    holder: Holder,
    wording: &Wording,
    findings: &mut Vec<Finding>,
) {
    for place in scope.secrets(context.detector()) {
        if place.holder != holder {
            continue;
        }
        let message = message(scope, place, wording);
        let lines = place.node.text().trim_end().contains('\n');
        findings.push(
            context
                .finding(rule, scope.object, place.node, message)
                .span(place.span.filter(|_| lines))
                .container(place.container)
                .confidence(place.detection.confidence)
                .manual(wording.order, wording.snippet)
                .done(),
        );
    }
}

fn message(scope: ObjectScope<'_>, place: &FieldCredential<'_>, wording: &Wording) -> String {
    let how = match place.encoding {
        "" => "in plain text".to_owned(),
        encoding => format!("in {encoding}, which is plain text to everybody"),
    };
    let beside = if coaming_secret::structured::is_sops(scope.object.node()) {
        " The file is encrypted with SOPS, but this value is not: encrypt the file anew, and mind \
         `encrypted_regex`."
    } else {
        ""
    };
    let held_by = match place.name.as_str() {
        // A word of a command has a name only after a flag.
        "argument" if place.holder == Holder::Command => "The command line".to_owned(),
        name => format!("{} `{name}`", wording.holder),
    };
    format!(
        "{held_by} of {} holds {} {how}: {}.{beside} Take it to be known: replace it, and {}. \
         Fingerprint: {}.",
        words::object(scope.object),
        article(&place.detection.title),
        wording.reader,
        wording.order,
        place.detection.fingerprint,
    )
}

/// `a password`, `an API key`, `credentials of …`.
pub(crate) fn article(title: &str) -> String {
    if title.starts_with("credentials") || title.starts_with("user and") {
        return title.to_owned();
    }
    let first = title.chars().next().unwrap_or_default().to_ascii_lowercase();
    // `an npm access token` is spelt letter by letter; `a user`, `a Unix` start with a consonant.
    let vowel = "aeio".contains(first)
        || [
            "npm", "ngrok", "X (", "HCP", "SDK", "HT", "SSH", "xAI", "NVIDIA", "RSA", "Upstash",
            "Uptime",
        ]
        .iter()
        .any(|start| title.starts_with(start));
    format!("{} {title}", if vowel { "an" } else { "a" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn articles() {
        assert_eq!(article("AWS secret access key"), "an AWS secret access key");
        assert_eq!(article("password"), "a password");
        assert_eq!(article("npm access token"), "an npm access token");
    }
}
