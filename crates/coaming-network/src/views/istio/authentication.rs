//! PeerAuthentication: from whom the proxies take connections that are not encrypted.
//!
//! Of the policies for a pod, the one with a selector counts before that of the namespace, and that
//! before the one of the mesh; of several, the oldest. A mode is two rules: one that refuses peers
//! without an identity, and one that says that what is left is decided.

use coaming_kube::Fields;
use coaming_yaml::Node;

use super::{SpecReader, and_outside, names};
use crate::model::{Action, Mesh, Order, PodSelector, Policy, PortMatch, PortNumbers, Rule, Tier};
use crate::ports::Protocol;
use crate::selector::{ISTIO, Operator, Selector};
use crate::views::port_number;

/// What a mode does with peers without an identity.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Refuses,
    Takes,
    Inherits,
}

pub(super) fn read<'i>(
    reader: &mut SpecReader<'_, '_, 'i>,
    spec: Option<Node<'i>>,
    subject: &PodSelector,
) -> Vec<Policy> {
    let Some(spec) = spec else { return Vec::new() };
    reader.note_unknown(spec, &["selector", "mtls", "portLevelMtls"]);
    let selects = !subject.pods.is_everything();
    let mut rules = Vec::new();
    // Istio ignores the ports of a policy for all pods.
    if let Some(ports) = spec.mapping("portLevelMtls").filter(|_| selects) {
        for entry in ports.entries() {
            let number = entry.name().parse().ok().and_then(port_number);
            let Some(number) = number else {
                let message = format!("`{}` is not a valid port", entry.name());
                reader.checks.refuse(entry.value, message);
                continue;
            };
            let mode = mode(reader, entry.value);
            rules.extend(of_mode(reader, mode, Some(number), entry.value));
        }
    }
    if let Some(mtls) = reader.checks.mapping(spec, "mtls") {
        let mode = mode(reader, mtls);
        rules.extend(of_mode(reader, mode, None, mtls));
    }
    if rules.is_empty() {
        return Vec::new();
    }
    let policy = reader.policy(subject, &[Mesh::Sidecar, Mesh::Ambient], Tier::MeshPeers, rules);
    let created = reader.checks.object.metadata().string("creationTimestamp");
    vec![Policy {
        priority: match (selects, reader.is_root()) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => 2,
        },
        order: Order::of(created.map_or(f64::MAX, seconds)),
        ..policy
    }]
}

fn mode(reader: &mut SpecReader<'_, '_, '_>, node: Node<'_>) -> Mode {
    match node.string("mode") {
        None | Some("UNSET") => Mode::Inherits,
        Some("STRICT") => Mode::Refuses,
        Some("PERMISSIVE") => Mode::Takes,
        Some("DISABLE") => {
            // Without encryption the proxy does not learn who the other side is.
            reader.gaps.push("mtls.mode: DISABLE".to_owned());
            Mode::Takes
        }
        Some(other) => {
            let message = format!(
                "`{other}` is not a valid mode: it must be STRICT, PERMISSIVE, DISABLE or UNSET"
            );
            reader.checks.refuse(node, message);
            Mode::Inherits
        }
    }
}

fn of_mode(
    reader: &SpecReader<'_, '_, '_>,
    mode: Mode,
    port: Option<u16>,
    node: Node<'_>,
) -> Vec<Rule> {
    let location = reader.checks.location(node);
    let field = port.map_or_else(|| "mtls".to_owned(), |port| format!("portLevelMtls[{port}]"));
    let ports = port.map(|port| {
        let numbers = PortNumbers::Range(port, port);
        vec![PortMatch { protocol: Some(Protocol::Tcp), numbers, location: location.clone() }]
    });
    let rule = |path: String, action, peers| Rule {
        path: Some(path),
        name: None,
        action,
        peers,
        ports: ports.clone(),
        limits: Vec::new(),
        location: location.clone(),
    };
    let plain = || {
        let mut pods = Selector::everything();
        pods.require(ISTIO, Operator::NotIn(names(&Mesh::IDENTIFIED)));
        and_outside(pods, location.as_ref())
    };
    let refuses = format!("{field} STRICT: peers without a proxy of the mesh");
    let rest = format!("{field}: any other peer");
    match mode {
        Mode::Inherits => Vec::new(),
        Mode::Takes => vec![rule(format!("{field}: any peer"), Action::Pass, None)],
        Mode::Refuses => {
            vec![rule(refuses, Action::Deny, Some(plain())), rule(rest, Action::Pass, None)]
        }
    }
}

/// The seconds of a time stamp since some fixed point, if all months were equally long: enough to put
/// time stamps in their order.
fn seconds(stamp: &str) -> f64 {
    const UNITS: [f64; 6] = [32_140_800.0, 2_678_400.0, 86_400.0, 3_600.0, 60.0, 1.0];
    let parts = stamp.split(|letter: char| !letter.is_ascii_digit());
    let numbers = parts.map(|part| part.parse::<f64>().unwrap_or_default());
    numbers.zip(UNITS).map(|(number, unit)| number * unit).sum()
}
