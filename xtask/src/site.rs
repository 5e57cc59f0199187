//! `cargo xtask site`: the documentation as a site.
//!
//! The pages are those of `docs/`, rendered by mdBook. A rule's page has the address that reports name:
//! `https://coaming.dev/rules/NAME`; so have the schemas. The playground runs the engine in the page. Invariant: no link within the site leads nowhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use crate::dist::{failed, write};
use crate::playground;

/// The chapters, in their order: a title, and pages of `docs/` with their titles. Pages that are in no
/// chapter come at the end, so that none is missing.
const CHAPTERS: &[(&str, &[&str])] = &[
    ("Start", &["install.md", "playground.md"]),
    (
        "Tasks",
        &[
            "tasks/restricted.md",
            "tasks/network-policies.md",
            "tasks/secrets.md",
            "tasks/air-gapped.md",
            "tasks/thousands-of-images.md",
            "tasks/not-found.md",
            "tasks/compare.md",
        ],
    ),
    (
        "Reference",
        &[
            "cli.md",
            "configuration.md",
            "input.md",
            "output.md",
            "images.md",
            "vulnerabilities.md",
            "network.md",
            "breach.md",
            "cluster.md",
            "serve.md",
            "export.md",
            "vault.md",
            "compliance.md",
            "etcd.md",
            "pin.md",
            "slim.md",
        ],
    ),
    (
        "Project",
        &[
            "stability.md",
            "architecture.md",
            "development.md",
            "dependencies.md",
            "releasing.md",
            "style.md",
        ],
    ),
];

/// Runs the task: `cargo xtask site DIR`.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<(), String> {
    let [out] = arguments else { return Err("usage: cargo xtask site DIR".to_owned()) };
    let out = std::path::absolute(out).map_err(|error| format!("{out}: {error}"))?;
    let book = root.join("target").join("site");
    if book.exists() {
        std::fs::remove_dir_all(&book).map_err(|error| failed(&book, &error))?;
    }
    for (path, text) in pages(root)? {
        let path = book.join("src").join(path);
        let directory = path.parent().unwrap_or(&book);
        std::fs::create_dir_all(directory).map_err(|error| failed(directory, &error))?;
        write(&path, &text)?;
    }
    write(&book.join("book.toml"), BOOK.as_bytes())?;
    playground::build(root, &book.join("src/playground/engine"))?;
    let status = Command::new(tool(root, "mdbook"))
        .arg("build")
        .arg("--dest-dir")
        .arg(&out)
        .arg(&book)
        .status()
        .map_err(|error| format!("mdbook could not be started: {error}; `cargo install mdbook`"))?;
    if !status.success() {
        return Err("the site could not be rendered".to_owned());
    }
    let broken = broken_links(&out)?;
    if broken.is_empty() { Ok(()) } else { Err(format!("broken links:\n{}", broken.join("\n"))) }
}

const BOOK: &str = r#"[book]
title = "Coaming"
description = "Finds what an attacker would use in your Kubernetes deployment, explains it, and fixes it."
language = "en"

[output.html]
default-theme = "light"
preferred-dark-theme = "navy"
git-repository-url = "https://github.com/coaming/coaming"
site-url = "/"

[output.html.fold]
enable = true
level = 0
"#;

/// A program: among the tools of CI, else on PATH.
pub(crate) fn tool(root: &Path, name: &str) -> PathBuf {
    let own = root.join("target/tools/bin").join(name);
    if own.is_file() { own } else { PathBuf::from(name) }
}

/// The sources of the book, by their paths in it.
fn pages(root: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>, String> {
    let docs = root.join("docs");
    let mut files = Vec::new();
    collect(&docs, &mut files)?;
    let mut pages = BTreeMap::new();
    let mut titles = BTreeMap::new();
    for file in files {
        let name = file.strip_prefix(&docs).unwrap_or(&file).to_path_buf();
        let bytes = std::fs::read(&file).map_err(|error| failed(&file, &error))?;
        if name.extension().is_none_or(|extension| extension != "md") {
            pages.insert(name, bytes);
            continue;
        }
        let text = String::from_utf8_lossy(&bytes);
        let title = text.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or("Untitled");
        titles.insert(name.clone(), title.to_owned());
        pages.insert(place(&name), linked(&text, &name).into_bytes());
    }
    let readme = root.join("README.md");
    let text = std::fs::read_to_string(&readme).map_err(|error| failed(&readme, &error))?;
    pages.insert(PathBuf::from("README.md"), linked(&text, Path::new("../README.md")).into_bytes());
    pages.insert(PathBuf::from("SUMMARY.md"), summary(&titles).into_bytes());
    Ok(pages)
}

/// Every file below a directory, in order.
fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = std::fs::read_dir(directory).map_err(|error| failed(directory, &error))?;
    let mut entries: Vec<PathBuf> =
        entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { collect(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

/// Where a page of `docs/` is in the book: a rule's page is a directory's index, so that its address needs
/// no extension.
fn place(name: &Path) -> PathBuf {
    let stem = name.file_stem().unwrap_or_default();
    if stem == "README" {
        return name.with_file_name("index.md");
    }
    let is_rule = name.parent() == Some(Path::new("rules"));
    if is_rule { Path::new("rules").join(stem).join("index.md") } else { name.to_path_buf() }
}

/// The text of a page with its links as they are in the book. What is not in the book is in the repository.
fn linked(text: &str, name: &Path) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("](") {
        out += before;
        out += "](";
        let Some((target, after)) = after.split_once(')') else {
            out += after;
            return out;
        };
        out += &moved(target, name);
        out += ")";
        rest = after;
    }
    out + rest
}

/// The target of a link of the page `name`, in the book.
fn moved(target: &str, name: &Path) -> String {
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
        return target.to_owned();
    }
    let anchor = if anchor.is_empty() { String::new() } else { format!("#{anchor}") };
    let directory = Path::new("docs").join(name.parent().unwrap_or(Path::new("")));
    let wanted = normal(&directory.join(path));
    let Ok(in_docs) = wanted.strip_prefix("docs") else {
        let shown = wanted.display().to_string().replace('\\', "/");
        return format!("https://github.com/coaming/coaming/blob/main/{shown}{anchor}");
    };
    let to = place(in_docs);
    let from = if name == Path::new("../README.md") { PathBuf::new() } else { place(name) };
    let up = from.parent().map_or(0, |parent| parent.components().count());
    format!("{}{}{anchor}", "../".repeat(up), to.display().to_string().replace('\\', "/"))
}

/// A path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}

/// The table of contents.
fn summary(titles: &BTreeMap<PathBuf, String>) -> String {
    let mut text = String::from("# Summary\n\n[Coaming](README.md)\n");
    let mut seen: BTreeSet<&Path> = BTreeSet::new();
    let mut rules = String::new();
    for (name, title) in titles {
        if name.parent() == Some(Path::new("rules")) {
            seen.insert(name);
            if !name.ends_with("README.md") {
                rules += &format!("  - [{title}]({})\n", place(name).display());
            }
        }
    }
    for (chapter, names) in CHAPTERS {
        text += &format!("\n# {chapter}\n\n");
        for name in *names {
            let Some((name, title)) = titles.get_key_value(Path::new(name)) else { continue };
            seen.insert(name);
            text += &format!("- [{title}]({})\n", name.display());
        }
        if *chapter == "Reference" {
            text += &format!("- [Rules](rules/index.md)\n{rules}");
        }
    }
    for (name, title) in titles.iter().filter(|(name, _)| !seen.contains(name.as_path())) {
        text += &format!("- [{title}]({})\n", name.display());
    }
    text
}

/// The links of the site that lead nowhere.
fn broken_links(site: &Path) -> Result<Vec<String>, String> {
    let mut files = Vec::new();
    collect(site, &mut files)?;
    let mut broken = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|it| it == "html")) {
        let text = std::fs::read_to_string(file).map_err(|error| failed(file, &error))?;
        let is_error_page = file.ends_with("404.html") || file.ends_with("toc.html");
        for link in links(&text) {
            let path = link.split(['#', '?']).next().unwrap_or_default();
            let is_outside = path.is_empty() || path.contains(':') || path.starts_with("//");
            if is_outside || is_error_page {
                continue;
            }
            let base = if path.starts_with('/') { site } else { file.parent().unwrap_or(site) };
            let target = normal(&base.join(path.trim_start_matches('/')));
            if !target.is_file() && !target.join("index.html").is_file() {
                let page = file.strip_prefix(site).unwrap_or(file);
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    Ok(broken)
}

/// The targets of links and resources in a page.
fn links(html: &str) -> impl Iterator<Item = &str> {
    let parts = [" href=\"", " src=\""].into_iter().flat_map(|mark| html.split(mark).skip(1));
    parts.filter_map(|part| part.split('"').next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_the_book_or_to_the_repository() {
        let from = |page: &str, target: &str| moved(target, Path::new(page));
        assert_eq!(from("cli.md", "configuration.md"), "configuration.md");
        assert_eq!(from("cli.md", "rules/privileged.md#fix"), "rules/privileged/index.md#fix");
        assert_eq!(from("rules/README.md", "privileged.md"), "../rules/privileged/index.md");
        assert_eq!(from("rules/privileged.md", "../cli.md"), "../../cli.md");
        assert_eq!(from("../README.md", "docs/rules/README.md"), "rules/index.md");
        assert_eq!(from("tasks/secrets.md", "../etcd.md"), "../etcd.md");
        let repository = "https://github.com/coaming/coaming/blob/main";
        assert_eq!(from("cli.md", "../bench/README.md"), format!("{repository}/bench/README.md"));
        assert_eq!(from("../README.md", "docs/cli.md"), "cli.md");
        assert_eq!(from("../README.md", "LICENSE"), format!("{repository}/LICENSE"));
        assert_eq!(from("cli.md", "#scan"), "#scan");
        assert_eq!(from("cli.md", "https://example.com/a"), "https://example.com/a");
    }

    #[test]
    fn every_page_is_in_the_table_of_contents() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let pages = pages(root).unwrap();
        let summary = String::from_utf8(pages[Path::new("SUMMARY.md")].clone()).unwrap();
        for page in pages.keys().filter(|page| page.extension().is_some_and(|it| it == "md")) {
            let name = page.display().to_string();
            assert!(name == "SUMMARY.md" || summary.contains(&format!("({name})")), "{name}");
        }
    }
}
