//! The walk from file to file.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::linker::{Linker, same_architecture};
use super::start::{Start, is_starter, variable};
use super::{Because, Closure, Limit, Reason, RequestedFile, directories};
use crate::tree::{
    Elf, Node, Script, Tree, directory_of, is_shell, join, name_of, read_sourced, split_variable,
};
use crate::{EntryKind, ImageConfig};

/// The most programs that are reported of those that one file names.
const NAMED: usize = 20;
/// How many directories a script may change to.
const DIRECTORIES: usize = 20;
/// How many loaders of a library are considered for its search path.
const LOADERS: usize = 40;

/// A closure in the making.
pub(super) struct Walk<'t> {
    pub(super) tree: &'t Tree,
    pub(super) config: &'t ImageConfig,
    pub(super) start: Start<'t>,
    pub(super) linker: Linker<'t>,
    pub(super) files: BTreeMap<String, Because>,
    /// Files whose needs are still to be read.
    pending: VecDeque<String>,
    /// The file that led to a library first.
    loaders: HashMap<String, String>,
    /// The files that are run: a script that is not run needs no interpreter.
    pub(super) started: BTreeSet<String>,
    programs: Vec<String>,
    limits: BTreeSet<Limit>,
    /// The files that may run other programs, each with the names in it.
    runs: Vec<(String, Vec<String>)>,
    /// The paths of programs and libraries by their names, for those that the linker does not find.
    by_name: HashMap<&'t str, Vec<&'t str>>,
}

impl<'t> Walk<'t> {
    pub(super) fn new(tree: &'t Tree, config: &'t ImageConfig) -> Self {
        let mut by_name: HashMap<&str, Vec<&str>> = HashMap::new();
        for (path, _) in tree.iter().filter(|(_, node)| node.is_elf()) {
            by_name.entry(name_of(path)).or_default().push(path);
        }
        let library_path = variable(config, "LD_LIBRARY_PATH").unwrap_or_default();
        Self {
            tree,
            config,
            start: Start::new(tree, config),
            linker: Linker::new(tree, library_path),
            files: BTreeMap::new(),
            pending: VecDeque::new(),
            loaders: HashMap::new(),
            started: BTreeSet::new(),
            programs: Vec::new(),
            limits: BTreeSet::new(),
            runs: Vec::new(),
            by_name,
        }
    }

    /// Keeps what a path leads to, and the links on the way. Returns the path without links.
    pub(super) fn keep(&mut self, path: &str, reason: Reason, of: &str) -> Option<&'t str> {
        let resolved = self.tree.resolve(path)?;
        let entry = self.tree.entry(&resolved.path);
        // A link to what exists only in a running container, such as `/dev/stdout`, stays, too.
        if entry.is_none() && !self.is_link(path) {
            return None;
        }
        for link in resolved.links {
            let of = resolved.path.clone();
            self.files.entry(link).or_insert(Because { reason: Reason::Link, of });
        }
        let (found, node) = entry?;
        self.keep_entry(found, node, reason, of);
        Some(found)
    }

    /// Keeps what is at a path that leads through no link.
    fn keep_entry(&mut self, path: &str, node: &Node, reason: Reason, of: &str) {
        if !self.files.contains_key(path) {
            self.files.insert(path.to_owned(), Because { reason, of: of.to_owned() });
            if node.dependencies.is_some() {
                self.pending.push_back(path.to_owned());
            }
        }
    }

    fn is_link(&self, path: &str) -> bool {
        let directory = self.tree.resolve(directory_of(path)).map(|resolved| resolved.path);
        directory
            .and_then(|directory| self.tree.get(&join(&directory, name_of(path))))
            .is_some_and(|node| node.kind == EntryKind::Symlink)
    }

    /// Keeps a directory with everything in it that passes, and what links in it lead to, except
    /// shared directories.
    pub(super) fn keep_directory(
        &mut self,
        directory: &str,
        reason: Reason,
        of: &str,
        passes: &dyn Fn(&str, &Node) -> bool,
    ) {
        let mut directories = vec![directory.to_owned()];
        let mut seen = BTreeSet::new();
        while let Some(directory) = directories.pop() {
            let Some(directory) = self.keep(&directory, reason, of) else { continue };
            if !seen.insert(directory) {
                continue;
            }
            for (path, node) in self.tree.below(directory) {
                if !passes(path, node) {
                    continue;
                }
                if node.kind != EntryKind::Symlink {
                    self.keep_entry(path, node, reason, of);
                } else if let Some(found) = self.keep(path, reason, of)
                    && self.tree.get(found).is_some_and(Node::is_directory)
                    && !directories::is_within(found, directory)
                    && !directories::is_shared(found)
                {
                    directories.push(found.to_owned());
                }
            }
        }
    }

    /// Keeps a program that is run, with its interpreter and what its script runs.
    pub(super) fn run_program(&mut self, path: &str, reason: Reason, of: &str) -> Option<&'t str> {
        let found = self.keep(path, reason, of)?;
        if self.started.insert(found.to_owned()) {
            if self.tree.get(found).is_some_and(|node| node.script().is_some()) {
                self.pending.push_back(found.to_owned());
            }
            self.runtime(path, found);
            for helper in helpers(found) {
                if let Some(helper) = self.start.program(helper) {
                    self.run_program(&helper, Reason::Command, found);
                }
            }
        }
        Some(found)
    }

    /// Starts what the image's configuration names.
    pub(super) fn start(&mut self) {
        let words = self.start.words.clone();
        let Some(first) = words.first() else { return };
        let Some(program) = self.start.program(first) else {
            self.limits.insert(Limit::NoProgram { program: first.clone() });
            return;
        };
        let mut left = words.as_slice();
        let mut next = Some((0, program));
        while let Some((index, program)) = next {
            let Some(found) = self.run_program(&program, Reason::Started, "") else { break };
            if !self.programs.iter().any(|other| other == found) {
                self.programs.push(found.to_owned());
            }
            left = left.get(index + 1..).unwrap_or_default();
            let script = self.tree.get(found).and_then(Node::script).is_some_and(Script::is_shell);
            next = if is_shell(&program) && left.first().is_some_and(|word| word.starts_with('-')) {
                self.shell_words(left, found);
                None
            } else if script || is_starter(&program) || is_shell(&program) {
                self.start.first_program(left)
            } else {
                None
            };
        }
        for word in words.iter().skip(1) {
            if let Some(path) = self.start.named(word) {
                self.named_by_argument(&path, word);
            }
        }
    }

    /// `sh -c 'exec nginx'`: the words after the options are a script.
    fn shell_words(&mut self, words: &[String], shell: &str) {
        for word in words.iter().filter(|word| !word.starts_with('-')) {
            let script = read_sourced(word);
            let named = script.variables.iter().filter_map(|word| self.value(word));
            let commands: Vec<String> = script.commands.iter().cloned().chain(named).collect();
            for command in commands {
                if let Some(path) = self.start.program(&command) {
                    let found = self.run_program(&path, Reason::Started, shell);
                    let programs = found.map(str::to_owned).into_iter();
                    self.programs.extend(programs);
                }
            }
            // `sh -c '. /etc/app/environment && exec app'`, `sh -c 'cd /app && ./start.sh'`.
            let own = join(&self.start.directory, "-c");
            for path in self.other_scripts(&own, &script) {
                let is_script = |node: &Node| node.script().is_some_and(Script::is_shell);
                if self.tree.find(&path).is_some_and(|(_, node)| is_script(node)) {
                    self.run_program(&path, Reason::Started, shell);
                }
            }
        }
    }

    /// A script or a directory that an argument names is the application, with everything next to
    /// it.
    fn named_by_argument(&mut self, path: &str, word: &str) {
        // `sh start.sh`: what a shell runs needs no permission to run.
        let is_script = |node: &Node| node.script().is_some_and(Script::is_shell);
        let found = match self.tree.find(path).is_some_and(|(_, node)| is_script(node)) {
            true => self.run_program(path, Reason::Application, word),
            false => self.keep(path, Reason::Application, word),
        };
        let Some(found) = found else { return };
        let directory = match self.tree.get(found) {
            Some(node) if node.is_directory() => found,
            _ => directory_of(found),
        };
        if !directories::is_shared(directory) {
            self.keep_directory(directory, Reason::Application, word, &|_, _| true);
        }
    }

    /// Keeps what the caller requested.
    pub(super) fn request(&mut self, file: &RequestedFile) {
        let program = self.tree.find(&file.path).is_some_and(|(_, node)| node.is_executable());
        if program && file.run {
            self.run_program(&file.path, Reason::Requested, &file.of);
        } else {
            self.keep(&file.path, Reason::Requested, &file.of);
        }
    }

    /// Walks until no file needs another one.
    pub(super) fn run(&mut self) {
        while let Some(path) = self.pending.pop_front() {
            let Some(node) = self.tree.get(&path) else { continue };
            if let Some(elf) = node.elf() {
                self.needs(&path, elf);
            } else if let Some(script) = node.script() {
                if self.started.contains(&path) {
                    self.script(&path, script);
                }
            } else {
                let names = node.names();
                self.configuration(&path, names);
            }
        }
    }

    /// Keeps the libraries that a program or a library needs.
    fn needs(&mut self, path: &str, elf: &'t Elf) {
        if let Some(interpreter) = &elf.interpreter {
            self.keep(interpreter, Reason::Linked, path);
        }
        for name in &elf.needed {
            if !self.library(name, path, elf, Reason::Linked) {
                let (library, file) = (name.clone(), path.to_owned());
                self.limits.insert(Limit::NoLibrary { library, file });
            }
        }
        let is_libc = name_of(path).starts_with("libc.so.") || name_of(path).starts_with("libc-2.");
        if is_libc {
            self.name_services(path, elf);
            self.locale(path);
        }
        if elf.opens_libraries || is_libc {
            for name in elf.named.iter().filter(|name| name.contains(".so")) {
                self.library(name, path, elf, Reason::Opened);
            }
        }
        if elf.opens_libraries {
            self.limits.insert(Limit::OpensLibraries { file: path.to_owned() });
        }
        // A library that only the C library opens converts text from the network, for which the
        // built-in character sets are enough.
        let opened = self.files.get(path).is_some_and(|it| it.reason == Reason::Opened);
        if elf.converts && !is_libc && !opened {
            self.conversions(path);
        }
        if !elf.runs.is_empty() && !is_libc {
            self.runs.push((path.to_owned(), elf.named.clone()));
        }
        self.runtime(path, path);
    }

    /// Keeps a library. Returns whether there is one of this name.
    fn library(&mut self, name: &str, file: &str, elf: &Elf, reason: Reason) -> bool {
        let mut loaders = Vec::new();
        let mut loader = file;
        while let Some(next) = self.loaders.get(loader).filter(|_| loaders.len() < LOADERS) {
            loader = next;
            loaders.push(loader);
        }
        let mut found = self.linker.find(name, file, elf, &loaders);
        if found.is_empty() {
            // One in another directory may be found with a search path that is set at run time.
            let named = format!("/{name}");
            let others = self.by_name.get(name_of(name)).into_iter().flatten();
            found = others
                .filter(|path| path.ends_with(&named))
                .filter_map(|path| Some((path, self.tree.get(path)?)))
                .filter(|(_, node)| node.elf().is_some_and(|it| it.interpreter.is_none()))
                .filter(|(_, node)| same_architecture(node, elf))
                .map(|(path, _)| (*path).to_owned())
                .collect();
        }
        for path in &found {
            if let Some(kept) = self.keep(path, reason, file)
                && kept != file
            {
                self.loaders.entry(kept.to_owned()).or_insert_with(|| file.to_owned());
            }
        }
        !found.is_empty()
    }

    /// The files that a shell script runs or sources by their names in other directories, and the
    /// hooks in directories that it names.
    fn other_scripts(&self, path: &str, script: &Script) -> Vec<String> {
        let own = directory_of(path).to_owned();
        let working = self.start.directory.clone();
        let mut directories = vec![own, working];
        for directory in &script.directories {
            let inside: Vec<String> =
                directories.iter().map(|current| join(current, directory)).collect();
            directories.extend(inside);
            directories.sort();
            directories.dedup();
            directories.truncate(DIRECTORIES);
        }
        let mut found = Vec::new();
        for name in &script.relative {
            found.extend(directories.iter().map(|directory| join(directory, name)));
        }
        found.extend(script.named.iter().cloned());
        for name in &script.named {
            // `for file in /app/jobs/*.sh`: what is before the pattern is the name.
            let has_pattern = name.ends_with('/') && !directories::is_shared(name);
            let Some((directory, node)) = self.tree.find(name) else { continue };
            if node.is_directory() && (has_pattern || is_of_hooks(name)) {
                let below = self.tree.below(directory).map(|(path, _)| path);
                let is_hook = |path: &&str| is_of_hooks(name) || directory_of(path) == directory;
                found.extend(below.filter(is_hook).map(str::to_owned));
            }
        }
        found
    }

    /// What a word that starts with a variable of the image becomes: `$JAVA_HOME/bin/java`.
    fn value(&self, word: &str) -> Option<String> {
        let (name, end) = split_variable(word)?;
        let value = variable(self.config, name)?;
        let first = value.split_whitespace().next()?;
        // Only without a path behind it, the value may be a command with arguments.
        (end.is_empty() || first.len() == value.len()).then(|| format!("{first}{end}"))
    }

    /// Keeps the files that a script names by variables: of the image, or of the directory that the
    /// script is in (`HERE=$(cd "$(dirname "$0")" && pwd)`), which no text contains.
    fn files_of_variables(&mut self, path: &str, script: &Script) {
        let own = directory_of(path).to_owned();
        for word in &script.variables {
            if let Some(value) = self.value(word) {
                if let Some(program) = self.start.program(&value) {
                    self.run_program(&program, Reason::Command, path);
                }
                continue;
            }
            let Some((_, end)) = split_variable(word).filter(|(_, end)| !end.is_empty()) else {
                continue;
            };
            for directory in [own.as_str(), directory_of(&own), &self.start.directory.clone()] {
                let file = join(directory, end.trim_start_matches('/'));
                let Some((found, node)) = self.tree.find(&file) else { continue };
                let is_own = !directories::is_shared(directory) || !directories::is_system(found);
                if node.is_directory() || !is_own || found == path {
                    continue;
                }
                if node.is_executable() || node.script().is_some_and(Script::is_shell) {
                    self.run_program(&file, Reason::Command, path);
                } else {
                    self.keep(&file, Reason::Named, path);
                }
            }
        }
    }

    /// Keeps what runs a script, and what the script runs.
    fn script(&mut self, path: &str, script: &'t Script) {
        let starts = script.interpreter.first().is_some_and(|first| is_starter(first));
        for (index, word) in script.interpreter.iter().enumerate() {
            if index > 0 && (word.starts_with('-') || !starts) {
                continue;
            }
            match self.start.program(word) {
                Some(program) => {
                    self.run_program(&program, Reason::Interpreter, path);
                }
                None => {
                    let (command, file) = (word.clone(), path.to_owned());
                    self.limits.insert(Limit::NoCommand { command, file });
                }
            }
        }
        if !script.is_shell() {
            return;
        }
        self.limits.insert(Limit::Script { file: path.to_owned() });
        for command in &script.commands {
            if let Some(program) = self.start.program(command) {
                self.run_program(&program, Reason::Command, path);
            }
        }
        self.files_of_variables(path, script);
        for other in self.other_scripts(path, script) {
            let Some((found, node)) = self.tree.find(&other) else { continue };
            if found != path && node.script().is_some_and(Script::is_shell) {
                self.run_program(&other, Reason::Command, path);
            } else if !node.is_directory() && !directories::is_system(found) {
                self.keep(&other, Reason::Named, path);
            }
        }
        for name in &script.named {
            if self.tree.find(name).is_some_and(|(_, node)| node.is_executable()) {
                self.run_program(name, Reason::Command, path);
            } else {
                self.name(name, path);
            }
        }
    }

    /// Keeps the files that a configuration names: modules that are opened, and data.
    fn configuration(&mut self, path: &str, names: &'t [String]) {
        // A module is for the same architecture as the first program.
        let elf = self.programs.first().and_then(|program| self.tree.get(program)?.elf());
        for name in names {
            match elf {
                Some(elf) if name.contains(".so") => {
                    self.library(name, path, elf, Reason::Opened);
                }
                _ => self.name(name, path),
            }
        }
    }

    /// Keeps a file or an application's directory that is named by its absolute path, but not a
    /// program: a name does not mean that it is run.
    pub(super) fn name(&mut self, name: &str, of: &str) {
        let Some((path, node)) = self.tree.find(name) else { return };
        if !name.starts_with('/') || directories::is_needless(path) {
            return;
        }
        if node.is_directory() {
            if !directories::is_shared(path) {
                self.keep(name, Reason::Named, of);
                self.keep_directory(path, Reason::Named, of, &is_data);
            }
        } else if is_data(path, node) {
            self.keep(name, Reason::Named, of);
        }
    }

    fn name_services(&mut self, libc: &str, elf: &Elf) {
        let text = self.tree.find("/etc/nsswitch.conf").and_then(|(_, node)| node.text());
        let mut services: BTreeSet<&str> = ["files", "dns", "compat"].into();
        for line in text.unwrap_or_default().lines() {
            let line = line.split('#').next().unwrap_or_default();
            let Some((_, list)) = line.split_once(':') else { continue };
            services.extend(list.split_whitespace().filter(|word| !word.starts_with('[')));
        }
        for service in services {
            let name = format!("libnss_{service}.so.2");
            for path in self.linker.find(&name, libc, elf, &[]) {
                self.keep(&path, Reason::NameService, libc);
            }
        }
        self.keep("/etc/nsswitch.conf", Reason::NameService, libc);
    }

    /// Keeps the locales that the C library has in files: the default one with UTF-8, and those
    /// that the image's variables choose.
    fn locale(&mut self, libc: &str) {
        let mut wanted = vec!["C.utf8".to_owned(), "C.UTF-8".to_owned()];
        for variable_name in ["LANG", "LC_ALL", "LC_CTYPE", "LANGUAGE"] {
            let Some(value) = variable(self.config, variable_name) else { continue };
            if !matches!(value, "" | "C" | "POSIX" | "C.UTF-8" | "C.utf8") {
                let (language, _) = value.split_once('.').unwrap_or((value, ""));
                wanted.extend([format!("{language}.utf8"), language.to_owned()]);
                self.keep("/usr/lib/locale/locale-archive", Reason::Locale, variable_name);
            }
        }
        for name in wanted {
            let directory = format!("/usr/lib/locale/{name}");
            if self.tree.find(&directory).is_some() {
                self.keep_directory(&directory, Reason::Locale, libc, &|_, _| true);
            }
        }
    }

    /// Keeps the tables for converting between character sets.
    fn conversions(&mut self, file: &str) {
        let named = self.linker.triples().iter().map(|triple| format!("/usr/lib/{triple}/gconv"));
        let usual = ["/usr/lib64/gconv".to_owned(), "/usr/lib/gconv".to_owned()];
        for directory in named.chain(usual).collect::<Vec<_>>() {
            if self.tree.find(&directory).is_some() {
                self.keep_directory(&directory, Reason::Locale, file, &|_, _| true);
            }
        }
    }

    /// The closure, with its limits, and with each directory that a file of it is in.
    pub(super) fn finish(mut self) -> Closure {
        for (file, named) in std::mem::take(&mut self.runs) {
            let functions = self.tree.get(&file).and_then(Node::elf).map(|elf| &elf.runs);
            let functions: Vec<String> =
                functions.into_iter().flatten().map(|name| (*name).to_owned()).collect();
            let mut named: Vec<String> = named
                .iter()
                .filter(|name| name.starts_with('/'))
                .filter_map(|name| self.tree.find(name))
                .filter(|(path, node)| node.is_executable() && !self.files.contains_key(*path))
                .filter(|(path, _)| directories::is_in_program_directory(path))
                .map(|(path, _)| path.to_owned())
                .collect();
            named.sort();
            named.dedup();
            named.truncate(NAMED);
            self.limits.insert(Limit::RunsPrograms { file, functions, named });
        }
        let mut directories = BTreeMap::new();
        for path in self.files.keys() {
            let mut directory = directory_of(path);
            while directory != "/"
                && !self.files.contains_key(directory)
                && !directories.contains_key(directory)
            {
                let reason = Reason::Directory;
                if self.tree.get(directory).is_some() {
                    directories.insert(directory.to_owned(), Because { reason, of: path.clone() });
                }
                directory = directory_of(directory);
            }
        }
        self.files.append(&mut directories);
        Closure {
            files: self.files,
            programs: self.programs,
            limits: self.limits.into_iter().collect(),
        }
    }

    /// A path below the working directory.
    pub(super) fn in_working_directory(&self, path: &str) -> String {
        join(&self.start.directory, path)
    }
}

/// What programs start without naming where it is.
fn helpers(program: &str) -> &'static [&'static str] {
    match name_of(program) {
        "tar" | "bsdtar" => &["gzip", "bzip2", "xz", "zstd"],
        "make" | "gmake" | "crond" | "cron" | "parallel" | "watch" => &["sh"],
        "git" | "rsync" | "scp" | "sftp" => &["ssh"],
        "pg_ctl" | "initdb" => &["postgres"],
        "npm" | "npx" => &["sh"],
        _ => &[],
    }
}

/// Whether a directory of this name holds scripts that another one runs: `/docker-entrypoint.d`,
/// `/etc/cont-init.d`.
fn is_of_hooks(directory: &str) -> bool {
    let name = name_of(directory.trim_end_matches('/'));
    name.ends_with(".d") || name.ends_with("hooks")
}

/// Whether a file is data, and neither a program nor documentation.
pub(super) fn is_data(path: &str, node: &Node) -> bool {
    let program = node.is_executable()
        && (!node.is_elf() || directories::is_in_program_directory(path))
        || node.kind == EntryKind::Symlink && directories::is_in_program_directory(path);
    !program && node.kind != EntryKind::Special && !directories::is_needless(path)
}
