//! What the runtimes of languages need in addition to their program: their own library, and what
//! was installed for them.
//!
//! Which modules a program imports is unknown unless it runs, so whole directories are kept,
//! without package managers, tests, and tools for developers.

use super::walk::Walk;
use super::{Reason, directories};
use crate::tree::{Node, directory_of, name_of};

/// A runtime: the name of its program, without a version, and its directories. `{triple}` is
/// replaced by the names of an architecture's directories.
struct Runtime {
    program: &'static str,
    directories: &'static [&'static str],
}

const RUNTIMES: &[Runtime] = &[
    Runtime {
        program: "perl",
        directories: &[
            "/usr/lib/{triple}/perl",
            "/usr/lib/{triple}/perl-base",
            "/usr/lib/{triple}/perl5",
            "/usr/share/perl",
            "/usr/share/perl5",
            "/etc/perl",
            "/usr/local/lib/{triple}/perl",
            "/usr/local/share/perl",
            "/usr/lib/perl5",
            "/usr/lib64/perl5",
            "/usr/local/lib/perl5",
        ],
    },
    Runtime {
        program: "ruby",
        directories: &[
            "/usr/lib/ruby",
            "/usr/lib/{triple}/ruby",
            "/var/lib/gems",
            "/usr/local/lib/ruby",
            "/usr/local/bundle",
            "/usr/share/rubygems-integration",
            "/usr/lib/{triple}/rubygems-integration",
            "/usr/share/ruby",
            "/usr/share/gems",
            "/usr/lib64/ruby",
            "/usr/lib64/gems",
        ],
    },
    Runtime {
        program: "php",
        directories: &[
            "/usr/lib/php",
            "/usr/share/php",
            "/etc/php",
            "/var/lib/php",
            "/usr/local/lib/php",
            "/usr/local/etc/php",
            "/usr/lib64/php",
            "/etc/php.d",
        ],
    },
    Runtime {
        program: "node",
        directories: &[
            "/usr/share/nodejs",
            "/usr/lib/nodejs",
            "/usr/lib/{triple}/nodejs",
            "/usr/share/node_modules",
            "/usr/lib/node_modules",
            "/usr/local/lib/node_modules",
        ],
    },
    Runtime {
        program: "lua",
        directories: &[
            "/usr/share/lua",
            "/usr/lib/{triple}/lua",
            "/usr/local/share/lua",
            "/usr/local/lib/lua",
        ],
    },
];

/// The parts of a runtime's directories that no program needs to run.
const TOOLS: &[&str] = &[
    "/node_modules/npm/",
    "/node_modules/corepack/",
    "/nodejs/npm/",
    "/node_modules/yarn/",
    "/ensurepip/",
    "/idlelib/",
    "/turtledemo/",
    "/lib2to3/tests/",
    "/test/",
    "/tests/",
    "/dist-packages/pip/",
    "/site-packages/pip/",
    "/config-3.",
];

/// The programs of Erlang that start its virtual machine, or are it.
const ERLANG: [&str; 5] = ["beam.smp", "erl", "erlc", "erlexec", "escript"];

/// What the virtual machine runs, from the directory that it is in.
const ERLANG_PROGRAMS: [&str; 6] =
    ["beam.smp", "epmd", "erl_child_setup", "erlexec", "heart", "inet_gethost"];

impl Walk<'_> {
    /// Keeps what a runtime needs, if the file is one; `path` is how it was named.
    pub(super) fn runtime(&mut self, path: &str, found: &str) {
        let name = name_of(found);
        if let Some(version) = python_version(name) {
            self.python(path, found, version);
        } else if name == "java" {
            self.java(found);
        } else if ERLANG.contains(&name) {
            self.erlang(found);
        }
        let base = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
        let base = base.trim_end_matches("js");
        // `php-fpm8.2`, `php-cgi`, and PHP as a module of a web server.
        let of_server = name.starts_with("libphp");
        let base = if of_server || base.starts_with("php-") { "php" } else { base };
        let Some(runtime) = RUNTIMES.iter().find(|runtime| runtime.program == base) else { return };
        let Some(elf) = self.tree.get(found).and_then(Node::elf) else { return };
        if elf.interpreter.is_none() && !elf.needed.is_empty() && !of_server {
            return;
        }
        for directory in runtime.directories {
            for triple in self.triples_of(directory) {
                self.keep_runtime(&directory.replace("{triple}", &triple), name);
            }
        }
    }

    fn triples_of(&self, directory: &str) -> Vec<String> {
        match directory.contains("{triple}") {
            true => self.linker.triples().to_vec(),
            false => vec![String::new()],
        }
    }

    fn keep_runtime(&mut self, directory: &str, of: &str) {
        if self.tree.find(directory).is_some_and(|(_, node)| node.is_directory()) {
            self.keep_directory(directory, Reason::Runtime, of, &is_runtime);
        }
    }

    /// Keeps Python's library: Python searches it relative to itself, and where Debian and virtual
    /// environments have it.
    fn python(&mut self, path: &str, found: &str, version: &str) {
        let name = format!("python{version}");
        let prefix = directory_of(directory_of(found)).trim_end_matches('/');
        // Python as a library is in a deeper directory than its program.
        let prefix = prefix.split("/lib").next().unwrap_or(prefix);
        for root in [prefix, "/usr", "/usr/local"] {
            for directory in ["lib", "lib64"] {
                self.keep_runtime(&format!("{root}/{directory}/{name}"), &name);
            }
            let zip = format!("{root}/lib/python{}.zip", version.replace('.', ""));
            self.keep(&zip, Reason::Runtime, &name);
        }
        self.keep_runtime("/usr/lib/python3/dist-packages", &name);
        self.keep_runtime(&format!("/etc/{name}"), &name);
        self.keep_runtime("/etc/python3", &name);
        // The program of a virtual environment is a link to the real one, next to its settings.
        let mut named = path.to_owned();
        for _ in 0..8 {
            let environment = directory_of(directory_of(&named)).to_owned();
            let settings = format!("{}/pyvenv.cfg", environment.trim_end_matches('/'));
            if self.tree.find(&settings).is_some() {
                self.keep_runtime(&environment, &name);
                break;
            }
            let Some((_, node)) = self.tree.entry(&named) else { break };
            if node.link.is_empty() {
                break;
            }
            named = crate::tree::join(directory_of(&named), &node.link);
        }
        for variable in ["PYTHONPATH", "PYTHONHOME"] {
            let value = super::start::variable(self.config, variable).unwrap_or_default();
            for directory in value.split(':').filter(|directory| !directory.is_empty()) {
                let directory = self.in_working_directory(directory);
                if self
                    .tree
                    .find(&directory)
                    .is_some_and(|(found, _)| !directories::is_shared(found))
                {
                    self.keep_runtime(&directory, variable);
                }
            }
        }
    }

    /// Keeps Java's home: the parent of the directory with its program.
    fn java(&mut self, found: &str) {
        let home = directory_of(directory_of(found));
        if directories::is_shared(home) {
            return;
        }
        let home = home.to_owned();
        self.keep_directory(&home, Reason::Runtime, "java", &|path, node| {
            let tool =
                node.is_executable() && path != found && directories::is_in_program_directory(path);
            !tool && !path.ends_with("/src.zip") && !path.contains("/jmods/")
        });
        self.keep_runtime("/etc/ssl/certs/java", "java");
        let name = name_of(&home).to_owned();
        if let Some(version) = name.split('-').find(|part| part.parse::<u32>().is_ok()) {
            self.keep_runtime(&format!("/etc/java-{version}-openjdk"), "java");
        }
    }
}

impl Walk<'_> {
    /// Keeps Erlang: its programs are in `ROOT/bin` and `ROOT/erts-VERSION/bin`, and find each other by the
    /// names of these directories.
    fn erlang(&mut self, found: &str) {
        let parent = directory_of(directory_of(found));
        let root = if name_of(parent).starts_with("erts-") { directory_of(parent) } else { parent };
        let library = format!("{}/lib", root.trim_end_matches('/'));
        if directories::is_shared(root) || self.tree.find(&library).is_none() {
            return;
        }
        let root = root.to_owned();
        self.run_program(&format!("{root}/bin/erl"), Reason::Runtime, found);
        // `escript` looks for it in `PATH`, where a link to it is.
        if let Some(program) = self.start.program("erl") {
            self.run_program(&program, Reason::Runtime, found);
        }
        self.keep_directory(&root, Reason::Runtime, "Erlang", &|path, node| {
            let below = path.get(root.len()..).unwrap_or_default();
            let is_program =
                below.starts_with("/erts-") && ERLANG_PROGRAMS.contains(&name_of(path));
            let is_library = below.starts_with("/lib/") || below.starts_with("/releases/");
            let is_source = ["/src/", "/include/"].iter().any(|part| below.contains(part));
            is_program
                || path.ends_with(".boot")
                || is_library && !is_source && is_runtime(path, node)
        });
    }
}

/// Whether a file in `/etc` has the settings of a runtime that is not among these programs and
/// libraries: without the runtime nothing reads them.
pub(super) fn is_of_unused_runtime<'f>(
    path: &str,
    used: impl Iterator<Item = &'f str> + Clone,
) -> bool {
    let of_path = RUNTIMES.iter().find(|runtime| {
        let own = runtime.directories.iter().filter(|directory| directory.starts_with("/etc/"));
        own.into_iter().any(|directory| directories::is_within(path, directory))
    });
    let Some(Runtime { program, .. }) = of_path else { return false };
    let is = |file: &str| {
        let name = name_of(file);
        let directory = directory_of(file);
        directory != "/etc"
            && !directories::is_within(directory, "/etc")
            && name.strip_prefix("lib").unwrap_or(name).starts_with(program)
    };
    !used.clone().any(is)
}

/// `3.11` for `python3.11`, and for a library with that name.
fn python_version(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("lib").unwrap_or(name).strip_prefix("python")?;
    let rest = rest.split(".so").next()?;
    let (major, minor) = rest.split_once('.')?;
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (number(major) && number(minor)).then_some(rest)
}

/// Whether a file in a runtime's directory is needed to run.
fn is_runtime(path: &str, _: &Node) -> bool {
    let tool = TOOLS.iter().any(|part| path.contains(part));
    let installer = ["/dist-packages/pip-", "/site-packages/pip-"];
    !tool && !installer.iter().any(|part| path.contains(part)) && !directories::is_needless(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognizes_python_by_its_name() {
        assert_eq!(python_version("python3.11"), Some("3.11"));
        assert_eq!(python_version("libpython3.12.so.1.0"), Some("3.12"));
        assert_eq!(python_version("python3"), None);
        assert_eq!(python_version("python3.11-config"), None);
        assert_eq!(python_version("pythonic.1"), None);
    }
}
