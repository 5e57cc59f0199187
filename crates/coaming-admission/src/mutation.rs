//! Mutation: a list of steps, each of which changes the object that the one before left.
//!
//! Invariants:
//!
//! * The patch is the whole change: applied to the request's object, it gives what the last step
//!   left.
//! * A step that refuses ends the mutation, and nothing is changed.

use json_patch::{Patch, PatchOperation};
use serde_json::Value;

use crate::{Request, ReviewError};

/// One change of an object.
///
/// A step is called again with the object that it has changed itself, as webhooks are reinvoked: it
/// must then return no operation. It has no side effect: requests may be dry runs, and requests that
/// are allowed here may still be refused elsewhere.
pub trait Step: Send + Sync {
    /// Its name in the audit log and the metrics, in kebab case.
    fn name(&self) -> &'static str;

    /// What it does with `object`.
    ///
    /// # Errors
    ///
    /// The object must not be stored without a change that cannot be made.
    fn run(&self, request: &Request, object: &Value) -> Result<Changes, Refusal>;
}

/// What a step does with an object.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The changes, in order; nothing where there is none.
    pub operations: Vec<PatchOperation>,
    /// What the user should know about changes that are not made.
    pub warnings: Vec<String>,
    /// Whether there would be more to do once something is known that is being asked for.
    pub is_pending: bool,
}

impl From<Vec<PatchOperation>> for Changes {
    fn from(operations: Vec<PatchOperation>) -> Self {
        Self { operations, ..Self::default() }
    }
}

/// Why a step refuses a request: what is wrong, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

/// The result of all steps.
#[derive(Clone, Debug, Default)]
pub struct Mutation {
    /// The operations, in order; empty if nothing changes.
    pub patch: Vec<PatchOperation>,
    /// The steps that changed something.
    pub changed_by: Vec<&'static str>,
    /// Why the request is refused; then there is no patch.
    pub refusal: Option<String>,
    /// What the user is warned of.
    pub warnings: Vec<String>,
    /// Whether a step waits for something that is being asked for.
    pub is_pending: bool,
}

/// Why a mutation could not be computed.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The object is not understood.
    #[error(transparent)]
    Review(#[from] ReviewError),
    /// A step returned operations that do not fit the object: a defect of the step.
    #[error("the step `{step}` does not fit the object: {reason}")]
    Unfit {
        /// The step.
        step: &'static str,
        /// What does not fit, without values.
        reason: String,
    },
}

/// Runs the steps on the object of a request.
///
/// # Errors
///
/// See [`StepError`].
pub fn mutate(request: &Request, steps: &[&dyn Step]) -> Result<Mutation, StepError> {
    let Some(mut object) = request.object()? else { return Ok(Mutation::default()) };
    let mut mutation = Mutation::default();
    for step in steps {
        let operations = match step.run(request, &object) {
            Ok(changes) => {
                mutation.warnings.extend(changes.warnings);
                mutation.is_pending |= changes.is_pending;
                changes.operations
            }
            Err(Refusal(reason)) => {
                return Ok(Mutation { refusal: Some(reason), ..Mutation::default() });
            }
        };
        if operations.is_empty() {
            continue;
        }
        apply(&mut object, &operations, step.name())?;
        mutation.patch.extend(operations);
        mutation.changed_by.push(step.name());
    }
    Ok(mutation)
}

/// Applies operations to an object, all or none.
pub(crate) fn apply(
    object: &mut Value,
    operations: &[PatchOperation],
    step: &'static str,
) -> Result<(), StepError> {
    let patch = Patch(operations.to_vec());
    json_patch::patch(object, &patch)
        .map_err(|error| StepError::Unfit { step, reason: error.kind.to_string() })
}
