//! Debian's `docker-registry`, started for a test.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::certificates::Certificates;

/// A running registry with TLS, an authority of its own, and one user. Ends with the test.
#[derive(Debug)]
pub struct DockerRegistry {
    process: Child,
    directory: tempfile::TempDir,
    /// Where it listens: `127.0.0.1:PORT`.
    pub host: String,
}

/// `reader` with the password `s3cret-of-the-reader`.
const USERS: &str = "reader:$2y$04$WZKRI7pecTOWT6xIPEDmfOKdG86uoEsHiFsCO3ezB/dPUZa3Nocgm\n";
const LOGIN: &str = "cmVhZGVyOnMzY3JldC1vZi10aGUtcmVhZGVy";

impl DockerRegistry {
    /// Starts one; `None` where the program is not installed, which is reported.
    #[must_use]
    pub fn start(test: &str) -> Option<Self> {
        let Some(program) = program() else {
            let why = "docker-registry is not installed (Debian: apt-get install docker-registry)";
            crate::skip!("{test}: {why}");
            return None;
        };
        let directory = tempfile::tempdir().unwrap();
        let address = free_address();
        write_certificates(directory.path());
        std::fs::write(directory.path().join("users"), USERS).unwrap();
        std::fs::write(directory.path().join("config.yml"), config(directory.path(), &address))
            .unwrap();
        let login = format!(r#"{{"auths": {{"{address}": {{"auth": "{LOGIN}"}}}}}}"#);
        for (name, text) in [("reader", login.as_str()), ("stranger", "{}")] {
            std::fs::create_dir(directory.path().join(name)).unwrap();
            std::fs::write(directory.path().join(name).join("config.json"), text).unwrap();
        }
        let process = Command::new(program)
            .arg("serve")
            .arg(directory.path().join("config.yml"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let registry = Self { process, directory, host: address };
        registry.wait();
        Some(registry)
    }

    /// The certificate of its authority.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// The directory with Docker's configuration of a user who is logged in (`reader`), or of one
    /// who is not (`stranger`).
    #[must_use]
    pub fn docker_config(&self, user: &str) -> PathBuf {
        self.directory.path().join(user)
    }

    fn wait(&self) {
        let start = Instant::now();
        while TcpStream::connect(&self.host).is_err() {
            assert!(start.elapsed() < Duration::from_secs(20), "docker-registry does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn program() -> Option<PathBuf> {
    let directories = std::env::var_os("COAMING_TOOLS").into_iter().chain(std::env::var_os("PATH"));
    directories
        .flat_map(|paths| std::env::split_paths(&paths).collect::<Vec<_>>())
        .map(|directory| directory.join("docker-registry"))
        .find(|path| path.is_file())
}

/// An address that was free a moment ago.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn write_certificates(directory: &Path) {
    let Certificates { ca, server, key } = Certificates::for_loopback();
    for (name, text) in [("ca.pem", ca), ("server.pem", server), ("server.key", key)] {
        std::fs::write(directory.join(name), text).unwrap();
    }
}

fn config(directory: &Path, address: &str) -> String {
    let directory = directory.display();
    format!(
        "version: 0.1\nlog: {{level: error}}\nstorage:\n  filesystem: {{rootdirectory: {directory}/data}}\n\
         http:\n  addr: {address}\n  tls: {{certificate: {directory}/server.pem, key: {directory}/server.key}}\n\
         auth:\n  htpasswd: {{realm: tests, path: {directory}/users}}\n"
    )
}
