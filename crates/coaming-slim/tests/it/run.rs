//! Images run under observation: with the real runtime, and Busybox as the application.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use coaming_image::Image;
use coaming_slim::{
    Options, RunOptions, SlimError, Slimmed, Trace, TraceError, TraceReport, Variable, slim,
};
use serde_json::{Value, json};

use super::Item::{Directory, File, Link, Name};

/// Whether containers can be run; says so if not.
fn can_run() -> bool {
    [("runc", "runc"), ("busybox", "busybox-static")]
        .into_iter()
        .all(|(program, package)| coaming_test::daemons::can_run("slim", program, package))
}

/// An image of Busybox, with a plugin, a page and these settings.
fn busybox(settings: &Value) -> Image {
    let program = std::fs::read("/usr/bin/busybox").unwrap();
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(program.len() as u64);
    header.set_mode(0o4755);
    builder.append_data(&mut header, "bin/busybox", &program[..]).unwrap();
    let lower = builder.into_inner().unwrap();
    let upper = super::layer(&[
        Link("bin/sh", "busybox"),
        Directory("etc", 0o755),
        File("etc/passwd", 0o644, "root:x:0:0::/root:/bin/sh\nweb:x:33:33::/www:/bin/sh\n"),
        File("etc/group", 0o644, "root:x:0:\nweb:x:33:\n"),
        Directory("www", 0o755),
        File("www/page.html", 0o644, "a page\n"),
        File("www/other.html", 0o644, "another page\n"),
        Directory("usr", 0o755),
        Directory("usr/lib", 0o755),
        File("usr/lib/plugin.so.1", 0o644, "a plugin\n"),
        Name("usr/lib/same.so", "usr/lib/plugin.so.1"),
        Link("usr/lib/plugin.so", "plugin.so.1"),
        File("usr/lib/unused.so", 0o644, "not used\n"),
        // Where this leads on the host, nothing may be written.
        Link("usr/lib/outside", "/var/tmp"),
        File("usr/lib/outside/coaming-slim-test", 0o644, "inside\n"),
    ]);
    super::image(settings, &[lower, upper])
}

fn script(text: &str) -> Value {
    json!({"Entrypoint": ["/bin/sh", "-c", text]})
}

pub(crate) fn options() -> RunOptions {
    RunOptions {
        runtime: PathBuf::from("runc"),
        limit: Duration::from_secs(120),
        command: None,
        environment: Vec::new(),
        network: false,
        stop: Arc::new(AtomicBool::new(false)),
    }
}

fn observed(settings: &Value, options: RunOptions) -> Result<Slimmed, SlimError> {
    let out = tempfile::tempdir().unwrap();
    let options = Options { trace: Some(Trace::Run(options)), ..Options::default() };
    slim(&busybox(settings), &out.path().join("out"), &options)
}

fn trace(slimmed: Slimmed) -> TraceReport {
    slimmed.report.trace.unwrap()
}

/// The note with the last lines of a program that failed.
fn said(trace: &TraceReport) -> &str {
    trace.notes.iter().find_map(|it| it.strip_prefix("The last that it wrote: ")).unwrap()
}

#[test]
fn what_only_a_run_shows_is_kept() {
    if !can_run() {
        return;
    }
    // The name is built at run time; a link leads to the file.
    let text = "name=plug; busybox cat /usr/lib/${name}in.so /usr/lib/outside/coaming-slim-test";
    let slimmed = observed(&script(text), options()).unwrap();
    let keeps = |path: &str| slimmed.report.files.iter().any(|file| file.path == path);
    assert!(keeps("/usr/lib/plugin.so.1"));
    assert!(!keeps("/usr/lib/unused.so"));
    assert!(!Path::new("/var/tmp/coaming-slim-test").exists());
    let trace = trace(slimmed);
    let only_used: Vec<&str> = trace.only_used.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(only_used, ["/usr/lib/plugin.so.1", "/var/tmp/coaming-slim-test"]);
    assert!(trace.only_kept.iter().any(|it| it.0 == "/www/other.html"), "{trace:?}");
    assert!(!trace.only_kept.iter().any(|it| it.0 == "/bin/busybox"), "{trace:?}");
    assert_eq!(trace.notes, ["The image ran until its program ended."]);
}

#[test]
fn a_server_is_exercised_in_its_own_network() {
    if !can_run() {
        return;
    }
    let server = ["/bin/busybox", "httpd", "-f", "-p", "80", "-h", "/www"];
    let command = "busybox wget -q -O - http://127.0.0.1:80/page.html | grep -q 'a page'";
    // A user other than root, on a port that the host may use otherwise.
    let settings = json!({"Entrypoint": server, "User": "web"});
    let run = RunOptions { command: Some(command.into()), ..options() };
    let trace = trace(observed(&settings, run).unwrap());
    assert_eq!(trace.notes, ["The image ran until the command of the trace succeeded."]);
    let unused: Vec<&str> = trace.only_kept.iter().map(|it| it.0.as_str()).collect();
    assert!(!unused.contains(&"/www/page.html"), "{unused:?}");
    assert!(unused.contains(&"/www/other.html"), "{unused:?}");
}

#[test]
fn the_network_of_the_host_is_there_only_if_asked_for() {
    use std::io::{BufRead as _, Write as _};
    if !can_run() {
        return;
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let lines = std::io::BufReader::new(&connection).lines();
            assert!(lines.map_while(Result::ok).any(|line| line.is_empty()));
            connection.write_all(b"HTTP/1.0 200 OK\r\n\r\nfrom the host\n").unwrap();
        }
    });
    let text = format!("busybox wget -q -O - http://{address}/ && exit 7");
    let status = |network: bool| {
        let trace = trace(observed(&script(&text), RunOptions { network, ..options() }).unwrap());
        (trace.notes[0].clone(), said(&trace).to_owned())
    };
    let (ended, said) = status(true);
    assert_eq!(ended, "The image ran until its program ended with status 7.");
    assert_eq!(said, "from the host");
    let (ended, said) = status(false);
    assert_eq!(ended, "The image ran until its program ended with status 1.");
    assert!(said.contains("Connection refused"), "{said}");
}

#[test]
fn the_image_has_no_rights_on_the_host() {
    if !can_run() {
        return;
    }
    let text = "busybox grep -E 'NoNewPrivs|Seccomp:|CapBnd' /proc/self/status | busybox tr '\\n\\t' ' :'; \
                echo; echo $(busybox cat /proc/self/uid_map); \
                echo $(busybox ls /sys/class/net) $(busybox id -u); \
                busybox unshare -m true; exit 3";
    let trace = trace(observed(&script(text), options()).unwrap());
    assert_eq!(trace.notes[0], "The image ran until its program ended with status 3.");
    let said = said(&trace);
    // Output and errors arrive by two pipes, so in no fixed order.
    let refused = "unshare(0x20000): Operation not permitted";
    for expected in ["NoNewPrivs::1", "Seccomp::2", "/ 0 1879048192 65536", "/ lo 0", refused] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    // Neither CAP_SYS_ADMIN (21) nor CAP_NET_RAW (13), CAP_SYS_PTRACE (19) or CAP_MKNOD (27).
    let set = said.split_once("CapBnd::").unwrap().1.split_once(' ').unwrap().0;
    assert_eq!(u64::from_str_radix(set, 16).unwrap() & (1 << 21 | 1 << 13 | 1 << 19 | 1 << 27), 0);
}

#[test]
fn values_of_variables_are_not_shown() {
    if !can_run() {
        return;
    }
    let mut settings = script("echo $HIDDEN $OTHER_VALUE $HOME; exit 1");
    settings["Env"] = json!(["OTHER_VALUE=of-the-image"]);
    settings["User"] = json!("web");
    let environment = vec![Variable { name: "HIDDEN".into(), value: "hunter2-hunter2".into() }];
    let run = RunOptions { environment, ..options() };
    assert!(!format!("{run:?}").contains("hunter2"));
    let trace = trace(observed(&settings, run).unwrap());
    assert_eq!(said(&trace), "[value] [value] /www");
}

#[test]
fn the_time_is_limited_and_a_run_can_be_stopped() {
    if !can_run() {
        return;
    }
    // It does not end when it is asked to.
    let stubborn = script("trap '' TERM; while true; do busybox sleep 1; done");
    let run = RunOptions {
        limit: Duration::from_secs(1),
        command: Some("false".to_owned()),
        ..options()
    };
    let trace = trace(observed(&stubborn, run).unwrap());
    assert_eq!(trace.notes[0], "The image ran until the time was over (1 s).");
    assert!(trace.notes[1].starts_with("The command of the trace did not succeed"));

    let run = options();
    let (stop, command) = (Arc::clone(&run.stop), Some("sleep 1000".to_owned()));
    let running = std::thread::spawn(move || observed(&stubborn, RunOptions { command, ..run }));
    std::thread::sleep(Duration::from_millis(300));
    stop.store(true, Ordering::Relaxed);
    let error = running.join().unwrap().unwrap_err();
    assert!(matches!(error, SlimError::Trace(TraceError::Interrupted)), "{error}");
}

#[test]
fn what_cannot_be_run_is_an_error() {
    if !can_run() {
        return;
    }
    let mut settings = script("true");
    settings["User"] = json!("nobody");
    let error = observed(&settings, options()).unwrap_err().to_string();
    assert!(error.contains("USER nobody is neither a number nor in its /etc/passwd"), "{error}");
    let run = RunOptions { runtime: "no-such-runtime".into(), ..options() };
    let error = observed(&script("true"), run).unwrap_err().to_string();
    assert!(error.contains("cannot run no-such-runtime"), "{error}");
    let broken = json!({"Entrypoint": ["/www/page.html"]});
    let out = tempfile::tempdir().unwrap();
    let trace = Some(Trace::Run(options()));
    let options = Options { trace, keep: vec!["/www/page.html".into()], ..Options::default() };
    let error = slim(&busybox(&broken), &out.path().join("out"), &options).unwrap_err();
    assert!(error.to_string().contains("runc cannot run the image: "), "{error}");
}
