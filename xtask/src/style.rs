//! What the style guide says and a program can check: banned words, and the list of crates.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Where the banned words and phrases are, one per line, in a block of this language.
const GUIDE: &str = "docs/style.md";
const BLOCK: &str = "```banned\n";

/// What is checked, below the root.
const PLACES: &[&str] =
    &["crates", "docs", "xtask", "bench", "fuzz/fuzz_targets", "README.md", "CONTRIBUTING.md"];

/// Fails if a source file or a document contains a banned word, or if the list of crates is not that
/// of the workspace.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    let guide = read(&root.join(GUIDE))?;
    let block = guide.split(BLOCK).nth(1).and_then(|rest| rest.split("```").next());
    let banned: Vec<&str> = block.unwrap_or_default().lines().collect();
    if banned.is_empty() {
        return Err(format!("{GUIDE} has no block of banned words"));
    }
    let mut files = Vec::new();
    for place in PLACES {
        collect(&root.join(place), &mut files)?;
    }
    let mut found = Vec::new();
    for file in files.iter().filter(|file| !file.ends_with(GUIDE)) {
        let text = read(file)?.to_lowercase();
        let name = file.strip_prefix(root).unwrap_or(file).display();
        for (line, text) in (1..).zip(text.lines()) {
            for word in banned.iter().filter(|word| contains(text, word)) {
                found.push(format!("{name}:{line}: `{word}`"));
            }
        }
    }
    found.extend(crates_out_of_step(root)?);
    if found.is_empty() { Ok(()) } else { Err(format!("see {GUIDE}:\n{}", found.join("\n"))) }
}

/// Whether a lower-case text contains these words, and not only as a part of longer ones.
fn contains(text: &str, words: &str) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(words).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + words.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(is_letter) && !after.is_some_and(is_letter)
    })
}

/// Every source file and document below a path, in order. Test data is left out: it is input.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(|error| failed(path, &error))?;
        let mut entries: Vec<PathBuf> =
            entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
        entries.sort();
        let is_data = |path: &PathBuf| path.ends_with("tests/data") || path.ends_with("schemas");
        return entries
            .iter()
            .filter(|path| !is_data(path))
            .try_for_each(|path| collect(path, files));
    }
    let is_checked =
        ["rs", "md", "toml"].iter().any(|end| path.extension().is_some_and(|e| e == *end));
    if is_checked {
        files.push(path.to_path_buf());
    }
    Ok(())
}

/// Where `crates/README.md` and the workspace differ.
fn crates_out_of_step(root: &Path) -> Result<Vec<String>, String> {
    let text = read(&root.join("crates/README.md"))?;
    let listed: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("- `")?.split_once('`'))
        .map(|(name, _)| name.to_owned())
        .collect();
    let directory = root.join("crates");
    let entries = std::fs::read_dir(&directory).map_err(|error| failed(&directory, &error))?;
    let present: BTreeSet<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let differs = |name| format!("crates/README.md: `{name}` is in one of list and workspace only");
    Ok(listed.symmetric_difference(&present).map(differs).collect())
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn words_are_found_whole() {
        assert!(contains(concat!("an intru", "der reads"), concat!("intru", "der")));
        assert!(contains(concat!("(h", "e) reads"), concat!("h", "e")));
        assert!(!contains("the reader", concat!("h", "e")));
        assert!(!contains(concat!("is to", "ld_of"), concat!("is to", "ld")));
        assert!(contains(concat!("what lies", " in it"), concat!("lies", " in")));
    }
}
