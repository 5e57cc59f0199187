//! Administrative interfaces that ask for no password, by image, command and variables: a table.

use coaming_kube::Fields as _;

use crate::graph::Kind;
use crate::scene::ContainerInfo;

/// What a client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gives {
    /// Commands in the container.
    Commands,
    /// The rights of the pod's service account.
    Account,
}

/// A program that lets everyone in, depending on how it is started.
struct Known {
    /// A program of the command line, the last part of an image's name or a word of it; with a slash,
    /// the end of the whole name; with `=` in front, only the whole last part.
    names: &'static [&'static str],
    /// Of these texts one must be among the arguments and variables, if there are any here.
    open_if: &'static [&'static str],
    /// None of these may be.
    closed_if: &'static [&'static str],
    /// Where it listens, unless the container declares other ports.
    ports: &'static [u16],
    gives: Gives,
    /// Whether it is sure that nothing else asks for a password, such as a file of settings.
    kind: Kind,
    reason: &'static str,
}

const COMMANDS: Known = Known {
    names: &[],
    open_if: &[],
    closed_if: &[],
    ports: &[],
    gives: Gives::Commands,
    kind: Kind::Certain,
    reason: "",
};

const TABLE: &[Known] = &[
    Known {
        names: &["dind", "dockerd", "=docker"],
        open_if: &["tcp://", "DOCKER_TLS_CERTDIR= "],
        closed_if: &["--tlsverify"],
        ports: &[2375],
        reason: "the Docker API answers without a password",
        ..COMMANDS
    },
    Known {
        names: &["gotty", "ttyd", "webtty"],
        closed_if: &["-c ", "--credential", "GOTTY_CREDENTIAL=", "--auth-header"],
        reason: "it serves a terminal without a password",
        ..COMMANDS
    },
    Known {
        names: &["shell2http"],
        closed_if: &["-basic-auth"],
        reason: "it runs commands for everyone who connects",
        ..COMMANDS
    },
    Known {
        names: &["jupyter", "notebook", "jupyterlab", "jupyter-lab"],
        open_if: &[
            "token=''",
            "token=\"\"",
            "token= ",
            "password=''",
            "password=\"\"",
            "JUPYTER_TOKEN= ",
        ],
        ports: &[8888],
        reason: "Jupyter runs code without a password",
        ..COMMANDS
    },
    Known {
        names: &["code-server", "openvscode-server"],
        open_if: &["--auth none", "--auth=none", "--without-connection-token"],
        reason: "the editor has a terminal, and asks for no password",
        ..COMMANDS
    },
    Known {
        names: &["kubernetesui/dashboard", "kubernetes-dashboard", "kubernetes-dashboard-amd64"],
        open_if: &["--enable-skip-login", "--enable-insecure-login=true"],
        ports: &[8443, 9090],
        reason: "the dashboard lets everyone skip the login",
        ..COMMANDS
    },
    Known {
        names: &["tiller"],
        closed_if: &["--listen=localhost", "--listen=127.0.0.1", "--tls"],
        ports: &[44134],
        reason: "Tiller installs charts for everyone who connects",
        ..COMMANDS
    },
    Known {
        names: &["weaveworks/scope"],
        closed_if: &["--app.basicAuth", "--probe-only"],
        ports: &[4040],
        reason: "Scope opens terminals in containers without a password",
        ..COMMANDS
    },
    Known {
        names: &["flink"],
        open_if: &["jobmanager", "JobManager"],
        ports: &[8081],
        reason: "Flink runs uploaded programs without a password",
        ..COMMANDS
    },
    Known {
        names: &["argocli", "argo"],
        open_if: &["--auth-mode=server", "--auth-mode server"],
        ports: &[2746],
        reason: "Argo Workflows runs workflows for everyone with the rights of its server",
        ..COMMANDS
    },
    Known {
        names: &["portainer", "portainer-ce"],
        open_if: &["--no-auth"],
        ports: &[9000, 9443],
        reason: "Portainer asks for no password",
        ..COMMANDS
    },
    Known {
        names: &["jenkins"],
        open_if: &["runSetupWizard=false"],
        ports: &[8080],
        kind: Kind::Unknown,
        reason: "without its setup, Jenkins asks for no password unless its own settings do",
        ..COMMANDS
    },
    Known {
        names: &["node-red"],
        ports: &[1880],
        kind: Kind::Unknown,
        reason: "Node-RED runs code without a password unless its settings ask for one",
        ..COMMANDS
    },
    Known {
        names: &["zeppelin"],
        ports: &[8080],
        kind: Kind::Unknown,
        reason: "Zeppelin runs code without a password unless its settings ask for one",
        ..COMMANDS
    },
    Known {
        names: &["kubectl"],
        open_if: &[
            "proxy --address=0.0.0.0",
            "proxy --address 0.0.0.0",
            "--address=0.0.0.0 proxy",
            "--address='0.0.0.0'",
        ],
        ports: &[8001],
        gives: Gives::Account,
        reason: "the proxy of `kubectl` adds the token of the pod to the requests of everyone",
        ..COMMANDS
    },
];

/// An administrative interface that asks for no password.
pub(crate) struct AdminInterface {
    pub(crate) ports: &'static [u16],
    pub(crate) gives: Gives,
    pub(crate) kind: Kind,
    pub(crate) reason: &'static str,
}

/// The interface in a container, if it has one.
pub(crate) fn admin_interface(container: &ContainerInfo<'_>) -> Option<AdminInterface> {
    let command = CommandLine::new(container);
    let found = TABLE.iter().find(|known| {
        let text = known.names.iter().find_map(|name| command.from(name));
        text.is_some_and(|text| {
            let has = |part: &&str| text.contains(*part);
            (known.open_if.is_empty() || known.open_if.iter().any(has))
                && !known.closed_if.iter().any(has)
        })
    })?;
    let Known { ports, gives, kind, reason, .. } = *found;
    Some(AdminInterface { ports, gives, kind, reason })
}

/// How a container is started.
struct CommandLine<'c> {
    repository: &'c str,
    /// Command and arguments.
    line: String,
    /// Variables: `NAME=value`.
    variables: String,
}

impl<'c> CommandLine<'c> {
    fn new(container: &'c ContainerInfo<'_>) -> Self {
        let repository = container.reference.as_ref().map_or("", |it| it.repository());
        let own = container.container;
        let mut line = String::new();
        for word in own.command().chain(own.args()) {
            line.push_str(word);
            line.push(' ');
        }
        let mut variables = String::new();
        for variable in own.node().list("env") {
            let (name, value) = (variable.string("name"), variable.string("value"));
            let value = value.or(variable.field("valueFrom").map(|_| "?")).unwrap_or_default();
            variables.push_str(&format!("{}={value} ", name.unwrap_or_default()));
        }
        Self { repository, line, variables }
    }

    /// What the program of this name is started with; `None` if it is another one. What comes before
    /// its name belongs to a shell.
    fn from(&self, name: &str) -> Option<String> {
        let with_variables = |line: &str| format!("{line}{}", self.variables);
        let is_separator = |c: char| matches!(c, ' ' | '/' | '\n' | ';' | '&' | '|');
        let mut start = 0;
        for word in self.line.split(is_separator) {
            if word == name {
                return Some(with_variables(&self.line[start..]));
            }
            start += word.len() + 1;
        }
        let last = self.repository.rsplit('/').next().unwrap_or_default();
        let is_image = match name.strip_prefix('=') {
            Some(whole) => last == whole,
            None if name.contains('/') => self.repository.ends_with(name),
            None => last == name || last.split(['-', '_', '.']).any(|word| word == name),
        };
        is_image.then(|| with_variables(&self.line))
    }
}
