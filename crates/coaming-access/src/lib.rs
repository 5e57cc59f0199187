//! Who can read which Secret: through role-based access control, in which containers, on which
//! nodes.
//!
//! [`Access`] holds the known roles and bindings and answers requests as the API server's RBAC
//! authorizer does. It is built once and then follows the world ([`Access::refresh`]). [`who_can`]
//! joins it with the pods into one answer about one Secret. Invariants:
//!
//! * A request is allowed here if and only if the API server would allow it with the same roles and
//!   bindings.
//! * After any sequence of changes, an [`Access`] equals one that is built from scratch.
//! * Roles that every cluster has are known even if their objects are not. A binding to any other
//!   unknown role is reported, never guessed.
//! * No value of a Secret is read, only names and locations.
//! * Work is bounded by the size of the input: a role is judged once, not once per binding.

mod access;
mod answer;
mod binding;
mod builtin;
mod danger;
mod evidence;
mod field_ref;
mod node_uses;
mod permission;
mod placement;
mod request;
mod role;
mod selector;
mod steps;
mod stores;
mod subject;
mod who_can;

pub use access::{Access, Allowed};
pub use answer::{
    ContainerUse, DirectAccess, Grant, IndirectAccess, NodeUse, SecretAccess, UnresolvedBinding,
    UseKind,
};
pub use binding::Binding;
pub use danger::{Danger, GrantScope, danger_of};
pub use evidence::Evidence;
pub use field_ref::FieldRef;
pub use permission::Permission;
pub use placement::{NodePlacement, Nodes};
pub use request::Request;
pub use role::{ResolvedRole, RoleName, RoleSource};
pub use subject::Subject;
pub use who_can::{SecretNameError, has_token, title, who_can};
