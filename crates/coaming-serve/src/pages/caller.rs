//! Who asks for a page, and what they may read: asked of the API server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use coaming_admission::User;
use coaming_kube::{Fields as _, Object};
use coaming_watch::{KindFacts, Snapshot};
use futures_util::{StreamExt as _, stream};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use k8s_openapi::api::authorization::v1::ResourceAttributes;
use kube::api::{Api, PostParams};
use kube::{Client, Error};

use super::Scope;
use crate::access;

/// Longer tokens are none.
const MAX_TOKEN: usize = 16 << 10;
/// How many rights are asked about at once.
const AT_ONCE: usize = 8;

/// An API group and a kind.
type Kind = (String, String);

/// The token of a request: a bearer token or, because browsers ask for one, a password.
pub(super) fn token(headers: &HeaderMap) -> Option<String> {
    let (scheme, value) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = if scheme.eq_ignore_ascii_case("bearer") {
        value.trim().to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let text = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
        text.split_once(':')?.1.to_owned()
    } else {
        return None;
    };
    (!token.is_empty() && token.len() <= MAX_TOKEN).then_some(token)
}

/// The user whose token this is; `None` if the API server does not accept it.
pub(super) async fn user(client: &Client, token: &str) -> Result<Option<User>, Error> {
    let spec = TokenReviewSpec { token: token.to_owned(), ..TokenReviewSpec::default() };
    let review = TokenReview { spec, ..TokenReview::default() };
    let api: Api<TokenReview> = Api::all(client.clone());
    let status = api.create(&PostParams::default(), &review).await?.status.unwrap_or_default();
    let user = status.user.filter(|_| status.authenticated == Some(true));
    Ok(user.map(|user| User {
        username: user.username.unwrap_or_default(),
        uid: user.uid.unwrap_or_default(),
        groups: user.groups.unwrap_or_default(),
        extra: user.extra.unwrap_or_default(),
    }))
}

/// A snapshot, and what of it a caller may read.
pub(super) struct Rights {
    pub(super) snapshot: Arc<Snapshot>,
    allowed: BTreeSet<Kind>,
}

/// Asks which kinds a user may list.
pub(super) async fn rights(
    client: &Client,
    user: &User,
    snapshot: Arc<Snapshot>,
    scope: &Scope,
) -> Result<Rights, Error> {
    let mut asked = Vec::new();
    for (kind, facts) in snapshot.kinds.iter() {
        asked.push(ask(client, user, kind.clone(), right(kind, facts, scope)));
    }
    let answers: Vec<_> = stream::iter(asked).buffered(AT_ONCE).collect().await;
    let answers: BTreeMap<Kind, bool> = answers.into_iter().collect::<Result<_, Error>>()?;
    let allowed = answers.into_iter().filter(|(_, is_allowed)| *is_allowed);
    Ok(Rights { snapshot, allowed: allowed.map(|(kind, _)| kind).collect() })
}

async fn ask(
    client: &Client,
    user: &User,
    kind: Kind,
    right: ResourceAttributes,
) -> Result<(Kind, bool), Error> {
    Ok((kind, access::is_allowed(client, user, right).await?))
}

/// The right to read a kind in a scope.
fn right((group, kind): &Kind, facts: &KindFacts, scope: &Scope) -> ResourceAttributes {
    let (verb, namespace, name) = match scope {
        // Who may read everything in a namespace may read the namespace itself.
        Scope::Namespace(own) if group.is_empty() && kind == "Namespace" => {
            ("get", Some(own.clone()), Some(own.clone()))
        }
        Scope::Namespace(own) if facts.namespaced => ("list", Some(own.clone()), None),
        _ => ("list", None, None),
    };
    ResourceAttributes {
        verb: Some(verb.to_owned()),
        group: Some(group.clone()),
        resource: Some(facts.plural.clone()),
        namespace,
        name,
        ..ResourceAttributes::default()
    }
}

impl Rights {
    pub(super) fn may_list(&self, group: &str, kind: &str) -> bool {
        self.allowed.contains(&(group.to_owned(), kind.to_owned()))
    }

    /// Whether an object is part of a scope, and its reader may see it.
    pub(super) fn may_see(&self, object: Object<'_>, scope: &Scope) -> bool {
        let Scope::Namespace(own) = scope else {
            return self.may_list(object.group(), object.kind());
        };
        let namespace = match (object.group(), object.kind()) {
            ("", "Namespace") => Some(object.name()),
            _ => object.metadata().string("namespace"),
        };
        namespace.is_none_or(|namespace| namespace == own)
            && self.may_list(object.group(), object.kind())
    }

    /// The names of the resources that are read and that the caller may not list.
    pub(super) fn hidden(&self) -> Vec<String> {
        let kinds = self.snapshot.kinds.iter().filter(|(kind, _)| !self.allowed.contains(*kind));
        let name = |(group, plural): (&String, &String)| match group.is_empty() {
            true => plural.clone(),
            false => format!("{plural}.{group}"),
        };
        kinds.map(|((group, _), facts)| name((group, &facts.plural))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_bearer_tokens_or_passwords() {
        let sent = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, value.parse().unwrap());
            token(&headers)
        };
        assert_eq!(sent("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(sent("bearer  abc ").as_deref(), Some("abc"));
        let basic = |text: &str| sent(&format!("Basic {}", STANDARD.encode(text)));
        assert_eq!(basic("me:abc").as_deref(), Some("abc"));
        assert_eq!(basic(":a:b").as_deref(), Some("a:b"));
        for none in ["Bearer", "Bearer ", "Digest abc", "Basic %", "Basic YWJj"] {
            assert_eq!(sent(none), None, "{none}");
        }
        assert_eq!(basic("me:"), None);
        assert_eq!(sent(&format!("Bearer {}", "a".repeat(MAX_TOKEN + 1))), None);
        assert_eq!(token(&HeaderMap::new()), None);
    }

    #[test]
    fn a_namespace_is_read_with_rights_in_it() {
        let shop = Scope::Namespace("shop".to_owned());
        let asked = |kind: &str, namespaced: bool, scope: &Scope| {
            let facts = KindFacts { plural: "things".to_owned(), namespaced };
            let right = right(&(String::new(), kind.to_owned()), &facts, scope);
            (right.verb.unwrap(), right.namespace, right.name)
        };
        let own = || Some("shop".to_owned());
        assert_eq!(asked("Pod", true, &shop), ("list".to_owned(), own(), None));
        assert_eq!(asked("Namespace", false, &shop), ("get".to_owned(), own(), own()));
        assert_eq!(asked("Node", false, &shop), ("list".to_owned(), None, None));
        assert_eq!(asked("Pod", true, &Scope::All), ("list".to_owned(), None, None));
    }
}
