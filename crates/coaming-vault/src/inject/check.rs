//! What a pod with secrets must not have.

use std::collections::BTreeSet;

use serde_json::Value;

use super::delivery::Delivery;
use super::{AGENT, FIRST, PREFIX, Refusal, TOKEN, containers, items, launcher, text};

/// Directories of a node from which the volumes, the processes or the runtime of all pods are reached.
const NODE_DIRECTORIES: &[&str] = &[
    "/var/lib/kubelet",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/rancher",
    "/var/lib/k0s",
    "/var/run",
    "/run/containerd",
    "/run/crio",
    "/run/docker.sock",
    "/run/k3s",
    "/run/k0s",
    "/proc",
    "/sys",
    "/dev",
    "/etc/kubernetes",
];

/// No volume asks for a token of a store's audience; the agent's own may if the pod asks for secrets.
pub(super) fn audiences(
    spec: &Value,
    audiences: &BTreeSet<&str>,
    asks: bool,
) -> Result<(), Refusal> {
    for volume in items(spec, "volumes") {
        let name = text(volume, "name");
        if asks && name == TOKEN {
            continue;
        }
        let sources = volume.get("projected").into_iter().flat_map(|all| items(all, "sources"));
        let tokens = sources.filter_map(|source| source.get("serviceAccountToken"));
        let found = tokens.map(|token| text(token, "audience")).find(|a| audiences.contains(a));
        if let Some(audience) = found {
            return Err(Refusal::Audience {
                volume: name.to_owned(),
                audience: audience.to_owned(),
            });
        }
    }
    Ok(())
}

/// A pod that does not ask for secrets has none.
pub(super) fn is_not_ours(spec: &Value) -> Result<(), Refusal> {
    let ours = items(spec, "volumes").any(|volume| is_ours(text(volume, "name")));
    if ours { Err(Refusal::AnnotationMissing) } else { Ok(()) }
}

pub(super) fn is_ours(volume: &str) -> bool {
    volume.starts_with(PREFIX) || matches!(volume, TOKEN | launcher::VOLUME)
}

/// Nothing in the pod opens the files of its containers to others.
pub(super) fn pod(spec: &Value) -> Result<(), Refusal> {
    let is = |key: &str| spec.get(key).and_then(Value::as_bool) == Some(true);
    if is("shareProcessNamespace") {
        return Err(Refusal::SharedProcesses);
    }
    if is("hostPID") {
        return Err(Refusal::HostPid);
    }
    let selector = spec.get("nodeSelector");
    let selected = selector.map(|labels| text(labels, "kubernetes.io/os")).unwrap_or_default();
    if spec.pointer("/os/name").and_then(Value::as_str) == Some("windows") || selected == "windows"
    {
        return Err(Refusal::Windows);
    }
    if items(spec, "ephemeralContainers").next().is_some() {
        return Err(Refusal::Ephemeral);
    }
    for volume in items(spec, "volumes") {
        let Some(path) = volume.pointer("/hostPath/path").and_then(Value::as_str) else { continue };
        if reaches_volumes(path) {
            let volume = text(volume, "name").to_owned();
            return Err(Refusal::HostPath { volume, path: path.to_owned() });
        }
    }
    for container in containers(spec) {
        if container.pointer("/securityContext/privileged") == Some(&Value::Bool(true)) {
            return Err(Refusal::Privileged(text(container, "name").to_owned()));
        }
    }
    Ok(())
}

/// Whether a directory of the node is one of [`NODE_DIRECTORIES`], or above or below one.
fn reaches_volumes(path: &str) -> bool {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    NODE_DIRECTORIES.iter().any(|directory| {
        let mut directory = directory.split('/').filter(|part| !part.is_empty());
        let mut path = parts.iter();
        loop {
            match (path.next(), directory.next()) {
                (Some(one), Some(other)) if *one == other => {}
                (Some(_), Some(_)) => return false,
                _ => return true,
            }
        }
    })
}

/// Every mount of our volumes is one that we made.
pub(super) fn mounts(pod: &Value, deliveries: &[Delivery<'_>]) -> Result<(), Refusal> {
    let spec = pod.get("spec").unwrap_or(&Value::Null);
    for container in containers(spec) {
        let name = text(container, "name");
        for mount in items(container, "volumeMounts") {
            let volume = text(mount, "name");
            if !is_ours(volume) || matches!(name, AGENT | FIRST) {
                continue;
            }
            let made = made(name, volume, deliveries);
            let (container, volume) = (name.to_owned(), volume.to_owned());
            match made {
                Some(_) if has_sub_path(mount) => {
                    return Err(Refusal::SubPath { container, volume });
                }
                Some(made) if *mount == made => {}
                _ => return Err(Refusal::ForeignMount { container, volume }),
            }
        }
    }
    Ok(())
}

/// The mount of a volume of ours in a container, as we make it; `None` if we make none.
fn made(container: &str, volume: &str, deliveries: &[Delivery<'_>]) -> Option<Value> {
    if volume == launcher::VOLUME {
        return launcher::mount(container, deliveries);
    }
    let own = deliveries.iter().find(|delivery| delivery.volume == volume)?;
    (own.grant.spec.container == container).then(|| own.mount())
}

fn has_sub_path(mount: &Value) -> bool {
    ["subPath", "subPathExpr"].iter().any(|key| !text(mount, key).is_empty())
}

#[cfg(test)]
mod tests {
    use super::reaches_volumes;

    #[test]
    fn directories_above_and_below_are_the_same_danger() {
        for path in [
            "/",
            "",
            "//",
            "/var",
            "/var/lib",
            "/var/lib/kubelet/",
            "/var/lib/kubelet/pods/x",
            "/var/log/../lib/kubelet",
            "/proc/1/root",
            "/run",
            "/dev/shm",
            "/etc/kubernetes/pki",
        ] {
            assert!(reaches_volumes(path), "{path}");
        }
        for path in ["/data", "/var/log", "/var/lib/kubelet2", "/etc/ssl", "/home/kubelet"] {
            assert!(!reaches_volumes(path), "{path}");
        }
    }
}
