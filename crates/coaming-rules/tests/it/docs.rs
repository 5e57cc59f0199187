//! Each rule's `Bad` example raises exactly that one finding, its `Good` example none, and the
//! fixed `Bad` example none.

use std::sync::Arc;

use coaming_config::Config;
use coaming_finding::{Applicability, Finding};
use coaming_kube::{FileEntry, FileKind, Inventory};
use coaming_rules::{Rule, RuleSet, Settings, all, run};

/// The first YAML block below a heading of a rule's documentation.
fn example<'d>(rule: &'d Rule, heading: &str) -> String {
    let docs: &'d str = rule.meta.docs;
    let section = docs
        .split(&format!(" ## {heading}\n"))
        .nth(1)
        .unwrap_or_else(|| panic!("{} has no section `{heading}`", rule.meta.name));
    let block = section.split("```yaml\n").nth(1).expect("a YAML block");
    let block = block.split("```").next().expect("an end of the block");
    block.lines().map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line))).collect()
}

fn check(rule: &Rule, text: &str) -> Vec<Finding> {
    let stream = coaming_yaml::parse(Arc::from(text));
    assert_eq!(stream.errors, [], "{}: {text}", rule.meta.name);
    // An example without objects is of the rules about files beside the manifests.
    let is_manifest = stream.documents.iter().all(coaming_kube::looks_like_kubernetes);
    let file = if is_manifest {
        FileEntry::new("example.yaml", stream.source, stream.documents)
    } else {
        FileEntry::text("values.yaml", stream.source, FileKind::HelmValues)
    };
    let inventory = Inventory::new(vec![file]);
    let settings = Settings {
        config: Config {
            select: vec!["ALL".to_owned()],
            allowed_registries: vec!["registry.example.com".to_owned()],
            ..Config::default()
        },
        ..Settings::default()
    };
    run(&inventory, &settings, &RuleSet::matching(|other| other.meta.name == rule.meta.name))
}

#[test]
fn bad_examples_raise_their_finding_and_good_ones_none() {
    for rule in all() {
        let name = rule.meta.name;
        let bad = check(rule, &example(rule, "Bad"));
        assert_eq!(bad.len(), 1, "{name}: {bad:#?}");
        assert_eq!(bad[0].rule.name, name);
        assert!(bad[0].fix.is_some(), "{name} says nothing of what to do");
        let good = check(rule, &example(rule, "Good"));
        assert!(good.is_empty(), "{name}: {good:#?}");
    }
}

#[test]
fn fixed_examples_are_silent() {
    for rule in all() {
        let text = example(rule, "Bad");
        let finding = check(rule, &text).remove(0);
        let fix = finding.fix.expect("a fix");
        if fix.applicability == Applicability::Manual {
            assert!(fix.edits.is_empty() && !fix.snippet.is_empty(), "{}", rule.meta.name);
            continue;
        }
        let stream = coaming_yaml::parse(Arc::from(text.as_str()));
        let mut changes = Vec::new();
        for edits in &fix.edits {
            let document = &stream.documents[edits.document as usize];
            changes
                .extend(coaming_yaml::edit::apply(&text, document, &edits.edits).expect("an edit"));
        }
        let fixed = coaming_yaml::edit::apply_to_text(&text, &changes);
        let left = check(rule, &fixed);
        assert!(left.is_empty(), "{}: {fixed}\n{left:#?}", rule.meta.name);
    }
}

#[test]
fn documentation_is_whole() {
    for rule in all() {
        let (name, docs) = (rule.meta.name, rule.meta.docs);
        for heading in ["Why it matters", "Bad", "Good", "Fix"] {
            assert!(docs.contains(&format!("## {heading}\n")), "{name} lacks `{heading}`");
        }
        let is_kebab = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        assert!(is_kebab, "{name} is not in kebab case");
        assert!(!rule.meta.summary.ends_with('.'), "{name}: the summary is a title");
    }
    let mut names: Vec<&str> = all().iter().map(|rule| rule.meta.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all().len(), "two rules have one name");
}
