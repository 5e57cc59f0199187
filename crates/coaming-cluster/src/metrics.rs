//! Which admission plugins and authorizers the API server runs, by what it counts (`/metrics`). It is how
//! to see them where a provider runs the server, and its flags cannot be seen.
//!
//! Invariant: a plugin counts as absent only where others were asked about the same operation. The server
//! asks each plugin about every request with an operation that it handles, whatever the object is.

use std::collections::{BTreeMap, BTreeSet};

use coaming_finding::Note;
use coaming_yaml::{Document, from_json};
use futures_util::{AsyncBufReadExt as _, AsyncReadExt as _};
use kube::Client;
use serde_json::{Value, json};

use crate::{ClusterObjects, list};

/// A server with many kinds and clients answers some 10 MiB, of which nothing but names is kept.
const MAX_BYTES: u64 = 256 << 20;
/// The longest line that is looked at.
const MAX_LINE: usize = 4 << 10;
/// How many names are kept at most.
const MAX_NAMES: usize = 256;
const ADMISSION: &str = "apiserver_admission_controller_admission_duration_seconds_count{";
/// Since 1.30.
const AUTHORIZATION: &str = "apiserver_authorization_decisions_total{";

/// Asks the API server.
pub(crate) async fn read(client: &Client, objects: &mut ClusterObjects) {
    match ask(client).await {
        Ok(Some(seen)) => {
            let name = format!("{}/kube-apiserver/metrics", objects.name);
            objects.sources.push(list::named_source(&name, seen.document()));
        }
        // Not served, or not by that name: then a note says that its flags are not seen.
        Ok(None) => {}
        Err(reason) => {
            let message = format!(
                "the admission plugins and authorizers of kube-apiserver are not read: {reason}"
            );
            objects.notes.push(Note { message, count: 1 });
        }
    }
}

async fn ask(client: &Client) -> Result<Option<Seen>, String> {
    let request = http::Request::get("/metrics").header(http::header::ACCEPT, "text/plain");
    let request = request.body(Vec::new()).map_err(|error| error.to_string())?;
    let answer = match client.request_stream(request).await {
        Ok(answer) => answer,
        Err(kube::Error::Api(status)) if status.code == 403 => return Err(status.message.clone()),
        Err(kube::Error::Api(_)) => return Ok(None),
        Err(_) => return Err("the connection broke".to_owned()),
    };
    let mut answer = answer.take(MAX_BYTES);
    let (mut seen, mut line) = (Seen::default(), Vec::new());
    loop {
        line.clear();
        match answer.read_until(b'\n', &mut line).await {
            Ok(0) => break,
            Ok(_) if line.len() > MAX_LINE => {}
            Ok(_) => seen.line(&line),
            Err(_) => return Err("the connection broke".to_owned()),
        }
    }
    Ok((!seen.plugins.is_empty()).then_some(seen))
}

/// What was counted at least once.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    /// The operations about which each admission plugin was asked.
    plugins: BTreeMap<String, BTreeSet<String>>,
    /// The kinds of authorizers that decided.
    authorizers: BTreeSet<String>,
}

impl Seen {
    fn line(&mut self, line: &[u8]) {
        let Ok(line) = std::str::from_utf8(line) else { return };
        let is_counted = line.trim_end().rsplit(' ').next().is_some_and(|count| count != "0");
        if !is_counted || self.plugins.len() + self.authorizers.len() > MAX_NAMES {
            return;
        }
        if let Some(labels) = line.strip_prefix(ADMISSION) {
            let (Some(name), Some(operation)) = (label(labels, "name"), label(labels, "operation"))
            else {
                return;
            };
            self.plugins.entry(name.to_owned()).or_default().insert(operation.to_owned());
        } else if let Some(labels) = line.strip_prefix(AUTHORIZATION)
            && let Some(kind) = label(labels, "type")
        {
            self.authorizers.insert(kind.to_owned());
        }
    }

    /// As an object that rules read.
    fn document(&self) -> Document {
        let object: Value = json!({
            "apiVersion": "metrics.coaming.dev/v1alpha1", "kind": "ComponentMetrics",
            "metadata": {"name": "kube-apiserver"},
            "admissionPlugins": self.plugins, "authorizers": self.authorizers,
        });
        from_json(&object)
    }
}

/// The value of a label. Names of plugins and operations have nothing in them that would be escaped.
fn label<'a>(labels: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = labels.split_once(&format!("{name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    (value.len() <= 64 && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
        .then_some(value)
}

#[cfg(test)]
mod tests {
    use coaming_kube::Fields as _;

    use super::*;

    #[test]
    fn what_was_counted_is_seen() {
        let mut seen = Seen::default();
        let text = "\
# TYPE apiserver_admission_controller_admission_duration_seconds histogram
apiserver_admission_controller_admission_duration_seconds_bucket{name=\"A\",operation=\"CREATE\",rejected=\"false\",type=\"admit\",le=\"0.005\"} 9
apiserver_admission_controller_admission_duration_seconds_count{name=\"B\",operation=\"CREATE\",rejected=\"false\",type=\"admit\"} 9
apiserver_admission_controller_admission_duration_seconds_count{name=\"B\",operation=\"UPDATE\",rejected=\"true\",type=\"validate\"} 1
apiserver_admission_controller_admission_duration_seconds_count{name=\"C\",operation=\"UPDATE\",rejected=\"true\",type=\"validate\"} 0
apiserver_admission_controller_admission_duration_seconds_count{name=\"D\n\",operation=\"UPDATE\"} 2
apiserver_authorization_decisions_total{decision=\"allowed\",name=\"rbac\",type=\"RBAC\"} 3
apiserver_authorization_decisions_total{decision=\"denied\",name=\"w\",type=\"Webhook\"} 0
";
        text.lines().for_each(|line| seen.line(line.as_bytes()));
        seen.line(b"\xff\n");
        let operations = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let plugins = BTreeMap::from([("B".to_owned(), operations(&["CREATE", "UPDATE"]))]);
        assert_eq!(seen, Seen { plugins, authorizers: operations(&["RBAC"]) });
        let document = seen.document();
        assert_eq!(document.root().string("kind"), Some("ComponentMetrics"));
    }
}
