//! What is known of an image proves what a manifest alone leaves open, in both directions.

use std::sync::Arc;

use coaming_advisory::{Vulnerability, parse_purl};
use coaming_finding::{Applicability, Finding, Severity};
use coaming_image::{Credential, FileLocation, ImageFacts, User, Utility, UtilityKind};
use coaming_kube::{Source, World};
use coaming_oci::Reference;
use coaming_rules::{Images, Input, RuleSet, Settings, run};

/// The findings about a pod whose container has these fields, of these rules.
fn found(fields: &str, facts: ImageFacts, rules: &[&str]) -> Vec<Finding> {
    let text = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n    - name: c\n      image: x.example/web:1.0\n{fields}"
    );
    let stream = coaming_yaml::parse(Arc::from(text.as_str()));
    let world = World::new(vec![Source::new("pod.yaml", stream.source, stream.documents)]);
    let mut images = Images::default();
    images.insert(&Reference::parse("x.example/web:1.0").unwrap(), Arc::new(facts));
    let rules = RuleSet::matching(|rule| rules.contains(&rule.meta.id.as_str()));
    run(Input::new(&world, &images, &Settings::default()), &rules, Vec::new())
}

fn names(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.rule.id.as_str()).collect()
}

fn user(uid: u32, written: &str) -> ImageFacts {
    let mut facts = ImageFacts {
        user: User { uid: Some(uid), gid: None, name: String::new() },
        ..ImageFacts::default()
    };
    facts.config.user = written.to_owned();
    facts
}

const USERS: &[&str] = &["run-as-root", "run-as-non-root", "missing-security-context"];

#[test]
fn root_by_the_image_is_proven() {
    let findings = found("", user(0, ""), USERS);
    assert_eq!(names(&findings), ["run-as-root", "missing-security-context"]);
    assert!(findings[0].message.contains("its image's user"), "{}", findings[0].message);
    assert!(!findings[1].help.contains("runAsNonRoot"), "{}", findings[1].help);
    // The pod's word counts more.
    assert!(found("      securityContext: {runAsUser: 5}\n", user(0, ""), &USERS[..2]).is_empty());
    let refused = "      securityContext: {runAsNonRoot: true}\n";
    assert!(found(refused, user(0, ""), &USERS[..2]).is_empty());
}

#[test]
fn what_the_kubelet_refuses_is_said() {
    let rule = &["refused-by-kubelet", "run-as-root"];
    let demands = "      securityContext: {runAsNonRoot: true}\n";
    let root = found(demands, user(0, ""), rule);
    assert_eq!(names(&root), ["refused-by-kubelet"]);
    assert!(root[0].message.contains("its image runs as root"), "{}", root[0].message);
    let named = found(demands, user(101, "nginx:nginx"), rule);
    assert!(named[0].message.contains("`nginx`"), "{}", named[0].message);
    assert!(named[0].help.contains("`runAsUser: 101`"), "{}", named[0].help);
    assert!(found(demands, user(101, "101:101"), rule).is_empty());
    assert!(found(demands, ImageFacts::default(), rule).is_empty(), "nobody knows");
    let numbered = "      securityContext: {runAsNonRoot: true, runAsUser: 7}\n";
    assert!(found(numbered, user(0, ""), rule).is_empty());
    // As root by the manifest and refused by the same: one finding is enough.
    let zero = "      securityContext: {runAsNonRoot: true, runAsUser: 0}\n";
    assert_eq!(names(&found(zero, user(0, ""), rule)), ["run-as-root"]);
}

#[test]
fn another_user_by_the_image_is_proven_for_today() {
    let by_number = found("", user(101, "101"), &USERS[..2]);
    assert_eq!(names(&by_number), ["run-as-non-root"]);
    assert_eq!(by_number[0].severity, Severity::Low);
    assert_eq!(by_number[0].fix.as_ref().unwrap().applicability, Applicability::Safe);
    // The kubelet refuses a user whose number it does not know.
    let by_name = found("", user(101, "nginx"), &USERS[..2]);
    assert_eq!(by_name[0].fix.as_ref().unwrap().applicability, Applicability::Unsafe);
    // Nobody knows.
    let unknown = found("", ImageFacts::default(), &USERS[..2]);
    assert_eq!(unknown[0].severity, Severity::Medium);
}

#[test]
fn ports_that_the_image_exposes() {
    let ports = &["privileged-port"];
    let exposes = |uid: u32| {
        let mut facts = user(uid, "");
        facts.config.exposed_ports = vec!["80/tcp".to_owned()];
        facts
    };
    assert_eq!(found("", exposes(0), ports).len(), 1);
    assert!(found("", exposes(101), ports).is_empty());
    let declared = "      ports: [{containerPort: 80}]\n";
    assert_eq!(found(declared, exposes(0), ports).len(), 1);
    assert!(found(declared, exposes(101), ports).is_empty());
}

#[test]
fn a_credential_and_a_program_to_read_it_are_one_finding() {
    let rules = &["readable-credential", "image-credential"];
    let facts = |readable: Option<bool>, deleted: bool, tool: bool| {
        let place = |path: &str| FileLocation { path: path.to_owned(), layer: Some(0) };
        let mut facts = user(101, "101");
        facts.credentials.push(Credential {
            place: place("/app/.env"),
            label: "line 3".to_owned(),
            kind: "password".to_owned(),
            readable,
            deleted,
        });
        if tool {
            facts.utilities.push(Utility {
                place: place("/bin/cat"),
                name: "cat".to_owned(),
                kind: UtilityKind::Reader,
                target: Some("/bin/busybox".to_owned()),
            });
        }
        facts
    };
    let both = found("", facts(Some(true), false, true), rules);
    assert_eq!(names(&both), ["readable-credential"]);
    assert!(both[0].message.contains("`/app/.env`") && both[0].message.contains("`/bin/cat`"));
    assert_eq!(names(&found("", facts(Some(true), false, false), rules)), ["image-credential"]);
    assert_eq!(names(&found("", facts(Some(false), true, true), rules)), ["image-credential"]);
    assert_eq!(names(&found("", facts(Some(false), false, true), rules)), ["image-credential"]);
    // Root reads what the image's own user may not.
    let root = "      securityContext: {runAsUser: 0}\n";
    assert_eq!(
        names(&found(root, facts(Some(false), false, true), rules)),
        ["readable-credential"]
    );
}

/// How bad a high vulnerability is in an image whose entry point uses its package, or does not.
fn vulnerable(fields: &str, used: Option<bool>) -> Finding {
    let text = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n    - name: c\n      image: x.example/web:1.0\n{fields}"
    );
    let stream = coaming_yaml::parse(Arc::from(text.as_str()));
    let world = World::new(vec![Source::new("pod.yaml", stream.source, stream.documents)]);
    let name = "x.example/web:1.0";
    let mut images = Images::default();
    images.insert(&Reference::parse(name).unwrap(), Arc::new(user(10001, "10001")));
    let vulnerability = Vulnerability {
        id: "CVE-2019-10744".to_owned(),
        aliases: Vec::new(),
        package: Arc::new(parse_purl("pkg:npm/lodash@4.17.4").unwrap().package),
        fixed: Some("4.17.12".to_owned()),
        severity: Some(Severity::High),
        score: None,
        vector: String::new(),
        probability: None,
        exploited: None,
        summary: String::new(),
        used,
        priority: 0,
    };
    images.insert_vulnerabilities(name, vec![vulnerability]);
    let rules = RuleSet::matching(|rule| rule.meta.id == *"image-vulnerabilities");
    run(Input::new(&world, &images, &Settings::default()), &rules, Vec::new()).remove(0)
}

#[test]
fn what_the_entry_point_does_not_use_is_less_bad() {
    let root = "      securityContext: {runAsUser: 0}\n";
    let command = "      command: [/bin/other]\n";
    for (fields, used, severity) in [
        ("", None, Severity::High),
        ("", Some(true), Severity::High),
        ("", Some(false), Severity::Medium),
        (root, Some(false), Severity::Medium),
        // What a command of the pod's own uses is not known.
        (command, Some(false), Severity::High),
    ] {
        assert_eq!(vulnerable(fields, used).severity, severity, "{fields} {used:?}");
    }
    assert!(
        vulnerable("", Some(false)).message.contains("not used by the program that is started")
    );
    assert!(
        vulnerable("", Some(true)).message.contains("(high, used by the program that is started)")
    );
    let other = vulnerable(command, Some(false));
    assert!(!other.message.contains("used by"), "{}", other.message);
    assert!(vulnerable(root, None).why.contains("runs as root"));
}
