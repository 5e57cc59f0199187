//! The rules in `.sops.yaml` that say what SOPS encrypts.

use coaming_yaml::Node;
use regex::{Regex, RegexBuilder};

/// The fields of a Secret that contain secrets.
const FIELDS: [&str; 2] = ["data", "stringData"];
/// How large a pattern may become.
const SIZE_LIMIT: usize = 1 << 20;

/// What a field has to match to be encrypted, or to be left in plain text.
const OPTIONS: [(&str, Match, bool); 4] = [
    ("encrypted_regex", Match::Regex, true),
    ("unencrypted_regex", Match::Regex, false),
    ("encrypted_suffix", Match::Suffix, true),
    ("unencrypted_suffix", Match::Suffix, false),
];

#[derive(Clone, Copy)]
enum Match {
    Regex,
    Suffix,
}

/// A rule that encrypts one of the fields of Secrets, but not the other.
#[derive(Clone, Copy, Debug)]
pub struct SopsGap<'a> {
    /// The pattern.
    pub node: Node<'a>,
    /// The name of the pattern's field: `encrypted_regex`.
    pub option: &'static str,
    /// What is encrypted.
    pub encrypted: &'static str,
    /// What stays in plain text.
    pub plain: &'static str,
    /// Whether SOPS does not notice a change of what stays in plain text.
    pub mac_only_encrypted: bool,
}

/// The rules of a SOPS configuration that encrypt only one of the fields of Secrets. Rules for other
/// files encrypt neither.
#[must_use]
pub fn sops_gaps(root: Node<'_>) -> Vec<SopsGap<'_>> {
    rules(root).filter_map(gap).collect()
}

/// Whether a creation rule of a SOPS configuration is for a file; `None` if that is not known: there
/// are no rules, or a pattern cannot be read. `path` is relative to the configuration.
#[must_use]
pub fn sops_covers(root: Node<'_>, path: &str) -> Option<bool> {
    let mut known = false;
    for rule in rules(root) {
        known = true;
        let Some(pattern) = ["path_regex", "filename_regex"].iter().find_map(|it| rule.get(it))
        else {
            return Some(true);
        };
        if regex(pattern)?.is_match(path) {
            return Some(true);
        }
    }
    known.then_some(false)
}

fn rules(root: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    root.get("creation_rules").into_iter().flat_map(Node::items)
}

fn regex(node: Node<'_>) -> Option<Regex> {
    RegexBuilder::new(node.as_str()?).size_limit(SIZE_LIMIT).build().ok()
}

fn gap(rule: Node<'_>) -> Option<SopsGap<'_>> {
    let mut options = OPTIONS.into_iter().filter_map(|(option, kind, encrypts)| {
        rule.get(option).map(|node| (node, option, kind, encrypts))
    });
    let (node, option, kind, encrypts) = options.next()?;
    // SOPS refuses a rule with two of them.
    if options.next().is_some() {
        return None;
    }
    let [data, strings] = match kind {
        Match::Regex => {
            let pattern = regex(node)?;
            FIELDS.map(|field| pattern.is_match(field) == encrypts)
        }
        Match::Suffix => {
            // SOPS takes an empty suffix for none.
            let suffix = node.as_str().filter(|suffix| !suffix.is_empty())?;
            FIELDS.map(|field| field.ends_with(suffix) == encrypts)
        }
    };
    let [encrypted, plain] = match (data, strings) {
        (true, false) => FIELDS,
        (false, true) => [FIELDS[1], FIELDS[0]],
        _ => return None,
    };
    let mac_only_encrypted =
        rule.get("mac_only_encrypted").and_then(Node::as_bool).unwrap_or_default();
    Some(SopsGap { node, option, encrypted, plain, mac_only_encrypted })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn patterns_that_match_one_field() {
        let plain = |rule: &str| {
            let text = format!("creation_rules:\n- {rule}\n");
            let stream = coaming_yaml::parse(Arc::from(text));
            sops_gaps(stream.documents[0].root()).first().map(|gap| gap.plain)
        };
        assert_eq!(plain("encrypted_regex: ^(data)$"), Some("stringData"));
        assert_eq!(plain("encrypted_regex: ^stringData$"), Some("data"));
        assert_eq!(plain("encrypted_suffix: Data"), Some("data"));
        assert_eq!(plain("unencrypted_suffix: Data"), Some("stringData"));
        assert_eq!(plain("unencrypted_regex: ^(kind|metadata|stringData)$"), Some("stringData"));
        for complete in [
            "encrypted_regex: ^(data|stringData)$",
            "encrypted_regex: ^.*[dD]ata$",
            "unencrypted_regex: ^(apiVersion|kind|metadata|type)$",
            "encrypted_regex: ^(password|token)$",
            "encrypted_regex: '('",
            "path_regex: .*",
            "encrypted_suffix: ata",
            "encrypted_suffix: _secret",
            "unencrypted_suffix: _plain",
            "unencrypted_suffix: ''",
            "{encrypted_regex: ^data$, encrypted_suffix: ata}",
        ] {
            assert_eq!(plain(complete), None, "{complete}");
        }
    }

    #[test]
    fn files_that_a_rule_is_for() {
        let covers = |rules: &str, path: &str| {
            let stream = coaming_yaml::parse(Arc::from(format!("creation_rules: [{rules}]\n")));
            sops_covers(stream.documents[0].root(), path)
        };
        let own = "{path_regex: '\\.enc\\.yaml$'}";
        assert_eq!(covers(own, "a/b.enc.yaml"), Some(true));
        assert_eq!(covers(own, "a/b.yaml"), Some(false));
        assert_eq!(covers(&format!("{own}, {{age: age1x}}"), "a/b.yaml"), Some(true));
        assert_eq!(covers("{path_regex: '('}", "a/b.yaml"), None);
        assert_eq!(covers("", "a/b.yaml"), None);
    }
}
