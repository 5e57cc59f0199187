//! The JSON schema of the file, for editors and for programs that generate the file.

use serde_json::{Value, json};

/// The schema (draft 2020-12) of `coaming.yaml`.
#[must_use]
pub fn schema() -> Value {
    let severity = json!({"enum": ["low", "medium", "high", "critical"]});
    let severities = json!({
        "type": "object",
        "description": "Changed severities, by rule.",
        "additionalProperties": severity,
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://coaming.dev/coaming.schema.json",
        "title": "coaming.yaml",
        "description": "Which rules run, where, and what is suppressed.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "select": texts("Rules and categories to run, ALL for all; by default, the default ones."),
            "ignore": {
                "type": "array",
                "description": "A name disables a rule or category; a mapping suppresses findings.",
                "items": {"anyOf": [{"type": "string"}, ignore_entry()]},
            },
            "severity": severities,
            "overrides": {
                "type": "array",
                "description": "Settings for some paths or namespaces; later ones override earlier ones.",
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {
                        "paths": texts("Globs of paths, as shown in findings."),
                        "namespaces": texts("Globs of namespaces."),
                        "select": texts("Rules and categories that also run here."),
                        "ignore": texts("Rules and categories that do not run here."),
                        "severity": severities,
                    },
                },
            },
            "exclude": texts("Globs of paths that are not read."),
            "registries": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "allow": texts("Registries, or repositories below them, that images may come from."),
                    "ca": texts("Files of CA certificates (PEM) that are trusted in addition to the system's."),
                    "plain-http": texts("Hosts, with their ports, that are reached by plain HTTP."),
                    "mirrors": {
                        "type": "object",
                        "description": "Mirrors to ask first, by the registry's host.",
                        "additionalProperties": texts("Hosts, followed by a path if the repositories are below one."),
                    },
                },
            },
            "images": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "archives": {
                        "type": "object",
                        "description": "Archives and directories of images, by the reference in pods.",
                        "additionalProperties": {"type": "string"},
                    },
                    "signatures": signatures(),
                },
            },
            "standard": {
                "enum": crate::Standard::names(),
                "description": "Check only this standard: a Pod Security Standard, or the controls of a compliance framework.",
            },
            "kubernetes-version": {
                "type": ["string", "number"],
                "description": "The cluster's version, 1.N.",
            },
            "min-severity": severity,
            "rules": {
                "type": "array",
                "description": "Rules of your own, as CEL expressions that must be true.",
                "items": custom_rule(&severity),
            },
            "secrets": {
                "type": "object",
                "additionalProperties": false,
                "properties": {"rules": {
                    "type": "string",
                    "description": "A file with rules for secrets, in gitleaks' format.",
                }},
            },
            "vulnerabilities": vulnerabilities(),
            "releases": {
                "type": "array",
                "description": "How charts are installed: each is judged instead of the chart's defaults.",
                "items": release(),
            },
            "policies": texts("Files with ValidatingAdmissionPolicies to evaluate."),
        },
    })
}

fn signatures() -> Value {
    json!({
        "type": "object",
        "description": "Whose signatures of images count, for the rule `image-unsigned`.",
        "additionalProperties": false,
        "properties": {
            "keys": texts("Files of public keys in PEM."),
            "identities": {
                "type": "array",
                "description": "Who certificates may name.",
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["identity", "issuer"],
                    "properties": {
                        "identity": {
                            "type": "string",
                            "description": "A mail address or a URI.",
                        },
                        "issuer": {
                            "type": "string",
                            "description": "Who vouches for it: https://token.actions.githubusercontent.com.",
                        },
                    },
                },
            },
            "trusted-root": {
                "type": "string",
                "description": "The authorities and logs that identities need: Sigstore's trusted_root.json.",
            },
        },
    })
}

fn texts(description: &str) -> Value {
    json!({
        "description": description,
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    })
}

fn release() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["chart"],
        "properties": {
            "chart": {"type": "string", "description": "The chart's directory."},
            "name": {"type": "string", "description": "The release's name."},
            "namespace": {"type": "string", "description": "The namespace that it is installed in."},
            "values": texts("Files of values; later ones win."),
            "kubernetes-version": {
                "type": ["string", "number"],
                "description": "The version of its cluster, 1.N.",
            },
        },
    })
}

fn ignore_entry() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["rule", "reason"],
        "properties": {
            "rule": {"type": "string"},
            "path": texts("Globs of paths that it applies to."),
            "namespace": texts("Globs of namespaces that it applies to."),
            "object": {"type": "string", "description": "`name` or `Kind/name`."},
            "reason": {"type": "string", "description": "Why the findings are acceptable."},
            "expires": {"type": "string", "format": "date", "description": "The last day of validity."},
        },
    })
}

fn vulnerabilities() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "database": {
                "type": "string",
                "description": "The database of known vulnerabilities; by default the one in the user's cache.",
            },
            "java-index": {
                "type": "string",
                "description": "The index that names Java archives by their SHA-1; by default the one in the user's cache.",
            },
            "vex": texts("VEX documents (OpenVEX, CycloneDX or CSAF) that declare what is not affected or fixed."),
            "ignore": {
                "type": "array",
                "description": "Accepted vulnerabilities.",
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["id", "reason"],
                    "properties": {
                        "id": {"type": "string", "description": "Any of its names: CVE-…, GHSA-…."},
                        "package": {
                            "type": "string",
                            "description": "Its name or its package URL; by default all packages.",
                        },
                        "reason": {"type": "string", "description": "Why it is ignored."},
                        "expires": {
                            "type": "string",
                            "format": "date",
                            "description": "The last day of validity.",
                        },
                    },
                },
            },
        },
    })
}

fn custom_rule(severity: &Value) -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["name", "expression", "message"],
        "properties": {
            "name": {"type": "string", "pattern": "^[a-z0-9-]+$"},
            "message": {"type": "string", "description": "The problem if the expression is false."},
            "severity": severity,
            "kinds": texts("The kinds of objects to check; by default, all."),
            "expression": {"type": "string", "description": "CEL, with `object` for the object."},
        },
    })
}
