//! See [`WritableRoot`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::Fields as _;

use super::written_paths::volumes_for_writing;
use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// Looks for containers whose root file system is made writable outright:
    /// `readOnlyRootFilesystem: false`. Where nothing is said, `missing-security-context` speaks.
    ///
    /// ## Why it matters
    ///
    /// An attacker puts his tools somewhere and changes the application's own files, so that his code
    /// runs for every later request. With a read-only root he finds no place for either.
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
    ///       securityContext:
    ///         readOnlyRootFilesystem: false
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
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         readOnlyRootFilesystem: true
    /// ```
    ///
    /// ## Fix
    ///
    /// Set it to true, and mount an `emptyDir` where the application writes. The fix mounts one where the
    /// image or the command is known to.
    WritableRoot {
        name: "writable-root-filesystem",
        summary: "Root file system is writable",
        category: SecurityContext,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Cis("5.7.3"), Nsa("Immutable container file systems"), Attack("T1105")],
    }
}

impl ContainerRule for WritableRoot {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let Some(own) = scope.container.security_context() else { return };
        let Some(node) = own.node().field("readOnlyRootFilesystem") else { return };
        if node.as_bool() != Some(false) {
            return;
        }
        let message = format!(
            "{} can write to its image's files: an attacker puts tools there and changes the \
             application. Set `readOnlyRootFilesystem: true`, with an `emptyDir` where the \
             application writes.",
            words::sentence(&words::container(scope)),
        );
        let mut edits = vec![words::set(own.node(), &["readOnlyRootFilesystem"], true)];
        edits.extend(volumes_for_writing(scope));
        let title = if edits.len() == 1 {
            "set `readOnlyRootFilesystem: true`"
        } else {
            "set `readOnlyRootFilesystem: true`, with an `emptyDir` where it writes"
        };
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .fix(title, Applicability::Unsafe, edits)
                .done(),
        );
    }
}
