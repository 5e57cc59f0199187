//! The components of a control plane, and the flags that each was started with: as a static pod (a
//! file in `/etc/kubernetes/manifests`, or its mirror in the API server), as k3s notes them on its
//! node, or as the component itself says (`/flagz`, or what it counts in `/metrics`).
//!
//! Invariant: an absent flag is evidence only where all flags are known. A command line that a
//! shell completes, or a configuration file, is not judged by what it does not say.

use coaming_kube::{Fields as _, Object, Workload};
use coaming_yaml::Node;

/// What a process of the control plane does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    ApiServer,
    ControllerManager,
    Scheduler,
    Etcd,
}

impl Task {
    pub(crate) const ALL: [Self; 4] =
        [Self::ApiServer, Self::ControllerManager, Self::Scheduler, Self::Etcd];

    /// The program that does it.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Scheduler => "kube-scheduler",
            Self::Etcd => "etcd",
        }
    }

    fn of_program(word: &str) -> Option<Self> {
        let name = word.rsplit('/').next().unwrap_or(word);
        Self::ALL.into_iter().find(|task| task.program() == name)
    }
}

/// A process of the control plane.
pub(crate) struct Component<'a> {
    pub(crate) task: Task,
    pub(crate) object: Object<'a>,
    /// The container that it runs in; `None` where that is not known.
    pub(crate) container: Option<&'a str>,
    /// Where its flags are written.
    pub(super) node: Node<'a>,
    /// Whether there may be flags that are not known.
    is_open: bool,
    flags: Vec<Flag<'a>>,
}

/// A flag, without its dashes.
struct Flag<'a> {
    name: String,
    value: String,
    /// Where it is written; `None` for what a distribution always sets.
    node: Option<Node<'a>>,
}

impl<'a> Component<'a> {
    /// The value of a flag; the last one counts. `true` for a switch without a value.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.flag(name).map(|flag| flag.value.as_str())
    }

    /// All values of a flag that may be repeated.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.flags.iter().filter(move |flag| flag.name == name).map(|flag| flag.value.as_str())
    }

    /// Whether a flag is known to be absent.
    pub(super) fn lacks(&self, name: &str) -> bool {
        !self.is_open && self.value(name).is_none_or(str::is_empty)
    }

    /// Where a flag is written, else where all flags are.
    pub(super) fn place(&self, name: &str) -> Node<'a> {
        self.flag(name).and_then(|flag| flag.node).unwrap_or(self.node)
    }

    fn flag(&self, name: &str) -> Option<&Flag<'a>> {
        self.flags.iter().rev().find(|flag| flag.name == name)
    }
}

/// The processes of the control plane in a pod.
pub(crate) fn in_workload(workload: Workload<'_>) -> impl Iterator<Item = Component<'_>> {
    workload.pod().containers().filter_map(move |container| {
        let node = container.node();
        let words: Vec<Word<'_>> =
            node.list("command").chain(node.list("args")).flat_map(words).collect();
        let start = words.iter().position(|word| Task::of_program(word.text).is_some())?;
        let task = Task::of_program(words.get(start)?.text)?;
        // An application may have an etcd of its own.
        let object = workload.object;
        let is_of_cluster = object.namespace() == "kube-system"
            || object.metadata().mapping("labels").string("tier") == Some("control-plane");
        if task == Task::Etcd && !is_of_cluster {
            return None;
        }
        let rest = words.get(start + 1..).unwrap_or_default();
        let mut flags = flags(rest);
        if task == Task::Etcd {
            flags.extend(node.list("env").filter_map(etcd_variable));
        }
        let is_config = |flag: &Flag<'_>| matches!(flag.name.as_str(), "config" | "config-file");
        Some(Component {
            task,
            object,
            container: Some(container.name()),
            node: node.field("command").or_else(|| node.field("args")).unwrap_or(node),
            is_open: rest.iter().any(|word| word.text.starts_with('$'))
                || flags.iter().any(is_config),
            flags,
        })
    })
}

/// What k3s always gives the API server that is a part of it.
const K3S_API_SERVER: &[(&str, &str)] = &[
    ("anonymous-auth", "false"),
    ("authorization-mode", "Node,RBAC"),
    ("enable-admission-plugins", "NodeRestriction"),
    ("profiling", "false"),
];

/// The component that an object other than a pod describes.
pub(crate) fn in_object(object: Object<'_>) -> Option<Component<'_>> {
    in_node(object).or_else(|| in_flagz(object)).or_else(|| in_metrics(object))
}

/// Plugins that are on in every version that is in use, and are asked about all that is created.
const ASKED_ABOUT_CREATION: &[&str] =
    &["NamespaceLifecycle", "ServiceAccount", "ValidatingAdmissionWebhook"];

/// A component by what it has counted: which admission plugins were asked, and which authorizers decided.
/// Nothing else is known of its flags, and neither is known before something was created.
fn in_metrics(object: Object<'_>) -> Option<Component<'_>> {
    if object.kind() != "ComponentMetrics" || object.group() != "metrics.coaming.dev" {
        return None;
    }
    let task = Task::of_program(object.name())?;
    let node = object.node();
    let plugins = node.field("admissionPlugins")?;
    let is_asked = |entry: &coaming_yaml::Entry<'_>| {
        entry.value.items().any(|operation| operation.as_str() == Some("CREATE"))
    };
    let asked: Vec<String> =
        plugins.entries().filter(is_asked).map(|entry| entry.name().to_owned()).collect();
    let mut flags = Vec::new();
    let mut set = |name: &str, value: Vec<String>, node| {
        let value = value.join(",");
        flags.push(Flag { name: name.to_owned(), value, node: Some(node) });
    };
    if !asked.is_empty() {
        let silent = ASKED_ABOUT_CREATION.iter().map(|name| (*name).to_owned());
        let silent: Vec<String> = silent.filter(|name| !asked.contains(name)).collect();
        set("disable-admission-plugins", silent, plugins);
        set("enable-admission-plugins", asked, plugins);
    }
    if let Some(authorizers) = node.field("authorizers") {
        let names = authorizers.items().filter_map(|item| item.as_str());
        set("authorization-mode", names.map(str::to_owned).collect(), authorizers);
    }
    Some(Component { task, object, container: None, node, is_open: true, flags })
}

/// A component by the flags that it says it runs with. Flags that nobody set have their defaults, which
/// may be empty, and lists are in brackets.
fn in_flagz(object: Object<'_>) -> Option<Component<'_>> {
    if object.kind() != "Flagz" || object.group() != "config.k8s.io" {
        return None;
    }
    let task = Task::of_program(object.name())?;
    let node = object.node().field("flags")?;
    let mut flags = Vec::new();
    for entry in node.entries() {
        let Some(value) = entry.value.as_str() else { continue };
        let list = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let value = list.unwrap_or(value).to_owned();
        if !value.is_empty() {
            flags.push(Flag { name: entry.name().to_owned(), value, node: Some(entry.value) });
        }
    }
    let is_open = flags.iter().any(|flag| flag.name == "config");
    Some(Component { task, object, container: None, node, is_open, flags })
}

/// The API server in a k3s server, by the arguments that k3s notes on its node.
fn in_node(object: Object<'_>) -> Option<Component<'_>> {
    if object.kind() != "Node" || !object.group().is_empty() {
        return None;
    }
    let annotations = object.metadata().mapping("annotations")?;
    let node = annotations.field("k3s.io/node-args")?;
    let arguments = coaming_network::k3s_server_arguments(object)?;
    let preset = |(name, value): &(&str, &str)| Flag {
        name: (*name).to_owned(),
        value: (*value).to_owned(),
        node: None,
    };
    let mut flags: Vec<Flag<'_>> = K3S_API_SERVER.iter().map(preset).collect();
    let mut words = arguments.iter().map(String::as_str).peekable();
    while let Some(word) = words.next() {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        match name {
            "--secrets-encryption" if value != "false" => {
                let off = words.next_if(|next| *next == "false").is_some();
                if !off {
                    let name = "encryption-provider-config".to_owned();
                    flags.push(Flag { name, value: "k3s".to_owned(), node: Some(node) });
                }
            }
            "--kube-apiserver-arg" => {
                let argument =
                    if value.is_empty() { words.next().unwrap_or_default() } else { value };
                let (name, value) = argument.split_once('=').unwrap_or((argument, "true"));
                let name = name.trim_start_matches('-').to_owned();
                flags.push(Flag { name, value: value.to_owned(), node: Some(node) });
            }
            _ => {}
        }
    }
    let is_open = false;
    Some(Component { task: Task::ApiServer, object, container: None, node, is_open, flags })
}

/// One word of a command line.
#[derive(Clone, Copy)]
struct Word<'a> {
    text: &'a str,
    node: Node<'a>,
}

/// The words of an item: one, but for the script of a shell.
fn words(node: Node<'_>) -> impl Iterator<Item = Word<'_>> {
    let text = node.as_str().unwrap_or_default();
    let quotes = ['"', '\'', ';'];
    text.split_whitespace().map(move |text| Word { text: text.trim_matches(quotes), node })
}

fn flags<'a>(words: &[Word<'a>]) -> Vec<Flag<'a>> {
    let mut flags = Vec::new();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let Some(flag) = word.text.strip_prefix("--").filter(|flag| !flag.is_empty()) else {
            continue;
        };
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, value),
            None => {
                let value = words.next_if(|next| !next.text.starts_with('-'));
                (flag, value.map_or("true", |word| word.text))
            }
        };
        let name = name.replace('_', "-");
        flags.push(Flag { name, value: value.to_owned(), node: Some(word.node) });
    }
    flags
}

/// Etcd reads `ETCD_CLIENT_CERT_AUTH` as it reads `--client-cert-auth`.
fn etcd_variable(variable: Node<'_>) -> Option<Flag<'_>> {
    let name = variable.string("name")?.strip_prefix("ETCD_")?;
    let name = name.to_ascii_lowercase().replace('_', "-");
    // What a Secret or ConfigMap gives is set, whatever it is.
    let value = variable.string("value").unwrap_or("true").to_owned();
    Some(Flag { name, value, node: Some(variable) })
}
