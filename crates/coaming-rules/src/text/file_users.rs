//! What well-known programs do with files by themselves, without a word of it in the command: where a
//! read-only root file system needs a volume, and where it does not work at all.
//!
//! Only what fails without the file counts. A program that reports that it cannot write a cache and goes on
//! (`npm start`, Python's compiled modules, `kubectl`) is not here.

/// Programs that write temporary files by themselves.
const USE_TMP: &[&str] = &[
    "celery",
    "dotnet",
    "flask",
    "gunicorn",
    "hypercorn",
    "java",
    "node",
    "npm",
    "php",
    "php-fpm",
    "pnpm",
    "puma",
    "python",
    "python3",
    "ruby",
    "unicorn",
    "uvicorn",
    "uwsgi",
    "yarn",
];

/// Programs that keep files where their configuration or their user's directory says, and do not start
/// without: logs, sockets, files with a process ID, settings.
const KEEP_FILES: &[&str] = &[
    "airflow",
    "ansible-playbook",
    "az",
    "catalina.sh",
    "cron",
    "crond",
    "gcloud",
    "init",
    "jupyter",
    "jupyter-lab",
    "jupyter-notebook",
    "jupyterhub",
    "kc.sh",
    "nginx",
    "openresty",
    "pm2",
    "pm2-runtime",
    "postfix",
    "s6-svscan",
    "sshd",
    "standalone.sh",
    "start-notebook.sh",
    "start-notebook.py",
    "start-singleuser.sh",
    "streamlit",
    "superset",
    "supervisord",
    "terraform",
    "tofu",
];

/// What a program does with files by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileUse {
    /// It writes in the directory in which it runs, or in caches of its user: it builds what it starts, or
    /// keeps its state there.
    AtStart,
    /// It keeps files in places that its configuration names.
    Configured,
    /// It writes temporary files.
    Temporary,
    /// Nothing that is known.
    Unknown,
}

/// What a program does with files by itself.
pub(super) fn file_use(name: &str, arguments: &[&str]) -> FileUse {
    // `python -m celery`, `bundle exec puma`: the program is the next one.
    if let Some((name, arguments)) = inner(name, arguments) {
        let inner = file_use(name, arguments);
        return if inner == FileUse::Unknown { FileUse::Temporary } else { inner };
    }
    if builds(name, arguments) || keeps_state(name, arguments) {
        FileUse::AtStart
    } else if KEEP_FILES.contains(&name) && !is_only_asked(arguments) {
        FileUse::Configured
    } else if USE_TMP.contains(&name)
        || name.starts_with("python3.")
        || name == "apache2-foreground"
    {
        FileUse::Temporary
    } else {
        FileUse::Unknown
    }
}

/// The program that another one only starts, with its arguments.
fn inner<'a>(name: &str, arguments: &'a [&'a str]) -> Option<(&'a str, &'a [&'a str])> {
    let after = match name {
        "python" | "python3" if arguments.first() == Some(&"-m") => 1,
        "bundle" | "poetry" | "pipenv" | "uv"
            if matches!(arguments.first(), Some(&("exec" | "run"))) =>
        {
            1
        }
        _ => return None,
    };
    let (program, rest) = arguments.get(after..)?.split_first()?;
    Some((super::commands::base_name(program), rest))
}

/// Whether a program is only asked for its version or the like.
fn is_only_asked(arguments: &[&str]) -> bool {
    matches!(arguments, ["-t" | "-T" | "-v" | "-V" | "--version" | "version" | "--help" | "help"])
}

/// Whether a program writes where it runs, or into caches of its user, because it builds what it starts.
fn builds(name: &str, arguments: &[&str]) -> bool {
    let has = |words: &[&str]| arguments.iter().any(|word| words.contains(word));
    let first = arguments.iter().find(|word| !word.starts_with('-')).copied();
    match name {
        "gradle" | "gradlew" | "hugo" | "jekyll" | "make" | "mvn" | "mvnw" | "npx" | "rake"
        | "webpack" | "react-scripts" | "vue-cli-service" | "gatsby" | "ts-node-dev" => true,
        "next" | "nuxt" | "nuxi" | "ng" | "astro" | "vite" | "vitepress" | "parcel" => {
            !matches!(first, Some("start" | "preview"))
        }
        "prisma" => has(&["generate", "dev"]),
        "apt" | "apt-get" => has(&["update"]),
        "bundle" | "bundler" => arguments.iter().any(|word| word.starts_with("assets:")),
        "cargo" | "go" => has(&["build", "generate", "run", "test", "watch"]),
        "dotnet" => has(&["build", "publish", "restore", "run", "watch"]),
        "npm" | "pnpm" | "yarn" => arguments.iter().any(|word| is_build_script(word)),
        _ => arguments.contains(&"collectstatic"),
    }
}

/// Whether a script of `package.json` builds, by the names that people give: `build:prod`, `start:dev`.
fn is_build_script(word: &str) -> bool {
    word == "rebuild"
        || word.split([':', '-']).any(|part| matches!(part, "build" | "dev" | "develop" | "watch"))
}

/// Whether a program keeps its state in the directory in which it runs, unless its arguments name another one.
fn keeps_state(name: &str, arguments: &[&str]) -> bool {
    let has = |words: &[&str]| arguments.iter().any(|word| words.contains(word));
    let begins = |words: &[&str]| {
        arguments.iter().any(|word| words.iter().any(|option| word.starts_with(option)))
    };
    match name {
        // Laravel's caches and logs are among its files.
        "artisan" => true,
        "php" => arguments.first().is_some_and(|file| file.ends_with("artisan")),
        // `tmp/pids/server.pid`.
        "rails" => has(&["s", "server"]) && !begins(&["-P", "--pid"]),
        "ruby" => {
            arguments.first().is_some_and(|file| file.ends_with("bin/rails"))
                && has(&["s", "server"])
        }
        // `celerybeat-schedule`.
        "celery" => {
            has(&["beat", "-B", "--beat"]) && !begins(&["-s", "--schedule", "-S", "--scheduler"])
        }
        "dbt" => has(&["build", "compile", "deps", "docs", "run", "seed", "snapshot", "test"]),
        "mlflow" => {
            has(&["server", "ui"]) && !begins(&["--backend-store-uri", "--registry-store-uri"])
        }
        "helm" => has(&["dep", "dependency", "pull", "repo"]),
        "git" => {
            has(&["checkout", "clone", "fetch", "pull"])
                && !arguments.contains(&"-C")
                && !arguments.last().is_some_and(|target| target.starts_with('/'))
        }
        _ => false,
    }
}

/// Options whose value is a directory that a program writes to, or a file in one.
const DIRECTORIES: &[&str] = &[
    "cache-dir",
    "data-dir",
    "data-path",
    "datadir",
    "dbpath",
    "log-dir",
    "log_dir",
    "state-dir",
    "storage.tsdb.path",
    "storage.path",
    "temp-dir",
    "tmp-dir",
    "tmpdir",
    "work-dir",
];
const FILES: &[&str] = &["log-file", "logfile", "pid", "pid-file", "pidfile"];

/// What the arguments of a program name to write to: a directory, or a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target<'a> {
    Directory(&'a str),
    File(&'a str),
}

/// The directories and files that options name as a program's own.
pub(super) fn named_by_options<'a>(arguments: &'a [&'a str]) -> impl Iterator<Item = Target<'a>> {
    arguments.iter().enumerate().filter_map(|(place, word)| {
        let option = word.strip_prefix('-')?;
        let option = option.strip_prefix('-').unwrap_or(option);
        let (option, value) = match option.split_once('=') {
            Some((option, value)) => (option, value),
            None => (option, arguments.get(place + 1).copied()?),
        };
        let target = if DIRECTORIES.contains(&option) {
            Target::Directory(value)
        } else if FILES.contains(&option) {
            Target::File(value)
        } else {
            return None;
        };
        value.starts_with('/').then_some(target)
    })
}
