//! The JSON outputs keep their contract: every output that a test reads is checked against its type
//! and its schema.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use clap::CommandFactory as _;
use coaming_args::Arguments;
use coaming_contract as contract;
use jsonschema::Validator;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{directory, json, root, run};

/// Checks an output. The formats of others (SARIF, CycloneDX …) have schemas of their own.
pub(crate) fn check(value: &Value) {
    let has = |name: &str| value.get(name).is_some();
    let all = |names: &[&str]| names.iter().all(|name| has(name));
    if value.is_array() {
        let first = value.get(0);
        if first.is_some_and(|entry| entry.get("standards").is_some()) {
            check_as::<Vec<contract::RuleEntry>>("rules", value);
        }
    } else if all(&["findings", "summary"]) {
        check_as::<contract::Report>("report", value);
    } else if has("statistics") {
        check_as::<contract::Statistics>("statistics", value);
    } else if all(&["version", "connections"]) {
        check_as::<contract::Connections>("net-list", value);
    } else if all(&["version", "workloads_added"]) {
        check_as::<contract::Difference>("net-diff", value);
    } else if all(&["version", "workloads"]) {
        check_as::<contract::Exposures>("net-exposure", value);
    } else if all(&["version", "assertions"]) {
        check_as::<contract::Checks>("net-check", value);
    } else if has("sides") {
        check_as::<contract::Explanation>("net-why", value);
    } else if all(&["entries", "prizes"]) {
        check_as::<contract::Breach>("breach", value);
    } else if all(&["gained", "lost"]) {
        check_as::<contract::BreachComparison>("breach-compare", value);
    } else if all(&["secret", "subjects"]) {
        check_as::<contract::SecretReaders>("who-can", value);
    } else if all(&["image", "names"]) {
        check_as::<contract::WalkedImage>("image-walk", value);
    } else if all(&["policies", "not_expressed"]) {
        check_as::<contract::PolicyExport>("export-vap", value);
    } else if all(&["namespaces", "kubernetes_version"]) {
        check_as::<contract::PodSecurityPlan>("export-psa", value);
    } else if all(&["image", "facts"]) {
        check_as::<contract::Image>("image", value);
    } else if all(&["kept", "gone"]) {
        check_as::<contract::Slimmed>("image-slim", value);
    } else if all(&["vulnerabilities", "advice"]) {
        check_as::<contract::Vulnerabilities>("vulnerabilities", value);
    } else if all(&["ecosystems", "sha256"]) {
        check_as::<contract::DatabaseInfo>("database", value);
    }
}

/// The type reads all of the output, and writes it again; the published schema accepts it.
fn check_as<T: DeserializeOwned + Serialize>(name: &str, value: &Value) {
    let read: T = serde_json::from_value(value.clone())
        .unwrap_or_else(|error| panic!("{name}: {error} in {value:#}"));
    let written = serde_json::to_value(read).unwrap();
    assert!(written == *value, "{name}: read and written again:\n{written:#}\nnot\n{value:#}");
    let errors: Vec<String> =
        schema(name).iter_errors(value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{name}: {errors:#?}");
}

fn schema(name: &str) -> &'static Validator {
    static SCHEMAS: OnceLock<BTreeMap<String, Validator>> = OnceLock::new();
    let schemas = SCHEMAS.get_or_init(|| {
        let directory = std::fs::read_dir(root().join("docs/schemas")).unwrap();
        let read = |entry: std::io::Result<std::fs::DirEntry>| {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let schema: Value = serde_json::from_str(&text).unwrap();
            let name = path.file_name().unwrap().to_str().unwrap();
            let name = name.strip_suffix(".schema.json").unwrap().to_owned();
            (name, jsonschema::validator_for(&schema).unwrap())
        };
        directory.map(read).collect()
    });
    &schemas[name]
}

/// Every command with a JSON format, and the schema of its output.
const COMMANDS: &[(&str, &str)] = &[
    ("coaming breach", "breach"),
    ("coaming db build", "-"),
    ("coaming db info", "database"),
    ("coaming db query", "vulnerabilities"),
    ("coaming export psa", "export-psa"),
    ("coaming export vap", "export-vap"),
    ("coaming image", "image"),
    ("coaming image slim", "image-slim"),
    ("coaming net diff", "net-diff"),
    ("coaming net exposure", "net-exposure"),
    ("coaming net list", "net-list"),
    ("coaming rules", "rules"),
    ("coaming scan", "report"),
    ("coaming secrets", "report"),
    ("coaming secrets etcd", "report"),
    ("coaming secrets who-can", "who-can"),
];

/// A new command with a JSON format needs a type in `coaming-contract`, and a line above.
#[test]
fn every_json_output_has_a_schema() {
    let mut command = Arguments::command();
    command.build();
    let mut queue = vec![command];
    let mut found = BTreeSet::new();
    while let Some(command) = queue.pop() {
        let has_json = command.get_arguments().any(|argument| {
            argument.get_id() == "format"
                && argument.get_possible_values().iter().any(|value| value.get_name() == "json")
        });
        if has_json {
            found.insert(command.get_bin_name().unwrap_or("coaming").to_owned());
        }
        queue.extend(command.get_subcommands().cloned());
    }
    let known: BTreeSet<String> = COMMANDS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let new: Vec<&String> = found.difference(&known).collect();
    assert!(new.is_empty(), "without a schema: {new:?}");
    for (_, name) in COMMANDS.iter().filter(|(_, name)| *name != "-") {
        schema(name);
    }
    // They have a flag instead.
    schema("net-check");
    schema("net-why");
}

/// One run of each command that needs nothing but files; the other tests read the rest.
#[test]
fn outputs_of_files_keep_the_contract() {
    let broken = directory(&[("broken.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {\n")]);
    let broken = broken.path().to_str().unwrap();
    let shop = "examples/shop";
    for arguments in [
        &["scan", "--format", "json", "--select", "ALL", shop, broken][..],
        &["scan", "--format", "json", "--standard", "cis-1.12", shop],
        &["scan", "--format", "json", "--statistics", shop],
        &["rules", "--format", "json"],
        &["net", "list", "--format", "json", shop],
        &["net", "exposure", "--format", "json", shop],
        &["net", "why", "--json", "ingress", "shop/web", shop],
        &["net", "diff", "--format", "json", shop, "examples/shop/web.yaml"],
        &["breach", "--format", "json", shop],
        &["breach", "--format", "json", "--compare", shop, shop],
        &["export", "vap", "--format", "json"],
        &["export", "psa", "--format", "json", shop],
        &["secrets", "--format", "json", shop],
        &["secrets", "who-can", "--format", "json", "shop/database", shop],
    ] {
        let output = run(arguments);
        if output.stdout.is_empty() {
            panic!("{arguments:?}: {}", super::stderr(&output));
        }
        json(&output);
    }
}
