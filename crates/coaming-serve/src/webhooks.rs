//! What API servers trust: the `caBundle` of our webhook configurations.

use kube::api::{Api, DynamicObject, PostParams};
use kube::{Client, Error};
use serde_json::Value;

use crate::cluster::Selection;
use crate::tls;

/// The first line of a certificate.
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
/// How many authorities stay trusted of what was there.
const MAX_AUTHORITIES: usize = 4;
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

/// The authorities (PEM) that the webhook configurations of this name trust now, newest first;
/// `None` if there are none.
pub(crate) async fn trusted(client: &Client, name: &str) -> Result<Option<String>, Error> {
    for (kind, plural) in KINDS {
        let selection = Selection::all("admissionregistration.k8s.io", "v1", kind, plural);
        let api: Api<DynamicObject> = selection.api(client);
        let configuration = api.get_opt(name).await?;
        let found = configuration.and_then(|configuration| bundle(&configuration.data));
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The first few authorities in the bundle of a configuration.
fn bundle(configuration: &Value) -> Option<String> {
    use base64::Engine as _;
    let webhooks = configuration.get("webhooks")?.as_array()?;
    let found = webhooks.iter().find_map(|it| it.pointer("/clientConfig/caBundle")?.as_str())?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(found).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let parts = text.split(BEGIN).skip(1).map(|part| format!("{BEGIN}{part}"));
    let valid = parts.filter(|part| tls::expiry(part).is_ok()).take(MAX_AUTHORITIES);
    Some(valid.collect::<String>()).filter(|text| !text.is_empty())
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
    fn what_is_trusted_is_kept_within_bounds() {
        use base64::Engine as _;
        let one = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap().cert.pem();
        let read = |text: &str| {
            let text = base64::engine::general_purpose::STANDARD.encode(text);
            bundle(
                &json!({"webhooks": [{"clientConfig": {}}, {"clientConfig": {"caBundle": text}}]}),
            )
        };
        assert_eq!(read(&one), Some(one.clone()));
        assert_eq!(read(&one.repeat(9)), Some(one.repeat(MAX_AUTHORITIES)));
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(read(&format!("# mine\n{broken}{one}")), Some(one));
        assert_eq!((read(""), read(broken)), (None, None));
        assert_eq!(bundle(&json!({"webhooks": null})), None);
    }

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
