//! See [`SecretSubPath`].

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::Workload;

use super::usage::secret_volumes;
use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, PodRule};

rule! {
    /// ## What it looks for
    ///
    /// Secrets that are mounted with `subPath` or `subPathExpr`. The kubelet never updates such a
    /// mount.
    ///
    /// ## Why it matters
    ///
    /// After a credential is stolen, it is changed, and the running pods must use the new one.
    /// With `subPath`, a pod keeps the stolen one until it is restarted, so the old one cannot be
    /// revoked, and rotation is put off.
    ///
    /// ## Bad
    ///
    /// A single file of the Secret.
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
    ///         - name: db
    ///           mountPath: /app/password
    ///           subPath: password
    ///           readOnly: true
    ///   volumes:
    ///     - name: db
    ///       secret:
    ///         secretName: db
    /// ```
    ///
    /// A projected volume, with an expression.
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
    ///         - name: db
    ///           mountPath: /app/password
    ///           subPathExpr: $(KEY)
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
    /// A directory with the key that is needed.
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
    ///         - name: db
    ///           mountPath: /etc/secrets/db
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
    /// A ConfigMap is not a secret.
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
    ///         - name: config
    ///           mountPath: /app/config.yaml
    ///           subPath: config.yaml
    ///           readOnly: true
    ///   volumes:
    ///     - name: config
    ///       configMap:
    ///         name: web
    /// ```
    ///
    /// ## Fix
    ///
    /// Mount the volume as a directory of its own, with `items` for the keys that are needed, and
    /// configure the new path in the application.
    SecretSubPath {
        name: "secret-sub-path",
        summary: "Secret is mounted with `subPath` and never updated",
        category: Secrets,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Attack("T1552.001")],
    }
}

impl PodRule for SecretSubPath {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, workload: Workload<'_>, findings: &mut Vec<Finding>) {
        let pod = workload.pod();
        let volumes: Vec<_> = secret_volumes(pod).collect();
        let mounts: Vec<_> = volumes
            .iter()
            .flat_map(|(found, volume, _)| {
                pod.mounts_of(*volume).map(move |(_, mount)| (found.secret, mount))
            })
            .filter(|(_, mount)| mount.sub_path().is_some_and(|path| !path.is_empty()))
            .collect();
        let Some(&(secret, first)) = mounts.first() else { return };
        let mut secrets: Vec<&str> = mounts.iter().map(|(secret, _)| *secret).collect();
        secrets.sort_unstable();
        secrets.dedup();
        let message = format!(
            "{} mounts {} of Secrets with `subPath` ({})",
            phrases::object(workload.object),
            if mounts.len() == 1 { "a file" } else { "files" },
            phrases::list(&secrets),
        );
        let key = first.sub_path().unwrap_or("KEY");
        let snippet = format!(
            "# in the container\nvolumeMounts:\n  - name: secret-{secret}\n    mountPath: \
             /etc/secrets/{secret}\n    readOnly: true\n# in the pod\nvolumes:\n  - name: \
             secret-{secret}\n    secret:\n      secretName: {secret}\n      items:\n        - key: \
             {key}\n          path: {key}\n",
        );
        let mut draft = context.finding(Self::RULE, workload.object, first.node(), message);
        for (_, mount) in &mounts[1..] {
            draft = draft.at(mount.node(), "");
        }
        findings.push(
            draft
                .why(
                    "The kubelet never updates such a file: a stolen credential stays in use after \
                     it was changed.",
                )
                .help("Mount the volume as a directory, with `items` for the keys that are needed.")
                .manual("mount a directory instead of a file", snippet)
                .done(),
        );
    }
}
