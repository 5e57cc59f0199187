//! The controls of the level `baseline`.

use coaming_kube::Fields;
use coaming_yaml::Node;

use super::field::{Check, PodField, Scope, quoted, texts};
use super::profiles::{annotations, report_unconfined};

const APP_ARMOR_ANNOTATION: &str = "container.apparmor.security.beta.kubernetes.io/";
const SECCOMP_POD_ANNOTATION: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER_ANNOTATION: &str = "container.seccomp.security.alpha.kubernetes.io/";

pub(super) fn app_armor_profile(check: &mut Check<'_>) {
    report_unconfined(check, "appArmorProfile", "AppArmor");
    for (name, value, node) in annotations(check, APP_ARMOR_ANNOTATION) {
        if value.is_empty() || value == "runtime/default" || value.starts_with("localhost/") {
            continue;
        }
        let container = name.strip_prefix(APP_ARMOR_ANNOTATION).unwrap_or(name);
        let scope = check.pod_scope().about(container);
        let place = check.annotation_place(name, node);
        let reason = format!("{} has the AppArmor profile {}", scope.subject(), quoted([value]));
        // Without the annotation, the default profile of the runtime applies.
        let edits = vec![place.remove()];
        check.report(scope, reason, "remove the annotation", vec![place], edits);
    }
}

/// The capabilities that a container may add: the defaults of container runtimes, without `NET_RAW`.
const ADDABLE_CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

pub(super) fn capabilities(check: &mut Check<'_>) {
    for scope in check.containers() {
        let forbidden = added_capabilities(scope, |name| !ADDABLE_CAPABILITIES.contains(&name));
        if forbidden.is_empty() {
            continue;
        }
        let (positions, names): (Vec<usize>, Vec<&str>) = forbidden.into_iter().unzip();
        let place = check.place(scope).keys(&["securityContext", "capabilities", "add"]);
        let reason = format!("{} adds capabilities: {}", scope.subject(), quoted(names));
        let edits = place.remove_items(&positions);
        check.report(scope, reason, "remove them from `capabilities.add`", vec![place], edits);
    }
}

/// The capabilities that a container adds and that match, with their positions.
pub(super) fn added_capabilities<'a>(
    scope: Scope<'a>,
    sort: impl Fn(&str) -> bool,
) -> Vec<(usize, &'a str)> {
    let mut added = texts(scope.context().mapping("capabilities"), "add");
    added.retain(|(_, name)| sort(name));
    added
}

pub(super) fn host_namespaces(check: &mut Check<'_>) {
    let scope = check.pod_scope();
    let shared: Vec<&str> = ["hostNetwork", "hostPID", "hostIPC"]
        .into_iter()
        .filter(|field| scope.node.boolean(field) == Some(true))
        .collect();
    if shared.is_empty() {
        return;
    }
    let places: Vec<PodField<'_>> =
        shared.iter().map(|field| check.place(scope).key(field)).collect();
    let edits = places.iter().map(|place| place.set(false)).collect();
    let reason = format!("the pod shares the node's namespaces: {}", quoted(shared));
    check.report(
        scope,
        reason,
        "remove them, so that the pod has its own namespaces",
        places,
        edits,
    );
}

pub(super) fn host_path_volumes(check: &mut Check<'_>) {
    for (position, volume) in check.volumes() {
        if volume.mapping("hostPath").is_none() {
            continue;
        }
        let place = check.volume_place(position, volume).key("hostPath");
        let name = volume.string("name").unwrap_or_default();
        let reason = format!("volume {} mounts files of the node", quoted([name]));
        let remedy = "use a volume type other than `hostPath`";
        check.report(check.pod_scope(), reason, remedy, vec![place], Vec::new());
    }
}

pub(super) fn host_ports(check: &mut Check<'_>) {
    for scope in check.containers() {
        let open: Vec<(usize, i64)> = scope
            .node
            .list("ports")
            .enumerate()
            .filter_map(|(position, port)| {
                Some((position, Some(port).integer("hostPort").filter(|&port| port != 0)?))
            })
            .collect();
        if open.is_empty() {
            continue;
        }
        let ports = check.place(scope).key("ports");
        let places: Vec<PodField<'_>> = open
            .iter()
            .map(|&(position, _)| ports.clone().item(position).key("hostPort"))
            .collect();
        let edits = places.iter().map(PodField::remove).collect();
        let numbers: Vec<String> = open.iter().map(|(_, port)| port.to_string()).collect();
        let reason = format!(
            "{} opens ports on the node: {}",
            scope.subject(),
            quoted(numbers.iter().map(String::as_str))
        );
        check.report(scope, reason, "use a Service instead of `hostPort`", places, edits);
    }
}

/// Where a probe or a lifecycle hook may name a host.
const HANDLERS: [&[&str]; 5] = [
    &["livenessProbe"],
    &["readinessProbe"],
    &["startupProbe"],
    &["lifecycle", "postStart"],
    &["lifecycle", "preStop"],
];

pub(super) fn host_probes_and_lifecycle(check: &mut Check<'_>) {
    for scope in check.containers() {
        let mut hosts = Vec::new();
        let mut places = Vec::new();
        for handler in HANDLERS {
            let node = handler.iter().try_fold(scope.node, |node, field| node.mapping(field));
            for action in ["httpGet", "tcpSocket"] {
                let host = node.mapping(action).string("host").unwrap_or_default();
                if !host.is_empty() {
                    hosts.push(host);
                    places.push(check.place(scope).keys(handler).key(action).key("host"));
                }
            }
        }
        if hosts.is_empty() {
            continue;
        }
        let edits = places.iter().map(PodField::remove).collect();
        let reason = format!(
            "probes or lifecycle hooks of {} target other hosts: {}",
            scope.subject(),
            quoted(hosts)
        );
        check.report(
            scope,
            reason,
            "remove `host`, so that the pod itself is called",
            places,
            edits,
        );
    }
}

pub(super) fn privileged(check: &mut Check<'_>) {
    for scope in check.containers() {
        if scope.context().boolean("privileged") == Some(true) {
            let place = check.place(scope).keys(&["securityContext", "privileged"]);
            let reason = format!("{} is privileged", scope.subject());
            let edits = vec![place.set(false)];
            check.report(scope, reason, "set `privileged: false`", vec![place], edits);
        }
    }
}

pub(super) fn proc_mount(check: &mut Check<'_>) {
    for scope in check.containers() {
        // An empty value counts, because the API server keeps it.
        let Some(value) = scope.context().string("procMount").filter(|it| *it != "Default") else {
            continue;
        };
        let place = check.place(scope).keys(&["securityContext", "procMount"]);
        let reason = format!("{} mounts /proc as {}", scope.subject(), quoted([value]));
        let edits = vec![place.set("Default")];
        check.report(scope, reason, "set `procMount: Default`", vec![place], edits);
    }
}

/// From 1.35: a pod in a user namespace of its own may see all of /proc.
pub(super) fn proc_mount_1_35(check: &mut Check<'_>) {
    if !in_user_namespace(check) {
        proc_mount(check);
    }
}

/// Whether root in the pod has no rights on the node.
pub(super) fn in_user_namespace(check: &Check<'_>) -> bool {
    check.pod.node().boolean("hostUsers") == Some(false)
}

const SELINUX_TYPES: [&str; 4] = ["", "container_t", "container_init_t", "container_kvm_t"];
const SELINUX_TYPE_SINCE_1_31: &str = "container_engine_t";

pub(super) fn se_linux_options(check: &mut Check<'_>) {
    judge_se_linux_options(check, |name| SELINUX_TYPES.contains(&name));
}

pub(super) fn se_linux_options_1_31(check: &mut Check<'_>) {
    judge_se_linux_options(check, |name| {
        SELINUX_TYPES.contains(&name) || name == SELINUX_TYPE_SINCE_1_31
    });
}

fn judge_se_linux_options(check: &mut Check<'_>, allowed_type: fn(&str) -> bool) {
    for scope in check.scopes() {
        let options = scope.context().mapping("seLinuxOptions");
        let field = |name| options.string(name).filter(|value| !value.is_empty());
        let bad: Vec<(&str, &str)> = [
            ("type", field("type").filter(|value| !allowed_type(value))),
            ("user", field("user")),
            ("role", field("role")),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
        if bad.is_empty() {
            continue;
        }
        let place = check.place(scope).keys(&["securityContext", "seLinuxOptions"]);
        let places: Vec<PodField<'_>> =
            bad.iter().map(|(name, _)| place.clone().key(name)).collect();
        let others = place.node.entries().filter(|it| bad.iter().all(|bad| bad.0 != it.name()));
        let edits = if others.count() == 0 {
            vec![place.remove()]
        } else {
            places.iter().map(PodField::remove).collect()
        };
        let values: Vec<String> =
            bad.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let reason = format!(
            "{} sets SELinux options: {}",
            scope.subject(),
            quoted(values.iter().map(String::as_str))
        );
        check.report(
            scope,
            reason,
            "remove them, and leave the label to the container runtime",
            places,
            edits,
        );
    }
}

/// Up to 1.18 profiles were annotations.
pub(super) fn seccomp_annotations(check: &mut Check<'_>) {
    for (name, value, node) in annotations(check, SECCOMP_POD_ANNOTATION) {
        if name == SECCOMP_POD_ANNOTATION {
            judge_seccomp_annotation(check, check.pod_scope(), name, value, node);
        }
    }
    let set = annotations(check, SECCOMP_CONTAINER_ANNOTATION);
    if set.is_empty() {
        return;
    }
    let mut judged = std::collections::BTreeSet::new();
    for scope in check.containers() {
        let Some(container) = scope.container else { continue };
        let found = set.binary_search_by(|(name, ..)| {
            name.strip_prefix(SECCOMP_CONTAINER_ANNOTATION).unwrap_or(name).cmp(container)
        });
        if let Some(&(name, value, node)) = found.ok().and_then(|index| set.get(index))
            && judged.insert(name)
        {
            judge_seccomp_annotation(check, scope, name, value, node);
        }
    }
}

fn judge_seccomp_annotation<'a>(
    check: &mut Check<'a>,
    scope: Scope<'a>,
    name: &'a str,
    value: &'a str,
    node: Node<'a>,
) {
    if matches!(value, "runtime/default" | "docker/default") || value.starts_with("localhost/") {
        return;
    }
    let place = check.annotation_place(name, node);
    let reason = format!("{} has the seccomp profile {}", scope.subject(), quoted([value]));
    let edits = vec![place.set("runtime/default")];
    check.report(scope, reason, "set the annotation to `runtime/default`", vec![place], edits);
}

pub(super) fn seccomp_profile(check: &mut Check<'_>) {
    report_unconfined(check, "seccompProfile", "seccomp");
}

/// Kernel parameters that are limited to a pod, each with the first policy version that allows it,
/// in the order of these versions.
const SAFE_SYSCTLS: [(&str, u32); 14] = [
    ("kernel.shm_rmid_forced", 0),
    ("net.ipv4.ip_local_port_range", 0),
    ("net.ipv4.ip_unprivileged_port_start", 0),
    ("net.ipv4.ping_group_range", 0),
    ("net.ipv4.tcp_syncookies", 0),
    ("net.ipv4.ip_local_reserved_ports", 27),
    ("net.ipv4.tcp_fin_timeout", 29),
    ("net.ipv4.tcp_keepalive_intvl", 29),
    ("net.ipv4.tcp_keepalive_probes", 29),
    ("net.ipv4.tcp_keepalive_time", 29),
    ("net.ipv4.tcp_rmem", 32),
    ("net.ipv4.tcp_wmem", 32),
    ("net.ipv4.tcp_notsent_lowat", 37),
    ("net.ipv4.tcp_slow_start_after_idle", 37),
];

pub(super) fn sysctls(check: &mut Check<'_>) {
    judge_sysctls(check, 0);
}

pub(super) fn sysctls_1_27(check: &mut Check<'_>) {
    judge_sysctls(check, 27);
}

pub(super) fn sysctls_1_29(check: &mut Check<'_>) {
    judge_sysctls(check, 29);
}

pub(super) fn sysctls_1_32(check: &mut Check<'_>) {
    judge_sysctls(check, 32);
}

pub(super) fn sysctls_1_37(check: &mut Check<'_>) {
    judge_sysctls(check, 37);
}

fn judge_sysctls(check: &mut Check<'_>, minor: u32) {
    let scope = check.pod_scope();
    let forbidden: (Vec<usize>, Vec<&str>) = scope
        .context()
        .list("sysctls")
        .enumerate()
        .filter(|(_, item)| item.is_mapping() || item.is_null())
        .map(|(position, item)| (position, item.string("name").unwrap_or_default()))
        .filter(|(_, name)| {
            !SAFE_SYSCTLS.iter().any(|(safe, since)| safe == name && *since <= minor)
        })
        .unzip();
    let (positions, names) = forbidden;
    if positions.is_empty() {
        return;
    }
    let list = check.place(scope).keys(&["securityContext", "sysctls"]);
    let places = positions.iter().map(|&position| list.clone().item(position)).collect();
    let edits = list.remove_items(&positions);
    let names = quoted(names);
    let reason = format!("the pod sets unsafe sysctls: {names}");
    check.report(scope, reason, "remove them from `sysctls`", places, edits);
}

pub(super) fn windows_host_process(check: &mut Check<'_>) {
    for scope in check.scopes() {
        let options = scope.context().mapping("windowsOptions");
        if options.boolean("hostProcess") == Some(true) {
            let place =
                check.place(scope).keys(&["securityContext", "windowsOptions", "hostProcess"]);
            let reason = format!("{} runs as a Windows host process", scope.subject());
            let edits = vec![place.set(false)];
            check.report(scope, reason, "set `hostProcess: false`", vec![place], edits);
        }
    }
}
