//! Writes values as YAML, and decides what an unknown value means for the object around it.

use crate::value::{Entry, Kind, Piece, Site, Value};
use crate::{Manifest, Mark, Place};

/// The largest manifest, in bytes.
const MAX_BYTES: usize = 8 << 20;

/// How deep a manifest may be nested.
const MAX_DEPTH: usize = 100;

/// What is written in the place of an unknown value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// A name or a text of the application: the expression itself, as in `${var.image}`.
    Text,
    /// Nothing, since its absence says nothing.
    Optional,
    /// Nothing, and what is absent in the object must not be judged.
    Decisive,
}

/// Fields in which any text may be.
const TEXTS: &[&str] = &[
    "name",
    "generateName",
    "namespace",
    "image",
    "value",
    "path",
    "mountPath",
    "subPath",
    "key",
    "secretName",
    "claimName",
    "configMapName",
    "host",
    "hostname",
    "subdomain",
    "server",
    "url",
    "serviceName",
    "serviceAccountName",
    "serviceAccount",
    "storageClassName",
    "ingressClassName",
    "schedulerName",
    "priorityClassName",
    "nodeName",
    "workingDir",
    "clusterIP",
    "description",
    "topologyKey",
    "kind",
    "apiGroup",
    "email",
    "secretProviderClass",
    "driver",
    "volumeName",
];

/// Mappings and lists of such texts.
const OF_TEXTS: &[&str] = &[
    "labels",
    "annotations",
    "matchLabels",
    "data",
    "stringData",
    "args",
    "command",
    "nodeSelector",
    "selector",
    "hosts",
    "values",
    "limits",
    "requests",
    "parameters",
    "volumeAttributes",
    "binaryData",
];

/// Fields whose absence no rule reports.
const OPTIONAL: &[&str] = &[
    "replicas",
    "resources",
    "limits",
    "requests",
    "nodeSelector",
    "affinity",
    "tolerations",
    "topologySpreadConstraints",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
    "strategy",
    "updateStrategy",
    "minReadySeconds",
    "revisionHistoryLimit",
    "schedule",
    "suspend",
    "progressDeadlineSeconds",
    "terminationGracePeriodSeconds",
    "imagePullPolicy",
    "imagePullSecrets",
    "annotations",
    "status",
    "parallelism",
    "completions",
    "backoffLimit",
    "storage",
    "size",
    "containerPort",
    "port",
    "nodePort",
    "targetPort",
    "env",
    "envFrom",
    "dnsConfig",
    "dnsPolicy",
    "hostAliases",
    "ttlSecondsAfterFinished",
    "activeDeadlineSeconds",
    "accessModes",
    "loadBalancerIP",
    "loadBalancerSourceRanges",
    "externalName",
    "podManagementPolicy",
    "minReplicas",
    "maxReplicas",
    "minAvailable",
    "maxUnavailable",
    "caBundle",
    "optional",
    "defaultMode",
    "initialDelaySeconds",
    "periodSeconds",
    "timeoutSeconds",
    "failureThreshold",
    "successThreshold",
    "immutable",
    "priority",
    "data",
    "stringData",
    "binaryData",
];

/// What an unknown block of addresses is judged as: one that no machine has (RFC 5737). Without the peer,
/// a policy would allow everyone.
const NO_ADDRESSES: &str = "192.0.2.0/24";

struct Writer<'v> {
    pieces: Vec<Piece>,
    /// The keys on the way to the current field.
    path: Vec<&'v str>,
    /// Whether the object says which traffic is allowed: there, what is absent allows everything.
    is_policy: bool,
    is_incomplete: bool,
    is_partial: bool,
    bytes: usize,
}

/// An object as a manifest, and whether something in it is not judged.
pub(crate) fn manifest(file: usize, value: &Value) -> Option<(Manifest, bool)> {
    let (writer, ()) = written(value)?;
    let (text, marks) = put_together(writer.pieces);
    let is_incomplete = writer.is_incomplete;
    Some((Manifest { file, text, marks, is_incomplete }, writer.is_partial || is_incomplete))
}

/// A text of YAML as a manifest: where it is unknown is looked for in what it says.
pub(crate) fn text_manifest(file: usize, pieces: Vec<Piece>) -> Option<(Manifest, bool)> {
    let unknown = unknown_ranges(&pieces);
    let (text, marks) = put_together(pieces);
    if text.trim().is_empty() {
        return None;
    }
    let (mut is_incomplete, mut is_partial) = (false, false);
    if !unknown.is_empty() {
        let stream = coaming_yaml::parse(text.as_str().into());
        // A document that is only known in part need not be one.
        if !stream.errors.is_empty() {
            return None;
        }
        let mut found = 0;
        for document in &stream.documents {
            let root = document.root();
            let kind = root.get("kind").map(coaming_yaml::Node::text).unwrap_or_default();
            for node in root.descendants() {
                let Some(span) = node.text_span().filter(|_| !node.is_mapping()) else { continue };
                let is_in = |(start, end): &(u32, u32)| *start < span.end && span.start < *end;
                if node.is_sequence() || !unknown.iter().any(is_in) {
                    continue;
                }
                found += unknown.iter().filter(|it| is_in(it)).count();
                let path = node.path();
                let keys: Vec<&str> = path.steps().iter().filter_map(key_of).collect();
                match role(&keys, kind == "NetworkPolicy") {
                    Role::Text => {}
                    Role::Optional => is_partial = true,
                    Role::Decisive => is_incomplete = true,
                }
            }
        }
        // Something unknown that is not a scalar may be any number of fields.
        is_incomplete |= found < unknown.len();
    }
    let is_partial = is_partial || is_incomplete;
    Some((Manifest { file, text, marks, is_incomplete }, is_partial))
}

/// A value as a text of YAML, and whether all of it is known.
pub(crate) fn text(value: &Value) -> (Vec<Piece>, bool) {
    match written(value) {
        Some((writer, ())) => {
            let is_known = !writer.is_incomplete
                && !writer.is_partial
                && writer.pieces.iter().all(|piece| !piece.is_unknown);
            (writer.pieces, is_known)
        }
        None => (Vec::new(), false),
    }
}

fn written(value: &Value) -> Option<(Writer<'_>, ())> {
    let is_policy = value.get("kind").and_then(Value::as_text).as_deref() == Some("NetworkPolicy");
    let mut writer = Writer {
        pieces: Vec::new(),
        path: Vec::new(),
        is_policy,
        is_incomplete: false,
        is_partial: false,
        bytes: 0,
    };
    writer.node(value, value.site, 0)?;
    writer.add("\n", None, None, false)?;
    Some((writer, ()))
}

/// Ranges of the text that are unknown.
fn unknown_ranges(pieces: &[Piece]) -> Vec<(u32, u32)> {
    let mut at = 0_u32;
    let mut ranges = Vec::new();
    for piece in pieces {
        let end = at.saturating_add(u32::try_from(piece.text.len()).unwrap_or(u32::MAX));
        if piece.is_unknown {
            ranges.push((at, end));
        }
        at = end;
    }
    ranges
}

fn put_together(pieces: Vec<Piece>) -> (String, Vec<Mark>) {
    let mut text = String::new();
    let mut marks: Vec<Mark> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let start = u32::try_from(text.len()).unwrap_or(u32::MAX);
        marks.push(Mark { start, place: piece.place, value: piece.value });
        text.push_str(&piece.text);
    }
    (text, marks)
}

fn key_of(step: &coaming_yaml::Step) -> Option<&str> {
    match step {
        coaming_yaml::Step::Key(key) => Some(key),
        coaming_yaml::Step::Index(_) => None,
    }
}

/// What an unknown value at a path means.
fn role(path: &[&str], is_policy: bool) -> Role {
    let mut names = path.iter().rev().copied();
    let (key, parent) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
    let is_metadata = path.first() == Some(&"metadata");
    if TEXTS.contains(&key) || OF_TEXTS.contains(&parent) {
        Role::Text
    } else if (is_metadata && key != "labels") || (OPTIONAL.contains(&key) && !is_policy) {
        Role::Optional
    } else {
        Role::Decisive
    }
}

impl<'v> Writer<'v> {
    fn add(
        &mut self,
        text: &str,
        place: Option<Place>,
        value: Option<Place>,
        is_unknown: bool,
    ) -> Option<()> {
        self.bytes += text.len();
        if self.bytes > MAX_BYTES {
            return None;
        }
        self.pieces.push(Piece { text: text.to_owned(), place, value, is_unknown });
        Some(())
    }

    /// Writes a value after its key or dash; `site` is the expression that made it.
    fn node(&mut self, value: &'v Value, site: Site, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match &value.kind {
            Kind::Object(entries) => self.mapping(entries, depth),
            Kind::List(items) => {
                let mut is_empty = true;
                for (place, item) in items.iter().enumerate() {
                    if item.value.is_unknown() && !self.writes_unknown() {
                        continue;
                    }
                    is_empty = false;
                    // The item begins where its first byte is written.
                    let dash = if place == 0 && depth == 0 { "" } else { "\n" };
                    self.add(
                        &format!("{dash}{:1$}- ", "", depth * 2),
                        Some(item.site.place()),
                        None,
                        false,
                    )?;
                    self.node_inline(&item.value, item.site, depth + 1)?;
                }
                if is_empty { self.add(" []", Some(site.place()), None, false) } else { Some(()) }
            }
            _ => {
                self.add(" ", None, None, false)?;
                self.scalar(value, site)
            }
        }
    }

    /// Writes a value directly after a dash.
    fn node_inline(&mut self, value: &'v Value, site: Site, depth: usize) -> Option<()> {
        match &value.kind {
            Kind::Object(entries) => {
                let start = self.pieces.len();
                self.mapping(entries, depth)?;
                // The first field is on the line of the dash, and where the item is.
                if let Some(first) = self.pieces.get_mut(start) {
                    let trimmed = first.text.trim_start_matches(['\n', ' ']).to_owned();
                    first.text = trimmed;
                }
                Some(())
            }
            Kind::List(_) => self.node(value, site, depth),
            _ => self.scalar(value, site),
        }
    }

    fn mapping(&mut self, entries: &'v [Entry], depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        let start = self.pieces.len();
        for entry in entries {
            if matches!(entry.value.kind, Kind::Null) {
                continue;
            }
            self.path.push(&entry.key);
            let is_left_out = entry.value.is_unknown() && !self.writes_unknown();
            if !is_left_out {
                self.entry(entry, depth)?;
            }
            self.path.pop();
        }
        if self.pieces.len() == start { self.add(" {}", None, None, false) } else { Some(()) }
    }

    fn entry(&mut self, entry: &'v Entry, depth: usize) -> Option<()> {
        let key = serde_json::Value::from(entry.key.as_str()).to_string();
        let is_plain = !entry.key.is_empty()
            && entry.key.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && entry.key.bytes().any(|byte| byte.is_ascii_lowercase())
            && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
                .contains(&entry.key.as_str());
        let key = if is_plain { entry.key.clone() } else { key };
        let before = if self.pieces.is_empty() { "" } else { "\n" };
        self.add(&format!("{before}{:1$}", "", depth * 2), None, None, false)?;
        let value = self.origin(&entry.value, entry.site);
        self.add(&format!("{key}:"), Some(entry.key_site.place()), value, false)?;
        self.node(&entry.value, entry.site, depth + 1)
    }

    /// Where a value is from, if that is not where it is used. What is in a mapping knows that by itself.
    fn origin(&self, value: &Value, site: Site) -> Option<Place> {
        let is_scalar = !matches!(value.kind, Kind::Object(_) | Kind::List(_));
        (is_scalar && !site.contains(value.site)).then(|| value.site.place())
    }

    fn scalar(&mut self, value: &'v Value, site: Site) -> Option<()> {
        let (place, origin) = (Some(site.place()), self.origin(value, site));
        match &value.kind {
            Kind::Null => self.add("null", place, origin, false),
            Kind::Bool(it) => self.add(&it.to_string(), place, origin, false),
            Kind::Number(it) => self.add(&it.to_string(), place, origin, false),
            Kind::Text(pieces) => self.text(pieces, place, origin),
            Kind::Unknown(_) | Kind::Missing(_) if self.is_block() => {
                self.add(NO_ADDRESSES, place, origin, true)
            }
            Kind::Unknown(text) | Kind::Missing(text) => {
                let text = serde_json::Value::from(format!("${{{text}}}")).to_string();
                self.add(&text, place, origin, true)
            }
            Kind::Encoded(inner) => {
                let (pieces, is_known) = text(inner);
                if !is_known {
                    self.is_partial = true;
                }
                self.text(&pieces, place, origin)
            }
            Kind::List(_) | Kind::Object(_) => Some(()),
        }
    }

    /// A text in quotes.
    fn text(
        &mut self,
        pieces: &[Piece],
        place: Option<Place>,
        origin: Option<Place>,
    ) -> Option<()> {
        let is_unknown = pieces.iter().any(|piece| piece.is_unknown);
        if is_unknown && !self.writes_unknown() {
            return self.add("null", place, origin, false);
        }
        if is_unknown && self.is_block() {
            return self.add(NO_ADDRESSES, place, origin, true);
        }
        let text: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
        let quoted = serde_json::Value::from(text).to_string();
        self.add(&quoted, place, origin, is_unknown)
    }

    fn is_block(&self) -> bool {
        self.is_policy && self.path.last() == Some(&"cidr")
    }

    /// Whether an unknown value at the current path is written as a text; notes what its absence means.
    fn writes_unknown(&mut self) -> bool {
        if self.is_block() {
            self.is_partial = true;
            return true;
        }
        let role = role(&self.path, self.is_policy);
        self.is_incomplete |= role == Role::Decisive;
        self.is_partial |= role == Role::Optional;
        role == Role::Text
    }
}
