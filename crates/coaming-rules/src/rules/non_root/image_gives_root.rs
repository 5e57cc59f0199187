//! See [`ImageGivesRoot`].

use coaming_dockerfile::{Instruction, Kind};
use coaming_finding::{Finding, RuleMeta};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::text::root_for_all::{gives_root, is_sudo_without_password};
use crate::{Context, DockerfileRule, DockerfileScope};

rule! {
    /// ## What it looks for
    ///
    /// Dockerfiles that leave in the image what makes any of its users root: a program with the setuid
    /// bit (`chmod u+s`, `chmod 4755`, `install -m 4755`), a rule of `sudo` without a password
    /// (`NOPASSWD`), root without a password (`passwd -d root`).
    ///
    /// ## Why it matters
    ///
    /// A user other than root limits what an attacker who gets into the container can do. With one of
    /// these, they are root in one command, although `USER` and `runAsNonRoot` say otherwise.
    ///
    /// ## Bad
    ///
    /// A program that anybody runs as root.
    ///
    /// ```dockerfile
    /// FROM registry.example.com/base:1.4.2
    /// COPY backup /usr/local/bin/backup
    /// RUN chmod 4755 /usr/local/bin/backup
    /// USER 10001
    /// ```
    ///
    /// A rule of `sudo` in a script.
    ///
    /// ```dockerfile
    /// FROM registry.example.com/base:1.4.2
    /// RUN echo 'app ALL=(ALL) NOPASSWD:ALL' > /etc/sudoers.d/app
    /// USER 10001
    /// ```
    ///
    /// A rule of `sudo` in a here-document.
    ///
    /// ```dockerfile
    /// FROM registry.example.com/base:1.4.2
    /// COPY <<EOF /etc/sudoers.d/app
    /// app ALL=(ALL) NOPASSWD: ALL
    /// EOF
    /// USER 10001
    /// ```
    ///
    /// ## Good
    ///
    /// What needs root is done while the image is built.
    ///
    /// ```dockerfile
    /// FROM registry.example.com/base:1.4.2
    /// COPY --chmod=755 backup /usr/local/bin/backup
    /// RUN install -d -o 10001 /var/backups
    /// USER 10001
    /// ```
    ///
    /// ## Fix
    ///
    /// By hand: do what needs root while the image is built, and change the owner of what the program
    /// reads and writes. For a port below 1024, use a port above; for a single privilege, add the
    /// capability to the pod. Until then, `allowPrivilegeEscalation: false` in the pod makes the setuid
    /// bit and `sudo` ineffective.
    ///
    /// ## Limits
    ///
    /// Files that are copied into the image, and programs of the base image and of packages, are not
    /// read here; `coaming image` lists the setuid programs of a built image.
    ImageGivesRoot {
        name: "image-gives-root",
        summary: "Image lets every user become root",
        category: NonRoot,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Preview,
        standards: [Nsa("Non-root containers"), Attack("T1548.001")],
    }
}

impl DockerfileRule for ImageGivesRoot {
    const META: &'static RuleMeta = Self::RULE;

    fn check(_: &Context<'_>, scope: DockerfileScope<'_>, findings: &mut Vec<Finding>) {
        for (instruction, script) in scope.scripts_of_image() {
            let what = gives_root(script.text);
            if !what.is_empty() {
                findings.push(finding(scope, instruction, &phrases::and(&what)));
            }
        }
        for instruction in scope.dockerfile.of_image() {
            if copies_sudo_rule(scope, instruction) {
                findings.push(finding(scope, instruction, "`sudo` without a password"));
            }
        }
    }
}

/// Whether an instruction writes a here-document with a rule of `sudo` that needs no password.
fn copies_sudo_rule(scope: DockerfileScope<'_>, instruction: &Instruction) -> bool {
    let Kind::Copy(source) = &instruction.kind else { return false };
    source.files.is_empty()
        && source.target.text.starts_with("/etc/sudoers")
        && is_sudo_without_password(instruction.span.text(scope.source))
}

fn finding(scope: DockerfileScope<'_>, instruction: &Instruction, what: &str) -> Finding {
    let message = format!("any user of the image becomes root by {what}");
    scope
        .finding(ImageGivesRoot::RULE, instruction.span, message)
        .why("An attacker who gets into the container as another user is root in one command.")
        .help(
            "Do what needs root while the image is built, and set `allowPrivilegeEscalation: false` \
             in the pod, which makes the setuid bit and `sudo` ineffective.",
        )
        .manual("do it while the image is built", "RUN chown 10001 /directory")
        .done()
}
