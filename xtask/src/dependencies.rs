//! The libraries that we depend on directly, each with the reason: a list for users, held against the
//! workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::{Table, Value};

/// Where the reasons are.
const REASONS: &str = "xtask/dependencies.toml";

/// Fails where a dependency has no reason, or a reason no dependency.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    let (reasons, used) = (reasons(root)?, used(root)?);
    let mut problems = Vec::new();
    for (name, crates) in &used {
        if !reasons.contains_key(name) {
            let crates: Vec<&str> = crates.iter().map(String::as_str).collect();
            problems.push(format!(
                "`{name}` (in {}) has no reason: add the line `{name} = \"…\"`, which says what it \
                 does for us, and why that is not our own code",
                crates.join(", ")
            ));
        }
    }
    for name in reasons.keys().filter(|name| !used.contains_key(*name)) {
        problems.push(format!("`{name}` is not a dependency any more: remove its line"));
    }
    if problems.is_empty() { Ok(()) } else { Err(format!("{REASONS}:\n{}", problems.join("\n"))) }
}

/// The list for users.
pub(crate) fn page(root: &Path) -> Result<String, String> {
    let (reasons, used) = (reasons(root)?, used(root)?);
    let mut page = String::from(
        "# Dependencies\n\nThe libraries that Coaming depends on directly, and why. Each of them is \
         allowed by `deny.toml`; `Cargo.lock` has the versions, and the SBOM of a release all of \
         them, with what they depend on themselves.\n\n| library | what it is for | used by |\n\
         |---|---|---|\n",
    );
    for (name, reason) in reasons {
        let crates = used.get(&name).into_iter().flatten();
        let crates: Vec<String> = crates.map(|name| format!("`{name}`")).collect();
        page += &format!("| `{name}` | {reason} | {} |\n", crates.join(", "));
    }
    Ok(page)
}

fn reasons(root: &Path) -> Result<BTreeMap<String, String>, String> {
    let table = read(&root.join(REASONS))?;
    let entry = |(name, value): (String, Value)| match value {
        Value::String(reason) if !reason.trim().is_empty() => Ok((name, reason)),
        _ => Err(format!("{REASONS}: `{name}` is not a text")),
    };
    table.into_iter().map(entry).collect()
}

/// The crates of the workspace that use each library.
fn used(root: &Path) -> Result<BTreeMap<String, BTreeSet<String>>, String> {
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let directory = root.join("crates");
    let entries = std::fs::read_dir(&directory)
        .map_err(|error| format!("{}: {error}", directory.display()))?;
    let crates = entries.filter_map(Result::ok).map(|entry| entry.path());
    for directory in crates.chain([root.join("xtask")]) {
        let manifest = directory.join("Cargo.toml");
        if !manifest.is_file() {
            continue;
        }
        let table = read(&manifest)?;
        let name = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for dependency in dependencies(&table) {
            let is_own = dependency == "coaming" || dependency.starts_with("coaming-");
            if !is_own {
                used.entry(dependency).or_default().insert(name.clone());
            }
        }
    }
    Ok(used)
}

/// The names in all tables of dependencies of a manifest.
fn dependencies(manifest: &Table) -> BTreeSet<String> {
    const TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let of = |table: &Table| -> Vec<String> {
        let tables = TABLES.iter().filter_map(|name| table.get(*name)?.as_table());
        tables.flat_map(|table| table.keys().cloned()).collect()
    };
    let targets = manifest.get("target").and_then(Value::as_table);
    let targets = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
    of(manifest).into_iter().chain(targets.flat_map(of)).collect()
}

fn read(path: &Path) -> Result<Table, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
    text.parse().map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_tables_count() {
        let manifest: Table = "[dependencies]\na = \"1\"\n[dev-dependencies]\nb.workspace = true\n\
             [target.'cfg(unix)'.dependencies]\nc = {version = \"1\"}\n[package]\nname = \"x\"\n"
            .parse()
            .unwrap();
        let found: Vec<String> = dependencies(&manifest).into_iter().collect();
        assert_eq!(found, ["a", "b", "c"]);
    }
}
