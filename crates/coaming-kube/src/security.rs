//! Security contexts, and the effective one of a container.

use coaming_yaml::Node;

use crate::{Container, Fields, PodSpec};

/// A pod's security context.
#[derive(Clone, Copy, Debug)]
pub struct PodSecurityContext<'a> {
    node: Node<'a>,
}

/// A container's own security context.
#[derive(Clone, Copy, Debug)]
pub struct SecurityContext<'a> {
    node: Node<'a>,
}

macro_rules! shared_fields {
    ($view:ident) => {
        impl<'a> $view<'a> {
            /// A view of `node`.
            #[must_use]
            pub fn new(node: Node<'a>) -> Self {
                Self { node }
            }

            /// The context's node.
            #[must_use]
            pub fn node(self) -> Node<'a> {
                self.node
            }

            /// The user the processes run as.
            #[must_use]
            pub fn run_as_user(self) -> Option<i64> {
                self.node.integer("runAsUser")
            }

            /// The group the processes run as.
            #[must_use]
            pub fn run_as_group(self) -> Option<i64> {
                self.node.integer("runAsGroup")
            }

            /// Whether the kubelet refuses to start a process as root.
            #[must_use]
            pub fn run_as_non_root(self) -> Option<bool> {
                self.node.boolean("runAsNonRoot")
            }

            /// `RuntimeDefault`, `Localhost` or `Unconfined`.
            #[must_use]
            pub fn seccomp_profile_type(self) -> Option<&'a str> {
                self.node.mapping("seccompProfile").string("type")
            }

            /// `RuntimeDefault`, `Localhost` or `Unconfined`.
            #[must_use]
            pub fn app_armor_profile_type(self) -> Option<&'a str> {
                self.node.mapping("appArmorProfile").string("type")
            }

            /// The SELinux label's parts.
            #[must_use]
            pub fn se_linux_options(self) -> Option<Node<'a>> {
                self.node.mapping("seLinuxOptions")
            }

            /// What counts on Windows only.
            #[must_use]
            pub fn windows_options(self) -> Option<Node<'a>> {
                self.node.mapping("windowsOptions")
            }
        }
    };
}

shared_fields!(PodSecurityContext);
shared_fields!(SecurityContext);

impl<'a> PodSecurityContext<'a> {
    /// Kernel parameters, as `(name, node)`.
    pub fn sysctls(self) -> impl Iterator<Item = (&'a str, Node<'a>)> + use<'a> {
        self.node.list("sysctls").filter_map(|sysctl| Some((sysctl.string("name")?, sysctl)))
    }
}

impl<'a> SecurityContext<'a> {
    /// Whether it has all that root on the node has.
    #[must_use]
    pub fn privileged(self) -> Option<bool> {
        self.node.boolean("privileged")
    }

    /// Whether a process may gain more privileges than its parent has.
    #[must_use]
    pub fn allow_privilege_escalation(self) -> Option<bool> {
        self.node.boolean("allowPrivilegeEscalation")
    }

    /// Whether the image's files can't be written.
    #[must_use]
    pub fn read_only_root_filesystem(self) -> Option<bool> {
        self.node.boolean("readOnlyRootFilesystem")
    }

    /// `Default` or `Unmasked`.
    #[must_use]
    pub fn proc_mount(self) -> Option<&'a str> {
        self.node.string("procMount")
    }

    /// Capabilities added and dropped.
    #[must_use]
    pub fn capabilities(self) -> Option<Capabilities<'a>> {
        self.node.mapping("capabilities").map(|node| Capabilities { node })
    }
}

/// Capabilities added to the runtime's default set, and dropped from it.
#[derive(Clone, Copy, Debug)]
pub struct Capabilities<'a> {
    node: Node<'a>,
}

impl<'a> Capabilities<'a> {
    /// The node.
    #[must_use]
    pub fn node(self) -> Node<'a> {
        self.node
    }

    /// What is added, as it is written.
    pub fn add(self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.node.strings("add")
    }

    /// What is dropped, as it is written.
    pub fn drop(self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.node.strings("drop")
    }

    /// Whether all are dropped. The kubelet takes `all` in any case.
    #[must_use]
    pub fn drops_all(self) -> bool {
        self.drop().any(|name| name.eq_ignore_ascii_case("ALL"))
    }
}

/// A capability as the kernel names it, without `CAP_`: container runtimes accept any case.
#[must_use]
pub fn capability_name(name: &str) -> String {
    let name = name.trim().to_ascii_uppercase();
    name.strip_prefix("CAP_").map_or_else(|| name.clone(), str::to_owned)
}

/// The effective security context of a container: its own settings override those of its pod.
#[derive(Clone, Copy, Debug)]
pub struct Effective<'a> {
    pod: Option<PodSecurityContext<'a>>,
    container: Option<SecurityContext<'a>>,
}

impl<'a> Effective<'a> {
    /// Of this container in this pod.
    #[must_use]
    pub fn new(pod: PodSpec<'a>, container: Container<'a>) -> Self {
        Self { pod: pod.security_context(), container: container.security_context() }
    }

    /// The value of a field that both may have, with its node.
    fn field(self, name: &str) -> Option<Node<'a>> {
        self.container
            .and_then(|context| context.node.field(name))
            .or_else(|| self.pod.and_then(|context| context.node.field(name)))
    }

    /// The user it runs as, with the node that says so.
    #[must_use]
    pub fn run_as_user(self) -> Option<(i64, Node<'a>)> {
        self.field("runAsUser").and_then(|node| Some((node.as_int()?, node)))
    }

    /// The group it runs as, with the node that says so.
    #[must_use]
    pub fn run_as_group(self) -> Option<(i64, Node<'a>)> {
        self.field("runAsGroup").and_then(|node| Some((node.as_int()?, node)))
    }

    /// Whether root is refused, with the node that says so.
    #[must_use]
    pub fn run_as_non_root(self) -> Option<(bool, Node<'a>)> {
        self.field("runAsNonRoot").and_then(|node| Some((node.as_bool()?, node)))
    }

    /// The seccomp profile's type, with the profile's node.
    #[must_use]
    pub fn seccomp_profile(self) -> Option<(&'a str, Node<'a>)> {
        let profile = self.field("seccompProfile")?;
        Some((profile.string("type")?, profile))
    }

    /// The AppArmor profile's type, with the profile's node. Annotations are not looked at.
    #[must_use]
    pub fn app_armor_profile(self) -> Option<(&'a str, Node<'a>)> {
        let profile = self.field("appArmorProfile")?;
        Some((profile.string("type")?, profile))
    }

    /// A privileged container's node says so here.
    #[must_use]
    pub fn privileged(self) -> Option<Node<'a>> {
        self.container?.node.field("privileged").filter(|node| node.as_bool() == Some(true))
    }

    /// Whether it is certain that the processes don't start as root: root is refused, or another
    /// user is set.
    #[must_use]
    pub fn is_non_root(self) -> bool {
        match self.run_as_user() {
            Some((user, _)) => user != 0,
            None => self.run_as_non_root().is_some_and(|(refused, _)| refused),
        }
    }

    /// Whether it is certain that the processes start as root.
    #[must_use]
    pub fn is_root(self) -> bool {
        self.run_as_user().is_some_and(|(user, _)| user == 0)
    }
}
