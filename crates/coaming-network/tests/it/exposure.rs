//! The law of `exposure`: what it says of a pod to come is what is allowed once that pod is there.

use std::sync::Arc;

use coaming_network::model::{ContainerPort, Model, Namespaces, PodSelector, Pods, Role, Workload};
use coaming_network::{
    Connections, Direction, Endpoint, IpSet, OpenTo, PortSet, Protocol, Reach, exposure,
};

use crate::common;
use crate::random::{self, Random};

fn selects(model: &Model, selector: &PodSelector, pods: &Pods) -> bool {
    let here = match &selector.namespaces {
        Namespaces::Named(name) => **name == *pods.namespace,
        Namespaces::Selected(selector) => {
            selector.matches(&model.namespaces[&*pods.namespace].labels)
        }
    };
    here && selector.pods.matches(&pods.labels)
}

/// The ports that a pod calls by such names.
fn named(pods: &Pods, wanted: impl Fn(&String) -> bool) -> Connections {
    let ports = pods.ports.iter().filter(|port| port.name.as_ref().is_some_and(&wanted));
    ports.fold(Connections::none(), |all, port| {
        let number = PortSet::range(port.number, port.number);
        all.union(&Connections::of(port.protocol, number))
    })
}

/// What the entries say of a pod.
pub(crate) fn said(model: &Model, entries: &[OpenTo], pods: &Pods) -> Connections {
    let meant = entries.iter().filter(|open| {
        selects(model, &open.pods, pods)
            && !open.except.iter().any(|other| selects(model, other, pods))
    });
    meant.fold(Connections::none(), |all, open| {
        let allowed = match &open.port_name {
            None => open.allowed.difference(&named(pods, |name| open.unless_named.contains(name))),
            Some(wanted) => open.allowed.intersection(&named(pods, |name| name == wanted)),
        };
        all.union(&allowed)
    })
}

fn newcomer(random: &mut Random, model: &mut Model) -> Pods {
    let name = match random.below(3) {
        0 => {
            model.add_namespace("new", random::labels(random), None);
            "new".to_owned()
        }
        _ => model.namespaces.keys().next().unwrap().clone(),
    };
    let port = |name: &str, protocol, number| ContainerPort {
        name: Some(name.to_owned()),
        protocol,
        number,
    };
    let workload =
        Workload { namespace: name.clone(), name: "newcomer".to_owned(), kind: "Pod".to_owned() };
    Pods {
        workload: model.workloads.insert(workload),
        namespace: Arc::from(name),
        labels: Arc::new(random::labels(random)),
        ports: vec![
            port("http", Protocol::Tcp, *random.pick(&[80, 8080, 9000])),
            port("dns", Protocol::Udp, 53),
        ],
        host_network: false,
        addresses: IpSet::none(),
        role: Role::Real,
        location: None,
    }
}

#[test]
fn pods_to_come_may_what_exposure_says() {
    for seed in 0..600 {
        let model = random::model(seed);
        let exposures = exposure(model.clone());
        let random = &mut Random::new(seed + 77);
        let mut model = model;
        let pods = newcomer(random, &mut model);
        let new = model.pods.insert(pods.clone());
        let reach = Reach::new(model);
        let model = reach.model();
        for (id, own) in model.pods.iter().filter(|(id, _)| *id != new) {
            let workload = &model.workloads[own.workload];
            let exposure = exposures.iter().find(|it| it.workload == *workload).unwrap();
            for (direction, openness) in
                [(Direction::Ingress, &exposure.ingress), (Direction::Egress, &exposure.egress)]
            {
                assert_eq!(
                    said(model, &openness.pods, &pods),
                    reach.allowed_by(id, direction, Endpoint::Pods(new)),
                    "seed {seed}, {direction:?} of {workload}, {:?}\n{:?}\nnew: {pods:?}",
                    openness.pods,
                    reach
                        .policies_of(id, direction)
                        .iter()
                        .map(|&it| &model.policies[it])
                        .collect::<Vec<_>>(),
                );
            }
        }
    }
}

/// What rules name that has no address here is not "nothing".
#[test]
fn beyond_pods_and_addresses() {
    let policy = |egress: &str| {
        format!(
            "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: x, namespace: shop}}\n\
             spec: {{endpointSelector: {{matchLabels: {{app: web}}}}, {egress}}}"
        )
    };
    let cluster = |rules: &str| {
        format!(
            "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {{name: x}}\n\
             spec: {{tier: Admin, priority: 1, subject: {{namespaces: {{}}}}, egress: [{rules}]}}"
        )
    };
    let names = "{action: Accept, to: [{domainNames: [a.example.com]}]}";
    let all = "{action: Deny, to: [{networks: [0.0.0.0/0]}]}";
    let cases = [
        (policy("egress: [{toEntities: [kube-apiserver, host]}]"), "Nodes all, ApiServer all"),
        (
            policy(
                "egress: [{toEntities: [kube-apiserver], toPorts: [{ports: [{port: '443', protocol: TCP}]}]}]",
            ),
            "ApiServer TCP 443",
        ),
        (policy("egress: [{toEntities: [all]}], egressDeny: [{toEntities: [host]}]"), ""),
        (cluster(&format!("{names}, {all}")), "Names all"),
        // Any address is open anyway.
        (cluster(names), ""),
    ];
    for (policy, expected) in cases {
        let exposures = exposure(common::reach_in_shop(&[&policy]).model().clone());
        let web = exposures.iter().find(|it| it.workload.name == "web").unwrap();
        let found = web.egress.beyond.iter().map(|(what, on)| format!("{what:?} {on}"));
        assert_eq!(found.collect::<Vec<_>>().join(", "), expected, "{policy}");
    }
}
