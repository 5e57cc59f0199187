//! Inputs that were judged wrongly once, each with the right answer.

use std::sync::Arc;

use coaming_finding::{Finding, Severity};
use coaming_kube::{Source, SourceKind, World};
use coaming_rules::{Images, Input, RuleSet, Settings, run};

fn judged(source: Source) -> Vec<Finding> {
    let world = World::new(vec![source]);
    let (images, settings) = (Images::default(), Settings::default());
    run(
        Input::new(&world, &images, &settings),
        &RuleSet::matching(|rule| rule.meta.default),
        Vec::new(),
    )
}

fn manifest(text: &str) -> Vec<Finding> {
    let stream = coaming_yaml::parse(Arc::from(text));
    assert_eq!(stream.errors, [], "{text}");
    judged(Source::new("a.yaml", stream.source, stream.documents))
}

fn dockerfile(text: &str) -> Vec<Finding> {
    judged(Source::text("Dockerfile", Arc::from(text), SourceKind::Dockerfile))
}

/// The severities of a rule's findings.
fn of(findings: &[Finding], rule: &str) -> Vec<Severity> {
    findings.iter().filter(|it| it.rule.id == *rule).map(|it| it.severity).collect()
}

fn pod(spec: &str) -> String {
    format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: demo}}\nspec: {spec}\n")
}

#[test]
fn capabilities_count_in_any_spelling() {
    for name in ["sys_admin", "SYS_ADMIN", "CAP_SYS_ADMIN", "cap_sys_admin"] {
        let text = pod(&format!(
            "{{containers: [{{name: a, image: 'a:1.2.3', securityContext: {{capabilities: {{add: [{name}]}}}}}}]}}"
        ));
        assert_eq!(of(&manifest(&text), "added-capabilities"), [Severity::Critical], "{name}");
    }
}

#[test]
fn root_in_a_user_namespace_is_a_user_of_the_node() {
    let root = |users: &str| {
        pod(&format!(
            "{{{users} containers: [{{name: a, image: 'a:1.2.3', securityContext: {{runAsUser: 0}}}}]}}"
        ))
    };
    assert_eq!(of(&manifest(&root("hostUsers: false,")), "run-as-root"), [Severity::Low]);
    assert_eq!(of(&manifest(&root("")), "run-as-root"), [Severity::High]);
}

#[test]
fn the_administrator_is_the_root_of_a_windows_container() {
    for name in [
        "ContainerAdministrator",
        "containeradministrator",
        "'.\\ContainerAdministrator'",
        "'NT AUTHORITY\\SYSTEM'",
    ] {
        let text = pod(&format!(
            "{{os: {{name: windows}}, securityContext: {{windowsOptions: {{runAsUserName: {name}}}}}, containers: [{{name: a, image: 'a:1.2.3'}}]}}"
        ));
        assert_eq!(of(&manifest(&text), "run-as-root").len(), 1, "{name}");
    }
    let user = pod(
        "{os: {name: windows}, securityContext: {windowsOptions: {runAsUserName: ContainerUser}}, containers: [{name: a, image: 'a:1.2.3'}]}",
    );
    assert!(of(&manifest(&user), "run-as-root").is_empty());
}

#[test]
fn one_finding_names_all_paths_of_the_node() {
    let mount =
        |name: &str, path: &str| format!("{{name: {name}, mountPath: '{path}', readOnly: true}}");
    let volume = |name: &str, path: &str| format!("{{name: {name}, hostPath: {{path: '{path}'}}}}");
    let text = pod(&format!(
        "{{containers: [{{name: a, image: 'a:1.2.3', volumeMounts: [{}, {}]}}], volumes: [{}, {}]}}",
        mount("zone", "/etc/localtime"),
        mount("kubelet", "/var/lib/kubelet"),
        volume("zone", "/etc/localtime"),
        volume("kubelet", "/var/lib/kubelet"),
    ));
    let found = manifest(&text);
    assert_eq!(of(&found, "host-path"), [Severity::High]);
    let finding = found.iter().find(|it| it.rule.id == *"host-path").unwrap();
    assert_eq!(finding.locations.len(), 2);
    assert!(finding.message.contains("`/var/lib/kubelet` and `/etc/localtime`"), "{finding:?}");
}

#[test]
fn a_volume_of_the_node_is_reported_where_it_is_defined() {
    let volume = |path: &str| {
        format!(
            "apiVersion: v1\nkind: PersistentVolume\nmetadata: {{name: v}}\nspec: {{hostPath: {{path: {path}}}}}\n"
        )
    };
    assert_eq!(of(&manifest(&volume("/")), "host-path"), [Severity::Critical]);
    assert_eq!(of(&manifest(&volume("/mnt/data")), "host-path"), [Severity::Low]);
}

#[test]
fn the_host_is_changed_by_commands_and_not_by_uploads() {
    let help = |text: &str| {
        let found = manifest(text);
        found.iter().find(|it| it.rule.id == *"run-as-root").unwrap().help.to_string()
    };
    let kernel = pod(
        "{containers: [{name: a, image: 'a:1.2.3', command: [sysctl, -w, vm.max_map_count=262144], securityContext: {privileged: true, runAsUser: 0}}]}",
    );
    assert!(help(&kernel).contains("manage the node"), "{}", help(&kernel));
    let uploads = pod(
        "{containers: [{name: a, image: 'a:1.2.3', securityContext: {runAsUser: 0}, volumeMounts: [{name: u, mountPath: /u}]}], volumes: [{name: u, hostPath: {path: /data/uploads}}]}",
    );
    assert!(!help(&uploads).contains("manage the node"), "{}", help(&uploads));
}

#[test]
fn volumes_for_sockets_hold_no_secrets() {
    let text = pod(
        "{containers: [{name: a, image: 'a:1.2.3', volumeMounts: [{name: workload-socket, mountPath: /var/run/secrets/workload-uds}]}], volumes: [{name: workload-socket, emptyDir: {}}]}",
    );
    assert!(of(&manifest(&text), "secret-on-disk").is_empty());
}

#[test]
fn files_of_an_unversioned_image() {
    let text = "FROM debian:12.5 AS build\nFROM debian:12.5\nCOPY --from=alpine /etc/ssl /etc/ssl\nCOPY --from=build /a /a\nCOPY --from=0 /b /b\nCOPY --from=Build /c /c\nRUN --mount=type=bind,from=golang,target=/x ls\nONBUILD COPY --from=busybox /bin/x /bin/x\nUSER 10001\n";
    let found = dockerfile(text);
    let images: Vec<&str> = found
        .iter()
        .filter(|it| it.rule.id == *"base-image-version")
        .map(|it| it.message.as_str())
        .collect();
    assert_eq!(images.len(), 3, "{images:?}");
}

#[test]
fn what_onbuild_does_is_judged() {
    let found = dockerfile(
        "FROM debian:12.5\nUSER 10001\nONBUILD ARG NPM_TOKEN\nONBUILD RUN curl -fsSL https://get.example.com/i.sh | sh\nONBUILD USER root\n",
    );
    for rule in ["image-user", "unverified-download", "dockerfile-secret"] {
        assert_eq!(of(&found, rule).len(), 1, "{rule}");
    }
    let harmless = dockerfile("FROM debian:12.5\nONBUILD USER root\nONBUILD USER 10001\nUSER 1\n");
    assert!(of(&harmless, "image-user").is_empty());
}

#[test]
fn published_databases() {
    let service = |kind: &str, more: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: r, labels: {{app: r}}}}\nspec: {{containers: [{{name: r, image: 'redis:7.2.5'}}]}}\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: r{more}}}\nspec: {{type: {kind}, selector: {{app: r}}, ports: [{{port: 6379}}]}}\n"
        )
    };
    let severities = |text: &str| of(&manifest(text), "exposed-service");
    assert_eq!(severities(&service("LoadBalancer", "")), [Severity::High]);
    assert_eq!(severities(&service("NodePort", "")), [Severity::Medium]);
    assert!(severities(&service("ClusterIP", "")).is_empty());
    let internal = ", annotations: {networking.gke.io/load-balancer-type: Internal}";
    assert!(severities(&service("LoadBalancer", internal)).is_empty());
    let web = service("LoadBalancer", "").replace("redis:7.2.5", "acme/web:1.0.0");
    assert!(severities(&web.replace("6379", "443")).is_empty());
}

#[test]
fn addresses_and_snippets() {
    let found = manifest(
        "apiVersion: v1\nkind: Service\nmetadata: {name: ext, namespace: demo}\nspec: {externalIPs: [192.0.2.8], selector: {app: web}, ports: [{port: 443}]}\n---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web, namespace: demo, annotations: {nginx.ingress.kubernetes.io/server-snippet: 'location /x { return 200; }'}}\nspec: {rules: [{host: web.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}\n",
    );
    for rule in ["external-ips", "ingress-snippet", "ingress-without-tls"] {
        assert_eq!(of(&found, rule).len(), 1, "{rule}");
    }
}

#[test]
fn rights_that_lead_to_all_others() {
    let role = |rules: &str| {
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: r}}\nrules: [{rules}]\n"
        )
    };
    for rules in [
        "{apiGroups: [admissionregistration.k8s.io], resources: [mutatingwebhookconfigurations], verbs: ['*']}",
        "{apiGroups: [certificates.k8s.io], resources: [certificatesigningrequests/approval], verbs: [update]}, {apiGroups: [certificates.k8s.io], resources: [signers], verbs: [approve], resourceNames: [kubernetes.io/kube-apiserver-client]}",
        "{apiGroups: [''], resources: [persistentvolumes], verbs: [create]}",
        "{apiGroups: [''], resources: [nodes], verbs: [patch]}",
        "{apiGroups: [networking.k8s.io], resources: [networkpolicies], verbs: [delete]}",
        "{apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], resourceNames: [cluster-admin], verbs: [bind]}",
        "{apiGroups: [''], resources: [groups], resourceNames: ['system:masters'], verbs: [impersonate]}",
    ] {
        assert_eq!(of(&manifest(&role(rules)), "role-gives-rights").len(), 1, "{rules}");
    }
    for rules in [
        "{apiGroups: [admissionregistration.k8s.io], resources: [mutatingwebhookconfigurations], verbs: [get, list, watch]}",
        "{apiGroups: [certificates.k8s.io], resources: [certificatesigningrequests/approval], verbs: [update]}, {apiGroups: [certificates.k8s.io], resources: [signers], verbs: [approve], resourceNames: [example.com/own]}",
        "{apiGroups: [''], resources: [nodes], verbs: [get, list]}",
        "{apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], resourceNames: [web], verbs: [bind]}",
    ] {
        assert!(of(&manifest(&role(rules)), "role-gives-rights").is_empty(), "{rules}");
    }
}

#[test]
fn a_reachable_workload_with_the_rights_is_named() {
    let found = manifest(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: web}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}\nsubjects: [{kind: ServiceAccount, name: web, namespace: shop}]\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop, labels: {app: web}}\nspec: {serviceAccountName: web, containers: [{name: a, image: 'a:1.2.3'}]}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}\n",
    );
    let finding = found.iter().find(|it| it.rule.id == *"role-gives-rights").unwrap();
    assert!(finding.why.contains("Pod `web` has it"), "{finding:?}");
    assert!(finding.why.contains("through Service `web`"), "{finding:?}");
}

#[test]
fn two_items_without_pods_to_judge_by_are_not_reported() {
    let text = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: test-network-policy, namespace: default}\nspec:\n  podSelector: {matchLabels: {role: db}}\n  policyTypes: [Ingress]\n  ingress:\n    - from:\n        - namespaceSelector: {matchLabels: {project: myproject}}\n        - podSelector: {matchLabels: {role: frontend}}\n";
    assert!(of(&manifest(text), "split-peer").is_empty());
}

/// The same with a specification in several lines, for comments.
fn block(spec: &str) -> String {
    format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: demo}}\nspec:\n  {spec}\n")
}

#[test]
fn what_gateways_and_controllers_open() {
    let admin = "apiVersion: v1\nkind: Pod\nmetadata: {name: r, namespace: demo, labels: {app: r}}\nspec: {containers: [{name: r, image: 'dpage/pgadmin4:8.9'}]}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: r, namespace: demo}\nspec: {selector: {app: r}, ports: [{port: 80}]}\n---\n";
    let search =
        admin.replace("dpage/pgadmin4:8.9", "elasticsearch:8.14.1").replace("80}", "9200}");
    for route in [
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: a, namespace: demo}\nspec: {parentRefs: [{name: g}], rules: [{backendRefs: [{name: r, port: 80}]}]}\n",
        "apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {name: a, namespace: demo}\nspec: {routes: [{match: Host(`a`), services: [{name: r, port: 80}]}]}\n",
        "apiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {name: a, namespace: demo}\nspec: {to: {kind: Service, name: r}}\n",
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a, namespace: demo}\nspec: {gateways: [g], hosts: ['*'], http: [{route: [{destination: {host: r.demo.svc.cluster.local}}]}]}\n",
        "apiVersion: projectcontour.io/v1\nkind: HTTPProxy\nmetadata: {name: a, namespace: demo}\nspec: {virtualhost: {fqdn: a.example.com}, routes: [{services: [{name: r, port: 80}]}]}\n",
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a, namespace: demo}\nspec: {defaultBackend: {service: {name: r, port: {number: 80}}}}\n",
    ] {
        for pods in [admin, search.as_str()] {
            let found = manifest(&format!("{pods}{route}"));
            assert_eq!(of(&found, "exposed-service"), [Severity::Medium], "{route}");
        }
    }
    let in_mesh = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a, namespace: demo}\nspec: {hosts: [r], http: [{route: [{destination: {host: r}}]}]}\n";
    assert!(of(&manifest(&format!("{admin}{in_mesh}")), "exposed-service").is_empty());
}

#[test]
fn routes_without_tls() {
    for (text, expected) in [
        (
            "apiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {name: a}\nspec: {to: {name: r}}\n",
            1,
        ),
        (
            "apiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {name: a}\nspec: {to: {name: r}, tls: {termination: edge}}\n",
            0,
        ),
        (
            "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: a}\nspec: {listeners: [{name: a, port: 80, protocol: HTTP}]}\n",
            1,
        ),
        (
            "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: a}\nspec: {listeners: [{name: a, port: 80, protocol: HTTP}, {name: b, port: 443, protocol: HTTPS}]}\n",
            0,
        ),
        (
            "apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {name: a}\nspec: {entryPoints: [web], routes: [{services: [{name: r}]}]}\n",
            1,
        ),
        (
            "apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {name: a}\nspec: {entryPoints: [websecure], routes: [{services: [{name: r}]}]}\n",
            0,
        ),
    ] {
        assert_eq!(of(&manifest(text), "ingress-without-tls").len(), expected, "{text}");
    }
}

#[test]
fn what_needs_the_node_has_no_fix_that_takes_it_away() {
    let fixes = |container: &str, rule: &str| -> Vec<coaming_finding::Applicability> {
        let text = pod(&format!("{{containers: [{{name: a, {container}}}]}}"));
        let found = manifest(&text);
        let of_rule = found.iter().filter(|finding| finding.rule.id == *rule);
        of_rule.filter_map(|finding| Some(finding.fix.as_ref()?.applicability)).collect()
    };
    use coaming_finding::Applicability::{Manual, Unsafe};
    for container in [
        "image: 'busybox:1.36.1', command: [sysctl, -w, vm.max_map_count=262144]",
        "image: 'docker:26.1-dind'",
        "image: 'registry.example.com/vpn:1.2.3', command: [openvpn, --config, /c]",
    ] {
        let privileged = format!("{container}, securityContext: {{privileged: true}}");
        assert_eq!(fixes(&privileged, "privileged"), [Manual], "{container}");
    }
    let plain = "image: 'registry.example.com/a:1.2.3', securityContext: {privileged: true}";
    assert_eq!(fixes(plain, "privileged"), [Unsafe]);
    let filter = "image: 'registry.example.com/a:1.2.3', command: [iptables, -L], securityContext: {capabilities: {add: [NET_ADMIN]}}";
    assert_eq!(fixes(filter, "added-capabilities"), [Manual]);
}

#[test]
fn a_suppression_takes_one_place_out_of_a_finding_for_several() {
    let web = |name: &str, annotation: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: demo, annotations: {{{annotation}}}}}\nspec: {{selector: {{matchLabels: {{a: {name}}}}}, template: {{metadata: {{labels: {{a: {name}}}}}, spec: {{containers: [{{name: a, image: 'registry.example.com/a:1.2.3'}}]}}}}}}\n---\n"
        )
    };
    for rule in ["service-account-token", "no-ingress-policy"] {
        let annotation = format!("coaming.dev/ignore: '{rule}: it must'");
        let found = manifest(&(web("one", &annotation) + &web("two", "") + &web("three", "")));
        let of_rule: Vec<&Finding> = found.iter().filter(|it| it.rule.id == *rule).collect();
        let (suppressed, reported): (Vec<&Finding>, Vec<&Finding>) =
            of_rule.into_iter().partition(|finding| finding.suppressed.is_some());
        assert_eq!((suppressed.len(), reported.len()), (1, 1), "{rule}");
        assert_eq!(reported[0].locations.len(), 2, "{rule}");
        assert!(!reported[0].message.contains("one"), "{:?}", reported[0].message);
        let edits = reported[0].fix.as_ref().map_or(0, |fix| fix.edits.len());
        assert!(edits == 0 || edits == 2, "{rule}");
        assert!(of(&found, "suppression").is_empty(), "{rule}");
    }
    let paths = block(
        "containers: [{name: a, image: 'a:1.2.3', volumeMounts: [{name: v, mountPath: /v}, {name: w, mountPath: /w}]}]\n  volumes:\n  - name: v\n    hostPath:\n      path: /etc # coaming: ignore[host-path] an agent\n  - name: w\n    hostPath:\n      path: /var/log",
    );
    let found = manifest(&paths);
    let reported: Vec<&Finding> =
        found.iter().filter(|it| it.rule.id == *"host-path" && it.suppressed.is_none()).collect();
    assert_eq!(reported.len(), 1);
    assert!(reported[0].message.contains("/var/log") && !reported[0].message.contains("/etc"));
}

#[test]
fn a_suppression_without_a_rule_is_reported() {
    let text = block(
        "hostPID: true # coaming: ignore it must\n  containers: [{name: a, image: 'a:1.2.3'}]",
    );
    let found = manifest(&text);
    assert!(found.iter().any(|it| it.message == "suppression names no rule"), "{found:?}");
}

#[test]
fn what_parts_of_pods_inherit_is_one_finding() {
    let text = "apiVersion: jaegertracing.io/v1\nkind: Jaeger\nmetadata: {name: j}\nspec:\n  strategy: allInOne\n  allInOne: {image: 'jaegertracing/all-in-one:1.57'}\n  securityContext: {runAsUser: 0}\n";
    let found = manifest(text);
    let found: Vec<_> = found.iter().filter(|it| it.rule.id.as_str() == "run-as-root").collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].container.as_deref(), Some("allInOne"));
}

#[test]
fn a_network_policy_in_another_group_is_one_finding() {
    for version in ["v1", "app/v1", "extensions.k8s.io/v1", "network.k8s.io/v1"] {
        let text = format!(
            "apiVersion: {version}\nkind: NetworkPolicy\nmetadata: {{name: a}}\nspec: {{podSelector: {{}}}}\n"
        );
        let found = manifest(&text);
        let rules: Vec<&str> = found.iter().map(|finding| finding.rule.id.as_str()).collect();
        assert_eq!(rules, ["invalid-network-policy"], "{version}");
    }
}

#[test]
fn an_object_without_a_name_is_named_by_its_kind() {
    let found = manifest(
        "apiVersion: v1\nkind: Pod\nmetadata: {labels: {a: b}}\nspec: {containers: [{name: a, image: 'nginx:1.27'}]}\n",
    );
    let finding = found.iter().find(|it| it.rule.id.as_str() == "no-ingress-policy").unwrap();
    let expected = "no network policy guards the ingress or egress of a Pod without a name in namespace `default`";
    assert_eq!(finding.message, expected);
}

#[test]
fn manifests_in_scripts_and_parameters_have_no_fix_that_is_applied() {
    let job = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  run.sh: |\n    kubectl apply -f - <<EOF\n    apiVersion: v1\n    kind: Pod\n    metadata: {name: p}\n    spec: {hostPID: true, containers: [{name: a, image: 'nginx:1.27', securityContext: {privileged: true}}]}\n    EOF\n";
    let application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\nspec:\n  source:\n    chart: x\n    helm:\n      parameters: [{name: a.securityContext.privileged, value: 'true'}]\n";
    for text in [job, application] {
        let found = manifest(text);
        let finding = found.iter().find(|it| it.rule.id.as_str() == "privileged").unwrap();
        let fix = finding.fix.as_ref().unwrap();
        assert_eq!(fix.applicability, coaming_finding::Applicability::Manual, "{text}");
        assert!(finding.locations[0].span.is_some());
    }
}

#[test]
fn images_that_write_their_own_files_keep_a_writable_root() {
    let edits = |image: &str, more: &str| {
        let text = pod(&format!("{{containers: [{{name: a, image: '{image}'{more}}}]}}"));
        let found = manifest(&text);
        let finding =
            found.into_iter().find(|it| it.rule.id.as_str() == "missing-security-context").unwrap();
        format!("{:?}", finding.fix.unwrap().edits)
    };
    for (image, more, is_set) in [
        ("docker.elastic.co/elasticsearch/elasticsearch:8.13.0", "", false),
        ("bitnami/redis:7.2", "", false),
        (
            "bitnami/redis:7.2",
            ", volumeMounts: [{name: a, mountPath: /opt/bitnami/redis/etc}]",
            true,
        ),
        ("bitnami/kubectl:1.30", "", true),
        ("lscr.io/linuxserver/sonarr:4.0.0", "", false),
        ("quay.io/keycloak/keycloak:24.0", "", false),
        ("quay.io/keycloak/keycloak:24.0", ", args: [start, --optimized]", true),
        ("elasticsearch:8.13.0", ", command: [sleep, '1']", true),
        ("confluentinc/cp-kafka:7.6.1", "", false),
        ("phpmyadmin:5.2.1", "", false),
    ] {
        let edits = edits(image, more);
        assert_eq!(edits.contains("readOnlyRootFilesystem"), is_set, "{image}: {edits}");
        assert!(edits.contains("seccompProfile"), "{image}: {edits}");
    }
    let text = pod(
        "{containers: [{name: a, image: 'elasticsearch:8.13.0', securityContext: {readOnlyRootFilesystem: false}}]}",
    );
    let found = RuleSet::matching(|rule| rule.meta.id == *"writable-root-filesystem");
    let stream = coaming_yaml::parse(Arc::from(text.as_str()));
    let world = World::new(vec![Source::new("a.yaml", stream.source, stream.documents)]);
    let (images, settings) = (Images::default(), Settings::default());
    let found = run(Input::new(&world, &images, &settings), &found, Vec::new());
    assert_eq!(
        found[0].fix.as_ref().unwrap().applicability,
        coaming_finding::Applicability::Manual
    );
}

#[test]
fn images_that_run_as_root_get_no_demand_that_the_kubelet_refuses() {
    for (image, user) in [
        ("eclipse-temurin:21.0.4_7-jre", None),
        ("docker.io/library/gradle:8.10.2", None),
        ("minio/minio:RELEASE.2024-09-13T20-26-02Z", None),
        ("amazon/aws-cli:2.17.0", None),
        ("confluentinc/cp-kafka:7.6.1", Some("1000")),
        ("mailhog/mailhog:v1.0.1", Some("1000")),
        ("registry.example.com/eclipse-temurin:21.0.4", Some("")),
    ] {
        let found = manifest(&pod(&format!("{{containers: [{{name: a, image: '{image}'}}]}}")));
        let finding = found.into_iter().find(|it| it.rule.id == *"missing-security-context");
        let edits = format!("{:?}", finding.unwrap().fix.unwrap().edits);
        assert_eq!(edits.contains("runAsNonRoot"), user.is_some(), "{image}: {edits}");
        let has_number = edits.contains(&format!("Int({})", user.unwrap_or_default()));
        assert_eq!(has_number, user.is_some_and(|user| !user.is_empty()), "{image}: {edits}");
    }
}

#[test]
fn the_advice_for_a_path_of_the_node_is_about_it() {
    for (path, advice) in [
        ("/dev/log", "Write logs to standard output"),
        ("/dev/null", "every container has this device"),
        ("/dev/kvm", "device plugin"),
    ] {
        let text = pod(&format!(
            "{{containers: [{{name: a, image: 'x:1.0.0', volumeMounts: [{{name: v, mountPath: /x}}]}}], volumes: [{{name: v, hostPath: {{path: {path}}}}}]}}"
        ));
        let found = manifest(&text);
        let finding = found.iter().find(|it| it.rule.id.as_str() == "host-path").unwrap();
        assert!(finding.help.contains(advice), "{path}: {}", finding.help);
    }
}

#[test]
fn generated_names_are_named_once() {
    let pod = |metadata: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{{metadata}}}\nspec: {{containers: [{{name: a, image: 'nginx:1.27'}}]}}\n"
        )
    };
    let suppressed =
        "name: s, annotations: {coaming.dev/ignore: 'no-ingress-policy: it is guarded elsewhere'}";
    let text = [suppressed, "generateName: run-", "generateName: run-", ""].map(pod).join("---\n");
    let found = manifest(&text);
    let messages = found.iter().filter(|it| it.rule.id.as_str() == "no-ingress-policy");
    let expected = "no network policy guards the ingress or egress of run-, a Pod without a name in namespace `default`";
    assert!(messages.into_iter().any(|it| it.message == expected), "{found:#?}");
}

#[test]
fn ranges_of_the_whole_internet_limit_nothing() {
    let found = |spec: &str| {
        let text = format!(
            "apiVersion: acid.zalan.do/v1\nkind: postgresql\nmetadata: {{name: db, namespace: demo}}\nspec: {{{spec}}}\n"
        );
        of(&manifest(&text), "exposed-service")
    };
    for switch in ["enableMasterLoadBalancer", "enableReplicaPoolerLoadBalancer"] {
        let with = |ranges: &str| found(&format!("{switch}: true{ranges}"));
        assert_eq!(with(""), [Severity::High], "{switch}");
        assert_eq!(with(", allowedSourceRanges: [10.0.0.0/8, 0.0.0.0/0]"), [Severity::High]);
        assert_eq!(with(", allowedSourceRanges: [10.0.0.0/8]"), []);
    }
    assert_eq!(found("enableMasterLoadBalancer: false"), []);
}
