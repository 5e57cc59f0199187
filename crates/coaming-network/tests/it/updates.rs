//! One change after another gives what starting from scratch gives.

use std::sync::Arc;

use coaming_network::model::{
    ExternalSource, IngressPoint, Namespace, Node, PortNumbers, Role, Service, ServicePort,
    Workload,
};
use coaming_network::{
    Direction, IpSet, Labels, Model, Protocol, Reach, exposure, graph, list, reached_from_outside,
    summary,
};

use crate::agrees;
use crate::random::{self, Random};

/// Everything that can be asked, by names instead of ids.
pub(crate) fn answers(reach: &Reach) -> Vec<String> {
    let model = reach.model();
    let mut answers: Vec<String> =
        list(reach).into_iter().map(|connection| format!("{connection:?}")).collect();
    answers.push(format!("{:?}", summary(reach)));
    answers.push(format!("{:?}", graph(reach)));
    answers.push(format!("{:?}", exposure(model.clone())));
    answers.push(format!("{:?}", reached_from_outside(reach)));
    for (id, pods) in &model.pods {
        for direction in Direction::BOTH {
            let policies = reach.policies_of(id, direction).iter();
            let names: Vec<_> = policies.map(|&id| model.policies[id].to_string()).collect();
            answers.push(format!("{} {direction:?}: {names:?}", model.workloads[pods.workload]));
        }
    }
    answers.sort();
    answers
}

/// The same model, with other ids: in the order of the old ones, without gaps.
fn compacted(model: &Model) -> Model {
    let mut compact =
        Model { namespaces: model.namespaces.clone(), ipv6: model.ipv6, ..Model::default() };
    for (id, pods) in &model.pods {
        let mut pods = pods.clone();
        pods.workload = compact.workloads.insert(model.workloads[pods.workload].clone());
        let new = compact.pods.insert(pods);
        if let Some(points) = model.ingress_points.get(&id) {
            let mut points = points.clone();
            points.iter_mut().for_each(|point| point.pods = new);
            compact.ingress_points.insert(new, points);
        }
    }
    compact.policies = model.policies.iter().map(|(_, it)| it.clone()).enumerate().collect();
    compact.services = model.services.iter().map(|(_, it)| it.clone()).enumerate().collect();
    compact.tiers = model.tiers.clone();
    compact.network_sets = model.network_sets.clone();
    compact.nodes = model.nodes.iter().map(|(_, it)| it.clone()).enumerate().collect();
    compact
}

fn id_of<T>(random: &mut Random, slab: &slab::Slab<T>) -> Option<usize> {
    let ids: Vec<usize> = slab.iter().map(|(id, _)| id).collect();
    (!ids.is_empty()).then(|| *random.pick(&ids))
}

fn node(random: &mut Random) -> Node {
    let address = *random.pick(&["10.9.2.3/32", "192.168.1.7/32", "10.1.2.3/32"]);
    Node { labels: random::labels(random), addresses: IpSet::cidr(address).unwrap() }
}

fn points(random: &mut Random, pods: usize) -> Vec<IngressPoint> {
    let mut points: Vec<_> = (0..random.below(3))
        .map(|number| IngressPoint {
            pods,
            protocol: Protocol::Tcp,
            port: *random.pick(&[80, 8080]),
            source: ExternalSource::Address(random::block(random)),
            via: format!("Service {number}"),
        })
        .collect();
    points.sort_by(|a, b| (a.port, &a.via).cmp(&(b.port, &b.via)));
    points
}

fn service(random: &mut Random, namespace: &str) -> Service {
    Service {
        labels: random::labels(random),
        namespace: namespace.to_owned(),
        name: format!("s{}", random.below(4)),
        selector: Some(random::selector(random)),
        ports: vec![ServicePort {
            name: String::new(),
            protocol: Protocol::Tcp,
            port: 80,
            target: PortNumbers::Range(8080, 8080),
        }],
        endpoints: IpSet::none(),
        serves_api: false,
        location: None,
    }
}

/// One random change.
fn change(random: &mut Random, reach: &mut Reach, step: usize) {
    let namespaces: Vec<String> = (0..3).map(|number| format!("ns{number}")).collect();
    let namespace = random.pick(&namespaces).clone();
    match random.below(14) {
        0 | 1 => {
            if let Some(id) = id_of(random, &reach.model().policies) {
                reach.remove_policy(id);
            }
        }
        2..=4 => {
            let id = id_of(random, &reach.model().policies).filter(|_| random.chance(50));
            reach.put_policy(id, random::policy(random, 100 + step, &namespaces));
        }
        5 => {
            if let Some(id) = id_of(random, &reach.model().pods) {
                reach.remove_pods(id);
            }
        }
        6..=8 => {
            let old = id_of(random, &reach.model().pods).filter(|_| random.chance(50));
            if old.is_none() && reach.model().pods.len() > 8 {
                return;
            }
            let name = format!("pod-{step}");
            let workload = Workload { namespace: namespace.clone(), name, kind: "Pod".to_owned() };
            let workload = reach.put_workload(None, workload);
            let mut pods = random::pods(random, workload, &namespace);
            // A label of its own, as a Job's pods have.
            let labels = Arc::make_mut(&mut pods.labels);
            labels.insert("job".to_owned(), format!("job-{step}"));
            if random.chance(20) {
                labels.insert("app".to_owned(), format!("app-{step}"));
            }
            let id = reach.put_pods(old, pods);
            let points = points(random, id);
            reach.set_ingress_points(id, points);
        }
        9 | 10 => {
            let mut model = Model::default();
            let labels = if random.chance(20) { Labels::new() } else { random::labels(random) };
            model.add_namespace(&namespace, labels, None);
            let value: Namespace = model.namespaces[&namespace].clone();
            reach.put_namespace(&namespace, value);
        }
        11 => {
            let id = id_of(random, &reach.model().nodes).filter(|_| random.chance(60));
            match id.filter(|_| random.chance(40)) {
                Some(id) => reach.remove_node(id),
                None => drop(reach.put_node(id, node(random))),
            }
        }
        12 => {
            let id = id_of(random, &reach.model().services).filter(|_| random.chance(60));
            match id.filter(|_| random.chance(40)) {
                Some(id) => reach.remove_service(id),
                None => drop(reach.put_service(id, service(random, &namespace))),
            }
        }
        _ => {
            if let Some(id) = id_of(random, &reach.model().pods) {
                let points = points(random, id);
                reach.set_ingress_points(id, points);
            }
        }
    }
}

#[test]
fn give_what_starting_from_scratch_gives() {
    for seed in 0..25 {
        let random = &mut Random::new(seed + 1_000_000);
        let mut model = random::model(seed);
        for number in 0..3 {
            model.mention_namespace(&format!("ns{number}"));
        }
        let mut reach = Reach::new(model);
        for step in 0..40 {
            change(random, &mut reach, step);
            let context = format!("seed {seed}, step {step}");
            if step % 8 == 0 {
                agrees::compare(&reach, &context);
            }
            let scratch = Reach::new(compacted(reach.model()));
            assert_eq!(answers(&reach), answers(&scratch), "{context}");
        }
    }
}

/// Pods with labels of their own, which no selector mentions, share a class, and never cause a
/// rebuild.
#[test]
fn unique_labels_make_no_class() {
    let mut reach = Reach::new(random::model(5));
    let before = reach.class_count();
    let template = reach.model().pods.iter().next().unwrap().1.clone();
    for number in 0..2000 {
        let mut pods = template.clone();
        let labels = Arc::make_mut(&mut pods.labels);
        labels.insert("job-name".to_owned(), format!("job-{number}"));
        reach.put_pods(None, pods);
    }
    assert_eq!(reach.class_count(), before);
    assert!(reach.model().pods.iter().all(|(_, pods)| pods.role == Role::Real));
}
