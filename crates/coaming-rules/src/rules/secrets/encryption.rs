//! How an API server's `EncryptionConfiguration` treats Secrets.

use coaming_kube::{Fields as _, Object};
use coaming_yaml::Node;

/// An encryption configuration of the API server.
#[derive(Clone, Copy)]
pub(super) struct Encryption<'a> {
    pub(super) object: Object<'a>,
}

/// A provider in an entry: the first one writes objects, all of them read.
#[derive(Clone, Copy)]
pub(super) struct Provider<'a> {
    /// `identity`, `aescbc`, `aesgcm`, `secretbox` or `kms`.
    pub(super) name: &'a str,
    /// The provider with its name; it may hold keys.
    pub(super) node: Node<'a>,
    /// The value under its name.
    pub(super) settings: Node<'a>,
}

impl<'a> Encryption<'a> {
    pub(super) fn of(object: Object<'a>) -> Option<Self> {
        let known = object.kind() == "EncryptionConfiguration"
            && object.api_version().starts_with("apiserver.config.k8s.io/");
        known.then_some(Self { object })
    }

    /// The entry that applies to Secrets: the first that names them, or all resources.
    pub(super) fn entry_of_secrets(self) -> Option<Node<'a>> {
        self.object.node().list("resources").find(|entry| {
            entry.strings("resources").any(|name| matches!(name, "secrets" | "*." | "*.*"))
        })
    }

    /// The provider that writes Secrets.
    pub(super) fn writer(self) -> Option<Provider<'a>> {
        let node = self.entry_of_secrets()?.list("providers").next()?;
        let entry = node.entries().next()?;
        Some(Provider { name: entry.key.as_str()?, node, settings: entry.value })
    }
}

/// What to paste, and how to apply it.
pub(crate) const SNIPPET: &str = "\
resources:
  - resources: [secrets]
    providers:
      - kms: {apiVersion: v2, name: PLUGIN, endpoint: unix:///var/run/kms/socket.sock}
      - identity: {} # last: only reads Secrets that are not encrypted yet
# Restart every API server, then write all Secrets again:
# kubectl get secrets --all-namespaces -o json | kubectl replace -f -
";
