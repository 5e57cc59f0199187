//! The JSON outputs of the command line as types: the contract with programs.
//!
//! The renderers write JSON piece by piece, for speed; these types say what a reader may rely on. The
//! schemas in `docs/schemas` are generated from them ([`schemas`]), and a program in Rust can read
//! an output with them. Invariants, which the tests of the command line hold on real outputs:
//!
//! * Every output is read by its type, without a field left over, and the type writes the same JSON
//!   again: nothing is in the output that is not here, and nothing here is never written.
//! * Fields are only ever added within a `version`. A reader ignores fields it does not know: the
//!   schemas, unlike these types, allow them.

mod breach;
mod cluster;
mod export;
mod image;
mod net;
mod report;

pub use breach::*;
pub use cluster::*;
pub use export::*;
pub use image::*;
pub use net::*;
pub use report::*;

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Value, json};

/// Where the schemas are published.
const BASE: &str = "https://coaming.dev/schemas";

/// The schema of every JSON output, by the name of its file without the extension.
#[must_use]
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        schema::<Report>("report", "What `scan`, `secrets` and `secrets etcd` find"),
        schema::<Statistics>("statistics", "How many findings each rule has: `--statistics`"),
        schema::<Vec<RuleEntry>>("rules", "All rules: `rules`"),
        schema::<Connections>("net-list", "Every possible connection: `net list`"),
        schema::<Exposures>("net-exposure", "What each workload is open to: `net exposure`"),
        schema::<Difference>("net-diff", "What changes between two states: `net diff`"),
        schema::<Checks>("net-check", "How assertions about connections turned out: `net check`"),
        schema::<Explanation>("net-why", "Why a connection is possible or not: `net why`"),
        schema::<Breach>("breach", "What an attacker reaches: `breach`"),
        schema::<BreachComparison>("breach-compare", "What an attacker gains: `breach --compare`"),
        schema::<SecretReaders>("who-can", "Who can read a Secret: `secrets who-can`"),
        schema::<PolicyExport>("export-vap", "Rules as admission policies: `export vap`"),
        schema::<PodSecurityPlan>("export-psa", "Pod Security labels: `export psa`"),
        schema::<Image>("image", "What an image contains: `image`"),
        schema::<WalkedImage>("image-walk", "A line of `image --registry`"),
        schema::<Slimmed>("image-slim", "What was removed from an image: `image slim`"),
        schema::<Vulnerabilities>("vulnerabilities", "Known vulnerabilities: `db query`"),
        schema::<DatabaseInfo>("database", "What a vulnerability database contains: `db info`"),
    ]
}

/// The schema of one output, in draft 2020-12. Unknown fields are allowed, because later versions of
/// the program add some.
fn schema<T: JsonSchema>(name: &'static str, title: &str) -> (&'static str, Value) {
    let settings = SchemaSettings::draft2020_12();
    let mut value = SchemaGenerator::from(settings).into_root_schema_for::<T>().to_value();
    open(&mut value);
    if let Value::Object(fields) = &mut value {
        fields.insert("$id".to_owned(), json!(format!("{BASE}/{name}.schema.json")));
        fields.insert("title".to_owned(), json!(title));
    }
    (name, value)
}

/// Removes `additionalProperties: false`, which says that the types read strictly.
fn open(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.get("additionalProperties") == Some(&Value::Bool(false)) {
                fields.remove("additionalProperties");
            }
            fields.values_mut().for_each(open);
        }
        Value::Array(items) => items.iter_mut().for_each(open),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_open_and_named() {
        for (name, schema) in schemas() {
            let text = schema.to_string();
            assert!(!text.contains("\"additionalProperties\":false"), "{name}");
            assert_eq!(schema["$id"], format!("https://coaming.dev/schemas/{name}.schema.json"));
            assert!(text.contains("\"description\""), "{name}");
        }
    }
}
