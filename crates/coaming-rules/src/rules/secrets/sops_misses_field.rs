//! See [`SopsMissesField`].

use std::borrow::Cow;
use std::sync::Arc;

use coaming_finding::{Confidence, Finding, Fix, Location, RuleMeta};
use coaming_kube::{Source, SourceId};
use coaming_secret::structured::{SopsGap, sops_gaps};

use crate::rule::{BuiltIn as _, rule};
use crate::{Context, WorldRule};

rule! {
    /// ## What it looks for
    ///
    /// A creation rule in `.sops.yaml` whose `encrypted_regex` or `unencrypted_regex` has SOPS
    /// encrypt `data` of Secrets but not `stringData`, or the reverse.
    ///
    /// ## Why it matters
    ///
    /// SOPS encrypts a file without an error and leaves the other field as it is. The file looks
    /// encrypted, is committed, and its secret is in the history in plain text.
    ///
    /// ## Bad
    ///
    /// `stringData` stays in plain text.
    ///
    /// ```yaml
    /// creation_rules:
    ///   - path_regex: secrets/.*\.yaml$
    ///     encrypted_regex: ^(data)$
    ///     age: age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p
    /// ```
    ///
    /// It is among the fields that are left.
    ///
    /// ```yaml
    /// creation_rules:
    ///   - unencrypted_regex: ^(apiVersion|kind|metadata|type|stringData)$
    ///     age: age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p
    /// ```
    ///
    /// ## Good
    ///
    /// Both fields are encrypted.
    ///
    /// ```yaml
    /// creation_rules:
    ///   - path_regex: secrets/.*\.yaml$
    ///     encrypted_regex: ^(data|stringData)$
    ///     age: age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p
    /// ```
    ///
    /// The rule is for other files.
    ///
    /// ```yaml
    /// creation_rules:
    ///   - path_regex: \.tfvars\.json$
    ///     encrypted_regex: password
    ///     age: age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p
    /// ```
    ///
    /// ## Fix
    ///
    /// Match both fields, and encrypt the files again. There is no automatic fix: what a pattern
    /// is meant to match is not known, and files have to be encrypted with the new rule.
    ///
    /// ## Limits
    ///
    /// `coaming secrets` reads `.sops.yaml`; `coaming scan` reads no such file. Suffixes
    /// (`encrypted_suffix`) and names below `data` are not judged. A value that is in plain
    /// text in an encrypted file is a finding of `plain-secret-manifest`.
    SopsMissesField {
        name: "sops-misses-field",
        summary: "SOPS leaves a field of Secrets in plain text",
        category: Secrets,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Preview,
        standards: [Nsa("Protecting Secrets"), Attack("T1552.001")],
    }
}

impl WorldRule for SopsMissesField {
    const META: &'static RuleMeta = Self::RULE;
    const REVIEWS: bool = false;

    fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
        // Only such a file has both words.
        let sources = context.world.sources().filter(|(_, source)| {
            source.text.contains("creation_rules") && source.text.contains("encrypted_regex")
        });
        for (id, source) in sources {
            of_source(id, source, findings);
        }
    }
}

fn of_source(id: SourceId, source: &Source, findings: &mut Vec<Finding>) {
    let stream = coaming_yaml::parse(Arc::clone(&source.text));
    for document in &stream.documents {
        findings.extend(sops_gaps(document.root()).into_iter().map(|gap| finding(id, gap)));
    }
}

fn finding(id: SourceId, gap: SopsGap<'_>) -> Finding {
    let SopsGap { node, option, encrypted, plain } = gap;
    Finding {
        rule: SopsMissesField::RULE.into(),
        severity: SopsMissesField::RULE.severity,
        confidence: Confidence::High,
        message: format!("`{option}` encrypts `{encrypted}` of Secrets, but not `{plain}`"),
        why: Cow::Owned(format!(
            "A Secret with `{plain}` looks encrypted and is committed in plain text."
        )),
        help: Cow::Borrowed("Match both fields, and encrypt the files again."),
        object: None,
        container: None,
        locations: vec![Location {
            source: Some(id),
            path: node.path(),
            span: node.span(),
            label: String::new(),
        }],
        fix: Some(Fix::manual("match both fields", "encrypted_regex: ^(data|stringData)$\n")),
        suppressed: None,
        variants: Vec::new(),
        commit: None,
        verification: None,
        way: None,
    }
}
