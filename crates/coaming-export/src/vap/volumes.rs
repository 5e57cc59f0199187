//! Rules about volumes, most of them with Secrets.

use super::Expressed;
use super::cel::{list, root, secret_files};

/// The rules.
pub(super) fn expressed() -> Vec<Expressed> {
    let of_secrets = |condition: String| {
        format!("variables.volumes.exists(v, ({}) && ({condition}))", is_secret())
    };
    vec![
        Expressed::container(
            "secret-sub-path",
            "c.?volumeMounts.orValue([]).exists(m, \
             m.?subPath.or(m.?subPathExpr).orValue('') != '' && \
             m.?name.orValue('') in variables.secretVolumes)",
        ),
        Expressed::pod("secret-file-mode", of_secrets(wide_mode())),
        Expressed::pod(
            "secret-default-mode",
            format!(
                "(variables.pod.?securityContext.?fsGroup.hasValue() || \
                 variables.containers.all(c, {})) && {}",
                root(),
                of_secrets(readable())
            ),
        ),
        Expressed::pod("projected-token", projected_token()),
    ]
}

/// Whether `v` has a Secret, a token, or secrets of a vault.
fn is_secret() -> String {
    format!(
        "v.?csi.?driver.orValue('') == 'secrets-store.csi.k8s.io' || \
         {}.exists(s, s.?serviceAccountToken.hasValue()) || {}",
        list("v.?projected.?sources"),
        secret_files("v")
    )
}

/// Whether others than the owner can write or execute the files of `v`. CEL has no operators for
/// bits.
fn wide_mode() -> String {
    let is_wide = |mode: &str| format!("{mode} % 4 != 0 || {mode} / 8 % 4 != 0");
    let items = |holder: &str| {
        format!(
            "{}.exists(i, {})",
            list(&format!("{holder}.?items")),
            is_wide("i.?mode.orValue(0)")
        )
    };
    [
        is_wide("v.?secret.?defaultMode.orValue(0)"),
        is_wide("v.?projected.?defaultMode.orValue(0)"),
        items("v.?secret"),
        format!("{}.exists(s, {})", list("v.?projected.?sources"), items("s.?secret")),
    ]
    .join(" || ")
}

/// Whether every user in the containers can read the files of `v`, and nothing worse.
fn readable() -> String {
    let holder = "v.?secret.or(v.?projected)";
    let mode = format!("({holder}).?defaultMode.orValue(420)");
    format!(
        "({holder}).hasValue() && {mode} / 4 % 2 == 1 && {mode} % 4 == 0 && {mode} / 8 % 4 == 0"
    )
}

/// Whether a projected token lives for more than a day, or is for everyone.
fn projected_token() -> String {
    let sources = list("v.?projected.?sources");
    let for_cluster =
        format!("{sources}.exists(o, o.?configMap.?name.orValue('') == 'kube-root-ca.crt')");
    format!(
        "variables.volumes.exists(v, {sources}.exists(s, s.?serviceAccountToken.hasValue() && \
         (s.serviceAccountToken.?expirationSeconds.orValue(0) > 86400 || \
         s.serviceAccountToken.?audience.orValue('') == '' && !{for_cluster})))"
    )
}
