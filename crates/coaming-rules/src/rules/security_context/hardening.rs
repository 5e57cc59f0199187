//! The fields that harden a container, and which of them a container lacks.
//!
//! A field with an unsafe value is not missing: another rule reports it.

use crate::rules::non_root::privileged_port::PrivilegedPort;
use coaming_kube::capability_name;
use coaming_yaml::edit::{Edit, Value};

use super::written_paths::{
    volumes_for_writing, writes_as_configured, writes_in_image, writes_own_files,
};
use crate::rules::non_root::image_users::{
    listens_low_on_node, non_root_edits, works_as_root, works_with_privileges,
};
use crate::rules::non_root::{installs_software, privileged_port};
use crate::rules::phrases;
use crate::{ContainerScope, Context};

/// A field that hardens a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    NonRoot,
    PrivilegeEscalation,
    Capabilities,
    Seccomp,
    ReadOnlyRoot,
}

impl Field {
    /// The field's name, with the security context as its parent.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NonRoot => "runAsNonRoot",
            Self::PrivilegeEscalation => "allowPrivilegeEscalation",
            Self::Capabilities => "capabilities.drop",
            Self::Seccomp => "seccompProfile",
            Self::ReadOnlyRoot => "readOnlyRootFilesystem",
        }
    }

    /// The field with its safe value.
    pub(crate) fn setting(self) -> &'static str {
        match self {
            Self::NonRoot => "runAsNonRoot: true",
            Self::PrivilegeEscalation => "allowPrivilegeEscalation: false",
            Self::Capabilities => "capabilities.drop: [ALL]",
            Self::Seccomp => "seccompProfile.type: RuntimeDefault",
            Self::ReadOnlyRoot => "readOnlyRootFilesystem: true",
        }
    }

    /// What an attacker can do without it.
    pub(crate) fn consequence(self) -> &'static str {
        match self {
            Self::NonRoot => "run as root if the image does",
            Self::PrivilegeEscalation => "become root through a setuid program",
            Self::Capabilities => "use the runtime's default capabilities (such as raw sockets)",
            Self::Seccomp => "make any system call",
            Self::ReadOnlyRoot => "change and add programs in its file system",
        }
    }

    /// The edits that set it in this container.
    pub(crate) fn edits(self, context: &Context<'_>, scope: ContainerScope<'_>) -> Vec<Edit> {
        if self == Self::NonRoot {
            return non_root_edits(context, scope).unwrap_or_default();
        }
        let mut edits = vec![self.edit(scope)];
        match self {
            Self::Capabilities => edits.extend(keep_low_ports(context, scope)),
            Self::ReadOnlyRoot => edits.extend(volumes_for_writing(scope)),
            Self::NonRoot | Self::PrivilegeEscalation | Self::Seccomp => {}
        }
        edits
    }

    /// Whether a container certainly does not work with the field: one that installs software
    /// writes to its root file system, and with root's capabilities, as does one that changes
    /// owners; one whose command writes among the files of its image needs them; and an image that runs
    /// as root does not start as another user.
    pub(crate) fn breaks(self, context: &Context<'_>, scope: ContainerScope<'_>) -> bool {
        match self {
            Self::NonRoot => non_root_edits(context, scope).is_none(),
            Self::Capabilities => works_as_root(scope) || works_with_privileges(scope),
            Self::ReadOnlyRoot => {
                installs_software::found(scope).is_some()
                    || writes_own_files(scope)
                    || writes_as_configured(scope)
                    || !writes_in_image(scope).is_empty()
            }
            Self::PrivilegeEscalation | Self::Seccomp => false,
        }
    }

    fn edit(self, scope: ContainerScope<'_>) -> Edit {
        let node = scope.container.node();
        let text = |value: &str| Value::Str(value.to_owned());
        match self {
            Self::NonRoot => phrases::set(node, &["securityContext", "runAsNonRoot"], true),
            Self::PrivilegeEscalation => {
                phrases::set(node, &["securityContext", "allowPrivilegeEscalation"], false)
            }
            Self::Capabilities => {
                let path = ["securityContext", "capabilities", "drop"];
                phrases::set(node, &path, Value::Sequence(vec![text("ALL")]))
            }
            Self::Seccomp => {
                let path = ["securityContext", "seccompProfile"];
                let profile = vec![("type".to_owned(), text("RuntimeDefault"))];
                phrases::set(node, &path, Value::Mapping(profile))
            }
            Self::ReadOnlyRoot => {
                phrases::set(node, &["securityContext", "readOnlyRootFilesystem"], true)
            }
        }
    }
}

/// The fields that a container lacks, of those that have an effect on it: a privileged container
/// has all capabilities and system calls in any case, and Windows has none of the fields.
pub(crate) fn missing(scope: ContainerScope<'_>) -> Vec<Field> {
    if scope.pod.is_windows() {
        return Vec::new();
    }
    let own = scope.container.security_context();
    let effective = scope.effective;
    let privileged = effective.privileged().is_some();
    let mut missing = Vec::new();
    if !effective.is_non_root() && !effective.is_root() && effective.run_as_non_root().is_none() {
        missing.push(Field::NonRoot);
    }
    if !privileged
        && own.is_none_or(|own| own.allow_privilege_escalation().is_none())
        && !needs_escalation(scope)
    {
        missing.push(Field::PrivilegeEscalation);
    }
    let drops = own.and_then(|own| own.capabilities()).is_some_and(|caps| caps.drops_all());
    if !privileged && !drops {
        missing.push(Field::Capabilities);
    }
    let old_seccomp = scope.pod.annotation("seccomp.security.alpha.kubernetes.io/pod").is_some();
    if !privileged && effective.seccomp_profile().is_none() && !old_seccomp {
        missing.push(Field::Seccomp);
    }
    if own.is_none_or(|own| own.read_only_root_filesystem().is_none()) {
        missing.push(Field::ReadOnlyRoot);
    }
    missing
}

/// The edit that keeps the capability to listen on ports below 1024, unless another fix moves the
/// port.
fn keep_low_ports(context: &Context<'_>, scope: ContainerScope<'_>) -> Option<Edit> {
    let moved = context.enabled::<PrivilegedPort>() && privileged_port::concerns(scope);
    let listens_low = privileged_port::has_low_port(scope.container) || listens_low_on_node(scope);
    if moved || !listens_low {
        return None;
    }
    let own = scope.container.security_context().and_then(|own| own.capabilities());
    let added: Vec<&str> = own.map(|own| own.add().collect()).unwrap_or_default();
    let suffices =
        |name: &&str| matches!(capability_name(name).as_str(), "NET_BIND_SERVICE" | "ALL");
    if added.iter().any(suffices) {
        return None;
    }
    let path = phrases::below(scope.container.node(), &["securityContext", "capabilities", "add"]);
    Some(Edit::Append { path, value: Value::Str("NET_BIND_SERVICE".to_owned()) })
}

/// The API server rejects `allowPrivilegeEscalation: false` together with `CAP_SYS_ADMIN`.
fn needs_escalation(scope: ContainerScope<'_>) -> bool {
    scope
        .container
        .security_context()
        .and_then(|own| own.capabilities())
        .is_some_and(|caps| caps.add().any(|name| capability_name(name) == "SYS_ADMIN"))
}
