//! See [`InstallsSoftware`].

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::Fields as _;
use coaming_yaml::Node;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::text::commands::installs_software;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Containers that install software when they start: package managers, programs that are
    /// downloaded and run (also piped into a shell), and sources that are cloned and built. The
    /// rule reads `command`, `args`, lifecycle hooks and probes of all containers, including init
    /// containers.
    ///
    /// ## Why it matters
    ///
    /// No scanner sees software that is installed at run time, no version is pinned, and an
    /// attacker who controls the download controls the container. It is also why the container
    /// needs root, a writable file system and internet access, all of which help an attacker as
    /// well.
    ///
    /// ## Bad
    ///
    /// A package manager runs before the application.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       command: ["sh", "-c", "apt-get update && apt-get install -y curl && exec /app"]
    /// ```
    ///
    /// A script is downloaded and run.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       command: [sh]
    ///       args: ["-c", "curl -fsSL https://get.example.com/install.sh | sh"]
    /// ```
    ///
    /// A lifecycle hook installs software.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       lifecycle:
    ///         postStart:
    ///           exec:
    ///             command: ["apk", "add", "curl"]
    /// ```
    ///
    /// An init container installs software.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   initContainers:
    ///     - name: setup
    ///       image: registry.example.com/setup:1.4.2
    ///       command: ["sh", "-c", "pip install requests"]
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web-with-curl:1.4.2
    ///       command: ["/app"]
    /// ```
    ///
    /// ## Fix
    ///
    /// Install the software when the image is built, and run the finished image.
    ///
    /// ## Limits
    ///
    /// Scripts that are in the image or in a ConfigMap are not read.
    InstallsSoftware {
        name: "installs-software",
        summary: "Container installs software at run time",
        category: NonRoot,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Immutable container file systems"), Attack("T1105")],
    }
}

impl ContainerRule for InstallsSoftware {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let Some((node, what)) = found(scope) else { return };
        let message =
            format!("{} installs software when it runs ({what})", phrases::container(scope));
        let build = format!(
            "FROM {}\nRUN … # installs what is installed at run time now",
            scope.container.image().unwrap_or("IMAGE")
        );
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .why(
                    "No scanner sees what is installed. It also needs root, a writable file \
                     system and internet access, which an attacker can use as well.",
                )
                .help("Install the software when the image is built, and run the finished image.")
                .manual("install it when the image is built", build)
                .done(),
        );
    }
}

/// The first thing that a container installs when it runs, with the node that does so.
pub(crate) fn found(scope: ContainerScope<'_>) -> Option<(Node<'_>, String)> {
    let container = scope.container.node();
    let lifecycle = container.mapping("lifecycle");
    let main = ["command", "args"].into_iter().filter_map(|field| container.sequence(field));
    installs(main).or_else(|| {
        ["postStart", "preStop"]
            .into_iter()
            .filter_map(|hook| lifecycle.mapping(hook))
            .chain(
                ["livenessProbe", "readinessProbe", "startupProbe"]
                    .into_iter()
                    .filter_map(|probe| container.mapping(probe)),
            )
            .filter_map(|handler| handler.mapping("exec")?.sequence("command"))
            .find_map(|command| installs(std::iter::once(command)))
    })
}

/// What the words in these lists together install, and the word that does it.
fn installs<'a>(lists: impl Iterator<Item = Node<'a>>) -> Option<(Node<'a>, String)> {
    let (nodes, words): (Vec<Node<'_>>, Vec<&str>) =
        lists.flat_map(Node::items).filter_map(|item| Some((item, item.as_str()?))).unzip();
    let install = installs_software(&words)?;
    Some((*nodes.get(install.argument)?, install.what))
}
