//! Shared by the seccomp and AppArmor controls: profiles by type, and profiles in annotations.

use std::collections::BTreeMap;

use coaming_kube::Fields;
use coaming_yaml::Node;
use coaming_yaml::edit::Edit;

use super::field::{Check, PodField, Scope, quoted, text_or_empty};

/// The type of the profile in this security context: empty where the profile has none, `None`
/// where there is no profile.
pub(super) fn profile_type<'a>(context: Option<Node<'a>>, field: &str) -> Option<&'a str> {
    context.mapping(field).map(|profile| profile.string("type").unwrap_or_default())
}

/// Whether a profile of this type confines a container.
pub(super) fn confines(profile_type: &str) -> bool {
    matches!(profile_type, "RuntimeDefault" | "Localhost")
}

/// The edits that set a profile to the runtime's default.
pub(super) fn runtime_default(profile: &PodField<'_>) -> Vec<Edit> {
    let mut edits = vec![profile.clone().key("type").set("RuntimeDefault")];
    // The API server rejects the name of a local profile with any other type.
    let local = profile.clone().key("localhostProfile");
    if local.exists {
        edits.push(local.remove());
    }
    edits
}

/// Reports each scope that has a profile which does not confine it.
pub(super) fn report_unconfined(check: &mut Check<'_>, field: &str, what: &str) {
    let scopes: Vec<Scope<'_>> = check.scopes().collect();
    for scope in scopes {
        let Some(profile_type) = profile_type(scope.context(), field).filter(|it| !confines(it))
        else {
            continue;
        };
        let profile = check.place(scope).keys(&["securityContext", field]);
        let subject = scope.subject();
        let reason = if profile_type.is_empty() {
            format!("{subject} has a {what} profile without a type")
        } else {
            format!("{subject} sets the {what} profile {}", quoted([profile_type]))
        };
        let edits = runtime_default(&profile);
        let remedy = format!("set `{field}.type: RuntimeDefault`");
        check.report(scope, reason, remedy, vec![profile.key("type")], edits);
    }
}

/// The pod's annotations with this prefix, as the API server decodes them.
pub(super) fn annotations<'a>(
    check: &Check<'a>,
    prefix: &str,
) -> Vec<(&'a str, &'a str, Node<'a>)> {
    let last_wins: BTreeMap<&str, Node<'_>> = check
        .pod
        .metadata()
        .pairs("annotations")
        .filter(|entry| entry.name().starts_with(prefix))
        .map(|entry| (entry.name(), entry.value))
        .collect();
    last_wins
        .into_iter()
        .filter_map(|(name, node)| Some((name, text_or_empty(node)?, node)))
        .collect()
}
