//! Rights of the Kubernetes API that lead further, and the requests that each needs.

use coaming_access::Request;

/// A right that leads to other footholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// Read Secrets.
    ReadSecrets,
    /// Create Secrets.
    CreateSecrets,
    /// Run commands in containers of running pods.
    Exec,
    /// Add containers to running pods.
    Debug,
    /// Use the kubelet's API on every node.
    KubeletApi,
    /// Connect to ports of pods through the API server.
    PortForward,
    /// Connect to the pods behind Services through the API server.
    ServiceProxy,
    /// Start pods.
    StartPods,
    /// Change the images of running pods.
    ChangePods,
    /// Issue tokens of service accounts.
    RequestTokens,
    /// Change the labels of a namespace.
    LabelNamespace,
    /// Create namespaces.
    CreateNamespaces,
    /// See every object that is written.
    SeeWrites,
    /// Create volumes.
    CreateVolumes,
    /// Request client certificates.
    RequestCertificates,
    /// Approve client certificates.
    ApproveCertificates,
    /// Read logs through the kubelet.
    ReadLogs,
    /// Act as any service account.
    ImpersonateAccounts,
    /// Act as any user.
    ImpersonateUsers,
    /// Take every right in the namespace, or in the cluster.
    TakeRights,
}

/// API group, resource, subresource, verbs, name.
type Need =
    (&'static str, &'static str, &'static str, &'static [&'static str], Option<&'static str>);

const RBAC: &str = "rbac.authorization.k8s.io";
const CERTIFICATES: &str = "certificates.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";
const WRITE: &[&str] = &["create", "update", "patch"];
pub(crate) const CHANGE: &[&str] = &["update", "patch"];
/// The request through the proxy has the verb of its method.
pub(crate) const PROXY: &[&str] = &["create", "get", "update", "patch", "delete"];

/// Where a right counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Where it is bound: in a namespace, or in all.
    AsBound,
    /// In the cluster: its objects are in no namespace, so only a binding of the cluster gives it.
    Cluster,
    /// In each namespace apart, also if it is bound in the cluster.
    EachNamespace,
}

/// A way to have a right: one request of each list must be allowed, all to the same identity.
pub(crate) struct Alternative {
    pub(crate) right: Right,
    pub(crate) extent: Extent,
    needs: &'static [&'static [Need]],
    /// Whether `get` only suffices before Kubernetes 1.35.
    get_before_35: bool,
}

const fn alternative(right: Right, needs: &'static [&'static [Need]]) -> Alternative {
    Alternative { right, extent: Extent::AsBound, needs, get_before_35: false }
}

const fn of_cluster(right: Right, needs: &'static [&'static [Need]]) -> Alternative {
    Alternative { right, extent: Extent::Cluster, needs, get_before_35: false }
}

const fn stream(right: Right, needs: &'static [&'static [Need]]) -> Alternative {
    Alternative { right, extent: Extent::AsBound, needs, get_before_35: true }
}

const fn of_each_namespace(right: Right, needs: &'static [&'static [Need]]) -> Alternative {
    Alternative { right, extent: Extent::EachNamespace, needs, get_before_35: false }
}

/// Every way to have a right.
pub(crate) const ALTERNATIVES: &[Alternative] = &[
    alternative(Right::TakeRights, &[&[("*", "*", "", &["*"], None)]]),
    of_cluster(
        Right::TakeRights,
        &[
            &[(RBAC, "clusterroles", "", &["escalate"], None)],
            &[(RBAC, "clusterroles", "", CHANGE, None)],
        ],
    ),
    of_cluster(
        Right::TakeRights,
        &[
            &[(RBAC, "clusterroles", "", &["bind"], Some("cluster-admin"))],
            &[(RBAC, "clusterrolebindings", "", WRITE, None)],
        ],
    ),
    of_cluster(
        Right::TakeRights,
        &[
            &[("", "groups", "", &["impersonate"], Some("system:masters"))],
            &[
                ("", "users", "", &["impersonate"], None),
                ("", "serviceaccounts", "", &["impersonate"], None),
            ],
        ],
    ),
    of_cluster(
        Right::TakeRights,
        &[&[(ADMISSION, "mutatingwebhookconfigurations", "", WRITE, None)]],
    ),
    of_each_namespace(
        Right::TakeRights,
        &[&[(RBAC, "roles", "", &["escalate"], None)], &[(RBAC, "roles", "", CHANGE, None)]],
    ),
    of_each_namespace(
        Right::TakeRights,
        &[
            &[
                (RBAC, "clusterroles", "", &["bind"], Some("cluster-admin")),
                (RBAC, "clusterroles", "", &["bind"], Some("admin")),
                (RBAC, "roles", "", &["bind"], None),
            ],
            &[(RBAC, "rolebindings", "", WRITE, None)],
        ],
    ),
    alternative(Right::ReadSecrets, &[&[("", "secrets", "", &["get", "list", "watch"], None)]]),
    alternative(Right::CreateSecrets, &[&[("", "secrets", "", &["create"], None)]]),
    stream(
        Right::Exec,
        &[&[
            ("", "pods", "exec", &["create", "get"], None),
            ("", "pods", "attach", &["create", "get"], None),
        ]],
    ),
    alternative(Right::Debug, &[&[("", "pods", "ephemeralcontainers", CHANGE, None)]]),
    of_cluster(Right::KubeletApi, &[&[("", "nodes", "proxy", &["create", "get"], None)]]),
    stream(Right::PortForward, &[&[("", "pods", "portforward", &["create", "get"], None)]]),
    alternative(Right::PortForward, &[&[("", "pods", "proxy", PROXY, None)]]),
    alternative(Right::ServiceProxy, &[&[("", "services", "proxy", PROXY, None)]]),
    alternative(
        Right::StartPods,
        &[&[
            ("", "pods", "", &["create"], None),
            ("", "replicationcontrollers", "", WRITE, None),
            ("apps", "deployments", "", WRITE, None),
            ("apps", "daemonsets", "", WRITE, None),
            ("apps", "statefulsets", "", WRITE, None),
            ("apps", "replicasets", "", WRITE, None),
            ("batch", "jobs", "", &["create"], None),
            ("batch", "cronjobs", "", WRITE, None),
        ]],
    ),
    alternative(Right::ChangePods, &[&[("", "pods", "", CHANGE, None)]]),
    alternative(Right::RequestTokens, &[&[("", "serviceaccounts", "token", &["create"], None)]]),
    alternative(Right::LabelNamespace, &[&[("", "namespaces", "", CHANGE, None)]]),
    of_cluster(Right::CreateNamespaces, &[&[("", "namespaces", "", &["create"], None)]]),
    of_cluster(
        Right::SeeWrites,
        &[&[(ADMISSION, "validatingwebhookconfigurations", "", WRITE, None)]],
    ),
    of_cluster(Right::CreateVolumes, &[&[("", "persistentvolumes", "", &["create"], None)]]),
    of_cluster(
        Right::RequestCertificates,
        &[&[(CERTIFICATES, "certificatesigningrequests", "", &["create"], None)]],
    ),
    of_cluster(
        Right::ApproveCertificates,
        &[
            &[(CERTIFICATES, "certificatesigningrequests", "approval", CHANGE, None)],
            &[
                (
                    CERTIFICATES,
                    "signers",
                    "",
                    &["approve"],
                    Some("kubernetes.io/kube-apiserver-client"),
                ),
                (CERTIFICATES, "signers", "", &["approve"], Some("kubernetes.io/*")),
            ],
        ],
    ),
    alternative(Right::ReadLogs, &[&[("", "pods", "log", &["get"], None)]]),
    of_cluster(
        Right::ReadLogs,
        &[&[("", "nodes", "log", &["get"], None), ("", "nodes", "proxy", &["get"], None)]],
    ),
    alternative(
        Right::ImpersonateAccounts,
        &[&[("", "serviceaccounts", "", &["impersonate"], None)]],
    ),
    of_cluster(Right::ImpersonateUsers, &[&[("", "users", "", &["impersonate"], None)]]),
];

impl Alternative {
    /// The requests: one of each list must be allowed.
    pub(crate) fn needs(&self, minor: u32) -> Vec<Vec<Request<'static>>> {
        let lists = self.needs.iter().map(|needs| {
            let requests = needs.iter().flat_map(|&(group, resource, subresource, verbs, name)| {
                verbs
                    .iter()
                    .filter(move |verb| !(self.get_before_35 && **verb == "get" && minor >= 35))
                    .map(move |verb| Request {
                        verb,
                        group,
                        resource,
                        subresource,
                        namespace: None,
                        name,
                    })
            });
            requests.collect()
        });
        lists.collect()
    }
}
