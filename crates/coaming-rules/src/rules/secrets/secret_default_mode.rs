//! See [`SecretDefaultMode`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::{Fields as _, Volume, Workload};

use super::secret_file_mode::{WIDE, wanted_mode};
use super::usage::is_secret;
use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{Context, PodRule};

rule! {
    /// Looks for Secrets whose files every user in the container may read, as they may by the
    /// default mode of 0644, where a narrower mode serves the application as well: the pod has an
    /// `fsGroup`, or all of its containers run as root. Off by default: most containers have one
    /// user. What others may even change is a case for `secret-file-mode`.
    ///
    /// ## Why it matters
    ///
    /// A second process in the container, such as a plugin, a script of a web server or a shell
    /// that runs as `nobody`, reads the credential too.
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
    /// Set `defaultMode: 0440` where the pod has an `fsGroup`, and 0400 where the application runs as
    /// root.
    SecretDefaultMode {
        name: "secret-default-mode",
        summary: "Secret's files may be read by all users of the container",
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
        // Without a group, others are who the application is.
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
            "Every user in the containers of {} may read the files of its Secrets (mode 0644), not \
             only the application. Set `defaultMode: {wanted:04o}`.",
            words::object(workload.object),
        );
        let edits = open
            .iter()
            .filter_map(|volume| holder(*volume))
            .map(|holder| words::set(holder, &["defaultMode"], wanted))
            .collect();
        let mut draft = context.finding(Self::RULE, workload.object, first.node(), message);
        for volume in open.iter().skip(1) {
            draft = draft.at(volume.node(), "");
        }
        let title = format!("set `defaultMode: {wanted:04o}`");
        findings.push(draft.fix(title, Applicability::Unsafe, edits).done());
    }
}

/// Others may read.
const READABLE: i64 = 0o004;
/// What the kubelet takes where nothing is set.
const DEFAULT: i64 = 0o644;

/// What has the volume's `defaultMode`.
fn holder<'a>(volume: Volume<'a>) -> Option<coaming_yaml::Node<'a>> {
    volume.source("secret").or_else(|| volume.source("projected"))
}

/// The mode of the volume's files, unless it is wider than to be read.
fn mode(volume: Volume<'_>) -> Option<i64> {
    let mode = holder(volume)?.integer("defaultMode").unwrap_or(DEFAULT);
    (mode & WIDE == 0).then_some(mode)
}
