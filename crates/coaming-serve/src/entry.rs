//! Pods that have secrets are not entered: what runs in them reads their files.
//!
//! * `exec` and `attach`, in namespaces that ask for it by the label `coaming.dev/exec: refuse`; the
//!   label `coaming.dev/break-glass: REASON` beside it allows them, with an audit annotation, a warning
//!   and an event. Who changes one of the two needs the right to change policies.
//! * The same by way of the node: anyone who may use `nodes/proxy` reaches the kubelet, which runs commands in
//!   all of its pods and asks no API server.
//! * Debuggers of servers before 1.23, whose requests do not contain the pod.
//!
//! Invariant: only what is known not to have secrets is entered. If the pod cannot be read, there is no
//! answer, and the webhook's failure policy (`Fail`) refuses.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use coaming_admission::{BREAK_GLASS_LABEL, EXEC_LABEL, Operation, Request, Verdict};
use coaming_kube::{Fields as _, World};
use coaming_text::Printable;
use coaming_vault::ANNOTATION;
use kube::api::DynamicObject;
use kube::{Client, Error};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::cluster::Selection;
use crate::grants::annotation;
use crate::{log, status};

/// How many events wait to be written; what is more is only logged.
const MAX_WAITING: usize = 64;
/// The same event is not written again for this long: controllers try for ever.
const QUIET: Duration = Duration::from_secs(300);
/// The pause after an event.
const PACE: Duration = Duration::from_millis(200);
/// How many grants of one pod get an event.
const MAX_GRANTS: usize = 8;
/// How many events are remembered.
const MAX_REMEMBERED: usize = 1024;

/// Judges who enters a pod, and writes events about what was refused.
pub(crate) struct Entry {
    client: Client,
    world: Arc<ArcSwap<World>>,
    events: mpsc::Sender<Notice>,
}

/// An event to write.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Notice {
    kind: &'static str,
    api_version: &'static str,
    namespace: String,
    name: String,
    reason: &'static str,
    message: String,
}

impl Entry {
    pub(crate) fn new(client: Client, world: Arc<ArcSwap<World>>) -> Self {
        let (events, waiting) = mpsc::channel(MAX_WAITING);
        tokio::spawn(write(client.clone(), waiting));
        Self { client, world, events }
    }

    /// The verdict on a request to enter a pod; `None` if the request is another, or the pod has no
    /// secrets.
    pub(crate) async fn judge(&self, request: &Request) -> Result<Option<Verdict>, Error> {
        let Some(Entered { way, namespace, pod: name }) = entered(request) else { return Ok(None) };
        let labels = Labels::of(&self.world.load(), &namespace);
        if way != DEBUGGER && !labels.refuses {
            return Ok(None);
        }
        if !self.has_secrets(&namespace, &name).await? {
            return Ok(None);
        }
        let pod = Printable(&name).to_string();
        let reason = labels.break_glass.filter(|reason| way != DEBUGGER && !reason.is_empty());
        let Some(reason) = reason else {
            return Ok(Some(Verdict { refusal: Some(refusal(way, &pod)), ..Verdict::default() }));
        };
        let user = Printable(&request.user.username);
        let text = format!("{way} by {user}: {}", Printable(&reason));
        log::say(format_args!("break-glass: {}/{pod}: {text}", Printable(&namespace)));
        self.notify(Notice {
            kind: "Pod",
            api_version: "v1",
            namespace,
            name,
            reason: "BreakGlass",
            message: format!("a pod with secrets is entered: {text}"),
        });
        Ok(Some(Verdict {
            warnings: vec![format!(
                "pod `{pod}` has secrets, and this is recorded: {BREAK_GLASS_LABEL} is set"
            )],
            audit_annotations: BTreeMap::from([("break-glass".to_owned(), text)]),
            ..Verdict::default()
        }))
    }

    /// Writes an event about a pod that was not granted what it asks for, to each of the grants that
    /// it names. A pod that is refused does not exist, and has no events.
    pub(crate) fn refused(&self, request: &Request, reason: &str) {
        let Ok(Some(object)) = request.object() else { return };
        let names = annotation(&object).split(',').map(str::trim).filter(|name| !name.is_empty());
        let account = object.pointer("/spec/serviceAccountName").and_then(Value::as_str);
        let account = Printable(account.unwrap_or("default"));
        for name in names.take(MAX_GRANTS) {
            self.notify(Notice {
                kind: "SecretGrant",
                api_version: "coaming.dev/v1alpha1",
                namespace: request.namespace.clone(),
                name: name.to_owned(),
                reason: "SecretRefused",
                message: format!("a pod of service account `{account}` is refused: {reason}"),
            });
        }
    }

    fn notify(&self, notice: Notice) {
        // While no event can be written, the log has it.
        if self.events.try_send(notice).is_err() {
            log::say("too many events about secrets wait to be written: one is left out");
        }
    }

    async fn has_secrets(&self, namespace: &str, name: &str) -> Result<bool, Error> {
        let pods = Selection::all("", "v1", "Pod", "pods").in_namespace(namespace);
        let pod: Option<DynamicObject> = pods.api(&self.client).get_opt(name).await?;
        let annotations = pod.and_then(|pod| pod.metadata.annotations).unwrap_or_default();
        Ok(annotations.get(ANNOTATION).is_some_and(|names| !names.trim().is_empty()))
    }
}

/// Our labels of a namespace.
#[derive(Debug, PartialEq)]
struct Labels {
    refuses: bool,
    break_glass: Option<String>,
}

impl Labels {
    /// A namespace that is not known yet refuses: API servers ask about those that do.
    fn of(world: &World, namespace: &str) -> Self {
        let Some(found) = world.find("Namespace", "", namespace) else {
            return Self { refuses: true, break_glass: None };
        };
        let labels = found.metadata().mapping("labels");
        Self {
            refuses: labels.string(EXEC_LABEL) == Some("refuse"),
            break_glass: labels.string(BREAK_GLASS_LABEL).map(str::to_owned),
        }
    }
}

const DEBUGGER: &str = "a debugger";

/// How a request enters a pod.
#[derive(Debug, PartialEq)]
struct Entered {
    way: &'static str,
    namespace: String,
    pod: String,
}

/// How a request enters a pod, if it does.
fn entered(request: &Request) -> Option<Entered> {
    let way = match (request.operation, request.subresource.as_str()) {
        (Operation::Connect, "exec") => "exec",
        (Operation::Connect, "attach") => "attach",
        (Operation::Connect, "proxy") if request.resource == "nodes" => {
            let options = request.object().ok().flatten()?;
            return by_node(options.get("path")?.as_str()?);
        }
        (Operation::Update, "ephemeralcontainers") if request.kind == "EphemeralContainers" => {
            DEBUGGER
        }
        _ => return None,
    };
    Some(Entered { way, namespace: request.namespace.clone(), pod: request.name.clone() })
}

/// What a kubelet is asked for by this path, if that enters a pod: `exec/NAMESPACE/POD/CONTAINER`.
fn by_node(path: &str) -> Option<Entered> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    let [first, namespace, pod, ..] = parts.as_slice() else { return None };
    let ways = [
        ("exec", "exec by the kubelet"),
        ("attach", "attach by the kubelet"),
        ("run", "commands by the kubelet"),
        // The memory of a container, in a file of the node.
        ("checkpoint", "checkpoints"),
    ];
    let (_, way) = ways.into_iter().find(|(name, _)| name == first)?;
    Some(Entered { way, namespace: (*namespace).to_owned(), pod: (*pod).to_owned() })
}

fn refusal(way: &str, pod: &str) -> String {
    if way == DEBUGGER {
        return format!(
            "a pod with secrets gets no ephemeral containers: they would see its files; debug a pod \
             without the annotation {ANNOTATION} instead of `{pod}`"
        );
    }
    format!(
        "pod `{pod}` has secrets, and this namespace refuses {way} into such pods ({EXEC_LABEL}: refuse); \
         in an emergency, set the namespace's label {BREAK_GLASS_LABEL} to the reason: it is audited"
    )
}

/// Writes events for ever, each of them once in [`QUIET`].
async fn write(client: Client, mut waiting: mpsc::Receiver<Notice>) {
    let mut written: VecDeque<(Instant, Notice)> = VecDeque::new();
    while let Some(notice) = waiting.recv().await {
        while written.front().is_some_and(|(time, _)| time.elapsed() > QUIET) {
            written.pop_front();
        }
        // Who entered a pod is recorded each time.
        let repeats = notice.kind != "Pod" && written.iter().any(|(_, other)| *other == notice);
        if repeats {
            continue;
        }
        let object = json!({
            "apiVersion": notice.api_version, "kind": notice.kind,
            "namespace": notice.namespace, "name": notice.name,
        });
        if let Err(error) = status::event(&client, &object, notice.reason, &notice.message).await {
            log::say(format_args!("cannot write an event: {}", log::chain(&error)));
        }
        written.push_back((Instant::now(), notice));
        if written.len() > MAX_REMEMBERED {
            written.pop_front();
        }
        tokio::time::sleep(PACE).await;
    }
}

#[cfg(test)]
mod tests {
    use coaming_kube::Source;

    use super::*;

    #[test]
    fn a_kubelet_is_asked_to_enter_a_pod() {
        let of = |path: &str| by_node(path).map(|it| (it.way, it.namespace, it.pod));
        let entered = |way| Some((way, "shop".to_owned(), "web".to_owned()));
        assert_eq!(of("exec/shop/web/app"), entered("exec by the kubelet"));
        assert_eq!(of("/exec/shop/web/4b1f-uid/app"), entered("exec by the kubelet"));
        assert_eq!(of("//metrics/../attach/./shop/web/app"), entered("attach by the kubelet"));
        assert_eq!(of("run/shop/web/app"), entered("commands by the kubelet"));
        assert_eq!(of("checkpoint/shop/web/app"), entered("checkpoints"));
        for path in ["", "/", "configz", "metrics/cadvisor", "containerLogs/shop/web/app", "exec"] {
            assert_eq!(of(path), None, "{path}");
        }
    }

    #[test]
    fn unknown_namespaces_refuse() {
        let text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {coaming.dev/exec: LABEL}}\n";
        let of = |label: &str, namespace: &str| {
            let text = text.replace("LABEL", label);
            let stream = coaming_yaml::parse(text.as_str().into());
            let source = Source::new("shop.yaml", stream.source, stream.documents);
            Labels::of(&World::new(vec![source]), namespace).refuses
        };
        assert!(of("refuse", "shop"));
        assert!(!of("allow", "shop"));
        assert!(of("allow", "new"));
    }
}
