//! What is known about an image once it was read.

use serde::{Deserialize, Serialize};

use crate::{EntryPoint, Package, packages};

/// All that one pass over an image finds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageFacts {
    /// The manifest's digest, else the configuration's; empty for a root filesystem.
    pub digest: String,
    /// Whether the facts are from an SBOM: then only distribution and packages are known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sbom: bool,
    /// The configuration that the container starts with.
    pub config: ImageConfig,
    /// The distribution, by its `os-release`.
    pub distribution: Option<Distribution>,
    /// The layers, from the lowest.
    pub layers: Vec<Layer>,
    /// The user it runs as, resolved with the image's own `/etc/passwd`.
    pub user: User,
    /// How much the image offers an attacker.
    pub verdict: Verdict,
    /// The packages, sorted.
    pub packages: Vec<Package>,
    /// Java archives that say neither which artifact they are nor which version; see
    /// [`ImageFacts::name_archives`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unnamed_archives: Vec<Package>,
    /// What the entry point uses of the image; `None` if that is unknown. See [`ImageFacts::uses`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_point: Option<EntryPoint>,
    /// Programs that help an attacker, sorted by path.
    pub utilities: Vec<Utility>,
    /// Files that run with more rights than their caller has, sorted by path.
    pub privileged_files: Vec<PrivilegedFile>,
    /// Paths that every user may write to, except `/tmp` and other sticky directories, sorted.
    pub world_writable: Vec<String>,
    /// Credentials in files, variables and the history, sorted by location.
    pub credentials: Vec<Credential>,
    /// What could not be read, and why; the rest is whole.
    pub problems: Vec<Problem>,
}

/// How the image says that it is started. Values of variables that look like secrets are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// `linux`.
    pub os: String,
    /// `amd64`.
    pub architecture: String,
    /// `USER` as written; empty means root.
    pub user: String,
    /// `ENTRYPOINT`.
    pub entrypoint: Vec<String>,
    /// `CMD`.
    pub command: Vec<String>,
    /// `WORKDIR`.
    pub working_directory: String,
    /// The names of the variables, and the values of those that are not secret.
    pub environment: Vec<(String, Option<String>)>,
    /// `EXPOSE`: `80/tcp`.
    pub exposed_ports: Vec<String>,
    /// `VOLUME`.
    pub volumes: Vec<String>,
    /// `LABEL`.
    pub labels: Vec<(String, String)>,
}

/// A distribution's release.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distribution {
    /// `ID`: `debian`.
    pub id: String,
    /// `ID_LIKE`, split.
    pub id_like: Vec<String>,
    /// `VERSION_ID`: `12`; empty for rolling releases.
    pub version: String,
    /// `VERSION_CODENAME`: `bookworm`; may be empty.
    pub codename: String,
    /// `PRETTY_NAME`.
    pub name: String,
}

/// A layer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// The digest of its decompressed archive.
    pub diff_id: String,
    /// Its decompressed size in bytes.
    pub size: u64,
    /// The number of its entries.
    pub entries: u64,
    /// The instruction that created it, without secrets; may be empty.
    pub created_by: String,
}

/// The user that a container of this image runs as, unless the pod sets another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The user ID; `None` if the image does not say which ID the name has.
    pub uid: Option<u32>,
    /// The group ID.
    pub gid: Option<u32>,
    /// The name in `/etc/passwd`; may be empty.
    pub name: String,
}

impl ImageFacts {
    /// Names the Java archives that do not say which artifact of which group they are.
    /// `look_up` has the group, the artifact and the version of an archive with this SHA-1.
    /// Archives that do not even have a version are left out if it does not know them.
    ///
    /// # Errors
    ///
    /// Those of `look_up`.
    pub fn name_archives<E>(
        &mut self,
        look_up: impl FnMut(&str) -> Result<Option<[String; 3]>, E>,
    ) -> Result<(), E> {
        let unnamed = std::mem::take(&mut self.unnamed_archives);
        packages::name_archives(&mut self.packages, unnamed, look_up)
    }

    /// The programs that can show the contents of a file, in their order. Shells (`echo $(<file)`),
    /// editors and interpreters can, too.
    pub fn readers(&self) -> impl Iterator<Item = &Utility> {
        use UtilityKind::{Editor, Interpreter, Reader, Shell};
        self.utilities
            .iter()
            .filter(|utility| matches!(utility.kind, Reader | Shell | Editor | Interpreter))
    }
}

impl User {
    /// Whether it is root; `None` if the image does not say.
    #[must_use]
    pub fn is_root(&self) -> Option<bool> {
        self.uid.map(|uid| uid == 0)
    }
}

/// How much an image offers an attacker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// No shell and no package manager.
    Distroless,
    /// A shell, but few tools.
    Minimal,
    /// A distribution with all its tools.
    #[default]
    Full,
}

/// A file in the image, and the layer it is in.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileLocation {
    /// Absolute in the image; empty for what is not in a file (a variable, the history).
    pub path: String,
    /// The layer, counting from 0; `None` for a root filesystem, which has none.
    pub layer: Option<u32>,
}

/// What a utility is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UtilityKind {
    /// Runs commands.
    Shell,
    /// Shows files.
    Reader,
    /// Changes files.
    Editor,
    /// Installs software.
    PackageManager,
    /// Fetches files and talks to hosts.
    Network,
    /// Runs programs of a language.
    Interpreter,
    /// Builds programs.
    Compiler,
    /// Looks into other processes.
    Debugger,
    /// Changes the user.
    Privilege,
    /// Talks to the cluster, the cloud or the container runtime.
    Orchestration,
}

impl UtilityKind {
    /// The name of the kind in the plural: `package managers`.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Shell => "shells",
            Self::Reader => "readers",
            Self::Editor => "editors",
            Self::PackageManager => "package managers",
            Self::Network => "network tools",
            Self::Interpreter => "interpreters",
            Self::Compiler => "compilers",
            Self::Debugger => "debuggers",
            Self::Privilege => "privilege tools",
            Self::Orchestration => "cluster and cloud clients",
        }
    }

    /// What an attacker does with such a program.
    #[must_use]
    pub fn misuse(self) -> &'static str {
        match self {
            Self::Shell => "turns one injected command into a session, and runs scripts",
            Self::Reader => "reads credentials, configuration and source code",
            Self::Editor => {
                "changes scripts and settings, which persist after a restart of the process"
            }
            Self::PackageManager => "installs whatever tool is missing",
            Self::Network => "downloads tools, sends data out, and scans for other hosts",
            Self::Interpreter => "runs any program without writing a file to disk",
            Self::Compiler => "builds exploits that fit this system exactly",
            Self::Debugger => "reads the secrets in the memory of other processes",
            Self::Privilege => "becomes another user, or leaves the container",
            Self::Orchestration => "uses the pod's tokens against the cluster and the cloud",
        }
    }
}

/// A program that helps an attacker. Its JSON also has what an attacker does with it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub struct Utility {
    /// Where it is.
    pub place: FileLocation,
    /// Its name: `curl`; for a busybox, that of the applet.
    pub name: String,
    /// What it is for.
    pub kind: UtilityKind,
    /// The program that it leads to, if it is a link: `/bin/busybox`.
    pub target: Option<String>,
}

/// A file that runs with more rights than its caller has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PrivilegedFile {
    /// Where it is.
    pub place: FileLocation,
    /// Its mode, such as `0o4755`.
    pub mode: u32,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its file capabilities, such as `cap_net_raw`; empty if it has none.
    pub capabilities: Vec<String>,
}

/// A credential in the image, without its value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Credential {
    /// Where it is.
    pub place: FileLocation,
    /// Where else it is: `ENV AWS_SECRET_ACCESS_KEY`, `history 3`, or a line; may be empty.
    pub label: String,
    /// Its kind: `private-key`.
    pub kind: String,
    /// Whether the image's user may read it; `None` if that is unknown.
    pub readable: Option<bool>,
    /// An upper layer deleted or replaced it: it is in the image, but not in the container.
    pub deleted: bool,
}

/// What could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Problem {
    /// Where it is.
    pub place: FileLocation,
    /// What is wrong, and what was left out for that reason.
    pub message: String,
}
