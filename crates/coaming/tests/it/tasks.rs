//! The pages in `docs/tasks` are executed: every command in a `console` block runs, in the page's order and in
//! one directory, and says what the page shows.
//!
//! `$ ` begins a command, `> ` continues it, and the other lines are what it prints. A line that is `…` stands
//! for any number of lines, and `…` within a line for any text.

use std::path::Path;
use std::process::{Command, Stdio};

use super::{registry_walk, root};

/// A command of a page, with the lines that it prints.
#[derive(Debug, PartialEq)]
struct Step {
    line: usize,
    command: String,
    prints: Vec<String>,
}

/// The commands in the `console` blocks of a page.
fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for (line, text) in (1..).zip(page.lines()) {
        if text.starts_with("```") {
            inside = text == "```console";
        } else if !inside {
        } else if let Some(command) = text.strip_prefix("$ ") {
            steps.push(Step { line, command: command.to_owned(), prints: Vec::new() });
        } else if let Some(last) = steps.last_mut() {
            match text.strip_prefix("> ").filter(|_| last.prints.is_empty()) {
                Some(more) => last.command += &format!("\n{more}"),
                None => last.prints.push(text.to_owned()),
            }
        }
    }
    steps
}

/// Whether lines are those of a page.
fn fits(lines: &[&str], page: &[String]) -> bool {
    match page.split_first() {
        None => lines.is_empty(),
        Some((first, rest)) if first == "…" => {
            (0..=lines.len()).any(|skipped| fits(&lines[skipped..], rest))
        }
        Some((first, rest)) => lines
            .split_first()
            .is_some_and(|(line, lines)| line_fits(line.trim_end(), first) && fits(lines, rest)),
    }
}

fn line_fits(line: &str, page: &str) -> bool {
    match page.split_once('…') {
        None => line == page,
        Some((start, rest)) => line.strip_prefix(start).is_some_and(|line| {
            line.char_indices()
                .map(|(at, _)| at)
                .chain([line.len()])
                .any(|at| line_fits(&line[at..], rest))
        }),
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Runs a page.
fn execute(name: &str) {
    let page = std::fs::read_to_string(root().join("docs/tasks").join(name)).unwrap();
    let directory = tempfile::tempdir().unwrap();
    copy(&root().join("examples"), &directory.path().join("examples"));
    execute_in(directory.path(), name, &page);
}

/// Runs the text of a page in a directory.
fn execute_in(directory: &Path, name: &str, page: &str) {
    let steps = steps(page);
    assert!(!steps.is_empty(), "{name}: no command");
    let program = Path::new(env!("CARGO_BIN_EXE_coaming")).parent().unwrap();
    for Step { line, command, prints } in steps {
        let output = Command::new("bash")
            .args(["--noprofile", "--norc", "-o", "pipefail", "-c", &command])
            .current_dir(directory)
            .env_clear()
            .env("HOME", directory)
            .env("PATH", format!("{}:/usr/bin:/bin", program.display()))
            .env("SOURCE_DATE_EPOCH", "1767225600")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let (out, err) = (super::stdout(&output), super::stderr(&output));
        // 1 says that there are findings.
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "{name}:{line}: `{command}` ends with {}\n{out}{err}",
            output.status
        );
        let lines: Vec<&str> = out.lines().collect();
        assert!(
            prints.is_empty() || fits(&lines, &prints),
            "{name}:{line}: `{command}` prints\n{out}\n{err}\nand not\n{}",
            prints.join("\n")
        );
    }
}

#[test]
fn restricted() {
    execute("restricted.md");
}

#[test]
fn network_policies() {
    execute("network-policies.md");
}

#[test]
fn secrets() {
    execute("secrets.md");
}

#[test]
fn air_gapped() {
    execute("air-gapped.md");
}

#[test]
fn not_found() {
    execute("not-found.md");
}

#[test]
fn compare() {
    execute("compare.md");
}

#[test]
fn thousands_of_images() {
    let name = "thousands-of-images.md";
    let Some(world) = registry_walk::World::start("thousands_of_images", 40) else { return };
    let page = std::fs::read_to_string(root().join("docs/tasks").join(name)).unwrap();
    // The page's registry is the test's; credentials and database are where users have them.
    let page = page.replace("registry.example.com", &world.server.host);
    let home = world.home.path();
    let settings = format!("registries: {{ca: [{}]}}\n", world.server.ca().display());
    std::fs::write(home.join("coaming.yaml"), settings).unwrap();
    copy(&world.server.docker_config("reader"), &home.join(".docker"));
    std::fs::create_dir_all(home.join(".cache/coaming")).unwrap();
    std::fs::copy(world.database(), home.join(".cache/coaming/advisories.db")).unwrap();
    execute_in(home, name, &page);
}

#[test]
fn every_page_is_executed() {
    let pages = std::fs::read_dir(root().join("docs/tasks")).unwrap();
    let names: std::collections::BTreeSet<String> =
        pages.map(|page| page.unwrap().file_name().into_string().unwrap()).collect();
    let source = include_str!("tasks.rs");
    for name in names {
        assert!(source.contains(&format!("\"{name}\"")), "{name}");
    }
}

#[test]
fn lines_are_compared_with_gaps() {
    let page = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect::<Vec<_>>();
    assert!(fits(&["a", "b", "c"], &page(&["…", "c"])));
    assert!(fits(&["abc"], &page(&["a…c", "…"])));
    assert!(!fits(&["a", "b"], &page(&["a"])));
    assert!(!fits(&[], &page(&["a"])));
    let steps = steps("```console\n$ a\n> b\nc\n$ d\n```\n$ e\n");
    assert_eq!(steps.len(), 2);
    assert_eq!(steps[0].command, "a\nb");
    assert_eq!(steps[0].prints, ["c"]);
}
