//! Step `open-admin-interface`.

use coaming_network::Protocol;

use super::account_token::account_of;
use crate::admin_interface::{Gives, admin_interface};
use crate::evidence::Evidence;
use crate::foothold::Foothold;

use super::step;
use crate::graph::{AttackGraph, NewEdge};
use crate::scene::Scene;

step! {
    /// Some programs run commands for everyone who connects: a terminal in the browser, the Docker
    /// API without TLS, Jupyter without a token. They are
    /// recognized by image, command and variables. The proxy of `kubectl` gives the rights of its account
    /// instead.
    ///
    /// ## Way: shop/web to container/shop/db
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 1000
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: db
    ///   namespace: shop
    /// spec:
    ///   containers:
    ///     - name: db
    ///       image: registry.example.com/terminal:1.4.2
    ///       command: [gotty, -w, bash]
    ///       ports:
    ///         - containerPort: 8080
    /// ```
    ///
    /// ## Wall: shop/web to container/shop/db
    ///
    /// It asks for a password.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 1000
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: db
    ///   namespace: shop
    /// spec:
    ///   containers:
    ///     - name: db
    ///       image: registry.example.com/terminal:1.4.2
    ///       command: [gotty, -w, --credential, $(LOGIN), bash]
    ///       ports:
    ///         - containerPort: 8080
    /// ```
    ///
    /// ## Wall: shop/web to container/shop/db
    ///
    /// The network lets nobody in.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 1000
    /// ---
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: db
    ///   namespace: shop
    /// spec:
    ///   containers:
    ///     - name: db
    ///       image: registry.example.com/terminal:1.4.2
    ///       command: [gotty, -w, bash]
    ///       ports:
    ///         - containerPort: 8080
    /// ---
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata:
    ///   name: deny
    ///   namespace: shop
    /// spec:
    ///   podSelector: {}
    ///   policyTypes: [Ingress]
    /// ```
    STEP {
        id: "open-admin-interface",
        technique: "T1133",
        summary: "use an administrative interface that asks for no password"
    }
}

pub(super) fn add(scene: &Scene<'_>, graph: &mut AttackGraph) {
    for container in &scene.containers {
        let Some(interface) = admin_interface(container) else { continue };
        let pod = scene.pod_of(container);
        let own: Vec<(Protocol, u16)> = pod
            .listens
            .iter()
            .filter(|(_, owner)| {
                owner.is_none_or(|owner| scene.containers[owner].name == container.name)
            })
            .map(|(&port, _)| port)
            .collect();
        // On other ports than usual if it declares only others.
        let has_usual = own.iter().any(|(_, port)| interface.ports.contains(port));
        for (protocol, port) in own {
            if has_usual && !interface.ports.contains(&port) {
                continue;
            }
            let from = graph.vertex(Foothold::Port { workload: pod.name.clone(), protocol, port });
            let to = graph.vertex(match interface.gives {
                Gives::Commands => Foothold::Container(container.name.clone()),
                Gives::Account => Foothold::Identity(account_of(pod)),
            });
            let reason = format!("{}: {}", container.name, interface.reason);
            let edge = NewEdge::step(&STEP, interface.kind, reason)
                .at(Evidence::at(pod.object(), container.container.node()));
            graph.add(from, to, edge);
        }
    }
}
