//! `cargo xtask dist`: the archives of a release.
//!
//! An archive holds the program, its license, manual pages, completions, the plugin for kubectl, and an
//! SBOM of what was linked. Invariant: the same sources, built by the same compiler, give the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{CommandFactory as _, Parser, ValueEnum as _};
use clap_complete::Shell;
use coaming_args::Arguments;
use serde_json::{Value, json};

use crate::archive::{Entry, gzip, release_time, sha256, tar};

/// What to build.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask dist", about = "Builds the archives of a release")]
struct Options {
    /// Target to build for, such as x86_64-unknown-linux-musl; may be repeated.
    #[arg(long = "target", value_name = "TARGET", required = true)]
    targets: Vec<String>,

    /// Pack this program instead of building one; for one target.
    #[arg(long, value_name = "FILE")]
    prebuilt: Option<PathBuf>,

    /// Where the archives go.
    #[arg(long, value_name = "DIR", default_value = "target/release-archives")]
    out: PathBuf,
}

/// Runs the task.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<(), String> {
    let name = std::iter::once("dist".to_owned());
    let options = Options::try_parse_from(name.chain(arguments.iter().cloned()))
        .map_err(|error| error.to_string())?;
    if options.prebuilt.is_some() && options.targets.len() > 1 {
        return Err("`--prebuilt` is for one target".to_owned());
    }
    std::fs::create_dir_all(&options.out).map_err(|error| failed(&options.out, &error))?;
    let time = release_time(root);
    for target in &options.targets {
        let program = match &options.prebuilt {
            Some(program) => program.clone(),
            None => build(root, target, time)?,
        };
        let read = |path: &Path| std::fs::read(path).map_err(|error| failed(path, &error));
        let mut entries = entries(root, target, read(&program)?)?;
        let launcher = program.with_file_name("coaming-launch");
        if has_launcher(target) && (options.prebuilt.is_none() || launcher.exists()) {
            let path = format!("coaming-{target}/coaming-launch");
            entries.push(Entry::program(path, read(&launcher)?));
        }
        let archive = tar(entries, time)
            .and_then(|bytes| gzip(&bytes))
            .map_err(|error| format!("{target}: {error}"))?;
        write(&options.out.join(format!("coaming-{target}.tar.gz")), &archive)?;
    }
    checksums(&options.out)
}

/// Builds the program for a target. Zig is the C compiler of targets that the system has none for.
fn build(root: &Path, target: &str, time: u64) -> Result<PathBuf, String> {
    let mut command = crate::cargo();
    command
        .args(["build", "--locked", "--profile", "dist", "--package", "coaming"])
        .args(["--target", target])
        .args(has_launcher(target).then_some(["--package", "coaming-launch"]).into_iter().flatten())
        // No path of the machine that builds is in the program.
        .env("CARGO_ENCODED_RUSTFLAGS", rust_flags(root, target).join("\u{1f}"))
        // Nor is the time of the build: compilers take `__TIME__` of mimalloc from here.
        .env("SOURCE_DATE_EPOCH", time.to_string())
        .current_dir(root);
    if target.ends_with("-musl") && !target.starts_with(std::env::consts::ARCH) {
        let wrapper = zig(root, target)?;
        command.env(format!("CC_{}", target.replace('-', "_")), wrapper);
    }
    let status =
        command.status().map_err(|error| format!("cargo could not be started: {error}"))?;
    if !status.success() {
        return Err(format!("the program could not be built for {target}"));
    }
    let name = if target.contains("windows") { "coaming.exe" } else { "coaming" };
    Ok(root.join("target").join(target).join("dist").join(name))
}

/// Whether there is an image for a target, whose pods may need the launcher.
fn has_launcher(target: &str) -> bool {
    target.ends_with("-linux-musl")
}

fn rust_flags(root: &Path, target: &str) -> Vec<String> {
    let mut flags = vec![format!("--remap-path-prefix={}=/src", root.display())];
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")));
    flags.extend(home.map(|home| format!("--remap-path-prefix={}=/cargo", home.display())));
    if target.ends_with("-musl") {
        flags.extend(["-Clinker=rust-lld", "-Clink-self-contained=yes"].map(str::to_owned));
        flags.push("-Ctarget-feature=+crt-static".to_owned());
        // A program relocates itself at its start, and reads its whole table for that: this form of it has
        // a bit per address in place of 24 bytes, all of which would stay resident in each agent.
        flags.push("-Clink-args=-z pack-relative-relocs".to_owned());
    }
    flags
}

/// A script that is a C compiler for a target, by Zig: a program, or the package `ziglang` of Python.
fn zig(root: &Path, target: &str) -> Result<PathBuf, String> {
    let is_there = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).arg("version").output();
        output.is_ok_and(|output| output.status.success())
    };
    let zig = if is_there("zig", &[]) {
        "zig"
    } else if is_there("python3", &["-m", "ziglang"]) {
        "python3 -m ziglang"
    } else {
        return Err(format!(
            "{target}: a C compiler is needed: install zig, or `pip install ziglang`"
        ));
    };
    let architecture = target.split('-').next().unwrap_or_default();
    let directory = root.join("target").join("zig");
    std::fs::create_dir_all(&directory).map_err(|error| failed(&directory, &error))?;
    let wrapper = directory.join(format!("cc-{target}"));
    // Zig does not know the names of Rust's targets.
    let script = format!(
        "#!/bin/bash\nfor argument do\n  shift\n  [[ $argument == --target=* ]] || set -- \"$@\" \
         \"$argument\"\ndone\nexec {zig} cc -target {architecture}-linux-musl \"$@\"\n"
    );
    write(&wrapper, script.as_bytes())?;
    #[cfg(unix)]
    std::fs::set_permissions(&wrapper, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .map_err(|error| failed(&wrapper, &error))?;
    Ok(wrapper)
}

/// What is in an archive.
fn entries(root: &Path, target: &str, program: Vec<u8>) -> Result<Vec<Entry>, String> {
    let top = format!("coaming-{target}");
    let name = if target.contains("windows") { "coaming.exe" } else { "coaming" };
    let mut entries = vec![Entry::program(format!("{top}/{name}"), program)];
    for file in ["LICENSE", "README.md", "CHANGELOG.md"] {
        let path = root.join(file);
        let bytes = std::fs::read(&path).map_err(|error| failed(&path, &error))?;
        entries.push(Entry::file(format!("{top}/{file}"), bytes));
    }
    let plugin = root.join("integrations/kubectl/kubectl-coaming");
    let bytes = std::fs::read(&plugin).map_err(|error| failed(&plugin, &error))?;
    entries.push(Entry::program(format!("{top}/kubectl-coaming"), bytes));
    for (name, bytes) in generated()? {
        entries.push(Entry::file(format!("{top}/{name}"), bytes));
    }
    let document = format!("{:#}\n", sbom(root, target)?);
    entries.push(Entry::file(format!("{top}/coaming.cdx.json"), document));
    Ok(entries)
}

/// Manual pages and completions, by their paths.
pub(crate) fn generated() -> Result<BTreeMap<String, Vec<u8>>, String> {
    let mut files = BTreeMap::new();
    let mut command = Arguments::command();
    command.build();
    let mut queue = vec![command];
    while let Some(command) = queue.pop() {
        if command.get_name() == "help" || command.is_hide_set() {
            continue;
        }
        let name = command.get_bin_name().unwrap_or("coaming").replace(' ', "-");
        queue.extend(command.get_subcommands().cloned());
        let page = command.display_name(name.clone());
        let mut text = Vec::new();
        clap_mangen::Man::new(page)
            .title(name.to_uppercase())
            .render(&mut text)
            .map_err(|error| format!("{name}.1: {error}"))?;
        files.insert(format!("man/{name}.1"), text);
    }
    for shell in Shell::value_variants() {
        let mut text = Vec::new();
        clap_complete::generate(*shell, &mut Arguments::command(), "coaming", &mut text);
        files.insert(format!("completions/coaming.{shell}"), text);
    }
    Ok(files)
}

/// What is linked into the program, as CycloneDX.
pub(crate) fn sbom(root: &Path, target: &str) -> Result<Value, String> {
    let output = crate::cargo()
        .args(["metadata", "--locked", "--format-version", "1", "--filter-platform", target])
        .args(["--manifest-path", "crates/coaming/Cargo.toml"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let metadata: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let linked = linked(&metadata);
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let mut components = Vec::new();
    let mut root_component = json!({});
    for package in
        packages.filter(|package| package["id"].as_str().is_some_and(|id| linked.contains(id)))
    {
        let (name, version) = (&package["name"], &package["version"]);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let purl = format!("pkg:cargo/{}@{}", text(name), text(version));
        let mut component = json!({
            "type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl,
        });
        if let Some(license) = package["license"].as_str() {
            // Older crates separate alternatives by a slash.
            let license = license.replace('/', " OR ");
            component["licenses"] = json!([{"expression": license}]);
        }
        if name == "coaming" {
            component["type"] = json!("application");
            root_component = component;
        } else {
            components.push(component);
        }
    }
    components.sort_by_key(|component| component["purl"].to_string());
    Ok(json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": root_component},
        "components": components,
    }))
}

/// The ids of the packages that are linked: what the program depends on, without what only builds and
/// tests need.
fn linked(metadata: &Value) -> BTreeSet<&str> {
    let nodes = metadata["resolve"]["nodes"].as_array().into_iter().flatten();
    let nodes: BTreeMap<&str, &Value> =
        nodes.filter_map(|node| Some((node["id"].as_str()?, &node["deps"]))).collect();
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let program = packages
        .filter(|package| package["name"] == "coaming" && package["source"].is_null())
        .find_map(|package| package["id"].as_str());
    let mut linked = BTreeSet::new();
    let mut queue: Vec<&str> = program.into_iter().collect();
    while let Some(id) = queue.pop() {
        if !linked.insert(id) {
            continue;
        }
        let dependencies = nodes.get(id).and_then(|deps| deps.as_array()).into_iter().flatten();
        for dependency in dependencies {
            let mut kinds = dependency["dep_kinds"].as_array().into_iter().flatten();
            if kinds.any(|kind| kind["kind"].is_null()) {
                queue.extend(dependency["pkg"].as_str());
            }
        }
    }
    linked
}

/// Writes the checksums of all archives in a directory.
fn checksums(directory: &Path) -> Result<(), String> {
    let entries = std::fs::read_dir(directory).map_err(|error| failed(directory, &error))?;
    let mut lines = BTreeSet::new();
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".tar.gz") || name.ends_with(".zip") {
            let bytes = std::fs::read(&path).map_err(|error| failed(&path, &error))?;
            lines.insert((name.clone(), format!("{}  {name}\n", sha256(&bytes))));
        }
    }
    let text: String = lines.into_iter().map(|(_, line)| line).collect();
    write(&directory.join("SHA256SUMS"), text.as_bytes())
}

pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    std::fs::write(path, bytes).map_err(|error| failed(path, &error))
}

pub(crate) fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
    }

    #[test]
    fn every_command_has_a_page_and_every_shell_completions() {
        let files = generated().unwrap();
        for name in ["man/coaming.1", "man/coaming-net-why.1", "completions/coaming.zsh"] {
            assert!(files.contains_key(name), "{name}");
        }
        let page = String::from_utf8(files["man/coaming-scan.1"].clone()).unwrap();
        assert!(page.contains("Exit codes"), "{page}");
    }

    #[test]
    fn packages_are_made_of_what_is_in_the_archive() {
        let entries = entries(&root(), "x86_64-unknown-linux-musl", b"program".to_vec()).unwrap();
        let top = "coaming-x86_64-unknown-linux-musl/";
        let packed: BTreeSet<&str> =
            entries.iter().filter_map(|entry| entry.path.strip_prefix(top)).collect();
        let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
        let (formula, manifest) =
            (read("packaging/homebrew/coaming.rb"), read("crates/coaming/Cargo.toml"));
        let literals = |text: &str| -> Vec<String> {
            text.split('"').skip(1).step_by(2).map(str::to_owned).collect()
        };
        let mut wanted = vec!["coaming".to_owned(), "kubectl-coaming".to_owned()];
        wanted.extend(literals(&formula).into_iter().filter(|it| it.starts_with("completions/")));
        let assets = literals(&manifest);
        wanted.extend(assets.iter().filter_map(|it| {
            let path = it.strip_prefix("../../target/")?;
            (!path.contains('*')).then(|| path.to_owned())
        }));
        assert!(wanted.len() >= 8, "{wanted:?}");
        for path in &wanted {
            assert!(packed.contains(path.as_str()), "{path}");
        }
        assert!(formula.contains("man/*.1") && packed.iter().any(|it| it.starts_with("man/")));
    }

    #[test]
    fn archives_are_the_same_twice_and_name_what_is_linked() {
        let target = "x86_64-unknown-linux-gnu";
        let pack = || tar(entries(&root(), target, b"program".to_vec()).unwrap(), 7).unwrap();
        let archive = pack();
        assert_eq!(sha256(&archive), sha256(&pack()));
        let document = sbom(&root(), target).unwrap();
        let names: Vec<&str> = document["components"]
            .as_array()
            .unwrap()
            .iter()
            .map(|component| component["name"].as_str().unwrap())
            .collect();
        assert!(names.contains(&"serde_json") && names.contains(&"coaming-kube"), "{names:?}");
        assert!(!names.contains(&"insta") && !names.contains(&"coaming-test"), "{names:?}");
        assert_eq!(document["metadata"]["component"]["name"], "coaming");
    }
}
