//! The fast engine and the slow evaluator give the same answer, always.

use coaming_network::model::Model;
use coaming_network::{Endpoint, Protocol, Reach};

use crate::random::{self, Random};
use crate::reference::{Side, allowed};

/// Ports at which something in a random cluster can change, and their neighbours.
const PORTS: [u16; 14] = [1, 52, 53, 54, 79, 80, 81, 82, 8079, 8080, 8081, 9000, 9001, 65535];

pub(crate) fn compare(reach: &Reach, context: &str) {
    let model = reach.model();
    let pods = model.pods.iter().map(|(place, pods)| (Endpoint::Pods(place), Side::Pod(pods)));
    let outside = reach.externals().iter().enumerate().map(|(place, addresses)| {
        (Endpoint::External(place), Side::Address(addresses.first().unwrap()))
    });
    let ends: Vec<_> = pods.chain(outside).collect();
    for &(from, source) in &ends {
        for &(to, target) in &ends {
            if let (Side::Address(_), Side::Address(_)) = (source, target) {
                continue;
            }
            let fast = reach.allowed(from, to);
            for protocol in Protocol::ALL {
                for port in PORTS {
                    assert_eq!(
                        fast.contains(protocol, port),
                        allowed(model, source, target, protocol, port),
                        "{context}: {from:?} to {to:?} on {protocol} {port}\n{model:#?}"
                    );
                }
            }
        }
    }
}

#[test]
fn on_thousands_of_random_clusters() {
    for seed in 0..3000 {
        compare(&Reach::new(random::model(seed)), &format!("seed {seed}"));
    }
}

/// A policy for nobody changes nothing.
#[test]
fn a_policy_that_selects_nobody_adds_no_connection() {
    for seed in 0..300 {
        let model = random::model(seed);
        let mut with = model.clone();
        let mut policy = random::policy(&mut Random::new(seed), 999, &["ns0".to_owned()]);
        policy.subject.pods.match_label("nobody", "has-this").unwrap();
        with.policies.insert(policy);
        assert_eq!(answers(model), answers(with), "seed {seed}");
    }
}

/// What goes through between all pods.
fn answers(model: Model) -> Vec<String> {
    let reach = Reach::new(model);
    let count = reach.model().pods.len();
    let pairs = (0..count).flat_map(|from| (0..count).map(move |to| (from, to)));
    pairs
        .map(|(from, to)| reach.allowed(Endpoint::Pods(from), Endpoint::Pods(to)).to_string())
        .collect()
}
