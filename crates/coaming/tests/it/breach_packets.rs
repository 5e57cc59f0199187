//! The way that needs policies, walked with real packets: the network of the lab's cluster enforces none,
//! so each pod is a network namespace here, with the rules that the nftables compiler of the packet
//! tests makes of the policies. Needs root, `ip`, `nft` and `python3`.

#[path = "../../../coaming-network/tests/it/packets/nft.rs"]
mod nft;

use std::io::{BufRead, BufReader, Write as _};
use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use coaming_kube::{Source, World};
use coaming_network::Model;
use serde_json::{Value, json};

use super::{coaming, directory, json as parsed, run, stderr};

const OBJECTS: &str = include_str!("breach_lab/port.yaml");

fn must(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", stderr(&output));
}

/// A pod: a network namespace with an address, and the program that answers and probes in it.
struct Pod {
    namespace: String,
    address: Ipv4Addr,
    agent: Child,
}

impl Pod {
    fn new(switch: &str, number: usize) -> Self {
        let namespace = format!("{switch}-{number}");
        let address = Ipv4Addr::new(10, 1, 2, u8::try_from(number).unwrap() + 1);
        let (port, cidr) = (format!("port{number}"), format!("{address}/24"));
        must("ip", &["netns", "add", &namespace]);
        let link =
            ["link", "add", &port, "type", "veth", "peer", "name", "eth0", "netns", &namespace];
        must("ip", &[&["-n", switch][..], &link].concat());
        must("ip", &["-n", switch, "link", "set", &port, "master", "bridge", "up"]);
        must("ip", &["-n", &namespace, "addr", "add", &cidr, "dev", "eth0"]);
        must("ip", &["-n", &namespace, "link", "set", "eth0", "up"]);
        let script = include_str!("../../../coaming-network/tests/it/packets/agent.py");
        let agent = Command::new("ip")
            .args(["netns", "exec", &namespace, "python3", "-u", "-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self { namespace, address, agent }
    }

    fn hear(&mut self) -> Value {
        // A byte at a time: what comes after the line belongs to the next answer.
        let mut line = String::new();
        let stdout = self.agent.stdout.as_mut().unwrap();
        BufReader::with_capacity(1, stdout).read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn ask(&mut self, command: &Value) -> Value {
        writeln!(self.agent.stdin.as_mut().unwrap(), "{command}").unwrap();
        self.hear()
    }
}

/// The pods on one wire; all of it goes away with the value.
struct Network {
    switch: String,
    pods: Vec<Pod>,
}

impl Network {
    fn new(count: usize) -> Self {
        let switch = format!("coaming-way-{}", std::process::id());
        must("ip", &["netns", "add", &switch]);
        must("ip", &["-n", &switch, "link", "add", "bridge", "type", "bridge"]);
        must("ip", &["-n", &switch, "link", "set", "bridge", "up"]);
        let mut network = Self { switch: switch.clone(), pods: Vec::new() };
        for number in 0..count {
            let mut pod = Pod::new(&switch, number);
            assert_eq!(pod.hear(), json!("ready"));
            network.pods.push(pod);
        }
        network
    }

    /// Enforces the policies of a model, and tells which of two pods reaches the port of a third.
    fn walk(&mut self, text: &str, from: [&str; 2], to: &str) -> [bool; 2] {
        let model = model(text);
        let addresses: Vec<Ipv4Addr> = self.pods.iter().map(|pod| pod.address).collect();
        for (place, pod) in self.pods.iter_mut().enumerate() {
            let rules = nft::compile(&model, place, &addresses);
            assert_eq!(pod.ask(&json!({ "rules": rules })), json!(""), "{rules}");
        }
        let number = |name: &str| {
            let mut pods = model.pods.iter();
            pods.find(|(_, pods)| model.workloads[pods.workload].name == name).unwrap().0
        };
        let target = addresses[number(to)].to_string();
        from.map(|name| {
            let probe = json!({ "probe": [[target, "TCP", 8080]] });
            self.pods[number(name)].ask(&probe)[0].as_bool().unwrap()
        })
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for pod in &mut self.pods {
            let _ = pod.agent.kill();
            let _ = pod.agent.wait();
            let _ = Command::new("ip").args(["netns", "del", &pod.namespace]).status();
        }
        let _ = Command::new("ip").args(["netns", "del", &self.switch]).status();
    }
}

fn model(text: &str) -> Model {
    let stream = coaming_yaml::parse(Arc::from(text));
    let source = Source::new("port.yaml", stream.source, stream.documents);
    coaming_network::from_world(&World::new(vec![source]))
}

/// Why the test cannot run here.
fn obstacle() -> Option<String> {
    let probe = format!("coaming-way-probe-{}", std::process::id());
    for (program, arguments) in [
        ("nft", &["-v"][..]),
        ("python3", &["-V"]),
        ("ip", &["netns", "add", &probe]),
        ("ip", &["netns", "del", &probe]),
    ] {
        let output = Command::new(program).args(arguments).output();
        if !output.is_ok_and(|output| output.status.success()) {
            return Some(format!("`{program} {}` fails", arguments.join(" ")));
        }
    }
    None
}

#[test]
fn the_port_of_a_neighbor_is_reached_until_the_cut() {
    if let Some(why) = obstacle() {
        coaming_test::skip!("the_port_of_a_neighbor_is_reached_until_the_cut: {why}");
        return;
    }
    let files = directory(&[("port.yaml", OBJECTS)]);
    let path = files.path().join("port.yaml");
    let path = path.to_str().unwrap();
    let ask = || {
        let question = ["--from", "walk-port/web", "--to", "data-store/walk-port/db"];
        let output = run(&[&["breach"][..], &question, &["--format", "json", path]].concat());
        parsed(&output)["ways"].clone()
    };
    let predicted = ask();
    let steps = predicted[0]["steps"].as_array().unwrap().iter().map(|step| step["step"].clone());
    assert_eq!(steps.collect::<Vec<_>>(), ["network-connection", "data-access"]);
    let mut network = Network::new(3);
    assert_eq!(network.walk(OBJECTS, ["web", "api"], "db"), [true, true]);

    let output = coaming(&["fix", "--cut", "--unsafe", path]).output().unwrap();
    let fixed = std::fs::read_to_string(path).unwrap();
    assert!(fixed.starts_with(OBJECTS) && fixed.contains("kind: NetworkPolicy"), "{fixed}");
    assert!(!stderr(&output).contains("change manually"), "{}", stderr(&output));
    assert_eq!(ask(), json!([]), "{fixed}");
    // What needs the port keeps it.
    assert_eq!(network.walk(&fixed, ["web", "api"], "db"), [false, true], "{fixed}");
}
