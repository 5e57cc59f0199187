//! Where a manifest tells its application which port to listen on: an option or a variable.
//!
//! Invariant: only settings whose names say that the application itself listens are found;
//! `--upstream=http://db:80` is the port of somebody else.

use coaming_kube::{Container, Fields as _};
use coaming_yaml::Node;
use coaming_yaml::edit::{Edit, Value};

/// Names of options and variables, in lower case and without `-`, `_` and `.`.
const NAMES: &[&str] = &[
    "addr",
    "address",
    "appport",
    "aspnetcorehttpports",
    "aspnetcoreurls",
    "bind",
    "bindaddr",
    "bindaddress",
    "bindport",
    "containerport",
    "httpaddr",
    "httpaddress",
    "httplisten",
    "httplistenaddr",
    "httplistenaddress",
    "httpport",
    "httpsport",
    "listen",
    "listenaddr",
    "listenaddress",
    "listenport",
    "port",
    "serveraddr",
    "serveraddress",
    "serverport",
    "serviceport",
    "urls",
    "webaddr",
    "weblistenaddress",
    "webport",
];

/// What may be before the port in an address to listen on.
const ANY_HOST: &[&str] = &["", "*", "+", "0.0.0.0", "[::]", "localhost", "127.0.0.1"];

/// The edits that set the new port wherever the container gets the old one.
pub(super) fn edits(container: Container<'_>, old: i64, new: i64) -> Vec<Edit> {
    let node = container.node();
    let words = ["command", "args"].into_iter().flat_map(|field| {
        let items: Vec<Node<'_>> = node.list(field).collect();
        of_words(&items, old, new)
    });
    let variables = node.list("env").filter_map(|variable| {
        let value = variable.field("value")?;
        let text = moved(value.as_str()?, old, new)
            .filter(|_| variable.string("name").is_some_and(is_name))?;
        Some(set(value, text))
    });
    words.chain(variables).collect()
}

fn of_words(words: &[Node<'_>], old: i64, new: i64) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut before = "";
    for word in words {
        let Some(text) = word.as_str() else { continue };
        let option = std::mem::replace(&mut before, text);
        let own = text.split_once('=').filter(|(name, _)| is_option(name));
        let moved_text = match own {
            Some((name, value)) => moved(value, old, new).map(|value| format!("{name}={value}")),
            None if is_option(option) => moved(text, old, new),
            None => None,
        };
        edits.extend(moved_text.map(|text| set(*word, text)));
    }
    edits
}

fn set(node: Node<'_>, text: String) -> Edit {
    Edit::Set { path: node.path(), value: Value::Str(text) }
}

fn is_option(text: &str) -> bool {
    matches!(text, "-p" | "-l" | "-b") || text.starts_with('-') && is_name(text)
}

fn is_name(text: &str) -> bool {
    let name: String =
        text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    NAMES.contains(&name.as_str())
}

/// The address with the new port, if it is one of this pod with the old port.
fn moved(text: &str, old: i64, new: i64) -> Option<String> {
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let rest = host.strip_prefix("http://").or_else(|| host.strip_prefix("tcp://")).unwrap_or(host);
    let is_own = port == old.to_string() && ANY_HOST.contains(&rest);
    is_own.then(|| {
        let end = text.len() - port.len();
        format!("{}{new}", text.get(..end).unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use coaming_kube::{Source, World};

    use super::*;

    fn found(fields: &str) -> Vec<String> {
        let text = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {{containers: [{{name: a, {fields}}}]}}\n"
        );
        let stream = coaming_yaml::parse(Arc::from(text.as_str()));
        let world = World::new(vec![Source::new("a.yaml", stream.source, stream.documents)]);
        let workload = world.workloads().next().unwrap();
        let container = workload.pod().containers().next().unwrap();
        edits(container, 80, 8080)
            .into_iter()
            .map(|edit| match edit {
                Edit::Set { value: Value::Str(text), .. } => text,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn settings_of_the_application_itself() {
        for (fields, expected) in [
            ("args: [--port=80]", &["--port=8080"][..]),
            ("args: [--http.port, '80']", &["8080"]),
            ("args: ['-listen=:80', -v]", &["-listen=:8080"]),
            ("command: [app, -p, '80']", &["8080"]),
            ("env: [{name: PORT, value: '80'}]", &["8080"]),
            ("env: [{name: ASPNETCORE_URLS, value: 'http://+:80'}]", &["http://+:8080"]),
            ("env: [{name: BIND_ADDR, value: '0.0.0.0:80'}]", &["0.0.0.0:8080"]),
            ("args: ['--upstream=http://db:80', --level, '80', '--port=8081']", &[]),
            ("env: [{name: REDIS_PORT, value: '80'}, {name: PORT, value: '8081'}]", &[]),
            ("args: ['--listen=http://db:80']", &[]),
        ] {
            assert_eq!(found(fields), expected, "{fields}");
        }
    }
}
