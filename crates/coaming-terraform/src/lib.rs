//! Finds the Kubernetes objects that the files of a Terraform or OpenTofu module make, or those of a
//! plan (`terraform show -json`), and writes them as manifests.
//!
//! Read are `kubernetes_manifest`, `kubectl_manifest` and the typed resources of the Kubernetes
//! provider (`kubernetes_deployment_v1`), with variables that have defaults, locals, `count`,
//! `for_each`, and the functions that manifests are made with. Invariants:
//!
//! * What is known only when Terraform runs is never judged as absent: a field whose value is unknown
//!   is either one whose absence says nothing, or its object is [incomplete](Manifest::is_incomplete).
//! * What is left out is counted ([`Rendered::left_out`]).
//! * Nothing is read but the texts that a caller gives: `file()` and data sources are unknown.
//! * Depth, steps and the size of values are bounded; input is hostile.
//! * Each byte of a manifest knows the byte of the file that it was made from.

mod convert;
mod emit;
mod eval;
mod functions;
mod json;
mod module;
mod plan;
mod template;
mod typed;
mod value;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use plan::{is_plan, plan};

/// A file of a module.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Its name, of which the ending says what it is: `.tf`, `.tofu`, `.tf.json`, `.tfvars`.
    pub name: String,
    /// Its text.
    pub text: Arc<str>,
}

/// A byte of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The index of the file in the module.
    pub file: u32,
    /// The byte in its text.
    pub offset: u32,
    /// Whether the following bytes are the following bytes of the file.
    pub verbatim: bool,
}

/// From this byte of a manifest on, the text is from these places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The byte in the manifest.
    pub start: u32,
    /// Where the resource, or the local that it uses, says so.
    pub place: Option<Place>,
    /// Where the value is from, if that is elsewhere: the default of a variable.
    pub value: Option<Place>,
}

/// What one instance of a resource makes: a text with one or several objects in YAML.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The index of the file with the resource.
    pub file: usize,
    /// The manifest.
    pub text: String,
    /// Where its parts are from.
    pub marks: Vec<Mark>,
    /// Whether an unknown value may have said what would otherwise be judged as absent.
    pub is_incomplete: bool,
}

/// A file that cannot be read as what its name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The index of the file in the module.
    pub file: usize,
    /// Line and column, both from 1.
    pub position: (u32, u32),
    /// What is wrong.
    pub message: String,
}

/// What a module or a plan makes.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// The manifests, in the order of the files.
    pub manifests: Vec<Manifest>,
    /// Files with errors of syntax.
    pub problems: Vec<Problem>,
    /// How many resources are not read, by their type.
    pub left_out: BTreeMap<String, usize>,
    /// How many manifests have a field whose value is unknown and that is therefore not judged.
    pub partial: usize,
}

/// Whether a text may be about Kubernetes: most modules are about something else.
#[must_use]
pub fn mentions_kubernetes(text: &str) -> bool {
    ["\"kubernetes_", "\"kubectl_manifest\"", "\"helm_release\"", "\"k8s_manifest\""]
        .iter()
        .any(|word| text.contains(word))
}

/// Finds the objects that a module makes: all its files are one.
#[must_use]
pub fn render(files: &[SourceFile]) -> Rendered {
    let (sources, problems) = module::Parsed::all(files);
    let module = module::Module::new(files, &sources);
    let mut rendered = module.render();
    rendered.problems = problems;
    rendered
}
