//! Real applications are slimmed, and run by the real runtime: each answers what it did before.
//!
//! `tests/applications.json` lists them, with the packages that they need and the command that
//! exercises them; `tests/build-applications` makes their images. The slimmed image is run by
//! slimming it again with a trace.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use coaming_image::Image;
use coaming_slim::{Options, RunOptions, Trace, slim};
use serde::Deserialize;

#[derive(Deserialize)]
struct Application {
    /// What succeeds once the application answers as it should; without it, the application ends
    /// by itself.
    check: Option<String>,
}

const CHECKED: &str = "The image ran until the command of the trace succeeded.";
const ENDED: &str = "The image ran until its program ended.";

/// How long an application may take until it answers, on a busy machine.
const LIMIT: Duration = Duration::from_secs(180);

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// The images by the names of the applications; `None`, loudly, where they cannot be made or run.
fn images() -> Option<&'static Path> {
    static IMAGES: OnceLock<Option<PathBuf>> = OnceLock::new();
    IMAGES.get_or_init(build).as_deref()
}

fn build() -> Option<PathBuf> {
    for (program, package) in [
        ("runc", "runc"),
        ("debootstrap", "debootstrap"),
        ("curl", "curl"),
        ("git", "git"),
        ("go", "golang-go"),
    ] {
        if !coaming_test::daemons::can_run("slim", program, package) {
            return None;
        }
    }
    let directory = tests().join("../../../target/slim-applications");
    let built = Command::new(tests().join("build-applications")).arg(&directory).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Some(directory)
}

/// Slims one application and runs the result: its size before and after, or what went wrong.
fn still_works(layout: &Path, application: &Application) -> Result<(u64, u64), String> {
    let directory = tempfile::tempdir().unwrap();
    let small = directory.path().join("slim");
    let image = Image::open(layout, None).map_err(|it| it.to_string())?;
    let report = slim(&image, &small, &Options::default()).map_err(|it| it.to_string())?.report;
    let script = directory.path().join("check");
    if let Some(check) = &application.check {
        let tests = tests().display().to_string();
        let text =
            format!("DNS={tests}/ask-dns\nFCGI={tests}/ask-fastcgi\nset -eo pipefail\n{check}\n");
        std::fs::write(&script, text).unwrap();
    }
    let command = application.check.as_ref().map(|_| format!("bash {}", script.display()));
    let run = RunOptions { limit: LIMIT, command, ..super::run::options() };
    let options = Options { trace: Some(Trace::Run(run)), ..Options::default() };
    let image = Image::open(&small, None).map_err(|it| it.to_string())?;
    let again = slim(&image, &directory.path().join("again"), &options);
    let trace = again.map_err(|it| it.to_string())?.report.trace.unwrap();
    let expected = if application.check.is_some() { CHECKED } else { ENDED };
    if trace.notes != [expected] {
        return Err(trace.notes.join(" "));
    }
    Ok((report.before.bytes, report.after.bytes))
}

fn applications() -> BTreeMap<String, Application> {
    let listed = std::fs::read_to_string(tests().join("applications.json")).unwrap();
    serde_json::from_str(&listed).unwrap()
}

fn answers_after_slimming(name: &str) {
    let Some(images) = images() else { return };
    match still_works(&images.join(format!("app-{name}")), &applications()[name]) {
        Ok((before, after)) => assert!(after < before, "{before} → {after} bytes"),
        Err(why) => panic!("{why}"),
    }
}

macro_rules! applications {
    ($($test:ident $name:literal)*) => {
        $(#[test]
        fn $test() {
            answers_after_slimming($name);
        })*

        #[test]
        fn each_application_has_a_test() {
            let mut tested = [$($name),*];
            tested.sort_unstable();
            assert!(applications().keys().eq(tested), "{tested:?}");
        }
    };
}

applications! {
    apache "apache"
    bind "bind"
    dnsmasq "dnsmasq"
    erlang "erlang"
    git "git"
    go "go"
    haproxy "haproxy"
    lighttpd "lighttpd"
    lua "lua"
    memcached "memcached"
    mosquitto "mosquitto"
    perl "perl"
    php "php"
    php_fpm "php-fpm"
    python_wheels "python-wheels"
    redis "redis"
    ruby_native "ruby-native"
    sqlite "sqlite"
    tcl "tcl"
    tinyproxy "tinyproxy"
    unbound "unbound"
}
