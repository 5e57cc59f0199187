//! The GitHub Action: `action.yml` is run step by step, as a runner runs a composite action, with an API
//! server that keeps comments.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use coaming_test::http_server::{Server, reply};
use serde_json::{Value, json};

use super::{PRIVILEGED, commit, repository, script, text, yaml};
use crate::root;

/// A run of the action.
struct Run {
    status: i32,
    output: String,
    outputs: BTreeMap<String, String>,
    /// The file that was handed to code scanning.
    sarif: Option<Value>,
}

/// The contexts of expressions: `inputs.path`, `steps.scan.outputs.status`.
type Contexts = BTreeMap<String, String>;

/// Runs the action in a checkout. `event` has the fields of the pull request.
fn run(checkout: &Path, inputs: &[(&str, &str)], event: &[(&str, &str)], api: &str) -> Run {
    let action = yaml("action.yml");
    let mut contexts = Contexts::new();
    contexts.insert("github.action_path".to_owned(), root().display().to_string());
    contexts.insert("github.token".to_owned(), "token".to_owned());
    for (name, input) in action["inputs"].as_object().unwrap() {
        let default = input["default"].as_str().unwrap_or_default();
        let default = substituted(default, &contexts);
        contexts.insert(format!("inputs.{name}"), default);
    }
    for (name, value) in inputs {
        let known = contexts.insert(format!("inputs.{name}"), (*value).to_owned());
        assert!(known.is_some(), "the action has no input `{name}`");
    }
    for (name, value) in event {
        contexts.insert(format!("github.event.pull_request.{name}"), (*value).to_owned());
    }
    let temporary = tempfile::tempdir().unwrap();
    let mut result =
        Run { status: 0, output: String::new(), outputs: BTreeMap::new(), sarif: None };
    for step in action["runs"]["steps"].as_array().unwrap() {
        if step["if"].as_str().is_some_and(|condition| !holds(condition, &contexts)) {
            continue;
        }
        if let Some(uses) = step["uses"].as_str() {
            assert!(uses.starts_with("github/codeql-action/upload-sarif@"), "{uses}");
            let file = substituted(step["with"]["sarif_file"].as_str().unwrap(), &contexts);
            let file = std::fs::read_to_string(file).unwrap();
            result.sarif = Some(serde_json::from_str(&file).unwrap());
            continue;
        }
        assert_eq!(step["shell"], "bash");
        let outputs = temporary.path().join("outputs");
        std::fs::write(&outputs, "").unwrap();
        let mut environment = vec![
            ("GITHUB_OUTPUT".to_owned(), outputs.display().to_string()),
            ("GITHUB_API_URL".to_owned(), api.to_owned()),
            ("GITHUB_REPOSITORY".to_owned(), "acme/shop".to_owned()),
            ("RUNNER_TEMP".to_owned(), temporary.path().display().to_string()),
            ("RUNNER_OS".to_owned(), "Linux".to_owned()),
            ("RUNNER_ARCH".to_owned(), "X64".to_owned()),
            ("COAMING_RELEASES".to_owned(), api.to_owned()),
        ];
        for (name, value) in step["env"].as_object().into_iter().flatten() {
            environment.push((name.clone(), substituted(value.as_str().unwrap(), &contexts)));
        }
        let output =
            script(&substituted(step["run"].as_str().unwrap(), &contexts), checkout, &environment);
        result.output += &text(&output.stdout);
        result.output += &text(&output.stderr);
        if let Some(id) = step["id"].as_str() {
            for line in std::fs::read_to_string(&outputs).unwrap().lines() {
                let (name, value) = line.split_once('=').unwrap();
                contexts.insert(format!("steps.{id}.outputs.{name}"), value.to_owned());
            }
        }
        if !output.status.success() {
            result.status = output.status.code().unwrap();
            break;
        }
    }
    for (name, output) in action["outputs"].as_object().unwrap() {
        let value = substituted(output["value"].as_str().unwrap(), &contexts);
        result.outputs.insert(name.clone(), value);
    }
    result
}

/// The text with `${{ … }}` replaced; what is not set is empty.
fn substituted(text: &str, contexts: &Contexts) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        let (expression, after) = after.split_once("}}").unwrap();
        out += before;
        out += contexts.get(expression.trim()).map_or("", String::as_str);
        rest = after;
    }
    out + rest
}

/// Whether a condition holds: names and comparisons with a text, joined by `&&`.
fn holds(condition: &str, contexts: &Contexts) -> bool {
    let condition = condition.trim().trim_start_matches("${{").trim_end_matches("}}");
    condition.split("&&").all(|part| {
        let value = |name: &str| contexts.get(name.trim()).cloned().unwrap_or_default();
        match part.split_once("==") {
            Some((name, wanted)) => value(name) == wanted.trim().trim_matches('\''),
            None => !value(part).is_empty(),
        }
    })
}

/// A server that keeps the comments of pull request 7.
fn comments(first: Vec<Value>) -> (Server, Arc<Mutex<Vec<Value>>>) {
    let kept = Arc::new(Mutex::new(first));
    let shared = Arc::clone(&kept);
    let server = Server::start(move |_, request, stream| {
        assert_eq!(request.header("authorization"), Some("Bearer token"));
        let mut comments = shared.lock().unwrap();
        let body = || -> Value { serde_json::from_slice(&request.body).unwrap() };
        let list = "/repos/acme/shop/issues/7/comments";
        let one = "/repos/acme/shop/issues/comments/";
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", path) if path.starts_with(list) => {
                let page = if path.ends_with("&page=1") { comments.clone() } else { Vec::new() };
                reply(stream, 200, &[], json!(page).to_string().as_bytes());
            }
            ("POST", path) if path == list => {
                let mut comment = body();
                comment["id"] = json!(comments.len() + 100);
                comments.push(comment);
                reply(stream, 201, &[], b"{}");
            }
            ("PATCH", path) if path.starts_with(one) => {
                let id: u64 = path[one.len()..].parse().unwrap();
                let comment = comments.iter_mut().find(|comment| comment["id"] == id).unwrap();
                comment["body"] = body()["body"].clone();
                reply(stream, 200, &[], b"{}");
            }
            _ => reply(stream, 404, &[], b"{}"),
        }
    });
    (server, kept)
}

fn inputs() -> Vec<(&'static str, &'static str)> {
    vec![("program", env!("CARGO_BIN_EXE_coaming")), ("args", "--min-severity high")]
}

#[test]
fn a_pull_request_is_told_what_is_new_in_one_comment() {
    let other = json!({"id": 1, "body": "Please rebase."});
    let (server, kept) = comments(vec![other]);
    let api = format!("http://{}", server.host);
    // One finding is in the base already.
    let checkout = repository(&[("deploy/old.yaml", PRIVILEGED)]);
    let base = super::git(checkout.path(), &["rev-parse", "HEAD"]);
    let new = PRIVILEGED.replace("name: p,", "name: new,");
    std::fs::write(checkout.path().join("deploy/new.yaml"), new).unwrap();
    commit(checkout.path());
    let event = [("base.sha", base.as_str()), ("number", "7")];
    let first = run(checkout.path(), &inputs(), &event, &api);
    assert_eq!(first.status, 1, "{}", first.output);
    assert!(first.output.contains("::error title="), "{}", first.output);
    assert!(first.output.contains("file=deploy/new.yaml"), "{}", first.output);
    assert!(!first.output.contains("file=deploy/old.yaml"), "{}", first.output);
    let count: usize = first.outputs["findings"].parse().unwrap();
    let results = first.sarif.unwrap();
    let results = results["runs"][0]["results"].as_array().unwrap().clone();
    assert_eq!(results.len(), count);
    assert!(count > 0);
    let comment = |number: usize| kept.lock().unwrap()[number]["body"].as_str().unwrap().to_owned();
    assert_eq!(kept.lock().unwrap().len(), 2);
    assert!(comment(1).starts_with("<!-- coaming -->\n### Coaming:"), "{}", comment(1));
    assert!(comment(1).contains("deploy/new.yaml"));

    // The next push repairs it: the same comment says so, and the job passes.
    std::fs::remove_file(checkout.path().join("deploy/new.yaml")).unwrap();
    commit(checkout.path());
    let second = run(checkout.path(), &inputs(), &event, &api);
    assert_eq!(second.status, 0, "{}", second.output);
    assert_eq!(second.outputs["findings"], "0");
    assert_eq!(kept.lock().unwrap().len(), 2);
    assert!(comment(1).contains("nothing new"), "{}", comment(1));
    assert_eq!(comment(0), "Please rebase.");
    // The base's directory is gone.
    let worktrees = super::git(checkout.path(), &["worktree", "list"]);
    assert_eq!(worktrees.lines().count(), 1, "{worktrees}");
}

/// A server that keeps the suggestions on pull request 7, which shows one file alone.
fn suggestions(shown: &'static str) -> (Server, Arc<Mutex<Vec<Value>>>) {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let shared = Arc::clone(&kept);
    let server = Server::start(move |_, request, stream| {
        let mut kept = shared.lock().unwrap();
        let list = "/repos/acme/shop/pulls/7/comments";
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", path) if path.starts_with(list) => {
                let page = if path.ends_with("&page=1") { kept.clone() } else { Vec::new() };
                reply(stream, 200, &[], json!(page).to_string().as_bytes());
            }
            ("POST", path) if path == list => {
                let comment: Value = serde_json::from_slice(&request.body).unwrap();
                if comment["path"] != shown {
                    return reply(stream, 422, &[], b"{}");
                }
                kept.push(comment);
                reply(stream, 201, &[], b"{}");
            }
            _ => reply(stream, 404, &[], b"{}"),
        }
    });
    (server, kept)
}

/// The text after GitHub applied these suggestions.
fn applied(text: &str, suggestions: &[Value]) -> String {
    let mut lines: Vec<Option<String>> =
        text.lines().map(|line| Some(format!("{line}\n"))).collect();
    for suggestion in suggestions {
        let body = suggestion["body"].as_str().unwrap();
        let new = body.split_once("```suggestion\n").unwrap().1.strip_suffix("```").unwrap();
        let last = usize::try_from(suggestion["line"].as_u64().unwrap()).unwrap();
        let first = suggestion["start_line"].as_u64().map_or(last, |it| it.try_into().unwrap());
        lines[first - 1..last].fill(None);
        lines[last - 1] = Some(new.to_owned());
    }
    lines.into_iter().flatten().collect()
}

#[test]
fn safe_fixes_are_suggested_once_on_the_lines_of_the_pull_request() {
    let (server, kept) = suggestions("deploy/new.yaml");
    let api = format!("http://{}", server.host);
    let pod = PRIVILEGED.replace("  automountServiceAccountToken: false\n", "");
    let checkout = repository(&[("deploy/old.yaml", &pod)]);
    let base = super::git(checkout.path(), &["rev-parse", "HEAD"]);
    let new = pod.replace("name: p,", "name: new,");
    std::fs::write(checkout.path().join("deploy/new.yaml"), &new).unwrap();
    commit(checkout.path());
    let head = super::git(checkout.path(), &["rev-parse", "HEAD"]);
    let event = [("base.sha", base.as_str()), ("head.sha", &head), ("number", "7")];
    let mut inputs = inputs();
    inputs.extend([("suggest", "true"), ("comment", "false"), ("path", "deploy")]);
    let first = run(checkout.path(), &inputs, &event, &api);
    assert!(first.output.contains("fixes are outside the changed lines"), "{}", first.output);
    let made = kept.lock().unwrap().clone();
    assert!(!made.is_empty(), "{}", first.output);
    assert!(made.iter().all(|one| one["commit_id"] == head.as_str() && one["side"] == "RIGHT"));
    // What a click makes is what `fix` makes.
    let fixed = checkout.path().join("deploy/new.yaml");
    let fix = format!("{} fix deploy/new.yaml || true", env!("CARGO_BIN_EXE_coaming"));
    assert!(script(&fix, checkout.path(), &[]).status.success());
    assert_eq!(applied(&new, &made), std::fs::read_to_string(&fixed).unwrap());
    std::fs::write(&fixed, &new).unwrap();
    let second = run(checkout.path(), &inputs, &event, &api);
    assert!(second.output.contains("0 suggestions"), "{}", second.output);
    assert_eq!(kept.lock().unwrap().len(), made.len());
}

#[test]
fn a_push_reports_everything_and_findings_need_not_fail() {
    let checkout = repository(&[("pod.yaml", PRIVILEGED)]);
    let mut inputs = inputs();
    inputs.extend([("fail", "false"), ("path", "pod.yaml")]);
    let done = run(checkout.path(), &inputs, &[], "http://127.0.0.1:9");
    assert_eq!(done.status, 0, "{}", done.output);
    assert_ne!(done.outputs["findings"], "0");
    // What cannot be read fails all the same.
    std::fs::write(checkout.path().join("pod.yaml"), "kind: Pod\napiVersion: v1\nspec: {\n")
        .unwrap();
    let failed = run(checkout.path(), &inputs, &[], "http://127.0.0.1:9");
    assert_eq!(failed.status, 2, "{}", failed.output);
}

#[test]
fn a_release_is_installed_by_its_checksum() {
    // A release with the program under test.
    let release = tempfile::tempdir().unwrap();
    let name = "coaming-x86_64-unknown-linux-musl";
    std::fs::create_dir(release.path().join(name)).unwrap();
    let program = release.path().join(name).join("coaming");
    std::fs::copy(env!("CARGO_BIN_EXE_coaming"), program).unwrap();
    // Quick rather than small.
    let make =
        format!("tar -cf - {name} | gzip -1 > {name}.tar.gz; sha256sum {name}.tar.gz > SHA256SUMS");
    assert!(script(&make, release.path(), &[]).status.success());
    let files = release.path().to_path_buf();
    let damaged = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_damaged = Arc::clone(&damaged);
    let server = Server::start(move |_, request, stream| {
        assert!(request.path.starts_with("/download/v0.1.0/"), "{}", request.path);
        let file = request.path.rsplit('/').next().unwrap();
        let mut bytes = std::fs::read(files.join(file)).unwrap();
        if is_damaged.load(std::sync::atomic::Ordering::Relaxed) && file.ends_with("gz") {
            bytes.push(0);
        }
        reply(stream, 200, &[], &bytes);
    });
    let checkout = repository(&[("pod.yaml", PRIVILEGED)]);
    let api = format!("http://{}", server.host);
    let inputs = [("version", "v0.1.0"), ("sarif", "false")];
    let done = run(checkout.path(), &inputs, &[], &api);
    assert_eq!(done.status, 1, "{}", done.output);
    assert!(done.output.contains("pod.yaml"));
    damaged.store(true, std::sync::atomic::Ordering::Relaxed);
    let refused = run(checkout.path(), &inputs, &[], &api);
    assert_eq!(refused.status, 1);
    assert!(!refused.output.contains("pod.yaml"), "{}", refused.output);
}
