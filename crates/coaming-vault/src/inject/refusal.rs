//! Why a pod is refused.

/// Why a pod does not get the secrets that it asks for, or may not run at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The pod is not an object with a list of containers.
    #[error("the pod does not have the form of a pod")]
    Form,
    /// A pod asks by itself for a token that a store accepts.
    #[error(
        "volume `{volume}` asks for a token of the audience `{audience}`, which a secret store accepts: \
         use a SecretGrant"
    )]
    Audience {
        /// The volume.
        volume: String,
        /// The audience.
        audience: String,
    },
    /// A pod that has volumes of secrets no longer asks for them.
    #[error("the pod has volumes of secrets, but not the annotation `coaming.dev/secrets`")]
    AnnotationMissing,
    /// The annotation is there, and has no name in it.
    #[error(
        "the annotation `coaming.dev/secrets` names no SecretGrant: write the names, separated by \
         commas, or remove it"
    )]
    NoNames,
    /// There is no such grant in the namespace.
    #[error("there is no SecretGrant `{0}` in this namespace")]
    NoGrant(String),
    /// The grant is for another account.
    #[error(
        "SecretGrant `{grant}` is for service account `{granted}`, and the pod runs as `{account}`"
    )]
    Account {
        /// The grant.
        grant: String,
        /// Its account.
        granted: String,
        /// The pod's account.
        account: String,
    },
    /// The pod has no container of the grant's name.
    #[error("SecretGrant `{grant}` is for container `{container}`, which the pod does not have")]
    NoContainer {
        /// The grant.
        grant: String,
        /// Its container.
        container: String,
    },
    /// The container runs another image.
    #[error(
        "SecretGrant `{grant}` is for the image `{granted}`, and container `{container}` runs `{image}`"
    )]
    Image {
        /// The grant.
        grant: String,
        /// The image of the grant.
        granted: String,
        /// The container.
        container: String,
        /// Its image.
        image: String,
    },
    /// There is no such store, or it does not allow the namespace.
    #[error("SecretGrant `{grant}` names the {kind} `{store}`, which {reason}")]
    NoStore {
        /// The grant.
        grant: String,
        /// The store.
        store: String,
        /// Its kind.
        kind: &'static str,
        /// Why it cannot be used.
        reason: String,
    },
    /// The grants of one pod are for stores that accept different tokens.
    #[error("the grants of one pod need stores of one audience, and these have `{0}` and `{1}`")]
    Audiences(String, String),
    /// The grant itself cannot be used.
    #[error("SecretGrant `{grant}` cannot be used: {reason}")]
    Grant {
        /// The grant.
        grant: String,
        /// Why.
        reason: String,
    },
    /// Two grants put files into one directory of one container.
    #[error("container `{container}` gets files in `{directory}` twice")]
    Directory {
        /// The container.
        container: String,
        /// The directory.
        directory: String,
    },
    /// The containers of the pod see each other's processes, and their files.
    #[error("`shareProcessNamespace: true` opens every file of a container to the others")]
    SharedProcesses,
    /// The pod sees all processes of the node.
    #[error("`hostPID: true` opens every file of the node's containers to this pod")]
    HostPid,
    /// A volume is a directory of the node from which the volumes of all pods are reached.
    #[error(
        "volume `{volume}` is the node's `{path}`, from which the volumes of all pods are reached"
    )]
    HostPath {
        /// The volume.
        volume: String,
        /// The directory of the node.
        path: String,
    },
    /// A container has all rights on the node.
    #[error("container `{0}` is privileged: it reaches the volumes of all pods of its node")]
    Privileged(String),
    /// A container mounts a volume that is not for it.
    #[error("container `{container}` mounts `{volume}`, which is not for it")]
    ForeignMount {
        /// The container.
        container: String,
        /// The volume.
        volume: String,
    },
    /// A container mounts a part of a volume: files there would never change.
    #[error(
        "container `{container}` mounts `{volume}` by `subPath`, and would never see a new secret"
    )]
    SubPath {
        /// The container.
        container: String,
        /// The volume.
        volume: String,
    },
    /// The pod is for Windows, which has no volumes in memory.
    #[error("a pod for Windows has no volumes in memory")]
    Windows,
    /// Someone debugs a pod that has secrets.
    #[error("a pod with secrets gets no ephemeral containers")]
    Ephemeral,
    /// Nothing says which user reads the files.
    #[error(
        "container `{0}`: set `runAsUser` (not 0), the same for all containers that read secrets, or give \
         the pod an `fsGroup`; otherwise it cannot read files that only their owner may read"
    )]
    Reader(String),
    /// A file's mode keeps its reader out.
    #[error(
        "SecretGrant `{grant}`: file `{file}` needs the mode 0440, because the fsGroup reads it"
    )]
    Mode {
        /// The grant.
        grant: String,
        /// The file.
        file: String,
    },
    /// A container that the launcher starts gets a variable twice.
    #[error(
        "container `{container}` gets the variable `{variable}` twice: take it out of `env`, or out of \
         one of its SecretGrants"
    )]
    Variable {
        /// The container.
        container: String,
        /// The variable.
        variable: String,
    },
    /// A container that the launcher starts names no command, and its image's is not known.
    #[error(
        "container `{container}` has no `command`, and the entry point of the image `{image}` is not \
         known: {reason}"
    )]
    EntryPoint {
        /// The container.
        container: String,
        /// Its image.
        image: String,
        /// Why.
        reason: String,
    },
    /// The pod has a container with the agent's name where the agent does not belong.
    #[error("container `{0}` has the name of the agent")]
    Name(String),
}
