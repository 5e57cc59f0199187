//! Who may do something.

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

/// What the users of service accounts are called.
const ACCOUNT_USER: &str = "system:serviceaccount:";
/// What the groups of a namespace's service accounts are called.
const ACCOUNT_GROUP: &str = "system:serviceaccounts:";

impl<'a> Subject<'a> {
    /// The subject that a binding names; `None` where it means nobody: an account of no namespace, a
    /// kind that does not exist.
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

    /// Whether a service account is this subject or one of its group.
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

    /// Who that is, where the name alone does not tell: ``every service account``.
    #[must_use]
    pub fn meaning(self) -> Option<String> {
        match self {
            Self::Group("system:masters") => Some("whoever has an admin's certificate".to_owned()),
            Self::Group("system:authenticated") => {
                Some("everybody with an account, every pod with a token among them".to_owned())
            }
            Self::Group("system:unauthenticated") | Self::User("system:anonymous") => {
                Some("everybody who reaches the API server".to_owned())
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

    /// Whether it is everybody, or every pod: far more than anybody means to trust.
    #[must_use]
    pub fn is_everybody(self) -> bool {
        matches!(
            self,
            Self::Group(
                "system:authenticated" | "system:unauthenticated" | "system:serviceaccounts"
            ) | Self::User("system:anonymous")
        )
    }

    /// Whether it is part of Kubernetes itself.
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
