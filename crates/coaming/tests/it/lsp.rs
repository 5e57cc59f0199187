//! `coaming lsp`: a scripted client speaks to the real program over standard input and output.

use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::coaming;

/// A client with its server.
struct Client {
    child: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    /// Messages that were not asked for yet.
    kept: Vec<Value>,
    root: PathBuf,
    next: i64,
}

impl Client {
    /// Starts the server in a workspace.
    fn start(root: &Path, more: Value) -> Self {
        let mut child = coaming(&["lsp"])
            .current_dir(root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            while let Some(message) = read(&mut output) {
                drop(sender.send(message));
            }
        });
        let input = child.stdin.take().unwrap();
        let root = root.to_path_buf();
        let mut client = Self { child, input, messages, kept: Vec::new(), root, next: 0 };
        let workspace = json!({"uri": client.uri(""), "name": "workspace"});
        let capabilities = json!({"workspace": {"workspaceEdit": {"documentChanges": true},
            "didChangeWatchedFiles": {"dynamicRegistration": true}}});
        let started = client.ask(
            "initialize",
            json!({"processId": null, "capabilities": capabilities, "workspaceFolders": [workspace],
                "initializationOptions": more}),
        );
        assert_eq!(started["serverInfo"]["name"], "coaming");
        client.say("initialized", json!({}));
        client
    }

    fn uri(&self, file: &str) -> String {
        format!("file://{}", self.root.join(file).display())
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.input.flush().unwrap();
    }

    fn say(&mut self, method: &str, parameters: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": parameters}));
    }

    /// The first message that fits; others are kept.
    fn wait(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(place) = self.kept.iter().position(&fits) {
            return self.kept.remove(place);
        }
        loop {
            let message = self.messages.recv_timeout(Duration::from_secs(30));
            let message = message.unwrap_or_else(|_| panic!("nothing fits in {:#?}", self.kept));
            if fits(&message) {
                return message;
            }
            self.kept.push(message);
        }
    }

    fn ask(&mut self, method: &str, parameters: Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": parameters}));
        let mut answer = self.wait(|it| it["id"] == id && it.get("method").is_none());
        assert!(answer.get("error").is_none(), "{answer}");
        answer["result"].take()
    }

    fn open(&mut self, file: &str, text: &str) {
        let document = json!({"uri": self.uri(file), "languageId": "yaml", "version": 1,
            "text": text});
        self.say("textDocument/didOpen", json!({"textDocument": document}));
    }

    /// Replaces the first `from` in `text` by `to`, as a keystroke does.
    fn edit(&mut self, file: &str, version: i64, text: &str, from: &str, to: &str) -> String {
        let start = text.find(from).unwrap();
        let at = |byte: usize| {
            let before = &text[..byte];
            let line = before.matches('\n').count();
            let column = before.rsplit('\n').next().unwrap().encode_utf16().count();
            json!({"line": line, "character": column})
        };
        let range = json!({"start": at(start), "end": at(start + from.len())});
        let document = json!({"uri": self.uri(file), "version": version});
        let changes = json!([{"range": range, "text": to}]);
        self.say(
            "textDocument/didChange",
            json!({"textDocument": document, "contentChanges": changes}),
        );
        text.replacen(from, to, 1)
    }

    /// The next diagnostics of a file, of this version.
    fn diagnostics(&mut self, file: &str, version: i64) -> Vec<Value> {
        let uri = self.uri(file);
        let mut message = self.wait(|it| {
            it["method"] == "textDocument/publishDiagnostics"
                && it["params"]["uri"] == uri.as_str()
                && it["params"]["version"] == version
        });
        serde_json::from_value(message["params"]["diagnostics"].take()).unwrap()
    }

    fn at(&self, file: &str, line: u64, character: u64) -> Value {
        json!({"textDocument": {"uri": self.uri(file)},
            "position": {"line": line, "character": character}})
    }

    fn actions(&mut self, file: &str, line: u64, only: Value) -> Vec<Value> {
        let position = json!({"line": line, "character": 12});
        let parameters = json!({"textDocument": {"uri": self.uri(file)},
            "range": {"start": position, "end": position},
            "context": {"diagnostics": [], "only": only}});
        serde_json::from_value(self.ask("textDocument/codeAction", parameters)).unwrap()
    }

    /// Ends the server as the protocol says.
    fn stop(mut self) {
        assert_eq!(self.ask("shutdown", Value::Null), Value::Null);
        self.say("exit", Value::Null);
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Reads one message; `None` at the end.
fn read(input: &mut impl std::io::BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if input.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        if let Some(number) = line.strip_prefix("Content-Length: ") {
            length = number.trim().parse().ok()?;
        }
    }
    let mut bytes = vec![0; length];
    input.read_exact(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn codes(diagnostics: &[Value]) -> Vec<&str> {
    diagnostics.iter().map(|it| it["code"].as_str().unwrap()).collect()
}

/// Applies the edits of a workspace edit to one text.
fn applied(text: &str, edit: &Value) -> String {
    let edits = edit["documentChanges"][0]["edits"].as_array().unwrap();
    let byte = |position: &Value| {
        let line = usize::try_from(position["line"].as_u64().unwrap()).unwrap();
        let column = usize::try_from(position["character"].as_u64().unwrap()).unwrap();
        text.split_inclusive('\n').take(line).map(str::len).sum::<usize>() + column
    };
    let mut changed = text.to_owned();
    for edit in edits.iter().rev() {
        let range = byte(&edit["range"]["start"])..byte(&edit["range"]["end"]);
        changed.replace_range(range, edit["newText"].as_str().unwrap());
    }
    changed
}

fn workspace(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    directory
}

const POD: &str = "apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  serviceAccountName: web
  containers:
    - name: main
      image: registry.example.com/web:1.2.3
      securityContext:
        privileged: false
";

/// Only a few rules, so that the tests say what they mean.
const CONFIG: &str = "select: [privileged, host-namespaces, suppression, service-account-token]\n";

#[test]
fn diagnostics_follow_the_text_of_the_editor() {
    let directory = workspace(&[("coaming.yaml", CONFIG), ("web.yaml", POD)]);
    let mut client = Client::start(directory.path(), Value::Null);
    client.open("web.yaml", POD);
    let before = client.diagnostics("web.yaml", 1);
    assert!(!codes(&before).contains(&"privileged"), "{before:#?}");

    let text = client.edit("web.yaml", 2, POD, "privileged: false", "privileged: true");
    let found = client.diagnostics("web.yaml", 2);
    let privileged = found.iter().find(|it| it["code"] == "privileged").unwrap();
    assert_eq!(privileged["range"]["start"]["line"], 9);
    assert_eq!(privileged["severity"], 1);
    assert_eq!(privileged["codeDescription"]["href"], "https://coaming.dev/rules/privileged");
    // The file on disk was not touched.
    assert_eq!(std::fs::read_to_string(directory.path().join("web.yaml")).unwrap(), POD);

    // A syntax error is a diagnostic, and the next keystroke repairs it.
    let broken = client.edit("web.yaml", 3, &text, "containers:", "containers: [");
    let found = client.diagnostics("web.yaml", 3);
    assert!(codes(&found).contains(&"unread-input"), "{found:#?}");
    client.edit("web.yaml", 4, &broken, "containers: [", "containers:");
    assert!(codes(&client.diagnostics("web.yaml", 4)).contains(&"privileged"));

    client.say("textDocument/didClose", json!({"textDocument": {"uri": client.uri("web.yaml")}}));
    let uri = client.uri("web.yaml");
    let closed = client
        .wait(|it| it["params"]["uri"] == uri.as_str() && it["params"]["diagnostics"] == json!([]));
    assert_eq!(closed["method"], "textDocument/publishDiagnostics");
    client.stop();
}

#[test]
fn the_rest_of_the_workspace_is_the_world() {
    let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web, namespace: shop}\nautomountServiceAccountToken: false\n";
    let directory =
        workspace(&[("coaming.yaml", CONFIG), ("web.yaml", POD), ("account.yaml", account)]);
    let mut client = Client::start(directory.path(), Value::Null);
    client.open("web.yaml", POD);
    let guarded = client.diagnostics("web.yaml", 1);
    assert!(!codes(&guarded).contains(&"service-account-token"), "{guarded:#?}");
    // The change of an open, unsaved document changes what is found in another one.
    client.open("account.yaml", account);
    client.edit("account.yaml", 2, account, "automountServiceAccountToken: false\n", "");
    let found = client.diagnostics("web.yaml", 1);
    assert!(codes(&found).contains(&"service-account-token"), "{found:#?}");
    client.stop();
}

#[test]
fn actions_fix_and_suppress() {
    let text = POD.replace("privileged: false", "privileged: true");
    let directory = workspace(&[("coaming.yaml", CONFIG), ("web.yaml", &text)]);
    let mut client = Client::start(directory.path(), Value::Null);
    client.open("web.yaml", &text);
    client.diagnostics("web.yaml", 1);
    let actions = client.actions("web.yaml", 9, json!(["quickfix"]));
    let titles: Vec<&str> = actions.iter().map(|it| it["title"].as_str().unwrap()).collect();
    assert!(titles.iter().any(|title| title.contains("may break")), "{titles:?}");
    let fix = actions.iter().find(|it| it["title"].as_str().unwrap().contains("privileged"));
    let fixed = applied(&text, &fix.unwrap()["edit"]);
    assert!(!fixed.contains("privileged: true"), "{fixed}");

    let suppress = actions.iter().find(|it| it["title"].as_str().unwrap().starts_with("Suppress"));
    let suppressed = applied(&text, &suppress.unwrap()["edit"]);
    assert!(
        suppressed.contains("        # coaming: ignore[privileged]\n        privileged: true\n"),
        "{suppressed}"
    );
    // Without a reason it is not accepted; the finding says so until there is one.
    let all = json!([{"text": suppressed}]);
    let document = json!({"uri": client.uri("web.yaml"), "version": 2});
    client.say("textDocument/didChange", json!({"textDocument": document, "contentChanges": all}));
    let found = client.diagnostics("web.yaml", 2);
    assert!(codes(&found).contains(&"suppression") && codes(&found).contains(&"privileged"));
    let reason = "ignore[privileged] it builds images";
    client.edit("web.yaml", 3, &suppressed, "ignore[privileged]", reason);
    let found = client.diagnostics("web.yaml", 3);
    assert!(!codes(&found).contains(&"suppression") && !codes(&found).contains(&"privileged"));
    client.stop();
}

#[test]
fn a_client_that_asks_for_reasons_gets_a_command() {
    let text = POD.replace("privileged: false", "privileged: true");
    let directory = workspace(&[("coaming.yaml", CONFIG), ("web.yaml", &text)]);
    let mut client = Client::start(directory.path(), json!({"asksForReasons": true}));
    client.open("web.yaml", &text);
    client.diagnostics("web.yaml", 1);
    let actions = client.actions("web.yaml", 9, json!(["quickfix"]));
    let command = actions.iter().find(|it| it["command"]["command"] == "coaming.askReason");
    let mut argument = command.unwrap()["command"]["arguments"][0].clone();
    argument["reason"] = json!("it builds\nimages");
    client.ask(
        "workspace/executeCommand",
        json!({"command": "coaming.suppress", "arguments": [argument]}),
    );
    let wanted = client.wait(|it| it["method"] == "workspace/applyEdit");
    let suppressed = applied(&text, &wanted["params"]["edit"]);
    assert!(suppressed.contains("# coaming: ignore[privileged] it builds images\n"));
    client.stop();
}

#[test]
fn everything_safe_is_fixed_at_once() {
    let text = std::fs::read_to_string(crate::root().join("examples/shop/web.yaml"));
    let text = text.unwrap_or_else(|_| POD.to_owned());
    let directory = workspace(&[("web.yaml", &text)]);
    let mut client = Client::start(directory.path(), Value::Null);
    client.open("web.yaml", &text);
    client.diagnostics("web.yaml", 1);
    let actions = client.actions("web.yaml", 0, json!(["source.fixAll"]));
    let fixed = actions.first().map(|action| applied(&text, &action["edit"]));
    // It is what the command line makes of the file.
    let status = coaming(&["fix", "web.yaml"]).current_dir(directory.path()).status().unwrap();
    assert!(status.code().is_some());
    let on_disk = std::fs::read_to_string(directory.path().join("web.yaml")).unwrap();
    assert_eq!(fixed.unwrap_or(text), on_disk);
    client.stop();
}

#[test]
fn hovers_and_lenses_explain() {
    let text = POD.replace("privileged: false", "privileged: true");
    let other = POD.replace("name: web", "name: other").replace("app: web", "app: other");
    let policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: web, namespace: shop}\nspec:\n  podSelector: {matchLabels: {app: web}}\n  ingress: [{from: [{podSelector: {matchLabels: {app: other}}}]}]\n";
    let directory = workspace(&[
        ("coaming.yaml", CONFIG),
        ("web.yaml", &text),
        ("other.yaml", &other),
        ("third.yaml", &other.replace("other", "third")),
        ("policy.yaml", policy),
    ]);
    let mut client = Client::start(directory.path(), Value::Null);
    client.open("web.yaml", &text);
    client.diagnostics("web.yaml", 1);
    let parameters = client.at("web.yaml", 9, 12);
    let hover = client.ask("textDocument/hover", parameters);
    let shown = hover["contents"]["value"].as_str().unwrap();
    assert!(shown.contains("## Why it matters") && shown.contains("**critical**"), "{shown}");

    let parameters = json!({"textDocument": {"uri": client.uri("web.yaml")}});
    let lenses: Vec<Value> =
        serde_json::from_value(client.ask("textDocument/codeLens", parameters)).unwrap();
    assert_eq!(lenses.len(), 2);
    let count = lenses[0]["command"]["title"].as_str().unwrap();
    assert!(count.contains("1 critical"), "{count}");
    let reach = client.ask("codeLens/resolve", lenses[1].clone());
    assert_eq!(reach["command"]["title"], "1 of 2 other workloads can connect");

    let parameters = client.at("web.yaml", 0, 3);
    let hover = client.ask("textDocument/hover", parameters);
    let shown = hover["contents"]["value"].as_str().unwrap();
    assert!(shown.contains("- `shop/other (Pod)`"), "{shown}");
    client.stop();
}

#[test]
fn a_template_leads_to_its_values_and_back() {
    let template = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n    - name: main\n      image: {{ .Values.image | quote }}\n      securityContext:\n        privileged: {{ .Values.privileged }}\n";
    let values = "image: registry.example.com/web:1.2.3\nprivileged: false\n";
    let directory = workspace(&[
        ("coaming.yaml", CONFIG),
        ("chart/Chart.yaml", "apiVersion: v2\nname: chart\nversion: 0.1.0\n"),
        ("chart/values.yaml", values),
        ("chart/templates/web.yaml", template),
    ]);
    let mut client = Client::start(directory.path(), Value::Null);
    client.open("chart/templates/web.yaml", template);
    client.open("chart/values.yaml", values);
    let before = client.diagnostics("chart/templates/web.yaml", 1);
    assert!(!codes(&before).contains(&"privileged"), "{before:#?}");
    client.diagnostics("chart/values.yaml", 1);

    let parameters = client.at("chart/templates/web.yaml", 8, 30);
    let found = client.ask("textDocument/definition", parameters);
    assert_eq!(found[0]["uri"], client.uri("chart/values.yaml"));
    assert_eq!(found[0]["range"]["start"]["line"], 1);
    assert_eq!(found.as_array().unwrap().len(), 1);

    let mut parameters = client.at("chart/values.yaml", 0, 3);
    parameters["context"] = json!({"includeDeclaration": false});
    let found = client.ask("textDocument/references", parameters);
    assert_eq!(found[0]["uri"], client.uri("chart/templates/web.yaml"));
    assert_eq!(found[0]["range"]["start"]["line"], 6);

    // An unsaved value is a finding in the template and in the values.
    client.edit("chart/values.yaml", 2, values, "false", "true");
    assert_eq!(codes(&client.diagnostics("chart/values.yaml", 2)), ["privileged"]);
    let found = client.diagnostics("chart/templates/web.yaml", 1);
    let privileged = found.iter().find(|it| it["code"] == "privileged").unwrap();
    assert_eq!(privileged["range"]["start"]["line"], 8);
    client.stop();
}

#[test]
fn errors_of_the_configuration_are_shown_in_it() {
    let directory = workspace(&[("coaming.yaml", "slect: [ALL]\n"), ("web.yaml", POD)]);
    let mut client = Client::start(directory.path(), Value::Null);
    let uri = client.uri("coaming.yaml");
    let shown = |client: &mut Client| {
        client.wait(|it| it["params"]["uri"] == uri.as_str())["params"]["diagnostics"].clone()
    };
    let errors = shown(&mut client);
    assert_eq!(errors[0]["range"]["start"]["line"], 0);
    assert!(errors[0]["message"].as_str().unwrap().contains("slect"), "{errors}");
    client.open("web.yaml", POD);
    std::fs::write(directory.path().join("coaming.yaml"), CONFIG).unwrap();
    client.say("workspace/didChangeWatchedFiles", json!({"changes": [{"uri": uri, "type": 2}]}));
    assert_eq!(shown(&mut client), json!([]));
    client.diagnostics("web.yaml", 1);
    client.stop();
}

#[test]
fn what_is_not_understood_ends_nothing() {
    let directory = workspace(&[("web.yaml", POD)]);
    let mut client = Client::start(directory.path(), Value::Null);
    client.say("textDocument/didOpen", json!({"nonsense": true}));
    client.say("textDocument/didChange", json!([]));
    client.say("$/unknown", json!({}));
    client.next += 1;
    let id = client.next;
    client.send(&json!({"jsonrpc": "2.0", "id": id, "method": "textDocument/rename",
        "params": {}}));
    let refused = client.wait(|it| it["id"] == id && it.get("error").is_some());
    assert_eq!(refused["error"]["code"], -32601);
    client.open("web.yaml", POD);
    client.diagnostics("web.yaml", 1);
    client.stop();
}

/// Everything the server says and logs about a text whose values are all planted: what it finds, and
/// for each line its reasons, repairs, suppressions and lenses. An edit that writes a value again
/// would show it in the editor's preview and its log of messages.
#[test]
fn no_message_shows_a_value() {
    let mut planted = Vec::new();
    let text: String = include_str!("secrets/places.yaml")
        .split_inclusive('>')
        .map(|part| {
            let Some((before, _)) = part.split_once('<') else { return part.to_owned() };
            let value = format!("tundra{}Q", 70_000 + planted.len());
            planted.push(value.clone());
            before.to_owned() + &value
        })
        .collect();
    assert!(planted.len() > 30);
    let directory = workspace(&[("coaming.yaml", "select: [ALL]\n"), ("web.yaml", &text)]);
    let mut client = Client::start(directory.path(), Value::Null);
    client.open("web.yaml", &text);
    let found = client.diagnostics("web.yaml", 1);
    assert!(codes(&found).iter().any(|code| code.starts_with("plain-secret")), "{found:#?}");
    let mut said = found;
    for line in 0..text.lines().count() as u64 {
        said.extend(client.actions("web.yaml", line, Value::Null));
        let place = client.at("web.yaml", line, 12);
        said.push(client.ask("textDocument/hover", place));
    }
    said.extend(client.actions("web.yaml", 0, json!(["source.fixAll"])));
    let document = json!({"textDocument": {"uri": client.uri("web.yaml")}});
    said.push(client.ask("textDocument/codeLens", document));
    said.append(&mut client.kept);
    let said: Vec<String> = said.iter().map(Value::to_string).collect();
    for value in &planted {
        let shown = said.iter().find(|message| message.contains(value.as_str()));
        assert_eq!(shown, None, "{value} is in a message");
    }
    client.stop();
}
