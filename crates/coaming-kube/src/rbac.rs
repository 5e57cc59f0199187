//! Role-based access control: roles, their rules, and who is bound to them.

use coaming_yaml::Node;

use crate::{Fields, Object};

/// The API group of all of it.
const GROUP: &str = "rbac.authorization.k8s.io";

/// A `Role` or `ClusterRole`.
#[derive(Clone, Copy, Debug)]
pub struct Role<'a> {
    /// The object.
    pub object: Object<'a>,
}

impl<'a> Role<'a> {
    /// The object as a role, if it is one.
    #[must_use]
    pub fn new(object: Object<'a>) -> Option<Self> {
        let is_role = object.group() == GROUP && matches!(object.kind(), "Role" | "ClusterRole");
        is_role.then_some(Self { object })
    }

    /// Whether it is a `ClusterRole`.
    #[must_use]
    pub fn is_cluster_role(self) -> bool {
        self.object.kind() == "ClusterRole"
    }

    /// The rules that it states itself. Those of an aggregated role are overwritten by the cluster
    /// ([`Role::aggregation`]).
    pub fn rules(self) -> impl Iterator<Item = PolicyRule<'a>> + use<'a> {
        self.object.node().list("rules").filter(|node| node.is_mapping()).map(PolicyRule::new)
    }

    /// The label selectors of the cluster roles whose rules it takes over; `None` where it states
    /// its rules itself.
    #[must_use]
    pub fn aggregation(self) -> Option<Vec<Node<'a>>> {
        let rule = self.object.node().mapping("aggregationRule")?;
        self.is_cluster_role().then(|| rule.list("clusterRoleSelectors").collect())
    }

    /// Whether it comes with Kubernetes.
    #[must_use]
    pub fn is_built_in(self) -> bool {
        is_bootstrapped(self.object) && !self.is_changed()
    }

    /// Whether it comes with Kubernetes, and somebody has changed it since. The roles for people
    /// (`cluster-admin`, `admin`, `edit`, `view`) are strong by intention: their bindings count.
    #[must_use]
    pub fn is_changed(self) -> bool {
        self.object.name().starts_with("system:") && is_changed(self.object)
    }
}

/// Whether an object is one of those that each API server makes for itself.
fn is_bootstrapped(object: Object<'_>) -> bool {
    object.metadata().mapping("labels").string("kubernetes.io/bootstrapping")
        == Some("rbac-defaults")
}

/// Whether somebody has written to an object that the API server makes for itself.
fn is_changed(object: Object<'_>) -> bool {
    /// What writes to these objects without being asked.
    const OWN: &[&str] = &["kube-apiserver", "clusterrole-aggregation-controller"];
    is_bootstrapped(object) && object.managers().any(|manager| !OWN.contains(&manager))
}

/// What a role allows: these verbs on these resources.
#[derive(Clone, Copy, Debug)]
pub struct PolicyRule<'a> {
    node: Node<'a>,
}

impl<'a> PolicyRule<'a> {
    /// A view of a rule.
    #[must_use]
    pub fn new(node: Node<'a>) -> Self {
        Self { node }
    }

    /// The rule's node.
    #[must_use]
    pub fn node(self) -> Node<'a> {
        self.node
    }

    /// `get`, `create`, `*` …
    pub fn verbs(self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.node.strings("verbs")
    }

    /// API groups; the core group is the empty text.
    pub fn api_groups(self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.node.strings("apiGroups")
    }

    /// Resources, with subresources: `pods`, `pods/exec`, `*`, `*/scale`.
    pub fn resources(self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.node.strings("resources")
    }

    /// The names of the objects that it applies to; if empty, all.
    pub fn resource_names(self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.node.strings("resourceNames")
    }

    /// Paths of the API server that are not objects: `/metrics`, `/logs/*`, `*`.
    pub fn non_resource_urls(self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.node.strings("nonResourceURLs")
    }
}

/// A `RoleBinding` or `ClusterRoleBinding`.
#[derive(Clone, Copy, Debug)]
pub struct RoleBinding<'a> {
    /// The object.
    pub object: Object<'a>,
}

impl<'a> RoleBinding<'a> {
    /// The object as a binding, if it is one.
    #[must_use]
    pub fn new(object: Object<'a>) -> Option<Self> {
        let kind = object.kind();
        let is_binding =
            object.group() == GROUP && matches!(kind, "RoleBinding" | "ClusterRoleBinding");
        is_binding.then_some(Self { object })
    }

    /// The namespace in which it counts; `None` where it counts in all.
    #[must_use]
    pub fn namespace(self) -> Option<&'a str> {
        (self.object.kind() == "RoleBinding").then(|| self.object.namespace_or_default())
    }

    /// Whether the role is a `ClusterRole`.
    #[must_use]
    pub fn binds_cluster_role(self) -> bool {
        self.object.node().mapping("roleRef").string("kind") == Some("ClusterRole")
    }

    /// Whether the API server accepts the API groups that it names: that of RBAC for the role, for
    /// users and for groups, none for accounts. What is missing gets the right one.
    #[must_use]
    pub fn has_valid_groups(self) -> bool {
        let is_valid = |node: Option<Node<'a>>, expected: &str| {
            node.field("apiGroup").is_none_or(|group| group.as_str() == Some(expected))
        };
        is_valid(self.object.node().mapping("roleRef"), GROUP)
            && self.subjects().all(|subject| match subject.kind() {
                "User" | "Group" => is_valid(Some(subject.node()), GROUP),
                "ServiceAccount" => is_valid(Some(subject.node()), ""),
                _ => true,
            })
    }

    /// The role's name.
    #[must_use]
    pub fn role_name(self) -> Option<&'a str> {
        self.object.node().mapping("roleRef").string("name")
    }

    /// Its subjects.
    pub fn subjects(self) -> impl Iterator<Item = BindingSubject<'a>> + use<'a> {
        let namespace = self.namespace();
        self.object
            .node()
            .list("subjects")
            .filter(|node| node.is_mapping())
            .map(move |node| BindingSubject { node, binding_namespace: namespace })
    }

    /// Whether it comes with Kubernetes.
    #[must_use]
    pub fn is_built_in(self) -> bool {
        is_bootstrapped(self.object) && !is_changed(self.object)
    }
}

/// Who is bound to a role.
#[derive(Clone, Copy, Debug)]
pub struct BindingSubject<'a> {
    node: Node<'a>,
    binding_namespace: Option<&'a str>,
}

impl<'a> BindingSubject<'a> {
    /// The subject's node.
    #[must_use]
    pub fn node(self) -> Node<'a> {
        self.node
    }

    /// `User`, `Group` or `ServiceAccount`.
    #[must_use]
    pub fn kind(self) -> &'a str {
        self.node.string("kind").unwrap_or_default()
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'a str {
        self.node.string("name").unwrap_or_default()
    }

    /// A service account's namespace: that of the binding where it names none. `None` where there
    /// is none either: the subject then matches no account.
    #[must_use]
    pub fn namespace(self) -> Option<&'a str> {
        self.node
            .string("namespace")
            .filter(|namespace| !namespace.is_empty())
            .or(self.binding_namespace)
    }
}
