//! The proof against real packets: network namespaces as pods, nftables as the network plugin,
//! and a prediction for every probe.
//!
//! Needs root, `ip`, `nft` and `python3`; where one is missing the test is skipped and says so,
//! except in CI. The namespaces are made once and get new rules for every cluster.

mod nft;

use std::io::{BufRead, BufReader, Write as _};
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use coaming_network::model::PolicyKind;
use coaming_network::{Endpoint, IpSet, Model, Protocol, Reach};
use serde_json::{Value, json};

use crate::random;

/// How many clusters are built and probed.
const CLUSTERS: u64 = 400;
const MOST_PODS: usize = 5;
const PORTS: [(Protocol, u16); 5] = [
    (Protocol::Tcp, 80),
    (Protocol::Tcp, 81),
    (Protocol::Tcp, 8080),
    (Protocol::Udp, 53),
    (Protocol::Udp, 80),
];

/// The pods' addresses: some within blocks that policies name, which must not matter.
fn pod_addresses() -> Vec<Ipv4Addr> {
    let texts = ["10.1.2.3", "10.1.9.9", "172.16.0.3", "192.168.1.30", "10.200.0.5"];
    texts.iter().take(MOST_PODS).map(|text| text.parse().unwrap()).collect()
}

/// Addresses outside: within the blocks that policies name, and in none.
fn outside_addresses() -> Vec<Ipv4Addr> {
    ["8.8.8.8", "10.1.0.200", "192.168.1.7", "9.9.9.9"].map(|text| text.parse().unwrap()).into()
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {}: {error}", arguments.join(" "));
}

/// A network namespace with one address, and the program in it.
struct Host {
    namespace: String,
    address: Ipv4Addr,
    agent: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Host {
    fn say(&mut self, command: &Value) {
        writeln!(self.input, "{command}").unwrap();
    }

    fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

/// The switch and the hosts; all of it goes away with the value.
struct Network {
    switch: String,
    hosts: Vec<Host>,
}

impl Network {
    fn new(addresses: &[Ipv4Addr]) -> Self {
        let id = std::process::id();
        let switch = format!("coaming-{id}-switch");
        run("ip", &["netns", "add", &switch]);
        let mut network = Self { switch, hosts: Vec::new() };
        let switch = network.switch.clone();
        run("ip", &["-n", &switch, "link", "add", "bridge", "type", "bridge"]);
        run("ip", &["-n", &switch, "link", "set", "bridge", "up"]);
        for (number, address) in addresses.iter().enumerate() {
            let host = Self::host(&switch, &format!("coaming-{id}-{number}"), number, *address);
            network.hosts.push(host);
        }
        for host in &mut network.hosts {
            assert_eq!(host.hear(), json!("ready"));
        }
        network
    }

    fn host(switch: &str, namespace: &str, number: usize, address: Ipv4Addr) -> Host {
        let (port, cidr) = (format!("port{number}"), format!("{address}/32"));
        run("ip", &["netns", "add", namespace]);
        run(
            "ip",
            &[
                "-n", switch, "link", "add", &port, "type", "veth", "peer", "name", "eth0",
                "netns", namespace,
            ],
        );
        run("ip", &["-n", switch, "link", "set", &port, "master", "bridge", "up"]);
        run("ip", &["-n", namespace, "addr", "add", &cidr, "dev", "eth0"]);
        run("ip", &["-n", namespace, "link", "set", "lo", "up"]);
        run("ip", &["-n", namespace, "link", "set", "eth0", "up"]);
        // Everybody is on the same wire, whatever the address.
        run("ip", &["-n", namespace, "route", "add", "default", "dev", "eth0"]);
        // A refusal must not be held back by the kernel's limits.
        let limit = "net.ipv4.icmp_ratelimit=0";
        run("ip", &["netns", "exec", namespace, "sysctl", "-q", "-w", limit]);
        let mut agent = Command::new("ip")
            .args(["netns", "exec", namespace, "python3", "-u", "-c", include_str!("agent.py")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = agent.stdin.take().unwrap();
        let output = BufReader::new(agent.stdout.take().unwrap());
        Host { namespace: namespace.to_owned(), address, agent, input, output }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for host in &mut self.hosts {
            let _ = host.agent.kill();
            let _ = host.agent.wait();
            let _ = Command::new("ip").args(["netns", "del", &host.namespace]).status();
        }
        let _ = Command::new("ip").args(["netns", "del", &self.switch]).status();
    }
}

/// Why the test cannot run here.
fn obstacle() -> Option<String> {
    for (program, argument) in
        [("ip", "-V"), ("nft", "-v"), ("python3", "-V"), ("sysctl", "-V"), ("id", "-u")]
    {
        let output = Command::new(program).arg(argument).output();
        match output {
            Ok(output) if program == "id" && output.stdout != b"0\n" => {
                return Some("it needs root".to_owned());
            }
            Ok(output) if output.status.success() => {}
            _ => return Some(format!("`{program}` is missing")),
        }
    }
    let probe = format!("coaming-{}-probe", std::process::id());
    let made = Command::new("ip").args(["netns", "add", &probe]).output();
    let _ = Command::new("ip").args(["netns", "del", &probe]).output();
    match made {
        Ok(output) if output.status.success() => None,
        _ => Some("network namespaces cannot be made here".to_owned()),
    }
}

/// A random cluster of which every pod has an address of its own and a network of its own.
fn cluster(seed: u64) -> Model {
    let mut model = random::model(seed);
    let is_known = |kind: PolicyKind| kind.is_network_policy() && !kind.is_of_plugin();
    model.policies.retain(|_, policy| is_known(policy.kind));
    model.pods.retain(|id, _| id < MOST_PODS);
    for ((_, pods), address) in model.pods.iter_mut().zip(pod_addresses()) {
        pods.host_network = false;
        pods.addresses = IpSet::address(IpAddr::V4(address));
    }
    model
}

#[test]
fn every_probe_is_predicted() {
    if let Some(why) = obstacle() {
        coaming_test::skip!("the packet test, because {why}");
        return;
    }
    let (pods, outside) = (pod_addresses(), outside_addresses());
    let addresses: Vec<Ipv4Addr> = pods.iter().chain(&outside).copied().collect();
    let mut network = Network::new(&addresses);
    let (mut probes, mut open) = (0_usize, 0_usize);
    for seed in 0..CLUSTERS {
        let reach = Reach::new(cluster(seed));
        let count = reach.model().pods.len();
        for (place, host) in network.hosts.iter_mut().enumerate().take(pods.len()) {
            let rules = if place < count {
                nft::compile(reach.model(), place, &pods)
            } else {
                "flush ruleset\n".to_owned()
            };
            host.say(&json!({ "rules": rules }));
        }
        for host in network.hosts.iter_mut().take(pods.len()) {
            assert_eq!(host.hear(), json!(""), "nft refuses the rules of seed {seed}");
        }
        let ends: Vec<(usize, Endpoint)> = (0..addresses.len())
            .filter(|&place| place < count || place >= pods.len())
            .map(|place| (place, end(&reach, place, &addresses, pods.len())))
            .collect();
        let mut expected = Vec::new();
        for &(from, source) in &ends {
            let mut targets = Vec::new();
            let mut predictions = Vec::new();
            for &(to, target) in &ends {
                let governed = from < count || to < count;
                if from == to || !governed {
                    continue;
                }
                let allowed = reach.allowed(source, target);
                for (protocol, port) in PORTS {
                    let address = network.hosts[to].address.to_string();
                    targets.push(json!([address, protocol.name(), port]));
                    predictions.push((to, protocol, port, allowed.contains(protocol, port)));
                }
            }
            network.hosts[from].say(&json!({ "probe": targets }));
            expected.push((from, predictions));
        }
        for (from, predictions) in expected {
            let answers = network.hosts[from].hear();
            for (answer, (to, protocol, port, allowed)) in
                answers.as_array().unwrap().iter().zip(predictions)
            {
                assert_eq!(
                    answer.as_bool(),
                    Some(allowed),
                    "seed {seed}: {} to {} on {protocol} {port}\n{:#?}",
                    addresses[from],
                    addresses[to],
                    reach.model()
                );
                probes += 1;
                open += usize::from(allowed);
            }
        }
    }
    eprintln!("{probes} probes in {CLUSTERS} clusters, {open} of them answered: all as predicted");
    assert!(
        open * 10 > probes && open * 10 < probes * 9,
        "the clusters are too open or too closed"
    );
}

fn end(reach: &Reach, place: usize, addresses: &[Ipv4Addr], pods: usize) -> Endpoint {
    if place < pods {
        return Endpoint::Pods(place);
    }
    let address = IpAddr::V4(addresses[place]);
    Endpoint::External(reach.externals().iter().position(|set| set.contains(address)).unwrap())
}
