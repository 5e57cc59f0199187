//! What API servers trust: the `caBundle` of our webhook configurations.

use kube::api::{Api, DynamicObject, PostParams};
use kube::{Client, Error};
use serde_json::Value;

use crate::cluster::Selection;

const KINDS: [(&str, &str); 2] = [
    ("ValidatingWebhookConfiguration", "validatingwebhookconfigurations"),
    ("MutatingWebhookConfiguration", "mutatingwebhookconfigurations"),
];

/// Writes the authorities (PEM) into the webhook configurations of this name, where they differ.
/// Configurations that do not exist are left alone: a webhook that was removed stays removed.
pub(crate) async fn trust(client: &Client, name: &str, bundle: &str) -> Result<(), Error> {
    use base64::Engine as _;
    let bundle = base64::engine::general_purpose::STANDARD.encode(bundle);
    for (kind, plural) in KINDS {
        let selection = Selection::all("admissionregistration.k8s.io", "v1", kind, plural);
        let api: Api<DynamicObject> = selection.api(client);
        let Some(mut configuration) = api.get_opt(name).await? else { continue };
        if set_bundle(&mut configuration.data, &bundle) {
            api.replace(name, &PostParams::default(), &configuration).await?;
        }
    }
    Ok(())
}

/// Sets the bundle of all webhooks of a configuration; says whether that changes it.
fn set_bundle(configuration: &mut Value, bundle: &str) -> bool {
    let mut changed = false;
    let webhooks = configuration.get_mut("webhooks").and_then(Value::as_array_mut);
    for webhook in webhooks.into_iter().flatten() {
        let Some(Value::Object(client)) = webhook.get_mut("clientConfig") else { continue };
        let before = client.insert("caBundle".to_owned(), bundle.into());
        changed |= before.is_none_or(|before| before != bundle);
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_bundle_is_written_once() {
        let webhook = json!({"name": "a", "clientConfig": {"service": {"name": "x"}}});
        let mut configuration = json!({"webhooks": [webhook, {"name": "b"}]});
        assert!(set_bundle(&mut configuration, "abc"));
        assert_eq!(configuration["webhooks"][0]["clientConfig"]["caBundle"], "abc");
        assert!(!set_bundle(&mut configuration, "abc"));
        assert!(set_bundle(&mut configuration, "xyz"));
        assert!(!set_bundle(&mut json!({"webhooks": null}), "abc"));
    }
}
