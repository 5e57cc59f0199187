//! See [`AnonymousRequests`].

use coaming_finding::Finding;

use super::component::Component;
use super::{component_rule, draft, is_api_server};
use crate::Context;
use crate::rule::{BuiltIn as _, rule};

rule! {
    /// ## What it looks for
    ///
    /// A `kube-apiserver` that answers clients without credentials: `--anonymous-auth=true`, which is also the
    /// default, without an `--authentication-config` that limits them.
    ///
    /// ## Why it matters
    ///
    /// A client without credentials is `system:anonymous`. By itself that user can read the version and the
    /// health of the server; with one wrong binding it can do more, from everywhere that reaches the port.
    /// Holes of the API server that need no account (CVE-2018-1002105) are open to it too.
    ///
    /// ## Bad
    ///
    /// The default is on.
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
    /// It is switched on.
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
    ///         - --anonymous-auth=true
    /// ```
    ///
    /// ## Good
    ///
    /// It is switched off.
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
    ///         - --anonymous-auth=false
    /// ```
    ///
    /// A configuration limits it to the paths of health checks.
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
    ///         - --authentication-config=/etc/kubernetes/authentication.yaml
    /// ```
    ///
    /// k3s switches it off.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Node
    /// metadata:
    ///   name: server-1
    ///   annotations:
    ///     k3s.io/node-args: '["server"]'
    /// ```
    ///
    /// ## Fix
    ///
    /// From Kubernetes 1.32 on, allow anonymous requests for health checks alone, with
    /// `--authentication-config`. Before that, set `--anonymous-auth=false` if nothing needs it: the probes of
    /// a kubeadm cluster, and `kubeadm join`, do.
    ///
    /// ## Limits
    ///
    /// The content of the file that `--authentication-config` names is not known.
    AnonymousRequests {
        name: "anonymous-requests",
        summary: "API server answers requests without credentials",
        category: Cluster,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Preview,
        standards: [Cis("1.2.1"), Nsa("Authentication and authorization"), Attack("T1133")],
    }
}

component_rule!(AnonymousRequests);

fn judge<'a>(context: &Context<'a>, component: &Component<'a>, findings: &mut Vec<Finding>) {
    const FLAG: &str = "anonymous-auth";
    let is_on = component.value(FLAG) == Some("true") || component.lacks(FLAG);
    if !is_api_server(component) || !is_on || component.value("authentication-config").is_some() {
        return;
    }
    let message = "the API server answers requests without credentials".to_owned();
    findings.push(
        draft(context, AnonymousRequests::RULE, component, FLAG, message)
            .why(
                "Anyone who reaches the port is `system:anonymous`, and one wrong binding gives that \
                 user more than health checks.",
            )
            .help(
                "Allow anonymous requests for health checks alone with `--authentication-config`, \
                 or set `--anonymous-auth=false`.",
            )
            .manual("limit anonymous requests to health checks", SNIPPET)
            .done(),
    );
}

const SNIPPET: &str = "\
# --authentication-config=/etc/kubernetes/authentication.yaml
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
anonymous:
  enabled: true
  conditions:
    - path: /livez
    - path: /readyz
    - path: /healthz
";
