//! A PostgreSQL server, started for a test.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::certificates::Certificates;

/// The password of the user `shop`.
pub const PASSWORD: &str = "s3cret-of-the-shop";

/// A running server with TLS and an authority of its own. The user `free` needs no password, `shop` needs
/// [`PASSWORD`]; both may do all in the database `postgres`. Ends with the test.
#[derive(Debug)]
pub struct Postgres {
    process: Child,
    directory: tempfile::TempDir,
    /// Where it listens: `127.0.0.1:PORT`.
    pub host: String,
}

impl Postgres {
    /// Starts one; `None` where the program is not installed, which is reported.
    #[must_use]
    pub fn start(test: &str) -> Option<Self> {
        let Some(programs) = programs() else {
            crate::skip!(
                "{test}: PostgreSQL is not installed (Debian: apt-get install postgresql)"
            );
            return None;
        };
        let directory = tempfile::tempdir().unwrap();
        let owner = Owner::find();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let data = directory.path().join("data");
        fs::create_dir(&data).unwrap();
        fs::write(directory.path().join("password"), PASSWORD).unwrap();
        let Certificates { ca, server, key } = Certificates::for_loopback();
        for (name, text) in [("ca.pem", ca), ("server.pem", server), ("server.key", key)] {
            fs::write(directory.path().join(name), text).unwrap();
        }
        let key = directory.path().join("server.key");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        [&data, &key].into_iter().for_each(|path| owner.give(path));
        initialize(&owner, &programs, directory.path());
        let host = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let process = serve(&owner, &programs, directory.path(), host.port());
        let server = Self { process, directory, host: host.to_string() };
        server.wait(&programs);
        Some(server)
    }

    /// The certificate of its authority.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// The address of its database for a user.
    #[must_use]
    pub fn url(&self, user: &str) -> String {
        format!("postgres://{user}@{}/postgres", self.host)
    }

    /// It listens before it is ready.
    fn wait(&self, programs: &Path) {
        let start = Instant::now();
        let port = self.host.rsplit(':').next().unwrap_or_default();
        let is_ready = || {
            let asked = Command::new(programs.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-U", "free", "-p", port])
                .status();
            TcpStream::connect(&self.host).is_ok() && asked.is_ok_and(|status| status.success())
        };
        while !is_ready() {
            assert!(start.elapsed() < Duration::from_secs(60), "PostgreSQL does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let id = self.process.id().to_string();
        // `SIGINT` disconnects all, and ends the server with its children.
        drop(Command::new("kill").args(["-INT", &id]).status());
        drop(self.process.wait());
    }
}

/// Who runs the server: it refuses to be root.
struct Owner(Option<(u32, u32)>);

impl Owner {
    fn find() -> Self {
        let number = |arguments: &[&str]| {
            let output = Command::new("id").args(arguments).output().ok()?;
            String::from_utf8(output.stdout).ok()?.trim().parse::<u32>().ok()
        };
        let is_root = number(&["-u"]) == Some(0);
        Self(
            is_root.then(|| number(&["-u", "postgres"]).zip(number(&["-g", "postgres"]))).flatten(),
        )
    }

    fn give(&self, path: &Path) {
        if let Some((user, group)) = self.0 {
            chown(path, Some(user), Some(group)).unwrap();
        }
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

/// The directory of the programs of the newest version, as Debian installs them.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, path)| path.join("initdb").is_file())
        .collect();
    found.sort();
    Some(found.pop()?.1)
}

fn initialize(owner: &Owner, programs: &Path, directory: &Path) {
    let made = owner
        .command(&programs.join("initdb"))
        .args(["--username=shop", "--auth=scram-sha-256", "--no-sync", "--encoding=UTF8"])
        .arg("--locale=C")
        .arg(format!("--pwfile={}", directory.join("password").display()))
        .arg(format!("--pgdata={}", directory.join("data").display()))
        .status();
    assert!(made.is_ok_and(|status| status.success()), "initdb fails");
    let rules = "host all free 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n\
                 local all all trust\n";
    let own = directory.join("data");
    fs::write(own.join("pg_hba.conf"), rules).unwrap();
    let mut single = owner.command(&programs.join("postgres"));
    let mut single =
        single.arg("--single").arg("-D").arg(&own).arg("postgres").stdin(Stdio::piped()).spawn();
    let running = single.as_mut().unwrap();
    std::io::Write::write_all(
        &mut running.stdin.take().unwrap(),
        b"CREATE ROLE free SUPERUSER LOGIN\n",
    )
    .unwrap();
    assert!(running.wait().unwrap().success(), "the user cannot be made");
}

fn serve(owner: &Owner, programs: &Path, directory: &Path, port: u16) -> Child {
    let file = |name: &str| directory.join(name).display().to_string();
    let mut command = owner.command(&programs.join("postgres"));
    command.arg("-D").arg(file("data")).arg("-p").arg(port.to_string());
    for setting in [
        "listen_addresses=127.0.0.1".to_owned(),
        "unix_socket_directories=".to_owned(),
        "fsync=off".to_owned(),
        "ssl=on".to_owned(),
        format!("ssl_cert_file={}", file("server.pem")),
        format!("ssl_key_file={}", file("server.key")),
    ] {
        command.arg("-c").arg(setting);
    }
    command.spawn().unwrap()
}
