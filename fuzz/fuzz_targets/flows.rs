//! Any text as a log of flows, or as answers to questions: what is suggested is YAML in every format, or
//! an error says what is wrong.

#![no_main]

use std::sync::Arc;

use coaming_kube::{Source, World};
use coaming_network::suggest::{Answers, Format, SuggestOptions, suggest_with};
use libfuzzer_sys::fuzz_target;

/// Pods that flows in the text may be of, and a Service that is asked about.
const PODS: &str = "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c, image: x}]}
status: {podIP: 10.1.0.5}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: c, image: x, ports: [{containerPort: 5432}]}]}
status: {podIP: 10.1.0.6}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {clusterIP: 10.96.0.7, selector: {app: db}, ports: [{port: 5432}]}
";

fuzz_target!(|text: &str| {
    let stream = coaming_yaml::parse(Arc::from(PODS));
    let source = Source::new("fuzz.yaml", stream.source, stream.documents);
    let world = World::new(vec![source]);
    let answers = Answers::read(text).ok();
    for format in [Format::Kubernetes, Format::Calico, Format::Cilium] {
        let log = SuggestOptions { log: Some(text), format, ..SuggestOptions::default() };
        let answers =
            SuggestOptions { answers: answers.as_ref(), format, ..SuggestOptions::default() };
        for options in [log, answers] {
            if let Ok(suggestion) = suggest_with(&world, &options) {
                let stream = coaming_yaml::parse(Arc::from(suggestion.yaml));
                assert_eq!(stream.errors, []);
            }
        }
    }
});
