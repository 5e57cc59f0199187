//! See [`SopsMissesField`].

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use coaming_finding::{Confidence, Finding, Fix, Location, RuleMeta, Severity};
use coaming_kube::{Source, SourceId, SourceKind};
use coaming_secret::structured::{Holder, SopsGap, in_object, is_sops, sops_covers, sops_gaps};
use coaming_yaml::Stream;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, WorldRule};

rule! {
    /// ## What it looks for
    ///
    /// A creation rule in `.sops.yaml` whose `encrypted_regex`, `unencrypted_regex`,
    /// `encrypted_suffix` or `unencrypted_suffix` has SOPS encrypt `data` of Secrets but not
    /// `stringData`, or the reverse; and a Secret in plain text below a `.sops.yaml` that has no
    /// creation rule for its file.
    ///
    /// ## Why it matters
    ///
    /// SOPS encrypts a file without an error and leaves the other field as it is. The file looks
    /// encrypted, is committed, and its secret is in the history in plain text. With
    /// `mac_only_encrypted`, SOPS does not even notice when someone changes such a field. A file
    /// that no rule is for is left out by every script that encrypts by rule.
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
    /// The suffix is written as `stringData` ends.
    ///
    /// ```yaml
    /// creation_rules:
    ///   - encrypted_suffix: Data
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
    /// Patterns for names below `data` are not judged. Whether a rule is for a file is only judged
    /// by `coaming scan`, with the nearest `.sops.yaml` in what is scanned. A value that is in plain
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
            source.text.contains("creation_rules") && source.text.contains("encrypted_")
        });
        for (id, source) in sources {
            of_source(id, source, findings);
        }
        uncovered(context, findings);
    }
}

fn of_source(id: SourceId, source: &Source, findings: &mut Vec<Finding>) {
    let stream = coaming_yaml::parse(Arc::clone(&source.text));
    for document in &stream.documents {
        findings.extend(sops_gaps(document.root()).into_iter().map(|gap| finding(id, gap)));
    }
}

/// Secrets in plain text that no creation rule of the nearest configuration is for.
fn uncovered(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let rules = context.world.sources_of_kind(SourceKind::SopsRules);
    let rules: BTreeMap<&str, Stream> = rules
        .map(|(_, source)| (directory(&source.name), coaming_yaml::parse(source.text.clone())))
        .collect();
    if rules.is_empty() {
        return;
    }
    for (id, source) in context.world.sources_of_kind(SourceKind::Manifest) {
        let Some((path, stream)) = nearest(&source.name, &rules) else { continue };
        let Some(document) = stream.documents.first() else { continue };
        if !source.origin.has_own_lines() || sops_covers(document.root(), path) != Some(false) {
            continue;
        }
        let plain = context.world.objects_in(id).find(|object| {
            let secrets = in_object(context.detector(), object.node());
            !is_sops(object.node()) && secrets.iter().any(|it| it.holder == Holder::Secret)
        });
        if let Some(object) = plain {
            let message = format!(
                "`.sops.yaml` has no creation rule for the file of {}",
                phrases::object(object)
            );
            let draft = context
                .finding(SopsMissesField::RULE, object, object.node(), message)
                .why("Scripts and hooks that encrypt by rule leave the file in plain text.")
                .help("Add a creation rule for the file, or move it to where a rule is for it.");
            let snippet = "- path_regex: secrets/.*\\.yaml$\n";
            findings
                .push(draft.severity(Severity::Low).manual("add a creation rule", snippet).done());
        }
    }
}

/// The directory of a file, without the slash at its end; empty for the directory of the scan.
fn directory(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// The configuration for a file: of the nearest directory above it, with the path from there.
fn nearest<'n, 'r>(
    name: &'n str,
    rules: &'r BTreeMap<&str, Stream>,
) -> Option<(&'n str, &'r Stream)> {
    let mut above = directory(name);
    loop {
        if let Some(stream) = rules.get(above) {
            let path = name.get(above.len()..).unwrap_or_default();
            return Some((path.trim_start_matches('/'), stream));
        }
        if above.is_empty() {
            return None;
        }
        above = directory(above);
    }
}

fn finding(id: SourceId, gap: SopsGap<'_>) -> Finding {
    let SopsGap { node, option, encrypted, plain, mac_only_encrypted } = gap;
    let unnoticed = if mac_only_encrypted {
        " With `mac_only_encrypted`, SOPS does not notice when someone changes it."
    } else {
        ""
    };
    Finding {
        rule: SopsMissesField::RULE.into(),
        severity: SopsMissesField::RULE.severity,
        confidence: Confidence::High,
        message: format!("`{option}` encrypts `{encrypted}` of Secrets, but not `{plain}`"),
        why: Cow::Owned(format!(
            "A Secret with `{plain}` looks encrypted and is committed in plain text.{unnoticed}"
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
