//! Each `Bad` example on a rule's page raises exactly one finding of that rule, each `Good` example
//! none, and each fixed `Bad` example none. Pages and findings are also held to the house style.

use std::borrow::Cow;
use std::sync::Arc;

use coaming_advisory::{Vulnerability, parse_purl};
use coaming_config::Config;
use coaming_finding::{Applicability, Category, Finding, Severity};
use coaming_image::{
    Credential, FileLocation, ImageFacts, PrivilegedFile, User, Utility, UtilityKind, Verdict,
};
use coaming_kube::{Source, SourceKind, World};
use coaming_oci::Reference;
use coaming_rules::pss::{Level, Version};
use coaming_rules::{Images, Input, Rule, RuleSet, Settings, all, run, run_standard};

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
            // An example without objects is a values file.
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

/// The images that the examples name.
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
    let with_user = |uid: u32, name: &str| {
        let mut facts = distroless.clone();
        facts.user.uid = Some(uid);
        name.clone_into(&mut facts.config.user);
        facts
    };
    let mut exposing = root.clone();
    exposing.config.exposed_ports = vec!["80/tcp".to_owned()];
    let setuid = ImageFacts {
        privileged_files: vec![PrivilegedFile {
            place: FileLocation { path: "/usr/bin/su".to_owned(), layer: Some(0) },
            mode: 0o4755,
            uid: 0,
            gid: 0,
            capabilities: Vec::new(),
        }],
        ..full.clone()
    };
    let named = with_user(101, "nginx");
    let numbered = with_user(10001, "10001");
    let mut images = Images::default();
    for (name, facts) in [
        ("named-user", named),
        ("numbered-user", numbered),
        ("exposes-80", exposing),
        ("setuid", setuid),
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
    for (name, reason) in [
        ("unsigned", "it is not signed"),
        ("signed-by-others", "it is signed by none of the given keys"),
    ] {
        let reference = Reference::parse(&format!("registry.example.com/{name}:1.4.2")).unwrap();
        images.insert_unsigned(&reference, reason.to_owned());
    }
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

/// The headings of a page, in their order; the last one is optional.
const HEADINGS: [&str; 6] = ["What it looks for", "Why it matters", "Bad", "Good", "Fix", "Limits"];

/// The categories, each with a snapshot of its findings.
const CATEGORIES: [Category; 9] = [
    Category::NonRoot,
    Category::Utilities,
    Category::ImageVersion,
    Category::SecurityContext,
    Category::Secrets,
    Category::Cluster,
    Category::NetworkPolicy,
    Category::Schema,
    Category::Vulnerabilities,
];

/// Words that rule texts avoid in addition to those that the style guide bans everywhere.
const AVOIDED: [&str; 10] = [
    "told",
    "stands",
    "lies",
    "so many",
    "is no",
    "are no",
    "the like",
    "at hand",
    "and so on",
    "speaks",
];

/// The words that the style guide bans.
fn style_guide() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/style.md");
    let guide = std::fs::read_to_string(path).expect("the style guide");
    let block = guide.split("```banned\n").nth(1).and_then(|rest| rest.split("```").next());
    block.expect("a block of banned words").lines().map(str::to_owned).collect()
}

/// The first word of a text that the house style replaces, if any.
fn avoided(text: &str) -> Option<String> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let words: Vec<String> = text
        .split(|c| !is_part(c))
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    // "There is no …" is plain English; "`x` is no port" is not.
    let words = format!(" {} ", words.join(" "));
    let words = words.replace(" there is no ", " ").replace(" there are no ", " ");
    let mut banned = style_guide().into_iter().chain(AVOIDED.map(str::to_owned));
    banned.find(|word| words.contains(&format!(" {word} ")))
}

/// The text without what is in backticks.
fn prose(text: &str) -> String {
    text.split('`').step_by(2).collect::<Vec<_>>().join("…")
}

fn assert_style(finding: &Finding) {
    let (name, message) = (&finding.rule.id, finding.message.as_str());
    let plain = prose(message);
    assert!(!plain.ends_with('.') && !plain.contains(". "), "{name}: one clause: {message}");
    assert!(message.chars().count() <= 200, "{name}: too long: {message}");
    // A kind of object keeps its capital letter: Deployment `web`.
    let starts_with_kind = message.split(' ').nth(1).is_some_and(|word| word.starts_with('`'));
    let is_lower = message.starts_with(|c: char| c.is_lowercase() || c == '`');
    assert!(is_lower || starts_with_kind, "{name}: begins with a capital letter: {message}");
    for (what, text) in [("why", &finding.why), ("help", &finding.help)] {
        assert!(text.ends_with('.'), "{name}: {what} is not a sentence: {text:?}");
        let sentences = prose(text).matches(". ").count() + 1;
        assert!(sentences <= 3, "{name}: {what} is too long: {text}");
        assert!(!text.contains("  "), "{name}: two spaces: {text}");
        assert_eq!(avoided(text), None, "{name}: {what}: {text}");
    }
    assert_eq!(avoided(message), None, "{name}: {message}");
}

/// All texts of findings in one place: a snapshot for each category.
#[test]
fn findings_have_one_clause_a_reason_and_help() {
    for category in CATEGORIES {
        let mut texts = String::new();
        for rule in all().iter().filter(|rule| rule.meta.category == category) {
            texts += &format!("# {}: {}\n", rule.meta.id, rule.meta.summary);
            for example in examples(rule, "Bad") {
                for finding in check(rule, &example) {
                    assert_style(&finding);
                    let (severity, message) = (finding.severity, &finding.message);
                    texts += &format!("\n{severity}: {message}\n  why: {}\n", finding.why);
                    texts += &format!("  help: {}\n", finding.help);
                    let fix = finding.fix.as_ref().map_or("", |fix| fix.title.as_str());
                    texts += &format!("  fix: {fix}\n");
                }
            }
            texts.push('\n');
        }
        insta::assert_snapshot!(category.as_str(), texts);
    }
}

#[test]
fn violations_of_the_standards_have_the_same_style() {
    let mut count = 0;
    for rule in all() {
        for (language, text) in examples(rule, "Bad").iter().filter(|(it, _)| *it == "yaml") {
            let world = World::new(vec![file(rule, language, text)]);
            let version = Version::new(Settings::default().kubernetes_minor);
            for finding in run_standard(&world, Level::Restricted, version) {
                assert_style(&finding);
                count += 1;
            }
        }
    }
    assert!(count > 100, "{count}");
}

#[test]
fn examples_cover_more_than_one_case() {
    for rule in all() {
        let count = examples(rule, "Bad").len() + examples(rule, "Good").len();
        assert!(count > 2, "{} has two examples only", rule.meta.id);
    }
}

#[test]
fn pages_have_the_fixed_headings_and_plain_words() {
    for rule in all() {
        let (name, docs) = (&rule.meta.id, &rule.meta.docs);
        let headings: Vec<&str> =
            docs.lines().filter_map(|line| line.trim_start().strip_prefix("## ")).collect();
        let required = &HEADINGS[..HEADINGS.len() - 1];
        assert!(headings == HEADINGS || headings == required, "{name}: {headings:?}");
        assert!(docs.trim_start().starts_with("## "), "{name} has text before its headings");
        assert_eq!(avoided(docs), None, "{name}");
        assert_eq!(avoided(&rule.meta.summary), None, "{name}");
        let summary = &rule.meta.summary;
        assert!(summary.starts_with(|c: char| c.is_uppercase() || c == '/'), "{name}: {summary}");
    }
}

#[test]
fn documentation_is_complete() {
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
