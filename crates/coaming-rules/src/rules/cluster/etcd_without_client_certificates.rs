//! See [`EtcdWithoutClientCertificates`].

use coaming_finding::Finding;

use super::component::{Component, Task};
use super::{component_rule, draft};
use crate::Context;
use crate::rule::{BuiltIn as _, rule};

rule! {
    /// ## What it looks for
    ///
    /// The `etcd` of a control plane that does not ask its clients, or its peers, for a certificate: without
    /// `--client-cert-auth=true` (`--peer-client-cert-auth=true` if it has peers), or with a plain `http://`
    /// address that others than the node itself reach.
    ///
    /// ## Why it matters
    ///
    /// Etcd has no roles of its own: anyone who gets in reads every Secret and writes any object, past the API
    /// server, its authorization and its audit log.
    ///
    /// ## Bad
    ///
    /// Clients need no certificate.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: etcd, namespace: kube-system, labels: {tier: control-plane}}
    /// spec:
    ///   containers:
    ///     - name: etcd
    ///       image: registry.k8s.io/etcd:v1.34.2
    ///       command:
    ///         - etcd
    ///         - --listen-client-urls=https://127.0.0.1:2379,https://10.0.0.5:2379
    ///         - --peer-client-cert-auth=true
    /// ```
    ///
    /// Clients need no encryption.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: etcd, namespace: kube-system, labels: {tier: control-plane}}
    /// spec:
    ///   containers:
    ///     - name: etcd
    ///       image: registry.k8s.io/etcd:v1.34.2
    ///       command:
    ///         - etcd
    ///         - --listen-client-urls=http://10.0.0.5:2379
    ///         - --client-cert-auth=true
    ///         - --peer-client-cert-auth=true
    /// ```
    ///
    /// Peers need no certificate.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: etcd, namespace: kube-system, labels: {tier: control-plane}}
    /// spec:
    ///   containers:
    ///     - name: etcd
    ///       image: registry.k8s.io/etcd:v1.34.2
    ///       command:
    ///         - etcd
    ///         - --listen-client-urls=https://127.0.0.1:2379
    ///         - --listen-peer-urls=https://10.0.0.5:2380
    ///         - --client-cert-auth=true
    /// ```
    ///
    /// ## Good
    ///
    /// Clients and peers need a certificate.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: etcd, namespace: kube-system, labels: {tier: control-plane}}
    /// spec:
    ///   containers:
    ///     - name: etcd
    ///       image: registry.k8s.io/etcd:v1.34.2
    ///       command:
    ///         - etcd
    ///         - --listen-client-urls=https://127.0.0.1:2379,https://10.0.0.5:2379
    ///         - --listen-peer-urls=https://10.0.0.5:2380
    ///         - --client-cert-auth=true
    ///         - --peer-client-cert-auth=true
    /// ```
    ///
    /// Only the node itself gets in.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: etcd, namespace: kube-system, labels: {tier: control-plane}}
    /// spec:
    ///   containers:
    ///     - name: etcd
    ///       image: registry.k8s.io/etcd:v1.34.2
    ///       command:
    ///         - etcd
    ///         - --listen-client-urls=http://127.0.0.1:2379
    ///         - --listen-peer-urls=http://127.0.0.1:2380
    /// ```
    ///
    /// ## Fix
    ///
    /// Set `--client-cert-auth=true` and `--peer-client-cert-auth=true` with authorities that sign for nobody else,
    /// and serve `https://` alone.
    ///
    /// ## Limits
    ///
    /// An etcd that belongs to an application is not judged.
    EtcdWithoutClientCertificates {
        name: "etcd-without-client-certificates",
        summary: "Clients of etcd need no certificate",
        category: Cluster,
        severity: Critical,
        default: true,
        since: "0.1.0",
        lifecycle: Preview,
        standards: [Cis("2.2"), Cis("2.5"), Nsa("etcd"), Attack("T1552")],
    }
}

component_rule!(EtcdWithoutClientCertificates);

/// What etcd listens on for someone, and the flag that makes it ask them for a certificate.
const DOORS: &[(&str, &str, &str)] = &[
    ("clients", "listen-client-urls", "client-cert-auth"),
    ("peers", "listen-peer-urls", "peer-client-cert-auth"),
];

fn judge<'a>(context: &Context<'a>, component: &Component<'a>, findings: &mut Vec<Finding>) {
    if component.task == Task::Etcd {
        findings.extend(DOORS.iter().filter_map(|door| of_door(context, component, door)));
    }
}

fn of_door<'a>(
    context: &Context<'a>,
    component: &Component<'a>,
    (who, listen, ask): &(&str, &str, &str),
) -> Option<Finding> {
    // The default is the loopback address.
    let urls = component.value(listen)?;
    let reachable: Vec<&str> = urls.split(',').filter(|url| !is_local(url)).collect();
    let plain = reachable.iter().any(|url| url.starts_with("http://"));
    let is_asked = component.value(ask) == Some("true");
    let (flag, message) = match (reachable.is_empty(), plain, is_asked) {
        (true, ..) | (false, false, true) => return None,
        (false, true, _) => (*listen, format!("etcd serves {who} without TLS")),
        (false, false, false) if component.lacks(ask) || component.value(ask) == Some("false") => {
            (*ask, format!("etcd serves {who} without asking for a certificate"))
        }
        _ => return None,
    };
    let place = if flag == *ask && component.value(ask).is_none() { *listen } else { flag };
    Some(
        draft(context, EtcdWithoutClientCertificates::RULE, component, place, message)
            .why(
                "Anyone who reaches the port reads every Secret and writes any object, past the API \
                 server and its audit log.",
            )
            .help(format!("Serve `https://` alone, and set `--{ask}=true`."))
            .manual("ask for certificates", format!("- --{ask}=true\n"))
            .done(),
    )
}

fn is_local(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, host)| host);
    host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]")
}
