//! Connections that no text names: with the API server, and with what scrapes metrics. Where they come
//! from or go to is not in the manifests, so that each is a question.

use std::collections::{BTreeMap, BTreeSet};

use coaming_kube::{Fields, Object, World};

use super::Found;
use crate::model::{Model, Pods, Role, Service};
use crate::selector::{SERVICE_ACCOUNT, Selector};

/// The namespace and the name of an account.
type Account = (String, String);

/// Asks for what the API server and Prometheus need.
pub(super) fn ask(world: &World, model: &Model, found: &mut Found) {
    ask_for_accounts(world, model, found);
    for (_, service) in model.services.iter().filter(|(_, service)| service.serves_api) {
        found.questions.insert(format!(
            "the API server calls Service {}/{}, as an APIService or a webhook says: from which \
             addresses? No policy below lets it in",
            service.namespace, service.name
        ));
    }
    for monitor in world.of_kind("ServiceMonitor") {
        for (_, service) in model.services.iter().filter(|(_, it)| watches(monitor, it)) {
            found.questions.insert(format!(
                "ServiceMonitor {}/{} says that Prometheus scrapes Service {}/{}: which pods are \
                 that? No policy below lets them in",
                monitor.namespace_or_default(),
                monitor.name(),
                service.namespace,
                service.name
            ));
        }
    }
}

/// Workloads whose account has rights most likely use them.
fn ask_for_accounts(world: &World, model: &Model, found: &mut Found) {
    let rights = accounts_with_rights(world);
    let real = model.pods.iter().map(|(_, pods)| pods).filter(|it| it.role == Role::Real);
    let account = |pods: &Pods| {
        let name = pods.labels.get(SERVICE_ACCOUNT)?;
        rights.get_key_value(&(pods.namespace.to_string(), name.clone()))
    };
    let mut asked = BTreeSet::new();
    for pods in real.filter(|pods| !super::is_system(&pods.namespace)) {
        let Some(((namespace, name), binding)) = account(pods) else { continue };
        let Some(workload) = model.workloads.get(pods.workload) else { continue };
        if asked.insert(workload) {
            found.questions.insert(format!(
                "{workload} runs as ServiceAccount {namespace}/{name}, to which {binding} gives \
                 rights: at which address is the API server? No policy below lets it connect there"
            ));
        }
    }
}

/// The accounts that bindings name, each with one of these bindings.
fn accounts_with_rights(world: &World) -> BTreeMap<Account, String> {
    let mut found = BTreeMap::new();
    for kind in ["ClusterRoleBinding", "RoleBinding"] {
        for binding in world.of_kind(kind) {
            let shown = match binding.namespace() {
                "" => format!("{kind} {}", binding.name()),
                namespace => format!("{kind} {namespace}/{}", binding.name()),
            };
            for subject in binding.node().list("subjects") {
                if subject.string("kind") != Some("ServiceAccount") {
                    continue;
                }
                let own = binding.namespace_or_default();
                let namespace = subject.string("namespace").unwrap_or(own).to_owned();
                let name = subject.string("name").unwrap_or_default().to_owned();
                found.entry((namespace, name)).or_insert_with(|| shown.clone());
            }
        }
    }
    found
}

/// Whether a ServiceMonitor selects a Service.
fn watches(monitor: Object<'_>, service: &Service) -> bool {
    let spec = monitor.spec();
    let namespaces = spec.mapping("namespaceSelector");
    let mut named = namespaces.strings("matchNames").peekable();
    let here = namespaces.boolean("any") == Some(true)
        || match named.peek() {
            Some(_) => named.any(|name| name == service.namespace),
            None => monitor.namespace_or_default() == service.namespace,
        };
    let labels = spec.mapping("selector").pairs("matchLabels");
    let labels = labels.filter_map(|entry| Some((entry.name(), entry.value.as_str()?)));
    here && Selector::labels(labels).matches(&service.labels)
}
