//! Who can read a Secret: the answer of `coaming secrets who-can`.

use coaming_access::{
    ContainerUse, DirectAccess, Evidence, Grant, IndirectAccess, NodeUse, Nodes, SecretAccess,
    Subject, UseKind, title,
};
use coaming_kube::Object;
use coaming_text::Printable;
use serde_json::{Value, json};

/// Lines of text. A name in the input can neither end a line nor control the terminal.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn push(&mut self, line: &str) {
        self.0.push_str(&Printable(line).to_string());
        self.0.push('\n');
    }

    fn section<T>(&mut self, heading: &str, items: &[T], show: impl Fn(&T, &mut Self)) {
        self.push("");
        self.push(heading);
        if items.is_empty() {
            self.push("  none in the input");
        }
        items.iter().for_each(|item| show(item, self));
    }
}

/// The answer for people.
#[must_use]
pub fn text(answer: &SecretAccess<'_>) -> String {
    let mut out = Lines::default();
    let found =
        answer.evidence.as_ref().map_or_else(|| "not in the input".into(), Evidence::to_string);
    out.push(&format!("Secret {}/{} ({found})", answer.namespace, answer.name));
    out.section("Can read it through the API", &answer.direct, direct);
    out.section("Can get it in one more step", &answer.indirect, indirect);
    out.section("Containers that have it", &answer.containers, container);
    out.section("Nodes that have it", &answer.nodes, node);
    if !answer.unresolved.is_empty() {
        let heading = "Unknown: bindings that count here, to roles that are not in the input";
        out.section(heading, &answer.unresolved, |unresolved, out| {
            let (binding, role) = (&unresolved.binding, &unresolved.role);
            out.push(&format!("  {binding} to {role} ({})", unresolved.evidence));
        });
    }
    out.push("");
    out.push(
        "In every cluster, these can read it too: the group system:masters, the control plane, \
         each node that runs a pod with it, and anyone with access to etcd or its backups.",
    );
    out.0
}

fn direct(access: &DirectAccess<'_>, out: &mut Lines) {
    let meaning = access.subject.meaning().map(|meaning| format!(" ({meaning})"));
    let verbs = access.verbs.join(", ");
    out.push(&format!("  {}{}: {verbs}", access.subject, meaning.unwrap_or_default()));
    grant(&access.grant, out);
    if !access.pods.is_empty() {
        out.push(&format!("    its token is in pods of {}", access.pods.join(", ")));
    }
}

fn indirect(access: &IndirectAccess<'_>, out: &mut Lines) {
    out.push(&format!("  {}: {}: {}", access.subject, access.allowed, access.how));
    grant(&access.grant, out);
}

fn grant(grant: &Grant, out: &mut Lines) {
    let Grant { binding, binding_evidence, role, rule_evidence } = grant;
    let rule =
        rule_evidence.as_ref().map_or_else(|| "built into Kubernetes".into(), Evidence::to_string);
    out.push(&format!("    by {binding} ({binding_evidence}), {role} ({rule})"));
}

fn container(found: &ContainerUse<'_>, out: &mut Lines) {
    let how = match &found.kind {
        UseKind::Variable { name, key } => format!("variable {name} (key {key})"),
        UseKind::Environment { prefix } if prefix.is_empty() => "a variable for each key".into(),
        UseKind::Environment { prefix } => format!("a variable {prefix}… for each key"),
        UseKind::Files { path, keys } if keys.is_empty() => format!("files in {path} (all keys)"),
        UseKind::Files { path, keys } => format!("files in {path} (keys {})", keys.join(", ")),
    };
    let (workload, container) = (title(found.workload), found.container);
    out.push(&format!("  {workload}, container {container}: {how} ({})", found.evidence));
}

fn node(found: &NodeUse<'_>, out: &mut Lines) {
    let workload = title(found.workload);
    let placement = &found.placement;
    let mut line = match &placement.nodes {
        Nodes::Named(name) => format!("  node {name}, by {workload}"),
        Nodes::Every => format!("  every node that fits, by {workload}"),
        Nodes::Any => format!("  any node that runs a pod of {workload}"),
    };
    if !placement.requirements.is_empty() {
        line += &format!(", of those with {}", placement.requirements.join(" and "));
    }
    if let Some(fitting) = &placement.fitting {
        let names = if fitting.is_empty() { "none".to_owned() } else { fitting.join(", ") };
        line += &format!(" (of the known nodes: {names})");
    }
    if found.node_only {
        line += "; used only by the node, no container has it";
    }
    out.push(&line);
}

/// The answer as JSON, a contract for programs.
#[must_use]
pub fn json(answer: &SecretAccess<'_>) -> String {
    let direct = answer.direct.iter().map(|access| {
        json!({
            "subject": subject_json(access.subject),
            "verbs": access.verbs,
            "via": grant_json(&access.grant),
            "pods": access.pods,
        })
    });
    let indirect = answer.indirect.iter().map(|access| {
        json!({
            "subject": subject_json(access.subject),
            "allowed": access.allowed,
            "how": access.how,
            "via": grant_json(&access.grant),
        })
    });
    let unresolved = answer.unresolved.iter().map(|unresolved| {
        json!({
            "binding": unresolved.binding,
            "role": unresolved.role,
            "place": unresolved.evidence,
        })
    });
    let value = json!({
        "version": 1,
        "secret": {
            "namespace": answer.namespace,
            "name": answer.name,
            "place": answer.evidence,
        },
        "subjects": direct.collect::<Vec<_>>(),
        "indirect": indirect.collect::<Vec<_>>(),
        "containers": answer.containers.iter().map(container_json).collect::<Vec<_>>(),
        "nodes": answer.nodes.iter().map(node_json).collect::<Vec<_>>(),
        "unknown": unresolved.collect::<Vec<_>>(),
    });
    let mut text = serde_json::to_string_pretty(&value).unwrap_or_default();
    text.push('\n');
    text
}

fn subject_json(subject: Subject<'_>) -> Value {
    match subject {
        Subject::User(name) | Subject::Group(name) => {
            json!({"kind": subject.kind(), "name": name})
        }
        Subject::ServiceAccount { namespace, name } => {
            json!({"kind": subject.kind(), "namespace": namespace, "name": name})
        }
    }
}

fn grant_json(grant: &Grant) -> Value {
    json!({
        "binding": grant.binding,
        "binding_place": grant.binding_evidence,
        "role": grant.role,
        "rule_place": grant.rule_evidence,
    })
}

fn workload_json(object: Object<'_>) -> Value {
    json!({
        "kind": object.kind(),
        "namespace": object.namespace_or_default(),
        "name": object.name(),
    })
}

fn container_json(found: &ContainerUse<'_>) -> Value {
    let how = match &found.kind {
        UseKind::Variable { name, key } => json!({"type": "env", "variable": name, "key": key}),
        UseKind::Environment { prefix } => json!({"type": "env_from", "prefix": prefix}),
        UseKind::Files { path, keys } => json!({"type": "files", "path": path, "keys": keys}),
    };
    json!({
        "workload": workload_json(found.workload),
        "container": found.container,
        "how": how,
        "place": found.evidence,
    })
}

fn node_json(found: &NodeUse<'_>) -> Value {
    json!({
        "workload": workload_json(found.workload),
        "node_only": found.node_only,
        "placement": found.placement,
    })
}

#[cfg(test)]
mod tests;
