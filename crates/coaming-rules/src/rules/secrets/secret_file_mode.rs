//! See [`SecretFileMode`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::{Effective, Fields as _, PodSpec, Volume, Workload};
use coaming_yaml::Node;
use coaming_yaml::edit::{Edit, Value};

use super::usage::is_secret;
use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, PodRule};

rule! {
    /// ## What it looks for
    ///
    /// Secrets whose files have a mode that is wider than the default of 0644: the group or all
    /// others can write or execute them. The default itself is not reported.
    ///
    /// ## Why it matters
    ///
    /// Every user in the container can change the credential, including the user of a process that
    /// an attacker has taken over. Many programs refuse keys with such a mode, which leads to
    /// copies outside the tmpfs.
    ///
    /// ## Bad
    ///
    /// The mode of all files of the volume.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   securityContext:
    ///     fsGroup: 1000
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       volumeMounts:
    ///         - name: tls
    ///           mountPath: /etc/tls
    ///           readOnly: true
    ///   volumes:
    ///     - name: tls
    ///       secret:
    ///         secretName: web-tls
    ///         defaultMode: 0777
    /// ```
    ///
    /// The mode of a single file, without `fsGroup`.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       volumeMounts:
    ///         - name: tls
    ///           mountPath: /etc/tls
    ///           readOnly: true
    ///   volumes:
    ///     - name: tls
    ///       secret:
    ///         secretName: web-tls
    ///         items:
    ///           - key: tls.key
    ///             path: tls.key
    ///             mode: 0666
    /// ```
    ///
    /// A projected volume, in a pod that runs as root.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 0
    ///       volumeMounts:
    ///         - name: tls
    ///           mountPath: /etc/tls
    ///           readOnly: true
    ///   volumes:
    ///     - name: tls
    ///       projected:
    ///         defaultMode: 0755
    ///         sources:
    ///           - secret:
    ///               name: web-tls
    /// ```
    ///
    /// ## Good
    ///
    /// The group of the application can read the files.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   securityContext:
    ///     fsGroup: 1000
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       volumeMounts:
    ///         - name: tls
    ///           mountPath: /etc/tls
    ///           readOnly: true
    ///   volumes:
    ///     - name: tls
    ///       secret:
    ///         secretName: web-tls
    ///         defaultMode: 0440
    /// ```
    ///
    /// The default mode.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       volumeMounts:
    ///         - name: tls
    ///           mountPath: /etc/tls
    ///           readOnly: true
    ///   volumes:
    ///     - name: tls
    ///       secret:
    ///         secretName: web-tls
    /// ```
    ///
    /// ## Fix
    ///
    /// Set 0440 together with the pod's `fsGroup`, so that exactly the application can read the
    /// files, or 0400 where it runs as root. Without `fsGroup`, the files belong to root, and an
    /// application that does not run as root needs 0444.
    SecretFileMode {
        name: "secret-file-mode",
        summary: "Secret's files are writable or executable by all users of the container",
        category: Secrets,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Attack("T1552.001")],
    }
}

impl PodRule for SecretFileMode {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, workload: Workload<'_>, findings: &mut Vec<Finding>) {
        let pod = workload.pod();
        let modes: Vec<(Node<'_>, i64)> =
            pod.volumes().filter(|volume| is_secret(*volume)).flat_map(wide_modes).collect();
        let Some(&(first, mode)) = modes.first() else { return };
        let wanted = wanted_mode(pod);
        let message = format!(
            "{} has files of Secrets with mode {mode:04o}",
            phrases::object(workload.object),
        );
        let edits = modes
            .iter()
            .map(|(node, _)| Edit::Set { path: node.path(), value: Value::Int(wanted) })
            .collect();
        let mut draft = context.finding(Self::RULE, workload.object, first, message);
        for (node, _) in &modes[1..] {
            draft = draft.at(*node, "");
        }
        let title = format!("set the mode to {wanted:04o}");
        let draft = draft
            .why(
                "Every user in the container can change or execute them, not only the application.",
            )
            .help(format!("Set the mode to {wanted:04o}."));
        findings.push(draft.fix(title, Applicability::Unsafe, edits).done());
    }
}

/// The group or others can write or execute.
pub(super) const WIDE: i64 = 0o033;

/// The fields of a volume that give its files a wide mode.
fn wide_modes<'a>(volume: Volume<'a>) -> Vec<(Node<'a>, i64)> {
    let own = volume.source("secret");
    let projected = volume.source("projected");
    let sources = projected.list("sources").filter_map(|source| source.mapping("secret"));
    let holders = own.into_iter().chain(projected);
    let items = own.into_iter().chain(sources).flat_map(|source| source.list("items"));
    let defaults = holders.filter_map(|holder| holder.field("defaultMode"));
    defaults
        .chain(items.filter_map(|item| item.field("mode")))
        .filter_map(|node| Some((node, node.as_int()?)))
        .filter(|(_, mode)| mode & WIDE != 0)
        .collect()
}

/// The narrowest mode with which the application can still read.
pub(super) fn wanted_mode(pod: PodSpec<'_>) -> i64 {
    let group = pod.security_context().is_some_and(|own| own.node().field("fsGroup").is_some());
    if group {
        0o440
    } else if pod.containers().all(|container| Effective::new(pod, container).is_root()) {
        0o400
    } else {
        0o444
    }
}
