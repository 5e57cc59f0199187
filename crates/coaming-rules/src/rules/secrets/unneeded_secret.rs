//! See [`UnneededSecret`].

use coaming_finding::{Applicability, Confidence, Finding, RuleMeta};
use coaming_kube::{Container, ContainerKind, Fields as _, PodSpec, Volume, VolumeMount, Workload};

use super::usage::{names_path, secret_volumes, texts};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::injection::{Injection, injection_of, is_possible};
use crate::rules::phrases;
use crate::safety::may_be_completed;
use crate::{Context, PodRule};

rule! {
    /// ## What it looks for
    ///
    /// Secrets in containers that show no use for them. Either several containers mount the
    /// volume, and only some of them name its directory in their command, arguments or variables;
    /// or no container mounts the volume at all.
    ///
    /// ## Why it matters
    ///
    /// Every container that has a Secret is one more from which it can be stolen. A sidecar that
    /// forwards logs or proxies requests runs another image, by other authors, with other flaws.
    ///
    /// ## Bad
    ///
    /// `logs` mounts the Secret, but only `web` names its directory.
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
    /// No container mounts the volume.
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
    ///   volumes:
    ///     - name: tls
    ///       secret:
    ///         secretName: web-tls
    /// ```
    ///
    /// ## Good
    ///
    /// Only the container that uses the Secret mounts it.
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
    /// An init container ends before the others start.
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
    ///   initContainers:
    ///     - name: wait
    ///       image: registry.example.com/wait:1.4.2
    ///       args: [--for=database]
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
    /// Remove the mount from the containers that do not need it, or the volume from the pod. To
    /// remove a volume is safe where no container of the pod mounts it and nothing can add one that
    /// does: no annotation names the volume, neither the pod nor its namespace asks for a sidecar
    /// or has an annotation or a label of a domain that we do not know, the input has no mesh and no
    /// webhook that changes pods, no chart made the pod and no directory called `base` contains it
    /// (other values and overlays may add the mount), and the pod is of one of Kubernetes' own
    /// kinds. Otherwise it needs `--unsafe`.
    ///
    /// ## Limits
    ///
    /// A program can read a mounted file without naming it in the manifest: its image or a
    /// configuration file may contain the path. Containers without any command, arguments and
    /// variables are therefore not reported.
    UnneededSecret {
        name: "unneeded-secret",
        summary: "Container has a Secret that it shows no use for",
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
                // A custom resource may mount it in containers of its own, and a projected volume
                // may have other sources.
                let is_own = is_kubernetes(workload) && volume.source("secret").is_some();
                if is_own && !is_named_by_annotation(workload, volume) {
                    findings.push(unmounted(context, workload, pod, found.secret, volume));
                }
            } else if let Some(idle) = idle(&mounts) {
                findings.push(mounted(context, workload, found.secret, &idle));
            }
        }
    }
}

/// Whether the workload is of a kind that Kubernetes defines.
fn is_kubernetes(workload: Workload<'_>) -> bool {
    matches!(workload.object.group(), "" | "apps" | "batch" | "extensions")
}

/// Whether an annotation of the pod names the volume: a webhook mounts it in the container that it
/// adds, such as Istio's by `sidecar.istio.io/userVolumeMount`.
fn is_named_by_annotation(workload: Workload<'_>, volume: Volume<'_>) -> bool {
    let Some(name) = volume.name() else { return false };
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    workload
        .pod_metadata()
        .pairs("annotations")
        .filter_map(|entry| entry.value.as_str())
        .any(|text| text.split(|c: char| !is_part(c)).any(|word| word == name))
}

fn unmounted<'a>(
    context: &Context<'a>,
    workload: Workload<'a>,
    pod: PodSpec<'a>,
    secret: &str,
    volume: Volume<'a>,
) -> Finding {
    let message = format!(
        "{} has a volume with Secret `{secret}` that no container mounts",
        phrases::object(workload.object),
    );
    // A container that a webhook adds may mount it.
    let injected = injection_of(context.world, workload, is_possible(context.world));
    let (applicability, confidence) = match injected {
        // With other values of the chart, or in an overlay, a container may mount it.
        Injection::None if may_be_completed(context.world, workload.object) => {
            (Applicability::Unsafe, Confidence::Low)
        }
        Injection::None => (Applicability::Safe, Confidence::High),
        Injection::Asked | Injection::Possible => (Applicability::Unsafe, Confidence::Low),
    };
    let edit = if pod.volumes().count() == 1 {
        volume.node().parent().map_or_else(|| phrases::remove(volume.node()), phrases::remove)
    } else {
        phrases::remove(volume.node())
    };
    context
        .finding(UnneededSecret::RULE, workload.object, volume.node(), message)
        .why(
            "The kubelet copies the Secret to every node that runs such a pod, where an attacker \
             who takes over the node finds it.",
        )
        .help("Remove the volume.")
        .confidence(confidence)
        .fix("remove the volume", applicability, vec![edit])
        .done()
}

type Mount<'a> = (Container<'a>, VolumeMount<'a>);

/// Of several containers with the same volume, those that do not name its directory although
/// others do.
fn idle<'a>(mounts: &[Mount<'a>]) -> Option<Vec<Mount<'a>>> {
    // An init container ends before the others start.
    let stays = |container: &Container<'_>| container.kind() != ContainerKind::Init;
    let names = |(container, mount): &Mount<'_>| {
        let path = mount.mount_path().unwrap_or_default();
        texts(*container).any(|text| names_path(text, path))
    };
    // A container without any text may have the path in its image.
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
    idle: &[Mount<'a>],
) -> Finding {
    let names: Vec<&str> = idle.iter().map(|(container, _)| container.name()).collect();
    let message = format!(
        "{} {} of {} {} Secret `{secret}`, but {} no use for it",
        phrases::plural(idle.len(), "container", "containers"),
        phrases::list(&names),
        phrases::object(workload.object),
        phrases::plural(idle.len(), "mounts", "mount"),
        phrases::plural(idle.len(), "shows", "show"),
    );
    let edits = idle
        .iter()
        .map(|(container, mount)| {
            let node = mount.node();
            let is_only = container.volume_mounts().count() == 1;
            node.parent().filter(|_| is_only).map_or_else(|| phrases::remove(node), phrases::remove)
        })
        .collect();
    let first = idle[0].1.node();
    let mut draft = context.finding(UnneededSecret::RULE, workload.object, first, message);
    for (_, mount) in &idle[1..] {
        draft = draft.at(mount.node(), "");
    }
    draft
        .confidence(Confidence::Low)
        .why(
            "Other containers of the pod use the Secret. Each additional container is one \
             more from which an attacker can steal it.",
        )
        .help("Remove the mount from the containers that do not need the Secret.")
        .fix("remove the mount where it is not needed", Applicability::Unsafe, edits)
        .done()
}
