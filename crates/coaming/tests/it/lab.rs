//! A real Kubernetes cluster for the tests that need one: `COAMING_LAB` names a script with the
//! commands `up`, `exec -- COMMAND` and `down`, which runs a single node in a network namespace of
//! its own. It is started once and left up for the next run; CI takes it down.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// A running cluster.
pub(crate) struct Lab {
    script: PathBuf,
    webhook: Mutex<()>,
}

impl Lab {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.script);
        // Two runs at once on one machine need a cluster each: `LAB_HOME` and `LAB_NETNS`.
        if std::env::var_os("LAB_HOME").is_none() {
            command
                .env("LAB_HOME", std::env::temp_dir().join("coaming-lab"))
                .env("LAB_NETNS", "coaming-lab")
                .env("LAB_APISERVER_FLAGS", "--feature-gates=EphemeralContainers=true");
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
        let archive = self.home().join("images/busybox.tar");
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

    /// A command in the cluster's network, which is the child itself and not a script's: it can be
    /// stopped. Arguments follow.
    pub(crate) fn process(&self, program: &str) -> Command {
        let namespace = std::env::var("LAB_NETNS").unwrap_or_else(|_| "coaming-lab".to_owned());
        let mut command = Command::new("nsenter");
        command.args([&format!("--net=/run/netns/{namespace}"), "--", program]);
        command
    }

    /// The directory of its state: certificates, logs, volumes.
    #[expect(clippy::unused_self, reason = "there is none before the cluster is up")]
    pub(crate) fn home(&self) -> PathBuf {
        std::env::var_os("LAB_HOME")
            .map_or_else(|| std::env::temp_dir().join("coaming-lab"), PathBuf::from)
    }

    /// The text of its kubeconfig.
    pub(crate) fn kubeconfig(&self) -> String {
        std::fs::read_to_string(self.home().join("kubeconfig")).unwrap()
    }

    /// The token of a service account, of the kind that never ends.
    pub(crate) fn account_token(&self, namespace: &str, account: &str) -> String {
        use base64::Engine as _;
        let start = std::time::Instant::now();
        loop {
            let get = ["-n", namespace, "get", "serviceaccount", account, "-o"];
            let secret = self.kubectl(&[&get[..], &["jsonpath={.secrets[0].name}"]].concat(), "");
            if !secret.is_empty() {
                let get = ["-n", namespace, "get", "secret", &secret, "-o"];
                let token = self.kubectl(&[&get[..], &["jsonpath={.data.token}"]].concat(), "");
                let token = base64::engine::general_purpose::STANDARD.decode(token).unwrap();
                return String::from_utf8(token).unwrap();
            }
            assert!(start.elapsed().as_secs() < 60, "{namespace}/{account} has no token");
            std::thread::sleep(std::time::Duration::from_millis(300));
        }
    }

    /// The right to install the webhook, of which the cluster has one. No namespace is being deleted
    /// then: it would take nothing, and be gone a little later.
    pub(crate) fn webhook(&self) -> MutexGuard<'_, ()> {
        let guard = self.webhook.lock().unwrap_or_else(PoisonError::into_inner);
        let phases = ["get", "namespaces", "-o", "jsonpath={.items[*].status.phase}"];
        let start = std::time::Instant::now();
        while self.kubectl(&phases, "").contains("Terminating") {
            assert!(start.elapsed().as_secs() < 180, "a namespace is still being deleted");
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
        guard
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
        let lab = Lab { script: script.into(), webhook: Mutex::new(()) };
        let output = lab.command().arg("up").output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the cluster does not start: {errors}");
        Some(lab)
    })
    .as_ref()
}
