//! Paths in which there is nothing to scan: a mistyped directory must not look safe.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::layout::{is_below, is_library_chart};
use crate::read::STDIN;
use crate::walk::{display_name, is_glob};
use crate::{InputError, Loaded, Options};

/// An error for each path that named nothing of `loaded`, and nothing in `known` besides.
pub(crate) fn paths(
    paths: &[PathBuf],
    loaded: &Loaded,
    known: impl Iterator<Item = String>,
    thinned: &BTreeSet<String>,
    options: &Options,
) -> Vec<InputError> {
    let variants = loaded.variants.iter();
    let sources = variants.clone().flat_map(|variant| &variant.sources);
    let names: BTreeSet<&str> = sources
        .map(|(_, source)| source.name.as_str())
        .chain(variants.filter_map(|variant| variant.name.as_deref()))
        .chain(loaded.errors.iter().map(|error| error.file.as_str()))
        .collect();
    let known: BTreeSet<String> = known.collect();
    let is_empty = |path: &&PathBuf| {
        if is_glob(path) && !path.exists() {
            return names.is_empty() && known.is_empty();
        }
        let path = shown(path);
        let is_of = |name: &str| name == path || is_below(name, &path);
        !names.iter().copied().any(is_of) && !known.iter().any(|name| is_of(name))
    };
    paths
        .iter()
        .filter(is_empty)
        .map(|path| {
            let message = if is_library_chart(&path.join("Chart.yaml"), options) {
                "contains nothing to scan: it is a library chart, which renders nothing by \
                 itself; scan a chart that uses it. `--allow-empty` accepts that"
            } else if thinned.contains(&shown(path)) {
                "contains nothing to scan: `exclude` in the configuration leaves it out; \
                 `--allow-empty` accepts that"
            } else {
                "contains nothing to scan: no Kubernetes object, chart, overlay or Dockerfile; \
                 `--allow-empty` accepts that"
            };
            InputError::new(shown(path), message)
        })
        .collect()
}

fn shown(path: &Path) -> String {
    if path.as_os_str() == "-" { STDIN.to_owned() } else { display_name(path) }
}
