//! Every right in the chart is needed: without it, exactly one entry in the log names it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::api_server::Lab;
use super::process::Server;

/// A right: role, API group, resource, verb.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Right {
    role: &'static str,
    group: String,
    resource: String,
    verb: String,
}

impl Right {
    /// What an API server says where it is missing.
    fn refusal(&self) -> String {
        let Self { group, resource, verb, .. } = self;
        format!("cannot {verb} resource \"{resource}\" in API group \"{group}\"")
    }
}

/// The roles: what they are called here, their namespace, their kind, their name.
const ROLES: [(&str, &str, &str, &str); 3] = [
    ("cluster", "coaming", "clusterrole", "coaming"),
    ("own", "coaming", "role", "coaming"),
    ("self-test", "coaming-plain", "role", "coaming-self-test"),
];

/// The groups of custom resources that this API server does not have.
const NOT_INSTALLED: [&str; 3] =
    ["gateway.networking.k8s.io", "openreports.io", "policy.networking.k8s.io"];

/// The server's roles, and what is in them.
struct Roles<'l> {
    lab: &'l Lab,
    whole: Vec<(&'static str, Value)>,
}

impl<'l> Roles<'l> {
    fn read(lab: &'l Lab) -> Self {
        let whole = ROLES
            .into_iter()
            .map(|(role, namespace, kind, name)| {
                (role, lab.get(&["-n", namespace, kind, name])["rules"].clone())
            })
            .collect();
        Self { lab, whole }
    }

    fn rights(&self) -> Vec<Right> {
        let texts = |value: &Value| -> Vec<String> {
            let items = value.as_array().unwrap().iter();
            items.map(|item| item.as_str().unwrap().to_owned()).collect()
        };
        let mut rights = Vec::new();
        for (role, rules) in &self.whole {
            for rule in rules.as_array().unwrap() {
                for group in texts(&rule["apiGroups"]) {
                    for resource in texts(&rule["resources"]) {
                        for verb in texts(&rule["verbs"]) {
                            let (group, resource) = (group.clone(), resource.clone());
                            rights.push(Right { role, group, resource, verb });
                        }
                    }
                }
            }
        }
        rights
    }

    /// Gives the rights, except for some.
    fn give(&self, is_left_out: impl Fn(&Right) -> bool) {
        for ((role, rules), (_, namespace, kind, name)) in self.whole.iter().zip(ROLES) {
            let mut given = Vec::new();
            for rule in rules.as_array().unwrap() {
                for resource in rule["resources"].as_array().unwrap() {
                    let group = rule["apiGroups"][0].as_str().unwrap().to_owned();
                    let is_given = |verb: &&Value| {
                        let (resource, verb) = (resource.as_str().unwrap(), verb.as_str().unwrap());
                        !is_left_out(&Right {
                            role,
                            group: group.clone(),
                            resource: resource.to_owned(),
                            verb: verb.to_owned(),
                        })
                    };
                    let verbs: Vec<&Value> =
                        rule["verbs"].as_array().unwrap().iter().filter(is_given).collect();
                    let mut one = rule.clone();
                    one["resources"] = json!([resource]);
                    one["verbs"] = json!(verbs);
                    if !verbs.is_empty() {
                        given.push(one);
                    }
                }
            }
            let patch = json!({"rules": given}).to_string();
            let arguments = ["-n", namespace, "patch", kind, name, "--type=merge", "-p", &patch];
            self.lab.done(&arguments, "");
        }
    }

    /// Starts a server without some rights, and waits until an entry names each of them.
    fn check(&self, arguments: &[&str], left_out: &[Right], poke: impl Fn()) {
        self.give(|right| left_out.contains(right));
        let server = self.lab.start(arguments);
        let start = Instant::now();
        let missing = |said: &str| -> Vec<String> {
            let refusals = left_out.iter().map(Right::refusal);
            refusals.filter(|refusal| !said.contains(refusal.as_str())).collect()
        };
        while !missing(&server.said()).is_empty() {
            let (left, said) = (missing(&server.said()), server.said());
            assert!(start.elapsed() < Duration::from_secs(90), "no entry: {left:#?}\n{said}");
            poke();
            std::thread::sleep(Duration::from_millis(500));
        }
        self.nothing_else_is_missing(&server, left_out);
    }

    /// What is said names the rights that are missing, and no other.
    fn nothing_else_is_missing(&self, server: &Server, left_out: &[Right]) {
        let said = server.said();
        for right in self.rights().iter().filter(|right| !left_out.contains(right)) {
            let refusal = right.refusal();
            let is_named = left_out.iter().any(|left| left.refusal() == refusal);
            assert!(is_named || !said.contains(&refusal), "{refusal}: {said}");
        }
    }
}

/// Rights to list, and to watch: all at once, with an entry for each.
pub(super) fn lists_and_watches(lab: &Lab) {
    let roles = Roles::read(lab);
    for verb in ["list", "watch"] {
        let left_out: Vec<Right> = roles
            .rights()
            .into_iter()
            .filter(|right| right.verb == verb)
            // Only what is installed is listed.
            .filter(|right| !NOT_INSTALLED.contains(&right.group.as_str()))
            .collect();
        assert!(left_out.len() > 18, "{left_out:?}");
        roles.check(&["--reports", "--pages"], &left_out, || {});
    }
    roles.give(|_| false);
}

/// Rights to write, one after the other.
pub(super) fn writes(lab: &Lab) {
    let roles = Roles::read(lab);
    let forget = |kind: &str, name: &str| {
        lab.done(&["-n", "coaming", "delete", "--ignore-not-found", kind, name], "");
    };
    for verb in ["get", "create"] {
        forget("lease", "coaming");
        roles.check(&[], &one(&roles, "own", "coordination.k8s.io", "leases", verb), || {});
    }
    for verb in ["get", "create"] {
        forget("secret", "coaming-tls");
        roles.check(&[], &one(&roles, "own", "", "secrets", verb), || {});
    }
    for resource in ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"] {
        for verb in ["get", "update"] {
            // A new authority has to be written into both.
            forget("secret", "coaming-tls");
            let right = one(&roles, "cluster", "admissionregistration.k8s.io", resource, verb);
            roles.check(&[], &right, || {});
        }
    }
    let configmaps = one(&roles, "self-test", "", "configmaps", "create");
    roles.check(&["--self-test", "coaming-plain"], &configmaps, || {});
    // Who labels a namespace is asked about; each time the label is another one.
    let mode = std::cell::Cell::new("warn");
    let reviews = one(&roles, "cluster", "authorization.k8s.io", "subjectaccessreviews", "create");
    roles.check(&[], &reviews, || {
        mode.set(if mode.get() == "warn" { "audit" } else { "warn" });
        let label = format!("coaming.dev/mode={}", mode.get());
        lab.kubectl(&["label", "namespace", "coaming-plain", "--overwrite", &label], "");
    });
    // That of TokenReviews is tested with the pages: this API server has none.
    of_policies(lab, &roles);
    of_reports(lab, &roles);
    roles.give(|_| false);
}

/// A right of the chart.
fn one(
    roles: &Roles<'_>,
    role: &'static str,
    group: &str,
    resource: &str,
    verb: &str,
) -> Vec<Right> {
    let text = str::to_owned;
    let right = Right { role, group: text(group), resource: text(resource), verb: text(verb) };
    assert!(roles.rights().contains(&right), "{right:?} is not in the chart");
    vec![right]
}

fn of_policies(lab: &Lab, roles: &Roles<'_>) {
    let policy = "apiVersion: coaming.dev/v1alpha1\nkind: CoamingPolicy\n\
                  metadata: {name: rights, namespace: coaming-plain}\nspec: {mode: audit}\n";
    lab.done(&["apply", "-f", "-"], policy);
    let status = one(roles, "cluster", "coaming.dev", "coamingpolicies/status", "patch");
    roles.check(&[], &status, || {});
    // An event says that it cannot be used.
    let broken = policy.replace("mode: audit", "rules: [{rules: [privilege], mode: audit}]");
    lab.done(&["apply", "-f", "-"], &broken);
    roles.check(&[], &one(roles, "cluster", "", "events", "create"), || {});
    lab.done(&["-n", "coaming-plain", "delete", "coamingpolicy", "rights"], "");
}

fn of_reports(lab: &Lab, roles: &Roles<'_>) {
    let group = "wgpolicyk8s.io";
    let bad = super::deployment("coaming-plain", "reported", super::PRIVILEGED);
    lab.done(&["apply", "-f", "-"], &bad);
    for verb in ["patch", "create"] {
        let right = one(roles, "cluster", group, "policyreports", verb);
        roles.check(&["--reports"], &right, || {});
    }
    // What is left of a workload that is gone is deleted.
    roles.give(|_| false);
    let mut server = lab.start(&["--reports"]);
    server.wait("a report is written", |_| {
        let reports = lab.get(&["-n", "coaming-plain", "policyreports"]);
        reports["items"].as_array().is_some_and(|items| !items.is_empty())
    });
    server.kill();
    lab.done(&["-n", "coaming-plain", "delete", "deployment", "reported"], "");
    let right = one(roles, "cluster", group, "policyreports", "delete");
    roles.check(&["--reports"], &right, || {});
}
