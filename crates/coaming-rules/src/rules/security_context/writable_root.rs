//! See [`WritableRoot`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::Fields as _;

use super::hardening::Field;
use super::written_paths::volumes_for_writing;
use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Containers whose root file system is writable explicitly: `readOnlyRootFilesystem: false`.
    /// A field that is not set is reported by `missing-security-context`.
    ///
    /// ## Why it matters
    ///
    /// An attacker can put tools into the file system and change the files of the application, so
    /// that their code runs for every later request. With a read-only root file system, there is
    /// no place for either.
    ///
    /// ## Bad
    ///
    /// The container can write to its root file system.
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
    /// This image is known to write to `/tmp`, so the fix mounts an `emptyDir` there.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: nginxinc/nginx-unprivileged:1.27.3
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
    /// Set the field to true, and mount an `emptyDir` where the application writes. The fix mounts
    /// one where the image or the command is known to write.
    ///
    /// ## Limits
    ///
    /// Where an application writes is not visible in its manifest, except for well-known images
    /// and commands.
    WritableRoot {
        name: "writable-root-filesystem",
        summary: "Root file system is writable",
        category: SecurityContext,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Cis("5.6.3"), Nsa("Immutable container file systems"), Attack("T1105")],
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
            "{} has a writable root file system (`readOnlyRootFilesystem: false`)",
            phrases::container(scope),
        );
        let draft = context
            .container_finding(Self::RULE, scope, node, message)
            .why("An attacker can add tools to the image's files and change the application.");
        if Field::ReadOnlyRoot.breaks(context, scope) {
            let draft = draft.help(
                "The container does not start with `readOnlyRootFilesystem: true` as it is: use an \
                 image that contains what it needs and writes to volumes only, then set it.",
            );
            let title = "use an image that writes to volumes only";
            findings.push(draft.manual(title, "readOnlyRootFilesystem: true").done());
            return;
        }
        let mut edits = vec![phrases::set(own.node(), &["readOnlyRootFilesystem"], true)];
        edits.extend(volumes_for_writing(scope));
        let title = if edits.len() == 1 {
            "set `readOnlyRootFilesystem: true`"
        } else {
            "set `readOnlyRootFilesystem: true`, with an `emptyDir` where it writes"
        };
        findings.push(
            draft
                .help(
                    "Set `readOnlyRootFilesystem: true`, and mount an `emptyDir` where the \
                     application writes.",
                )
                .fix(title, Applicability::Unsafe, edits)
                .done(),
        );
    }
}
