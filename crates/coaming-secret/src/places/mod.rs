//! Where Kubernetes keeps credentials: by structure first, by pattern second.
//!
//! [`in_object`] walks an object once. It knows what `Secret` data, environment variables, command
//! lines, `ConfigMap` files and annotations are, decodes what is encoded there, and reads every other
//! text under the name of its field. What is meant for secrets (Sealed Secrets, references to a
//! vault, values that SOPS encrypted) raises nothing.

mod command;
mod comments;
mod file;
mod generator;
mod nested;
mod program;
mod secret;
mod walk;

use coaming_yaml::{Node, Span};

pub use command::in_words;
pub use comments::in_comments;
pub use file::{FilePlace, in_file};
pub use generator::in_generated;

use crate::{Detection, Detector, Origin};

/// What holds a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Holder {
    /// `data` or `stringData` of a `Secret`.
    Secret,
    /// The value of an environment variable.
    Environment,
    /// A word of a command line, in `command`, `args` or a probe.
    Command,
    /// `data` or `binaryData` of a `ConfigMap`.
    ConfigMap,
    /// An annotation or a label.
    Annotation,
    /// Any other field: of a custom resource, a header of a probe, an option of a volume.
    Field,
}

/// A credential in an object.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    /// What holds it.
    pub holder: Holder,
    /// The field.
    pub node: Node<'a>,
    /// The value's own text in the source, where it stands there as it is.
    pub span: Option<Span>,
    /// The container, where it is in one.
    pub container: Option<&'a str>,
    /// The name it goes by: of the variable, the key, the annotation, the field.
    pub name: String,
    /// How it is wrapped, as people say it: `base64`; empty where it is plain.
    pub wrapping: &'static str,
    /// What it is.
    pub detection: Detection,
}

/// Kinds that keep secrets elsewhere or encrypted, and kinds that only describe others.
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
pub fn in_object<'a>(detector: &Detector, object: Node<'a>) -> Vec<Place<'a>> {
    let kind = object.get("kind").map(Node::text).unwrap_or_default();
    if SILENT_KINDS.contains(&kind) {
        return Vec::new();
    }
    walk::object(detector, object, kind)
}

/// The credentials in a YAML or JSON document that is no object: a chart's values, a kubeconfig, a
/// kustomization.
#[must_use]
pub fn in_document<'a>(detector: &Detector, root: Node<'a>) -> Vec<Place<'a>> {
    walk::document(detector, root)
}

/// The credentials in a file that is no YAML, by its path.
#[must_use]
pub fn in_text(detector: &Detector, path: &str, text: &str) -> Vec<Detection> {
    let mut found = detector.scan(text, Origin::File(path));
    found.extend(command::in_script(detector, text, &found));
    found.sort_by_key(|detection| detection.range.start);
    found
}

/// The credentials in a file that is a value: by its structure where it has one, by its text beside it.
pub(crate) fn in_nested(detector: &Detector, path: &str, text: &str) -> Vec<Detection> {
    let mut found = in_text(detector, path, text);
    for detection in nested::in_structure(detector, path, text) {
        let range = &detection.range;
        let overlaps =
            |other: &Detection| other.range.start < range.end && other.range.end > range.start;
        if !found.iter().any(overlaps) {
            found.push(detection);
        }
    }
    found.sort_by_key(|detection| detection.range.start);
    found
}

/// Whether SOPS encrypted this document: then what is still plain was left out by mistake.
#[must_use]
pub fn is_sops(root: Node<'_>) -> bool {
    root.get("sops").is_some_and(|sops| sops.get("mac").is_some() || sops.get("version").is_some())
}
