//! The rules that etcd's contents are judged by, with their documentation and repairs: static data.

use std::borrow::Cow;

use coaming_finding::{Category, Confidence, Lifecycle, RuleId, RuleMeta, Severity, Standard};

/// The rules, in the order in which they are documented.
pub static RULES: &[&RuleMeta] = &[
    &PLAIN_SECRET.meta,
    &LEFTOVER_SECRET.meta,
    &CONFIG_MAP_CREDENTIAL.meta,
    &OBJECT_CREDENTIAL.meta,
    &UNKNOWN_ENCODING.meta,
];

/// A rule, and what all its findings share.
pub(super) struct EtcdRule {
    pub(super) meta: RuleMeta,
    pub(super) confidence: Confidence,
    /// What an attacker does with it.
    pub(super) why: &'static str,
}

const STANDARDS: &[Standard] = &[
    Standard::Cis("1.2.27"),
    Standard::Cis("1.2.28"),
    Standard::Nsa("Secrets"),
    Standard::Attack("T1552"),
];

/// A rule about secrets that is on by default.
const fn meta(
    name: &'static str,
    summary: &'static str,
    severity: Severity,
    docs: &'static str,
) -> RuleMeta {
    RuleMeta {
        id: RuleId::new(name),
        summary: Cow::Borrowed(summary),
        category: Category::Secrets,
        severity,
        default: true,
        since: "0.1.0",
        lifecycle: Lifecycle::Stable,
        standards: STANDARDS,
        docs: Cow::Borrowed(docs),
    }
}

pub(super) static PLAIN_SECRET: EtcdRule = EtcdRule {
    meta: meta(
        "etcd-plain-secret",
        "Secret is stored in etcd in plain text",
        Severity::High,
        include_str!("docs/plain-secret.md"),
    ),
    confidence: Confidence::High,
    why: "Anyone who gets this file, a backup of it or the disk of the control plane can read it: \
          RBAC guards the API server, not the files of etcd.",
};

pub(super) static LEFTOVER_SECRET: EtcdRule = EtcdRule {
    meta: meta(
        "etcd-leftover-secret",
        "Plain text of an encrypted or deleted object remains in etcd",
        Severity::Medium,
        include_str!("docs/leftover-secret.md"),
    ),
    confidence: Confidence::High,
    why: "Anyone who gets this file can read the former credential, which is still valid unless it \
          was changed since.",
};

pub(super) static CONFIG_MAP_CREDENTIAL: EtcdRule = EtcdRule {
    meta: meta(
        "etcd-config-map-credential",
        "ConfigMap in etcd contains a credential",
        Severity::High,
        include_str!("docs/config-map-credential.md"),
    ),
    confidence: Confidence::High,
    why: "Far more accounts can read ConfigMaps than Secrets, and encryption at rest seldom covers \
          them.",
};

pub(super) static OBJECT_CREDENTIAL: EtcdRule = EtcdRule {
    meta: meta(
        "etcd-object-credential",
        "Object in etcd contains a credential",
        Severity::High,
        include_str!("docs/object-credential.md"),
    ),
    confidence: Confidence::High,
    why: "Anyone who can get the object can read it, and encryption at rest seldom covers its \
          kind.",
};

pub(super) static UNKNOWN_ENCODING: EtcdRule = EtcdRule {
    meta: meta(
        "etcd-unknown-encoding",
        "Secret in etcd has an unknown encoding",
        Severity::Medium,
        include_str!("docs/unknown-encoding.md"),
    ),
    confidence: Confidence::Medium,
    why: "No encryption provider of Kubernetes writes this encoding, so anyone who gets this file \
          may be able to read it.",
};

/// What to do, as an imperative without a capital or a period, and what to paste for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Repair {
    pub(super) title: &'static str,
    pub(super) snippet: &'static str,
}

/// No Secret is encrypted yet.
pub(super) const ENCRYPT: Repair = Repair {
    title: "turn on encryption at rest, rewrite all Secrets, then compact and defragment etcd",
    snippet: include_str!("docs/encrypt.yaml"),
};

/// Other Secrets are encrypted: this one was written before encryption was turned on.
pub(super) const REWRITE: Repair = Repair {
    title: "rewrite all Secrets, so that the provider that encrypts others encrypts this one too, \
            then compact and defragment etcd",
    snippet: include_str!("docs/rewrite.sh"),
};

/// Remnants disappear when etcd is compacted and defragmented.
pub(super) const DEFRAGMENT: Repair = Repair {
    title: "compact and defragment etcd, and change the credential: backups contain it too",
    snippet: include_str!("docs/defragment.sh"),
};

/// Credentials belong in Secrets.
pub(super) const MOVE: Repair = Repair {
    title: "move the credential into a Secret that is encrypted at rest, and change it: it was \
            exposed",
    snippet: "",
};

/// A person has to look.
pub(super) const LOOK: Repair = Repair {
    title: "find out what wrote it (`etcdctl get KEY`), and write it again through the API server",
    snippet: "",
};
