//! The controls of the level `baseline`.

use std::ops::RangeInclusive;

use coaming_finding::Applicability;
use coaming_rules::pss::Level;
use serde_json::{Value, json};

use super::{ALWAYS, CONTAINERS, LATEST, annotated, at, bare, expect, hardened, judge};

/// In each kind of container, this field with this value violates this control in these versions.
#[track_caller]
fn each_container(
    field: &str,
    value: &Value,
    control: &'static str,
    versions: &RangeInclusive<u32>,
) {
    for container in CONTAINERS {
        let pod = at(bare(), &format!("{container}/{field}"), value.clone());
        expect(Level::Baseline, &pod, &[(control, versions.clone())]);
    }
}

/// In each kind of container, this field with this value violates nothing.
#[track_caller]
fn no_container(field: &str, value: &Value) {
    for container in CONTAINERS {
        let pod = at(bare(), &format!("{container}/{field}"), value.clone());
        expect(Level::Baseline, &pod, &[]);
    }
}

#[test]
fn host_namespaces() {
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        let pod = at(bare(), &format!("spec/{field}"), json!(true));
        expect(Level::Baseline, &pod, &[("hostNamespaces", ALWAYS)]);
        for allowed in [json!(false), json!(null), json!("true")] {
            expect(Level::Baseline, &at(bare(), &format!("spec/{field}"), allowed), &[]);
        }
    }
    let both = at(at(bare(), "spec/hostPID", json!(true)), "spec/hostIPC", json!(true));
    judge(&both, Level::Baseline, LATEST, |violations| {
        assert_eq!(violations.len(), 1, "one thing to do");
        assert_eq!(violations[0].edits.len(), 2);
        assert_eq!(
            violations[0].reason,
            "the pod shares the node's namespaces: `hostPID`, `hostIPC`"
        );
    });
}

#[test]
fn privileged() {
    each_container("securityContext/privileged", &json!(true), "privileged", &ALWAYS);
    no_container("securityContext/privileged", &json!(false));
    no_container("securityContext", &json!(null));
}

#[test]
fn capabilities() {
    let field = "securityContext/capabilities";
    for forbidden in ["NET_RAW", "SYS_ADMIN", "ALL", "chown", "CAP_CHOWN", ""] {
        let value = json!({"add": ["CHOWN", forbidden]});
        each_container(field, &value, "capabilities_baseline", &ALWAYS);
    }
    each_container(field, &json!({"add": [null]}), "capabilities_baseline", &ALWAYS);
    no_container(field, &json!({}));
    no_container(field, &json!({"add": null, "drop": ["NET_RAW"]}));
    no_container(
        field,
        &json!({"add": [
            "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
            "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
        ]}),
    );
}

#[test]
fn host_path_volumes() {
    let volume = |volume: Value| at(bare(), "spec/volumes", json!([{"name": "a"}, volume]));
    let with = volume(json!({"name": "v", "hostPath": {"path": "/"}}));
    expect(Level::Baseline, &with, &[("hostPathVolumes", ALWAYS)]);
    expect(Level::Baseline, &volume(json!({"hostPath": {}})), &[("hostPathVolumes", ALWAYS)]);
    expect(Level::Baseline, &volume(json!({"name": "v", "hostPath": null})), &[]);
    expect(Level::Baseline, &volume(json!({"name": "v", "nfs": {}})), &[]);
    judge(&with, Level::Baseline, LATEST, |violations| {
        assert_eq!(violations[0].places[0].path.to_string(), "spec.volumes[1].hostPath");
        assert_eq!(violations[0].applicability(), Applicability::Manual);
    });
}

#[test]
fn host_ports() {
    let ports = |port: Value| json!([{"containerPort": 1}, {"containerPort": 2, "hostPort": port}]);
    each_container("ports", &ports(json!(8080)), "hostPorts", &ALWAYS);
    for allowed in [json!(0), json!(null), json!("8080")] {
        no_container("ports", &ports(allowed));
    }
    no_container("ports", &json!(null));
}

#[test]
fn hosts_of_probes_and_hooks() {
    for handler in [
        "livenessProbe",
        "readinessProbe",
        "startupProbe",
        "lifecycle/postStart",
        "lifecycle/preStop",
    ] {
        for action in ["httpGet", "tcpSocket"] {
            let field = format!("{handler}/{action}");
            let control = "hostProbesAndHostLifecycle";
            let value = json!({"host": "127.0.0.1", "port": 80});
            each_container(&field, &value, control, &(34..=LATEST));
            no_container(&field, &json!({"host": "", "port": 80}));
            no_container(&field, &json!({"port": 80}));
        }
    }
    no_container("livenessProbe", &json!({"exec": {"command": ["true"]}}));
}

#[test]
fn proc_mount() {
    let field = "securityContext/procMount";
    each_container(field, &json!("Unmasked"), "procMount", &ALWAYS);
    each_container(field, &json!(""), "procMount", &ALWAYS);
    no_container(field, &json!("Default"));
    no_container(field, &json!(null));
    let unmasked = at(bare(), "spec/containers/0/securityContext/procMount", json!("Unmasked"));
    for (host_users, versions) in
        [(json!(false), 0..=34), (json!(true), ALWAYS), (json!(null), ALWAYS)]
    {
        let pod = at(unmasked.clone(), "spec/hostUsers", host_users);
        expect(Level::Baseline, &pod, &[("procMount", versions)]);
    }
}

#[test]
fn se_linux_options() {
    let field = "securityContext/seLinuxOptions";
    let control = "seLinuxOptions";
    for forbidden in [
        json!({"type": "spc_t"}),
        json!({"user": "system_u"}),
        json!({"role": "system_r", "level": "s0"}),
        json!({"type": "container_t", "user": "u", "role": "r"}),
    ] {
        each_container(field, &forbidden, control, &ALWAYS);
        let pod = at(bare(), &format!("spec/{field}"), forbidden);
        expect(Level::Baseline, &pod, &[(control, ALWAYS)]);
    }
    each_container(field, &json!({"type": "container_engine_t"}), control, &(0..=30));
    for allowed in ["", "container_t", "container_init_t", "container_kvm_t"] {
        no_container(field, &json!({"type": allowed, "user": "", "role": "", "level": "s0"}));
    }
    no_container(field, &json!({}));
}

#[test]
fn seccomp_annotations_up_to_1_18() {
    let pod_key = "seccomp.security.alpha.kubernetes.io/pod";
    let prefix = "container.seccomp.security.alpha.kubernetes.io";
    let control = "seccompProfile_baseline";
    for name in [pod_key.to_owned(), format!("{prefix}/init"), format!("{prefix}/debug")] {
        for value in [json!("unconfined"), json!(""), json!(null), json!("localhost")] {
            let pod = annotated(bare(), &name, value.clone());
            expect(Level::Baseline, &pod, &[(control, 0..=18)]);
            expect(Level::Restricted, &annotated(hardened(), &name, value), &[(control, 0..=18)]);
        }
        for value in ["runtime/default", "docker/default", "localhost/", "localhost/profile.json"] {
            expect(Level::Baseline, &annotated(bare(), &name, json!(value)), &[]);
        }
    }
    for unknown in [format!("{prefix}/other"), format!("{pod_key}s"), format!("{prefix}/")] {
        expect(Level::Baseline, &annotated(bare(), &unknown, json!("unconfined")), &[]);
    }
}

#[test]
fn seccomp_fields() {
    let field = "securityContext/seccompProfile";
    let control = "seccompProfile_baseline";
    for forbidden in [json!({"type": "Unconfined"}), json!({}), json!({"type": "runtime/default"})]
    {
        each_container(field, &forbidden, control, &(19..=LATEST));
        let pod = at(bare(), &format!("spec/{field}"), forbidden);
        expect(Level::Baseline, &pod, &[(control, 19..=LATEST)]);
    }
    no_container(field, &json!({"type": "RuntimeDefault"}));
    no_container(field, &json!({"type": "Localhost", "localhostProfile": "a.json"}));
    no_container(field, &json!(null));
}

#[test]
fn app_armor_profile() {
    let field = "securityContext/appArmorProfile";
    let control = "appArmorProfile";
    for forbidden in [json!({"type": "Unconfined"}), json!({}), json!({"type": "runtime/default"})]
    {
        each_container(field, &forbidden, control, &ALWAYS);
        let pod = at(bare(), &format!("spec/{field}"), forbidden);
        expect(Level::Baseline, &pod, &[(control, ALWAYS)]);
    }
    no_container(field, &json!({"type": "RuntimeDefault"}));
    no_container(field, &json!({"type": "Localhost", "localhostProfile": "p"}));
    let prefix = "container.apparmor.security.beta.kubernetes.io";
    for name in ["main", "init", "of-no-container"] {
        let pod = annotated(bare(), &format!("{prefix}/{name}"), json!("unconfined"));
        expect(Level::Baseline, &pod, &[(control, ALWAYS)]);
        for allowed in [json!(""), json!(null), json!("runtime/default"), json!("localhost/p")] {
            expect(Level::Baseline, &annotated(bare(), &format!("{prefix}/{name}"), allowed), &[]);
        }
    }
}

#[test]
fn sysctls() {
    let with = |items: Value| at(bare(), "spec/securityContext/sysctls", items);
    let since = |names: &[&str], first: u32| {
        for name in names {
            let pod = with(json!([
                {"name": "kernel.shm_rmid_forced", "value": "1"}, {"name": name, "value": "0"},
            ]));
            match first.checked_sub(1) {
                Some(last) => expect(Level::Baseline, &pod, &[("sysctls", 0..=last)]),
                None => expect(Level::Baseline, &pod, &[]),
            }
        }
    };
    since(
        &[
            "net.ipv4.ip_local_port_range",
            "net.ipv4.ip_unprivileged_port_start",
            "net.ipv4.ping_group_range",
            "net.ipv4.tcp_syncookies",
        ],
        0,
    );
    since(&["net.ipv4.ip_local_reserved_ports"], 27);
    since(
        &[
            "net.ipv4.tcp_fin_timeout",
            "net.ipv4.tcp_keepalive_intvl",
            "net.ipv4.tcp_keepalive_probes",
            "net.ipv4.tcp_keepalive_time",
        ],
        29,
    );
    since(&["net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"], 32);
    since(&["net.ipv4.tcp_notsent_lowat", "net.ipv4.tcp_slow_start_after_idle"], 37);
    for other in
        [json!({"name": "kernel.msgmax", "value": "1"}), json!({"value": "1"}), json!(null)]
    {
        expect(Level::Baseline, &with(json!([other])), &[("sysctls", ALWAYS)]);
    }
    expect(Level::Baseline, &with(json!([])), &[]);
}

#[test]
fn windows_host_process() {
    let field = "securityContext/windowsOptions";
    each_container(field, &json!({"hostProcess": true}), "windowsHostProcess", &ALWAYS);
    let pod = at(bare(), &format!("spec/{field}"), json!({"hostProcess": true}));
    expect(Level::Baseline, &pod, &[("windowsHostProcess", ALWAYS)]);
    no_container(field, &json!({"hostProcess": false}));
    no_container(field, &json!({}));
}
