//! Any text as policies and pods: the list of connections always has an end, and every answer a text.

#![no_main]

use std::sync::Arc;

use coaming_kube::{Source, World};
use coaming_network::{Reach, connections, exposure, from_world, idle_rules, policy_findings};
use libfuzzer_sys::fuzz_target;

/// Pods that policies in the text may mean.
const PODS: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {istio-injection: enabled, k8s.ovn.org/primary-user-defined-network: ''}}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c, image: x, ports: [{name: http, containerPort: 80}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: shop, labels: {app: agent}}
spec: {hostNetwork: true, containers: [{name: c, image: x}]}
---
";

fuzz_target!(|text: &str| {
    let stream = coaming_yaml::parse(Arc::from(format!("{PODS}{text}")));
    let source = Source::new("fuzz.yaml", stream.source, stream.documents);
    let model = from_world(&World::new(vec![source]));
    let reach = Reach::new(model.clone());
    assert!(connections(&reach).all(|connection| !connection.allowed.is_empty()));
    let _ = policy_findings(&reach);
    let _ = idle_rules(&reach);
    let _ = exposure(model);
});
