//! What is known of an image once it was read.

use serde::{Deserialize, Serialize};

use crate::{EntryPoint, Package};

/// All that one pass over an image finds out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageFacts {
    /// The manifest's digest, else the configuration's; empty for a root filesystem.
    pub digest: String,
    /// Whether this is from a bill of materials: of that, distribution and packages alone are known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bill: bool,
    /// The configuration that the container starts with.
    pub config: ImageConfig,
    /// The distribution, by its `os-release`.
    pub distribution: Option<Distribution>,
    /// The layers, from the lowest.
    pub layers: Vec<Layer>,
    /// Whom it runs as, resolved by the image's own `/etc/passwd`.
    pub user: User,
    /// How much there is for an attacker.
    pub verdict: Verdict,
    /// The packages, sorted.
    pub packages: Vec<Package>,
    /// What the entry point uses of it all; `None` where that is unknown. See [`ImageFacts::uses`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_point: Option<EntryPoint>,
    /// What an attacker could run, sorted by path.
    pub utilities: Vec<Utility>,
    /// Files that give whoever runs them more than he has, sorted by path.
    pub privileged_files: Vec<PrivilegedFile>,
    /// Places that everybody may write to, beside the sticky `/tmp` and its like, sorted.
    pub world_writable: Vec<String>,
    /// Credentials in files, variables and the history, sorted by place.
    pub credentials: Vec<Credential>,
    /// What could not be read, and why; the rest is whole.
    pub problems: Vec<Problem>,
}

/// What the image says about how it is started. Values of variables are left out where they look
/// like secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// `linux`.
    pub os: String,
    /// `amd64`.
    pub architecture: String,
    /// `USER` as it was written; empty means root.
    pub user: String,
    /// `ENTRYPOINT`.
    pub entrypoint: Vec<String>,
    /// `CMD`.
    pub command: Vec<String>,
    /// `WORKDIR`.
    pub working_directory: String,
    /// The names of the variables, and the values of those that hold no secret.
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
    /// The digest of its uncompressed archive.
    pub diff_id: String,
    /// How many bytes it has uncompressed.
    pub size: u64,
    /// How many entries it has.
    pub entries: u64,
    /// The instruction that made it, without secrets; may be empty.
    pub created_by: String,
}

/// Whom a container of this image runs as, if the pod says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The user's number; `None` where the image does not say which one a name has.
    pub uid: Option<u32>,
    /// The group's number.
    pub gid: Option<u32>,
    /// The name, by `/etc/passwd`; may be empty.
    pub name: String,
}

impl ImageFacts {
    /// The programs that can show a file's contents, in their order: shells can too (`echo $(<file)`),
    /// as can editors and interpreters.
    pub fn readers(&self) -> impl Iterator<Item = &Utility> {
        use UtilityKind::{Editor, Interpreter, Reader, Shell};
        self.utilities
            .iter()
            .filter(|utility| matches!(utility.kind, Reader | Shell | Editor | Interpreter))
    }
}

impl User {
    /// Whether it is root; `None` where the image can't tell.
    #[must_use]
    pub fn is_root(&self) -> Option<bool> {
        self.uid.map(|uid| uid == 0)
    }
}

/// How much there is for an attacker.
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
pub struct FilePlace {
    /// Absolute in the image; empty where it is not in a file (a variable, the history).
    pub path: String,
    /// The layer, counting from 0; `None` outside images of layers.
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
    /// Makes programs.
    Compiler,
    /// Looks into other processes.
    Debugger,
    /// Changes who one is.
    Privilege,
    /// Talks to the cluster, the cloud or the container runtime.
    Orchestration,
}

impl UtilityKind {
    /// The kind's name for people, of several: `package managers`.
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
                "changes scripts and settings, and stays after a restart of the process"
            }
            Self::PackageManager => "installs whatever tool is missing",
            Self::Network => "fetches tools, sends data out, and scans for other hosts",
            Self::Interpreter => "runs any program without putting a file on the disk",
            Self::Compiler => "builds exploits that fit this very system",
            Self::Debugger => "reads the secrets in the memory of other processes",
            Self::Privilege => "becomes another user, or leaves the container",
            Self::Orchestration => "uses the pod's tokens against the cluster and the cloud",
        }
    }
}

/// A program that helps an attacker. As JSON, it also says what he does with it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub struct Utility {
    /// Where it is.
    pub place: FilePlace,
    /// What it is called: `curl`; of a busybox, the applet's name.
    pub name: String,
    /// What it is for.
    pub kind: UtilityKind,
    /// The program that it really is, where it is a link to another: `/bin/busybox`.
    pub target: Option<String>,
}

/// A file that gives whoever runs it more than he has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PrivilegedFile {
    /// Where it is.
    pub place: FilePlace,
    /// Its mode, such as `0o4755`.
    pub mode: u32,
    /// Who owns it.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its file capabilities, such as `cap_net_raw`; empty where it has none.
    pub capabilities: Vec<String>,
}

/// A credential that lies in the image. Its value is nowhere in here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Credential {
    /// Where it is.
    pub place: FilePlace,
    /// What else says where: `ENV AWS_SECRET_ACCESS_KEY`, `history 3`, or a line; may be empty.
    pub label: String,
    /// What it is: `private-key`.
    pub kind: String,
    /// Whether the image's user may read it; `None` where that can't be told.
    pub readable: Option<bool>,
    /// An upper layer deleted or replaced it: it is not in the container, but in the image.
    pub deleted: bool,
}

/// What could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Problem {
    /// Where.
    pub place: FilePlace,
    /// What was wrong, and what was therefore left out.
    pub message: String,
}
