//! Why a rule is not a policy.

use std::fmt;

use coaming_finding::Category;
use coaming_rules::{Check, Rule};

/// Why CEL in an API server cannot decide what a rule decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It looks at other objects of the cluster, which a policy does not see.
    OtherObjects,
    /// It looks into images.
    Images,
    /// It recognizes text by lists and grammars that CEL does not have.
    Text,
    /// It is about files that never reach an API server.
    Files,
    /// It is about the control plane and nodes, which are not admitted.
    ControlPlane,
    /// It is about resources that an add-on defines; a policy for them needs that add-on's version.
    CustomResources,
    /// The configuration that it needs is not set.
    NotConfigured,
}

impl Reason {
    /// The name in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OtherObjects => "other-objects",
            Self::Images => "images",
            Self::Text => "text",
            Self::Files => "files",
            Self::ControlPlane => "control-plane",
            Self::CustomResources => "custom-resources",
            Self::NotConfigured => "not-configured",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherObjects => "looks at other objects of the cluster",
            Self::Images => "looks into images",
            Self::Text => "recognizes text by lists and grammars that CEL does not have",
            Self::Files => "is about files that never reach an API server",
            Self::ControlPlane => "is about the control plane and nodes, which are not admitted",
            Self::CustomResources => "is about resources of add-ons",
            Self::NotConfigured => "needs `registries: {allow: […]}` in the configuration",
        })
    }
}

/// Rules about one object that look into images, or need no other reason than their name says.
const BY_NAME: &[(&str, Reason)] = &[
    ("admission-plugins", Reason::ControlPlane),
    ("always-allow", Reason::ControlPlane),
    ("anonymous-requests", Reason::ControlPlane),
    ("audit-log-missing", Reason::ControlPlane),
    ("docker-container", Reason::Files),
    ("duplicate-key", Reason::Files),
    ("encryption-identity-first", Reason::Files),
    ("encryption-missing", Reason::ControlPlane),
    ("encryption-weak-provider", Reason::Files),
    ("encryption-without-secrets", Reason::Files),
    ("etcd-without-client-certificates", Reason::ControlPlane),
    ("image-credential", Reason::Images),
    ("image-registry", Reason::NotConfigured),
    ("image-unsigned", Reason::Images),
    ("image-utilities", Reason::Images),
    ("image-vulnerabilities", Reason::Images),
    ("invalid-value", Reason::Files),
    ("kubelet-anonymous-requests", Reason::ControlPlane),
    ("kubelet-read-only-port", Reason::ControlPlane),
    ("node-version", Reason::ControlPlane),
    ("profiling", Reason::ControlPlane),
    ("readable-credential", Reason::Images),
    ("refused-by-kubelet", Reason::Images),
    ("removed-api", Reason::Files),
    ("sealed-secret-scope", Reason::CustomResources),
    ("secret-copied-from-store", Reason::CustomResources),
    ("static-tokens", Reason::ControlPlane),
    ("store-for-all-namespaces", Reason::CustomResources),
    ("suppression", Reason::Files),
    ("unknown-field", Reason::Files),
    ("unknown-kind", Reason::Files),
    ("unneeded-secret", Reason::OtherObjects),
    ("vault-without-tls", Reason::CustomResources),
    ("whole-secret", Reason::OtherObjects),
    ("wrong-type", Reason::Files),
];

/// Why this rule is not a policy.
pub(super) fn of(rule: &Rule) -> Reason {
    if let Some((_, reason)) = BY_NAME.iter().find(|(name, _)| rule.meta.id == **name) {
        return *reason;
    }
    if rule.meta.category == Category::Vulnerabilities {
        return Reason::Images;
    }
    match rule.check {
        Check::World { .. } => Reason::OtherObjects,
        Check::Dockerfile(_) => Reason::Files,
        _ => Reason::Text,
    }
}
