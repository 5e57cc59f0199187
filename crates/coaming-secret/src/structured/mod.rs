//! Finds credentials in manifests, other structured files and command lines: by structure first, by
//! pattern second.
//!
//! [`in_object`] walks an object once. It knows what `Secret` data, environment variables, command
//! lines, `ConfigMap` files and annotations are, decodes what is encoded there, and scans every
//! other text with the name of its field. Proper ways to keep secrets (Sealed Secrets, references
//! to a vault, values that SOPS encrypted) are not detected.

mod command;
mod comments;
mod file;
mod generator;
mod nested;
mod operand;
mod program;
mod secret;
mod sops;
mod walk;

use coaming_yaml::{Node, Span};

pub use command::{CommandCredential, in_command};
pub use comments::in_comments;
pub use file::{FileCredential, in_file};
pub use generator::in_generated;
pub(crate) use program::SIGNS;
pub use sops::{SopsGap, sops_covers, sops_gaps};

use crate::{Detection, Detector, TextKind};

/// The kind of field that contains a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Holder {
    /// `data` or `stringData` of a `Secret`.
    Secret,
    /// The value of an environment variable.
    Environment,
    /// A word of a command line: in `command`, `args` or a probe.
    Command,
    /// `data` or `binaryData` of a `ConfigMap`.
    ConfigMap,
    /// An annotation or a label.
    Annotation,
    /// Any other field: of a custom resource, of a probe's header, of a volume's options.
    Field,
}

/// A credential in an object.
#[derive(Clone, Debug)]
pub struct FieldCredential<'a> {
    /// The kind of field.
    pub holder: Holder,
    /// The field.
    pub node: Node<'a>,
    /// The value in the source, if the source contains it verbatim.
    pub span: Option<Span>,
    /// The name of the container that the field belongs to.
    pub container: Option<&'a str>,
    /// The name of the variable, key, annotation or field.
    pub name: String,
    /// How the value is encoded, for people: `base64`; empty if it is not.
    pub encoding: &'static str,
    /// What it is.
    pub detection: Detection,
}

/// Kinds that keep secrets elsewhere or encrypted, and kinds that only describe other kinds.
const SILENT_KINDS: &[&str] = &[
    "SealedSecret",
    "ExternalSecret",
    "ClusterExternalSecret",
    "PushSecret",
    "SecretStore",
    "ClusterSecretStore",
    "SecretProviderClass",
    "VaultStaticSecret",
    "VaultDynamicSecret",
    "VaultPKISecret",
    "VaultAuth",
    "VaultConnection",
    "OnePasswordItem",
    "BitwardenSecret",
    "InfisicalSecret",
    "DopplerSecret",
    "AzureKeyVaultSecret",
    "CustomResourceDefinition",
    "ValidatingAdmissionPolicy",
    "ConstraintTemplate",
    "PrometheusRule",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
];

/// The credentials in an object, in the order of its text.
#[must_use]
pub fn in_object<'a>(detector: &Detector, object: Node<'a>) -> Vec<FieldCredential<'a>> {
    let kind = object.get("kind").map(Node::text).unwrap_or_default();
    if SILENT_KINDS.contains(&kind) {
        return if kind == "SealedSecret" { walk::sealed(detector, object) } else { Vec::new() };
    }
    walk::object(detector, object, kind)
}

/// The credentials in a YAML or JSON document that is not an object: a chart's values, a
/// kustomization.
#[must_use]
pub fn in_document<'a>(detector: &Detector, root: Node<'a>) -> Vec<FieldCredential<'a>> {
    walk::document(detector, root)
}

/// The credentials in a YAML or JSON document, which may be an object.
fn in_root<'a>(detector: &Detector, root: Node<'a>) -> Vec<FieldCredential<'a>> {
    let has = |name: &str| root.get(name).and_then(Node::as_str).is_some();
    if has("apiVersion") && has("kind") {
        in_object(detector, root)
    } else {
        in_document(detector, root)
    }
}

/// The credentials in a file that is not structured, by its path.
#[must_use]
pub fn in_text(detector: &Detector, path: &str, text: &str) -> Vec<Detection> {
    let (mut found, signs) = detector.scan_with_signs(text.as_bytes(), TextKind::File(path));
    found.extend(command::in_script(detector, text, &signs, &found));
    found.sort_by_key(|detection| detection.range.start);
    found
}

/// The credentials in a file that is a value, as text, and by its structure if it has one.
pub(crate) fn in_nested(detector: &Detector, path: &str, text: &str) -> Vec<Detection> {
    let mut found = in_text(detector, path, text);
    for detection in nested::in_structure(detector, path, text) {
        if !found.iter().any(|other| other.overlaps(&detection.range)) {
            found.push(detection);
        }
    }
    found.sort_by_key(|detection| detection.range.start);
    found
}

/// Whether SOPS encrypted this document: a value in plain text was then left out by mistake.
#[must_use]
pub fn is_sops(root: Node<'_>) -> bool {
    root.get("sops").is_some_and(|sops| sops.get("mac").is_some() || sops.get("version").is_some())
}

/// The texts of what a reader of commands found among words.
#[cfg(test)]
fn texts_of(words: &[&str], found: Vec<(usize, std::ops::Range<usize>)>) -> Vec<String> {
    found.into_iter().map(|(index, range)| words[index][range].to_owned()).collect()
}
