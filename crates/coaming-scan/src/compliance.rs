//! What the findings of a run say about the controls of a compliance framework.

use coaming_finding::{Compliance, ControlReport, ControlState, Finding, Framework};
use coaming_kube::World;
use coaming_rules::Images;
use coaming_rules::compliance::{About, Control, concerns, controls};

use crate::VariantWorld;

/// The results of all controls. A suppressed finding counts: a reason is not a repair.
pub(crate) fn of(
    framework: Framework,
    variants: &[VariantWorld],
    images: &Images,
    findings: &[Finding],
) -> Compliance {
    let worlds = || variants.iter().map(|variant| &variant.world);
    let result = |control: &Control| {
        let is_about = |finding: &&Finding| concerns(finding, framework, control.id);
        let state = match findings.iter().filter(is_about).count() {
            0 => missing(control.about, worlds(), images)
                .map_or(ControlState::Passed, ControlState::NotChecked),
            count => ControlState::Failed(count),
        };
        ControlReport { id: control.id, title: control.title, state }
    };
    Compliance { framework, controls: controls(framework).iter().map(result).collect() }
}

/// Why the input says nothing about a control.
fn missing<'w>(
    about: About,
    mut worlds: impl Iterator<Item = &'w World>,
    images: &Images,
) -> Option<&'static str> {
    let is_there = |there: bool, reason: &'static str| (!there).then_some(reason);
    match about {
        About::Nothing(reason) => Some(reason),
        About::Workloads => {
            let has_some = |world: &World| world.workloads().next().is_some();
            is_there(worlds.any(has_some), "the input has no workloads")
        }
        About::Rights => {
            const KINDS: [&str; 4] = ["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"];
            let has_some =
                |world: &World| KINDS.iter().any(|kind| world.of_kind(kind).next().is_some());
            is_there(worlds.any(has_some), "the input has no roles and no bindings")
        }
        About::Images => is_there(
            images.iter().next().is_some(),
            "no image was inspected: run with `--images require`",
        ),
        About::Program(program) => {
            let reason = "the input has no pod with this program of the control plane";
            is_there(worlds.any(|world| runs(world, program)), reason)
        }
        About::Encryption => {
            let has_some = |world: &World| {
                world.of_kind("EncryptionConfiguration").next().is_some()
                    || runs(world, "kube-apiserver")
            };
            let reason = "the input has no pod of the API server, and no EncryptionConfiguration";
            is_there(worlds.any(has_some), reason)
        }
        About::Nodes => is_there(
            worlds.any(|world| world.of_kind("Node").next().is_some()),
            "the input has no nodes: scan the cluster",
        ),
        About::Kubelets => is_there(
            worlds.any(|world| world.of_kind("KubeletConfiguration").next().is_some()),
            "the input has no KubeletConfiguration",
        ),
    }
}

/// Whether a container of a world starts a program.
fn runs(world: &World, program: &str) -> bool {
    let starts_it = |workload: coaming_kube::Workload<'_>| {
        workload.pod().containers().any(|container| {
            let mut words = container.command().chain(container.args());
            let first = words.next().unwrap_or_default();
            first.rsplit('/').next() == Some(program)
        })
    };
    world.workloads().any(starts_it)
}
