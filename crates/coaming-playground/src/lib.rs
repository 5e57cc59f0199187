//! The playground: one text, judged by all rules and repaired by the safe fixes, in a browser.
//!
//! The page gets the same JSON as from `coaming scan --format json`. Invariants:
//!
//! * Nothing leaves the page: no file is read, and no connection is opened.
//! * A text that is not understood is an error in the report, never a panic.

#[cfg(target_family = "wasm")]
pub mod page;

use std::collections::BTreeMap;
use std::sync::Arc;

use coaming_config::Config;
use coaming_finding::{InputError, RuleRef};
use coaming_kube::World;
use coaming_report::{File, Format, FullOptions, InputText, Report};
use coaming_rules::Images;
use coaming_scan::Engine;
use coaming_source::{Buffer, Options};

/// The longest text, in bytes: what a person pastes, judged between two keystrokes.
const LIMIT: u64 = 1 << 20;

/// Judges texts.
#[derive(Debug)]
pub struct Playground {
    engine: Engine,
    rules: Vec<RuleRef>,
}

impl Playground {
    /// A playground with all rules that are on by default.
    ///
    /// # Errors
    ///
    /// If the default configuration is refused, which would be a bug.
    pub fn new() -> Result<Self, coaming_scan::ScanError> {
        let engine = Engine::new(Config::default(), None)?;
        let rules = engine.rules();
        Ok(Self { engine, rules })
    }

    /// The report on a text as JSON, as `coaming scan --format json` writes it. `name` decides how
    /// the text is read: `pod.yaml`, `Dockerfile`, `.env`.
    #[must_use]
    pub fn scan(&self, name: &str, text: &str) -> String {
        let (world, errors) = read(name, text);
        let found = self.engine.scan(&world, &Images::default(), None);
        let files = world.sources().map(|(id, source)| {
            let file = File {
                name: &source.name,
                source: InputText::new(&source.text),
                documents: source.documents(),
            };
            (id, file)
        });
        let files: BTreeMap<_, _> = files.collect();
        let report = Report {
            findings: &found.findings,
            errors: &errors,
            notes: &found.notes,
            files: &files,
            file_count: 1,
            document_count: world.document_count(),
            workload_count: world.workloads().count(),
            rules: &self.rules,
            known: None,
            compliance: None,
        };
        let mut json = Vec::new();
        // Writing to memory does not fail.
        let written =
            coaming_report::render(&report, Format::Json, FullOptions::default(), &mut json);
        debug_assert!(written.is_ok());
        String::from_utf8_lossy(&json).into_owned()
    }

    /// The text with all safe fixes applied, and with `allow_unsafe` also those that may break the
    /// application; `None` if there is nothing to apply.
    #[must_use]
    pub fn fix(&self, name: &str, text: &str, allow_unsafe: bool) -> Option<String> {
        let (world, errors) = read(name, text);
        if !errors.is_empty() {
            return None;
        }
        let judge = |world: &World| self.engine.scan(world, &Images::default(), None).findings;
        let plan = coaming_fix::plan(vec![world.into()], allow_unsafe, judge, |_| None);
        plan.changes.into_iter().next().map(|change| change.after.to_string())
    }
}

/// The world of one text.
fn read(name: &str, text: &str) -> (World, Vec<InputError>) {
    let options = Options { max_file_bytes: LIMIT, ..Options::default() };
    let Buffer { source, mut errors } = coaming_source::buffer(name, Arc::from(text), &options);
    if source.is_none() && errors.is_empty() && !text.trim().is_empty() {
        errors.push(InputError::new(name, "the text has no `apiVersion` and `kind`"));
    }
    let sources = source.map(|source| (Engine::SUBJECT, Arc::new(source)));
    (World::numbered(sources), errors)
}
