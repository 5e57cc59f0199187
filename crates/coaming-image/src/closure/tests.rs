use super::*;
use crate::tree::tests::put;
use crate::tree::{FileDependencies, Script, TreeBuilder, read_sourced};

/// A tree of lines in the format of [`put`]; `:: ` is followed by what a file needs: `needs NAME
/// …`, `loads PATH`, `runpath DIR`, `opens NAME …`, `runs PATH …`, `by INTERPRETER …`, `text TEXT`.
fn tree(lines: &[&str]) -> Tree {
    let mut growing = TreeBuilder::default();
    let paths: Vec<&str> =
        lines.iter().map(|line| line.split(" :: ").next().unwrap_or(line)).collect();
    put(&mut growing, &paths);
    let mut tree = growing.finish();
    for line in lines {
        let mut parts = line.split(" :: ");
        let path = parts.next().unwrap_or_default().trim_end_matches('!');
        for part in parts {
            let (word, rest) = part.split_once(' ').unwrap();
            let names = || rest.split(' ').map(str::to_owned).collect::<Vec<_>>();
            match word {
                "by" => {
                    let (first, body) = rest.split_once(" % ").unwrap_or((rest, ""));
                    let interpreter = first.split(' ').map(str::to_owned).collect();
                    let script = Script { interpreter, ..read_sourced(body) };
                    tree.set_dependencies(path, FileDependencies::Script(script));
                }
                "text" => {
                    tree.set_dependencies(path, FileDependencies::Text(rest.replace('|', "\n")))
                }
                "names" => tree.set_dependencies(path, FileDependencies::Names(names())),
                _ => {
                    let mut elf =
                        tree.get(path).and_then(|it| it.elf()).cloned().unwrap_or_default();
                    match word {
                        "needs" => elf.needed = names(),
                        "loads" => elf.interpreter = Some(rest.to_owned()),
                        "runpath" => elf.runpath = names(),
                        "rpath" => elf.rpath = names(),
                        "opens" => (elf.opens_libraries, elf.named) = (true, names()),
                        "runs" => (elf.runs, elf.named) = (vec!["execve"], names()),
                        "machine" => elf.machine = rest.parse().unwrap(),
                        "converts" => elf.converts = true,
                        "elf" => elf.named = names(),
                        _ => panic!("{word}"),
                    }
                    tree.set_dependencies(path, FileDependencies::Elf(elf));
                }
            }
        }
    }
    tree
}

fn config(entrypoint: &[&str], environment: &[(&str, &str)]) -> ImageConfig {
    ImageConfig {
        entrypoint: entrypoint.iter().map(|&word| word.to_owned()).collect(),
        environment: environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned())))
            .collect(),
        ..ImageConfig::default()
    }
}

/// The paths of a closure, without directories.
fn paths<'c>(tree: &Tree, closure: &'c Closure) -> Vec<&'c str> {
    let paths = closure.files.keys().map(String::as_str);
    paths.filter(|path| tree.get(path).is_some_and(|node| !node.is_directory())).collect()
}

#[test]
fn scripts_name_files_by_variables() {
    let tree = tree(&[
        "/bin/",
        "/bin/sh! :: elf x",
        "/usr/",
        "/usr/bin/",
        "/usr/bin/date! :: elf x",
        "/usr/bin/seq! :: elf x",
        "/usr/bin/stat! :: elf x",
        "/usr/bin/tac! :: elf x",
        "/opt/jdk/bin/java! :: elf x",
        "/opt/app/bin/start! :: by /bin/sh % exec \"${JAVA_HOME}/bin/java\" -jar \"$HERE/../app.jar\"",
        "/opt/app/bin/lib/common :: by sh % stat /",
        "/opt/app/conf/hook! :: by /bin/sh % seq 1",
        "/e.sh! :: by /bin/sh % . \"$(dirname \"$0\")/opt/app/bin/lib/common\"; $TOOL x; exec \"$HERE/opt/app/conf/hook\"",
        "/etc/app/environment :: by sh % date",
        "/opt/jobs/one.sh :: by /bin/sh % tac x",
        "/opt/jobs/deep/two.sh :: by /bin/sh % date",
    ]);
    let environment = [("JAVA_HOME", "/opt/jdk"), ("TOOL", "tac -r")];
    let kept = |entrypoint: &[&str]| {
        let closure = closure(&tree, &config(entrypoint, &environment), &[]);
        paths(&tree, &closure).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    for (entrypoint, expected) in [
        (&["/e.sh"][..], &["/usr/bin/stat", "/usr/bin/tac", "/usr/bin/seq"][..]),
        (&["/opt/app/bin/start"], &["/opt/jdk/bin/java"]),
        (&["sh", "-c", "cd /opt/app && conf/hook"], &["/usr/bin/seq"]),
        (&["sh", "-c", "for job in /opt/jobs/*.sh; do sh $job; done"], &["/usr/bin/tac"]),
        (&["sh", "-c", "exec $JAVA_HOME/bin/java -jar x"], &["/opt/jdk/bin/java"]),
        (&["sh", "-c", ". /etc/app/environment && exec $TOOL"], &["/usr/bin/date", "/usr/bin/tac"]),
    ] {
        let kept = kept(entrypoint);
        for path in expected {
            assert!(kept.iter().any(|it| it == path), "{entrypoint:?}: {path}: {kept:?}");
        }
        assert_eq!(
            kept.iter().any(|it| it == "/usr/bin/date"),
            expected.contains(&"/usr/bin/date")
        );
    }
}

#[test]
fn erlang_finds_its_programs_by_its_directories() {
    let tree = tree(&[
        "/bin/",
        "/bin/sh! :: elf x",
        "/usr/",
        "/usr/bin/",
        "/usr/bin/basename! :: elf x",
        "/usr/bin/erl -> ../lib/erlang/bin/erl",
        "/usr/bin/escript -> ../lib/erlang/bin/escript",
        "/usr/lib/erlang/bin/erl! :: by /bin/sh % PROGNAME=`basename \"$0\"`",
        "/usr/lib/erlang/bin/escript! :: elf x",
        "/usr/lib/erlang/bin/start.boot",
        "/usr/lib/erlang/erts-13.1.5/bin/beam.smp! :: elf x",
        "/usr/lib/erlang/erts-13.1.5/bin/erl_child_setup! :: elf x",
        "/usr/lib/erlang/erts-13.1.5/bin/to_erl! :: elf x",
        "/usr/lib/erlang/lib/kernel-8.5/ebin/kernel.app",
        "/usr/lib/erlang/lib/kernel-8.5/src/kernel.erl",
    ]);
    let closure = closure(&tree, &config(&["escript", "/srv/web"], &[]), &[]);
    let kept = paths(&tree, &closure);
    for path in [
        "/bin/sh",
        "/usr/bin/basename",
        "/usr/bin/erl",
        "/usr/lib/erlang/bin/erl",
        "/usr/lib/erlang/bin/start.boot",
        "/usr/lib/erlang/erts-13.1.5/bin/beam.smp",
        "/usr/lib/erlang/erts-13.1.5/bin/erl_child_setup",
        "/usr/lib/erlang/lib/kernel-8.5/ebin/kernel.app",
    ] {
        assert!(kept.contains(&path), "{path}: {kept:?}");
    }
    for path in
        ["/usr/lib/erlang/erts-13.1.5/bin/to_erl", "/usr/lib/erlang/lib/kernel-8.5/src/kernel.erl"]
    {
        assert!(!kept.contains(&path), "{path}");
    }
}

#[test]
fn follows_the_linker_and_every_link_on_the_way() {
    let tree = tree(&[
        "/usr/",
        "/usr/bin/",
        "/lib64 -> usr/lib64",
        "/usr/bin/app! :: needs libz.so.1 :: loads /lib64/ld-linux.so.2",
        "/usr/lib64/ld-linux.so.2! :: elf x",
        "/usr/lib/x86_64-linux-gnu/libz.so.1 -> libz.so.1.2",
        "/usr/lib/x86_64-linux-gnu/libz.so.1.2 :: needs libc.so.6",
        "/usr/lib/x86_64-linux-gnu/libc.so.6 :: elf x",
        "/usr/lib/x86_64-linux-gnu/libunused.so.1 :: elf x",
        "/usr/bin/unused! :: elf x",
    ]);
    let closure = closure(&tree, &config(&["app"], &[]), &[]);
    assert_eq!(closure.programs, ["/usr/bin/app"]);
    assert_eq!(closure.limits, []);
    assert_eq!(
        paths(&tree, &closure),
        [
            "/lib64",
            "/usr/bin/app",
            "/usr/lib/x86_64-linux-gnu/libc.so.6",
            "/usr/lib/x86_64-linux-gnu/libz.so.1",
            "/usr/lib/x86_64-linux-gnu/libz.so.1.2",
            "/usr/lib64/ld-linux.so.2",
        ]
    );
}

#[test]
fn search_paths_are_the_linkers() {
    let tree = tree(&[
        "/app/bin/app! :: needs liba.so libb.so libd.so :: runpath $ORIGIN/../lib",
        "/app/lib/liba.so :: needs libc.so",
        "/opt/extra/libb.so :: elf x",
        "/usr/lib/libb.so :: elf x",
        "/usr/lib/libc.so :: machine 7",
        "/elsewhere/libc.so :: elf x",
        "/etc/ld.so.conf :: text include /etc/ld.so.conf.d/*.conf",
        "/etc/ld.so.conf.d/x.conf :: text # mine|/conf",
        "/conf/libd.so :: elf x",
    ]);
    let config = config(&["/app/bin/app"], &[("LD_LIBRARY_PATH", "/opt/extra")]);
    let closure = closure(&tree, &config, &[]);
    let of = |path: &str| closure.files.get(path).map(|it| it.reason);
    assert_eq!(of("/app/lib/liba.so"), Some(Reason::Linked));
    assert_eq!(of("/opt/extra/libb.so"), Some(Reason::Linked));
    assert_eq!(of("/usr/lib/libb.so"), None);
    // A library for another architecture does not count; one that only its name leads to does.
    assert_eq!(of("/usr/lib/libc.so"), None);
    assert_eq!(of("/elsewhere/libc.so"), Some(Reason::Linked));
    assert_eq!(of("/conf/libd.so"), Some(Reason::Linked));
}

#[test]
fn reports_its_limits() {
    let tree = tree(&[
        "/bin/sh! :: elf x",
        "/usr/bin/git! :: elf x",
        "/bin/app! :: needs libgone.so :: runs /bin/sh /usr/bin/git /etc/x",
        "/bin/open! :: opens libplugin.so",
        "/usr/lib/libplugin.so :: elf x",
    ]);
    let app = closure(&tree, &config(&["/bin/app"], &[]), &[]);
    assert_eq!(
        app.limits,
        [
            Limit::NoLibrary { library: "libgone.so".into(), file: "/bin/app".into() },
            Limit::RunsPrograms {
                file: "/bin/app".into(),
                functions: vec!["execve".into()],
                named: vec!["/bin/sh".into(), "/usr/bin/git".into()],
            },
        ]
    );
    let open = closure(&tree, &config(&["/bin/open"], &[]), &[]);
    assert_eq!(open.files["/usr/lib/libplugin.so"].reason, Reason::Opened);
    assert_eq!(open.limits, [Limit::OpensLibraries { file: "/bin/open".into() }]);
    let none = closure(&tree, &config(&["/bin/none"], &[]), &[]);
    assert_eq!(none.limits, [Limit::NoProgram { program: "/bin/none".into() }]);
    assert_eq!(none.programs, [""; 0]);
}

#[test]
fn scripts_need_their_interpreter_and_commands() {
    let tree = tree(&[
        "/entry.sh! :: by /bin/sh % set -e; if grep -q x /etc/x; then exec \"$@\"; fi",
        "/bin/sh -> dash",
        "/bin/dash! :: elf x",
        "/bin/grep! :: elf x",
        "/bin/cat! :: elf x",
        "/bin/app! :: elf x",
        "/srv/helper.sh! :: by /bin/bash",
        "/bin/bash! :: elf x",
    ]);
    let mut config = config(&["/entry.sh", "app"], &[]);
    config.working_directory = "/srv".into();
    let closure = closure(&tree, &config, &[]);
    assert_eq!(closure.programs, ["/entry.sh", "/bin/app"]);
    assert_eq!(
        paths(&tree, &closure),
        ["/bin/app", "/bin/dash", "/bin/grep", "/bin/sh", "/entry.sh", "/srv/helper.sh"]
    );
    assert_eq!(closure.files["/bin/grep"].reason, Reason::Command);
    assert_eq!(closure.limits, [Limit::Script { file: "/entry.sh".into() }]);
}

#[test]
fn starters_and_shells_run_their_arguments() {
    let tree = tree(&[
        "/sbin/tini! :: elf x",
        "/bin/sh! :: elf x",
        "/bin/app! :: elf x",
        "/bin/other! :: elf x",
    ]);
    for words in [&["tini", "-g", "--", "app", "other"][..], &["sh", "-c", "exec app other"]] {
        let closure = closure(&tree, &config(words, &[]), &[]);
        assert!(closure.files.contains_key("/bin/app"), "{words:?}");
        assert!(!closure.files.contains_key("/bin/other"), "{words:?}");
    }
}

#[test]
fn python_brings_its_library_and_no_installer() {
    let tree = tree(&[
        "/usr/bin/python3 -> python3.11",
        "/usr/bin/python3.11! :: elf x",
        "/usr/lib/python3.11/os.py",
        "/usr/lib/python3.11/ensurepip/x.py",
        "/usr/lib/python3.11/lib-dynload/_ssl.so :: needs libssl.so.3",
        "/usr/lib/libssl.so.3 :: elf x",
        "/usr/lib/python3/dist-packages/flask/app.py",
        "/usr/lib/python3/dist-packages/pip/x.py",
        "/venv/bin/python -> /usr/bin/python3",
        "/venv/pyvenv.cfg :: text home = /usr/bin",
        "/venv/lib/python3.11/site-packages/mine.py",
        "/app/main.py",
        "/app/templates/x.html",
        "/usr/local/lib/python2.7/old.py",
    ]);
    let kept = closure(&tree, &config(&["/venv/bin/python", "/app/main.py"], &[]), &[]);
    assert_eq!(
        paths(&tree, &kept),
        [
            "/app/main.py",
            "/app/templates/x.html",
            "/usr/bin/python3",
            "/usr/bin/python3.11",
            "/usr/lib/libssl.so.3",
            "/usr/lib/python3.11/lib-dynload/_ssl.so",
            "/usr/lib/python3.11/os.py",
            "/usr/lib/python3/dist-packages/flask/app.py",
            "/venv/bin/python",
            "/venv/lib/python3.11/site-packages/mine.py",
            "/venv/pyvenv.cfg",
        ]
    );
}

#[test]
fn name_services_locales_and_conversions_come_with_the_c_library() {
    let lines = [
        "/bin/app! :: needs libc.so.6 :: converts x",
        "/lib/libc.so.6 :: elf x",
        "/lib/libnss_files.so.2 :: elf x",
        "/lib/libnss_ldap.so.2 :: needs libldap.so",
        "/lib/libnss_other.so.2 :: elf x",
        "/lib/libldap.so :: elf x",
        "/etc/nsswitch.conf :: text passwd: files ldap # other",
        "/usr/lib/locale/C.utf8/LC_CTYPE",
        "/usr/lib/locale/de_DE.utf8/LC_CTYPE",
        "/usr/lib/locale/fr_FR.utf8/LC_CTYPE",
        "/usr/lib/gconv/ISO8859-1.so :: elf x",
    ];
    let tree = tree(&lines);
    let kept = closure(&tree, &config(&["/bin/app"], &[("LANG", "de_DE.UTF-8")]), &[]);
    for path in [
        "/lib/libnss_files.so.2",
        "/lib/libnss_ldap.so.2",
        "/lib/libldap.so",
        "/usr/lib/locale/C.utf8/LC_CTYPE",
        "/usr/lib/locale/de_DE.utf8/LC_CTYPE",
        "/usr/lib/gconv/ISO8859-1.so",
    ] {
        assert!(kept.files.contains_key(path), "{path}");
    }
    for path in ["/lib/libnss_other.so.2", "/usr/lib/locale/fr_FR.utf8/LC_CTYPE"] {
        assert!(!kept.files.contains_key(path), "{path}");
    }
}

#[test]
fn circles_end() {
    let tree = tree(&[
        "/bin/app! :: needs liba.so",
        "/lib/liba.so :: needs libb.so",
        "/lib/libb.so :: needs liba.so",
        "/app/x -> ../app",
        "/app/y -> y",
        "/a.sh! :: by /a.sh",
    ]);
    let mut config = config(&["/bin/app"], &[]);
    config.working_directory = "/app".into();
    assert!(closure(&tree, &config, &[]).files.contains_key("/lib/libb.so"));
    let a = RequestedFile { path: "/a.sh".into(), of: "--keep".into(), run: true };
    let asked = closure(&tree, &ImageConfig::default(), &[a]);
    assert!(asked.files.contains_key("/a.sh"));
}

#[test]
fn programs_and_shells_bring_what_they_start() {
    let tree = tree(&[
        "/bin/sh! :: elf x",
        "/bin/tar! :: elf x",
        "/bin/gzip! :: elf x",
        "/bin/bzip2! :: elf x",
        "/bin/date! :: elf x",
        "/app/start.sh :: by /bin/sh % tar xf a; date",
    ]);
    let closure = closure(&tree, &config(&["sh", "/app/start.sh"], &[]), &[]);
    assert_eq!(
        paths(&tree, &closure),
        ["/app/start.sh", "/bin/bzip2", "/bin/date", "/bin/gzip", "/bin/sh", "/bin/tar"]
    );
}
