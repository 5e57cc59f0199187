//! Containers do not run as root.

pub(crate) mod image_gives_root;
pub(crate) mod image_user;
pub(crate) mod image_users;
pub(crate) mod installs_software;
mod port_move;
mod port_setting;
pub(crate) mod privileged_port;
pub(crate) mod refused_by_kubelet;
pub(crate) mod root_group;
pub(crate) mod run_as_non_root;
pub(crate) mod run_as_root;

use coaming_kube::ContainerKind;

use crate::rules::security_context::host_path;
use crate::text::root_commands::changes_host;
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
             (it changes the node's kernel or files, or sees its processes), which is one of the \
             few reasons to run as root.",
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

/// Whether a container changes the node: by its command, or by files that the node itself uses.
fn manages_the_node(scope: ContainerScope<'_>) -> bool {
    let pod = scope.pod;
    let words: Vec<&str> = scope.container.command().chain(scope.container.args()).collect();
    pod.host_pid()
        || changes_host(&words)
        || scope.container.volume_mounts().any(|mount| {
            !mount.read_only()
                && mount
                    .name()
                    .and_then(|name| pod.volume(name))
                    .and_then(coaming_kube::Volume::host_path)
                    .is_some_and(host_path::is_of_the_node)
        })
}
