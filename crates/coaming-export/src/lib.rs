//! What Kubernetes itself can enforce of the rules, without a webhook.
//!
//! [`vap`] turns rules into ValidatingAdmissionPolicies, and says of every other rule why it cannot
//! be one. [`psa`] says which Pod Security labels each namespace can have today, and what keeps it
//! from the next level. Both are pure: configuration and objects in, documents out. Invariants:
//!
//! * An exported policy refuses exactly the objects in which its rule finds something, as the
//!   admission webhook sees them: with the API server's defaults, without the contents of images.
//! * Every rule is either exported or listed with the reason why not; a test holds that.
//! * A label that is recommended is one that every pod of the namespace passes.

pub mod psa;
mod render;
pub mod vap;
