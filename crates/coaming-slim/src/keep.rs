//! What the user wants to keep: packages, paths, and patterns of paths.

use std::collections::BTreeSet;

use coaming_image::{RequestedFile, Tree};
use globset::GlobBuilder;

use crate::SlimError;

/// The files that the user's words mean. A package brings all packages that it needs; only its own
/// programs are taken as run.
pub(crate) fn asked(tree: &Tree, words: &[String]) -> Result<Vec<RequestedFile>, SlimError> {
    let mut asked = BTreeSet::new();
    for word in words {
        let before = asked.len();
        if word.contains('/') {
            paths(tree, word, &mut asked)?;
        } else {
            package(tree, word, &mut asked);
        }
        if asked.len() == before {
            return Err(SlimError::NothingToKeep(word.clone()));
        }
    }
    Ok(asked.into_iter().collect())
}

fn package(tree: &Tree, word: &str, asked: &mut BTreeSet<RequestedFile>) {
    let owners = tree.owners();
    for name in owners.with_needs(word) {
        let Some((_, package)) = owners.package(name) else { continue };
        let own = owners.package(word).is_some_and(|(own, _)| own == name);
        let of = if own { word.to_owned() } else { format!("{word}, which needs {name}") };
        for path in &package.files {
            asked.insert(RequestedFile { path: path.to_string(), of: of.clone(), run: own });
        }
    }
}

fn paths(tree: &Tree, word: &str, asked: &mut BTreeSet<RequestedFile>) -> Result<(), SlimError> {
    let mut take = |path: &str| {
        asked.insert(RequestedFile { path: path.to_owned(), of: word.to_owned(), run: true });
    };
    if let Some((path, node)) = tree.find(word) {
        take(word);
        if node.is_directory() {
            tree.below(path).for_each(|(path, _)| take(path));
        }
        return Ok(());
    }
    let failed = |error: globset::Error| SlimError::Pattern {
        pattern: word.to_owned(),
        message: error.kind().to_string(),
    };
    let pattern = GlobBuilder::new(word).literal_separator(true).build().map_err(failed)?;
    let matcher = pattern.compile_matcher();
    for (path, node) in tree.iter().filter(|(path, _)| matcher.is_match(path)) {
        take(path);
        if node.is_directory() {
            tree.below(path).for_each(|(path, _)| take(path));
        }
    }
    Ok(())
}
