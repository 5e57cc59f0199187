//! See [`RemovedApi`].

use coaming_finding::{Finding, RuleMeta, Severity};
use coaming_kube::{Fields as _, Object};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// Objects of API versions that the cluster does not serve any more. The version of the
    /// cluster is `kubernetes-version` in the configuration, or the newest one.
    ///
    /// ## Why it matters
    ///
    /// The API server refuses the object, or, in a chart, the whole release. If the object was a
    /// policy, its protection disappears with the upgrade without a warning.
    ///
    /// ## Bad
    ///
    /// Kubernetes 1.22 removed this version.
    ///
    /// ```yaml
    /// apiVersion: extensions/v1beta1
    /// kind: Ingress
    /// metadata:
    ///   name: web
    /// spec:
    ///   backend: {serviceName: web, servicePort: 80}
    /// ```
    ///
    /// Nothing replaces PodSecurityPolicy under its name.
    ///
    /// ```yaml
    /// apiVersion: policy/v1beta1
    /// kind: PodSecurityPolicy
    /// metadata:
    ///   name: restricted
    /// spec:
    ///   privileged: false
    /// ```
    ///
    /// All kinds of this version.
    ///
    /// ```yaml
    /// apiVersion: autoscaling/v2beta2
    /// kind: HorizontalPodAutoscaler
    /// metadata:
    ///   name: web
    /// spec:
    ///   scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
    ///   maxReplicas: 3
    /// ```
    ///
    /// ## Good
    ///
    /// The version that replaces it.
    ///
    /// ```yaml
    /// apiVersion: networking.k8s.io/v1
    /// kind: Ingress
    /// metadata:
    ///   name: web
    /// spec:
    ///   defaultBackend: {service: {name: web, port: {number: 80}}}
    /// ```
    ///
    /// A custom resource may have any version.
    ///
    /// ```yaml
    /// apiVersion: shop.example.com/v1beta1
    /// kind: Ingress
    /// metadata:
    ///   name: web
    /// ```
    ///
    /// ## Fix
    ///
    /// Change to the version that the message names. Some fields may have other names there.
    RemovedApi {
        name: "removed-api",
        summary: "API version has been removed",
        category: Schema,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [],
    }
}

/// Removed API versions: the version, its kinds (none: all), the first minor version without them,
/// and the replacement (empty: none).
type Removal = (&'static str, &'static [&'static str], u32, &'static str);

const REMOVALS: &[Removal] = &[
    ("extensions/v1beta1", &["Deployment", "DaemonSet", "ReplicaSet"], 16, "apps/v1"),
    ("extensions/v1beta1", &["NetworkPolicy"], 16, "networking.k8s.io/v1"),
    ("extensions/v1beta1", &["PodSecurityPolicy"], 16, ""),
    ("extensions/v1beta1", &["Ingress"], 22, "networking.k8s.io/v1"),
    ("apps/v1beta1", &[], 16, "apps/v1"),
    ("apps/v1beta2", &[], 16, "apps/v1"),
    ("networking.k8s.io/v1beta1", &["Ingress", "IngressClass"], 22, "networking.k8s.io/v1"),
    ("rbac.authorization.k8s.io/v1alpha1", &[], 22, "rbac.authorization.k8s.io/v1"),
    ("rbac.authorization.k8s.io/v1beta1", &[], 22, "rbac.authorization.k8s.io/v1"),
    ("apiextensions.k8s.io/v1beta1", &[], 22, "apiextensions.k8s.io/v1"),
    ("apiregistration.k8s.io/v1beta1", &[], 22, "apiregistration.k8s.io/v1"),
    (
        "admissionregistration.k8s.io/v1beta1",
        &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
        22,
        "admissionregistration.k8s.io/v1",
    ),
    ("authentication.k8s.io/v1beta1", &["TokenReview"], 22, "authentication.k8s.io/v1"),
    ("authorization.k8s.io/v1beta1", &[], 22, "authorization.k8s.io/v1"),
    ("certificates.k8s.io/v1beta1", &["CertificateSigningRequest"], 22, "certificates.k8s.io/v1"),
    ("coordination.k8s.io/v1beta1", &["Lease"], 22, "coordination.k8s.io/v1"),
    ("scheduling.k8s.io/v1alpha1", &["PriorityClass"], 17, "scheduling.k8s.io/v1"),
    ("scheduling.k8s.io/v1beta1", &["PriorityClass"], 22, "scheduling.k8s.io/v1"),
    (
        "storage.k8s.io/v1beta1",
        &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"],
        22,
        "storage.k8s.io/v1",
    ),
    ("storage.k8s.io/v1beta1", &["CSIStorageCapacity"], 27, "storage.k8s.io/v1"),
    ("batch/v2alpha1", &["CronJob"], 21, "batch/v1"),
    ("batch/v1beta1", &["CronJob"], 25, "batch/v1"),
    ("discovery.k8s.io/v1beta1", &["EndpointSlice"], 25, "discovery.k8s.io/v1"),
    ("events.k8s.io/v1beta1", &["Event"], 25, "events.k8s.io/v1"),
    ("autoscaling/v2beta1", &[], 25, "autoscaling/v2"),
    ("autoscaling/v2beta2", &[], 26, "autoscaling/v2"),
    ("policy/v1beta1", &["PodDisruptionBudget"], 25, "policy/v1"),
    ("policy/v1beta1", &["PodSecurityPolicy"], 25, ""),
    ("node.k8s.io/v1beta1", &["RuntimeClass"], 25, "node.k8s.io/v1"),
    ("flowcontrol.apiserver.k8s.io/v1beta1", &[], 26, "flowcontrol.apiserver.k8s.io/v1"),
    ("flowcontrol.apiserver.k8s.io/v1beta2", &[], 29, "flowcontrol.apiserver.k8s.io/v1"),
    ("flowcontrol.apiserver.k8s.io/v1beta3", &[], 32, "flowcontrol.apiserver.k8s.io/v1"),
];

/// The labels that replace a PodSecurityPolicy.
const POD_SECURITY: &str =
    "metadata:\n  labels:\n    pod-security.kubernetes.io/enforce: restricted\n";

impl ObjectRule for RemovedApi {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        let object = scope.object;
        let (version, kind) = (object.api_version(), object.kind());
        let minor = context.settings.kubernetes_minor;
        let removal = REMOVALS.iter().find(|(gone, kinds, since, _)| {
            *gone == version && minor >= *since && (kinds.is_empty() || kinds.contains(&kind))
        });
        let Some((_, _, since, replacement)) = removal else { return };
        if is_choice_of_a_chart(context, object) {
            return;
        }
        let (title, snippet) = match *replacement {
            // The only kind that has been removed without a replacement.
            "" => ("label the namespaces for Pod Security".to_owned(), POD_SECURITY.to_owned()),
            version => (format!("change to `{version}`"), format!("apiVersion: {version}")),
        };
        let message = format!(
            "{} has API version `{version}`, which Kubernetes 1.{since} removed",
            phrases::object(object),
        );
        let gone_policy = matches!(kind, "PodSecurityPolicy" | "NetworkPolicy");
        let node = object.node().field("apiVersion").unwrap_or(object.node());
        findings.push(
            context
                .finding(Self::RULE, object, node, message)
                .severity(if gone_policy { Severity::Medium } else { Severity::Low })
                .why(if gone_policy {
                    "The API server refuses the object: what the policy protects is open."
                } else {
                    "The API server refuses the object, or, in a chart, the whole release."
                })
                .help(format!("{}.", phrases::sentence(&title)))
                .manual(title, snippet)
                .done(),
        );
    }
}

/// Whether a chart would choose another version in a cluster: what it is rendered with knows no
/// version of this group, as Helm without a cluster does not.
fn is_choice_of_a_chart(context: &Context<'_>, object: Object<'_>) -> bool {
    let source = context.world.source(object.source());
    object.group() == "apiregistration.k8s.io" && source.is_some_and(|it| it.rendering.is_some())
}
