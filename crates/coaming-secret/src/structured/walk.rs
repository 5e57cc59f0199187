//! Walks over an object: determines what each text is for.

use std::ops::Range;

use coaming_yaml::{Node, Span};
use memchr::memmem;

use super::{FieldCredential, Holder, command, is_sops, nested, secret};
use crate::{Detection, Detector, TextKind};

/// How deep objects are walked; the parser bounds them too.
const MAX_DEPTH: usize = 64;
/// At most this many credentials of an object are reported.
const MAX_CREDENTIALS: usize = 10_000;

/// The shortest possible password.
const MIN_LENGTH: usize = 3;

/// Fields of an object's metadata.
const OF_OBJECTS: &[&str] = &[
    "annotations",
    "creationTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Fields whose values are names of other objects, certificates, or written by the API server.
const SKIPPED: &[&str] = &[
    "apiVersion",
    "kind",
    "image",
    "caBundle",
    "managedFields",
    "secretKeyRef",
    "configMapKeyRef",
    "secretRef",
    "configMapRef",
    "fieldRef",
    "resourceFieldRef",
    "imagePullSecrets",
    "serviceAccountToken",
    "serviceAccountName",
    "secretName",
    "labels",
    "matchLabels",
    "selector",
    "ownerReferences",
    "uid",
    "sops",
    "creationTimestamp",
    "resourceVersion",
    "mountPath",
    "subPath",
    "openAPIV3Schema",
    "certificate-authority-data",
    "client-certificate-data",
];

/// The API version of the containers in the output of `docker inspect`.
const DOCKER: &str = "docker.com/v1";

/// The credentials of an object of this kind.
pub(super) fn object<'a>(
    detector: &Detector,
    root: Node<'a>,
    kind: &str,
) -> Vec<FieldCredential<'a>> {
    let mut walker = Walker::new(detector);
    if kind == "Container" && root.get("apiVersion").is_some_and(|it| it.text() == DOCKER) {
        walker.docker(root);
        return walker.credentials;
    }
    for entry in root.entries() {
        match (kind, entry.name()) {
            ("Secret", "data" | "stringData") => {
                secret::data(&mut walker, root, entry.value, entry.name() == "data");
            }
            ("ConfigMap", "data") => walker.config_map(entry.value),
            ("ConfigMap", "binaryData") => walker.binary_data(entry.value),
            (_, "metadata") => walker.metadata(entry.value),
            (_, "secretGenerator") => walker.generator(entry.value, true),
            (_, "configMapGenerator") => walker.generator(entry.value, false),
            (_, "sops") if is_sops(root) => {}
            (_, name) => walker.node(entry.value, Context::new(name), 0),
        }
    }
    walker.credentials
}

/// The credentials of an object that keeps secrets encrypted: in its annotations, and in the
/// annotations and plain values of the Secret that it becomes.
pub(super) fn sealed<'a>(detector: &Detector, root: Node<'a>) -> Vec<FieldCredential<'a>> {
    let mut walker = Walker::new(detector);
    if let Some(metadata) = root.get("metadata") {
        walker.metadata(metadata);
    }
    let template = root.get("spec").and_then(|spec| spec.get("template"));
    if let Some(template) = template {
        if let Some(metadata) = template.get("metadata") {
            walker.metadata(metadata);
        }
        for field in ["data", "stringData"] {
            if let Some(data) = template.get(field) {
                secret::data(&mut walker, template, data, false);
            }
        }
    }
    walker.credentials
}

/// The credentials of a document that is not an object.
pub(super) fn document<'a>(detector: &Detector, root: Node<'a>) -> Vec<FieldCredential<'a>> {
    let mut walker = Walker::new(detector);
    walker.node(root, Context::new(""), 0);
    walker.credentials
}

/// The current position of the walk.
#[derive(Clone, Copy)]
struct Context<'a> {
    /// The name of the field that contains this one.
    parent: &'a str,
    /// The name of the field.
    key: &'a str,
    container: Option<&'a str>,
    /// The image whose default program the container starts; empty if the container sets `command`.
    image: &'a str,
    in_environment: bool,
}

impl<'a> Context<'a> {
    fn new(key: &'a str) -> Self {
        Self { parent: "", key, container: None, image: "", in_environment: false }
    }

    fn below(self, key: &'a str) -> Self {
        Self { parent: self.key, key, in_environment: matches!(key, "env" | "environment"), ..self }
    }
}

fn holder(context: Context<'_>) -> Holder {
    if context.in_environment { Holder::Environment } else { Holder::Field }
}

/// Collects credentials.
pub(super) struct Walker<'a, 'd> {
    pub(super) detector: &'d Detector,
    credentials: Vec<FieldCredential<'a>>,
    /// A buffer for the name of the current field.
    name: String,
}

impl<'a, 'd> Walker<'a, 'd> {
    fn new(detector: &'d Detector) -> Self {
        Self { detector, credentials: Vec::new(), name: String::new() }
    }

    fn node(&mut self, node: Node<'a>, context: Context<'a>, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        if node.is_mapping() {
            self.mapping(node, context, depth);
        } else if node.is_sequence() {
            self.sequence(node, context, depth);
        } else if node.as_str().is_some() || node.as_int().is_some() {
            let mut name = std::mem::take(&mut self.name);
            name.clear();
            if !context.parent.is_empty() {
                name.push_str(context.parent);
                name.push('.');
            }
            name.push_str(context.key);
            self.value(node, holder(context), &name, context.container);
            self.name = name;
        }
    }

    fn mapping(&mut self, node: Node<'a>, mut context: Context<'a>, depth: usize) {
        let name = node.get("name").and_then(Node::as_str);
        if let Some(image) = node.get("image") {
            context.container = name.or(context.container);
            context.image = if node.get("command").is_none() { image.text() } else { "" };
        }
        // `name` and `value`: an environment variable, a header, a parameter.
        let value = node.get("value").filter(|value| !value.is_mapping() && !value.is_sequence());
        let pair = name.or_else(|| node.get("key").and_then(Node::as_str)).zip(value);
        self.document_keys(node, context);
        for entry in node.entries() {
            let key = entry.name();
            if SKIPPED.contains(&key) && !is_leak(key, entry.value) {
                continue;
            }
            match pair {
                Some((name, value)) if value == entry.value => {
                    self.value(value, holder(context), name, context.container);
                }
                _ if key == "metadata" && entry.value.is_mapping() => {
                    self.metadata(entry.value);
                    // What scalers and others call so has settings of their own.
                    for own in entry.value.entries().filter(|own| !OF_OBJECTS.contains(&own.name()))
                    {
                        let context = context.below(key).below(own.name());
                        self.node(own.value, context, depth + 2);
                    }
                }
                _ if key == "annotations" && entry.value.is_mapping() => {
                    self.annotations(entry.value);
                }
                _ if key == "secretGenerator" => self.generator(entry.value, true),
                _ if key == "configMapGenerator" => self.generator(entry.value, false),
                _ => self.node(entry.value, context.below(key), depth + 1),
            }
        }
    }

    /// Keys that only the fields beside them reveal: the private part of a JSON Web Key, and the
    /// secret beside an AWS key ID.
    fn document_keys(&mut self, node: Node<'a>, context: Context<'a>) {
        if node.get("kty").is_some() {
            let private = ["d", "k"].iter().find_map(|name| Some((*name, node.get(name)?)));
            if let Some((name, value)) = private.filter(|(_, value)| value.text().len() >= 20) {
                let length = value.text().len();
                let found = key_detection(
                    self.detector,
                    "json-web-key",
                    "private JSON Web Key",
                    value,
                    0..length,
                );
                self.add(value, holder(context), name, context.container, "", found);
            }
            return;
        }
        if let Some(value) = node.get("community").filter(|_| is_of_snmp(node, context)) {
            for found in self.detector.scan(value.text(), TextKind::Value("snmp_community")) {
                self.add(value, holder(context), "community", context.container, "", found);
            }
            return;
        }
        // Terraform's state keeps generated passwords.
        if let Some(value) = node.get("result").filter(|_| node.get("bcrypt_hash").is_some()) {
            let length = value.text().len();
            let found = key_detection(self.detector, "password", "password", value, 0..length);
            self.add(value, holder(context), "result", context.container, "", found);
            return;
        }
        let is_id = |value: Node<'_>| {
            let text = value.text();
            text.len() == 20
                && (text.starts_with("AKIA") || text.starts_with("ASIA"))
                && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        };
        if !node.entries().any(|entry| is_id(entry.value)) {
            return;
        }
        for entry in node.entries() {
            let text = entry.value.text();
            let is_secret = text.len() == 40
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/+".contains(&byte))
                && crate::randomness::entropy(text.as_bytes()) > 4.0
                && self.detector.scan(text, TextKind::Value(entry.name())).is_empty();
            if is_secret {
                let title = "AWS secret access key";
                let found = key_detection(
                    self.detector,
                    "aws-secret-access-key",
                    title,
                    entry.value,
                    0..40,
                );
                self.add(entry.value, holder(context), entry.name(), context.container, "", found);
            }
        }
    }

    fn sequence(&mut self, node: Node<'a>, context: Context<'a>, depth: usize) {
        let is_probe = context.key == "test" && context.parent == "healthcheck";
        if matches!(context.key, "command" | "args" | "entrypoint" | "cmd") || is_probe {
            return self.command(node, context);
        }
        for item in node.items() {
            let in_environment = context.in_environment;
            match item.as_str() {
                // Compose-like `- NAME=value`.
                Some(text) if in_environment && text.contains('=') => {
                    self.text(item, Holder::Environment, text, "variable", context.container);
                }
                _ => self.node(item, context, depth + 1),
            }
        }
    }

    /// A value with its name; one of several lines is read as a file.
    fn value(&mut self, node: Node<'a>, holder: Holder, name: &str, container: Option<&'a str>) {
        let text = node.text();
        if text.len() < MIN_LENGTH {
            return;
        }
        let is_file = text.trim_end().contains('\n');
        let found = if name == "chpasswd.list" {
            command::in_accounts(self.detector, text)
        } else if is_file {
            super::in_nested(self.detector, name, text)
        } else {
            let kind = TextKind::Value(name);
            let (mut found, signs) = self.detector.scan_with_signs(text.as_bytes(), kind);
            // A command in one line: `run: curl -u user:x https://…`.
            found.extend(command::in_script(self.detector, text, &signs, &found));
            found
        };
        for detection in found {
            self.add(node, holder, name, container, "", detection);
        }
    }

    fn text(
        &mut self,
        node: Node<'a>,
        holder: Holder,
        text: &str,
        name: &str,
        container: Option<&'a str>,
    ) {
        for detection in super::in_text(self.detector, "", text) {
            self.add(node, holder, name, container, "", detection);
        }
    }

    fn command(&mut self, node: Node<'a>, context: Context<'a>) {
        let words: Vec<(Node<'a>, &'a str)> =
            node.items().filter_map(|item| Some((item, item.as_str()?))).collect();
        let texts: Vec<&str> = words.iter().map(|(_, text)| *text).collect();
        // The command of a probe does not depend on the program of the image.
        let image = if context.key == "args" { context.image } else { "" };
        for found in command::in_arguments(self.detector, image, &texts) {
            if let Some((node, _)) = words.get(found.word) {
                let (name, detection) = (&found.name, found.detection);
                self.add(*node, Holder::Command, name, context.container, "", detection);
            }
        }
    }

    /// The settings of a Docker container.
    fn docker(&mut self, root: Node<'a>) {
        let Some(config) = root.get("Config") else { return };
        for item in config.get("Env").into_iter().flat_map(Node::items) {
            let Some((name, value)) = item.as_str().and_then(|text| text.split_once('=')) else {
                continue;
            };
            for detection in self.detector.scan(value, TextKind::Value(name)) {
                self.add(item, Holder::Environment, name, None, "", detection);
            }
        }
        for field in ["Entrypoint", "Cmd"] {
            if let Some(words) = config.get(field) {
                self.command(words, Context::new("command"));
            }
        }
        if let Some(labels) = config.get("Labels") {
            self.annotations(labels);
        }
    }

    fn config_map(&mut self, data: Node<'a>) {
        for entry in data.entries() {
            self.value(entry.value, Holder::ConfigMap, entry.name(), None);
        }
    }

    fn binary_data(&mut self, data: Node<'a>) {
        for entry in data.entries() {
            let Some(bytes) = crate::decode::base64(entry.value.text()) else { continue };
            let bytes = crate::decode::gunzip(&bytes).unwrap_or(bytes);
            let name = entry.name().trim_end_matches(".gz");
            for detection in self.detector.scan(&bytes, TextKind::File(name)) {
                self.add(entry.value, Holder::ConfigMap, entry.name(), None, "base64", detection);
            }
        }
    }

    /// The metadata of an object: of it, only annotations are free texts.
    fn metadata(&mut self, metadata: Node<'a>) {
        for entry in metadata.entries() {
            if entry.name() == "annotations" {
                self.annotations(entry.value);
            }
        }
    }

    fn annotations(&mut self, annotations: Node<'a>) {
        for entry in annotations.entries() {
            let (node, name) = (entry.value, entry.name());
            let Some(text) = node.as_str() else { continue };
            if text == coaming_finding::WITHHELD {
                self.add(node, Holder::Annotation, name, None, "", secret::withheld());
                continue;
            }
            let patched = nested::in_patch(self.detector, text);
            if !patched.is_empty() {
                for detection in patched {
                    self.add(node, Holder::Annotation, name, None, "base64", detection);
                }
                continue;
            }
            let Some(nested) = nested::in_json(self.detector, text) else {
                self.value(node, Holder::Annotation, name, None);
                continue;
            };
            for (encoding, detection) in nested {
                self.add(node, Holder::Annotation, name, None, encoding, detection);
            }
        }
    }

    /// `literals: [NAME=value]` of a generator of Kustomize, for Secrets or ConfigMaps.
    fn generator(&mut self, generators: Node<'a>, is_secret: bool) {
        for literal in generators.items().filter_map(|item| item.get("literals")) {
            for item in literal.items() {
                let Some((name, value)) = item.as_str().and_then(|text| text.split_once('='))
                else {
                    continue;
                };
                let value = value.trim_matches(['"', '\'']);
                let mut found = self.detector.scan(value, TextKind::Value(name));
                if found.is_empty() && is_secret {
                    found.extend(secret::random_value(self.detector, value));
                }
                for detection in found {
                    self.add(item, Holder::Field, name, None, "", detection);
                }
            }
        }
    }

    pub(super) fn add(
        &mut self,
        node: Node<'a>,
        holder: Holder,
        name: &str,
        container: Option<&'a str>,
        encoding: &'static str,
        detection: Detection,
    ) {
        if self.credentials.len() >= MAX_CREDENTIALS {
            return;
        }
        let span =
            if encoding.is_empty() { exact_span(node, detection.range.clone()) } else { None };
        let name = name.to_owned();
        let credential =
            FieldCredential { holder, node, span, container, name, encoding, detection };
        self.credentials.push(credential);
    }
}

/// A key that was found by its place in a document.
fn key_detection(
    detector: &Detector,
    kind: &'static str,
    title: &'static str,
    value: Node<'_>,
    range: Range<usize>,
) -> Detection {
    Detection {
        kind: kind.into(),
        title: title.into(),
        range,
        confidence: crate::Confidence::High,
        fingerprint: detector.fingerprint(value.text().as_bytes()),
    }
}

/// Whether a field for names of objects contains a text instead.
fn is_leak(key: &str, value: Node<'_>) -> bool {
    matches!(key, "selector" | "labels" | "matchLabels")
        && !value.is_mapping()
        && !value.is_sequence()
}

/// Where a part of a scalar's text is in the source, if the source contains it verbatim.
fn exact_span(node: Node<'_>, range: Range<usize>) -> Option<Span> {
    let text = node.text();
    let part = text.get(range.clone())?;
    let first = part.lines().next().filter(|line| !line.is_empty())?;
    let length = u32::try_from(first.len()).ok()?;
    let start = match node.text_span() {
        Some(whole) => whole.start + u32::try_from(range.start).ok()?,
        None => {
            let span = node.span()?;
            let source = node.document().source().get(span.start as usize..span.end as usize)?;
            // The source may repeat the text: skip as many as come before the range in the scalar.
            let finder = memmem::Finder::new(first);
            let before = finder.find_iter(text.get(..range.start)?.as_bytes()).count();
            span.start + u32::try_from(finder.find_iter(source.as_bytes()).nth(before)?).ok()?
        }
    };
    Some(Span::new(start, start + length))
}

/// Whether a mapping is settings of SNMP, whose community is a password: `version` and `community`
/// under `auths`, as the exporter of Prometheus has them.
fn is_of_snmp(node: Node<'_>, context: Context<'_>) -> bool {
    const FIELDS: &[&str] = &["version", "snmp_version", "snmpVersion", "security_level"];
    let is_snmp = |name: &str| name.to_ascii_lowercase().contains("snmp");
    FIELDS.iter().any(|field| node.get(field).is_some())
        || matches!(context.key, "auth" | "auths")
        || context.parent == "auths"
        || is_snmp(context.key)
        || is_snmp(context.parent)
}
