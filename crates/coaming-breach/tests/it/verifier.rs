//! A small verifier that walks ways over the raw objects, without the engine's code.

use coaming_breach::{ContainerName, Foothold, IdentityName, Way, WayStep, WorkloadName};
use coaming_kube::World;
use serde_json::Value;

use crate::common::{ask, corpus, query, world_of};

/// Every object, as it is written.
struct Raw(Vec<Value>);

impl Raw {
    fn new(world: &World) -> Self {
        let objects = world.sources().flat_map(|(id, _)| world.objects_in(id));
        Self(objects.map(|object| object.node().to_json()).collect())
    }

    fn of_kind<'r>(&'r self, kind: &'r str) -> impl Iterator<Item = &'r Value> {
        self.0.iter().filter(move |object| object["kind"] == kind)
    }

    /// The pod specifications of a workload, and the labels of its pods.
    fn pods<'r>(&'r self, name: &'r WorkloadName) -> Vec<(&'r Value, &'r Value)> {
        let own = self.of_kind(&name.kind).filter(|object| {
            namespace(object) == name.namespace
                && (object["metadata"]["name"] == name.name.as_str() || name.name.contains('#'))
        });
        own.map(|object| match name.kind.as_str() {
            "Pod" => (&object["spec"], &object["metadata"]["labels"]),
            "CronJob" => {
                let template = &object["spec"]["jobTemplate"]["spec"]["template"];
                (&template["spec"], &template["metadata"]["labels"])
            }
            _ => {
                let template = &object["spec"]["template"];
                (&template["spec"], &template["metadata"]["labels"])
            }
        })
        .collect()
    }

    /// Whether a container of this name, in a pod of this workload, passes a test.
    fn any(&self, name: &ContainerName, test: impl Fn(&Value, &Value) -> bool) -> bool {
        self.pods(&name.workload).into_iter().any(|(pod, _)| {
            ["containers", "ephemeralContainers", "initContainers"]
                .into_iter()
                .flat_map(|list| items(&pod[list]))
                .filter(|it| it["name"] == name.container.as_str())
                .any(|container| test(pod, container))
        })
    }

    /// The host paths that a container mounts, and whether it may write to them.
    fn host_paths(&self, name: &ContainerName) -> Vec<(String, bool)> {
        let found = std::cell::RefCell::new(Vec::new());
        self.any(name, |pod, container| {
            for mount in items(&container["volumeMounts"]) {
                let volume = items(&pod["volumes"]).find(|it| it["name"] == mount["name"]);
                if let Some(path) = volume.and_then(|it| it["hostPath"]["path"].as_str()) {
                    let sub = mount["subPath"].as_str().unwrap_or_default();
                    let writes = mount["readOnly"] != true;
                    found.borrow_mut().push((format!("{path}/{sub}"), writes));
                }
            }
            false
        });
        found.into_inner()
    }

    /// Whether roles that are bound to an identity have a rule for one of these verbs of a resource.
    fn may(&self, identity: &IdentityName, group: &str, resource: &str, verbs: &[&str]) -> bool {
        let bindings = self.of_kind("ClusterRoleBinding").chain(self.of_kind("RoleBinding"));
        let own = bindings
            .filter(|it| items(&it["subjects"]).any(|subject| is_subject(subject, identity, it)));
        own.into_iter().any(|binding| {
            let (kind, name) = (&binding["roleRef"]["kind"], &binding["roleRef"]["name"]);
            let mut roles = self.0.iter().filter(|role| {
                role["kind"] == *kind
                    && role["metadata"]["name"] == *name
                    && (kind == "ClusterRole" || namespace(role) == namespace(binding))
            });
            // These come with Kubernetes.
            let is_built_in = ["cluster-admin", "admin", "edit"].iter().any(|it| name == it);
            is_built_in
                || roles.any(|role| {
                    items(&role["rules"]).any(|rule| {
                        let has = |field: &str, wanted: &str| {
                            items(&rule[field]).any(|it| it == "*" || it == wanted)
                        };
                        has("apiGroups", group)
                            && (has("resources", resource)
                                || resource.split_once('/').is_some_and(|(_, sub)| {
                                    items(&rule["resources"]).any(|it| *it == format!("*/{sub}"))
                                }))
                            && verbs.iter().any(|verb| has("verbs", verb))
                    })
                })
        })
    }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn namespace(object: &Value) -> &str {
    object["metadata"]["namespace"].as_str().unwrap_or("default")
}

fn is_subject(subject: &Value, identity: &IdentityName, binding: &Value) -> bool {
    let of = subject["namespace"].as_str().unwrap_or_else(|| namespace(binding));
    match identity {
        IdentityName::User(own) => subject["kind"] == "User" && subject["name"] == own.as_str(),
        IdentityName::Group(own) => subject["kind"] == "Group" && subject["name"] == own.as_str(),
        IdentityName::ServiceAccount { namespace, name } => match subject["kind"].as_str() {
            Some("ServiceAccount") => of == namespace && subject["name"] == name.as_str(),
            Some("Group") => {
                let groups = ["system:serviceaccounts", "system:authenticated"];
                groups.iter().any(|group| subject["name"] == *group)
                    || subject["name"] == format!("system:serviceaccounts:{namespace}")
            }
            Some("User") => subject["name"] == format!("system:serviceaccount:{namespace}:{name}"),
            _ => false,
        },
    }
}

/// Whether a Service, an Ingress or the pod itself lets connections from outside in.
fn is_exposed(raw: &Raw, workload: &WorkloadName) -> bool {
    raw.pods(workload).into_iter().any(|(pod, labels)| {
        let selecting = raw.of_kind("Service").filter(|service| {
            let selector = service["spec"]["selector"].as_object();
            namespace(service) == workload.namespace
                && selector.is_some_and(|own| own.iter().all(|(key, value)| labels[key] == *value))
        });
        let by_service = selecting.into_iter().any(|service| {
            let spec = &service["spec"];
            let name = service["metadata"]["name"].as_str().unwrap_or_default();
            let routes = ["Ingress", "HTTPRoute", "Route", "GRPCRoute", "TCPRoute", "TLSRoute"];
            spec["type"] == "NodePort"
                || spec["type"] == "LoadBalancer"
                || items(&spec["externalIPs"]).next().is_some()
                || routes.iter().any(|kind| {
                    raw.of_kind(kind)
                        .any(|it| it["spec"].to_string().contains(&format!("\"{name}\"")))
                })
        });
        let has_host_port = items(&pod["containers"])
            .flat_map(|container| items(&container["ports"]))
            .any(|port| port["hostPort"].as_i64().is_some_and(|port| port > 0));
        by_service || has_host_port || pod["hostNetwork"] == true
    })
}

/// Whether any policy that selects the pods denies all connections to them.
fn is_denied(raw: &Raw, workload: &WorkloadName) -> bool {
    raw.pods(workload).into_iter().all(|(_, labels)| {
        let own: Vec<&Value> = raw
            .of_kind("NetworkPolicy")
            .filter(|policy| {
                let selector = policy["spec"]["podSelector"]["matchLabels"].as_object();
                let types = &policy["spec"]["policyTypes"];
                namespace(policy) == workload.namespace
                    && policy["spec"]["podSelector"]["matchExpressions"].is_null()
                    && selector
                        .is_none_or(|own| own.iter().all(|(key, value)| labels[key] == *value))
                    && (types.is_null() || items(types).any(|it| it == "Ingress"))
            })
            .collect();
        !own.is_empty() && own.iter().all(|it| items(&it["spec"]["ingress"]).next().is_none())
    })
}

fn container_of(foothold: &Foothold) -> Option<&ContainerName> {
    match foothold {
        Foothold::Container(name) | Foothold::ContainerRoot(name) => Some(name),
        _ => None,
    }
}

/// Whether two containers of a pod mount the same volume, and the first may write to it.
fn shares_writable_volume(raw: &Raw, from: &ContainerName, to: &ContainerName) -> bool {
    let kinds = ["emptyDir", "persistentVolumeClaim", "ephemeral"];
    from.workload == to.workload
        && from.container != to.container
        && raw.any(from, |pod, container| {
            items(&container["volumeMounts"]).filter(|it| it["readOnly"] != true).any(|mount| {
                let is_own = |it: &&Value| it["name"] == mount["name"];
                let volume = items(&pod["volumes"]).find(is_own);
                let is_writable =
                    volume.is_some_and(|volume| kinds.iter().any(|kind| !volume[kind].is_null()));
                is_writable
                    && raw.any(to, |_, other| items(&other["volumeMounts"]).any(|it| is_own(&it)))
            })
        })
}

/// Whether a step holds by what the objects say themselves: each premise of it.
fn holds(raw: &Raw, step: &WayStep) -> bool {
    let from = container_of(&step.from);
    let in_container = |test: &dyn Fn(&Value, &Value) -> bool| {
        from.is_some_and(|name| raw.any(name, |pod, container| test(pod, container)))
    };
    // What can be root of a container: no user of its own, or a way to become root.
    let may_be_root = |pod: &Value, container: &Value| {
        let (own, of_pod) = (&container["securityContext"], &pod["securityContext"]);
        let user =
            if own["runAsUser"].is_null() { &of_pod["runAsUser"] } else { &own["runAsUser"] };
        user.is_null() || user == 0 || own["allowPrivilegeEscalation"] != false
    };
    let shares_kernel = |pod: &Value| pod["hostUsers"] != false;
    let has_path = |test: &dyn Fn(&str, bool) -> bool| {
        from.is_some_and(|name| {
            raw.host_paths(name).iter().any(|(path, writes)| test(path, *writes))
        })
    };
    let may = |group: &str, resource: &str, verbs: &[&str]| {
        std::iter::once(&step.from).chain(&step.also).any(|foothold| match foothold {
            Foothold::Identity(identity) => raw.may(identity, group, resource, verbs),
            _ => false,
        })
    };
    // An administrator may do everything.
    if step.from == Foothold::ClusterAdmin {
        return true;
    }
    match step.step.id {
        "container-root" => {
            in_container(&may_be_root)
                && matches!((&step.from, &step.to),
                (Foothold::Container(a), Foothold::ContainerRoot(b)) if a == b)
        }
        "privileged-container" => in_container(&|pod, container| {
            container["securityContext"]["privileged"] == true && shares_kernel(pod)
        }),
        "dangerous-capability" => in_container(&|pod, container| {
            let own = &container["securityContext"];
            (own["privileged"] == true || items(&own["capabilities"]["add"]).next().is_some())
                && shares_kernel(pod)
        }),
        "runtime-socket" => has_path(&|path, _| {
            let path = path.replace("/var/run", "/run");
            path == "/" || path == "//" || path.starts_with("/run") || path.contains(".sock")
        }),
        "host-path-write" => has_path(&|_, writes| writes),
        "host-path-read" | "node-logs" => has_path(&|_, _| true),
        "host-processes" | "process-environment" => in_container(&|pod, _| pod["hostPID"] == true),
        "mounted-secret" => in_container(&|pod, container| match &step.to {
            Foothold::Secret { name, .. } => {
                let name = &format!("\"{name}\"");
                container["env"].to_string().contains(name)
                    || container["envFrom"].to_string().contains(name)
                    || pod["volumes"].to_string().contains(name)
            }
            _ => false,
        }),
        "account-token" => in_container(&|pod, _| match &step.to {
            Foothold::Identity(IdentityName::ServiceAccount { namespace: of, name }) => {
                let own = pod["serviceAccountName"].as_str().or(pod["serviceAccount"].as_str());
                let account = raw
                    .of_kind("ServiceAccount")
                    .find(|it| namespace(it) == of && it["metadata"]["name"] == name.as_str());
                let of_account =
                    account.map_or(&Value::Null, |it| &it["automountServiceAccountToken"]);
                let own_setting = &pod["automountServiceAccountToken"];
                let is_mounted =
                    if own_setting.is_null() { of_account != false } else { own_setting != false };
                let is_projected = pod["volumes"].to_string().contains("serviceAccountToken");
                own.unwrap_or("default") == name && (is_mounted || is_projected)
            }
            _ => false,
        }),
        "exposed-service" => match &step.to {
            Foothold::Port { workload, .. } => is_exposed(raw, workload),
            to => container_of(to).is_some_and(|name| is_exposed(raw, &name.workload)),
        },
        "network-connection" => matches!(&step.to, Foothold::Port { workload, .. }
            if !raw.pods(workload).is_empty()
                && (!is_denied(raw, workload) || from.is_some_and(|it| it.workload == *workload))),
        "data-access" | "store-credential" => match (&step.from, &step.to) {
            (Foothold::Port { workload, .. }, Foothold::DataStore(store)) => workload == store,
            (
                Foothold::Container(name) | Foothold::ContainerRoot(name),
                Foothold::DataStore(store),
            ) => name.workload == *store,
            (_, to) => matches!(to, Foothold::DataStore(_)),
        },
        "exfiltration" => {
            in_container(&|pod, _| !pod.is_null()) || step.to == Foothold::Exfiltration
        }
        "cloud-metadata" | "cloud-role" => matches!(step.to, Foothold::CloudIdentity(_)),
        "node-pods" | "control-plane-node" | "image-credential" => {
            matches!(step.from, Foothold::Node(_) | Foothold::NodeFiles(_))
        }
        "read-secrets" => may("", "secrets", &["get", "list", "watch"]),
        "exec" => {
            may("", "pods/exec", &["create", "get"])
                || may("", "pods/attach", &["create", "get"])
                || may("", "pods/ephemeralcontainers", &["patch", "update"])
                || may("", "nodes/proxy", &["get", "create"])
        }
        "port-forward" => ["pods/portforward", "pods/proxy", "services/proxy"]
            .iter()
            .any(|resource| may("", resource, &["create", "get"])),
        "request-token" => may("", "serviceaccounts/token", &["create"]),
        "create-token-secret" => may("", "secrets", &["create"]),
        "start-pod" | "privileged-pod" => {
            may("", "pods", &["create"])
                || may("", "replicationcontrollers", &["create", "patch", "update"])
                || ["deployments", "daemonsets", "statefulsets", "replicasets"]
                    .iter()
                    .any(|resource| may("apps", resource, &["create", "patch", "update"]))
                || ["jobs", "cronjobs"]
                    .iter()
                    .any(|resource| may("batch", resource, &["create", "patch", "update"]))
        }
        "persistent-volume" => may("", "persistentvolumes", &["create"]),
        "label-namespace" => may("", "namespaces", &["patch", "update"]),
        "impersonate" => ["users", "groups", "serviceaccounts"]
            .iter()
            .any(|resource| may("", resource, &["impersonate"])),
        "take-rights" => {
            let rbac = "rbac.authorization.k8s.io";
            may("*", "*", &["*"])
                || ["clusterroles", "clusterrolebindings", "roles", "rolebindings"].iter().any(
                    |resource| {
                        may(rbac, resource, &["bind", "escalate", "create", "patch", "update"])
                    },
                )
                || may(
                    "admissionregistration.k8s.io",
                    "mutatingwebhookconfigurations",
                    &["create", "patch", "update"],
                )
        }
        "token-secret" => match (&step.from, &step.to) {
            (
                Foothold::Secret { namespace: of, name },
                Foothold::Identity(IdentityName::ServiceAccount { namespace: at, name: account }),
            ) => raw.of_kind("Secret").any(|it| {
                namespace(it) == of
                    && of == at
                    && it["metadata"]["name"] == name.as_str()
                    && it["type"] == "kubernetes.io/service-account-token"
                    && it["metadata"]["annotations"]["kubernetes.io/service-account.name"]
                        == account.as_str()
            }),
            _ => false,
        },
        "open-admin-interface" | "known-vulnerability" | "neighbor-flaw" => {
            match (&step.from, container_of(&step.to)) {
                (Foothold::Port { workload, .. }, Some(to)) => *workload == to.workload,
                _ => false,
            }
        }
        "shared-processes" => in_container(&|pod, _| pod["shareProcessNamespace"] == true),
        "shared-volume" => match (from, container_of(&step.to)) {
            (Some(from), Some(to)) => shares_writable_volume(raw, from, to),
            _ => false,
        },
        // What has no arm here is not verified, and may not be on a way of these applications.
        _ => false,
    }
}

/// Whether each step starts from what the way holds already, and the last one ends at its target.
fn is_connected(start: &[Foothold], way: &Way) -> bool {
    let mut held: Vec<&Foothold> = start.iter().collect();
    for step in &way.steps {
        let needs = std::iter::once(&step.from).chain(&step.also);
        if !needs.into_iter().all(|foothold| held.contains(&foothold)) {
            return false;
        }
        held.push(&step.to);
    }
    way.steps.last().is_some_and(|step| step.to == way.to)
}

#[test]
fn every_way_of_real_applications_holds() {
    let Some(root) = corpus("kubernetes-goat") else { return };
    let mut count = 0;
    for directory in [
        root.clone(),
        root.join("../kube-prometheus"),
        root.join("../online-boutique/kubernetes-manifests"),
        root.join("../sock-shop/deploy/kubernetes"),
    ] {
        let world = world_of(&[directory]);
        let raw = Raw::new(&world);
        let names: Vec<(String, String, String)> = world
            .workloads()
            .map(|workload| {
                let object = workload.object;
                (
                    object.namespace_or_default().to_owned(),
                    object.kind().to_ascii_lowercase(),
                    object.name().to_owned(),
                )
            })
            .collect();
        for (namespace, kind, name) in names {
            let question = query(&format!("{namespace}/{kind}/{name}"), "");
            let answer = ask(&world, &question);
            for entry in &answer.entries {
                for way in entry.ways() {
                    count += 1;
                    let start = [way.from.clone()];
                    assert!(is_connected(&start, &way), "{name} to {}: {:#?}", way.to, way.steps);
                    for step in &way.steps {
                        assert!(holds(&raw, step), "{name} to {}: {step:#?}", way.to);
                    }
                }
            }
        }
    }
    assert!(count > 50, "{count}");
}
