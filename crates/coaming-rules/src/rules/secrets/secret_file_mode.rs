//! See [`SecretFileMode`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::{Effective, Fields as _, PodSpec, Volume, Workload};
use coaming_yaml::Node;
use coaming_yaml::edit::{Edit, Value};

use super::usage::is_secret;
use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{Context, PodRule};

rule! {
    /// Looks for Secrets whose files somebody gave a mode that is wider than the default of 0644:
    /// group or all others may write or execute them. The default itself is not reported.
    ///
    /// ## Why it matters
    ///
    /// A credential that every user in the container may read and change is also there for the
    /// process that the attacker took over, whatever user it runs as. Many programs refuse keys
    /// with such a mode, and then somebody copies them to where they are not on a tmpfs.
    ///
    /// ## Bad
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
    /// ## Good
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
    /// ## Fix
    ///
    /// 0440 together with the pod's `fsGroup` lets exactly the application read them; 0400 does
    /// where it runs as root. Without `fsGroup` the files belong to root, and 0444 is what an
    /// application that does not run as root needs.
    SecretFileMode {
        name: "secret-file-mode",
        summary: "Secret's files may be changed or executed by all",
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
            "Pods of {} have files of Secrets with mode {mode:04o}: every user in the container \
             may change or execute them, not only the application. Set {wanted:04o}.",
            words::object(workload.object),
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
        findings.push(draft.fix(title, Applicability::Unsafe, edits).done());
    }
}

/// Group may write or execute, or others may.
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

/// The least mode with which the application still reads.
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
