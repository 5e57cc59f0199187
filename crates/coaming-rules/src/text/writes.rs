//! The directories in which a command line visibly writes files: by redirections, and by programs
//! whose purpose is to create files. Effects that are known only at run time are ignored.

use std::collections::BTreeSet;

use super::commands::{
    MAX_NESTING, MAX_SCRIPT, ShellReads, base_name, is_shell, parent, shell_reads,
};
use super::downloads::{downloaded_files, downloader};
use super::file_users::{FileUse, Target, file_use, named_by_options};
use super::shell::{Command, Word, parse};
use super::wrapper::program_position;

/// The absolute directories that a command line writes to.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    /// Those in which it makes files.
    pub(crate) created: BTreeSet<String>,
    /// Those in which it changes files that exist, or makes them beside others.
    pub(crate) changed: BTreeSet<String>,
    /// Whether it writes in the directory in which it starts, or in the user's own.
    pub(crate) at_start: bool,
    /// Whether it starts a program that writes temporary files.
    pub(crate) temporary: bool,
    /// Whether it starts a program that keeps files where its configuration says.
    pub(crate) configured: bool,
    /// The directory that a script changed to.
    directory: Option<String>,
}

impl Writes {
    /// Notes a file that is made.
    fn add(&mut self, file: &str) {
        add_file(file, &mut self.created);
        self.add_relative(file);
    }

    /// Notes a file that is named without its directory.
    fn add_relative(&mut self, file: &str) {
        // `2>&1` and `>&-` are not files.
        let is_descriptor = file.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        if is_descriptor || file.starts_with('/') || file.contains(['$', '`', '&']) {
            return;
        }
        match &self.directory {
            Some(directory) if !file.starts_with('~') => {
                let file = format!("{directory}/{}", file.trim_start_matches("./"));
                add_file(&file, &mut self.changed);
            }
            _ => self.at_start = true,
        }
    }

    /// Notes that a script changes to another directory. Where a variable leads is not known: files are as
    /// likely to be among those of the image as where it starts.
    fn change_to(&mut self, directory: Option<&str>) {
        let directory = directory.map(|it| it.trim_end_matches('/'));
        let is_known = |it: &&str| it.starts_with('/') && !it.contains(['$', '`']);
        let relative = |it: &&str| !it.starts_with(['/', '$', '~', '-', '`']);
        self.directory = match (directory.filter(is_known), directory.filter(relative)) {
            (Some(known), _) => Some(known.to_owned()),
            (None, Some(below)) => {
                self.directory.as_ref().map(|directory| format!("{directory}/{below}"))
            }
            (None, None) => None,
        };
    }

    /// Notes that files are made in the directory of the moment.
    fn add_here(&mut self) {
        match &self.directory {
            Some(directory) => add_directory(directory, &mut self.changed),
            None => self.at_start = true,
        }
    }
}

/// What this command line writes. The words are those of a container's `command` and `args`.
pub(crate) fn writes(argv: &[&str]) -> Writes {
    let words = argv.iter().map(|word| Word::literal(word)).collect();
    let mut writes = Writes::default();
    command(&Command { words, ..Command::default() }, 0, &mut writes);
    writes
}

fn script(text: &str, depth: usize, writes: &mut Writes) {
    if depth >= MAX_NESTING || text.len() > MAX_SCRIPT {
        return;
    }
    for each in parse(text).iter().flatten() {
        command(each, depth + 1, writes);
    }
}

fn command(command: &Command, depth: usize, writes: &mut Writes) {
    command.outputs.iter().for_each(|output| writes.add(output));
    for inner in command.words.iter().flat_map(|word| &word.scripts) {
        script(inner, depth, writes);
    }
    let words = command.words.get(program_position(&command.words)..).unwrap_or_default();
    let Some((program, rest)) = words.split_first() else { return };
    let name = base_name(&program.text);
    let arguments: Vec<&str> = rest.iter().map(|word| word.text.as_str()).collect();
    by_program(name, &arguments, writes);
    match file_use(name, &arguments) {
        FileUse::AtStart => writes.add_here(),
        FileUse::Configured => writes.configured = true,
        FileUse::Temporary => writes.temporary = true,
        FileUse::Unknown => {}
    }
    if matches!(name, "cd" | "pushd") {
        writes.change_to(arguments.first().copied());
    }
    if is_shell(name)
        && let ShellReads::Script(position) = shell_reads(rest)
        && let Some(word) = rest.get(position)
    {
        script(&word.text, depth, writes);
    }
}

/// What a program writes whose purpose is to write files.
fn by_program(name: &str, arguments: &[&str], writes: &mut Writes) {
    let named = || arguments.iter().copied().filter(|word| !word.starts_with('-'));
    if matches!(name, "tee" | "touch") {
        return named().for_each(|file| writes.add(file));
    }
    for target in named_by_options(arguments) {
        match target {
            Target::Directory(directory) => add_directory(directory, &mut writes.created),
            Target::File(file) => add_file(file, &mut writes.created),
        }
    }
    let Writes { created, changed, .. } = writes;
    let after = |options: &[&str]| {
        let at = arguments.iter().position(|word| options.contains(word));
        at.and_then(|at| arguments.get(at + 1).copied())
    };
    match name {
        // `mkdir -p` writes nothing if the directory already exists.
        "mkdir" if arguments.iter().any(|word| word.starts_with("-p") || *word == "--parents") => {
            named().for_each(|directory| add_directory(directory, created));
        }
        "mkdir" => named().for_each(|directory| add_file(directory.trim_end_matches('/'), changed)),
        "mktemp" => add_directory("/tmp", created),
        "cp" | "mv" | "install" | "ln" => {
            if let Some(target) = named().next_back() {
                add_file(target, created);
            }
        }
        "tar" | "bsdtar" => {
            after(&["-C", "--directory"]).into_iter().for_each(|it| add_directory(it, created));
        }
        "unzip" => after(&["-d"]).into_iter().for_each(|it| add_directory(it, created)),
        "git" if arguments.contains(&"clone") => {
            named().skip(2).last().into_iter().for_each(|it| add_directory(it, created));
        }
        "openssl" => {
            let files = after(&["-out"]).into_iter().chain(after(&["-keyout"]));
            files.for_each(|file| add_file(file, created));
        }
        "apache2-foreground" => {
            for directory in ["/run/lock", "/var/run/apache2"] {
                add_directory(directory, created);
            }
        }
        "minio" if arguments.first() == Some(&"server") => {
            named().skip(1).for_each(|directory| add_directory(directory, created));
        }
        "keytool" => after(&["-keystore"]).into_iter().for_each(|it| add_file(it, created)),
        "sed" if arguments.iter().any(|word| word.starts_with("-i")) => {
            named().skip(1).for_each(|file| add_file(file, changed));
        }
        "chmod" => named().skip(1).for_each(|file| add_file(file, changed)),
        _ => {}
    }
    if let Some(tool) = downloader(name) {
        for file in downloaded_files(tool, arguments) {
            add_file(&file, created);
        }
    }
}

fn add_file(file: &str, directories: &mut BTreeSet<String>) {
    if file.ends_with('/') {
        add_directory(file, directories)
    } else if file.starts_with('/') && parent(file).is_empty() {
        directories.insert("/".to_owned());
    } else {
        add_directory(parent(file), directories)
    }
}

fn add_directory(directory: &str, directories: &mut BTreeSet<String>) {
    let directory = directory.trim_end_matches('/');
    let is_plain = directory.starts_with('/')
        && !directory.contains(['$', '`', '*', '?', '[', '~'])
        && !directory.chars().any(char::is_control)
        && directory.split('/').all(|part| !matches!(part, "." | ".."));
    if is_plain {
        directories.insert(directory.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::writes;

    #[test]
    fn directories_are_found_where_files_are_made() {
        let directories = |argv: &[&str]| writes(argv).created.into_iter().collect::<Vec<_>>();
        let shell = |text: &str| directories(&["sh", "-c", text]);
        assert_eq!(shell("date > /var/log/app/start.log; cat /etc/x"), ["/var/log/app"]);
        assert_eq!(shell("mkdir -p /cache/a && touch /cache/b"), ["/cache", "/cache/a"]);
        assert_eq!(shell("f=$(mktemp); echo x | tee -a /run/x.pid"), ["/run", "/tmp"]);
        assert_eq!(shell("curl -o /data/x.tgz https://example.com/x"), ["/data"]);
        assert_eq!(directories(&["cp", "/src/a", "/dst/"]), ["/dst"]);
        assert!(shell("echo x > $DIR/y; echo > relative; cat < /etc/x").is_empty());
        assert_eq!(shell("touch /ready; ln -sf /a/b /opt/c/d"), ["/", "/opt/c"]);
        assert_eq!(
            shell("tar xzf /x.tgz -C /srv/a && git clone https://x /srv/b"),
            ["/srv/a", "/srv/b"]
        );
        assert_eq!(shell("openssl req -out /certs/a.pem -keyout /keys/a.key"), ["/certs", "/keys"]);
        let changed =
            |text: &str| writes(&["sh", "-c", text]).changed.into_iter().collect::<Vec<_>>();
        assert_eq!(changed("sed -i s/a/b/ /etc/x/y.conf && chmod +x /run.sh"), ["/", "/etc/x"]);
        assert!(changed("sed s/a/b/ /etc/x/y.conf; chmod +x $X").is_empty());
        assert_eq!(changed("cd /opt/app && echo x > conf.ini; mkdir /srv/x"), ["/opt/app", "/srv"]);
        for (script, at_start) in [
            ("echo x > conf.ini", true),
            ("cat /a >> ~/.profile", true),
            ("npm run build && node .", true),
            ("npm run start:dev", true),
            ("cd $APP_HOME && npm run build", true),
            ("cd web && npm run build", true),
            ("cd /app && npm run build", false),
            ("mvn spring-boot:run", true),
            ("cd /app && echo x > y", false),
            ("a 2>&1 > /dev/null; npm start; echo x > $F", false),
        ] {
            assert_eq!(writes(&["sh", "-c", script]).at_start, at_start, "{script}");
        }
        assert_eq!(changed("cd /app && npm run build && npm start"), ["/app"]);
        assert_eq!(changed("cd /srv; cd web && ./gradlew bootRun"), ["/srv/web"]);
        assert!(directories(&["server", "--log=/var/log/x"]).is_empty());
        assert_eq!(
            directories(&["prometheus", "--storage.tsdb.path=/prometheus"]),
            ["/prometheus"]
        );
        assert_eq!(
            directories(&["minio", "server", "/data", "--console-address", ":9001"]),
            ["/data"]
        );
    }
}
