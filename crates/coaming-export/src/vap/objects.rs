//! Rules about objects other than pods.

use super::{Expressed, Resource, Subject};

/// The rules.
pub(super) fn expressed() -> Vec<Expressed> {
    let core = |name| Resource { group: "", version: "v1", name };
    let ingresses = Resource { group: "networking.k8s.io", version: "v1", name: "ingresses" };
    vec![
        Expressed {
            rule: "external-ips",
            subject: Subject::Object(core("services"), "spec.?externalIPs"),
            condition: "size(dyn(object).?spec.?externalIPs.orValue([])) > 0".to_owned(),
        },
        Expressed {
            rule: "ingress-snippet",
            subject: Subject::Object(ingresses, "metadata.?annotations"),
            condition: "dyn(object).?metadata.?annotations.orValue({}).exists(k, \
                        k.matches(r'^nginx\\.(ingress\\.kubernetes\\.io|org|com)/') && \
                        k.matches(r'-snippets?$') && \
                        dyn(object).metadata.annotations[k].trim() != '')"
                .to_owned(),
        },
        Expressed {
            rule: "long-lived-token",
            subject: Subject::Object(core("secrets"), "type"),
            condition: "dyn(object).?type.orValue('') == 'kubernetes.io/service-account-token'"
                .to_owned(),
        },
    ]
}
