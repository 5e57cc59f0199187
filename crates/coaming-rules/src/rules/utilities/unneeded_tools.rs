//! See [`UnneededTools`].

use coaming_finding::{Confidence, Finding, RuleMeta};

use super::{installed, is_started_with};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::{base_image, phrases};
use crate::{Context, DockerfileRule, DockerfileScope};

rule! {
    /// ## What it looks for
    ///
    /// Tools that a Dockerfile installs and leaves in the image although no command that starts it
    /// names them: downloaders, network tools, editors, debuggers, `sudo`, `git`, and clients of
    /// clusters and clouds. Tools that are removed again, or that only a build stage contains, are
    /// not reported.
    ///
    /// ## Why it matters
    ///
    /// They save an attacker the work of bringing their own: to fetch programs, explore the
    /// network, read and change files, and become root.
    ///
    /// ## Bad
    ///
    /// Nothing that starts the image uses the tools.
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// RUN apt-get update && apt-get install -y ca-certificates curl vim && rm -rf /var/lib/apt/lists/*
    /// USER 10001
    /// ENTRYPOINT ["/app"]
    /// ```
    ///
    /// A single tool is enough for an attacker.
    ///
    /// ```dockerfile
    /// FROM alpine:3.19
    /// RUN apk add --no-cache netcat-openbsd
    /// USER 10001
    /// ENTRYPOINT ["/app"]
    /// ```
    ///
    /// ## Good
    ///
    /// Only what the application needs is installed.
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// RUN apt-get update && apt-get install -y ca-certificates && rm -rf /var/lib/apt/lists/*
    /// USER 10001
    /// ENTRYPOINT ["/app"]
    /// ```
    ///
    /// The health check needs the tool.
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// RUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*
    /// HEALTHCHECK CMD curl -f http://localhost:8080/
    /// USER 10001
    /// ENTRYPOINT ["/app"]
    /// ```
    ///
    /// The tool is removed once it has done its work.
    ///
    /// ```dockerfile
    /// FROM alpine:3.19
    /// RUN apk add --no-cache curl && curl -fsSLo /data https://example.com/data && apk del curl
    /// USER 10001
    /// ENTRYPOINT ["/app"]
    /// ```
    ///
    /// ## Fix
    ///
    /// Leave the tools out. If the build needs them, use them in a separate stage and copy the
    /// result. To debug a pod, attach a container that has tools: `kubectl debug`.
    ///
    /// ## Limits
    ///
    /// A tool that the application itself starts, or a script in the image, looks unneeded.
    /// Suppress the finding with that reason.
    UnneededTools {
        name: "unneeded-tools",
        summary: "Image contains unneeded tools",
        category: Utilities,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Attack("T1105"), Attack("T1046")],
    }
}

/// Packages, the programs in them, and what an attacker does with those.
const TOOLS: &[(&[&str], &[&str], &str)] = &[
    (&["curl", "wget", "aria2"], &["curl", "wget", "aria2c"], "fetch programs and exfiltrate data"),
    (
        &[
            "netcat",
            "netcat-openbsd",
            "netcat-traditional",
            "ncat",
            "nmap-ncat",
            "socat",
            "nmap",
            "nmap-netcat",
            "telnet",
            "tcpdump",
            "tshark",
            "dnsutils",
            "bind-tools",
            "bind-utils",
            "iputils-ping",
            "iputils",
            "net-tools",
            "inetutils-telnet",
            "ftp",
            "lftp",
            "rsync",
            "openssh-client",
            "openssh-clients",
            "openssh-server",
            "openssh",
            "proxychains4",
        ],
        &[
            "nc", "ncat", "socat", "nmap", "telnet", "tcpdump", "dig", "nslookup", "host", "ping",
            "netstat", "ifconfig", "ftp", "lftp", "rsync", "ssh", "sshd", "scp",
        ],
        "explore the network and move on to other hosts",
    ),
    (
        &["vim", "vim-tiny", "nano", "emacs", "emacs-nox"],
        &["vim", "vi", "nano", "emacs"],
        "read and change files",
    ),
    (&["git", "mercurial", "subversion"], &["git", "hg", "svn"], "fetch sources and push data out"),
    (&["gdb", "strace", "ltrace"], &["gdb", "strace", "ltrace"], "inspect other processes"),
    (&["sudo", "doas"], &["sudo", "doas"], "become root"),
    (
        &[
            "awscli",
            "docker.io",
            "docker-ce-cli",
            "docker-cli",
            "kubectl",
            "kubernetes-client",
            "azure-cli",
        ],
        &["aws", "docker", "kubectl", "az"],
        "talk to the cloud, the cluster or the container runtime",
    ),
];

impl DockerfileRule for UnneededTools {
    const META: &'static RuleMeta = Self::RULE;

    fn check(_: &Context<'_>, scope: DockerfileScope<'_>, findings: &mut Vec<Finding>) {
        if scope.dockerfile.base().is_none_or(base_image::is_windows) {
            return;
        }
        for (instruction, packages) in installed(scope) {
            let mut tools: Vec<&str> = Vec::new();
            let mut uses: Vec<&str> = Vec::new();
            for (of_kind, programs, what_for) in TOOLS {
                let found = packages.iter().filter(|package| of_kind.contains(&package.as_str()));
                let found: Vec<&str> = found
                    .map(String::as_str)
                    .filter(|package| !is_started_with(scope, &[*package]))
                    .collect();
                if !found.is_empty() && !is_started_with(scope, programs) {
                    tools.extend(found);
                    uses.push(what_for);
                }
            }
            if tools.is_empty() {
                continue;
            }
            let count = tools.len();
            let message = format!(
                "{} {} in the image although no command that starts it uses {}",
                phrases::list(&tools),
                phrases::plural(count, "stays", "stay"),
                phrases::plural(count, "it", "them"),
            );
            let help = format!(
                "Leave {0} out, or use {0} in a build stage only.",
                phrases::plural(count, "it", "them"),
            );
            findings.push(
                scope
                    .finding(Self::RULE, instruction.span, message)
                    .why(format!("An attacker can {}.", phrases::clauses(&uses)))
                    .help(help)
                    .confidence(Confidence::Medium)
                    .manual(
                        format!("leave out {}", phrases::list(&tools)),
                        "FROM base AS build\nRUN … # uses the tools\nFROM base\n\
                         COPY --from=build /result /result",
                    )
                    .done(),
            );
        }
    }
}
