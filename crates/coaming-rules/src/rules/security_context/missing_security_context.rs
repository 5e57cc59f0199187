//! See [`MissingSecurityContext`].

use coaming_finding::{Applicability, Finding, RuleMeta, Severity};

use super::hardening::{self, Field};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::non_root::run_as_non_root::RunAsNonRoot;
use crate::rules::non_root::run_as_root::RunAsRoot;
use crate::rules::non_root::{image_is_root, legitimate_reason};
use crate::rules::phrases;
use crate::rules::schema::unknown_field::UnknownField;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Containers that leave parts of their security context to the defaults, which are made to
    /// let everything run: `runAsNonRoot`, `allowPrivilegeEscalation`, `capabilities`,
    /// `seccompProfile` and `readOnlyRootFilesystem`. One finding per container lists all missing
    /// fields, because one edit sets them. A field with an unsafe value is reported by a rule of
    /// its own.
    ///
    /// ## Why it matters
    ///
    /// Each field takes something from an attacker that the application hardly ever needs: root,
    /// setuid programs, raw sockets, rare system calls (where most kernel vulnerabilities are),
    /// and a place for tools. Together, they leave little to do for an attacker in the container.
    ///
    /// ## Bad
    ///
    /// There is no security context at all.
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
    /// ```
    ///
    /// Part of it is missing.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   securityContext:
    ///     runAsNonRoot: true
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         allowPrivilegeEscalation: false
    ///         capabilities:
    ///           drop: [ALL]
    /// ```
    ///
    /// Capabilities are dropped, but not all.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   securityContext:
    ///     runAsNonRoot: true
    ///     seccompProfile:
    ///       type: RuntimeDefault
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         allowPrivilegeEscalation: false
    ///         readOnlyRootFilesystem: true
    ///         capabilities:
    ///           drop: [NET_RAW]
    /// ```
    ///
    /// Fields that only exist for containers have to be set in each one, also in init containers.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   securityContext:
    ///     runAsNonRoot: true
    ///     seccompProfile:
    ///       type: RuntimeDefault
    ///   initContainers:
    ///     - name: setup
    ///       image: registry.example.com/setup:1.4.2
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         allowPrivilegeEscalation: false
    ///         readOnlyRootFilesystem: true
    ///         capabilities:
    ///           drop: [ALL]
    /// ```
    ///
    /// A privileged container still needs the fields that have an effect on it.
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
    ///         privileged: true
    /// ```
    ///
    /// ## Good
    ///
    /// The pod sets what it can for all its containers, and the container sets the rest.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   securityContext:
    ///     runAsNonRoot: true
    ///     seccompProfile:
    ///       type: RuntimeDefault
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         allowPrivilegeEscalation: false
    ///         readOnlyRootFilesystem: true
    ///         capabilities:
    ///           drop: [ALL]
    /// ```
    ///
    /// All fields can be in the container.
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
    ///         runAsUser: 10001
    ///         seccompProfile:
    ///           type: RuntimeDefault
    ///         allowPrivilegeEscalation: false
    ///         readOnlyRootFilesystem: true
    ///         capabilities:
    ///           drop: [ALL]
    /// ```
    ///
    /// None of the fields exists on Windows.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   os:
    ///     name: windows
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Fix
    ///
    /// Set the fields. Where the application writes files, mount an `emptyDir`; where it needs a
    /// capability, add that one back. The fix mounts volumes where the image or the command is
    /// known to write, and keeps the capability to listen on a declared port below 1024.
    ///
    /// ## Limits
    ///
    /// Whether an application works with a read-only file system and without capabilities is not
    /// visible in its manifest, so the fix is only applied with `--unsafe`.
    MissingSecurityContext {
        name: "missing-security-context",
        summary: "Security context is missing or incomplete",
        category: SecurityContext,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [
            PssRestricted("allowPrivilegeEscalation"),
            PssRestricted("capabilities_restricted"),
            PssRestricted("runAsNonRoot"),
            PssRestricted("seccompProfile_restricted"),
            Cis("5.2.6"),
            Cis("5.2.7"), Cis("5.2.8"), Cis("5.2.9"),
            Cis("5.6.2"),
            Cis("5.6.3"),
            Nsa("Pod security enforcement"),
        ],
    }
}

impl ContainerRule for MissingSecurityContext {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let mut missing = hardening::missing(scope);
        let image_is_root = image_is_root(context, scope);
        if image_is_root == Some(true) && context.enabled::<RunAsRoot>() {
            missing.retain(|field| *field != Field::NonRoot);
        }
        let reported_elsewhere = missing == [Field::NonRoot] && context.enabled::<RunAsNonRoot>();
        if missing.is_empty() || reported_elsewhere {
            return;
        }
        let consequences: Vec<&str> = missing
            .iter()
            .map(|field| match (field, image_is_root) {
                (Field::NonRoot, Some(false)) => "run as root once its image does",
                _ => field.consequence(),
            })
            .collect();
        let settings: Vec<&str> = missing.iter().map(|field| field.setting()).collect();
        let own = scope.container.security_context();
        // A misspelt context is the first thing to correct: with it, other fields may be missing.
        if own.is_none() && context.enabled::<UnknownField>() && has_misspelt_context(scope) {
            return;
        }
        let who = phrases::container(scope);
        let message = if own.is_none() && scope.pod.security_context().is_none() {
            format!("{who} has no security context")
        } else {
            let names: Vec<&str> = missing.iter().map(|field| field.name()).collect();
            format!("the security context of {who} does not set {}", phrases::list(&names))
        };
        let mut help = format!("Set {}.", phrases::list(&settings));
        if missing.contains(&Field::NonRoot)
            && let Some(reason) = legitimate_reason(scope)
        {
            help += &format!(" {reason}");
        }
        let slight =
            missing.iter().all(|field| matches!(field, Field::Seccomp | Field::ReadOnlyRoot));
        let node = own.map_or(scope.container.node(), |own| own.node());
        let (kept_out, fixable): (Vec<Field>, Vec<Field>) =
            missing.iter().copied().partition(|field: &Field| field.breaks(context, scope));
        if !kept_out.is_empty() {
            let settings: Vec<&str> = kept_out.iter().map(|field| field.setting()).collect();
            help += &format!(
                " `coaming fix` leaves out {}: the container does not start with {} as it is.",
                phrases::list(&settings),
                phrases::plural(settings.len(), "it", "them"),
            );
        }
        let wanted = if context.settings.edits { fixable.as_slice() } else { &[] };
        let edits = wanted.iter().flat_map(|field| field.edits(context, scope)).collect();
        let draft = context
            .container_finding(Self::RULE, scope, node, message)
            .why(format!("An attacker in the container can {}.", phrases::clauses(&consequences)))
            .help(help)
            .severity(if slight { Severity::Low } else { Self::RULE.severity });
        findings.push(if fixable.is_empty() {
            draft.manual("change the image, then set the missing fields", "USER 10001").done()
        } else {
            draft.fix("set the missing fields", Applicability::Unsafe, edits).done()
        });
    }
}

/// Whether a container has a security context that the API server drops for its name's spelling.
fn has_misspelt_context(scope: ContainerScope<'_>) -> bool {
    scope.container.node().entries().any(|entry| {
        let letters = entry.name().chars().filter(char::is_ascii_alphabetic);
        entry.name() != "securityContext"
            && letters.collect::<String>().eq_ignore_ascii_case("securityContext")
    })
}
