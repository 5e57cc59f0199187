//! See [`UnneededSecret`].

use coaming_finding::{Applicability, Confidence, Finding, RuleMeta};
use coaming_kube::{Container, ContainerKind, PodSpec, Volume, VolumeMount, Workload};

use super::usage::{names_path, secret_volumes, texts};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{Context, PodRule};

rule! {
    /// Looks for Secrets in containers that show no use for them: a volume that several containers
    /// mount while only some of them name its directory in their command, arguments or variables; and
    /// a volume that no container mounts at all.
    ///
    /// ## Why it matters
    ///
    /// Each container that has a Secret is one more from which it can be stolen. A sidecar that
    /// forwards logs or proxies requests is another image, by other people, with other flaws.
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
    ///       args: [--tls-key=/etc/tls/tls.key]
    ///       volumeMounts:
    ///         - name: tls
    ///           mountPath: /etc/tls
    ///           readOnly: true
    ///     - name: logs
    ///       image: registry.example.com/logs:2.0.1
    ///       args: [--follow]
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
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       args: [--tls-key=/etc/tls/tls.key]
    ///       volumeMounts:
    ///         - name: tls
    ///           mountPath: /etc/tls
    ///           readOnly: true
    ///     - name: logs
    ///       image: registry.example.com/logs:2.0.1
    ///       args: [--follow]
    ///   volumes:
    ///     - name: tls
    ///       secret:
    ///         secretName: web-tls
    /// ```
    ///
    /// ## Fix
    ///
    /// Take the mount out of the containers that don't need it, or the volume out of the pod.
    UnneededSecret {
        name: "unneeded-secret",
        summary: "Secret lies where nothing shows a use for it",
        category: Secrets,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Attack("T1552.001")],
    }
}

impl PodRule for UnneededSecret {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, workload: Workload<'_>, findings: &mut Vec<Finding>) {
        let pod = workload.pod();
        for (found, volume, _) in secret_volumes(pod) {
            let mounts: Vec<_> = pod.mounts_of(volume).collect();
            if mounts.is_empty() {
                // A custom resource may mount it in containers of its own. A projected volume may
                // have other sources: it is told of once, by its first Secret.
                let is_own = is_kubernetes(workload) && volume.source("secret").is_some();
                if is_own {
                    findings.push(unmounted(context, workload, pod, found.secret, volume));
                }
            } else if let Some(idle) = idle(&mounts) {
                findings.push(mounted(context, workload, found.secret, &mounts, &idle));
            }
        }
    }
}

/// Whether the workload is of a kind of Kubernetes' own.
fn is_kubernetes(workload: Workload<'_>) -> bool {
    matches!(workload.object.group(), "" | "apps" | "batch" | "extensions")
}

fn unmounted<'a>(
    context: &Context<'a>,
    workload: Workload<'a>,
    pod: PodSpec<'a>,
    secret: &str,
    volume: Volume<'a>,
) -> Finding {
    let message = format!(
        "Pods of {} bring Secret `{secret}` to their nodes, and no container mounts it: whoever \
         takes over a node finds it there. Take the volume out.",
        words::object(workload.object),
    );
    let edit = if pod.volumes().count() == 1 {
        volume.node().parent().map_or_else(|| words::remove(volume.node()), words::remove)
    } else {
        words::remove(volume.node())
    };
    context
        .finding(UnneededSecret::RULE, workload.object, volume.node(), message)
        .fix("take the volume out", Applicability::Safe, vec![edit])
        .done()
}

type Mount<'a> = (Container<'a>, VolumeMount<'a>);

/// Of several containers with the same volume, those that don't name its directory while others do.
fn idle<'a>(mounts: &[Mount<'a>]) -> Option<Vec<Mount<'a>>> {
    // What runs before the others and ends is no second place to steal from.
    let stays = |container: &Container<'_>| container.kind() != ContainerKind::Init;
    let names = |(container, mount): &Mount<'_>| {
        let path = mount.mount_path().unwrap_or_default();
        texts(*container).any(|text| names_path(text, path))
    };
    // One that says nothing at all may have the path in its image.
    let says = |(container, _): &Mount<'_>| texts(*container).next().is_some();
    let (users, others): (Vec<Mount<'a>>, Vec<Mount<'a>>) =
        mounts.iter().filter(|(container, _)| stays(container)).partition(|mount| names(mount));
    let idle: Vec<Mount<'a>> = others.into_iter().filter(says).collect();
    (!users.is_empty() && !idle.is_empty()).then_some(idle)
}

fn mounted<'a>(
    context: &Context<'a>,
    workload: Workload<'a>,
    secret: &str,
    mounts: &[Mount<'a>],
    idle: &[Mount<'a>],
) -> Finding {
    let named = |mounts: &[Mount<'_>]| -> Vec<String> {
        mounts.iter().map(|(container, _)| container.name().to_owned()).collect()
    };
    let message = format!(
        "{} containers of {} have Secret `{secret}`, and {} {} no use for it: one more image from \
         which it can be stolen. Take the mount out there.",
        mounts.len(),
        words::object(workload.object),
        words::list(&named(idle)),
        if idle.len() == 1 { "shows" } else { "show" },
    );
    let edits = idle
        .iter()
        .map(|(container, mount)| {
            let node = mount.node();
            let is_only = container.volume_mounts().count() == 1;
            node.parent().filter(|_| is_only).map_or_else(|| words::remove(node), words::remove)
        })
        .collect();
    let first = idle[0].1.node();
    let mut draft = context.finding(UnneededSecret::RULE, workload.object, first, message);
    for (_, mount) in &idle[1..] {
        draft = draft.at(mount.node(), "");
    }
    draft
        .confidence(Confidence::Low)
        .fix("take the mount out where it is not needed", Applicability::Unsafe, edits)
        .done()
}
