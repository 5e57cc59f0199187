//! Histories as git itself has them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::process::Command;

use coaming_git::{History, Since, Version};
use coaming_test::git_repository::GitRepository;
use coaming_test::skip;

/// `PATH first-line-of-text COMMIT-INDEX in-head`, one line per version.
fn listed(history: &History) -> Vec<String> {
    let reader = history.reader();
    let mut text = Vec::new();
    let line = |version: &Version| {
        assert!(reader.read(version, 1 << 20, &mut text).unwrap());
        let text = String::from_utf8_lossy(&text);
        let commit = version.commit.unwrap_or(99);
        format!("{} {} {commit} {}", version.path, text.trim(), version.is_in_head)
    };
    history.versions().iter().map(line).collect()
}

fn branchy() -> (GitRepository, Vec<String>) {
    let repository = GitRepository::new();
    let first =
        repository.commit("main", "1000 +0000", &[], &[("a", Some("1")), ("d/b", Some("x"))]);
    // The child's clock is behind its parent's.
    let second = repository.commit("main", "900 +0000", &[], &[("a", Some("2"))]);
    let side = repository.commit("side", "3000 +1400", &[&first], &[("d/c", Some("side"))]);
    let merge =
        repository.commit("main", "4000 +0000", &[&second, &side], &[("d/c", Some("side"))]);
    let last = repository.commit("main", "86399 +0200", &[], &[("d/b", None), ("e", Some("2"))]);
    (repository, vec![first, second, side, merge, last])
}

#[test]
fn each_version_is_listed_once_by_the_oldest_commit_that_has_it() {
    let (repository, ids) = branchy();
    let history = History::read(repository.path(), &Since::Beginning).unwrap();
    let found: Vec<&str> = history.commits().iter().map(|commit| commit.id.as_str()).collect();
    assert_eq!(found, ids);
    // `e` has the content of `a`: it is the same version.
    assert_eq!(listed(&history), ["a 1 0 false", "a 2 1 true", "d/b x 0 false", "d/c side 2 true"]);
    // The day of the author, not of Greenwich.
    let day = |index: usize| history.commits()[index].date.unwrap().to_string();
    assert_eq!((day(2), day(4)), ("1970-01-01".to_owned(), "1970-01-02".to_owned()));
    assert!(!history.is_shallow());
    assert_eq!(history.missing(), 0);
}

#[test]
fn what_another_branch_has_is_not_gone() {
    let repository = GitRepository::new();
    let first = repository.commit("main", "1 +0000", &[], &[("a", Some("1"))]);
    let second = repository.commit("main", "2 +0000", &[], &[("a", Some("2"))]);
    repository.commit("other", "3 +0000", &[&first], &[("b", Some("3"))]);
    repository.commit("other", "4 +0000", &[], &[("b", Some("4"))]);
    repository.commit("main", "5 +0000", &[&second], &[("c", Some("5"))]);
    let history = History::read(repository.path(), &Since::Beginning).unwrap();
    let found: Vec<(&str, bool, bool)> = history
        .versions()
        .iter()
        .map(|it| (it.path.as_str(), it.is_in_head, it.is_in_branch))
        .collect();
    // `a` has its first version on the other branch, and `b` its last one.
    let expected = [
        ("a", false, true),
        ("a", true, true),
        ("b", false, false),
        ("b", false, true),
        ("c", true, true),
    ];
    assert_eq!(found, expected);
}

#[test]
fn since_leaves_out_what_older_commits_have() {
    let (repository, ids) = branchy();
    let since = |since: Since| listed(&History::read(repository.path(), &since).unwrap());
    assert_eq!(since(Since::Revision(ids[1].clone())), ["d/c side 0 true"]);
    assert_eq!(since(Since::Revision("side".to_owned())), ["a 2 0 true"]);
    assert_eq!(since(Since::Time(2000)), ["d/c side 0 true"]);
    assert_eq!(since("1970-01-01".parse().unwrap()).len(), 4);
    assert!(since("1970-01-02".parse().unwrap()).is_empty());
    let unknown = History::read(repository.path(), &Since::Revision("nowhere".to_owned()));
    assert!(unknown.unwrap_err().to_string().starts_with("`nowhere` is neither a commit"));
}

#[test]
fn a_directory_without_a_repository_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let error = History::read(directory.path(), &Since::Beginning).unwrap_err().to_string();
    assert!(error.starts_with("no git repository can be read"), "{error}");
}

#[test]
fn a_large_version_is_not_unpacked() {
    let repository = GitRepository::new();
    repository.commit("main", "1 +0000", &[], &[("a", Some(&"x".repeat(100)))]);
    let history = History::read(repository.path(), &Since::Beginning).unwrap();
    let mut text = Vec::new();
    let [version] = history.versions() else { panic!("{history:?}") };
    assert!(!history.reader().read(version, 99, &mut text).unwrap());
    assert!(text.is_empty());
    assert!(history.reader().read(version, 100, &mut text).unwrap());
}

fn git(repository: &GitRepository, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    command.arg("-C").arg(repository.path()).args(["-c", "user.name=A", "-c", "user.email=a@b"]);
    let output = command.args(arguments).output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Git itself packs the repository, and lists the same objects.
#[test]
fn versions_are_those_that_git_lists() {
    let (repository, _) = branchy();
    let Some(_) = git(&repository, &["gc", "--quiet"]) else {
        return skip!("versions_are_those_that_git_lists: git is not installed");
    };
    let list = git(&repository, &["rev-list", "--objects", "--all"]);
    let objects: BTreeSet<String> = list
        .unwrap()
        .lines()
        .filter_map(|line| Some(line.split_once(' ')?.1.to_owned()))
        .filter(|path| !path.is_empty() && path != "d")
        .collect();
    let history = History::read(repository.path(), &Since::Beginning).unwrap();
    let paths: BTreeSet<String> =
        history.versions().iter().map(|version| version.path.clone()).collect();
    assert_eq!(paths, objects);
}

#[test]
fn staged_versions_are_those_that_the_next_commit_would_add() {
    let repository = GitRepository::new();
    repository.commit("main", "1 +0000", &[], &[("a", Some("1")), ("b", Some("2"))]);
    if git(&repository, &["reset", "--quiet", "--hard"]).is_none() {
        return skip!(
            "staged_versions_are_those_that_the_next_commit_would_add: git is not installed"
        );
    }
    std::fs::write(repository.path().join("a"), "new").unwrap();
    std::fs::write(repository.path().join("b"), "not staged").unwrap();
    git(&repository, &["add", "a"]);
    assert_eq!(listed(&History::staged(repository.path()).unwrap()), ["a new 99 false"]);
}

#[test]
fn a_shallow_clone_is_read_as_far_as_it_goes() {
    let (repository, ids) = branchy();
    let copy = tempfile::tempdir().unwrap();
    let source = format!("file://{}", repository.path().display());
    let target = copy.path().to_str().unwrap();
    if git(&repository, &["clone", "--quiet", "--depth=1", &source, target]).is_none() {
        return skip!("a_shallow_clone_is_read_as_far_as_it_goes: git is not installed");
    }
    let history = History::read(copy.path(), &Since::Beginning).unwrap();
    assert!(history.is_shallow());
    assert_eq!(history.missing(), 0);
    assert_eq!(history.commits().last().unwrap().id, ids[4]);
    assert_eq!(listed(&history), ["a 2 0 true", "d/c side 0 true"]);
}
