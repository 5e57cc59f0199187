//! The controls that the level `restricted` adds.

use coaming_kube::Fields;
use coaming_yaml::edit::Value;

use super::baseline::{added_capabilities, in_user_namespace};
use super::field::{Check, PodField, Scope, quoted, texts};
use super::profiles::{confines, profile_type, report_unconfined, runtime_default};

/// Whether the pod says that it runs on Windows. A node selector does not count here.
fn is_windows(check: &Check<'_>) -> bool {
    check.pod.node().mapping("os").string("name") == Some("windows")
}

pub(super) fn allow_privilege_escalation(check: &mut Check<'_>) {
    for scope in check.containers() {
        let allowed = scope.context().boolean("allowPrivilegeEscalation");
        if allowed == Some(false) {
            continue;
        }
        let place = check.place(scope).keys(&["securityContext", "allowPrivilegeEscalation"]);
        let subject = scope.subject();
        let reason = match allowed {
            Some(_) => format!("{subject} allows privilege escalation"),
            None => format!("{subject} does not forbid privilege escalation"),
        };
        let edits = vec![place.set(false)];
        check.report(scope, reason, "set `allowPrivilegeEscalation: false`", vec![place], edits);
    }
}

/// From 1.25: not for Windows, which has no privilege escalation.
pub(super) fn allow_privilege_escalation_1_25(check: &mut Check<'_>) {
    if !is_windows(check) {
        allow_privilege_escalation(check);
    }
}

pub(super) fn capabilities(check: &mut Check<'_>) {
    for scope in check.containers() {
        let forbidden = added_capabilities(scope, |name| name != "NET_BIND_SERVICE");
        let dropped = texts(scope.context().mapping("capabilities"), "drop");
        let drops_all = dropped.iter().any(|(_, name)| *name == "ALL");
        if forbidden.is_empty() && drops_all {
            continue;
        }
        let place = check.place(scope).keys(&["securityContext", "capabilities"]);
        let (mut faults, mut orders) = (Vec::new(), Vec::new());
        let (mut places, mut edits) = (Vec::new(), Vec::new());
        if !drops_all {
            let drop = place.clone().key("drop");
            faults.push("does not drop all capabilities".to_owned());
            orders.push("drop `ALL`");
            edits.push(drop.set(Value::Sequence(vec![Value::from("ALL")])));
            places.push(drop);
        }
        let add = place.key("add");
        // A container with a port below 1024 needs the one capability that the standard allows.
        let binds = !drops_all && has_low_port(scope);
        if binds {
            edits.push(add.set(Value::Sequence(vec![Value::from("NET_BIND_SERVICE")])));
        }
        if !forbidden.is_empty() {
            let (positions, names): (Vec<usize>, Vec<&str>) = forbidden.into_iter().unzip();
            faults.push(format!("adds capabilities: {}", quoted(names)));
            orders.push("add none but `NET_BIND_SERVICE`");
            if !binds {
                edits.extend(add.remove_items(&positions));
            }
            places.push(add);
        }
        let reason = format!("{} {}", scope.subject(), faults.join(" and "));
        check.report(scope, reason, orders.join(" and "), places, edits);
    }
}

/// Whether a container declares a port below 1024.
fn has_low_port(scope: Scope<'_>) -> bool {
    scope
        .node
        .list("ports")
        .filter_map(|port| port.integer("containerPort"))
        .any(|port| (1..1024).contains(&port))
}

/// From 1.25: not for Windows, which has no capabilities.
pub(super) fn capabilities_1_25(check: &mut Check<'_>) {
    if !is_windows(check) {
        capabilities(check);
    }
}

const ALLOWED_VOLUMES: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

const OTHER_VOLUMES: [&str; 21] = [
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "gitRepo",
    "glusterfs",
    "hostPath",
    "iscsi",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
];

pub(super) fn volumes(check: &mut Check<'_>) {
    for (position, volume) in check.volumes() {
        let has = |source: &str| volume.mapping(source).is_some();
        if ALLOWED_VOLUMES.into_iter().any(has) {
            continue;
        }
        // The API server turns a volume without a source into an `emptyDir` before it is judged.
        let Some(source) = OTHER_VOLUMES.into_iter().find(|source| has(source)) else { continue };
        let place = check.volume_place(position, volume).key(source);
        let name = volume.string("name").unwrap_or_default();
        let reason = format!("volume {} has the type `{source}`", quoted([name]));
        let remedy = "use a persistent volume claim or another type that the standard allows";
        check.report(check.pod_scope(), reason, remedy, vec![place], Vec::new());
    }
}

pub(super) fn run_as_non_root(check: &mut Check<'_>) {
    let setting = |scope: Scope<'_>| scope.context().boolean("runAsNonRoot");
    let pod = check.pod_scope();
    for scope in check.scopes() {
        if setting(scope) == Some(false) {
            let place = check.place(scope).keys(&["securityContext", "runAsNonRoot"]);
            let reason = format!("{} may run as root: `runAsNonRoot` is false", scope.subject());
            let edits = vec![place.set(true)];
            check.report(scope, reason, "set `runAsNonRoot: true`", vec![place], edits);
        }
    }
    // The setting of the pod applies to all containers without one, so that one edit fixes them all.
    if setting(pod).is_none()
        && let Some(reason) = unset_containers(check, |scope| setting(scope).is_none())
    {
        let place = check.place(pod).keys(&["securityContext", "runAsNonRoot"]);
        let reason = format!("{reason} may run as root: `runAsNonRoot` is not set");
        let edits = vec![place.set(true)];
        check.report(pod, reason, "set `runAsNonRoot: true` for the pod", vec![place], edits);
    }
}

/// From 1.35: not in a user namespace, where root has no rights on the node.
pub(super) fn run_as_non_root_1_35(check: &mut Check<'_>) {
    if !in_user_namespace(check) {
        run_as_non_root(check);
    }
}

pub(super) fn run_as_user(check: &mut Check<'_>) {
    for scope in check.scopes() {
        if scope.context().integer("runAsUser") == Some(0) {
            let place = check.place(scope).keys(&["securityContext", "runAsUser"]);
            let reason = format!("{} runs as root (`runAsUser: 0`)", scope.subject());
            let edits = vec![place.remove()];
            let remedy = "remove it, or set a user other than 0";
            check.report(scope, reason, remedy, vec![place], edits);
        }
    }
}

/// From 1.35: not in a user namespace, where root has no rights on the node.
pub(super) fn run_as_user_1_35(check: &mut Check<'_>) {
    if !in_user_namespace(check) {
        run_as_user(check);
    }
}

pub(super) fn seccomp_profile(check: &mut Check<'_>) {
    report_unconfined(check, "seccompProfile", "seccomp");
    let type_of = |scope: Scope<'_>| profile_type(scope.context(), "seccompProfile").map(confines);
    let pod = check.pod_scope();
    if type_of(pod).is_none()
        && let Some(reason) = unset_containers(check, |scope| type_of(scope).is_none())
    {
        let profile: PodField<'_> = check.place(pod).keys(&["securityContext", "seccompProfile"]);
        let reason = format!("{reason} may run without a seccomp profile");
        let edits = runtime_default(&profile);
        let remedy = "set `seccompProfile.type: RuntimeDefault` for the pod";
        check.report(pod, reason, remedy, vec![profile.key("type")], edits);
    }
}

/// From 1.25: not for Windows, which has no seccomp.
pub(super) fn seccomp_profile_1_25(check: &mut Check<'_>) {
    if !is_windows(check) {
        seccomp_profile(check);
    }
}

/// Names the containers without a setting, for a sentence; `None` if each has one.
fn unset_containers(check: &Check<'_>, is_unset: impl Fn(Scope<'_>) -> bool) -> Option<String> {
    let names: Vec<&str> =
        check.containers().filter(|&scope| is_unset(scope)).filter_map(|it| it.container).collect();
    match names.len() {
        0 => None,
        1 => Some(format!("container {}", quoted(names))),
        _ => Some(format!("containers {}", quoted(names))),
    }
}
