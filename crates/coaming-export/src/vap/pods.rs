//! Rules about pods and their containers.

use coaming_rules::SAFE_SYSCTLS;

use super::cel::{
    added, adds, effective, is_capability, list, non_root, own, privileged, root, texts,
};
use super::{Enabled, Expressed, Subject};

/// The rules.
pub(super) fn expressed(enabled: &Enabled) -> Vec<Expressed> {
    let mut rules = users(enabled);
    rules.extend(privileges(enabled));
    rules.extend(profiles(enabled));
    rules.extend(node(enabled));
    rules.extend(others());
    rules
}

/// As which user containers run.
fn users(enabled: &Enabled) -> Vec<Expressed> {
    let administrator = format!(
        "{}.?runAsUserName.or(variables.pod.?securityContext.?windowsOptions.?runAsUserName)\
         .orValue('').lowerAscii().matches(r'(^|\\\\)(containeradministrator|system)$')",
        own("windowsOptions")
    );
    let group = format!("{}.orValue(1) == 0", effective("runAsGroup"));
    let ports = "c.?ports.orValue([]).exists(p, p.?containerPort.orValue(0) >= 1 && \
                 p.?containerPort.orValue(0) <= 1023)";
    let may_bind = format!(
        "{} || variables.pod.?securityContext.?sysctls.orValue([])\
         .exists(s, s.?name.orValue('') == 'net.ipv4.ip_unprivileged_port_start')",
        adds(&["NET_BIND_SERVICE", "ALL"])
    );
    vec![
        Expressed::container(
            "run-as-root",
            format!("variables.windows ? {administrator} : {}", root()),
        ),
        Expressed::container("run-as-non-root", may_be_root(enabled)),
        Expressed::container(
            "root-group",
            format!("{group}{}", enabled.unless("run-as-root", &root())),
        ),
        Expressed::container(
            "privileged-port",
            format!(
                "{ports} && !({}) && !({may_bind}) && \
                 !variables.pod.?hostNetwork.orValue(false)",
                non_root()
            ),
        ),
    ]
}

/// Nothing keeps the container from running as root, and `missing-security-context` does not say so.
fn may_be_root(enabled: &Enabled) -> String {
    let may_be = format!("!variables.windows && !({}) && !({})", non_root(), root());
    if !enabled.has("missing-security-context") {
        return may_be;
    }
    let explicit = format!("{}.hasValue()", effective("runAsNonRoot"));
    format!("{may_be} && ({explicit} || !({}))", lacks_other_fields())
}

/// Whether a field of the security context is missing that has an effect, `runAsNonRoot` apart.
fn lacks_other_fields() -> String {
    let escalation =
        format!("!{}.hasValue() && !{}", own("allowPrivilegeEscalation"), adds(&["SYS_ADMIN"]));
    let drops =
        format!("{}.?drop.orValue([]).exists(d, d.upperAscii() == 'ALL')", own("capabilities"));
    let seccomp = format!(
        "!({}).?type.hasValue() && !variables.template.?metadata.?annotations\
         [?'seccomp.security.alpha.kubernetes.io/pod'].hasValue()",
        effective("seccompProfile")
    );
    let root_file_system = format!("!{}.hasValue()", own("readOnlyRootFilesystem"));
    format!("{root_file_system} || !{} && ({escalation} || !{drops} || {seccomp})", privileged())
}

/// What processes may do.
fn privileges(enabled: &Enabled) -> Vec<Expressed> {
    let privileged_elsewhere = enabled.unless("privileged", &privileged());
    let lacks_user =
        format!("!({}) && !({}) && !{}.hasValue()", non_root(), root(), effective("runAsNonRoot"));
    // `run-as-non-root` reports the user where nothing else is missing.
    let lacks = if enabled.has("run-as-non-root") {
        lacks_other_fields()
    } else {
        format!("{lacks_user} || {}", lacks_other_fields())
    };
    vec![
        Expressed::container(
            "missing-security-context",
            format!("!variables.windows && ({lacks})"),
        ),
        Expressed::container("privileged", privileged()),
        Expressed::container(
            "privilege-escalation",
            format!("{}.orValue(false){privileged_elsewhere}", own("allowPrivilegeEscalation")),
        ),
        Expressed::container(
            "added-capabilities",
            format!(
                "{}.exists(a, !({})){privileged_elsewhere}",
                added(),
                is_capability("a", &["NET_BIND_SERVICE"])
            ),
        ),
        Expressed::container(
            "writable-root-filesystem",
            format!("!{}.orValue(true)", own("readOnlyRootFilesystem")),
        ),
        Expressed::container(
            "proc-mount",
            format!(
                "{}.orValue('') == 'Unmasked' && variables.pod.?hostUsers.orValue(true)",
                own("procMount")
            ),
        ),
    ]
}

/// Profiles that confine processes.
fn profiles(enabled: &Enabled) -> Vec<Expressed> {
    let privileged_elsewhere = enabled.unless("privileged", &privileged());
    let unconfined =
        |field: &str| format!("({}).?type.orValue('') == 'Unconfined'", effective(field));
    let annotation = "variables.template.?metadata.?annotations\
                      [?('container.apparmor.security.beta.kubernetes.io/' + c.?name.orValue(''))]\
                      .orValue('') == 'unconfined'";
    let options = effective("seLinuxOptions");
    let option = |name: &str| format!("({options}).?{name}.orValue('')");
    vec![
        Expressed::container(
            "seccomp-unconfined",
            format!("{}{privileged_elsewhere}", unconfined("seccompProfile")),
        ),
        Expressed::container(
            "app-armor-unconfined",
            format!("({} || {annotation}){privileged_elsewhere}", unconfined("appArmorProfile")),
        ),
        Expressed::container(
            "se-linux-options",
            format!(
                "!({} in ['', 'container_t', 'container_init_t', 'container_kvm_t', \
                 'container_engine_t']) || {} != '' || {} != ''",
                option("type"),
                option("user"),
                option("role")
            ),
        ),
    ]
}

/// What is shared with the node.
fn node(enabled: &Enabled) -> Vec<Expressed> {
    let shares = ["hostPID", "hostIPC", "hostNetwork"]
        .map(|field| format!("variables.pod.?{field}.orValue(false)"))
        .join(" || ");
    let ports = "c.?ports.orValue([]).exists(p, p.?hostPort.orValue(0) != 0)";
    let network = enabled.unless("host-namespaces", "variables.pod.?hostNetwork.orValue(false)");
    let host_process = |holder: &str| {
        format!("{holder}.?securityContext.?windowsOptions.?hostProcess.orValue(false)")
    };
    let is_host_process = format!(
        "({} || variables.containers.exists(c, {}))",
        host_process("variables.pod"),
        host_process("c")
    );
    vec![
        // Windows has none of them but the network, which its host processes are always in.
        Expressed::pod(
            "host-namespaces",
            format!(
                "variables.windows ? variables.pod.?hostNetwork.orValue(false) && \
                 !{is_host_process} : ({shares})"
            ),
        ),
        Expressed::container("host-port", format!("{ports}{network}")),
        Expressed::pod("host-path", "variables.volumes.exists(v, v.?hostPath.hasValue())"),
        Expressed::pod(
            "host-users",
            format!("!({shares}) && !variables.windows && variables.pod.?hostUsers.orValue(true)"),
        ),
        Expressed::pod(
            "unsafe-sysctls",
            format!(
                "variables.pod.?securityContext.?sysctls.orValue([]).exists(s, \
                 !(s.?name.orValue('').replace('/', '.') in [{}]))",
                texts(SAFE_SYSCTLS)
            ),
        ),
        Expressed::pod("windows-host-process", is_host_process),
    ]
}

fn others() -> Vec<Expressed> {
    let elsewhere = |action: &str| {
        format!("!({action}.?host.orValue('') in ['', '127.0.0.1', '::1', 'localhost'])")
    };
    let handlers = [
        "livenessProbe",
        "readinessProbe",
        "startupProbe",
        "lifecycle.?postStart",
        "lifecycle.?preStop",
    ];
    let probe = handlers
        .iter()
        .flat_map(|handler| ["httpGet", "tcpSocket"].map(|kind| format!("c.?{handler}.?{kind}")))
        .map(|action| elsewhere(&action))
        .collect::<Vec<_>>()
        .join(" || ");
    let variable = "e.?name.hasValue() && e.?valueFrom.?secretKeyRef.?name.orValue('') != ''";
    vec![
        Expressed::container("probe-host", probe),
        Expressed::pod(
            "share-process-namespace",
            "variables.pod.?shareProcessNamespace.orValue(false) && \
             size(variables.containers) > 1",
        ),
        Expressed::container(
            "secret-in-environment",
            format!(
                "{}.exists(e, {variable}) || {}.exists(s, s.?secretRef.?name.orValue('') != '')",
                list("c.?env"),
                list("c.?envFrom")
            ),
        ),
        Expressed {
            rule: "no-rollback",
            subject: Subject::Workload("spec.?revisionHistoryLimit"),
            condition: "dyn(object).?spec.?revisionHistoryLimit.orValue(1) == 0".to_owned(),
        },
    ]
}
