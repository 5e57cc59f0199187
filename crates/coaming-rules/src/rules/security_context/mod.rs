//! Pods have a security context.

pub(crate) mod added_capabilities;
pub(crate) mod app_armor;
mod client_images;
pub(crate) mod docker_container;
pub(crate) mod hardening;
pub(crate) mod host_namespaces;
pub(crate) mod host_path;
pub(crate) mod host_port;
pub(crate) mod host_users;
pub(crate) mod missing_security_context;
mod node_paths;
pub(crate) mod privilege_escalation;
pub(crate) mod privileged;
pub(crate) mod probe_host;
pub(crate) mod proc_mount;
pub(crate) mod se_linux;
pub(crate) mod seccomp;
pub(crate) mod service_account_token;
pub(crate) mod share_process_namespace;
pub(crate) mod sysctls;
mod token_use;
pub(crate) mod windows_host_process;
pub(crate) mod writable_root;
pub(crate) mod written_paths;
