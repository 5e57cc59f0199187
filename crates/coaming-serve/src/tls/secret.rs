//! Certificates in a Secret, which every replica follows.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;

use super::authority::Pair;
use super::rotation::State;
use super::{CERTIFICATE, Shown};
use crate::cluster::{self, Change, Selection};
use crate::log;
use crate::shared::Shared;

const AUTHORITY: (&str, &str) = ("ca.crt", "ca.key");
const SERVER: (&str, &str) = ("tls.crt", "tls.key");
const NEXT: (&str, &str) = ("next-ca.crt", "next-ca.key");
const PREVIOUS: &str = "previous-ca.crt";
const NAMES: &str = "names";
/// The annotation with the time of the last step.
const CHANGED: &str = "coaming.dev/rotated-at";

/// The state in a Secret; `None` if it is not whole.
pub(crate) fn read(secret: &Secret) -> Option<State> {
    let data = secret.data.as_ref()?;
    let text = |name: &str| String::from_utf8(data.get(name)?.0.clone()).ok();
    let pair = |(certificate, key): (&str, &str)| {
        Some(Pair { certificate: text(certificate)?, key: text(key)? })
    };
    let changed = secret.metadata.annotations.as_ref()?.get(CHANGED)?.parse().ok()?;
    Some(State {
        authority: pair(AUTHORITY)?,
        server: pair(SERVER)?,
        next: pair(NEXT),
        previous: text(PREVIOUS),
        names: text(NAMES)?.lines().map(str::to_owned).collect(),
        changed,
    })
}

/// The Secret with this state; `before` is the Secret that it replaces.
pub(crate) fn write(state: &State, name: &str, before: Option<Secret>) -> Secret {
    let mut data: BTreeMap<String, ByteString> = BTreeMap::new();
    let mut put = |name: &str, text: &str| {
        data.insert(name.to_owned(), ByteString(text.as_bytes().to_vec()));
    };
    let mut put_pair = |(certificate, key): (&str, &str), pair: &Pair| {
        put(certificate, &pair.certificate);
        put(key, &pair.key);
    };
    put_pair(AUTHORITY, &state.authority);
    put_pair(SERVER, &state.server);
    if let Some(next) = &state.next {
        put_pair(NEXT, next);
    }
    if let Some(previous) = &state.previous {
        put(PREVIOUS, previous);
    }
    put(NAMES, &state.names.join("\n"));
    let mut secret = before.unwrap_or_default();
    secret.metadata.name = Some(name.to_owned());
    let annotations = secret.metadata.annotations.get_or_insert_default();
    annotations.insert(CHANGED.to_owned(), state.changed.to_string());
    secret.data = Some(data);
    secret
}

/// Shows the certificate of the Secret, for ever.
pub(crate) async fn show_secret(
    client: Client,
    namespace: String,
    name: String,
    shown: Arc<Shown>,
    shared: Arc<Shared>,
) {
    let selection = Selection::all("", "v1", "Secret", "secrets");
    let selection = selection.in_namespace(&namespace).named(&name);
    cluster::follow(client, selection, |change| {
        let Change::Put(value) = change else { return };
        let state = serde_json::from_value(value).ok().as_ref().and_then(read);
        let Some(state) = state else {
            return log::say(format_args!("the Secret {namespace}/{name} has no certificate yet"));
        };
        match shown.show(&state.server.certificate, &state.server.key) {
            Ok(expiry) => {
                shared.metrics.certificate(expiry);
                shared.ready.have(CERTIFICATE);
            }
            Err(error) => log::say(format_args!("the Secret {namespace}/{name}: {error}")),
        }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lifetimes;
    use crate::tls::rotation;
    use time::OffsetDateTime;

    #[test]
    fn a_state_survives_its_secret() {
        let names = ["a".to_owned(), "127.0.0.1".to_owned()];
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let mut state = rotation::next(None, now, Lifetimes::default(), &names).unwrap().unwrap();
        assert_eq!(read(&write(&state, "tls", None)), Some(state.clone()));
        state.next = Some(state.authority.clone());
        state.previous = Some(state.authority.certificate.clone());
        let mut before = write(&state, "tls", None);
        before.metadata.resource_version = Some("7".to_owned());
        let secret = write(&state, "tls", Some(before));
        assert_eq!(secret.metadata.resource_version.as_deref(), Some("7"));
        assert_eq!(read(&secret), Some(state));
        assert_eq!(read(&Secret::default()), None);
    }
}
