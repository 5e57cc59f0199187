//! See [`HostPath`].

use std::borrow::Cow;

use coaming_finding::{Finding, RuleMeta, Severity};
use coaming_kube::{Effective, Fields as _, PodSpec, Volume, VolumeMount, Workload};
use coaming_yaml::Node;

use super::node_paths::{NodePath, known_path, normalized};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, ObjectRule, ObjectScope, PodRule};

rule! {
    /// ## What it looks for
    ///
    /// Directories and files of the node that are mounted into pods (`hostPath`), and
    /// PersistentVolumes that are such a directory. The severity depends on what the node has at
    /// the path and on the mount: the container runtime's socket, `/`, `/etc`, `/var/lib/kubelet`
    /// and similar paths give away the node; `/etc/localtime` and `/dev/null` give away nothing.
    /// Read-only mounts are less severe, except for sockets, which are just as dangerous. One
    /// finding per workload names all its paths.
    ///
    /// ## Why it matters
    ///
    /// Through the container runtime's socket, an attacker starts a privileged container; through
    /// `/etc` or `/root`, they add a cron job or an SSH key; through `/var/lib/kubelet`, they read
    /// the secrets of every pod on the node. Even a harmless path can become dangerous when the
    /// node's software starts to use it.
    ///
    /// ## Bad
    ///
    /// The socket of the container runtime gives away the node, read-only or not.
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
    ///         - name: data
    ///           mountPath: /var/run/docker.sock
    ///           readOnly: true
    ///   volumes:
    ///     - name: data
    ///       hostPath:
    ///         path: /var/run/docker.sock
    /// ```
    ///
    /// A writable system directory gives away the node.
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
    ///         - name: data
    ///           mountPath: /data
    ///   volumes:
    ///     - name: data
    ///       hostPath:
    ///         path: /etc/cron.d
    /// ```
    ///
    /// Root can read every file of a read-only mount.
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
    ///         - name: data
    ///           mountPath: /host/etc
    ///           readOnly: true
    ///   volumes:
    ///     - name: data
    ///       hostPath:
    ///         path: /etc
    /// ```
    ///
    /// Another user can only read what every user of the node can.
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
    ///         - name: data
    ///           mountPath: /host/etc
    ///           readOnly: true
    ///   volumes:
    ///     - name: data
    ///       hostPath:
    ///         path: /etc
    /// ```
    ///
    /// A directory that the node does not use itself is still shared with other pods.
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
    ///         - name: data
    ///           mountPath: /data
    ///   volumes:
    ///     - name: data
    ///       hostPath:
    ///         path: /srv/data
    /// ```
    ///
    /// A read-only mount of the node's time zone gives away nothing else: low.
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
    ///         - name: zone
    ///           mountPath: /etc/localtime
    ///           readOnly: true
    ///   volumes:
    ///     - name: zone
    ///       hostPath:
    ///         path: /etc/localtime
    /// ```
    ///
    /// A pod that claims this volume writes to the node's root, past Pod Security.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: PersistentVolume
    /// metadata:
    ///   name: node-root
    /// spec:
    ///   capacity:
    ///     storage: 1Gi
    ///   accessModes: [ReadWriteOnce]
    ///   hostPath:
    ///     path: /
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
    ///         - name: data
    ///           mountPath: /data
    ///   volumes:
    ///     - name: data
    ///       persistentVolumeClaim:
    ///         claimName: data
    /// ```
    ///
    /// ## Fix
    ///
    /// Use a persistent volume claim, an `emptyDir`, a ConfigMap or the Kubernetes API instead. An
    /// agent that must read the node's files should mount just those, read-only.
    ///
    /// ## Limits
    ///
    /// What the node keeps in other paths is not known; they have a medium severity if writable,
    /// and a low one if not.
    HostPath {
        name: "host-path",
        summary: "Pod mounts files of the node",
        category: SecurityContext,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [
            PssBaseline("hostPathVolumes"),
            Cis("5.2.11"),
            Nsa("Pod security enforcement"),
            Attack("T1611"),
        ],
    }
}

impl PodRule for HostPath {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, workload: Workload<'_>, findings: &mut Vec<Finding>) {
        let pod = workload.pod();
        let mut mounted: Vec<Mounted<'_>> =
            pod.volumes().filter_map(|volume| Mounted::of(pod, volume)).collect();
        // The worst first: it gives the finding its reason.
        mounted.sort_by_key(|mounted| std::cmp::Reverse(mounted.severity));
        let (suppressed, mounted): (Vec<_>, Vec<_>) = mounted.into_iter().partition(|mounted| {
            let node = mounted.node;
            context.is_suppressed(<Self as PodRule>::META, workload.object, node)
        });
        let alone = suppressed.iter().map(std::slice::from_ref);
        findings.extend(
            alone
                .chain(Some(mounted.as_slice()))
                .filter_map(|mounted| finding(context, workload, mounted)),
        );
    }
}

/// One finding for all of these paths, the worst of which is first.
fn finding<'a>(
    context: &Context<'a>,
    workload: Workload<'a>,
    mounted: &[Mounted<'a>],
) -> Option<Finding> {
    let (worst, others) = mounted.split_first()?;
    let who = phrases::object(workload.object);
    let mut draft = context
        .finding(HostPath::RULE, workload.object, worst.node, message(&who, mounted))
        .why(why(mounted))
        .help(worst.known.advice.text(worst.read_only))
        .severity(worst.severity)
        .manual("use another kind of volume", "emptyDir: {}");
    for more in others {
        draft = draft.at(more.node, more.effect.clone());
    }
    Some(draft.done())
}

impl ObjectRule for HostPath {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        let object = scope.object;
        if object.kind() != "PersistentVolume" || !object.group().is_empty() {
            return;
        }
        let source = |kind: &str| object.spec().mapping(kind).field("path");
        let is_host_path = source("hostPath").is_some();
        let Some(node) = source("hostPath").or_else(|| source("local")) else { return };
        let path = normalized(node.as_str().unwrap_or_default());
        let known = known_path(&path);
        // A local volume is a disk or directory that is set aside for volumes.
        if !is_host_path && !known.is_of_the_node {
            return;
        }
        let (severity, effect) = known.write;
        let message = format!("{} is `{path}` of the node", phrases::object(object));
        findings.push(
            context
                .finding(Self::RULE, object, node, message)
                .why(format!(
                    "Any pod that claims the volume passes Pod Security, and an attacker in it \
                     {effect}."
                ))
                .help("Use a storage class with a driver, or a directory that only volumes use.")
                .severity(if known.is_of_the_node { severity } else { Severity::Low })
                .manual("use another kind of volume", "storageClassName: standard")
                .done(),
        );
    }
}

/// A volume with a path of the node.
struct Mounted<'a> {
    node: Node<'a>,
    path: String,
    known: &'static NodePath,
    read_only: bool,
    severity: Severity,
    /// What an attacker does with it.
    effect: Cow<'static, str>,
}

impl<'a> Mounted<'a> {
    fn of(pod: PodSpec<'a>, volume: Volume<'a>) -> Option<Self> {
        let source = volume.source("hostPath")?;
        let path = normalized(volume.host_path().unwrap_or_default());
        let known = known_path(&path);
        let read_only = is_read_only(pod, volume);
        let (severity, effect) = if read_only { known.read } else { known.write };
        // File modes restrict other users; a program behind a socket decides for itself.
        let restricted = !known.is_socket && !mounts_as_root(pod, volume);
        let (severity, effect) = match (restricted && severity > Severity::Low, read_only) {
            (false, _) => (severity, effect),
            (true, true) => (lowered(severity), "reads what every user of the node can"),
            (true, false) => (lowered(severity), effect),
        };
        let node = source.field("path").unwrap_or(source);
        Some(Self { node, path, known, read_only, severity, effect: Cow::Borrowed(effect) })
    }
}

/// All paths of a workload in one clause.
fn message(who: &str, mounted: &[Mounted<'_>]) -> String {
    let paths = |read_only: bool| -> Vec<&str> {
        let alike = mounted.iter().filter(|mounted| mounted.read_only == read_only);
        let mut paths: Vec<&str> = alike.map(|mounted| mounted.path.as_str()).collect();
        let mut seen = std::collections::BTreeSet::new();
        paths.retain(|path| seen.insert(*path));
        paths
    };
    let list = |paths: &[&str]| match paths {
        [first, second, third, _, rest @ ..] if !rest.is_empty() => {
            let shown = [*first, second, third].map(|path| format!("`{path}`")).join(", ");
            format!("{shown} and {} more paths", paths.len() - 3)
        }
        paths => phrases::list(paths),
    };
    let (written, read) = (paths(false), paths(true));
    match (written.is_empty(), read.is_empty()) {
        (false, true) => format!("{who} can write to {} of the node", list(&written)),
        (true, _) => format!("{who} mounts {} of the node (read-only)", list(&read)),
        (false, false) => {
            format!("{who} can write to {} of the node, and reads {}", list(&written), list(&read))
        }
    }
}

/// What an attacker does with the two worst.
fn why(mounted: &[Mounted<'_>]) -> String {
    let mut effects: Vec<&str> = Vec::new();
    for mounted in mounted.iter().filter(|mounted| mounted.severity > Severity::Low) {
        if !effects.contains(&&*mounted.effect) {
            effects.push(&mounted.effect);
        }
    }
    effects.truncate(2);
    if effects.is_empty() {
        effects.extend(mounted.first().map(|mounted| &*mounted.effect));
    }
    format!("An attacker in the pod {}.", phrases::clauses(&effects))
}

/// Whether the node itself uses what is at a path.
pub(crate) fn is_of_the_node(path: &str) -> bool {
    known_path(&normalized(path)).is_of_the_node
}

/// Whether a container that mounts the volume may be root of the node.
fn mounts_as_root(pod: PodSpec<'_>, volume: Volume<'_>) -> bool {
    let may_be_root =
        |(container, _): (_, VolumeMount<'_>)| !Effective::new(pod, container).is_non_root();
    let is_mapped = pod.node().boolean("hostUsers") == Some(false);
    !is_mapped && (pod.mounts_of(volume).next().is_none() || pod.mounts_of(volume).any(may_be_root))
}

fn lowered(severity: Severity) -> Severity {
    match severity {
        Severity::Critical => Severity::High,
        Severity::High => Severity::Medium,
        Severity::Medium | Severity::Low => Severity::Low,
    }
}

/// Whether every container that mounts the volume can only read it.
fn is_read_only(pod: PodSpec<'_>, volume: Volume<'_>) -> bool {
    let mut mounts = pod.mounts_of(volume).map(|(_, mount)| mount).peekable();
    mounts.peek().is_some() && mounts.all(VolumeMount::read_only)
}
