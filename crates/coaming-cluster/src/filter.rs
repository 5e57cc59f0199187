//! Which fields of an object are kept.

use std::borrow::Cow;

use coaming_yaml::JsonFilter;

use crate::redact;

/// The fields of the status of Kubernetes' own kinds that an engine reads. All other fields of a
/// status change all the time, and are half of a pod.
const KEPT_STATUS: &[(&str, &[&str])] = &[
    ("Job", &["conditions"]),
    ("Node", &["addresses", "nodeInfo"]),
    ("Pod", &["hostIP", "hostIPs", "phase", "podIP", "podIPs"]),
    ("Service", &["loadBalancer"]),
];

/// Keeps the fields that are read of objects of one kind, without the values of Secrets.
pub(crate) struct ObjectFilter {
    /// The fields of the status that are kept; `None` for all.
    status: Option<&'static [&'static str]>,
    is_secret: bool,
    /// Whether the names of the programs that wrote the object are kept.
    has_managers: bool,
}

/// Kinds of which a distribution has objects of its own: who changed them decides whether they are
/// judged. There are few objects of these kinds.
const MANAGED: &[&str] =
    &["ClusterRole", "ClusterRoleBinding", "DaemonSet", "Deployment", "Role", "RoleBinding"];

impl ObjectFilter {
    pub(crate) fn new(api_version: &str, kind: &str) -> Self {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        let is_kubernetes = !group.contains('.') || group.ends_with(".k8s.io");
        let kept = || KEPT_STATUS.iter().find(|(of, _)| *of == kind).map_or(&[][..], |kept| kept.1);
        Self {
            status: is_kubernetes.then(kept),
            is_secret: group.is_empty() && kind == "Secret",
            has_managers: is_kubernetes && MANAGED.contains(&kind),
        }
    }
}

impl JsonFilter for ObjectFilter {
    fn keeps(&mut self, path: &[Cow<'_, str>]) -> bool {
        match path {
            // The list's type is the item's.
            [field] if field == "apiVersion" || field == "kind" => false,
            [status] if status == "status" => self.status.is_none_or(|kept| !kept.is_empty()),
            [status, field] if status == "status" => {
                self.status.is_none_or(|kept| kept.contains(&field.as_ref()))
            }
            [metadata, field] if metadata == "metadata" && field == "managedFields" => {
                self.has_managers
            }
            [metadata, managed, field] if metadata == "metadata" && managed == "managedFields" => {
                field == "manager"
            }
            _ => true,
        }
    }

    fn replacement(&mut self, path: &[Cow<'_, str>], text: &str) -> Option<String> {
        match path {
            _ if !self.is_secret => None,
            // The Secret is where values belong: the names of its keys are all that is needed.
            [field, ..] if redact::has_values(field) => Some(String::new()),
            [metadata, annotations, name]
                if metadata == "metadata" && annotations == "annotations" =>
            {
                redact::annotation(name, text)
            }
            _ => None,
        }
    }
}
