//! See [`WholeSecret`].

use std::collections::BTreeSet;

use coaming_finding::{Applicability, Confidence, Finding, RuleMeta};
use coaming_kube::{Fields as _, PodSpec, Volume, Workload};
use coaming_yaml::Node;
use coaming_yaml::edit::Value;

use super::usage::{names_path, secret_volumes, texts};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{Context, PodRule};

rule! {
    /// Looks for volumes that hold a whole Secret although the containers that mount it name only
    /// some of its keys, as files, in their commands, arguments and variables. The Secret must be at
    /// hand, to know its keys; a container that names the directory may read them all.
    ///
    /// ## Why it matters
    ///
    /// What is not there can't be stolen. The other keys (a CA's key beside the certificate, the
    /// administrator's password beside the application's) are of no use to the application, and
    /// of much to an attacker.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Secret
    /// metadata:
    ///   name: db
    /// type: Opaque
    /// data:
    ///   password: ""
    ///   root-password: ""
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       args: [--password-file=/etc/db/password]
    ///       volumeMounts:
    ///         - name: db
    ///           mountPath: /etc/db
    ///           readOnly: true
    ///   volumes:
    ///     - name: db
    ///       secret:
    ///         secretName: db
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Secret
    /// metadata:
    ///   name: db
    /// type: Opaque
    /// data:
    ///   password: ""
    ///   root-password: ""
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       args: [--password-file=/etc/db/password]
    ///       volumeMounts:
    ///         - name: db
    ///           mountPath: /etc/db
    ///           readOnly: true
    ///   volumes:
    ///     - name: db
    ///       secret:
    ///         secretName: db
    ///         items:
    ///           - key: password
    ///             path: password
    /// ```
    ///
    /// ## Fix
    ///
    /// Name the keys that are needed in `items`.
    WholeSecret {
        name: "whole-secret",
        summary: "Whole Secret is mounted where some of its keys are used",
        category: Secrets,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Attack("T1552.001")],
    }
}

impl PodRule for WholeSecret {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, workload: Workload<'_>, findings: &mut Vec<Finding>) {
        let pod = workload.pod();
        for (found, volume, source) in secret_volumes(pod) {
            if source.sequence("items").is_some() {
                continue;
            }
            let namespace = workload.object.namespace_or_default();
            let Some(secret) = context.world.find("Secret", namespace, found.secret) else {
                continue;
            };
            let keys: BTreeSet<&str> = ["data", "stringData"]
                .into_iter()
                .flat_map(|field| secret.node().pairs(field))
                .map(|entry| entry.name())
                .collect();
            let Some(used) = used_keys(pod, volume, &keys) else { continue };
            if used.len() < keys.len() {
                findings.push(finding(context, workload, found.secret, source, &keys, &used));
            }
        }
    }
}

fn finding(
    context: &Context<'_>,
    workload: Workload<'_>,
    secret: &str,
    source: Node<'_>,
    keys: &BTreeSet<&str>,
    used: &BTreeSet<&str>,
) -> Finding {
    let text = |text: &str| Value::Str(text.to_owned());
    let named: Vec<&str> = used.iter().copied().collect();
    let message = format!(
        "Pods of {} have all {} keys of Secret `{secret}`, and name only {}: an attacker takes the \
         others as well. Name what is needed in `items`.",
        words::object(workload.object),
        keys.len(),
        words::list(&named),
    );
    let items = used
        .iter()
        .map(|key| {
            Value::Mapping(vec![("key".to_owned(), text(key)), ("path".to_owned(), text(key))])
        })
        .collect();
    let edit = words::set(source, &["items"], Value::Sequence(items));
    context
        .finding(WholeSecret::RULE, workload.object, source, message)
        .confidence(Confidence::Medium)
        .fix("name the keys that are needed in `items`", Applicability::Unsafe, vec![edit])
        .done()
}

/// The keys that the containers name as files; `None` where that says nothing: a container that
/// mounts the volume names none, or the directory itself, or mounts one file of it.
fn used_keys<'k>(
    pod: PodSpec<'_>,
    volume: Volume<'_>,
    keys: &BTreeSet<&'k str>,
) -> Option<BTreeSet<&'k str>> {
    let mut all = BTreeSet::new();
    for (container, mount) in pod.mounts_of(volume) {
        if mount.sub_path().is_some() {
            return None;
        }
        let directory = mount.mount_path()?.trim_end_matches('/');
        let mut used = BTreeSet::new();
        for text in texts(container).filter(|text| names_path(text, directory)) {
            let before = used.len();
            let file = |key: &&&str| names_path(text, &format!("{directory}/{key}"));
            used.extend(keys.iter().filter(file).copied());
            let mentions = text.matches(directory).count();
            if used.len() == before || mentions > used.len() - before {
                return None;
            }
        }
        if used.is_empty() {
            return None;
        }
        all.extend(used);
    }
    (!all.is_empty()).then_some(all)
}
