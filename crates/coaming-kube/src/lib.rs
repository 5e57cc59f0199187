//! Typed, lazy, borrowed views of Kubernetes objects over the tree, and the world of them all.
//!
//! A view is a `Copy` handle around a tree node: `pod.containers()`,
//! `container.security_context()`. One method per field, with the API's names in snake case.
//! Invariants:
//!
//! * A view knows its node, so that any field has a path and, in a file, a span.
//! * A field that is absent, `null` or of the wrong type reads as absent; the schema reports the
//!   last once, with its place. One bad field never hides the rest of an object.
//! * `effective_…` methods apply what the API applies: pod-level defaults, container overrides.
//! * This crate parses no text and does no I/O; a [`World`] is built from parsed sources.

mod custom;
mod embedded;
mod field;
mod kustomization;
mod object;
mod pod;
mod rbac;
mod references;
mod rendering;
mod request;
pub mod schema;
mod scope;
mod secret;
mod security;
mod service;
mod source;
pub mod template;
mod workload;
mod world;

pub use field::Fields;
pub use kustomization::{GeneratedFile, generated_files, is_kustomization};
pub use object::{Object, ObjectId, ObjectKey, group_of_node, looks_like_kubernetes};
pub use pod::{Container, ContainerKind, ContainerPort, PodSpec, Volume, VolumeMount};
pub use rbac::{BindingSubject, PolicyRule, Role, RoleBinding};
pub use rendering::{FilePlace, RenderMap, RenderMark};
pub use request::ApiRequest;
pub use secret::{SecretUse, SecretUseKind};
pub use security::{Capabilities, Effective, PodSecurityContext, SecurityContext, capability_name};
pub use service::{Service, ServicePort, selector_matches};
pub use source::{Origin, Source, SourceKind};
pub use workload::Workload;
pub use world::{Delta, World};

pub use coaming_finding::{SourceId, WITHHELD};
