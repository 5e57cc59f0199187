//! A real Kubernetes cluster for the tests that need one: `COAMING_LAB` names a script with the
//! commands `up`, `exec -- COMMAND` and `down`, which runs a single node in a network namespace of
//! its own. It is started once and left up for the next run; CI takes it down.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// A running cluster.
pub(crate) struct Lab {
    script: PathBuf,
}

impl Lab {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.script);
        // Two runs at once on one machine need a cluster each: `LAB_HOME` and `LAB_NETNS`.
        if std::env::var_os("LAB_HOME").is_none() {
            command
                .env("LAB_HOME", std::env::temp_dir().join("coaming-lab"))
                .env("LAB_NETNS", "coaming-lab");
        }
        command
    }

    /// Brings an image's archive into the cluster's containerd; fails the test if it fails.
    pub(crate) fn load(&self, archive: &std::path::Path) {
        let output = self.command().arg("load").arg(archive).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} is not loaded: {errors}", archive.display());
    }

    /// Brings the image that every pod needs back: where the disk is full, the kubelet removes images
    /// that no pod runs.
    pub(crate) fn load_pause(&self) {
        let home = std::env::var_os("LAB_HOME")
            .map_or_else(|| std::env::temp_dir().join("coaming-lab"), PathBuf::from);
        let archive = home.join("images/busybox.tar");
        if archive.exists() {
            self.load(&archive);
        }
    }

    /// A command in the cluster's network, with `KUBECONFIG` set; arguments follow.
    pub(crate) fn exec(&self, program: &str) -> Command {
        let mut command = self.command();
        command.args(["exec", "--", program]);
        command
    }

    /// Runs `kubectl` with this on its standard input; fails the test if it fails.
    pub(crate) fn kubectl(&self, arguments: &[&str], input: &str) -> String {
        use std::io::Write as _;
        let mut child = self
            .exec("kubectl")
            .args(arguments)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// The cluster, or `None` with a loud word. In CI it must be there.
pub(crate) fn lab() -> Option<&'static Lab> {
    static LAB: OnceLock<Option<Lab>> = OnceLock::new();
    LAB.get_or_init(|| {
        let Some(script) = std::env::var_os("COAMING_LAB") else {
            coaming_test::skip!("no cluster: COAMING_LAB names no script that starts one");
            return None;
        };
        let lab = Lab { script: script.into() };
        let output = lab.command().arg("up").output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the cluster does not start: {errors}");
        Some(lab)
    })
    .as_ref()
}
