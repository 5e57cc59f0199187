//! The rules in `.sops.yaml` that say what SOPS encrypts.

use coaming_yaml::Node;
use regex::RegexBuilder;

/// The fields of a Secret that contain secrets.
const FIELDS: [&str; 2] = ["data", "stringData"];
/// How large a pattern may become.
const SIZE_LIMIT: usize = 1 << 20;

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
}

/// The rules of a SOPS configuration that encrypt only one of the fields of Secrets. Rules for other
/// files encrypt neither.
#[must_use]
pub fn sops_gaps(root: Node<'_>) -> Vec<SopsGap<'_>> {
    let rules = root.get("creation_rules").into_iter().flat_map(Node::items);
    rules.filter_map(gap).collect()
}

fn gap(rule: Node<'_>) -> Option<SopsGap<'_>> {
    let options = [("encrypted_regex", true), ("unencrypted_regex", false)];
    let (node, option, encrypts) = options
        .into_iter()
        .find_map(|(option, encrypts)| Some((rule.get(option)?, option, encrypts)))?;
    let pattern = RegexBuilder::new(node.as_str()?).size_limit(SIZE_LIMIT).build().ok()?;
    let [data, strings] = FIELDS.map(|field| pattern.is_match(field) == encrypts);
    let [encrypted, plain] = match (data, strings) {
        (true, false) => FIELDS,
        (false, true) => [FIELDS[1], FIELDS[0]],
        _ => return None,
    };
    Some(SopsGap { node, option, encrypted, plain })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn patterns_that_match_one_field() {
        let plain = |rule: &str| {
            let text = format!("creation_rules:\n- {rule}\n  age: age1x\n");
            let stream = coaming_yaml::parse(Arc::from(text));
            sops_gaps(stream.documents[0].root()).first().map(|gap| gap.plain)
        };
        assert_eq!(plain("encrypted_regex: ^(data)$"), Some("stringData"));
        assert_eq!(plain("encrypted_regex: ^stringData$"), Some("data"));
        assert_eq!(plain("unencrypted_regex: ^(kind|metadata|stringData)$"), Some("stringData"));
        for complete in [
            "encrypted_regex: ^(data|stringData)$",
            "encrypted_regex: ^.*[dD]ata$",
            "unencrypted_regex: ^(apiVersion|kind|metadata|type)$",
            "encrypted_regex: ^(password|token)$",
            "encrypted_regex: '('",
            "path_regex: .*",
            "encrypted_suffix: Data",
        ] {
            assert_eq!(plain(complete), None, "{complete}");
        }
    }
}
