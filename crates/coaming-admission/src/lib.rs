//! Judge and repair what an API server asks about: AdmissionReview in, verdict out.
//!
//! This crate is the whole decision of the admission webhook, without a server: bytes become a
//! [`Request`], a request and what is known of the cluster become a [`Verdict`] or a [`Mutation`],
//! and these become the bytes of the answer. It is synchronous and does no I/O. Invariants:
//!
//! * No body makes it panic: size, depth and the number of values are bounded before anything is
//!   built, and whatever is not understood is a [`ReviewError`] with the reason.
//! * An update is judged on what it changes: a problem that the old object has too never blocks it.
//!   Deletions, `status` and `scale` are never judged.
//! * What Kubernetes itself needs is never judged: the excluded namespaces of [`Guard`].
//! * A verdict says everything that was found, whatever the mode: refused, warned of, or only
//!   recorded.
//! * No value of a Secret is in a verdict. Text from the object is made printable.
//! * A mutation converges: mutated again, a mutated object stays as it is.

mod bounds;
mod change;
mod digests;
mod exemption;
mod judge;
mod labels;
mod message;
mod mode;
mod mutation;
mod policies;
mod policy;
mod response;
mod review;
mod safe_fixes;
mod subject;

pub use digests::{Digests, PinnedImages, Unresolved};
pub use judge::{Judged, Verdict, validate};
pub use labels::{BREAK_GLASS_LABEL, EXEC_LABEL, FAILURE_POLICY_LABEL, MODE_LABEL, NeededRight};
pub use mode::Mode;
pub use mutation::{Changes, Mutation, Refusal, Step, StepError, mutate};
pub use policies::{ClusterPolicy, Guard, Policies, PolicyName};
pub use policy::{Exemption, PolicyError, PolicySpec, RuleMode};
pub use response::{mutation_response, verdict_response};
pub use review::{MAX_BODY_BYTES, Operation, Request, ReviewError, User, read};
pub use safe_fixes::SafeFixes;
pub use subject::source_name;
