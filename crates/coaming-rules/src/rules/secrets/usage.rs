//! What the rules about mounted Secrets have in common.

use coaming_kube::{Container, Fields as _, PodSpec, SecretUse, SecretUseKind, Volume};
use coaming_yaml::Node;

/// The Secrets that are volumes of a pod, each with its volume and source.
pub(super) fn secret_volumes<'a>(
    pod: PodSpec<'a>,
) -> impl Iterator<Item = (SecretUse<'a>, Volume<'a>, Node<'a>)> {
    pod.volumes().flat_map(|volume| volume.secret_files()).filter_map(|found| match found.kind {
        SecretUseKind::Files { volume, source } => Some((found, volume, source)),
        _ => None,
    })
}

/// Whether a volume contains a Secret, a service account token, or secrets from a vault.
pub(super) fn is_secret(volume: Volume<'_>) -> bool {
    let from_vault = volume
        .source("csi")
        .is_some_and(|source| source.string("driver") == Some("secrets-store.csi.k8s.io"));
    let token = volume
        .source("projected")
        .list("sources")
        .any(|source| source.mapping("serviceAccountToken").is_some());
    from_vault || token || !volume.secret_files().is_empty()
}

/// All texts of a container that can name a file: its command, arguments and variables.
pub(super) fn texts<'a>(container: Container<'a>) -> impl Iterator<Item = &'a str> {
    let variables = container.node().list("env").filter_map(|item| item.string("value"));
    container.command().chain(container.args()).chain(variables)
}

/// Whether the text contains the whole path: not as the beginning of a longer name.
pub(super) fn names_path(text: &str, path: &str) -> bool {
    let path = path.trim_end_matches('/');
    !path.is_empty()
        && text.match_indices(path).any(|(start, _)| {
            let after = text.get(start + path.len()..).and_then(|rest| rest.chars().next());
            after.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '-' | '_' | '.'))
        })
}

#[cfg(test)]
mod tests {
    use super::names_path;

    #[test]
    fn paths_are_found_whole() {
        assert!(names_path("--cert=/etc/tls/tls.crt", "/etc/tls"));
        assert!(names_path("--dir=/etc/tls", "/etc/tls/"));
        assert!(!names_path("--dir=/etc/tls-old/x", "/etc/tls"));
        assert!(!names_path("--dir=/etc", "/"));
    }
}
