//! The controls that the level `restricted` adds.

use coaming_rules::pss::Level;
use serde_json::{Value, json};

use super::{ALWAYS, CONTAINERS, LATEST, at, bare, expect, hardened};

#[test]
fn proc_mount_at_restricted_knows_no_user_namespaces() {
    for host_users in [json!(false), json!(true), json!(null)] {
        let pod = at(hardened(), "spec/hostUsers", host_users);
        expect(Level::Restricted, &pod, &[]);
        let pod = at(pod, "spec/containers/0/securityContext/procMount", json!("Unmasked"));
        let expected = [("procMount", 0..=34), ("procMount_restricted", 35..=LATEST)];
        expect(Level::Restricted, &pod, &expected);
    }
}

#[test]
fn seccomp_fields() {
    let control = "seccompProfile_restricted";
    let versions = 19..=LATEST;
    let pod_field = "spec/securityContext/seccompProfile";
    for bad in [json!(null), json!({}), json!({"type": "Unconfined", "localhostProfile": "x"})] {
        let pod = at(hardened(), pod_field, bad);
        expect(Level::Restricted, &pod, &[(control, versions.clone())]);
    }
    for bad in [json!({}), json!({"type": "Unconfined"})] {
        let pod = at(hardened(), "spec/initContainers/0/securityContext/seccompProfile", bad);
        expect(Level::Restricted, &pod, &[(control, versions.clone())]);
    }
    let mut pod = at(hardened(), pod_field, json!(null));
    for container in CONTAINERS {
        expect(Level::Restricted, &pod, &[(control, versions.clone())]);
        let path = format!("{container}/securityContext/seccompProfile");
        pod = at(pod, &path, json!({"type": "Localhost", "localhostProfile": "x"}));
    }
    expect(Level::Restricted, &pod, &[]);
}

#[test]
fn volume_types() {
    let with = |volume: Value| at(hardened(), "spec/volumes", json!([volume]));
    for allowed in [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ] {
        expect(Level::Restricted, &with(json!({"name": "v", allowed: {}})), &[]);
    }
    for other in [
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
    ] {
        let pod = with(json!({"name": "v", other: {}}));
        expect(Level::Restricted, &pod, &[("restrictedVolumes", ALWAYS)]);
    }
    // The API server gives a volume without a source an `emptyDir`.
    expect(Level::Restricted, &with(json!({"name": "v"})), &[]);
    expect(Level::Restricted, &with(json!({"name": "v", "hostPath": null})), &[]);
}

#[test]
fn privilege_escalation() {
    let control = "allowPrivilegeEscalation";
    for container in CONTAINERS {
        let path = format!("{container}/securityContext/allowPrivilegeEscalation");
        for bad in [json!(null), json!(true)] {
            let pod = at(hardened(), &path, bad);
            expect(Level::Restricted, &pod, &[(control, 8..=LATEST)]);
            let windows = at(pod, "spec/os", json!({"name": "windows"}));
            expect(Level::Restricted, &windows, &[(control, 8..=24)]);
        }
    }
}

#[test]
fn capabilities() {
    let with =
        |value: Value| at(hardened(), "spec/containers/0/securityContext/capabilities", value);
    let control = "capabilities_restricted";
    for bad in [
        json!(null),
        json!({}),
        json!({"drop": ["all"]}),
        json!({"drop": ["NET_RAW", "CHOWN"]}),
        json!({"drop": ["ALL"], "add": ["CHOWN"]}),
        json!({"drop": ["ALL"], "add": ["NET_BIND_SERVICE", "KILL"]}),
        json!({"add": ["CHOWN"]}),
    ] {
        expect(Level::Restricted, &with(bad.clone()), &[(control, 22..=LATEST)]);
        let windows = at(with(bad), "spec/os", json!({"name": "windows"}));
        expect(Level::Restricted, &windows, &[(control, 22..=24)]);
    }
    // Up to 1.21 the control of baseline judges; from 1.22 it is overridden, and from 1.25
    // nobody judges a Windows pod.
    let raw = with(json!({"drop": ["ALL"], "add": ["NET_RAW"]}));
    let baseline = ("capabilities_baseline", 0..=21);
    expect(Level::Restricted, &raw, &[baseline.clone(), (control, 22..=LATEST)]);
    let windows = at(raw, "spec/os", json!({"name": "windows"}));
    expect(Level::Restricted, &windows, &[baseline, (control, 22..=24)]);
    for good in [
        json!({"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}),
        json!({"drop": ["CHOWN", "ALL"], "add": []}),
    ] {
        expect(Level::Restricted, &with(good), &[]);
    }
}

#[test]
fn windows_pods() {
    let non_root = at(bare(), "spec/securityContext", json!({"runAsNonRoot": true}));
    let linux_only = [
        ("allowPrivilegeEscalation", 8..=24),
        ("capabilities_restricted", 22..=24),
        ("seccompProfile_restricted", 19..=24),
    ];
    let windows = at(non_root.clone(), "spec/os", json!({"name": "windows"}));
    expect(Level::Restricted, &windows, &linux_only);
    let always = linux_only.clone().map(|(id, versions)| (id, *versions.start()..=LATEST));
    for other in [
        at(non_root.clone(), "spec/os", json!({"name": "linux"})),
        at(non_root.clone(), "spec/os", json!({"name": "Windows"})),
        at(non_root, "spec/nodeSelector", json!({"kubernetes.io/os": "windows"})),
    ] {
        expect(Level::Restricted, &other, &always);
    }
    let rooted = at(windows, "spec/securityContext/runAsNonRoot", json!(null));
    let mut with_root = linux_only.to_vec();
    with_root.push(("runAsNonRoot", ALWAYS));
    expect(Level::Restricted, &rooted, &with_root);
}

#[test]
fn run_as_non_root() {
    let control = "runAsNonRoot";
    let pod_field = "spec/securityContext/runAsNonRoot";
    let mut cases =
        vec![at(hardened(), pod_field, json!(false)), at(hardened(), pod_field, json!(null))];
    for container in CONTAINERS {
        cases.push(at(
            hardened(),
            &format!("{container}/securityContext/runAsNonRoot"),
            json!(false),
        ));
    }
    for pod in cases {
        expect(Level::Restricted, &pod, &[(control, ALWAYS)]);
        let relaxed = at(pod.clone(), "spec/hostUsers", json!(false));
        expect(Level::Restricted, &relaxed, &[(control, 0..=34)]);
        expect(Level::Restricted, &at(pod, "spec/hostUsers", json!(true)), &[(control, ALWAYS)]);
    }
    // Each container may say so itself; a pod that denies it is refused all the same.
    let mut pod = at(hardened(), pod_field, json!(null));
    for container in CONTAINERS {
        expect(Level::Restricted, &pod, &[(control, ALWAYS)]);
        pod = at(pod, &format!("{container}/securityContext/runAsNonRoot"), json!(true));
    }
    expect(Level::Restricted, &pod, &[]);
    expect(Level::Restricted, &at(pod, pod_field, json!(false)), &[(control, ALWAYS)]);
}

#[test]
fn run_as_user() {
    let mut fields = vec!["spec/securityContext/runAsUser".to_owned()];
    fields.extend(CONTAINERS.map(|container| format!("{container}/securityContext/runAsUser")));
    for field in fields {
        let root = at(hardened(), &field, json!(0));
        expect(Level::Restricted, &root, &[("runAsUser", 23..=LATEST)]);
        let relaxed = at(root, "spec/hostUsers", json!(false));
        expect(Level::Restricted, &relaxed, &[("runAsUser", 23..=34)]);
        for allowed in [json!(1000), json!(null), json!("0")] {
            expect(Level::Restricted, &at(hardened(), &field, allowed), &[]);
        }
    }
}
