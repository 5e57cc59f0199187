//! See [`SecretOnDisk`].

use coaming_finding::{Applicability, Confidence, Finding, RuleMeta, Severity};
use coaming_kube::{Fields as _, PodSpec, Volume, Workload};
use coaming_yaml::Node;
use coaming_yaml::edit::Edit;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::rules::security_context::host_path::HostPath;
use crate::{Context, PodRule};

rule! {
    /// ## What it looks for
    ///
    /// Volumes for secrets that are on a disk: an `emptyDir` without `medium: Memory` (or in
    /// memory, but without `sizeLimit`), a persistent volume claim, or a directory of the node. A
    /// volume counts as one for secrets if its name, its claim's name or a path where it is
    /// mounted contains a word such as `secret`, `credentials` or `token`. Volumes for Unix sockets
    /// (`socket`, `uds`) are ignored.
    ///
    /// ## Why it matters
    ///
    /// Data that was on a disk stays readable: for an attacker who takes over the node, in its
    /// backups and snapshots, and for the next owner of the disk. A tmpfs disappears with the pod,
    /// and its size limit keeps it from using up the node's memory.
    ///
    /// ## Bad
    ///
    /// On the disk of the node.
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
    ///         - name: credentials
    ///           mountPath: /run/credentials
    ///   volumes:
    ///     - name: credentials
    ///       emptyDir: {}
    /// ```
    ///
    /// In memory, but without a size limit.
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
    ///         - name: credentials
    ///           mountPath: /run/credentials
    ///   volumes:
    ///     - name: credentials
    ///       emptyDir:
    ///         medium: Memory
    /// ```
    ///
    /// On a persistent volume.
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
    ///         - name: credentials
    ///           mountPath: /run/credentials
    ///   volumes:
    ///     - name: data
    ///       emptyDir: {}
    ///     - name: credentials
    ///       persistentVolumeClaim:
    ///         claimName: web
    /// ```
    ///
    /// In a directory of the node, which is reported here only where `host-path` is disabled.
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
    ///         - name: state
    ///           mountPath: /run/credentials
    ///   volumes:
    ///     - name: state
    ///       hostPath:
    ///         path: /var/lib/web
    /// ```
    ///
    /// ## Good
    ///
    /// In memory, with a size limit.
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
    ///         - name: credentials
    ///           mountPath: /run/credentials
    ///   volumes:
    ///     - name: credentials
    ///       emptyDir:
    ///         medium: Memory
    ///         sizeLimit: 16Mi
    /// ```
    ///
    /// A Secret is mounted from memory.
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
    ///         - name: credentials
    ///           mountPath: /run/credentials
    ///           readOnly: true
    ///   volumes:
    ///     - name: credentials
    ///       secret:
    ///         secretName: web
    /// ```
    ///
    /// ## Fix
    ///
    /// Set `medium: Memory` and a `sizeLimit` on an `emptyDir`; its content counts towards the
    /// container's memory. Instead of a claim or a directory of the node, mount a Secret or a
    /// volume from a vault.
    ///
    /// ## Limits
    ///
    /// The words are a guess: a volume named `token-cache` may hold no secret, and one named
    /// `data` may.
    SecretOnDisk {
        name: "secret-on-disk",
        summary: "Secrets are on a disk instead of in memory",
        category: Secrets,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Attack("T1552.001")],
    }
}

/// What happens to secrets on a disk.
const READABLE: &str = "Secrets on a disk outlive the pod: an attacker who takes over the node, or \
                        has a backup or snapshot of its disk, can read them.";

/// The size that the fix gives to a volume for secrets.
const SIZE: &str = "16Mi";

impl PodRule for SecretOnDisk {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, workload: Workload<'_>, findings: &mut Vec<Finding>) {
        let pod = workload.pod();
        for volume in pod.volumes() {
            let Some(word) = secret_word(pod, volume) else { continue };
            if let Some(source) = volume.source("emptyDir") {
                findings.extend(in_empty_dir(context, workload, volume, source, word));
            } else if let Some(source) = volume.source("persistentVolumeClaim") {
                findings.push(on_disk(
                    context,
                    workload,
                    source,
                    "a persistent volume claim",
                    word,
                ));
            } else if let Some(source) = volume.source("hostPath")
                // That rule reports every volume from the node.
                && !context.enabled::<HostPath>()
            {
                findings.push(on_disk(context, workload, source, "a directory of the node", word));
            }
        }
    }
}

fn in_empty_dir(
    context: &Context<'_>,
    workload: Workload<'_>,
    volume: Volume<'_>,
    source: Node<'_>,
    word: &str,
) -> Option<Finding> {
    let in_memory = source.string("medium") == Some("Memory");
    let limited = source.field("sizeLimit").is_some();
    let (lack, why, severity) = match (in_memory, limited) {
        (true, true) => return None,
        (true, false) => (
            "has no size limit",
            "An attacker who can write to the volume can use up the node's memory.",
            Severity::Low,
        ),
        (false, _) => ("is on the node's disk", READABLE, Severity::Medium),
    };
    let (settings, mut edits): (_, Vec<Edit>) = if in_memory {
        (format!("`sizeLimit: {SIZE}`"), Vec::new())
    } else {
        (
            format!("`medium: Memory`{}", if limited { "" } else { " and a `sizeLimit`" }),
            vec![phrases::set(source, &["medium"], "Memory")],
        )
    };
    if !limited {
        edits.push(phrases::set(source, &["sizeLimit"], SIZE));
    }
    let message = format!(
        "volume `{}` of {} appears to hold secrets (`{word}`) and {lack}",
        volume.name().unwrap_or_default(),
        phrases::object(workload.object),
    );
    Some(
        context
            .finding(SecretOnDisk::RULE, workload.object, source, message)
            .severity(severity)
            .confidence(Confidence::Medium)
            .why(why)
            .help(format!("Set {settings}."))
            .fix(format!("set {settings}"), Applicability::Unsafe, edits)
            .done(),
    )
}

fn on_disk(
    context: &Context<'_>,
    workload: Workload<'_>,
    source: Node<'_>,
    what: &str,
    word: &str,
) -> Finding {
    let message = format!(
        "{} appears to keep secrets (`{word}`) in {what}",
        phrases::object(workload.object),
    );
    context
        .finding(SecretOnDisk::RULE, workload.object, source, message)
        .confidence(Confidence::Low)
        .why(READABLE)
        .help("Mount a Secret or a volume from a vault instead.")
        .manual("mount a Secret instead", "secret:\n  secretName: NAME\n")
        .done()
}

/// Words that suggest that a volume holds secrets.
const WORDS: &[&str] = &[
    "secret",
    "secrets",
    "credential",
    "credentials",
    "creds",
    "password",
    "passwords",
    "token",
    "tokens",
];

/// The word that suggests that a volume holds secrets: in its name, its claim's, or where it is
/// mounted.
fn secret_word<'a>(pod: PodSpec<'a>, volume: Volume<'a>) -> Option<&'static str> {
    let claim = volume.source("persistentVolumeClaim").string("claimName");
    let paths = pod.mounts_of(volume).filter_map(|(_, mount)| mount.mount_path());
    let texts: Vec<&str> = volume.name().into_iter().chain(claim).chain(paths).collect();
    // Secrets pass through a Unix socket, and none of them stays there.
    if texts.iter().any(|text| is_for_sockets(text)) {
        return None;
    }
    texts.into_iter().find_map(word_in)
}

fn is_for_sockets(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .any(|part| matches!(part, "socket" | "sockets" | "sock" | "uds"))
}

fn word_in(text: &str) -> Option<&'static str> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .find_map(|part| WORDS.iter().find(|word| part.eq_ignore_ascii_case(word)))
        .copied()
}

#[cfg(test)]
mod tests {
    use super::{is_for_sockets, word_in};

    #[test]
    fn words_count_whole() {
        assert_eq!(word_in("vault-secrets"), Some("secrets"));
        assert_eq!(word_in("/var/run/Credentials/x"), Some("credentials"));
        assert_eq!(word_in("secretary"), None);
        assert_eq!(word_in("tokenizer-cache"), None);
        assert!(is_for_sockets("/var/run/secrets/workload-uds") && is_for_sockets("token-socket"));
    }
}
