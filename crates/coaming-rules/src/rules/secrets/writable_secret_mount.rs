//! See [`WritableSecretMount`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::Workload;

use super::usage::is_secret;
use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{Context, PodRule};

rule! {
    /// Looks for mounts of Secrets, of projected tokens and of vault volumes that don't say
    /// `readOnly: true`. One finding a workload.
    ///
    /// ## Why it matters
    ///
    /// The kubelet mounts Secrets read-only whatever is said here, but drivers and later changes of
    /// the volume don't have to: an attacker who can write where the application expects its
    /// credentials, certificates or trust anchors puts his own there. The manifest should say what
    /// is meant.
    ///
    /// ## Bad
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
    /// Set `readOnly: true`: nothing could be written there anyway.
    WritableSecretMount {
        name: "writable-secret-mount",
        summary: "Mount of a Secret is not read-only",
        category: Secrets,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Cis("5.4.1")],
    }
}

impl PodRule for WritableSecretMount {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, workload: Workload<'_>, findings: &mut Vec<Finding>) {
        let pod = workload.pod();
        let mounts: Vec<_> = pod
            .volumes()
            .filter(|volume| is_secret(*volume))
            .flat_map(|volume| pod.mounts_of(volume))
            .filter(|(_, mount)| !mount.read_only())
            .collect();
        let Some((first, rest)) = mounts.split_first() else { return };
        let paths: Vec<String> = mounts
            .iter()
            .map(|(container, mount)| {
                let path = mount.mount_path().unwrap_or_default();
                format!("`{path}` in container `{}`", container.name())
            })
            .collect();
        let message = format!(
            "Pods of {} mount Secrets without saying that they only read them ({}): whoever can \
             write there puts his own credentials in place. Set `readOnly: true`.",
            words::object(workload.object),
            words::and(&paths),
        );
        let edits =
            mounts.iter().map(|(_, mount)| words::set(mount.node(), &["readOnly"], true)).collect();
        let mut draft = context.finding(Self::RULE, workload.object, first.1.node(), message);
        for (_, mount) in rest {
            draft = draft.at(mount.node(), "");
        }
        findings.push(draft.fix("set `readOnly: true`", Applicability::Safe, edits).done());
    }
}
