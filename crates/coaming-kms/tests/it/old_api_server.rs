//! The API server 1.20, which knows the first version of the interface alone, and whose gRPC library sends
//! the socket's path as the authority.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::api_server::{ApiServer, can_run, encryption, lab};
use crate::{Plugin, bao};

/// The server with an etcd, on this machine's loopback.
struct OldServer {
    directory: tempfile::TempDir,
    etcd: Child,
    server: Option<Child>,
    etcd_url: String,
    port: u16,
    configuration: PathBuf,
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl OldServer {
    fn start(test: &str, configuration: PathBuf) -> Option<Self> {
        let archive = lab(test)?.with_file_name("k8s-1.20.2.tar.xz");
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let mut extract = Command::new("tar");
        extract.arg("-xJf").arg(archive).arg("-C").arg(directory.path()).arg("kube-apiserver");
        assert!(extract.status().unwrap().success());
        let mut key = Command::new("openssl");
        key.args(["genrsa", "-out"]).arg(path("sa.key")).arg("2048");
        assert!(key.stderr(Stdio::null()).status().unwrap().success());
        let port = free_port();
        std::fs::write(path("tokens.csv"), "test-token,admin,admin,system:masters\n").unwrap();
        let cluster = json!({"server": format!("https://127.0.0.1:{port}"), "insecure-skip-tls-verify": true});
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "c", "user": {"token": "test-token"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
        });
        std::fs::write(path("kubeconfig"), kubeconfig.to_string()).unwrap();
        let (etcd_url, peer) = (url(free_port()), url(free_port()));
        let mut etcd = Command::new("etcd");
        etcd.arg("--data-dir")
            .arg(path("etcd"))
            .args(["--listen-client-urls", &etcd_url, "--advertise-client-urls", &etcd_url])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("default={peer}")]);
        let etcd = quiet(&mut etcd);
        let mut server = Self { directory, etcd, server: None, etcd_url, port, configuration };
        server.launch();
        Some(server)
    }

    fn launch(&mut self) {
        let path = |name: &str| self.directory.path().join(name).display().to_string();
        let mut command = Command::new(path("kube-apiserver"));
        command
            .arg(format!("--etcd-servers={}", self.etcd_url))
            .args(["--bind-address=127.0.0.1", "--advertise-address=10.99.0.1"])
            .arg(format!("--secure-port={}", self.port))
            .arg(format!("--cert-dir={}", path("certs")))
            .arg(format!("--service-account-key-file={}", path("sa.key")))
            .arg(format!("--service-account-signing-key-file={}", path("sa.key")))
            .arg("--service-account-issuer=https://kubernetes.default.svc")
            .arg(format!("--token-auth-file={}", path("tokens.csv")))
            .args(["--authorization-mode=RBAC", "--service-cluster-ip-range=10.96.0.0/16"])
            .arg(format!("--encryption-provider-config={}", self.configuration.display()));
        self.server = Some(quiet(&mut command));
        let start = Instant::now();
        let ready = ["get", "--raw", "/readyz"];
        while !self.program("kubectl").args(ready).output().unwrap().status.success() {
            assert!(start.elapsed() < Duration::from_secs(180), "the API server is not ready");
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    fn restart(&mut self) {
        end(self.server.take());
        self.launch();
    }
}

impl ApiServer for OldServer {
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command
            .env("KUBECONFIG", self.directory.path().join("kubeconfig"))
            .env("ETCDCTL_API", "3")
            .env("ETCDCTL_ENDPOINTS", &self.etcd_url);
        command
    }
}

impl Drop for OldServer {
    fn drop(&mut self) {
        end(self.server.take());
        drop(self.etcd.kill());
        drop(self.etcd.wait());
    }
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn quiet(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn end(child: Option<Child>) {
    if let Some(mut child) = child {
        drop(child.kill());
        drop(child.wait());
    }
}

#[test]
fn an_api_server_of_2020_keeps_no_secret_in_plain_text() {
    let test = "an_api_server_of_2020_keeps_no_secret_in_plain_text";
    if !can_run(test) {
        return;
    }
    let Some((bao, config)) = bao(test) else { return };
    let plugin = Plugin::start(&config);
    let configuration = encryption(&config, bao.directory.path(), "cachesize: 1000");
    let Some(mut server) = OldServer::start(test, configuration) else { return };
    server.create("one");
    server.read("one");
    server.restart();
    server.read("one");
    bao.run(&["write", "-f", "transit/keys/kubernetes/rotate"]);
    server.create("two");
    server.read("one");
    server.read("two");
    // Nothing can be written without the plugin, and everything goes on when it is back.
    let said = plugin.stop();
    assert!(!server.try_create("three"), "it is not written in plain text");
    let plugin = Plugin::start(&config);
    server.create("three");
    server.restart();
    for name in ["one", "two", "three"] {
        server.read(name);
    }
    server.check_etcd(bao.directory.path(), "k8s:enc:kms:v1:coaming:");
    let said = said + &plugin.stop();
    assert!(!said.contains("pl4nted"), "{said}");
}
