//! A real API server with the plugin: what it keeps in etcd is encrypted by a key of a real OpenBao.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use coaming_test::bao::Bao;
use serde_json::{Value, json};

use crate::{Plugin, bao};

/// What must be nowhere in etcd.
pub(crate) const PLANTED: &str = "pl4nted-in-a-secret-of-the-cluster";

/// A real API server.
pub(crate) trait ApiServer {
    /// A program in its network, with a kubeconfig and etcd's address.
    fn program(&self, name: &str) -> Command;

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.program(program).args(arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        stdout(&output)
    }

    fn try_create(&self, name: &str) -> bool {
        let value = format!("--from-literal=password={PLANTED}-{name}");
        let arguments = ["create", "secret", "generic", name, &value];
        self.program("kubectl").args(arguments).output().unwrap().status.success()
    }

    /// Creates a Secret, as soon as that is possible.
    fn create(&self, name: &str) {
        let start = Instant::now();
        while !self.try_create(name) {
            assert!(start.elapsed() < Duration::from_secs(60), "{name} cannot be created");
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    fn try_read(&self, name: &str) -> Option<String> {
        let path = "jsonpath={.data.password}/{.metadata.name}";
        let arguments = ["get", "secret", name, "-o", path];
        let output = self.program("kubectl").args(arguments).output().unwrap();
        output.status.success().then(|| stdout(&output))
    }

    /// Reads a Secret, which must have the planted value.
    fn read(&self, name: &str) {
        use base64::Engine as _;
        let value = format!("{PLANTED}-{name}");
        let encoded = base64::engine::general_purpose::STANDARD.encode(value);
        let start = Instant::now();
        loop {
            match self.try_read(name) {
                Some(found) => return assert_eq!(found, format!("{encoded}/{name}")),
                None => assert!(start.elapsed() < Duration::from_secs(60), "{name} cannot be read"),
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// What etcd has, free pages included: Secrets that the plugin encrypted, no planted value, and
    /// nothing that `coaming secrets etcd` reports.
    fn check_etcd(&self, directory: &Path, prefix: &str) {
        let snapshot = directory.join("snapshot.db");
        let path = snapshot.display().to_string();
        self.run("etcdctl", &["snapshot", "save", &path]);
        let bytes = std::fs::read(&snapshot).unwrap();
        let has = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(has(prefix) && !has(PLANTED));
        let length = bytes.len() as u64;
        let reader = coaming_etcd::StoreReader::database(std::io::Cursor::new(bytes), length);
        let findings = coaming_etcd::findings(&reader.unwrap().finish());
        assert!(findings.is_empty(), "{findings:#?}");
    }
}

/// The API server 1.36, with an etcd of its own.
struct Server {
    script: PathBuf,
    home: PathBuf,
    namespace: String,
    flags: String,
}

impl Server {
    /// Starts the server whose script is beside that of `COAMING_LAB`.
    fn start(test: &str, configuration: &Path) -> Option<Self> {
        let script = lab(test)?.with_file_name("apiserver");
        let namespace = "coaming-kms".to_owned();
        let server = Self {
            script,
            home: std::env::temp_dir().join(&namespace),
            namespace,
            flags: format!("--encryption-provider-config={}", configuration.display()),
        };
        server.script(&["up"]);
        Some(server)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.script);
        command
            .args(arguments)
            .env("LAB_HOME", &self.home)
            .env("LAB_NETNS", &self.namespace)
            .env("LAB_APISERVER_FLAGS", &self.flags);
        command
    }

    fn script(&self, arguments: &[&str]) {
        let output = self.command(arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
    }
}

impl ApiServer for Server {
    fn program(&self, name: &str) -> Command {
        let mut command = self.command(&["exec", "--", name]);
        command.env("ETCDCTL_API", "3");
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.command(&["down"]).output());
    }
}

/// A second API server on the etcd of the first.
struct Second<'s> {
    first: &'s Server,
    process: Child,
    kubeconfig: PathBuf,
}

impl<'s> Second<'s> {
    fn start(first: &'s Server, directory: &Path, configuration: &Path) -> Self {
        let home = &first.home;
        let certificates = directory.join("second");
        let program = home.join("bin/labapi").display().to_string();
        let process = first
            .command(&["exec", "--", &program, "--etcd-servers=http://127.0.0.1:2379"])
            .args(["--secure-port=6444", "--authorization-mode=RBAC"])
            .arg(format!("--cert-dir={}", certificates.display()))
            .arg(format!("--token-auth-file={}", home.join("tokens.csv").display()))
            .arg(format!("--encryption-provider-config={}", configuration.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let text = std::fs::read_to_string(home.join("kubeconfig")).unwrap();
        let kubeconfig = directory.join("second.kubeconfig");
        std::fs::write(&kubeconfig, text.replace(":6443", ":6444")).unwrap();
        Self { first, process, kubeconfig }
    }
}

impl ApiServer for Second<'_> {
    fn program(&self, name: &str) -> Command {
        let kubeconfig = format!("KUBECONFIG={}", self.kubeconfig.display());
        self.first.command(&["exec", "--", "env", &kubeconfig, name])
    }
}

impl Drop for Second<'_> {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// The script of the cluster, beside which the servers are.
pub(crate) fn lab(test: &str) -> Option<PathBuf> {
    let lab = std::env::var_os("COAMING_LAB").map(PathBuf::from);
    if lab.is_none() {
        coaming_test::skip!("{test}: COAMING_LAB names no script that starts a cluster");
    }
    lab
}

/// The API server's configuration, for a plugin. `version` is a line of the provider.
pub(crate) fn encryption(config: &Value, directory: &Path, version: &str) -> PathBuf {
    let socket = config["socket"].as_str().unwrap();
    let name = Path::new(socket).file_name().unwrap().to_string_lossy();
    let file = directory.join(format!("{name}.encryption.yaml"));
    let text = format!(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n\
         - resources: [secrets]\n  providers:\n  - kms:\n      name: coaming\n      {version}\n      \
         timeout: 3s\n      endpoint: unix://{socket}\n  - identity: {{}}\n"
    );
    std::fs::write(&file, text).unwrap();
    file
}

/// An OpenBao with a transit key, the plugin's configuration, and the API server's.
fn prepare(test: &str) -> Option<(Bao, Value, PathBuf)> {
    let (bao, config) = bao(test)?;
    let file = encryption(&config, bao.directory.path(), "apiVersion: v2");
    Some((bao, config, file))
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn can_run(test: &str) -> bool {
    coaming_test::daemons::can_run(test, "etcdctl", "etcd-client")
}

#[test]
fn an_api_server_of_today_keeps_no_secret_in_plain_text() {
    let test = "an_api_server_of_today_keeps_no_secret_in_plain_text";
    if !can_run(test) {
        return;
    }
    let Some((bao, config, encryption)) = prepare(test) else { return };
    let plugin = Plugin::start(&config);
    let Some(server) = Server::start(test, &encryption) else { return };
    server.create("one");
    server.read("one");
    server.script(&["restart"]);
    server.read("one");
    bao.run(&["write", "-f", "transit/keys/kubernetes/rotate"]);
    server.create("two");
    server.read("one");
    server.read("two");
    // While the plugin is down, the API server goes on with the keys that it has; after its restart it
    // needs the plugin again.
    plugin.stop();
    let plugin = Plugin::start(&config);
    server.script(&["restart"]);
    server.create("three");
    for name in ["one", "two", "three"] {
        server.read(name);
    }
    two_servers(&bao, &config, &server);
    server.check_etcd(bao.directory.path(), "k8s:enc:kms:v2:coaming:");
    let log = plugin.stop();
    assert!(
        log.contains("encrypting by transit/kubernetes/v2/") && !log.contains("pl4nted"),
        "{log}"
    );
}

/// Another API server with a plugin of its own, as on the next node: each reads what the other wrote,
/// whichever version of the key that was by.
fn two_servers(bao: &Bao, config: &Value, first: &Server) {
    let directory = bao.directory.path();
    let mut other = config.clone();
    other["socket"] = json!(format!("{}-2", config["socket"].as_str().unwrap()));
    let plugin = Plugin::start(&other);
    let second = Second::start(first, directory, &encryption(&other, directory, "apiVersion: v2"));
    for name in ["one", "two", "three"] {
        second.read(name);
    }
    second.create("four");
    first.read("four");
    bao.run(&["write", "-f", "transit/keys/kubernetes/rotate"]);
    first.create("five");
    second.read("five");
    second.create("six");
    first.read("six");
    plugin.stop();
    let plugin = Plugin::start(&other);
    second.create("seven");
    first.read("seven");
    drop(second);
    assert!(!plugin.stop().contains("pl4nted"));
}
