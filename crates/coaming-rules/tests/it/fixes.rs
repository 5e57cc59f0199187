//! The fixes of all rules, on their own examples and on the corpus: text edits and JSON Patch give
//! the same object, and what was fixed is gone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use coaming_finding::{Applicability, DocumentEdits, Finding};
use coaming_kube::{Source, SourceKind, World, looks_like_kubernetes};
use coaming_rules::{Images, Input, RuleSet, Settings, all, run};
use coaming_yaml::edit::{EditError, apply, apply_to_text, to_json_patch};

/// Every YAML file below a directory, in order.
fn yaml_files(directory: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            yaml_files(&path, found);
        } else if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
            found.push(path);
        }
    }
}

fn texts() -> Vec<(String, String)> {
    let mut texts: Vec<(String, String)> = all()
        .iter()
        .filter_map(|rule| {
            let bad = rule.meta.docs.split(" ## Bad\n").nth(1).unwrap();
            // Examples of Dockerfiles are edited as plain text.
            let block = bad.split("```yaml\n").nth(1)?.split("```").next().unwrap();
            let lines =
                block.lines().map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line)));
            Some((rule.meta.id.to_string(), lines.collect()))
        })
        .collect();
    match std::env::var_os("COAMING_CORPUS").map(PathBuf::from) {
        Some(corpus) => {
            let mut files = Vec::new();
            yaml_files(&corpus, &mut files);
            assert!(files.len() > 100, "the corpus is not there");
            for file in files {
                // Some files are no UTF-8, by intent.
                if let Ok(text) = std::fs::read_to_string(&file) {
                    texts.push((file.display().to_string(), text));
                }
            }
        }
        None => coaming_test::skip!("the corpus: COAMING_CORPUS is not set"),
    }
    texts
}

/// A file, with the texts open that hold manifests and values.
fn source(text: &str) -> Source {
    let stream = coaming_yaml::parse(Arc::from(text));
    assert_eq!(stream.errors, [], "{text}");
    let documents = stream.documents.into_iter().filter(looks_like_kubernetes).collect();
    Source::new("file.yaml", stream.source, documents)
}

fn findings(text: &str) -> Vec<Finding> {
    let world = World::new(vec![source(text)]);
    let (images, settings) = (Images::default(), Settings::default());
    let input = Input::new(&world, &images, &settings);
    run(input, &RuleSet::matching(|_| true), Vec::new())
}

/// The text and the patched value after the edits; `None` where an edit would change what an anchor
/// shares, which both back ends of text refuse and JSON has no notion of.
fn both(text: &str, edits: &DocumentEdits) -> Option<(String, serde_json::Value)> {
    let source = source(text);
    let document = &source.documents()[edits.document as usize];
    let changes = match apply(text, document, &edits.edits) {
        Ok(changes) => changes,
        Err(EditError::SharedAnchor { .. } | EditError::Merged { .. }) => return None,
        Err(error) => panic!("{error}: {:?}", edits.edits),
    };
    let patch = to_json_patch(document.root(), &edits.edits).unwrap();
    let patch: json_patch::Patch = serde_json::from_value(patch).unwrap();
    let mut value = document.root().to_json();
    json_patch::patch(&mut value, &patch).unwrap();
    Some((apply_to_text(text, &changes), value))
}

#[test]
fn text_and_patch_give_the_same_object() {
    let mut fixes = 0;
    for (name, text) in texts() {
        if !coaming_yaml::parse(Arc::from(text.as_str())).errors.is_empty() {
            continue;
        }
        for finding in findings(&text) {
            for edits in finding.fix.iter().flat_map(|fix| &fix.edits) {
                let Some((after, value)) = both(&text, edits) else { continue };
                let written = source(&after).documents()[edits.document as usize].root().to_json();
                assert_eq!(written, value, "{name}: {}", finding.rule.id);
                fixes += 1;
            }
        }
    }
    assert!(fixes > 30, "{fixes} fixes were tried");
}

#[test]
fn a_manifest_in_a_text_is_not_repaired_as_safe() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  pod: |\n    apiVersion: v1\n    kind: Pod\n    metadata: {name: p}\n    spec: {containers: [{name: a, image: registry.example.com/web:1.4.2}]}\n";
    let found = findings(text);
    let token = found.iter().find(|it| it.rule.id.as_str() == "service-account-token").unwrap();
    assert_eq!(token.object.as_ref().unwrap().name, "p");
    assert_eq!(token.fix.as_ref().unwrap().applicability, Applicability::Unsafe);
}

#[test]
fn a_server_on_a_low_port_of_the_node_keeps_what_it_needs_to_listen() {
    let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {hostNetwork: true, containers: [{name: a, image: 'nginx:1.27.0'}]}\n";
    let edits = |text: &str| {
        let fixes = findings(text).into_iter().filter_map(|finding| finding.fix);
        let edits = fixes.flat_map(|fix| fix.edits).flat_map(|document| document.edits);
        format!("{:?}", edits.collect::<Vec<_>>())
    };
    let found = edits(text);
    assert!(!found.contains("runAsNonRoot") && found.contains("NET_BIND_SERVICE"), "{found}");
    let own = text.replace("hostNetwork: true, ", "");
    let found = edits(&own);
    assert!(found.contains("runAsNonRoot") && found.contains("ip_unprivileged_port_start"));
}

#[test]
fn a_command_that_writes_among_the_files_of_the_image_keeps_its_file_system() {
    let edits = |fields: &str| {
        let text = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a, namespace: b}}\nspec:\n  automountServiceAccountToken: false\n  containers: [{{name: a, image: 'registry.example.com/a:1.0.0', {fields}}}]\n"
        );
        let finding = findings(&text)
            .into_iter()
            .find(|finding| finding.rule.id.as_str() == "missing-security-context")
            .unwrap();
        format!("{:?}", finding.fix.unwrap().edits)
    };
    for (fields, is_read_only, is_non_root) in [
        ("command: [sh, -c, 'echo a > /opt/a/config; exec a']", false, true),
        ("command: [sh, -c, 'touch /ready; exec a']", false, false),
        ("command: [sh, -c, 'sed -i s/a/b/ /etc/nginx/nginx.conf; exec a']", false, false),
        ("command: [sh, -c, 'mkdir -p /root/.kube; exec a']", false, false),
        ("command: [sh, -c, 'chmod +x /scripts/a.sh; exec a']", false, true),
        ("command: [sh, -c, 'npm run build && npm start']", false, true),
        ("command: [mvn, 'spring-boot:run']", false, true),
        (
            "command: [sh, -c, 'echo a > b'], workingDir: /w, volumeMounts: [{name: w, mountPath: /w}]",
            true,
            true,
        ),
        ("command: [sh, -c, 'echo a > /data/config; exec a']", true, true),
        ("command: [sh, -c, 'exec a > /dev/null 2>/dev/stderr']", true, true),
        (
            "command: [sh, -c, 'echo a > /etc/a/config'], volumeMounts: [{name: c, mountPath: /etc/a/}]",
            true,
            true,
        ),
    ] {
        let edits = edits(fields);
        assert_eq!(edits.contains("readOnlyRootFilesystem"), is_read_only, "{fields}: {edits}");
        assert_eq!(edits.contains("runAsNonRoot"), is_non_root, "{fields}: {edits}");
        // A volume would hide the script.
        assert!(!edits.contains("/scripts"), "{edits}");
    }
}

/// What a read-only root file system gets with a command.
#[derive(Debug, PartialEq, Eq)]
enum Root<'a> {
    /// It is not offered: the program would not start.
    Kept,
    /// It is offered, with volumes at these directories.
    ReadOnly(&'a [&'a str]),
}

#[test]
fn commands_as_people_write_them_start_with_what_unsafe_fixes_write() {
    use Root::{Kept, ReadOnly};
    for (command, expected) in [
        ("[java, -jar, /app/app.jar]", ReadOnly(&["/tmp"])),
        ("[sh, -c, 'exec java $JAVA_OPTS -jar app.jar']", ReadOnly(&["/tmp"])),
        ("[sh, -c, 'cd /app && java -jar app.jar']", ReadOnly(&["/tmp"])),
        ("[sh, -c, 'cd /app && npm run build && npm start']", Kept),
        ("[npm, run, 'start:dev']", Kept),
        ("[npm, start]", ReadOnly(&["/tmp"])),
        ("[sh, -c, 'cd $HOME/src && go run .']", Kept),
        ("[sh, -c, 'python manage.py migrate && gunicorn app.wsgi -b :8000']", ReadOnly(&["/tmp"])),
        ("[sh, -c, 'python manage.py collectstatic --noinput && gunicorn app.wsgi']", Kept),
        ("[celery, -A, app, worker]", ReadOnly(&["/tmp"])),
        ("[celery, -A, app, beat]", Kept),
        ("[celery, -A, app, beat, -s, /tmp/schedule]", ReadOnly(&["/tmp"])),
        ("[bundle, exec, rails, server, -b, 0.0.0.0]", Kept),
        ("[bundle, exec, puma, -C, config/puma.rb]", ReadOnly(&["/tmp"])),
        ("[php, artisan, 'queue:work']", Kept),
        ("[apache2-foreground]", ReadOnly(&["/run/lock", "/tmp", "/var/run/apache2"])),
        ("[dotnet, App.dll]", ReadOnly(&["/tmp"])),
        ("[dotnet, run]", Kept),
        ("[nginx, -g, 'daemon off;']", Kept),
        ("[/usr/bin/supervisord, -n]", Kept),
        ("[pm2-runtime, start, ecosystem.config.js]", Kept),
        ("[crond, -f]", Kept),
        ("[jupyter, lab, '--ip=0.0.0.0']", Kept),
        ("[streamlit, run, app.py]", Kept),
        ("[prometheus, '--storage.tsdb.path=/prometheus']", ReadOnly(&["/prometheus"])),
        ("[sh, -c, 'pg_dump app > /backup/app.sql']", ReadOnly(&["/backup"])),
        ("[redis-server, --appendonly, 'yes']", ReadOnly(&[])),
        ("[/manager, --leader-elect]", ReadOnly(&[])),
    ] {
        let text = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a, namespace: b}}\nspec:\n  automountServiceAccountToken: false\n  containers: [{{name: a, image: 'registry.example.com/a:1.0.0', command: {command}}}]\n"
        );
        let found = findings(&text);
        let finding = found.into_iter().find(|it| it.rule.id == *"missing-security-context");
        let documents = finding.unwrap().fix.unwrap().edits;
        let edits = format!("{:?}", documents);
        let mounts: Vec<&str> = edits
            .split("\"mountPath\", Str(\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        let is_read_only = edits.contains("readOnlyRootFilesystem");
        let root = if is_read_only { ReadOnly(&mounts) } else { Kept };
        assert_eq!(root, expected, "{command}: {edits}");
    }
}

#[test]
fn commands_are_read_in_every_form_of_run() {
    let found = |run: &str| {
        let text = format!("FROM alpine:3.20\nRUN {run}\nUSER 10001\n");
        let file = Source::text("Dockerfile", Arc::from(text.as_str()), SourceKind::Dockerfile);
        let world = World::new(vec![file]);
        let (images, settings) = (Images::default(), Settings::default());
        let input = Input::new(&world, &images, &settings);
        let rules = RuleSet::matching(|rule| rule.meta.id == *"package-lists");
        run_rules(input, &rules)
    };
    for (run, can_be_fixed) in [
        ("apk add curl", true),
        ("[\"apk\", \"add\", \"curl\"]", false),
        ("[\"/bin/ash\", \"-e\", \"-c\", \"apk add curl\"]", false),
        ("--mount=type=secret,id=a --network=none apk \\\n# why\n  add curl", true),
        ("<<EOF\nset -e\napk add curl\nEOF", true),
        ("ash <<'EOF'\napk add curl\nEOF", true),
        ("ash -c 'apk add curl'", true),
    ] {
        let findings = found(run);
        assert_eq!(findings.len(), 1, "{run}");
        if !can_be_fixed {
            let fix = findings[0].fix.as_ref().unwrap();
            assert_eq!(fix.applicability, Applicability::Manual, "{run}");
        }
    }
}

fn run_rules(input: Input<'_>, rules: &RuleSet) -> Vec<Finding> {
    run(input, rules, Vec::new())
}
