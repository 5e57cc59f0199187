//! Objects say what their author meant.

pub(crate) mod duplicate_key;
pub(crate) mod removed_api;
pub(crate) mod suppression;
pub(crate) mod unknown_field;
pub(crate) mod wrong_type;

use coaming_kube::Object;
use coaming_kube::schema::{SchemaProblem, check};
use coaming_yaml::Node;

use crate::Context;

/// What in an object does not fit its type. A rendered object is the renderer's work: what is
/// wrong with its fields is told all the same.
fn problems<'a>(context: &Context<'a>, object: Object<'a>) -> Vec<SchemaProblem<'a>> {
    let pods: Vec<Node<'a>> =
        context.inventory.workloads_of(object).map(|workload| workload.pod().node()).collect();
    check(object, &pods)
}
