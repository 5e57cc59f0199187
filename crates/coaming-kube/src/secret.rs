//! How pods use Secrets: in the environment, as files, and through the kubelet.

use coaming_yaml::Node;

use crate::{Container, Fields, PodSpec, Volume};

/// The text in place of a value that must not be kept, such as a Secret's in an annotation of a live
/// object. It is reported like the value.
pub const WITHHELD: &str = "<withheld by coaming>";

/// One use of a Secret by a pod.
#[derive(Clone, Copy, Debug)]
pub struct SecretUse<'a> {
    /// The Secret's name; its namespace is the pod's.
    pub secret: &'a str,
    /// The node that names it.
    pub node: Node<'a>,
    /// How it is used.
    pub kind: SecretUseKind<'a>,
}

/// How a pod uses a Secret.
#[derive(Clone, Copy, Debug)]
pub enum SecretUseKind<'a> {
    /// A variable of a container's environment has the value of one key.
    Variable {
        /// The container.
        container: Container<'a>,
        /// The item of its `env`.
        variable: Node<'a>,
        /// The variable's name.
        name: &'a str,
        /// The Secret's key.
        key: &'a str,
    },
    /// Every key becomes a variable of a container's environment.
    Environment {
        /// The container.
        container: Container<'a>,
        /// The item of its `envFrom`.
        source: Node<'a>,
        /// What the variables' names begin with.
        prefix: &'a str,
    },
    /// Keys are files of a volume.
    Files {
        /// The volume.
        volume: Volume<'a>,
        /// The `secret` of the volume, or of one source of a projected one.
        source: Node<'a>,
    },
    /// The kubelet, or a volume's driver on the node, uses it; no container sees it.
    Node,
}

/// The fields of volume sources that name a Secret for the driver, as paths.
const DRIVERS: &[(&[&str], &str)] = &[
    (&["csi", "nodePublishSecretRef"], "name"),
    (&["azureFile"], "secretName"),
    (&["cephfs", "secretRef"], "name"),
    (&["cinder", "secretRef"], "name"),
    (&["flexVolume", "secretRef"], "name"),
    (&["iscsi", "secretRef"], "name"),
    (&["rbd", "secretRef"], "name"),
    (&["scaleIO", "secretRef"], "name"),
    (&["storageos", "secretRef"], "name"),
];

impl<'a> PodSpec<'a> {
    /// Every use of a Secret by this pod: first in environments, container by container, then by
    /// volumes, then to pull images.
    #[must_use]
    pub fn secret_uses(self) -> Vec<SecretUse<'a>> {
        let mut uses = Vec::new();
        for container in self.containers() {
            uses.extend(container.secret_variables());
            uses.extend(container.secret_environments());
        }
        for volume in self.volumes() {
            uses.extend(volume.secret_files());
            uses.extend(DRIVERS.iter().filter_map(|(path, name)| {
                let source =
                    path.iter().try_fold(volume.node(), |node, field| node.mapping(field))?;
                named(source.field(name)?, SecretUseKind::Node)
            }));
        }
        uses.extend(
            self.node()
                .list("imagePullSecrets")
                .filter_map(|reference| named(reference.field("name")?, SecretUseKind::Node)),
        );
        uses
    }
}

impl<'a> Container<'a> {
    /// The variables of its environment that have a Secret's value.
    pub fn secret_variables(self) -> impl Iterator<Item = SecretUse<'a>> + use<'a> {
        self.node().list("env").filter_map(move |variable| {
            let reference = variable.mapping("valueFrom").mapping("secretKeyRef")?;
            let kind = SecretUseKind::Variable {
                container: self,
                variable,
                name: variable.string("name")?,
                key: reference.string("key").unwrap_or_default(),
            };
            named(reference.field("name")?, kind)
        })
    }

    /// The Secrets that are its environment as a whole.
    pub fn secret_environments(self) -> impl Iterator<Item = SecretUse<'a>> + use<'a> {
        self.node().list("envFrom").filter_map(move |source| {
            let kind = SecretUseKind::Environment {
                container: self,
                source,
                prefix: source.string("prefix").unwrap_or_default(),
            };
            named(source.mapping("secretRef").field("name")?, kind)
        })
    }
}

impl<'a> Volume<'a> {
    /// The Secrets whose keys are its files: a projected volume may have several.
    #[must_use]
    pub fn secret_files(self) -> Vec<SecretUse<'a>> {
        let files = |source: Node<'a>, field: &str| {
            named(source.field(field)?, SecretUseKind::Files { volume: self, source })
        };
        let own = self.source("secret").and_then(|source| files(source, "secretName"));
        let projected = self.source("projected").list("sources");
        let projected = projected
            .filter_map(|source| source.mapping("secret"))
            .filter_map(|source| files(source, "name"));
        own.into_iter().chain(projected).collect()
    }
}

/// A use of the Secret that a node names.
fn named<'a>(node: Node<'a>, kind: SecretUseKind<'a>) -> Option<SecretUse<'a>> {
    let secret = node.as_str().filter(|name| !name.is_empty())?;
    Some(SecretUse { secret, node, kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_use_is_found() {
        let text = "
volumes:
  - {name: a, secret: {secretName: s1}}
  - {name: b, projected: {sources: [{secret: {name: s2}}, {configMap: {name: no}}, {secret: {name: s3, items: [{key: k, path: p}]}}]}}
  - {name: c, csi: {driver: d, nodePublishSecretRef: {name: s4}}}
  - {name: d, azureFile: {secretName: s5}}
imagePullSecrets: [{name: s6}]
initContainers:
  - {name: i, envFrom: [{secretRef: {name: s7}, prefix: P_}, {configMapRef: {name: no}}]}
containers:
  - {name: c, env: [{name: E, valueFrom: {secretKeyRef: {name: s8, key: k}}}, {name: F, value: no}]}
";
        let document = coaming_yaml::parse(text.into()).documents.remove(0);
        let uses = PodSpec::new(document.root(), None).secret_uses();
        let found: Vec<String> = uses
            .iter()
            .map(|found| {
                let how = match found.kind {
                    SecretUseKind::Variable { name, key, .. } => format!("{name}={key}"),
                    SecretUseKind::Environment { prefix, .. } => prefix.to_owned(),
                    SecretUseKind::Files { volume, .. } => volume.name().unwrap().to_owned(),
                    SecretUseKind::Node => "node".to_owned(),
                };
                format!("{} {how}", found.secret)
            })
            .collect();
        assert_eq!(
            found,
            ["s7 P_", "s8 E=k", "s1 a", "s2 b", "s3 b", "s4 node", "s5 node", "s6 node"]
        );
    }
}
