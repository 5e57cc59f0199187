//! See [`UnneededTools`].

use coaming_finding::{Confidence, Finding, RuleMeta};

use super::{installed, is_started_with};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::{base_image, words};
use crate::{Context, DockerfileRule, DockerfileScope};

rule! {
    /// Looks for tools that a Dockerfile installs and leaves in the image, though nothing that the
    /// image is started with names them: downloaders, network tools, editors, debuggers, `sudo`,
    /// `git`, clients of clusters and clouds. What is removed again, and what only a build stage
    /// has, is left alone.
    ///
    /// ## Why it matters
    ///
    /// They are what an attacker would have to bring along: to fetch his own programs, to look
    /// round the network, to read and change files, to become root.
    ///
    /// ## Bad
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// RUN apt-get update && apt-get install -y ca-certificates curl vim && rm -rf /var/lib/apt/lists/*
    /// USER 10001
    /// ENTRYPOINT ["/app"]
    /// ```
    ///
    /// ## Good
    ///
    /// ```dockerfile
    /// FROM debian:12.5
    /// RUN apt-get update && apt-get install -y ca-certificates && rm -rf /var/lib/apt/lists/*
    /// USER 10001
    /// ENTRYPOINT ["/app"]
    /// ```
    ///
    /// ## Fix
    ///
    /// Leave them out; where the build needs them, use them in a stage of their own and copy what
    /// they made. To debug a pod, attach a container with tools: `kubectl debug`.
    UnneededTools {
        name: "unneeded-tools",
        summary: "Tools in the image serve nobody but an attacker",
        category: Utilities,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Attack("T1105"), Attack("T1046")],
    }
}

/// Packages, with the programs in them and what an attacker does with those.
const TOOLS: &[(&[&str], &[&str], &str)] = &[
    (
        &["curl", "wget", "aria2"],
        &["curl", "wget", "aria2c"],
        "fetch programs and send out what he finds",
    ),
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
        "look round the network and go on to other hosts",
    ),
    (
        &["vim", "vim-tiny", "nano", "emacs", "emacs-nox"],
        &["vim", "vi", "nano", "emacs"],
        "read and change files",
    ),
    (
        &["git", "mercurial", "subversion"],
        &["git", "hg", "svn"],
        "fetch sources and send out what he finds",
    ),
    (&["gdb", "strace", "ltrace"], &["gdb", "strace", "ltrace"], "look into other processes"),
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
            let message = format!(
                "{} {} in the image, where nothing that it is started with names {}: an attacker \
                 can {}. Leave {} out, or use {0} in a build stage only.",
                words::list(&tools),
                if tools.len() == 1 { "stays" } else { "stay" },
                if tools.len() == 1 { "it" } else { "them" },
                words::and(&uses),
                if tools.len() == 1 { "it" } else { "them" },
            );
            findings.push(
                scope
                    .finding(Self::RULE, instruction.span, message)
                    .confidence(Confidence::Medium)
                    .manual(
                        format!("leave out {}", words::list(&tools)),
                        "FROM base AS build\nRUN … # what needs the tools\nFROM base\n\
                         COPY --from=build /what/they/made /what/they/made",
                    )
                    .done(),
            );
        }
    }
}
