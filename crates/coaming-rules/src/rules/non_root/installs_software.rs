//! See [`InstallsSoftware`].

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::Fields as _;
use coaming_yaml::Node;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::text::commands::installs_software;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// Looks for software that is installed when the container starts: package managers, programs
    /// that are downloaded and run (also piped into a shell), and sources that are cloned and
    /// built, in `command`, `args`, lifecycle hooks and probes, in init containers too.
    ///
    /// ## Why it matters
    ///
    /// What is installed at run time no scanner has seen, no version is pinned, and whoever
    /// controls the download controls the container. It is also why the container needs root, a
    /// writable file system and the internet, all of which then serve the attacker as well.
    ///
    /// ## Bad
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
    /// Install it when the image is built, and run the finished image.
    InstallsSoftware {
        name: "installs-software",
        summary: "Software is installed at run time",
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
        let message = format!(
            "{} installs software when it runs ({what}): no scanner ever sees what that brings, \
             and it needs root, a writable file system and the internet to do so, as would an \
             attacker. Install it when the image is built.",
            words::sentence(&words::container(scope)),
        );
        let build = format!(
            "FROM {}\nRUN … # what is installed at run time now",
            scope.container.image().unwrap_or("IMAGE")
        );
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .manual("install it when the image is built", build)
                .done(),
        );
    }
}

/// The first thing that a container installs when it runs, and where it says so.
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
