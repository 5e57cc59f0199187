//! See [`StaticTokens`].

use coaming_finding::Finding;

use super::component::Component;
use super::{component_rule, draft, is_api_server};
use crate::Context;
use crate::rule::{BuiltIn as _, rule};

rule! {
    /// ## What it looks for
    ///
    /// A `kube-apiserver` with `--token-auth-file`, or, up to Kubernetes 1.18, `--basic-auth-file`.
    ///
    /// ## Why it matters
    ///
    /// The tokens are in plain text on the server, never expire, and are only revoked by a restart of the API
    /// server. Anyone who copies the file is its users for years.
    ///
    /// ## Bad
    ///
    /// Tokens come from a file.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: kube-apiserver, namespace: kube-system, labels: {tier: control-plane}}
    /// spec:
    ///   containers:
    ///     - name: kube-apiserver
    ///       image: registry.k8s.io/kube-apiserver:v1.34.2
    ///       command:
    ///         - kube-apiserver
    ///         - --token-auth-file=/etc/kubernetes/tokens.csv
    /// ```
    ///
    /// Passwords come from a file.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: kube-apiserver, namespace: kube-system, labels: {tier: control-plane}}
    /// spec:
    ///   containers:
    ///     - name: kube-apiserver
    ///       image: registry.k8s.io/kube-apiserver:v1.34.2
    ///       command:
    ///         - kube-apiserver
    ///         - --basic-auth-file=/etc/kubernetes/users.csv
    /// ```
    ///
    /// ## Good
    ///
    /// Users have certificates, or tokens of an identity provider.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: kube-apiserver, namespace: kube-system, labels: {tier: control-plane}}
    /// spec:
    ///   containers:
    ///     - name: kube-apiserver
    ///       image: registry.k8s.io/kube-apiserver:v1.34.2
    ///       command:
    ///         - kube-apiserver
    ///         - --client-ca-file=/etc/kubernetes/pki/ca.crt
    ///         - --oidc-issuer-url=https://login.example.com
    /// ```
    ///
    /// Nodes join with bootstrap tokens, which expire.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: kube-apiserver, namespace: kube-system, labels: {tier: control-plane}}
    /// spec:
    ///   containers:
    ///     - name: kube-apiserver
    ///       image: registry.k8s.io/kube-apiserver:v1.34.2
    ///       command:
    ///         - kube-apiserver
    ///         - --enable-bootstrap-token-auth=true
    /// ```
    ///
    /// ## Fix
    ///
    /// Give people an identity provider (`--oidc-issuer-url` or `--authentication-config`) and programs service
    /// accounts, and remove the flag.
    StaticTokens {
        name: "static-tokens",
        summary: "API server accepts tokens of a file",
        category: Cluster,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Preview,
        standards: [Cis("1.2.2"), Nsa("Authentication and authorization"), Attack("T1078.001")],
    }
}

component_rule!(StaticTokens);

fn judge<'a>(context: &Context<'a>, component: &Component<'a>, findings: &mut Vec<Finding>) {
    let flags = ["token-auth-file", "basic-auth-file"];
    for flag in
        flags.into_iter().filter(|flag| component.value(flag).is_some_and(|it| !it.is_empty()))
    {
        if !is_api_server(component) {
            continue;
        }
        let message = format!("the API server accepts the credentials of a file (`--{flag}`)");
        findings.push(
            draft(context, StaticTokens::RULE, component, flag, message)
                .why("Anyone who copies the file is its users until it is changed and the server restarted.")
                .help("Use an identity provider for people and service accounts for programs.")
                .manual("use an identity provider", "- --oidc-issuer-url=https://login.example.com\n")
                .done(),
        );
    }
}
