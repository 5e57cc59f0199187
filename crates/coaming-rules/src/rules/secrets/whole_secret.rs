//! See [`WholeSecret`].

use std::collections::BTreeSet;

use coaming_finding::{Applicability, Confidence, Finding, RuleMeta};
use coaming_kube::{Fields as _, PodSpec, Volume, Workload};
use coaming_yaml::Node;
use coaming_yaml::edit::Value;

use super::usage::{names_path, secret_volumes, texts};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, PodRule};

rule! {
    /// ## What it looks for
    ///
    /// Volumes with a whole Secret although the containers that mount it name only some of its
    /// keys, as files, in their commands, arguments and variables.
    ///
    /// ## Why it matters
    ///
    /// What is not in the container cannot be stolen from it. The other keys (the private key of a
    /// CA beside a certificate, the administrator's password beside the application's) are of no
    /// use to the application, but of much use to an attacker.
    ///
    /// ## Bad
    ///
    /// The container uses one of two keys.
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
    /// A projected volume.
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
    ///       env:
    ///         - name: DB_PASSWORD_FILE
    ///           value: /etc/db/password
    ///       volumeMounts:
    ///         - name: db
    ///           mountPath: /etc/db
    ///           readOnly: true
    ///   volumes:
    ///     - name: db
    ///       projected:
    ///         sources:
    ///           - secret:
    ///               name: db
    /// ```
    ///
    /// ## Good
    ///
    /// Only the key that is used is mounted.
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
    /// A container that names the directory may read all files in it.
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
    ///       args: [--credentials=/etc/db]
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
    /// ## Fix
    ///
    /// List the keys that are needed in `items`.
    ///
    /// ## Limits
    ///
    /// The Secret must be part of the input, because its keys are only known from there. A program
    /// may read a file that the manifest does not name.
    WholeSecret {
        name: "whole-secret",
        summary: "Whole Secret is mounted although only some keys are used",
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
        "{} mounts all {} keys of Secret `{secret}`, but uses only {}",
        phrases::object(workload.object),
        keys.len(),
        phrases::list(&named),
    );
    let items = used
        .iter()
        .map(|key| {
            Value::Mapping(vec![("key".to_owned(), text(key)), ("path".to_owned(), text(key))])
        })
        .collect();
    let edit = phrases::set(source, &["items"], Value::Sequence(items));
    context
        .finding(WholeSecret::RULE, workload.object, source, message)
        .confidence(Confidence::Medium)
        .why("An attacker in the container gets the other keys as well.")
        .help("List the keys that are needed in `items`.")
        .fix("list the keys that are needed in `items`", Applicability::Unsafe, vec![edit])
        .done()
}

/// The keys that the containers name as files; `None` if that does not show which are used: a
/// container that mounts the volume names none, or the directory itself, or mounts one file of it.
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
