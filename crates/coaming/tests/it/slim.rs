//! Real images are slimmed, and run: in a real cluster, and with what they need taken away.
//!
//! `tests/build-slim-images` makes them of Debian's packages: a static program, programs with
//! libraries for glibc and musl, web applications in Python, JavaScript and Java, and nginx.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use coaming_image::{EntryKind, Image};
use serde_json::Value;

use super::lab::{Lab, lab};
use super::{json, stderr};

/// The directory of the images; `None`, loudly, where they can't be made.
fn images() -> Option<&'static Path> {
    static IMAGES: OnceLock<Option<PathBuf>> = OnceLock::new();
    IMAGES
        .get_or_init(|| {
            let is_there = |program: &str| {
                std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
                    .any(|directory| directory.join(program).exists())
            };
            let missing = ["debootstrap", "cc", "musl-gcc", "javac", "chroot"]
                .into_iter()
                .find(|it| !is_there(it));
            let root = std::fs::metadata("/proc/self").is_ok_and(|it| {
                use std::os::unix::fs::MetadataExt as _;
                it.uid() == 0
            });
            if missing.is_some() || !root {
                let why = missing.map_or("not root".to_owned(), |it| format!("there is no {it}"));
                coaming_test::skip!("slim: the images to slim can't be made: {why}");
                return None;
            }
            let crate_directory = Path::new(env!("CARGO_MANIFEST_DIR"));
            let directory = crate_directory.join("../../target/slim-images");
            let built = Command::new(crate_directory.join("tests/build-slim-images"))
                .arg(&directory)
                .output()
                .unwrap();
            assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
            Some(directory)
        })
        .as_deref()
}

/// An image that was slimmed, with the report.
struct Slim {
    directory: tempfile::TempDir,
    archive: PathBuf,
    report: Value,
}

fn run(arguments: &[&str], paths: &[&Path]) -> Output {
    let cache = tempfile::tempdir().unwrap();
    super::coaming(arguments)
        .args(paths)
        .env("HOME", cache.path())
        .env("XDG_CACHE_HOME", cache.path())
        .output()
        .unwrap()
}

fn slim(name: &str) -> Option<Slim> {
    let layout = images()?.join(name);
    let directory = tempfile::tempdir().unwrap();
    let archive = directory.path().join("slim.tar");
    let reference = format!("docker.io/lab/slim-{name}:1");
    let arguments = ["image", "slim", "--format", "json", "--name", &reference, "--output"];
    let output = run(&arguments, &[&archive, &layout]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let report = json(&output);
    Some(Slim { directory, archive, report })
}

impl Slim {
    fn count(&self, when: &str, what: &str) -> u64 {
        self.report[when][what].as_u64().unwrap()
    }

    fn keeps(&self, path: &str) -> bool {
        self.report["files"].as_array().unwrap().iter().any(|file| file["path"] == path)
    }

    /// What holds of all: it is much smaller, and an attacker has no shell to run.
    fn is_smaller(&self, share: u64) {
        let (before, after) = (self.count("before", "bytes"), self.count("after", "bytes"));
        assert!(after * 100 < before * share, "{before} → {after}");
        assert!(self.count("after", "packages") < self.count("before", "packages") / 2);
        assert_eq!(self.count("after", "privileged_files"), 0);
        for gone in ["/usr/bin/dash", "/usr/bin/bash", "/usr/bin/apt-get", "/usr/bin/su"] {
            assert!(!self.keeps(gone), "{gone}");
        }
        let gone = self.report["gone"]["utilities"].as_array().unwrap();
        assert!(gone.iter().any(|utility| utility["name"] == "bash"));
    }

    /// The files of the only layer, for `chroot`.
    fn unpacked(&self) -> PathBuf {
        let root = self.directory.path().join("root");
        std::fs::create_dir_all(&root).unwrap();
        let image = Image::open(&self.archive, None).unwrap();
        let inside = |path: &str| root.join(path.trim_start_matches('/'));
        image
            .visit(0, &mut |entry, bytes| {
                let path = inside(&entry.path);
                match entry.kind {
                    EntryKind::Directory => std::fs::create_dir_all(&path)?,
                    EntryKind::Symlink => std::os::unix::fs::symlink(&entry.link, &path)?,
                    EntryKind::HardLink => std::fs::hard_link(inside(&entry.link), &path)?,
                    EntryKind::File => {
                        std::io::copy(bytes, &mut std::fs::File::create(&path)?)?;
                        std::fs::set_permissions(&path, PermissionsExt::from_mode(entry.mode))?;
                    }
                    EntryKind::Special => {}
                }
                Ok(())
            })
            .unwrap();
        root
    }
}

/// A pod of the slimmed image, ready; it goes with its handle.
struct Pod<'l> {
    lab: &'l Lab,
    name: String,
}

impl<'l> Pod<'l> {
    fn start(lab: &'l Lab, slim: &Slim, name: &str) -> Self {
        lab.load_pause();
        lab.load(&slim.archive);
        let pod = Self { lab, name: format!("slim-{name}") };
        let manifest = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {}}}\nspec:\n  terminationGracePeriodSeconds: 0\n  \
             containers:\n    - {{name: app, image: \"docker.io/lab/slim-{name}:1\", imagePullPolicy: Never}}\n",
            pod.name
        );
        lab.kubectl(
            &["delete", "pod", &pod.name, "--ignore-not-found", "--grace-period=0", "--force"],
            "",
        );
        lab.kubectl(&["apply", "-f", "-"], &manifest);
        let wait = ["wait", "--for=condition=Ready", "--timeout=300s", "pod", &pod.name];
        lab.kubectl(&wait, "");
        pod
    }

    fn logs(&self) -> String {
        self.lab.kubectl(&["logs", &self.name], "")
    }

    /// What its server answers; it may need a moment.
    fn get(&self, port: u16) -> String {
        let address =
            self.lab.kubectl(&["get", "pod", &self.name, "-o", "jsonpath={.status.podIP}"], "");
        let script = format!(
            "import time, urllib.request\nfor left in range(40, -1, -1):\n  try:\n    \
             print(urllib.request.urlopen('http://{address}:{port}/', timeout=5).read().decode()); break\n  \
             except OSError:\n    if not left: raise\n    time.sleep(0.5)\n"
        );
        let output = self.lab.exec("python3").args(["-c", &script]).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        super::stdout(&output)
    }

    /// An attacker gets no shell.
    fn has_no_shell(&self) {
        for shell in ["/bin/sh", "/bin/bash"] {
            let output = self
                .lab
                .exec("kubectl")
                .args(["exec", &self.name, "--", shell, "-c", "true"])
                .output()
                .unwrap();
            assert!(!output.status.success(), "{shell} runs");
            assert!(stderr(&output).contains("no such file"), "{}", stderr(&output));
        }
    }
}

impl Drop for Pod<'_> {
    fn drop(&mut self) {
        let arguments = ["delete", "pod", &self.name, "--grace-period=0", "--force"];
        drop(self.lab.exec("kubectl").args(arguments).output());
    }
}

#[test]
fn a_static_program_is_alone_and_runs() {
    let Some(slim) = slim("static") else { return };
    slim.is_smaller(5);
    assert_eq!(slim.report["programs"], serde_json::json!(["/app/server"]));
    assert_eq!(slim.count("after", "utilities"), 0);
    assert!(!slim.keeps("/usr/lib/x86_64-linux-gnu/libc.so.6"));
    let Some(lab) = lab() else { return };
    let pod = Pod::start(lab, &slim, "static");
    assert_eq!(pod.logs(), "static: ready\n");
    pod.has_no_shell();
}

#[test]
fn the_known_vulnerabilities_of_what_went_are_gone() {
    let Some(images) = images() else { return };
    let directory = tempfile::tempdir().unwrap();
    let (records, database) = (directory.path().join("records"), directory.path().join("db"));
    std::fs::create_dir(&records).unwrap();
    for (id, source) in [("DEBIAN-CVE-2099-1", "bash"), ("DEBIAN-CVE-2099-2", "tzdata")] {
        let record = serde_json::json!({
            "id": id, "modified": "2025-01-01T00:00:00Z",
            "affected": [{
                "package": {"ecosystem": "Debian:12", "name": source},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
            }],
        });
        std::fs::write(records.join(format!("{id}.json")), record.to_string()).unwrap();
    }
    let built = run(&["db", "build", "--db"], &[&database, &records]);
    assert_eq!(built.status.code(), Some(0), "{}", stderr(&built));
    let out = directory.path().join("slim");
    let arguments = ["image", "slim", "--format", "json", "--db"];
    let output = run(&arguments, &[&database, &images.join("static"), Path::new("--output"), &out]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(json(&output)["vulnerabilities"], serde_json::json!({"before": 2, "after": 1}));
}

#[test]
fn a_program_keeps_its_libraries_users_and_character_sets() {
    let Some(slim) = slim("native") else { return };
    slim.is_smaller(15);
    // What is asked for is really there, and what is there is really needed.
    let root = slim.unpacked();
    let greet = || {
        let mut command = Command::new("chroot");
        command
            .arg(&root)
            .args(["/usr/local/bin/greet", "once"])
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin");
        // Without /proc, the linker must be told what `$ORIGIN` is.
        command.env("LD_ORIGIN_PATH", "/opt/greet/bin");
        let output = command.output().unwrap();
        (output.status.code(), super::stdout(&output))
    };
    assert_eq!(greet(), (Some(0), "native: hello 33\n".to_owned()));
    for (needed, code) in [
        ("etc/passwd", 3),
        ("usr/lib/locale/C.utf8/LC_CTYPE", 4),
        ("usr/lib/x86_64-linux-gnu/gconv/ISO8859-15.so", 5),
        ("opt/greet/lib/libgreet.so.1", 127),
        ("lib64", 127),
    ] {
        let (path, aside) = (root.join(needed), slim.directory.path().join("aside"));
        std::fs::rename(&path, &aside).unwrap();
        let (ended, _) = greet();
        let missing = ended == Some(code) || code == 127 && ended.is_some_and(|it| it != 0);
        assert!(missing, "without {needed} it ends with {ended:?}");
        std::fs::rename(&aside, &path).unwrap();
    }
    let Some(lab) = lab() else { return };
    let pod = Pod::start(lab, &slim, "native");
    assert_eq!(pod.logs(), "native: hello 33\n");
    pod.has_no_shell();
}

#[test]
fn a_slimmed_image_is_read_as_others_and_slimmed_no_more() {
    let Some(slim) = slim("native") else { return };
    let facts = json(&run(&["image", "--format", "json"], &[&slim.archive]))["facts"].clone();
    assert_eq!(facts["packages"].as_array().unwrap().len() as u64, slim.count("after", "packages"));
    assert_eq!(facts["verdict"], "distroless");
    assert_eq!(facts["distribution"]["id"], "debian");
    let again = slim.directory.path().join("again.tar");
    let name = "docker.io/lab/slim-native:1";
    let output = run(&["image", "slim", "--name", name, "--output"], &[&again, &slim.archive]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(std::fs::read(&slim.archive).unwrap(), std::fs::read(&again).unwrap());
}

#[test]
fn a_python_application_answers() {
    let Some(slim) = slim("python") else { return };
    slim.is_smaller(50);
    let Some(lab) = lab() else { return };
    let pod = Pod::start(lab, &slim, "python");
    let answer: Value = serde_json::from_str(&pod.get(8000)).unwrap();
    assert_eq!(answer["name"], "shop");
    assert_eq!(answer["zone"], "Europe/Berlin");
    assert_eq!(answer["sqlite"], 42);
    assert_eq!(answer["authorities"], true);
    assert_eq!(answer["user"], 0);
    pod.has_no_shell();
}

#[test]
fn nginx_serves_its_page() {
    let Some(slim) = slim("nginx") else { return };
    slim.is_smaller(20);
    assert_eq!(slim.count("after", "utilities"), 0);
    let Some(lab) = lab() else { return };
    let pod = Pod::start(lab, &slim, "nginx");
    assert_eq!(pod.get(8080), "<h1>slim page</h1>\n\n");
    assert!(pod.get(80).contains("Welcome to nginx"));
    pod.has_no_shell();
}

#[test]
fn a_program_for_musl_finds_its_libraries() {
    let Some(slim) = slim("musl") else { return };
    slim.is_smaller(5);
    assert_eq!(slim.count("after", "utilities"), 0);
    for kept in ["/opt/greet/libgreet.so.1", "/etc/ld-musl-x86_64.path", "/etc/passwd"] {
        assert!(slim.keeps(kept), "{kept}");
    }
    assert!(!slim.keeps("/usr/lib/x86_64-linux-gnu/libc.so.6"));
    let Some(lab) = lab() else { return };
    let pod = Pod::start(lab, &slim, "musl");
    assert_eq!(pod.logs(), "musl: hello 33\n");
    pod.has_no_shell();
}

#[test]
fn a_node_application_answers() {
    let Some(slim) = slim("node") else { return };
    slim.is_smaller(60);
    assert!(!slim.keeps("/usr/bin/perl") && !slim.keeps("/usr/sbin/nginx"));
    let Some(lab) = lab() else { return };
    let pod = Pod::start(lab, &slim, "node");
    let answer: Value = serde_json::from_str(&pod.get(8000)).unwrap();
    let expected = serde_json::json!({
        "name": "shop", "user": "nobody", "sum": "2d71", "day": "Donnerstag", "authorities": true,
    });
    assert_eq!(answer, expected);
    pod.has_no_shell();
}

#[test]
fn a_java_application_answers() {
    let Some(slim) = slim("java") else { return };
    slim.is_smaller(45);
    assert!(slim.keeps("/opt/java/lib/modules") && !slim.keeps("/usr/bin/perl"));
    let Some(lab) = lab() else { return };
    let pod = Pod::start(lab, &slim, "java");
    let answer: Value = serde_json::from_str(&pod.get(8000)).unwrap();
    let expected = serde_json::json!({"name": "shop", "zone": "Europe/Berlin", "sum": "2d71"});
    assert_eq!(answer, expected);
    pod.has_no_shell();
}

#[test]
fn a_trace_is_joined_with_what_the_files_show() {
    let directory = tempfile::tempdir().unwrap();
    let (root, trace) = (directory.path().join("root"), directory.path().join("trace"));
    for (path, text) in [
        ("app/run", "program"),
        ("usr/lib/plugin.so", "a plugin"),
        ("usr/lib/other.so", "another"),
        ("etc/os-release", "ID=debian\n"),
    ] {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }
    std::fs::write(&trace, "/app/run\n/usr/lib/plugin.so\nsome words\n").unwrap();
    let slim = |format: &str| {
        let out = directory.path().join(format);
        let arguments = ["image", "slim", "--keep", "/app/run", "--format", format, "--output"];
        run(&arguments, &[&out, Path::new("--trace-file"), &trace, &root])
    };
    let output = slim("json");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let report = json(&output);
    assert_eq!(report["trace"]["used"], 2);
    assert_eq!(report["trace"]["only_used"], serde_json::json!([["/usr/lib/plugin.so", 8]]));
    let page = super::stdout(&slim("full"));
    for text in [
        "Used during the trace\n  2 files of the image\n",
        "kept only because of the trace: /usr/lib/plugin.so (1 kB)\n",
        "Not understood in the trace: 1 of 3 lines.\n",
    ] {
        assert!(page.contains(text), "{page}");
    }
}

#[test]
fn a_run_is_observed_and_ctrl_c_leaves_nothing() {
    if !coaming_test::daemons::can_run("slim", "runc", "runc")
        || !coaming_test::daemons::can_run("slim", "busybox", "busybox-static")
    {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let (root, temporary) = (directory.path().join("root"), directory.path().join("tmp"));
    for path in [root.join("bin"), root.join("www"), temporary.clone()] {
        std::fs::create_dir_all(path).unwrap();
    }
    std::fs::copy("/usr/bin/busybox", root.join("bin/busybox")).unwrap();
    std::fs::write(root.join("www/index.html"), "a page").unwrap();
    let (layer, image) = (directory.path().join("layer.tar"), directory.path().join("image"));
    let packed =
        Command::new("tar").arg("-C").arg(&root).arg("-cf").arg(&layer).arg(".").status().unwrap();
    assert!(packed.success());
    let maker = Path::new(env!("CARGO_MANIFEST_DIR")).join("../coaming-image/tests/oci-layout");
    let settings = r#"{"Cmd": ["/bin/busybox", "httpd", "-f", "-p", "80", "-h", "/www"]}"#;
    let source = format!("plain:{}", layer.display());
    let made = Command::new(maker).arg(&image).args([settings, &source]).output().unwrap();
    assert!(made.status.success(), "{}", stderr(&made));

    let command = |out: &str, exercise: &str| {
        let mut command =
            super::coaming(&["image", "slim", "--trace", "--trace-command", exercise]);
        command.arg("--output").arg(directory.path().join(out)).arg(&image);
        command.env("HOME", directory.path()).env("XDG_CACHE_HOME", directory.path());
        command.env("TMPDIR", &temporary).env("PATH", "/usr/sbin:/usr/bin:/bin");
        command
    };
    let get = "busybox wget -q -O /dev/null http://localhost/index.html";
    let output = command("out", get).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let page = super::stdout(&output);
    for text in [
        "Used during the trace\n  2 files of the image\n",
        "The image ran until the command of the trace succeeded.\n",
    ] {
        assert!(page.contains(text), "{page}");
    }
    let left = || std::fs::read_dir(&temporary).unwrap().count();
    assert_eq!(left(), 0);

    // A trace that gets this signal when the container runs, and the process in the container.
    let signaled = |signal: &str| {
        let mut command = command("none", "false");
        let mut running = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
        let pid = || {
            let inside = std::fs::read_dir(&temporary).unwrap().next()?.unwrap().path().join("pid");
            std::fs::read_to_string(inside).ok().filter(|it| !it.is_empty())
        };
        let pid = loop {
            assert!(running.try_wait().unwrap().is_none(), "it ended");
            if let Some(pid) = pid() {
                break pid;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        };
        let id = running.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        (running.wait_with_output().unwrap(), Path::new("/proc").join(pid))
    };
    let (output, contained) = signaled("-INT");
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(stderr(&output).contains("interrupted"), "{}", stderr(&output));
    assert_eq!(left(), 0);
    assert!(!contained.exists(), "the container runs");
    assert!(!directory.path().join("none").exists());

    // Nobody can clean up after a process that is killed, but the next one.
    let (_, contained) = signaled("-KILL");
    assert!(contained.exists() && left() == 1);
    // Others' directories are none of its business, whatever their name is.
    let other = temporary.join("coaming-trace-other");
    std::fs::create_dir(&other).unwrap();
    let output = command("next", get).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!contained.exists(), "the container runs");
    assert!(other.exists() && left() == 1);
}
