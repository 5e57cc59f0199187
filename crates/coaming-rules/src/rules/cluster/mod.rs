//! The cluster itself: its control plane, its nodes.

pub(crate) mod admission_plugins;
pub(crate) mod always_allow;
pub(crate) mod anonymous_binding;
pub(crate) mod anonymous_requests;
pub(crate) mod audit_log_missing;
pub(crate) mod component;
pub(crate) mod encryption_missing;
pub(crate) mod etcd_without_client_certificates;
mod kubelet;
pub(crate) mod kubelet_anonymous_requests;
pub(crate) mod kubelet_read_only_port;
pub(crate) mod node_version;
pub(crate) mod profiling;
pub(crate) mod static_tokens;

use coaming_finding::RuleMeta;
use coaming_kube::World;

use crate::Context;
use crate::context::Draft;
use component::{Component, Task};

/// A finding about a component, where it has this flag or should have it.
fn draft<'a>(
    context: &Context<'a>,
    rule: &'static RuleMeta,
    component: &Component<'a>,
    flag: &str,
    message: String,
) -> Draft<'a> {
    context
        .finding(rule, component.object, component.place(flag), message)
        .container(component.container)
}

/// Reports for each component of a pod, or that another object describes, what a rule finds in it.
macro_rules! component_rule {
    ($type:ident) => {
        impl $crate::PodRule for $type {
            const META: &'static coaming_finding::RuleMeta = <Self as $crate::rule::BuiltIn>::RULE;

            fn check(
                context: &$crate::Context<'_>,
                workload: coaming_kube::Workload<'_>,
                findings: &mut Vec<coaming_finding::Finding>,
            ) {
                for component in super::component::in_workload(workload) {
                    judge(context, &component, findings);
                }
            }
        }

        impl $crate::ObjectRule for $type {
            const META: &'static coaming_finding::RuleMeta = <Self as $crate::rule::BuiltIn>::RULE;

            fn check(
                context: &$crate::Context<'_>,
                scope: $crate::ObjectScope<'_>,
                findings: &mut Vec<coaming_finding::Finding>,
            ) {
                if let Some(component) = super::component::in_object(scope.object) {
                    judge(context, &component, findings);
                }
            }
        }
    };
}
use component_rule;

/// Whether the component is the API server.
fn is_api_server(component: &Component<'_>) -> bool {
    component.task == Task::ApiServer
}

/// The programs of a control plane that are not in a world, by name.
#[must_use]
pub fn unseen_components(world: &World) -> Vec<&'static str> {
    let of_pods = world.workloads().flat_map(component::in_workload).map(|it| it.task);
    let named = |kind| world.of_kind(kind).filter_map(component::in_object);
    let of_themselves = named("Flagz").map(|it| it.task);
    // One process of k3s is all of them.
    let of_nodes = named("Node").flat_map(|_| Task::ALL);
    let seen: Vec<Task> = of_pods.chain(of_themselves).chain(of_nodes).collect();
    Task::ALL.into_iter().filter(|task| !seen.contains(task)).map(Task::program).collect()
}
