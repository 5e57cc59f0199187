//! Each rule's `Bad` example raises exactly that one finding, its `Good` example none, and the
//! fixed `Bad` example none.

use std::borrow::Cow;
use std::sync::Arc;

use coaming_advisory::{Vulnerability, parse_purl};
use coaming_config::Config;
use coaming_finding::{Applicability, Finding, Severity};
use coaming_image::{Credential, FileLocation, ImageFacts, User, Utility, UtilityKind, Verdict};
use coaming_kube::{Source, SourceKind, World};
use coaming_oci::Reference;
use coaming_rules::{Images, Input, Rule, RuleSet, Settings, all, run};

/// An example of a rule's page: its language, and its text.
type Example = (&'static str, String);

/// All examples below a heading of a rule's page.
fn examples(rule: &Rule, heading: &str) -> Vec<Example> {
    let docs: &'static str = match &rule.meta.docs {
        Cow::Borrowed(docs) => docs,
        Cow::Owned(_) => panic!("{} was not compiled in", rule.meta.id),
    };
    let section = docs
        .split(&format!(" ## {heading}\n"))
        .nth(1)
        .unwrap_or_else(|| panic!("{} has no section `{heading}`", rule.meta.id));
    let section = section.split("\n ## ").next().unwrap_or_default();
    let blocks = section.split("```").skip(1).step_by(2).map(|block| {
        let (language, text) = block.split_once('\n').expect("a block's first line");
        let lines =
            text.lines().map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line)));
        (language, lines.collect::<String>().trim_end().to_owned() + "\n")
    });
    let blocks: Vec<Example> = blocks.collect();
    assert!(!blocks.is_empty(), "{} has no example below `{heading}`", rule.meta.id);
    blocks
}

fn file(rule: &Rule, language: &str, text: &str) -> Source {
    match language {
        "yaml" => {
            let stream = coaming_yaml::parse(Arc::from(text));
            assert_eq!(stream.errors, [], "{}: {text}", rule.meta.id);
            // An example without objects is of the rules about files beside the manifests.
            if stream.documents.iter().all(coaming_kube::looks_like_kubernetes) {
                Source::new("example.yaml", stream.source, stream.documents)
            } else {
                Source::text("values.yaml", stream.source, SourceKind::HelmValues)
            }
        }
        "dockerfile" => Source::text("Dockerfile", Arc::from(text), SourceKind::Dockerfile),
        other => panic!("{}: an example in {other}", rule.meta.id),
    }
}

fn check(rule: &Rule, (language, text): &Example) -> Vec<Finding> {
    let world = World::new(vec![file(rule, language, text)]);
    let settings = Settings {
        config: Config {
            select: vec!["ALL".to_owned()],
            allowed_registries: vec!["registry.example.com".to_owned()],
            ..Config::default()
        },
        ..Settings::default()
    };
    let rules = RuleSet::matching(|other| other.meta.id == rule.meta.id);
    let images = images();
    run(Input::new(&world, &images, &settings), &rules, Vec::new())
}

/// What the examples say of their images.
fn images() -> Images {
    let utility = |path: &str, kind: UtilityKind| Utility {
        place: FileLocation { path: path.to_owned(), layer: Some(0) },
        name: path.rsplit('/').next().unwrap().to_owned(),
        kind,
        target: None,
    };
    let credential = |path: &str, kind: &str| Credential {
        place: FileLocation { path: path.to_owned(), layer: Some(1) },
        label: String::new(),
        kind: kind.to_owned(),
        readable: Some(true),
        deleted: false,
    };
    let user = User { uid: Some(10001), gid: Some(10001), name: String::new() };
    let distroless = ImageFacts { user, verdict: Verdict::Distroless, ..ImageFacts::default() };
    let with_credential = ImageFacts {
        credentials: vec![credential("/app/tls.key", "private-key")],
        ..distroless.clone()
    };
    let with_both = ImageFacts {
        credentials: vec![credential("/app/.env", "password")],
        utilities: vec![utility("/bin/cat", UtilityKind::Reader)],
        ..distroless.clone()
    };
    let full = ImageFacts {
        verdict: Verdict::Full,
        utilities: vec![
            utility("/bin/sh", UtilityKind::Shell),
            utility("/usr/bin/apt-get", UtilityKind::PackageManager),
            utility("/usr/bin/curl", UtilityKind::Network),
        ],
        ..distroless.clone()
    };
    let root = ImageFacts {
        user: User { uid: Some(0), gid: Some(0), name: "root".to_owned() },
        ..distroless.clone()
    };
    let mut images = Images::default();
    for (name, facts) in [
        ("root", root),
        ("distroless", distroless),
        ("with-credential", with_credential),
        ("with-credential-and-cat", with_both),
        ("full", full),
    ] {
        let reference = format!("registry.example.com/{name}:1.4.2");
        images.insert(&Reference::parse(&reference).unwrap(), Arc::new(facts));
    }
    let vulnerable = Vulnerability {
        id: "CVE-2023-5363".to_owned(),
        aliases: vec!["DSA-5532-1".to_owned()],
        package: Arc::new(
            parse_purl("pkg:deb/debian/openssl@3.0.9-1?distro=debian-12").unwrap().package,
        ),
        fixed: Some("3.0.11-1~deb12u1".to_owned()),
        severity: Some(Severity::High),
        score: Some(7.5),
        vector: String::new(),
        probability: None,
        exploited: None,
        summary: String::new(),
        used: None,
        priority: 0,
    };
    let name = "registry.example.com/vulnerable:1.4.2";
    images.insert(&Reference::parse(name).unwrap(), Arc::new(ImageFacts::default()));
    images.insert_vulnerabilities(name, vec![vulnerable]);
    images
}

#[test]
fn bad_examples_raise_their_finding_and_good_ones_none() {
    for rule in all() {
        let name = &rule.meta.id;
        for example in examples(rule, "Bad") {
            let bad = check(rule, &example);
            assert_eq!(bad.len(), 1, "{name}: {}\n{bad:#?}", example.1);
            assert_eq!(bad[0].rule.id, *name);
            assert!(bad[0].fix.is_some(), "{name} does not say what to do");
        }
        for example in examples(rule, "Good") {
            let good = check(rule, &example);
            assert!(good.is_empty(), "{name}: {}\n{good:#?}", example.1);
        }
    }
}

#[test]
fn fixed_examples_are_silent() {
    for rule in all() {
        for example in examples(rule, "Bad") {
            assert_fixed(rule, &example);
        }
    }
}

fn assert_fixed(rule: &Rule, example: &Example) {
    let (language, text) = example;
    let finding = check(rule, example).remove(0);
    let fix = finding.fix.expect("a fix");
    if fix.applicability == Applicability::Manual {
        assert!(fix.file_edits.is_empty());
        assert!(fix.edits.is_empty() && !fix.snippet.is_empty(), "{}", rule.meta.id);
        return;
    }
    let stream = coaming_yaml::parse(Arc::from(text.as_str()));
    let mut changes = Vec::new();
    for edits in &fix.edits {
        let document = &stream.documents[edits.document as usize];
        changes.extend(coaming_yaml::edit::apply(text, document, &edits.edits).expect("an edit"));
    }
    changes.extend(fix.file_edits.into_iter().flat_map(|file| file.edits));
    let fixed = coaming_yaml::edit::apply_to_text(text, &changes);
    assert_ne!(fixed, *text, "{}", rule.meta.id);
    let left = check(rule, &(language, fixed.clone()));
    assert!(left.is_empty(), "{}: {fixed}\n{left:#?}", rule.meta.id);
}

#[test]
fn documentation_is_whole() {
    for rule in all() {
        let (name, docs) = (rule.meta.id.as_str(), &rule.meta.docs);
        for heading in ["Why it matters", "Bad", "Good", "Fix"] {
            assert!(docs.contains(&format!("## {heading}\n")), "{name} lacks `{heading}`");
        }
        let is_kebab = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        assert!(is_kebab, "{name} is not in kebab case");
        assert!(!rule.meta.summary.ends_with('.'), "{name}: the summary is a title");
    }
    let mut names: Vec<&str> = all().iter().map(|rule| rule.meta.id.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all().len(), "two rules have one name");
}
