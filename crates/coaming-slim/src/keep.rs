//! What `--keep` names: packages, paths, and glob patterns of paths.

use std::collections::BTreeSet;

use coaming_image::{RequestedFile, Tree};
use globset::GlobBuilder;

use crate::SlimError;

/// The files that the words of `--keep` mean. A package brings all packages that it needs; only its
/// own programs count as programs that run.
pub(crate) fn requested(tree: &Tree, words: &[String]) -> Result<Vec<RequestedFile>, SlimError> {
    let mut requested = BTreeSet::new();
    for word in words {
        let before = requested.len();
        if word.contains('/') {
            paths(tree, word, &mut requested)?;
        } else {
            package(tree, word, &mut requested);
        }
        if requested.len() == before {
            return Err(SlimError::NothingToKeep(word.clone()));
        }
    }
    Ok(requested.into_iter().collect())
}

fn package(tree: &Tree, word: &str, requested: &mut BTreeSet<RequestedFile>) {
    let owners = tree.owners();
    for name in owners.with_needs(word) {
        let Some((_, package)) = owners.package(name) else { continue };
        let own = owners.package(word).is_some_and(|(own, _)| own == name);
        let of = if own { word.to_owned() } else { format!("{word}, which needs {name}") };
        for path in &package.files {
            requested.insert(RequestedFile { path: path.to_string(), of: of.clone(), run: own });
        }
    }
}

fn paths(
    tree: &Tree,
    word: &str,
    requested: &mut BTreeSet<RequestedFile>,
) -> Result<(), SlimError> {
    let mut take = |path: &str| {
        requested.insert(RequestedFile { path: path.to_owned(), of: word.to_owned(), run: true });
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
