//! The analysers read what the ecosystems' own tools write: the tools are run, without a network.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::analyse::Reader;
use crate::packages::ANALYSERS;
use crate::packages::dedup::complete;

/// A tool in `PATH` or `COAMING_TOOLS`. A missing tool is reported, and fails in CI.
pub(super) fn tool(name: &str, test: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let tools = std::env::var_os("COAMING_TOOLS").map(PathBuf::from);
    let found = std::env::split_paths(&paths)
        .chain(tools)
        .map(|path| path.join(name))
        .find(|path| path.exists());
    if found.is_none() {
        coaming_test::skip!("{test}: there is no {name}");
    }
    found
}

/// Runs a tool that must succeed.
pub(super) fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stdout));
}

/// Writes files below a directory.
pub(super) fn write(directory: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = directory.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

/// The package URLs that all analysers of whole files find below a directory, as if it were `/`.
fn urls(directory: &Path) -> Vec<String> {
    let mut packages = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(current) = directories.pop() {
        for entry in std::fs::read_dir(current).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                directories.push(entry.path());
                continue;
            }
            let path = format!("/{}", entry.path().strip_prefix(directory).unwrap().display());
            for analyser in ANALYSERS {
                if let Reader::Whole { wants, read, .. } = analyser.reader
                    && wants(&path)
                {
                    packages.extend(
                        read(&path, &std::fs::read(entry.path()).unwrap()).unwrap().packages,
                    );
                }
            }
        }
    }
    complete(&mut packages, None);
    let mut urls: Vec<String> = packages.into_iter().map(|package| package.purl).collect();
    urls.dedup();
    urls
}

#[test]
fn reads_what_pip_installs() {
    let Some(pip) = tool("pip3", "reads_what_pip_installs") else { return };
    let directory = tempfile::tempdir().unwrap();
    // pip needs no more than this in a wheel.
    let mut wheel = zip::ZipWriter::new(
        std::fs::File::create(directory.path().join("Made_Thing-1.2.3-py3-none-any.whl")).unwrap(),
    );
    let options = zip::write::SimpleFileOptions::default();
    for (name, text) in [
        ("made_thing/__init__.py", ""),
        (
            "Made_Thing-1.2.3.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: Made_Thing\nVersion: 1.2.3\n",
        ),
        (
            "Made_Thing-1.2.3.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        ),
        ("Made_Thing-1.2.3.dist-info/RECORD", ""),
    ] {
        wheel.start_file(name, options).unwrap();
        std::io::Write::write_all(&mut wheel, text.as_bytes()).unwrap();
    }
    wheel.finish().unwrap();
    run(Command::new(pip)
        .args(["install", "--no-index", "--no-deps", "--target", "app"])
        .arg("./Made_Thing-1.2.3-py3-none-any.whl")
        .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
        .current_dir(directory.path()));
    assert_eq!(urls(&directory.path().join("app")), ["pkg:pypi/made-thing@1.2.3"]);
}

#[test]
fn reads_what_npm_installs() {
    let Some(npm) = tool("npm", "reads_what_npm_installs") else { return };
    let directory = tempfile::tempdir().unwrap();
    write(
        directory.path(),
        &[
            (
                "src/package.json",
                r#"{"name": "@made/thing", "version": "1.2.3", "license": "MIT"}"#,
            ),
            ("dev/package.json", r#"{"name": "for-tests", "version": "9.0.0"}"#),
            ("app/package.json", r#"{"name": "app", "version": "1.0.0"}"#),
        ],
    );
    let npm = |arguments: &[&str], at: &str| {
        run(Command::new(&npm)
            .args(arguments)
            .args(["--offline", "--no-audit", "--no-fund", "--no-update-notifier"])
            .env("npm_config_cache", directory.path().join("cache"))
            .current_dir(directory.path().join(at)));
    };
    npm(&["pack", "--pack-destination", ".."], "src");
    npm(&["pack", "--pack-destination", ".."], "dev");
    npm(&["install", "../made-thing-1.2.3.tgz"], "app");
    npm(&["install", "--save-dev", "../for-tests-9.0.0.tgz"], "app");
    let app = directory.path().join("app");
    assert_eq!(urls(&app), ["pkg:npm/%40made/thing@1.2.3", "pkg:npm/for-tests@9.0.0"]);
    // Only the lock file is left: what a production build would install.
    std::fs::remove_dir_all(app.join("node_modules")).unwrap();
    assert_eq!(urls(&app), ["pkg:npm/%40made/thing@1.2.3"]);
}

#[test]
fn reads_what_gem_installs() {
    let Some(gem) = tool("gem", "reads_what_gem_installs") else { return };
    let directory = tempfile::tempdir().unwrap();
    write(
        directory.path(),
        &[(
            "made.gemspec",
            "Gem::Specification.new do |s|\n s.name = 'made'\n s.version = '1.2.3'\n \
             s.summary = 'made'\n s.authors = ['me']\n s.license = 'MIT'\nend\n",
        )],
    );
    run(Command::new(&gem).args(["build", "made.gemspec"]).current_dir(directory.path()));
    run(Command::new(&gem)
        .args(["install", "--local", "--no-document", "--install-dir", "root/gems"])
        .arg("made-1.2.3.gem")
        .current_dir(directory.path()));
    assert_eq!(urls(&directory.path().join("root")), ["pkg:gem/made@1.2.3"]);
}

#[test]
fn reads_what_composer_installs() {
    let Some(composer) = tool("composer", "reads_what_composer_installs") else { return };
    let directory = tempfile::tempdir().unwrap();
    write(
        directory.path(),
        &[
            ("part/composer.json", r#"{"name": "made/part", "version": "1.2.3"}"#),
            (
                "app/composer.json",
                r#"{"name": "made/app", "require": {"made/part": "1.2.3"}, "repositories": [
                    {"type": "path", "url": "../part", "options": {"symlink": false}},
                    {"packagist.org": false}]}"#,
            ),
        ],
    );
    run(Command::new(composer)
        .args(["install", "--no-interaction", "--quiet"])
        .env("COMPOSER_HOME", directory.path().join("home"))
        .env("COMPOSER_ALLOW_SUPERUSER", "1")
        .env("COMPOSER_DISABLE_NETWORK", "1")
        .current_dir(directory.path().join("app")));
    let app = directory.path().join("app");
    assert_eq!(urls(&app), ["pkg:composer/made/part@1.2.3"]);
    std::fs::remove_dir_all(app.join("vendor")).unwrap();
    assert_eq!(urls(&app), ["pkg:composer/made/part@1.2.3"]);
}
