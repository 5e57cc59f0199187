//! Pods with random fields, in objects of random kinds.

use serde_json::{Value, json};

/// An object that describes a pod, with a few random fields.
pub(crate) fn object(random: &mut fastrand::Rng) -> Value {
    let mut template = json!({
        "metadata": {"labels": {"app": "web"}},
        "spec": {
            "containers": [container("web"), container("proxy")],
            "initContainers": [container("setup")],
            "volumes": [
                {"name": "secret", "secret": {"secretName": "web"}},
                {"name": "data", "emptyDir": {}},
            ],
        },
    });
    if random.bool() {
        template["spec"]["securityContext"] = json!({});
    }
    for _ in 0..random.usize(1..7) {
        let lists = ["containers", "initContainers"];
        let (list, index) = (lists[random.usize(0..2)], random.usize(0..2));
        let (field, value) = pick(random, &of_containers());
        let (of_pod, pod_value) = pick(random, &of_pods());
        if random.bool() {
            // The one init container, or one of the two others.
            let index = if list == "containers" { index } else { 0 };
            set(&mut template, &format!("spec/{list}/{index}/{field}"), value);
        } else {
            set(&mut template, &of_pod, pod_value);
        }
    }
    in_kind(random, template)
}

fn container(name: &str) -> Value {
    json!({
        "name": name,
        "image": format!("registry.example.com/{name}:1.4.2"),
        "securityContext": {
            "runAsNonRoot": true,
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    })
}

fn in_kind(random: &mut fastrand::Rng, template: Value) -> Value {
    let metadata = json!({"name": "web", "namespace": "shop"});
    match random.usize(0..5) {
        0 => json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {
            "revisionHistoryLimit": random.i64(0..3), "selector": {"matchLabels": {"app": "web"}},
            "template": template,
        }}),
        1 => json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": {
            "schedule": "* * * * *", "jobTemplate": {"spec": {"template": template}},
        }}),
        2 => json!({
            "apiVersion": "v1", "kind": "PodTemplate", "metadata": metadata, "template": template,
        }),
        _ => {
            let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata});
            pod["metadata"]["annotations"] = template["metadata"]["annotations"].clone();
            pod["spec"] = template["spec"].clone();
            if random.bool() {
                let (field, value) = pick(random, &of_containers());
                let mut debugger = container("debugger");
                // The API has neither ports nor probes there.
                if !["ports", "livenessProbe", "lifecycle"].contains(&field.as_str()) {
                    set(&mut debugger, &field, value);
                }
                pod["spec"]["ephemeralContainers"] = json!([debugger]);
            }
            pod
        }
    }
}

/// Sets a field by its path, and makes what is above it.
fn set(value: &mut Value, path: &str, new: Value) {
    // A key may have a slash: those of annotations do.
    let (path, key) = path.split_once('|').map_or((path, None), |(path, key)| (path, Some(key)));
    let mut at = value;
    for part in path.split('/').chain(key) {
        at = match part.parse::<usize>() {
            Ok(index) => &mut at[index],
            Err(_) => &mut at[part],
        };
    }
    *at = new;
}

fn pick<N: ToString>(random: &mut fastrand::Rng, fields: &[(N, Value)]) -> (String, Value) {
    let (field, values) = &fields[random.usize(0..fields.len())];
    let values = values.as_array().unwrap();
    (field.to_string(), values[random.usize(0..values.len())].clone())
}

fn of_both() -> Vec<(&'static str, Value)> {
    vec![
        ("securityContext/runAsUser", json!([0, 1, 10001])),
        ("securityContext/runAsNonRoot", json!([true, false])),
        ("securityContext/runAsGroup", json!([0, 5])),
        (
            "securityContext/seccompProfile",
            json!([{"type": "Unconfined"}, {"type": "RuntimeDefault"}]),
        ),
        (
            "securityContext/appArmorProfile",
            json!([{"type": "Unconfined"}, {"type": "RuntimeDefault"}]),
        ),
        (
            "securityContext/seLinuxOptions",
            json!([
                {"type": "spc_t"}, {"type": "container_t", "user": "a"}, {"role": "r"},
                {"level": "s0"}, {"type": "container_engine_t"},
            ]),
        ),
        (
            "securityContext/windowsOptions",
            json!([
                {"hostProcess": true}, {"hostProcess": false},
                {"runAsUserName": "NT\\ContainerAdministrator"},
                {"runAsUserName": "containerADMINISTRATOR"}, {"runAsUserName": "ContainerUser"},
            ]),
        ),
    ]
}

fn of_containers() -> Vec<(&'static str, Value)> {
    let digest = "0123456789abcdef".repeat(4);
    let mut fields = of_both();
    fields.extend([
        ("securityContext", json!([{}, null, {"privileged": true}])),
        ("securityContext/privileged", json!([true, true, false])),
        ("securityContext/allowPrivilegeEscalation", json!([true, false, null])),
        ("securityContext/readOnlyRootFilesystem", json!([true, false, null])),
        ("securityContext/procMount", json!(["Unmasked", "Default"])),
        (
            "securityContext/capabilities",
            json!([
                {"add": ["NET_BIND_SERVICE"], "drop": ["all"]}, {"add": ["cap_sys_admin"]},
                {"add": ["NET_RAW", " cap_net_bind_service "]}, {"drop": ["NET_RAW"]},
                {"add": ["ALL"], "drop": ["ALL"]}, {"add": []},
            ]),
        ),
        (
            "ports",
            json!([
                [{"containerPort": 80}], [{"containerPort": 8080, "hostPort": 8080}],
                [{"containerPort": 1023}, {"containerPort": 9000}], [{"containerPort": 1024}],
            ]),
        ),
        (
            "image",
            json!([
                "nginx",
                "nginx:latest",
                "nginx:1.27",
                "localhost:5000/a",
                "localhost/a:latest",
                "a/b:1",
                "a/b:Latest",
                format!("x@sha256:{digest}"),
                format!("x:1@sha256:{digest}"),
                "x@sha256:1234",
                "GHCR.io/a/b:latest",
                "foo.bar/x:latest",
                "bad image",
                "Foo",
                "Foo/bar",
                "ko://x",
                "github.com/a/b",
                "a--b__c/d:latest",
                "index.docker.io/nginx",
                "docker.io/nginx:latest",
                "docker.io/library/nginx:1",
                "docker.io/a.b/c",
                digest,
                "foo__bar.baz/x",
                "a_b/c",
                "[::1]:5000/x",
                "x:",
                ":latest",
                "x/",
                "a..b",
                "",
                "registry.example.com",
                "registry.example.com/x",
                "registry.example.com:443/x",
                "registry.example.community/x:1",
                "x:1/y",
                "a.b-/c",
                "-a/b",
            ]),
        ),
        ("imagePullPolicy", json!(["Never", "IfNotPresent", "Always"])),
        (
            "env",
            json!([
                [{"name": "A", "value": "b"}],
                [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
                [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "", "key": "k"}}}],
            ]),
        ),
        ("envFrom", json!([[{"secretRef": {"name": "s"}}], [{"configMapRef": {"name": "c"}}]])),
        (
            "livenessProbe",
            json!([
                {"httpGet": {"host": "10.0.0.1", "port": 80}},
                {"tcpSocket": {"host": "localhost", "port": 80}},
                {"httpGet": {"port": 80}},
            ]),
        ),
        ("lifecycle", json!([{"preStop": {"httpGet": {"host": "169.254.169.254", "port": 80}}}])),
        (
            "volumeMounts",
            json!([
                [{"name": "secret", "mountPath": "/a", "subPath": "k"}],
                [{"name": "data", "mountPath": "/a", "subPath": "k"}],
                [{"name": "secret", "mountPath": "/a", "subPathExpr": "$(A)"}],
                [{"name": "secret", "mountPath": "/a"}],
            ]),
        ),
    ]);
    fields
}

fn of_pods() -> Vec<(String, Value)> {
    let fields = vec![
        ("spec/hostNetwork", json!([true, false])),
        ("spec/hostPID", json!([true, false])),
        ("spec/hostIPC", json!([true, false])),
        ("spec/hostUsers", json!([true, false])),
        ("spec/shareProcessNamespace", json!([true, false])),
        ("spec/os", json!([{"name": "windows"}, {"name": "linux"}])),
        ("spec/nodeSelector", json!([{"kubernetes.io/os": "windows"}, {"a": "b"}])),
        ("spec/securityContext/fsGroup", json!([0, 10001])),
        (
            "spec/securityContext/sysctls",
            json!([
                [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}],
                [{"name": "net/ipv4/tcp_rmem", "value": "1"}, {"name": "kernel.msgmax", "value": "1"}],
            ]),
        ),
        ("spec/volumes", volumes()),
        (
            "metadata/annotations|container.apparmor.security.beta.kubernetes.io/web",
            json!(["unconfined", "runtime/default"]),
        ),
        (
            "metadata/annotations|seccomp.security.alpha.kubernetes.io/pod",
            json!(["runtime/default"]),
        ),
    ];
    let of_both = of_both().into_iter().map(|(name, values)| (format!("spec/{name}"), values));
    fields.into_iter().map(|(name, values)| (name.to_owned(), values)).chain(of_both).collect()
}

fn volumes() -> Value {
    let token = |token: Value, more: Value| json!([{"name": "t", "projected": {"sources": [{"serviceAccountToken": token}, more]}}]);
    let ca = json!({"configMap": {"name": "kube-root-ca.crt"}});
    let other = json!({"configMap": {"name": "other"}});
    json!([
        [{"name": "secret", "hostPath": {"path": "/etc"}}],
        [{"name": "secret", "secret": {"secretName": "web", "defaultMode": 0o777}}],
        [{"name": "secret", "secret": {"secretName": "web", "defaultMode": 0o400}}],
        [{"name": "secret", "secret": {"secretName": "web", "items": [
            {"key": "a", "path": "a", "mode": 0o611},
        ]}}],
        [{"name": "secret", "projected": {"defaultMode": 0o640, "sources": [
            {"secret": {"name": "web", "items": [{"key": "a", "path": "a", "mode": 0o604}]}},
        ]}}],
        [{"name": "secret", "csi": {"driver": "secrets-store.csi.k8s.io"}}],
        [{"name": "secret", "projected": {"sources": null}}],
        token(json!({"path": "token", "expirationSeconds": 3600}), ca.clone()),
        token(json!({"path": "token", "expirationSeconds": 3600}), other.clone()),
        token(json!({"path": "token", "audience": "vault", "expirationSeconds": 100_000}), other),
        token(json!({"path": "token", "audience": "vault"}), ca),
    ])
}
