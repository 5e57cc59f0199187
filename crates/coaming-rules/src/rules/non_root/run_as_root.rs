//! See [`RunAsRoot`].

use coaming_finding::{Applicability, Finding, RuleMeta, Severity};
use coaming_kube::Fields as _;

use coaming_yaml::Node;
use coaming_yaml::edit::{Edit, Value};

use super::image_users::{self, OtherUser, non_root_edits};
use super::{image_is_root, legitimate_reason};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Containers that run as root: `runAsUser: 0` in the container's security context, or in the
    /// pod's where the container does not override it. If the image was inspected (see
    /// `--images`), also containers whose image runs as root and whose pod sets no other user. On
    /// Windows, `runAsUserName: ContainerAdministrator` or `NT AUTHORITY\SYSTEM`. With
    /// `hostUsers: false`, root is a user without rights on the node, and the finding is low.
    ///
    /// ## Why it matters
    ///
    /// Root in a container has the user ID of root on the node; only the isolation by the kernel
    /// separates the two. An attacker who compromises the process owns every file of the image,
    /// can install tools, and needs only one more flaw (in the kernel, the container runtime or a
    /// mount) to take over the node and all its pods.
    ///
    /// ## Bad
    ///
    /// The pod's security context applies to all its containers.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   securityContext:
    ///     runAsUser: 0
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// A container's security context overrides the pod's.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   securityContext:
    ///     runAsUser: 10001
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 0
    /// ```
    ///
    /// The user is root and `runAsNonRoot` is true, so the kubelet refuses to start the container.
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
    ///         runAsUser: 0
    ///         runAsNonRoot: true
    /// ```
    ///
    /// Init containers count, too.
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
    ///       securityContext:
    ///         runAsUser: 0
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// The user of this image is root, and the pod sets no other one.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/root:1.4.2
    /// ```
    ///
    /// The container listens on a port below 1024, which is one of the three usual reasons to run
    /// as root.
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
    ///       ports:
    ///         - containerPort: 80
    ///       securityContext:
    ///         runAsUser: 0
    /// ```
    ///
    /// The administrator of a Windows container.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   os:
    ///     name: windows
    ///   securityContext:
    ///     windowsOptions:
    ///       runAsUserName: ContainerAdministrator
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Good
    ///
    /// The pod's user is not root.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   securityContext:
    ///     runAsUser: 10001
    ///     runAsNonRoot: true
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// The pod overrides the user of the image.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/root:1.4.2
    ///       securityContext:
    ///         runAsUser: 10001
    /// ```
    ///
    /// ## Fix
    ///
    /// Run as another user. The fix sets user 10001. Files that the application writes must belong
    /// to that user or to their group (`fsGroup` does this for volumes).
    ///
    /// ## Limits
    ///
    /// If the image was not inspected, a container that leaves its user to the image is reported by
    /// `run-as-non-root` instead. The default user of a Windows image
    /// is not known.
    RunAsRoot {
        name: "run-as-root",
        summary: "Container runs as root",
        category: NonRoot,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [
            PssRestricted("runAsUser"),
            Cis("5.2.7"),
            Nsa("Non-root containers"),
            Attack("T1611"),
        ],
    }
}

impl ContainerRule for RunAsRoot {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        if scope.pod.is_windows() {
            findings.extend(administrator(context, scope));
            return;
        }
        let refused = scope.effective.run_as_non_root().is_some_and(|(refused, _)| refused);
        let (node, reason) = match scope.effective.run_as_user() {
            Some((0, node)) => (node, "`runAsUser: 0`"),
            // With `runAsNonRoot: true`, the kubelet refuses to start the container.
            None if image_is_root(context, scope) == Some(true) && !refused => {
                (context.image_node(scope), "its image's user, which the pod does not override")
            }
            _ => return,
        };
        let mut message = format!("{} runs as root ({reason})", phrases::container(scope));
        if refused {
            message += ", but `runAsNonRoot: true` keeps it from starting";
        }
        let draft = context.container_finding(Self::RULE, scope, node, message);
        let draft = match image_users::other_user(context, scope) {
            OtherUser::Number(number) => {
                let edits = non_root_edits(context, scope).unwrap_or_default();
                let title = format!("set `runAsUser: {number}` and `runAsNonRoot: true`");
                draft.fix(title, Applicability::Unsafe, edits)
            }
            // Nothing is known of the image: it may take any user.
            OtherUser::OfImage if image_is_root(context, scope) != Some(true) => {
                let set = |field: &str, value: Value| {
                    phrases::set(scope.container.node(), &["securityContext", field], value)
                };
                let edits = vec![set("runAsUser", 10001.into()), set("runAsNonRoot", true.into())];
                let title = "set `runAsUser: 10001` and `runAsNonRoot: true`";
                draft.fix(title, Applicability::Unsafe, edits)
            }
            OtherUser::OfImage | OtherUser::None => {
                draft.manual("give the image another user, and name its number", "USER 10001")
            }
        };
        let (severity, why) = if scope.pod.node().boolean("hostUsers") == Some(false) {
            (
                Severity::Low,
                "An attacker in the container owns all its files. On the node they are a user \
                 without rights, as `hostUsers: false` gives the pod users of its own.",
            )
        } else {
            (
                Self::RULE.severity,
                "An attacker in the container owns all its files and is one kernel or runtime \
                 flaw away from owning the node.",
            )
        };
        findings.push(
            draft
                .severity(severity)
                .why(why)
                .help(legitimate_reason(scope).unwrap_or("Run as another user, such as 10001."))
                .done(),
        );
    }
}

/// The root of a Windows container, set by name.
fn administrator<'a>(context: &Context<'a>, scope: ContainerScope<'a>) -> Option<Finding> {
    let options = |security: Option<Node<'a>>| security.mapping("windowsOptions");
    let own = options(scope.container.node().mapping("securityContext")).field("runAsUserName");
    let user = own
        .or_else(|| options(scope.pod.node().mapping("securityContext")).field("runAsUserName"))?;
    let name = user.as_str()?.rsplit('\\').next()?;
    let known = ["ContainerAdministrator", "SYSTEM"];
    if !known.iter().any(|known| name.eq_ignore_ascii_case(known)) {
        return None;
    }
    let message = format!(
        "{} runs as the administrator of its container (`runAsUserName: {name}`)",
        phrases::container(scope),
    );
    let edit = Edit::Set { path: user.path(), value: Value::from("ContainerUser") };
    Some(
        context
            .container_finding(RunAsRoot::RULE, scope, user, message)
            .severity(Severity::Medium)
            .why(
                "An attacker in the container owns all its files and services, and a flaw in the \
                 isolation of Windows containers gives them the node.",
            )
            .help("Set `runAsUserName: ContainerUser`.")
            .fix("set `runAsUserName: ContainerUser`", Applicability::Unsafe, vec![edit])
            .done(),
    )
}
