//! Exported policies and our rules say the same: about the objects of the corpus, and about pods
//! with random fields.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use coaming_config::Config;
use coaming_export::vap::{self, Options};
use coaming_kube::{Origin, Source, World};
use coaming_rules::Images;
use coaming_scan::Engine;
use serde_json::Value;

use super::{coverage, mutations, oracle};

/// The containers that each rule names in an object, as an API server would be told.
fn ours(engine: &Engine, object: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let document = coaming_yaml::from_json(object);
    let source = Source::new("object", Arc::from(""), vec![document]).with_origin(Origin::Cluster);
    let world = World::new(Vec::new());
    let report = engine.review(&world, &Images::default(), &Arc::new(source), None);
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for finding in report.findings {
        let containers = found.entry(finding.rule.id.to_string()).or_default();
        containers.extend(finding.container);
    }
    found
}

/// Compares the two for these objects; returns how many verdicts were compared, and how many of
/// them were refusals.
fn compare(test: &str, config: &Config, objects: &[Value]) -> Option<(usize, usize)> {
    let program = coaming_test::vapeval::program(test)?;
    let export = vap::export(config, &Options::default());
    let (rules, policy) = oracle::merged(&export);
    let engine = Engine::new(config.clone(), None).unwrap();
    let questions: Vec<Value> =
        objects.iter().map(|object| oracle::question(&policy, object)).collect();
    let answers = oracle::ask(&program, &questions);
    assert_eq!(answers.len(), objects.len());
    let (mut compared, mut refused, mut wrong) = (0, 0, Vec::new());
    for (object, answer) in objects.iter().zip(&answers) {
        assert!(answer["compileErrors"].is_null(), "{answer}");
        // An object that the API's types do not read is refused before any policy.
        if !answer["error"].is_null() {
            continue;
        }
        let ours = ours(&engine, object);
        if ours.keys().any(|rule| matches!(rule.as_str(), "unknown-field" | "wrong-type")) {
            continue;
        }
        let decisions = answer["decisions"].as_array().unwrap();
        assert_eq!(decisions.len(), rules.len(), "{answer}");
        for ((rule, decision), policy) in rules.iter().zip(decisions).zip(&export.policies) {
            if !concerns(&Value::from(&policy.objects[0]), object) {
                continue;
            }
            compared += 1;
            let found = ours.get(*rule);
            let denied = decision["evaluation"] == "deny";
            refused += usize::from(denied);
            let message = decision["message"].as_str().unwrap_or_default();
            let names_all = found.is_none_or(|names| names.iter().all(|it| message.contains(it)));
            if decision["evaluation"] == "error" || denied != found.is_some() || !names_all {
                wrong.push(format!("{rule}: ours {found:?}, theirs {decision}\n{object}"));
            }
        }
    }
    wrong.truncate(5);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    Some((compared, refused))
}

/// Whether a policy is about objects of this kind.
fn concerns(policy: &Value, object: &Value) -> bool {
    let kind = object["kind"].as_str().unwrap_or_default().to_lowercase();
    let plural = if kind.ends_with('s') { kind + "es" } else { kind + "s" };
    let rules = policy["spec"]["matchConstraints"]["resourceRules"].as_array().unwrap();
    rules.iter().any(|rule| {
        rule["resources"].as_array().unwrap().iter().any(|resource| *resource == *plural)
    })
}

/// The kinds that policies are about.
fn is_judged(object: &Value) -> bool {
    let kind = object["kind"].as_str().unwrap_or_default();
    match object["apiVersion"].as_str().unwrap_or_default() {
        "v1" => {
            matches!(kind, "Pod" | "PodTemplate" | "ReplicationController" | "Secret" | "Service")
        }
        "apps/v1" => matches!(kind, "DaemonSet" | "Deployment" | "ReplicaSet" | "StatefulSet"),
        "batch/v1" => matches!(kind, "CronJob" | "Job"),
        "networking.k8s.io/v1" => kind == "Ingress",
        _ => false,
    }
}

#[test]
fn policies_agree_with_the_rules_on_the_corpus() {
    let Some(corpus) = std::env::var_os("COAMING_CORPUS").map(PathBuf::from) else {
        coaming_test::skip!("it needs COAMING_CORPUS");
        return;
    };
    let loaded = coaming_source::load(&[corpus], &coaming_source::Options::default());
    let mut seen = BTreeSet::new();
    let mut objects = Vec::new();
    for source in loaded.variants.into_iter().flat_map(|variant| variant.sources) {
        for document in source.1.documents() {
            let object = document.root().to_json();
            // Names and labels make no difference to a policy.
            let subject = (object["kind"].to_string(), object["spec"].to_string());
            if is_judged(&object) && seen.insert(subject) {
                objects.push(object);
            }
        }
    }
    assert!(objects.len() > 300, "{}", objects.len());
    let Some((compared, refused)) = compare("corpus", &coverage::all(), &objects) else { return };
    assert!(refused > 1000, "{refused} of {compared}");
}

#[test]
fn policies_agree_with_the_rules_on_random_pods() {
    let mut random = fastrand::Rng::with_seed(7);
    let objects: Vec<Value> = (0..400).map(|_| mutations::object(&mut random)).collect();
    let Some((_, refused)) = compare("random pods", &coverage::all(), &objects) else { return };
    assert!(refused > 1000, "{refused}");
}

/// A rule that leaves findings to another one reports them where that one does not run.
#[test]
fn policies_agree_with_a_selection_of_rules() {
    let mut random = fastrand::Rng::with_seed(8);
    let objects: Vec<Value> = (0..100).map(|_| mutations::object(&mut random)).collect();
    for select in [
        &["privilege-escalation", "added-capabilities", "seccomp-unconfined"][..],
        &["app-armor-unconfined", "host-port", "root-group", "image-digest"],
        &["run-as-non-root"],
        &["missing-security-context"],
    ] {
        let select = select.iter().map(|rule| (*rule).to_owned()).collect();
        let config = Config { select, ..Config::default() };
        compare("selection", &config, &objects);
    }
}
