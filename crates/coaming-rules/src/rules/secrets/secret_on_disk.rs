//! See [`SecretOnDisk`].

use coaming_finding::{Applicability, Confidence, Finding, RuleMeta, Severity};
use coaming_kube::{Fields as _, PodSpec, Volume, Workload};
use coaming_yaml::Node;
use coaming_yaml::edit::Edit;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::security_context::host_path::HostPath;
use crate::rules::words;
use crate::{Context, PodRule};

rule! {
    /// Looks for volumes that by their names hold secrets, and that lie on a disk: an `emptyDir`
    /// without `medium: Memory` (or in memory, but without `sizeLimit`), a claim, or a directory of the
    /// node. The words are looked for in the volume's name and in the paths where it is mounted.
    ///
    /// ## Why it matters
    ///
    /// What was on a disk stays readable: for whoever takes over the node, for its backups and
    /// snapshots, and for the next owner of the disk. A tmpfs ends with the pod; with a size limit it
    /// can't take the node's memory either.
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
    ///         - name: credentials
    ///           mountPath: /run/credentials
    ///   volumes:
    ///     - name: credentials
    ///       emptyDir: {}
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
    ///         - name: credentials
    ///           mountPath: /run/credentials
    ///   volumes:
    ///     - name: credentials
    ///       emptyDir:
    ///         medium: Memory
    ///         sizeLimit: 16Mi
    /// ```
    ///
    /// ## Fix
    ///
    /// Give an `emptyDir` `medium: Memory` and a `sizeLimit`: what lies there counts as memory of the
    /// container. Instead of a claim or the node's directory, mount a Secret or a vault's volume.
    SecretOnDisk {
        name: "secret-on-disk",
        summary: "Secrets lie on a disk, not in memory",
        category: Secrets,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Attack("T1552.001")],
    }
}

/// The size that the fix gives to a volume for secrets.
const SIZE: &str = "16Mi";

impl PodRule for SecretOnDisk {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, workload: Workload<'_>, findings: &mut Vec<Finding>) {
        let pod = workload.pod();
        for volume in pod.volumes() {
            let Some(word) = telling_word(pod, volume) else { continue };
            if let Some(source) = volume.source("emptyDir") {
                findings.extend(in_empty_dir(context, workload, volume, source, word));
            } else if let Some(source) = volume.source("persistentVolumeClaim") {
                findings.push(on_disk(context, workload, source, "a claim", word));
            } else if let Some(source) = volume.source("hostPath")
                // Who mounts the node's files is told so already.
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
    let (lack, severity) = match (in_memory, limited) {
        (true, true) => return None,
        (true, false) => (
            "in memory without a size limit: whoever writes there can take all the memory of the \
             node",
            Severity::Low,
        ),
        (false, _) => (
            "on the node's disk: whoever takes over the node or its backups reads it",
            Severity::Medium,
        ),
    };
    let (settings, mut edits): (_, Vec<Edit>) = if in_memory {
        (format!("`sizeLimit: {SIZE}`"), Vec::new())
    } else {
        (
            format!("`medium: Memory`{}", if limited { "" } else { " and a `sizeLimit`" }),
            vec![words::set(source, &["medium"], "Memory")],
        )
    };
    if !limited {
        edits.push(words::set(source, &["sizeLimit"], SIZE));
    }
    let message = format!(
        "Volume `{}` of {} holds secrets by its name (`{word}`), {lack}. Set {settings}.",
        volume.name().unwrap_or_default(),
        words::object(workload.object),
    );
    Some(
        context
            .finding(SecretOnDisk::RULE, workload.object, source, message)
            .severity(severity)
            .confidence(Confidence::Medium)
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
        "Pods of {} keep secrets, by the name (`{word}`), in {what}: they stay on the disk, and in \
         its snapshots, when the pod is gone. Mount a Secret, or a vault's volume.",
        words::object(workload.object),
    );
    context
        .finding(SecretOnDisk::RULE, workload.object, source, message)
        .confidence(Confidence::Low)
        .manual("mount a Secret instead", "secret:\n  secretName: NAME\n")
        .done()
}

/// Words that say that a volume holds secrets.
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

/// The word by which a volume is for secrets: in its own name, the claim's, or where it is mounted.
fn telling_word<'a>(pod: PodSpec<'a>, volume: Volume<'a>) -> Option<&'static str> {
    let claim = volume.source("persistentVolumeClaim").string("claimName");
    let paths = pod.mounts_of(volume).filter_map(|(_, mount)| mount.mount_path());
    volume.name().into_iter().chain(claim).chain(paths).find_map(word_in)
}

fn word_in(text: &str) -> Option<&'static str> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .find_map(|part| WORDS.iter().find(|word| part.eq_ignore_ascii_case(word)))
        .copied()
}

#[cfg(test)]
mod tests {
    use super::word_in;

    #[test]
    fn words_count_whole() {
        assert_eq!(word_in("vault-secrets"), Some("secrets"));
        assert_eq!(word_in("/var/run/Credentials/x"), Some("credentials"));
        assert_eq!(word_in("secretary"), None);
        assert_eq!(word_in("tokenizer-cache"), None);
    }
}
