//! See [`AuditLogMissing`].

use coaming_finding::Finding;

use super::component::Component;
use super::{component_rule, draft, is_api_server};
use crate::Context;
use crate::rule::{BuiltIn as _, rule};

rule! {
    /// ## What it looks for
    ///
    /// A `kube-apiserver` without an audit policy (`--audit-policy-file`), or with one and no place for the
    /// events: neither `--audit-log-path` nor `--audit-webhook-config-file`.
    ///
    /// ## Why it matters
    ///
    /// Without an audit log, nobody can say afterwards which Secrets an attacker read, which pods they started
    /// and whose token they used.
    ///
    /// ## Bad
    ///
    /// Nothing is logged.
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
    ///         - --authorization-mode=Node,RBAC
    /// ```
    ///
    /// A policy without a place for the events.
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
    ///         - --audit-policy-file=/etc/kubernetes/audit.yaml
    /// ```
    ///
    /// A place without a policy.
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
    ///         - --audit-log-path=/var/log/kubernetes/audit.log
    /// ```
    ///
    /// ## Good
    ///
    /// Events go to a file.
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
    ///         - --audit-policy-file=/etc/kubernetes/audit.yaml
    ///         - --audit-log-path=/var/log/kubernetes/audit.log
    /// ```
    ///
    /// Events go to a server.
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
    ///         - --audit-policy-file=/etc/kubernetes/audit.yaml
    ///         - --audit-webhook-config-file=/etc/kubernetes/audit-webhook.yaml
    /// ```
    ///
    /// ## Fix
    ///
    /// Write a policy, name it in `--audit-policy-file`, mount both the policy and the directory of the log into
    /// the static pod, and send the log to where the nodes' administrators cannot change it.
    AuditLogMissing {
        name: "audit-log-missing",
        summary: "API server keeps no audit log",
        category: Cluster,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Preview,
        standards: [Cis("1.2.16"), Cis("3.2.1"), Nsa("Audit logging"), Attack("T1562.008")],
    }
}

component_rule!(AuditLogMissing);

fn judge<'a>(context: &Context<'a>, component: &Component<'a>, findings: &mut Vec<Finding>) {
    const POLICY: &str = "audit-policy-file";
    if !is_api_server(component) {
        return;
    }
    let has_no_place =
        component.lacks("audit-log-path") && component.lacks("audit-webhook-config-file");
    let message = match (component.lacks(POLICY), has_no_place) {
        (false, false) => return,
        (true, true) => "the API server keeps no audit log",
        (true, false) => "the API server keeps no audit log: it has no audit policy",
        (false, true) => "the API server keeps no audit log: its events go nowhere",
    };
    findings.push(
        draft(context, AuditLogMissing::RULE, component, POLICY, message.to_owned())
            .why("What an attacker read, changed and started cannot be found out afterwards.")
            .help("Set `--audit-policy-file`, and `--audit-log-path` or a webhook.")
            .manual("log who did what", SNIPPET)
            .done(),
    );
}

const SNIPPET: &str = "\
# --audit-policy-file=/etc/kubernetes/audit.yaml --audit-log-path=/var/log/kubernetes/audit.log
# --audit-log-maxage=30 --audit-log-maxbackup=10 --audit-log-maxsize=100
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - {level: None, verbs: [watch], users: ['system:kube-proxy']}
  - {level: Metadata}
";
