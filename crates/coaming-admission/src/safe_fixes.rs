//! The step that applies safe fixes, as `coaming fix` does.

use json_patch::PatchOperation;
use serde_json::Value;

use coaming_finding::{Applicability, Finding};
use coaming_kube::World;
use coaming_scan::Engine;
use coaming_yaml::edit::{Edit, to_json_patch};
use time::Date;

use crate::exemption::Answer;
use crate::judge::Scope;
use crate::{Changes, Policies, Refusal, Request, Step, mutation, subject};

/// How often the object is judged again after its fixes. Two rounds are the most that rules need.
const MAX_ROUNDS: usize = 4;

/// Applies the safe fixes of all findings that a request brings, where a policy says so.
///
/// It never refuses: what it cannot repair, the verdict is about.
#[derive(Clone, Copy, Debug)]
pub struct SafeFixes<'a> {
    /// The policies.
    pub policies: &'a Policies,
    /// What is known of the cluster.
    pub world: &'a World,
    /// What has expired today does not count.
    pub today: Option<Date>,
}

impl Step for SafeFixes<'_> {
    fn name(&self) -> &'static str {
        "safe-fixes"
    }

    fn run(&self, request: &Request, object: &Value) -> Result<Changes, Refusal> {
        // What is not understood is refused by the verdict, with the reason.
        let Ok(Some(scope)) = Scope::of(request, self.world, self.policies) else {
            return Ok(Changes::default());
        };
        if !scope.layer.mutate || scope.is_compared(request) {
            return Ok(Changes::default());
        }
        let mut all = Vec::new();
        let mut object = object.clone();
        for _ in 0..MAX_ROUNDS {
            let operations = self.round(request, &scope, &object);
            if operations.is_empty()
                || mutation::apply(&mut object, &operations, self.name()).is_err()
            {
                break;
            }
            all.extend(operations);
        }
        Ok(all.into())
    }
}

impl SafeFixes<'_> {
    /// The operations of all fixes of the object that fit together.
    fn round(&self, request: &Request, scope: &Scope<'_>, object: &Value) -> Vec<PatchOperation> {
        let mut judged = object.clone();
        if !scope.layer.accept_annotations {
            subject::drop_annotation(&mut judged);
        }
        let source = subject::from_value(request, &judged);
        let found = scope.findings(request, self.world, scope.layer.fixer(), &source, self.today);
        let Some(root) = source.documents().first().map(coaming_yaml::Document::root) else {
            return Vec::new();
        };
        let mut edits: Vec<Edit> = Vec::new();
        let mut patch = Value::Null;
        for finding in found.unwrap_or_default() {
            let accepted = scope.exemption(request, &finding, self.today);
            if matches!(accepted, Answer::Accepted(_)) {
                continue;
            }
            let Some(own) = safe_edits(&finding) else { continue };
            let with: Vec<Edit> = edits.iter().chain(own).cloned().collect();
            // A fix that contradicts an earlier one waits for the next round.
            if let Ok(value) = to_json_patch(root, &with) {
                (edits, patch) = (with, value);
            }
        }
        serde_json::from_value(patch).unwrap_or_default()
    }
}

/// The edits of a finding's fix, if it is safe and about this object alone.
fn safe_edits(finding: &Finding) -> Option<&[Edit]> {
    let fix = finding.fix.as_ref()?;
    match fix.edits.as_slice() {
        [document]
            if fix.applicability == Applicability::Safe
                && fix.file_edits.is_empty()
                && document.source == Engine::SUBJECT
                && document.document == 0 =>
        {
            Some(&document.edits)
        }
        _ => None,
    }
}
