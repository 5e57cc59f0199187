//! See [`WritableSecretMount`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::Workload;

use super::usage::is_secret;
use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, PodRule};

rule! {
    /// ## What it looks for
    ///
    /// Mounts of Secrets, of projected tokens and of volumes from a vault without `readOnly:
    /// true`. There is one finding per workload.
    ///
    /// ## Why it matters
    ///
    /// The kubelet mounts Secrets read-only in any case, but drivers do not have to, and the
    /// volume may change later. An attacker who can write where the application expects its
    /// credentials, certificates or trust anchors replaces them with their own. The manifest
    /// should state what is intended.
    ///
    /// ## Bad
    ///
    /// A Secret.
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
    /// A projected token.
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
    ///         - name: token
    ///           mountPath: /var/run/vault
    ///   volumes:
    ///     - name: token
    ///       projected:
    ///         sources:
    ///           - serviceAccountToken:
    ///               audience: vault
    ///               expirationSeconds: 3600
    ///               path: login
    /// ```
    ///
    /// A volume from a vault, in an init container.
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
    ///   initContainers:
    ///     - name: setup
    ///       image: registry.example.com/setup:1.4.2
    ///       volumeMounts:
    ///         - name: vault
    ///           mountPath: /etc/vault
    ///   volumes:
    ///     - name: vault
    ///       csi:
    ///         driver: secrets-store.csi.k8s.io
    ///         readOnly: true
    /// ```
    ///
    /// ## Good
    ///
    /// The mount is read-only.
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
    /// Other volumes may be writable.
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
    ///         - name: cache
    ///           mountPath: /var/cache
    ///   volumes:
    ///     - name: cache
    ///       emptyDir:
    ///         sizeLimit: 64Mi
    /// ```
    ///
    /// ## Fix
    ///
    /// Set `readOnly: true`. An application cannot write to such a volume anyway.
    WritableSecretMount {
        name: "writable-secret-mount",
        summary: "Secret is not mounted read-only",
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
            "{} mounts Secrets without `readOnly: true`: {}",
            phrases::object(workload.object),
            phrases::and(&paths),
        );
        let edits = mounts
            .iter()
            .map(|(_, mount)| phrases::set(mount.node(), &["readOnly"], true))
            .collect();
        let mut draft = context.finding(Self::RULE, workload.object, first.1.node(), message);
        for (_, mount) in rest {
            draft = draft.at(mount.node(), "");
        }
        let draft = draft
            .why(
                "An attacker who can write there replaces credentials, certificates or trust \
                 anchors with their own.",
            )
            .help("Set `readOnly: true` on the mounts.");
        findings.push(draft.fix("set `readOnly: true`", Applicability::Safe, edits).done());
    }
}
