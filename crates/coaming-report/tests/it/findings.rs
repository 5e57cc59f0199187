//! Untrusted text stays text in every format, and all formats have the same content.

use coaming_finding::{
    Applicability, Category, Confidence, Finding, Fix, Lifecycle, Location, ObjectRef, RuleId,
    RuleMeta, Severity, SourceId, Suppression,
};
use coaming_yaml::{Path, Span};

use std::collections::BTreeMap;

use coaming_finding::{InputError, Note};
use coaming_report::*;

const fn rule(category: Category) -> RuleMeta {
    RuleMeta {
        id: RuleId::new("run-as-root"),
        summary: std::borrow::Cow::Borrowed("Container runs as root"),
        category,
        severity: Severity::High,
        default: true,
        since: "0.1.0",
        lifecycle: Lifecycle::Stable,
        standards: &[],
        docs: std::borrow::Cow::Borrowed(" What it is.\n\n ## Bad\n"),
    }
}

static RULE: RuleMeta = rule(Category::NonRoot);

/// Secrets have a report of their own in some formats.
static SECRET_RULE: RuleMeta = rule(Category::Secrets);

const SOURCE: &str = "kind: Pod\nspec:\n  runAsUser: 0\n";

fn finding(name: &str) -> Finding {
    Finding {
        rule: (&RULE).into(),
        severity: Severity::High,
        confidence: Confidence::High,
        message: format!("{name} runs as root, which is <b>bad</b> & 100% `true`"),
        why: "An attacker owns every file in the container.".into(),
        help: "Set `runAsUser` to another user.".into(),
        object: Some(ObjectRef {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            namespace: "shop".to_owned(),
            name: name.to_owned(),
        }),
        container: Some("web".to_owned()),
        locations: vec![Location {
            source: Some(SourceId::new(0)),
            path: Path::root().join("spec").join("runAsUser"),
            span: Some(Span::new(18, 30)),
            label: String::new(),
        }],
        fix: None,
        suppressed: None,
        variants: Vec::new(),
        commit: None,
        verification: None,
        way: None,
    }
}

fn rendered(findings: &[Finding], format: Format) -> String {
    rendered_with(findings, format, FullOptions::default())
}

fn rendered_with(findings: &[Finding], format: Format, options: FullOptions) -> String {
    rendered_noting(findings, &[], format, options)
}

fn rendered_noting(
    findings: &[Finding],
    notes: &[Note],
    format: Format,
    options: FullOptions,
) -> String {
    let stream = coaming_yaml::parse(SOURCE.into());
    let file = File {
        name: "a b,c:d%.yaml",
        source: InputText::new(SOURCE),
        documents: &stream.documents,
    };
    let files = BTreeMap::from([(SourceId::new(0), file)]);
    let errors = [InputError {
        file: "x\u{1b}[31m.yaml".to_owned(),
        position: Some((3, 1)),
        message: "not valid YAML".to_owned(),
    }];
    let report = Report {
        findings,
        errors: &errors,
        notes,
        files: &files,
        file_count: 1,
        document_count: 1,
        workload_count: 1,
        rules: &[(&RULE).into()],
        known: None,
        compliance: None,
    };
    let mut out = Vec::new();
    render(&report, format, options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn full_shows_the_line() {
    insta::assert_snapshot!(rendered(&[finding("web")], Format::Full));
}

#[test]
fn what_is_not_evaluated_is_said_without_findings_too() {
    let notes = [Note { message: "1 Application is not evaluated & more".to_owned(), count: 1 }];
    for (format, expected) in [
        (Format::Concise, "-: note: 1 Application is not evaluated & more\n"),
        (Format::Junit, "\n1 Application is not evaluated &amp; more\n"),
        (Format::Github, "::notice title=Not evaluated::1 Application"),
    ] {
        let text = rendered_noting(&[], &notes, format, FullOptions::default());
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn json_keeps_the_contract() {
    let json: serde_json::Value =
        serde_json::from_str(&rendered(&[finding("web")], Format::Json)).unwrap();
    let location = &json["findings"][0]["locations"][0];
    assert_eq!(json["version"], 1);
    assert_eq!(location["line"], 3);
    assert_eq!(location["column"], 3);
    assert_eq!(location["end_column"], 15);
    assert_eq!(location["path"], "spec.runAsUser");
    assert_eq!(json["findings"][0]["suppressed"], false);
    assert_eq!(json["errors"][0]["line"], 3);
    assert_eq!(json["summary"]["findings"]["high"], 1);
}

#[test]
fn no_format_passes_control_characters_on() {
    let hostile = finding("web\u{1b}[2J\u{202e}\r\n::error::x");
    let mut secret = hostile.clone();
    secret.rule = (&SECRET_RULE).into();
    for (name, format) in Format::ALL {
        let found = if format == Format::GitlabSecrets { &secret } else { &hostile };
        let text = rendered(std::slice::from_ref(found), format);
        assert!(!text.contains('\u{1b}'), "{name}");
        assert!(!text.contains("\r\n::error"), "{name}");
        let names_it = text.contains("run-as-root");
        assert!(names_it, "{name}: {text}");
    }
}

/// What GitLab's schema of version 15 requires of both reports.
#[test]
fn gitlab_reports_have_what_gitlab_requires() {
    let mut secret = finding("db");
    secret.rule = (&SECRET_RULE).into();
    let findings = [finding("web"), secret];
    for (format, kind, count) in
        [(Format::GitlabSast, "sast", 1), (Format::GitlabSecrets, "secret_detection", 1)]
    {
        let report: serde_json::Value = serde_json::from_str(&rendered(&findings, format)).unwrap();
        assert!(report["version"].as_str().unwrap().starts_with("15."));
        assert_eq!(report["scan"]["type"], kind);
        assert_eq!(report["scan"]["status"], "success");
        for part in ["analyzer", "scanner"] {
            for field in ["id", "name", "version"] {
                assert!(report["scan"][part][field].is_string(), "{part} {field}");
            }
            assert!(report["scan"][part]["vendor"]["name"].is_string());
        }
        for time in ["start_time", "end_time"] {
            assert_eq!(report["scan"][time].as_str().unwrap().len(), "2026-01-01T00:00:00".len());
        }
        let found = report["vulnerabilities"].as_array().unwrap();
        assert_eq!(found.len(), count);
        for one in found {
            assert!(one["id"].is_string() && one["location"]["file"].is_string());
            assert_eq!(one["severity"], "High");
            let identifier = &one["identifiers"][0];
            assert!(["type", "name", "value"].iter().all(|it| identifier[it].is_string()));
            assert_eq!(one["location"]["commit"]["sha"].is_string(), kind == "secret_detection");
        }
    }
}

#[test]
fn what_was_not_evaluated_is_in_code_quality_reports() {
    let note = Note { message: "1 Application is not evaluated".to_owned(), count: 1 };
    let text = rendered_noting(&[], &[note], Format::Gitlab, FullOptions::default());
    let issues: serde_json::Value = serde_json::from_str(&text).unwrap();
    let issue = issues.as_array().unwrap().last().unwrap();
    assert_eq!(issue["severity"], "info");
    assert_eq!(issue["description"], "Note: 1 Application is not evaluated");
    assert!(issue["fingerprint"].is_string() && issue["location"]["path"].is_string());
    assert_eq!(issue["location"]["lines"]["begin"], 1);
}

#[test]
fn markup_is_escaped() {
    for format in [Format::Html, Format::Junit, Format::Markdown] {
        let text = rendered(&[finding("web")], format);
        assert!(!text.contains("<b>bad"), "{text}");
    }
    let github = rendered(&[finding("web")], Format::Github);
    assert!(github.contains("file=a b%2Cc%3Ad%25.yaml,line=3"), "{github}");
    assert!(github.contains("100%25"), "{github}");
    let sarif = rendered(&[finding("web")], Format::Sarif);
    assert!(sarif.contains("a%20b%2Cc%3Ad%25.yaml"), "{sarif}");
}

#[test]
fn suppressed_findings_are_told_to_programs_only() {
    let mut quiet = finding("web");
    quiet.suppressed = Some(Suppression { reason: "it must".to_owned() });
    let full = rendered(std::slice::from_ref(&quiet), Format::Full);
    assert!(full.ends_with("Nothing found: 1 workload in 1 file (1 suppressed).\n"), "{full}");
    let json = rendered(std::slice::from_ref(&quiet), Format::Json);
    assert!(json.contains("\"suppressed\":true"), "{json}");
    let concise = rendered(&[quiet], Format::Concise);
    assert!(!concise.contains("run-as-root"), "{concise}");
}

#[test]
fn a_cluster_has_objects_and_no_files_to_fix() {
    let mut fixable = finding("web");
    fixable.fix = Some(Fix {
        title: "Remove it".to_owned(),
        applicability: Applicability::Safe,
        edits: Vec::new(),
        file_edits: Vec::new(),
        snippet: String::new(),
    });
    let full = |file_count, document_count| {
        let report = Report {
            findings: std::slice::from_ref(&fixable),
            errors: &[],
            notes: &[],
            files: &BTreeMap::new(),
            file_count,
            document_count,
            workload_count: 2,
            rules: &[],
            known: None,
            compliance: None,
        };
        let mut out = Vec::new();
        render(&report, Format::Full, FullOptions::default(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let live = full(0, 7);
    assert!(live.contains("2 workloads in 7 objects") && !live.contains("coaming fix"), "{live}");
    let files = full(1, 7);
    assert!(files.contains("2 workloads in 1 file") && files.contains("`coaming fix`"), "{files}");
}

#[test]
fn fingerprints_stay_when_lines_move() {
    let mut moved = finding("web");
    moved.locations[0].span = Some(Span::new(0, 4));
    let fingerprint = |finding: Finding| {
        let sarif: serde_json::Value =
            serde_json::from_str(&rendered(&[finding], Format::Sarif)).unwrap();
        sarif["runs"][0]["results"][0]["partialFingerprints"].clone()
    };
    assert_eq!(fingerprint(finding("web")), fingerprint(moved));
    assert_ne!(fingerprint(finding("web")), fingerprint(finding("other")));
}

#[test]
fn fixes_are_shown_as_text() {
    use coaming_finding::{Applicability, DocumentEdits, Fix};
    use coaming_yaml::edit::Edit;
    let mut fixable = finding("web");
    let path = Path::root().join("spec").join("runAsUser");
    fixable.fix = Some(Fix {
        title: "run as user 10001".to_owned(),
        applicability: Applicability::Unsafe,
        edits: vec![DocumentEdits {
            source: SourceId::new(0),
            document: 0,
            edits: vec![Edit::Set { path, value: 10001.into() }],
        }],
        file_edits: Vec::new(),
        snippet: String::new(),
    });
    let sarif: serde_json::Value =
        serde_json::from_str(&rendered(std::slice::from_ref(&fixable), Format::Sarif)).unwrap();
    let replacement =
        &sarif["runs"][0]["results"][0]["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(replacement["deletedRegion"]["startLine"], 3);
    assert_eq!(replacement["insertedContent"]["text"], "10001");
    let github = rendered(&[fixable], Format::Github);
    assert!(github.contains("%0A+ 10001"), "{github}");
}

#[test]
fn lines_fit_the_terminal() {
    let mut long = finding("web");
    long.message = "word ".repeat(60).trim_end().to_owned();
    long.why = "word ".repeat(60).trim_end().to_owned().into();
    let options = |width| FullOptions { width: Some(width), ..FullOptions::default() };
    for width in [60, 80, 100] {
        let text = rendered_with(&[long.clone(), finding("db")], Format::Full, options(width));
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= width, "{widest} columns of {width}:\n{text}");
        assert!(widest > width - 12, "{widest} columns of {width}:\n{text}");
    }
}

#[test]
fn markdown_fits_a_comment() {
    let findings: Vec<_> = (0..2_000).map(|number| finding(&format!("web-{number}"))).collect();
    let text = rendered(&findings, Format::Markdown);
    assert!(text.len() < 65_536, "{} bytes", text.len());
    assert!(text.contains("<details><summary>2000 high</summary>"), "{text}");
    let rows = text.lines().filter(|line| line.starts_with("| [run-as-root]")).count();
    assert!(text.contains(&format!("… and {} more", 2_000 - rows)), "{rows} rows");
}
