//! Who can read which Secret: by role-based access control, in which containers, on which nodes.
//!
//! [`Access`] holds the roles and bindings at hand and answers requests as the API server's RBAC
//! authorizer does; [`who_can`] joins them with the pods into one answer about one Secret.
//! Invariants:
//!
//! * A request is allowed here if and only if the API server would allow it with the same roles and
//!   bindings.
//! * Roles that every cluster has are known also where they are not at hand. A binding to any other
//!   role that is not at hand is told, never guessed.
//! * No value of a Secret is read: names and places only.
//! * Work is bounded by the size of the input: roles are judged once, not once a binding.

mod access;
mod builtin;
mod danger;
mod place;
mod placement;
pub mod render;
mod request;
mod role;
mod subject;
mod who_can;

pub use access::{Access, Allowed, Binding, Unresolved};
pub use danger::{Danger, Reach, danger_of};
pub use place::Place;
pub use placement::{Nodes, Placement};
pub use request::Request;
pub use role::{Permission, ResolvedRole, RoleSource};
pub use subject::Subject;
pub use who_can::{
    Answer, AnswerError, ContainerUse, How, IndirectAccess, PodUse, SubjectAccess, Via, who_can,
};
