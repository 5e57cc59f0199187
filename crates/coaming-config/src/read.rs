//! Reads the text of the file into a [`Config`], or returns all errors in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use coaming_finding::Severity;
use coaming_yaml::{Entry, LineIndex, Node, Span};
use globset::{Glob, GlobSet, GlobSetBuilder};

use time::Date;

use crate::{
    Config, CustomRule, IgnoredVulnerability, InvalidValue, NamedRule, Override, Release,
    Signatures, Signer, Suppression, Vulnerabilities, parse_date,
};

/// An error in the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConfigError {
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// What is wrong, and what is expected.
    pub message: String,
}

/// The keys of the file and of the mappings in it.
pub(crate) const KEYS: &[&str] = &[
    "select",
    "ignore",
    "severity",
    "overrides",
    "exclude",
    "registries",
    "images",
    "standard",
    "kubernetes-version",
    "min-severity",
    "rules",
    "policies",
    "secrets",
    "vulnerabilities",
    "releases",
];
pub(crate) const IGNORE_KEYS: &[&str] =
    &["rule", "path", "namespace", "object", "reason", "expires"];
pub(crate) const OVERRIDE_KEYS: &[&str] = &["paths", "namespaces", "select", "ignore", "severity"];
pub(crate) const REGISTRY_KEYS: &[&str] = &["allow", "ca", "plain-http", "mirrors"];
pub(crate) const VULNERABILITY_KEYS: &[&str] = &["database", "java-index", "vex", "ignore"];
pub(crate) const IGNORED_VULNERABILITY_KEYS: &[&str] = &["id", "package", "reason", "expires"];
pub(crate) const IMAGE_KEYS: &[&str] = &["archives", "signatures"];
pub(crate) const SIGNATURE_KEYS: &[&str] = &["keys", "identities", "trusted-root"];
pub(crate) const SIGNER_KEYS: &[&str] = &["identity", "issuer"];
pub(crate) const RELEASE_KEYS: &[&str] =
    &["chart", "name", "namespace", "values", "kubernetes-version"];
pub(crate) const RULE_KEYS: &[&str] = &["name", "message", "severity", "kinds", "expression"];

/// Reads the file's text.
///
/// # Errors
///
/// All errors in the text, in text order.
pub fn parse(text: &str) -> Result<Config, Vec<ConfigError>> {
    let stream = coaming_yaml::parse(Arc::from(text));
    let mut reader =
        Reader { text, lines: LineIndex::new(text), errors: Vec::new(), named_rules: Vec::new() };
    for error in &stream.errors {
        reader.error_at(error.offset, format!("not valid YAML: {}", error.message));
    }
    for document in &stream.documents {
        for twice in document.root().descendants().flat_map(Node::duplicate_keys) {
            let message = format!("the key `{}` is there twice: remove one of them", twice.name());
            reader.error(twice.key, &message);
        }
    }
    let config = stream.documents.first().map(|document| reader.config(document.root()));
    for document in stream.documents.iter().skip(1).filter(|document| !document.root().is_null()) {
        reader.error(document.root(), "the file must contain a single document");
    }
    if reader.errors.is_empty() {
        return Ok(config.unwrap_or_default());
    }
    reader.errors.sort_by_key(|error| (error.line, error.column));
    Err(reader.errors)
}

struct Reader<'t> {
    text: &'t str,
    lines: LineIndex,
    errors: Vec<ConfigError>,
    named_rules: Vec<NamedRule>,
}

impl Reader<'_> {
    fn config(&mut self, root: Node<'_>) -> Config {
        let mut config = Config::default();
        // An empty file changes nothing.
        if root.is_null() {
            return config;
        }
        for (key, value) in self.fields(root, KEYS, "coaming.yaml") {
            match key {
                "select" => config.select = self.rule_names(value),
                "ignore" => self.ignore(value, &mut config),
                "severity" => config.severity = self.severities(value),
                "overrides" => config.overrides = self.each(value, Self::override_of),
                "exclude" => config.exclude = self.patterns(value),
                "registries" => self.registries(value, &mut config),
                "images" => self.images(value, &mut config),
                "standard" => config.standard = self.parsed(value, str::parse),
                "kubernetes-version" => config.kubernetes_version = self.parsed(value, str::parse),
                "min-severity" => config.min_severity = self.severity(value),
                "secrets" => {
                    for (_, rules) in self.fields(value, &["rules"], "secrets") {
                        config.secret_rules = self.string(rules);
                    }
                }
                "rules" => config.rules = self.each(value, Self::custom_rule),
                "vulnerabilities" => config.vulnerabilities = self.vulnerabilities(value),
                "releases" => config.releases = self.each(value, Self::release),
                _ => config.policies = self.strings(value),
            }
        }
        config.named_rules = std::mem::take(&mut self.named_rules);
        config
    }

    fn images(&mut self, node: Node<'_>, config: &mut Config) {
        for (key, value) in self.fields(node, IMAGE_KEYS, "images") {
            match key {
                "archives" => config.image_archives = self.texts(value),
                _ => config.signatures = self.signatures(value),
            }
        }
    }

    fn signatures(&mut self, node: Node<'_>) -> Signatures {
        let mut signatures = Signatures::default();
        for (key, value) in self.fields(node, SIGNATURE_KEYS, "images.signatures") {
            match key {
                "keys" => signatures.keys = self.strings(value),
                "identities" => signatures.identities = self.each(value, Self::signer),
                _ => signatures.trusted_root = self.string(value),
            }
        }
        if !signatures.identities.is_empty() && signatures.trusted_root.is_none() {
            self.error(
                node,
                "`identities` need `trusted-root`: the authorities that vouch for them",
            );
        }
        signatures
    }

    fn signer(&mut self, node: Node<'_>) -> Option<Signer> {
        let mut signer = Signer::default();
        for (key, value) in self.fields(node, SIGNER_KEYS, "images.signatures.identities") {
            match key {
                "identity" => signer.identity = self.string(value).unwrap_or_default(),
                _ => signer.issuer = self.string(value).unwrap_or_default(),
            }
        }
        if signer.identity.is_empty() || signer.issuer.is_empty() {
            self.error(node, "an entry of `identities` needs `identity` and `issuer`");
            return None;
        }
        Some(signer)
    }

    fn registries(&mut self, node: Node<'_>, config: &mut Config) {
        for (key, value) in self.fields(node, REGISTRY_KEYS, "registries") {
            match key {
                "allow" => config.allowed_registries = self.strings(value),
                "ca" => config.registry_access.ca = self.strings(value),
                "plain-http" => config.registry_access.plain_http = self.strings(value),
                _ => {
                    for entry in self.entries(value) {
                        let mirrors = self.strings(entry.value);
                        config.registry_access.mirrors.insert(entry.name().to_owned(), mirrors);
                    }
                }
            }
        }
    }

    fn vulnerabilities(&mut self, node: Node<'_>) -> Vulnerabilities {
        let mut vulnerabilities = Vulnerabilities::default();
        for (key, value) in self.fields(node, VULNERABILITY_KEYS, "vulnerabilities") {
            match key {
                "database" => vulnerabilities.database = self.string(value),
                "java-index" => vulnerabilities.java_index = self.string(value),
                "vex" => vulnerabilities.vex = self.strings(value),
                _ => vulnerabilities.ignore = self.each(value, Self::ignored_vulnerability),
            }
        }
        vulnerabilities
    }

    fn ignored_vulnerability(&mut self, node: Node<'_>) -> Option<IgnoredVulnerability> {
        let mut ignored = IgnoredVulnerability::default();
        for (key, value) in self.fields(node, IGNORED_VULNERABILITY_KEYS, "vulnerabilities.ignore")
        {
            match key {
                "id" => ignored.id = self.string(value).unwrap_or_default(),
                "package" => ignored.package = self.string(value).unwrap_or_default(),
                "reason" => ignored.reason = self.string(value).unwrap_or_default(),
                _ => ignored.expires = self.date(value),
            }
        }
        if ignored.id.is_empty() {
            self.error(
                node,
                "an entry of `vulnerabilities.ignore` needs an `id`: `CVE-2019-10744`",
            );
            return None;
        }
        Some(ignored)
    }

    /// A name disables a rule; a mapping suppresses some of its findings.
    fn ignore(&mut self, list: Node<'_>, config: &mut Config) {
        for item in self.items(list) {
            if item.is_mapping() {
                config.suppressions.extend(self.suppression(item));
            } else {
                config.ignore.extend(self.rule_name(item));
            }
        }
    }

    fn suppression(&mut self, node: Node<'_>) -> Option<Suppression> {
        let mut suppression = Suppression {
            rule: String::new(),
            paths: None,
            namespaces: None,
            object: None,
            reason: String::new(),
            expires: None,
            span: node.span().unwrap_or(Span::new(0, 0)),
        };
        for (key, value) in self.fields(node, IGNORE_KEYS, "ignore") {
            match key {
                "rule" => suppression.rule = self.rule_name(value).unwrap_or_default(),
                "path" => suppression.paths = self.globs(value),
                "namespace" => suppression.namespaces = self.globs(value),
                "object" => suppression.object = self.string(value),
                "reason" => suppression.reason = self.string(value).unwrap_or_default(),
                _ => suppression.expires = self.date(value),
            }
        }
        if suppression.rule.is_empty() {
            self.error(node, "an entry of `ignore` needs a `rule`");
            return None;
        }
        Some(suppression)
    }

    fn override_of(&mut self, node: Node<'_>) -> Option<Override> {
        let mut over = Override {
            paths: None,
            namespaces: None,
            select: Vec::new(),
            ignore: Vec::new(),
            severity: BTreeMap::new(),
        };
        for (key, value) in self.fields(node, OVERRIDE_KEYS, "overrides") {
            match key {
                "paths" => over.paths = self.globs(value),
                "namespaces" => over.namespaces = self.globs(value),
                "select" => over.select = self.rule_names(value),
                "ignore" => over.ignore = self.rule_names(value),
                _ => over.severity = self.severities(value),
            }
        }
        if over.paths.is_none() && over.namespaces.is_none() {
            self.error(node, "an override needs `paths` or `namespaces`");
            return None;
        }
        Some(over)
    }

    fn release(&mut self, node: Node<'_>) -> Option<Release> {
        let position = node.span().map_or(0, |span| span.start);
        let mut release =
            Release { position: self.lines.position(self.text, position), ..Release::default() };
        for (key, value) in self.fields(node, RELEASE_KEYS, "releases") {
            match key {
                "chart" => release.chart = self.string(value).unwrap_or_default(),
                "name" => release.name = self.string(value),
                "namespace" => release.namespace = self.string(value),
                "values" => release.values = self.strings(value),
                _ => release.kubernetes_version = self.parsed(value, str::parse),
            }
        }
        if release.chart.is_empty() {
            self.error(node, "a release needs `chart`: the chart's directory");
            return None;
        }
        Some(release)
    }

    fn custom_rule(&mut self, node: Node<'_>) -> Option<CustomRule> {
        let mut rule = CustomRule {
            name: String::new(),
            message: String::new(),
            severity: Severity::Medium,
            kinds: Vec::new(),
            expression: String::new(),
            line: self.line(node),
        };
        for (key, value) in self.fields(node, RULE_KEYS, "rules") {
            match key {
                "name" => rule.name = self.string(value).unwrap_or_default(),
                "message" => rule.message = self.string(value).unwrap_or_default(),
                "severity" => rule.severity = self.severity(value).unwrap_or(rule.severity),
                "kinds" => rule.kinds = self.strings(value),
                _ => {
                    rule.line = self.line(value);
                    rule.expression = self.string(value).unwrap_or_default();
                }
            }
        }
        let is_kebab = rule
            .name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if rule.name.is_empty() || rule.expression.is_empty() || rule.message.is_empty() {
            self.error(node, "a rule needs `name`, `expression` and `message`");
        } else if !is_kebab {
            self.error(node, "the name of a rule must be in kebab case: `team-label`");
        }
        Some(rule)
    }

    /// The entries of a mapping with known keys; each other key is an error.
    fn fields<'n>(
        &mut self,
        node: Node<'n>,
        known: &[&'static str],
        place: &str,
    ) -> Vec<(&'n str, Node<'n>)> {
        if !node.is_mapping() {
            self.error(node, &format!("`{place}` must be a mapping"));
            return Vec::new();
        }
        let mut fields = Vec::new();
        for entry in node.entries() {
            let name = entry.name();
            if known.contains(&name) {
                fields.push((name, entry.value));
            } else {
                let hint = coaming_text::nearest(name, known.iter().copied()).map_or_else(
                    || format!("; known keys are {}", known.join(", ")),
                    |near| format!("; did you mean `{near}`?"),
                );
                self.error(entry.key, &format!("`{place}` has no key `{name}`{hint}"));
            }
        }
        fields
    }

    fn each<T>(&mut self, list: Node<'_>, read: fn(&mut Self, Node<'_>) -> Option<T>) -> Vec<T> {
        self.items(list).into_iter().filter_map(|item| read(self, item)).collect()
    }

    fn items<'n>(&mut self, node: Node<'n>) -> Vec<Node<'n>> {
        if !node.is_sequence() && !node.is_null() {
            self.error(node, "this must be a list");
        }
        node.items().collect()
    }

    /// A list of strings, or a single string.
    fn strings(&mut self, node: Node<'_>) -> Vec<String> {
        if let Some(text) = node.as_str() {
            return vec![text.to_owned()];
        }
        self.items(node).into_iter().filter_map(|item| self.string(item)).collect()
    }

    /// Any scalar as a string: `1.30` is a version, not a number.
    fn string(&mut self, node: Node<'_>) -> Option<String> {
        if node.scalar_style().is_some() && !node.is_null() {
            return Some(node.text().to_owned());
        }
        self.error(node, "this must be a string");
        None
    }

    /// The name of a rule or category, whose place is kept: whether it exists is not known here.
    fn rule_name(&mut self, node: Node<'_>) -> Option<String> {
        let name = self.string(node)?;
        self.name_rule(node, &name);
        Some(name)
    }

    fn rule_names(&mut self, node: Node<'_>) -> Vec<String> {
        if node.as_str().is_some() {
            return self.rule_name(node).into_iter().collect();
        }
        self.items(node).into_iter().filter_map(|item| self.rule_name(item)).collect()
    }

    fn name_rule(&mut self, node: Node<'_>, name: &str) {
        let start = node.span().map_or(0, |span| span.start);
        let (line, column) = self.lines.position(self.text, start);
        self.named_rules.push(NamedRule { name: name.to_owned(), line, column });
    }

    /// The entries of a mapping with any keys.
    fn entries<'n>(&mut self, node: Node<'n>) -> Vec<Entry<'n>> {
        if !node.is_mapping() {
            self.error(node, "this must be a mapping");
        }
        node.entries().collect()
    }

    fn texts(&mut self, node: Node<'_>) -> BTreeMap<String, String> {
        let entries = self.entries(node);
        entries
            .into_iter()
            .filter_map(|entry| Some((entry.name().to_owned(), self.string(entry.value)?)))
            .collect()
    }

    fn one_of(&mut self, node: Node<'_>, choices: &[&'static str]) -> Option<String> {
        let text = self.string(node)?;
        if choices.contains(&text.as_str()) {
            return Some(text);
        }
        self.error(node, &format!("this must be one of {}", choices.join(", ")));
        None
    }

    fn severity(&mut self, node: Node<'_>) -> Option<Severity> {
        let text = self.one_of(node, &["low", "medium", "high", "critical"])?;
        Severity::ALL.into_iter().find(|severity| severity.as_str() == text)
    }

    fn severities(&mut self, node: Node<'_>) -> BTreeMap<String, Severity> {
        let mut severities = BTreeMap::new();
        for entry in self.entries(node) {
            self.name_rule(entry.key, entry.name());
            severities.extend(self.severity(entry.value).map(|at| (entry.name().to_owned(), at)));
        }
        severities
    }

    /// Patterns of paths, each of them valid.
    fn patterns(&mut self, node: Node<'_>) -> Vec<String> {
        let patterns = self.strings(node);
        self.globs(node);
        patterns
    }

    fn globs(&mut self, node: Node<'_>) -> Option<GlobSet> {
        let mut builder = GlobSetBuilder::new();
        for pattern in self.strings(node) {
            match Glob::new(&pattern) {
                Ok(glob) => {
                    builder.add(glob);
                }
                Err(error) => {
                    self.error(node, &format!("`{pattern}` is not a valid glob: {error}"))
                }
            }
        }
        builder.build().ok()
    }

    fn date(&mut self, node: Node<'_>) -> Option<Date> {
        self.parsed(node, parse_date)
    }

    /// A value with a form of its own.
    fn parsed<T>(
        &mut self,
        node: Node<'_>,
        parse: impl Fn(&str) -> Result<T, InvalidValue>,
    ) -> Option<T> {
        let text = self.string(node)?;
        parse(&text).map_err(|error| self.error(node, &error.to_string())).ok()
    }

    fn line(&self, node: Node<'_>) -> u32 {
        node.span().map_or(1, |span| self.lines.position(self.text, span.start).0)
    }

    fn error(&mut self, node: Node<'_>, message: &str) {
        self.error_at(node.span().map_or(0, |span| span.start), message.to_owned());
    }

    fn error_at(&mut self, offset: u32, message: String) {
        let (line, column) = self.lines.position(self.text, offset);
        self.errors.push(ConfigError { line, column, message });
    }
}
