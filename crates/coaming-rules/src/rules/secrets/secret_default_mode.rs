//! See [`SecretDefaultMode`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::{Fields as _, Volume, Workload};

use super::secret_file_mode::{WIDE, wanted_mode};
use super::usage::is_secret;
use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, PodRule};

rule! {
    /// ## What it looks for
    ///
    /// Secrets whose files every user in the container can read, as the default mode of 0644
    /// allows, although a narrower mode works as well: the pod has an `fsGroup`, or all of its
    /// containers run as root. The rule is off by default, because most containers have only one
    /// user. Files that others can even change are reported by `secret-file-mode`.
    ///
    /// ## Why it matters
    ///
    /// A second process in the container, such as a plugin, a script of a web server or a shell
    /// that runs as `nobody`, can read the credential too.
    ///
    /// ## Bad
    ///
    /// The group of the application could read narrower files.
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
    /// ```
    ///
    /// All containers run as root.
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
    ///       secret:
    ///         secretName: web-tls
    /// ```
    ///
    /// ## Good
    ///
    /// Only the application can read the files.
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
    /// Without `fsGroup`, an application that does not run as root is one of the others.
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
    ///         runAsUser: 10001
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
    /// Set `defaultMode: 0440` if the pod has an `fsGroup`, and 0400 if the application runs as
    /// root.
    SecretDefaultMode {
        name: "secret-default-mode",
        summary: "Secret's files are readable by all users of the container",
        category: Secrets,
        severity: Low,
        default: false,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Attack("T1552.001")],
    }
}

impl PodRule for SecretDefaultMode {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, workload: Workload<'_>, findings: &mut Vec<Finding>) {
        let pod = workload.pod();
        let wanted = wanted_mode(pod);
        // Without a group, the application itself is one of the others.
        if wanted & READABLE != 0 {
            return;
        }
        let open: Vec<Volume<'_>> = pod
            .volumes()
            .filter(|volume| is_secret(*volume))
            .filter(|volume| mode(*volume).is_some_and(|mode| mode & READABLE != 0))
            .collect();
        let Some(first) = open.first() else { return };
        let message = format!(
            "every user in the containers of {} can read the files of its Secrets",
            phrases::object(workload.object),
        );
        let edits = open
            .iter()
            .filter_map(|volume| holder(*volume))
            .map(|holder| phrases::set(holder, &["defaultMode"], wanted))
            .collect();
        let mut draft = context.finding(Self::RULE, workload.object, first.node(), message);
        for volume in open.iter().skip(1) {
            draft = draft.at(volume.node(), "");
        }
        let title = format!("set `defaultMode: {wanted:04o}`");
        let draft = draft
            .why(
                "A process that runs as another user than the application gets the credential too.",
            )
            .help(format!("Set `defaultMode: {wanted:04o}` on the volume."));
        findings.push(draft.fix(title, Applicability::Unsafe, edits).done());
    }
}

/// Others can read.
const READABLE: i64 = 0o004;
/// The kubelet's default.
const DEFAULT: i64 = 0o644;

/// The source of the volume that has its `defaultMode`.
fn holder<'a>(volume: Volume<'a>) -> Option<coaming_yaml::Node<'a>> {
    volume.source("secret").or_else(|| volume.source("projected"))
}

/// The mode of the volume's files, unless `secret-file-mode` reports it.
fn mode(volume: Volume<'_>) -> Option<i64> {
    let mode = holder(volume)?.integer("defaultMode").unwrap_or(DEFAULT);
    (mode & WIDE == 0).then_some(mode)
}
