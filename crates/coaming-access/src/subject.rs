//! Users, groups and service accounts.

use std::fmt;

use coaming_kube::BindingSubject;

/// A subject of a binding, as the API server understands it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject<'a> {
    /// A user, by the name that authentication gives.
    User(&'a str),
    /// All members of a group.
    Group(&'a str),
    /// A service account.
    ServiceAccount {
        /// Its namespace.
        namespace: &'a str,
        /// Its name.
        name: &'a str,
    },
}

/// How the user names of service accounts start.
const ACCOUNT_USER: &str = "system:serviceaccount:";
/// How the names of the groups of a namespace's service accounts start.
const ACCOUNT_GROUP: &str = "system:serviceaccounts:";

impl<'a> Subject<'a> {
    /// The subject that a binding names; `None` where it names nobody: an account without a
    /// namespace, or an unknown kind.
    #[must_use]
    pub fn of(subject: BindingSubject<'a>) -> Option<Self> {
        let name = subject.name();
        match subject.kind() {
            _ if name.is_empty() => None,
            "User" => Some(match name.strip_prefix(ACCOUNT_USER).and_then(|x| x.split_once(':')) {
                Some((namespace, name)) => Self::ServiceAccount { namespace, name },
                None => Self::User(name),
            }),
            "Group" => Some(Self::Group(name)),
            "ServiceAccount" => {
                Some(Self::ServiceAccount { namespace: subject.namespace()?, name })
            }
            _ => None,
        }
    }

    /// Whether a service account is this subject, or a member of this group.
    #[must_use]
    pub fn covers(self, namespace: &str, name: &str) -> bool {
        match self {
            Self::User(_) => false,
            Self::Group("system:authenticated" | "system:serviceaccounts") => true,
            Self::Group(group) => group.strip_prefix(ACCOUNT_GROUP) == Some(namespace),
            Self::ServiceAccount { namespace: own, name: own_name } => {
                own == namespace && own_name == name
            }
        }
    }

    /// Whether a caller that acts as `other` has the rights of this subject: it is the same, or a group
    /// that all such subjects are members of.
    pub(crate) fn includes(self, other: Subject<'_>) -> bool {
        match other {
            _ if self == other => true,
            Subject::ServiceAccount { namespace, name } => self.covers(namespace, name),
            Subject::User("system:anonymous") => self == Self::Group("system:unauthenticated"),
            Subject::Group("system:unauthenticated") => false,
            Subject::Group(group) if group.starts_with(ACCOUNT_GROUP) => {
                matches!(self, Self::Group("system:authenticated" | "system:serviceaccounts"))
            }
            Subject::User(_) | Subject::Group(_) => self == Self::Group("system:authenticated"),
        }
    }

    /// The service accounts that it covers: the namespace, and the name unless all accounts of the
    /// namespace are covered. `None` for people, and for groups of more than one namespace.
    pub(crate) fn accounts(self) -> Option<(&'a str, Option<&'a str>)> {
        match self {
            Self::User(_) => None,
            Self::Group(group) => group.strip_prefix(ACCOUNT_GROUP).map(|of| (of, None)),
            Self::ServiceAccount { namespace, name } => Some((namespace, Some(name))),
        }
    }

    /// What a well-known name means: `every service account of the cluster`.
    #[must_use]
    pub fn meaning(self) -> Option<String> {
        match self {
            Self::Group("system:masters") => Some("anyone with an admin certificate".to_owned()),
            Self::Group("system:authenticated") => {
                Some("all authenticated users, including every pod with a token".to_owned())
            }
            Self::Group("system:unauthenticated") | Self::User("system:anonymous") => {
                Some("anyone who can reach the API server".to_owned())
            }
            Self::Group("system:serviceaccounts") => {
                Some("every service account of the cluster".to_owned())
            }
            Self::Group(group) => group
                .strip_prefix(ACCOUNT_GROUP)
                .map(|namespace| format!("every service account of namespace {namespace}")),
            _ => None,
        }
    }

    /// Whether it is all users, or all pods: far more than a role is meant for.
    #[must_use]
    pub fn is_everybody(self) -> bool {
        matches!(
            self,
            Self::Group(
                "system:authenticated" | "system:unauthenticated" | "system:serviceaccounts"
            ) | Self::User("system:anonymous")
        )
    }

    /// Whether it is a part of Kubernetes.
    #[must_use]
    pub fn is_system(self) -> bool {
        match self {
            Self::User(name) => name.starts_with("system:") && name != "system:anonymous",
            Self::Group(name) => matches!(name, "system:masters" | "system:nodes"),
            Self::ServiceAccount { .. } => false,
        }
    }

    /// `User`, `Group` or `ServiceAccount`.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::User(_) => "User",
            Self::Group(_) => "Group",
            Self::ServiceAccount { .. } => "ServiceAccount",
        }
    }
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) | Self::Group(name) => write!(f, "{} {name}", self.kind()),
            Self::ServiceAccount { namespace, name } => {
                write!(f, "ServiceAccount {namespace}/{name}")
            }
        }
    }
}

/// A [`Subject`] that owns its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoredSubject {
    User(Box<str>),
    Group(Box<str>),
    ServiceAccount { namespace: Box<str>, name: Box<str> },
}

impl StoredSubject {
    pub(crate) fn new(subject: Subject<'_>) -> Self {
        match subject {
            Subject::User(name) => Self::User(name.into()),
            Subject::Group(name) => Self::Group(name.into()),
            Subject::ServiceAccount { namespace, name } => {
                Self::ServiceAccount { namespace: namespace.into(), name: name.into() }
            }
        }
    }

    pub(crate) fn get(&self) -> Subject<'_> {
        match self {
            Self::User(name) => Subject::User(name),
            Self::Group(name) => Subject::Group(name),
            Self::ServiceAccount { namespace, name } => Subject::ServiceAccount { namespace, name },
        }
    }
}
