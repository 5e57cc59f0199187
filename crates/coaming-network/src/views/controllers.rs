//! Stand-ins for ingress controllers, which the input may not contain.

use std::sync::Arc;

use crate::ip::IpSet;
use crate::model::{Mesh, NAMESPACE_NAME_LABEL, Namespace, Pods, Role, Workload};
use crate::selector::{ISTIO, Labels, NAMESPACE, PRINCIPAL};

type Pairs = &'static [(&'static str, &'static str)];

/// An ingress controller.
pub(crate) struct Controller {
    /// The namespace where it usually is.
    pub(crate) namespace: &'static str,
    namespace_labels: Pairs,
    labels: Pairs,
    /// Whether it has a proxy of Istio, as Istio's own gateway.
    gateway: bool,
}

const fn controller(namespace: &'static str, namespace_labels: Pairs, labels: Pairs) -> Controller {
    Controller { namespace, namespace_labels, labels, gateway: false }
}

const ISTIO_LABELS: Pairs = &[("app", "istio-ingressgateway"), ("istio", "ingressgateway")];

/// The usual ingress controllers; the first represents any other.
const CONTROLLERS: [Controller; 8] = [
    controller("coaming-some-ingress-controller", &[], &[]),
    controller(
        "ingress-nginx",
        &[
            ("app.kubernetes.io/name", "ingress-nginx"),
            ("app.kubernetes.io/instance", "ingress-nginx"),
        ],
        &[
            ("app.kubernetes.io/name", "ingress-nginx"),
            ("app.kubernetes.io/instance", "ingress-nginx"),
            ("app.kubernetes.io/component", "controller"),
        ],
    ),
    controller(
        "openshift-ingress",
        &[
            ("network.openshift.io/policy-group", "ingress"),
            ("policy-group.network.openshift.io/ingress", ""),
        ],
        &[("ingresscontroller.operator.openshift.io/deployment-ingresscontroller", "default")],
    ),
    controller(
        "openshift-ingress-operator",
        &[("name", "openshift-ingress-operator"), ("openshift.io/cluster-monitoring", "true")],
        &[("name", "ingress-operator")],
    ),
    controller("traefik", &[], &[("app.kubernetes.io/name", "traefik")]),
    controller("istio-system", &[], ISTIO_LABELS),
    Controller { gateway: true, ..controller("istio-system", &[], ISTIO_LABELS) },
    controller("projectcontour", &[], &[("app", "envoy")]),
];

/// The ingress controllers that the model gets where an ingress point needs one.
pub(crate) fn controllers() -> impl Iterator<Item = &'static Controller> {
    CONTROLLERS.iter()
}

/// Whether pods with these labels are an ingress controller.
pub(crate) fn is_controller(labels: &Labels) -> bool {
    let mut known = CONTROLLERS.iter().filter(|it| !it.labels.is_empty());
    known.any(|it| {
        it.labels.iter().all(|(key, value)| labels.get(*key).is_some_and(|own| own == value))
    })
}

fn owned(labels: Pairs) -> Labels {
    labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

impl Controller {
    /// The labels of its namespace, without the automatic one.
    pub(crate) fn namespace_labels(&self) -> Labels {
        owned(self.namespace_labels)
    }

    /// Its namespace, if the input does not mention it.
    pub(crate) fn namespace_value(&self) -> Namespace {
        let mut labels = self.namespace_labels();
        labels.insert(NAMESPACE_NAME_LABEL.to_owned(), self.namespace.to_owned());
        Namespace { labels, location: None, opaque: false }
    }

    /// Its workload.
    pub(crate) fn workload(&self) -> Workload {
        Workload {
            namespace: self.namespace.to_owned(),
            name: "ingress-controller".to_owned(),
            kind: "Controller".to_owned(),
        }
    }

    fn pod_labels(&self) -> Labels {
        let mut labels = owned(self.labels);
        labels.insert(NAMESPACE.to_owned(), self.namespace.to_owned());
        if self.gateway {
            let principal = "cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account";
            labels.insert(ISTIO.to_owned(), Mesh::Gateway.name().to_owned());
            labels.insert(PRINCIPAL.to_owned(), principal.to_owned());
        }
        labels
    }

    /// Its pods.
    pub(crate) fn pods(&self, workload: usize) -> Pods {
        Pods {
            workload,
            namespace: Arc::from(self.namespace),
            labels: Arc::new(self.pod_labels()),
            ports: Vec::new(),
            host_network: false,
            addresses: IpSet::none(),
            role: Role::Controller,
            location: None,
        }
    }
}
