//! What is said of each way in which etcd gives secrets away: the pages of the rules, and the
//! repairs.

use coaming_finding::{Category, Confidence, Lifecycle, RuleId, RuleMeta, Severity, Standard};

/// The rules by which etcd's contents are judged, in the order in which they are documented.
pub static RULES: &[&RuleMeta] = &[
    &PLAIN_SECRET,
    &LEFTOVER_SECRET,
    &CONFIG_MAP_CREDENTIAL,
    &OBJECT_CREDENTIAL,
    &UNKNOWN_ENCODING,
];

const STANDARDS: &[Standard] = &[
    Standard::Cis("1.2.27"),
    Standard::Cis("1.2.28"),
    Standard::Nsa("Secrets"),
    Standard::Attack("T1552"),
];

pub(super) static PLAIN_SECRET: RuleMeta = RuleMeta {
    id: RuleId::new("etcd-plain-secret"),
    summary: std::borrow::Cow::Borrowed("A Secret lies in etcd in plain text"),
    category: Category::Secrets,
    severity: Severity::High,
    default: true,
    since: "0.1.0",
    lifecycle: Lifecycle::Stable,
    standards: STANDARDS,
    docs: std::borrow::Cow::Borrowed(include_str!("docs/plain-secret.md")),
};

pub(super) static LEFTOVER_SECRET: RuleMeta = RuleMeta {
    id: RuleId::new("etcd-leftover-secret"),
    summary: std::borrow::Cow::Borrowed(
        "Plain text of what was encrypted or deleted is left in etcd",
    ),
    category: Category::Secrets,
    severity: Severity::Medium,
    default: true,
    since: "0.1.0",
    lifecycle: Lifecycle::Stable,
    standards: STANDARDS,
    docs: std::borrow::Cow::Borrowed(include_str!("docs/leftover-secret.md")),
};

pub(super) static CONFIG_MAP_CREDENTIAL: RuleMeta = RuleMeta {
    id: RuleId::new("etcd-config-map-credential"),
    summary: std::borrow::Cow::Borrowed("A ConfigMap in etcd holds a credential"),
    category: Category::Secrets,
    severity: Severity::High,
    default: true,
    since: "0.1.0",
    lifecycle: Lifecycle::Stable,
    standards: STANDARDS,
    docs: std::borrow::Cow::Borrowed(include_str!("docs/config-map-credential.md")),
};

pub(super) static OBJECT_CREDENTIAL: RuleMeta = RuleMeta {
    id: RuleId::new("etcd-object-credential"),
    summary: std::borrow::Cow::Borrowed("An object in etcd holds a credential"),
    category: Category::Secrets,
    severity: Severity::High,
    default: true,
    since: "0.1.0",
    lifecycle: Lifecycle::Stable,
    standards: STANDARDS,
    docs: std::borrow::Cow::Borrowed(include_str!("docs/object-credential.md")),
};

pub(super) static UNKNOWN_ENCODING: RuleMeta = RuleMeta {
    id: RuleId::new("etcd-unknown-encoding"),
    summary: std::borrow::Cow::Borrowed("A Secret in etcd is in no known encoding"),
    category: Category::Secrets,
    severity: Severity::Medium,
    default: true,
    since: "0.1.0",
    lifecycle: Lifecycle::Stable,
    standards: STANDARDS,
    docs: std::borrow::Cow::Borrowed(include_str!("docs/unknown-encoding.md")),
};

/// How sure a rule is.
pub(super) fn confidence(rule: &RuleMeta) -> Confidence {
    if rule.id == UNKNOWN_ENCODING.id { Confidence::Medium } else { Confidence::High }
}

/// Why it matters, in a sentence that goes with every finding of the rule.
pub(super) fn why(rule: &RuleMeta) -> &'static str {
    match rule.id.as_str() {
        "etcd-plain-secret" => {
            "Whoever gets this file, a backup of it or the disk of the control plane reads it: RBAC \
             guards the API server, not etcd's files."
        }
        "etcd-leftover-secret" => {
            "Whoever gets this file reads what the credential was, and unless it was changed since, \
             what it is."
        }
        "etcd-config-map-credential" => {
            "Far more accounts may read ConfigMaps than Secrets, and encryption at rest seldom \
             covers them."
        }
        "etcd-object-credential" => {
            "Whoever may get the object reads it, and encryption at rest seldom covers its kind."
        }
        _ => {
            "No encryption provider of Kubernetes writes like this, so whoever gets this file may \
             well be able to read it."
        }
    }
}

/// What to do, as an order, and what to paste for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Repair {
    pub(super) title: &'static str,
    pub(super) snippet: &'static str,
}

/// Nothing is encrypted yet.
pub(super) const ENCRYPT: Repair = Repair {
    title: "turn encryption at rest on, write all Secrets anew, then compact and defragment etcd",
    snippet: include_str!("docs/encrypt.yaml"),
};

/// Others are encrypted: this one was written before.
pub(super) const REWRITE: Repair = Repair {
    title: "write all Secrets anew, so that the provider that encrypts others encrypts this one \
            too, then compact and defragment etcd",
    snippet: include_str!("docs/rewrite.sh"),
};

/// What is left over goes when etcd compacts and defragments.
pub(super) const DEFRAGMENT: Repair = Repair {
    title: "compact and defragment etcd, and change the credential: backups hold it too",
    snippet: include_str!("docs/defragment.sh"),
};

/// Credentials belong elsewhere.
pub(super) const MOVE: Repair = Repair {
    title: "move the credential into a Secret that is encrypted at rest, and change it: it was open",
    snippet: "",
};

/// Somebody has to look.
pub(super) const LOOK: Repair = Repair {
    title: "look at what wrote it (`etcdctl get KEY`), and write it anew through the API server",
    snippet: "",
};
