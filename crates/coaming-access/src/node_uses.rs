//! Secrets that nodes read for a pod, although the pod does not name them: to pull images for its
//! account, and to mount its persistent volumes.

use coaming_kube::{Fields as _, Object, Workload, World};
use coaming_yaml::Node;

/// The references of a persistent volume's drivers to Secrets: the path, and the fields with the
/// name and the namespace.
const DRIVERS: &[(&[&str], &str, &str)] = &[
    (&["csi", "nodePublishSecretRef"], "name", "namespace"),
    (&["csi", "nodeStageSecretRef"], "name", "namespace"),
    (&["csi", "nodeExpandSecretRef"], "name", "namespace"),
    (&["csi", "controllerPublishSecretRef"], "name", "namespace"),
    (&["csi", "controllerExpandSecretRef"], "name", "namespace"),
    (&["flexVolume", "secretRef"], "name", "namespace"),
    (&["rbd", "secretRef"], "name", "namespace"),
    (&["cephfs", "secretRef"], "name", "namespace"),
    (&["cinder", "secretRef"], "name", "namespace"),
    (&["iscsi", "secretRef"], "name", "namespace"),
    (&["scaleIO", "secretRef"], "name", "namespace"),
    (&["storageos", "secretRef"], "name", "namespace"),
    (&["azureFile"], "secretName", "secretNamespace"),
];

/// How the parameters of a storage class for its driver's Secrets start and end.
const PARAMETER: &str = "csi.storage.k8s.io/";

/// Whether a workload's pods bring this Secret to their nodes by their account or volumes.
pub(crate) fn brings(world: &World, workload: Workload<'_>, namespace: &str, name: &str) -> bool {
    let own = workload.object.namespace_or_default();
    own == namespace && is_pulled_with(world, workload, name)
        || claims(workload).any(|claim| {
            let secrets = secrets_of_claim(world, own, claim);
            secrets.contains(&(namespace.to_owned(), name.to_owned()))
        })
}

/// Whether the account's Secret pulls the images: it is added to pods that name none themselves.
fn is_pulled_with(world: &World, workload: Workload<'_>, name: &str) -> bool {
    let pod = workload.pod();
    let namespace = workload.object.namespace_or_default();
    let account = world.find("ServiceAccount", namespace, pod.service_account_name());
    pod.node().list("imagePullSecrets").next().is_none()
        && account.is_some_and(|account| {
            let mut references = account.node().list("imagePullSecrets");
            references.any(|reference| reference.string("name") == Some(name))
        })
}

/// The persistent volume claims of a workload's pods; those of a stateful set by their templates.
fn claims<'a>(workload: Workload<'a>) -> impl Iterator<Item = Claim<'a>> {
    let templates = workload.object.spec().list("volumeClaimTemplates").map(Claim::Template);
    let volumes = workload.pod().volumes();
    let named = volumes.filter_map(|volume| {
        volume.source("persistentVolumeClaim").string("claimName").map(Claim::Named)
    });
    let volumes = workload.pod().volumes();
    let ephemeral = volumes.filter_map(|volume| {
        volume.source("ephemeral").mapping("volumeClaimTemplate").map(Claim::Template)
    });
    named.chain(templates).chain(ephemeral)
}

/// A claim of a volume.
#[derive(Clone, Copy)]
enum Claim<'a> {
    Named(&'a str),
    Template(Node<'a>),
}

/// The Secrets of the volume and of the storage class of a claim, as namespace and name.
fn secrets_of_claim(world: &World, namespace: &str, claim: Claim<'_>) -> Vec<(String, String)> {
    let (spec, name) = match claim {
        Claim::Template(template) => (template.mapping("spec"), None),
        Claim::Named(name) => {
            let object = world.find("PersistentVolumeClaim", namespace, name);
            (object.and_then(Object::spec), Some(name))
        }
    };
    let bound = spec.string("volumeName").filter(|volume| !volume.is_empty());
    let volumes = world.of_kind("PersistentVolume").filter(|volume| {
        let claimed = volume.spec().mapping("claimRef");
        bound == Some(volume.name())
            || name.is_some()
                && claimed.string("name") == name
                && claimed.string("namespace").unwrap_or("default") == namespace
    });
    let mut secrets: Vec<(String, String)> =
        volumes.flat_map(|volume| secrets_of_volume(volume, namespace)).collect();
    let class = spec
        .string("storageClassName")
        .and_then(|class| world.of_kind("StorageClass").find(|object| object.name() == class));
    if let Some(class) = class {
        secrets.extend(secrets_of_class(class, namespace, name.unwrap_or_default()));
    }
    secrets
}

fn secrets_of_volume(volume: Object<'_>, claim_namespace: &str) -> Vec<(String, String)> {
    let references = DRIVERS.iter().filter_map(|(path, name, namespace)| {
        let spec = volume.spec()?;
        let source = path.iter().try_fold(spec, |node, field| node.mapping(field))?;
        let namespace = source.string(namespace).unwrap_or(claim_namespace);
        Some((namespace.to_owned(), source.string(name)?.to_owned()))
    });
    references.collect()
}

/// The Secrets that a storage class names, by its templates for the claim's name and namespace.
fn secrets_of_class(class: Object<'_>, namespace: &str, claim: &str) -> Vec<(String, String)> {
    let parameters = class.node().mapping("parameters");
    let filled =
        |text: &str| text.replace("${pvc.namespace}", namespace).replace("${pvc.name}", claim);
    let secrets = class.node().pairs("parameters");
    let named = secrets.filter_map(|entry| {
        let kind = entry.name().strip_prefix(PARAMETER)?.strip_suffix("-secret-name")?;
        let field = format!("{PARAMETER}{kind}-secret-namespace");
        Some((filled(parameters.string(&field)?), filled(entry.value.as_str()?)))
    });
    named.collect()
}
