//! What the rules about values share: each reports the credentials in one kind of field.

use std::borrow::Cow;

use coaming_finding::{Finding, RuleMeta};
use coaming_secret::Detection;
use coaming_secret::structured::{FieldCredential, Holder};

use crate::rules::phrases;
use crate::{Context, ObjectScope};

/// The annotation in which `kubectl apply` keeps a copy of the object.
pub(crate) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The words of a rule about one kind of field.
pub(crate) struct Wording {
    /// What contains the secret: `environment variable`.
    pub(crate) holder: &'static str,
    /// Who can read it there, as a sentence.
    pub(crate) why: &'static str,
    /// What to do with the new secret, in the imperative: `refer to a Secret by name`.
    pub(crate) remedy: &'static str,
    /// What to paste.
    pub(crate) snippet: &'static str,
}

/// Reports each credential in the fields of this kind in the object.
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
        let lines = place.node.text().trim_end().contains('\n');
        let remedy = remedy(place, wording);
        findings.push(
            context
                .finding(rule, scope.object, place.node, message(scope, place, wording))
                .why(why(place, wording))
                .help(help(scope, remedy, &place.detection))
                .span(place.span.filter(|_| lines))
                .container(place.container)
                .confidence(place.detection.confidence)
                .manual(remedy, wording.snippet)
                .done(),
        );
    }
}

fn message(scope: ObjectScope<'_>, place: &FieldCredential<'_>, wording: &Wording) -> String {
    let encoding = if place.encoding.is_empty() { "plain text" } else { place.encoding };
    let holder = match place.name.as_str() {
        // A word of a command has a name only after a flag.
        "argument" if place.holder == Holder::Command => "command line".to_owned(),
        name => format!("{} `{name}`", wording.holder),
    };
    format!(
        "{holder} of {} contains {} in {encoding}{}",
        phrases::object(scope.object),
        article(&place.detection.title),
        fingerprint(&place.detection),
    )
}

fn why(place: &FieldCredential<'_>, wording: &Wording) -> Cow<'static, str> {
    match place.encoding {
        "base64" => Cow::Owned(format!("Base64 is not encryption. {}", wording.why)),
        _ => Cow::Borrowed(wording.why),
    }
}

fn remedy(place: &FieldCredential<'_>, wording: &Wording) -> &'static str {
    if place.holder == Holder::Annotation && place.name == LAST_APPLIED {
        "remove the annotation and use `kubectl apply --server-side`"
    } else {
        wording.remedy
    }
}

fn help(scope: ObjectScope<'_>, remedy: &str, detection: &Detection) -> String {
    let sops = if coaming_secret::structured::is_sops(scope.object.node()) {
        "The file is encrypted with SOPS, but this value is not: check `encrypted_regex`, and \
         encrypt the file again. "
    } else {
        ""
    };
    let withheld = withheld_fingerprint(detection);
    format!("{sops}Treat the secret as compromised: replace it, and {remedy}.{withheld}")
}

/// Why a value has no fingerprint, if it has none.
pub(crate) fn withheld_fingerprint(detection: &Detection) -> &'static str {
    if detection.fingerprint.is_some() {
        ""
    } else {
        " Fingerprint: none, because a value like this can be guessed from it."
    }
}

/// ` (fingerprint 57e4aacf37f9)`, if the value has one.
pub(crate) fn fingerprint(detection: &Detection) -> String {
    if detection.fingerprint.is_some() {
        format!(" (fingerprint {})", detection.fingerprint)
    } else {
        String::new()
    }
}

/// `a password`, `an API key`, `credentials of …`.
pub(crate) fn article(title: &str) -> String {
    if title.starts_with("credentials") || title.starts_with("user and") {
        return title.to_owned();
    }
    let first = title.chars().next().unwrap_or_default().to_ascii_lowercase();
    // `an npm access token` is spelled out; `a user`, `a Unix` start with a consonant sound.
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
