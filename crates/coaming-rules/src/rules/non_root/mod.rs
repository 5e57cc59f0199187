//! Containers don't run as root.

pub(crate) mod image_user;
pub(crate) mod installs_software;
mod port_move;
pub(crate) mod privileged_port;
pub(crate) mod refused_by_kubelet;
pub(crate) mod root_group;
pub(crate) mod run_as_non_root;
pub(crate) mod run_as_root;

use coaming_kube::ContainerKind;

use crate::{ContainerScope, Context};

/// Whether a container is root because its image says so: where the pod leaves it to the image, and
/// the image was looked into.
pub(crate) fn image_is_root(context: &Context<'_>, scope: ContainerScope<'_>) -> Option<bool> {
    if scope.pod.is_windows() || scope.effective.run_as_user().is_some() {
        return None;
    }
    context.image_facts(scope)?.user.is_root()
}

/// Why a container may have a good reason to run as root, as far as its manifest shows; the three
/// reasons that there are.
pub(crate) fn legitimate_reason(scope: ContainerScope<'_>) -> Option<&'static str> {
    if edits_the_host(scope) {
        return Some(
            "It seems to manage the node itself (it writes to the node's files or sees its \
             processes), which is one of the few reasons to be root: keep it out of application \
             namespaces",
        );
    }
    if installs_software::found(scope).is_some() {
        return Some(
            "It seems to need root to install software at run time: install it in the image \
             instead, where a scanner can see it",
        );
    }
    let low_port = scope.container.kind() != ContainerKind::Init
        && scope.container.ports().any(|port| port.container_port().is_some_and(|p| p < 1024));
    low_port.then_some(
        "It seems to need root to listen on a port below 1024: listen on a high port and let the \
         Service map it",
    )
}

fn edits_the_host(scope: ContainerScope<'_>) -> bool {
    let pod = scope.pod;
    pod.host_pid()
        || scope.container.volume_mounts().any(|mount| {
            !mount.read_only()
                && mount
                    .name()
                    .and_then(|name| pod.volume(name))
                    .is_some_and(|volume| volume.source("hostPath").is_some())
        })
}
