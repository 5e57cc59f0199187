//! The steps that an attacker can take, one file each.
//!
//! A step has its metadata, its page as the doc comment, and a function that adds every edge of it
//! to
//! the graph. The pages are executed by the tests: each example under `## Way` has a way from the
//! first foothold of its title to the second, and each under `## Wall` has none.

mod account_token;
mod admin;
mod anonymous_api;
mod capability;
mod certificate;
mod cloud_metadata;
mod cloud_role;
mod container_root;
mod control_plane;
mod create_token_secret;
mod data_access;
mod escape;
mod exec;
mod exfiltration;
mod exposed_service;
mod foreign_image;
mod granted_secret;
mod host_path_read;
mod host_path_write;
mod host_process;
mod host_processes;
mod image_credential;
mod impersonate;
mod known_vulnerability;
mod label_namespace;
mod neighbor_flaw;
mod network;
mod node_logs;
mod node_pods;
mod open_interface;
mod persistent_volume;
mod port_forward;
mod privileged;
mod privileged_pod;
mod process_environment;
mod read_secret;
mod registry_push;
mod request_token;
mod rights_held;
mod runtime_socket;
mod shared_processes;
mod shared_volume;
mod start_pod;
mod store_credential;
mod take_rights;
mod token_secret;
mod unmasked_proc;
mod use_secret;

use crate::graph::AttackGraph;
use crate::scene::Scene;

/// What a step is.
#[derive(Debug)]
pub struct StepInfo {
    /// Its name: `runtime-socket`.
    pub id: &'static str,
    /// The technique of ATT&CK.
    pub technique: &'static str,
    /// What an attacker does, in one clause.
    pub summary: &'static str,
    /// Its page, in Markdown.
    pub docs: &'static str,
}

/// A step with the function that adds its edges.
pub(crate) struct Step {
    pub(crate) info: &'static StepInfo,
    pub(crate) add: fn(&Scene<'_>, &mut AttackGraph),
}

/// Every step, by name.
pub fn infos() -> impl Iterator<Item = &'static StepInfo> {
    ALL.iter().map(|step| step.info)
}

macro_rules! step {
    (
        $(#[doc = $doc:literal])*
        $name:ident { id: $id:literal, technique: $technique:literal, summary: $summary:literal }
    ) => {
        $(#[doc = $doc])*
        pub(super) static $name: crate::steps::StepInfo = crate::steps::StepInfo {
            id: $id,
            technique: $technique,
            summary: $summary,
            docs: concat!($($doc, "\n"),*),
        };
    };
}
use step;

macro_rules! all {
    ($($module:ident),* $(,)?) => {
        pub(crate) const ALL: &[Step] = &[$(Step { info: &$module::STEP, add: $module::add }),*];
    };
}

all![
    account_token,
    admin,
    anonymous_api,
    capability,
    certificate,
    cloud_metadata,
    cloud_role,
    container_root,
    control_plane,
    create_token_secret,
    data_access,
    exec,
    exfiltration,
    exposed_service,
    foreign_image,
    granted_secret,
    host_path_read,
    host_path_write,
    host_process,
    host_processes,
    image_credential,
    impersonate,
    known_vulnerability,
    label_namespace,
    neighbor_flaw,
    network,
    node_logs,
    node_pods,
    open_interface,
    persistent_volume,
    port_forward,
    privileged,
    privileged_pod,
    process_environment,
    read_secret,
    registry_push,
    request_token,
    rights_held,
    runtime_socket,
    shared_processes,
    shared_volume,
    start_pod,
    store_credential,
    take_rights,
    token_secret,
    unmasked_proc,
    use_secret,
];
