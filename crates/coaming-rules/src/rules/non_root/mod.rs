//! Containers do not run as root.

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

/// Whether a container runs as the root user of its image; `None` where the pod sets the user, or
/// where the image was not inspected.
pub(crate) fn image_is_root(context: &Context<'_>, scope: ContainerScope<'_>) -> Option<bool> {
    if scope.pod.is_windows() || scope.effective.run_as_user().is_some() {
        return None;
    }
    context.image_facts(scope)?.user.is_root()
}

/// What to do about a container that seems to have one of the three legitimate reasons to run as
/// root, as far as its manifest shows.
pub(crate) fn legitimate_reason(scope: ContainerScope<'_>) -> Option<&'static str> {
    if manages_the_node(scope) {
        return Some(
            "Keep the container out of application namespaces: it seems to manage the node itself \
             (it writes to the node's files or sees its processes), which is one of the few \
             reasons to run as root.",
        );
    }
    if installs_software::found(scope).is_some() {
        return Some(
            "Install software when the image is built, where a scanner can see it, and run as \
             another user: the container seems to need root only to install software at run time.",
        );
    }
    let low_port = scope.container.kind() != ContainerKind::Init
        && scope.container.ports().any(|port| port.container_port().is_some_and(|p| p < 1024));
    low_port.then_some(
        "Listen on a port above 1023, let the Service map it, and run as another user: the \
         container seems to need root only to listen on a port below 1024.",
    )
}

fn manages_the_node(scope: ContainerScope<'_>) -> bool {
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
