//! `coaming secrets --git` and `--staged`: secrets in the history of a repository.

use std::process::Command;

use coaming_test::git_repository::GitRepository;
use coaming_test::skip;

use super::{json, run, stderr, stdout};

const REMOVED: &str = "x9Kq2LmZ8vTn4RwYb7Hc";
const KEPT: &str = "hunter2-of-the-shop";

/// A repository with a secret that was removed, and one that is still there.
fn repository() -> (GitRepository, Vec<String>) {
    let repository = GitRepository::new();
    let settings = |lines: &[&str]| lines.join("\n") + "\n";
    let commit = |seconds: &str, lines: &[&str]| {
        repository.commit("main", seconds, &[], &[("app/settings.env", Some(&settings(lines)))])
    };
    let (api, database) = (format!("API_KEY={REMOVED}"), format!("DB_PASSWORD={KEPT}"));
    let ids = vec![
        commit("1770000000 +0000", &["DEBUG=1"]),
        commit("1771000000 +0000", &["DEBUG=1", &api]),
        commit("1772000000 +0000", &["DEBUG=0", &api, &database]),
        commit("1773000000 +0000", &["DEBUG=0", &database]),
    ];
    (repository, ids)
}

fn path(repository: &GitRepository) -> &str {
    repository.path().to_str().unwrap()
}

#[test]
fn a_secret_is_reported_once_with_the_commit_that_brought_it() {
    let (repository, ids) = repository();
    let output = run(&["secrets", "--git", "--format", "json", path(&repository)]);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    assert!(!text.contains(REMOVED) && !text.contains(KEPT));
    let report = json(&output);
    let mut found: Vec<(u64, &str, bool)> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let commit = &finding["commit"];
            let line = finding["locations"][0]["line"].as_u64().unwrap();
            (line, commit["id"].as_str().unwrap(), commit["removed"].as_bool().unwrap())
        })
        .collect();
    found.sort_unstable();
    assert_eq!(found, [(2, ids[1].as_str(), true), (3, ids[2].as_str(), false)]);
    assert_eq!(report["findings"][0]["locations"][0]["file"], "app/settings.env");
}

#[test]
fn the_message_says_when_it_came_and_whether_it_went() {
    let (repository, ids) = repository();
    let output = run(&["secrets", "--git", "--format", "concise", path(&repository)]);
    let text = stdout(&output);
    let removed = format!("(since commit {} of 2026-02-13, removed since)", &ids[1][..12]);
    let kept = format!("(since commit {} of 2026-02-25)", &ids[2][..12]);
    assert!(text.contains(&removed) && text.contains(&kept), "{text}");
}

#[test]
fn only_what_came_later_is_searched() {
    let (repository, ids) = repository();
    let found = |since: &str| {
        let arguments = ["secrets", "--git", "--format", "json", "--since", since];
        let output = run(&[&arguments[..], &[path(&repository)]].concat());
        json(&output)["findings"].as_array().unwrap().len()
    };
    assert_eq!(found("2026-02-01"), 2);
    // The last version is new, and still contains what an older one had.
    assert_eq!(found(&ids[2]), 1);
    assert_eq!(found(&ids[3]), 0);
}

#[test]
fn a_moved_file_keeps_the_commit_that_brought_its_secret() {
    let repository = GitRepository::new();
    let text = format!("API_KEY={REMOVED}\n");
    let commit = |seconds: &str, files: &[(&str, Option<&str>)]| {
        repository.commit("main", seconds, &[], files)
    };
    let first = commit("1770000000 +0000", &[("a.env", Some(&text))]);
    let moved = format!("# moved\n{text}");
    commit("1771000000 +0000", &[("a.env", None), ("b.env", Some(&moved))]);
    let report = json(&run(&["secrets", "--git", "--format", "json", path(&repository)]));
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0]["locations"][0]["file"], "b.env");
    assert_eq!(findings[0]["commit"]["id"], first);
    assert_eq!(findings[0]["commit"]["removed"], false);
}

#[test]
fn a_hook_searches_what_is_staged() {
    let repository = GitRepository::new();
    repository.commit("main", "1 +0000", &[], &[("a.env", Some("A=1\n"))]);
    let git = |arguments: &[&str]| {
        Command::new("git").arg("-C").arg(repository.path()).args(arguments).status().is_ok()
    };
    if !git(&["reset", "--quiet", "--hard"]) {
        return skip!("a_hook_searches_what_is_staged: git is not installed");
    }
    let secrets = || run(&["secrets", "--staged", path(&repository)]).status.code();
    std::fs::write(repository.path().join("a.env"), format!("DB_PASSWORD={KEPT}\n")).unwrap();
    assert_eq!(secrets(), Some(0));
    assert!(git(&["add", "a.env"]));
    assert_eq!(secrets(), Some(1));
    // What was committed is not part of the next change, also where its file is moved or changed.
    let name = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
    assert!(git(&[&name[..], &["commit", "--quiet", "-m", "x"]].concat()));
    assert!(git(&["mv", "a.env", "b.env"]));
    let text = format!("DB_PASSWORD={KEPT}\nDEBUG=1\n");
    std::fs::write(repository.path().join("b.env"), &text).unwrap();
    assert!(git(&["add", "b.env"]));
    assert_eq!(secrets(), Some(0));
    std::fs::write(repository.path().join("b.env"), text + "API_KEY=x9Kq2LmZ8vTn4RwYb7Hc\n")
        .unwrap();
    assert!(git(&["add", "b.env"]));
    assert_eq!(secrets(), Some(1));
}

#[test]
fn an_answer_says_what_was_not_searched() {
    let repository = GitRepository::new();
    let shown = |arguments: &[&str]| {
        let output = run(&[&["secrets"], arguments, &[path(&repository)]].concat());
        stdout(&output) + &stderr(&output)
    };
    assert!(shown(&["--git"]).contains("no commit was searched"), "{}", shown(&["--git"]));
    let neither = "is neither a commit of this repository nor a day such as 2026-03-31";
    let answer = shown(&["--git", "--since", "HEAD~1"]);
    assert!(answer.contains(&format!("`HEAD~1` {neither}")), "{answer}");
    repository.commit("main", "1 +0000", &[], &[("a.env", Some("A=1\n"))]);
    assert!(!shown(&["--git"]).contains("no commit"));
    let answer = shown(&["--git", "--since", "2026-01-01"]);
    assert!(answer.contains("no commit was searched"), "{answer}");
}

#[test]
fn what_is_not_a_repository_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let output = run(&["secrets", "--git", directory.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
}
