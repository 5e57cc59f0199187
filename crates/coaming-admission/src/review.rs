//! The question: an AdmissionReview of version 1, read within bounds.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use coaming_text::Printable;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::bounds;

/// The largest body that is read, in bytes: objects have at most 3 MiB, and a review holds two.
pub const MAX_BODY_BYTES: usize = 8 << 20;

/// The version that is understood.
pub(crate) const API_VERSION: &str = "admission.k8s.io/v1";
/// Its kind.
pub(crate) const KIND: &str = "AdmissionReview";

/// Why a body is not an admission review that can be answered.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// It has more than [`MAX_BODY_BYTES`].
    #[error("the body has more than {MAX_BODY_BYTES} bytes, which is the most that is read")]
    TooLarge,
    /// Its collections are nested too deeply.
    #[error("the body has more than {limit} levels of lists and objects")]
    TooDeep {
        /// The deepest nesting that is read.
        limit: usize,
    },
    /// It has too many values.
    #[error("the body has more than {limit} values")]
    TooManyValues {
        /// The most that are read.
        limit: usize,
    },
    /// It is not text.
    #[error("the body is not UTF-8")]
    NotText,
    /// It is not JSON in the form of an AdmissionReview.
    #[error("not an AdmissionReview: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It is another kind of object, or another version.
    #[error(
        "`{}` of version `{}` is not understood; send {KIND} of {API_VERSION}",
        Printable(kind),
        Printable(api_version)
    )]
    UnknownVersion {
        /// The version that it names.
        api_version: String,
        /// The kind that it names.
        kind: String,
    },
    /// It names no kind at all.
    #[error("the body names no `kind` and no `apiVersion`; send {KIND} of {API_VERSION}")]
    NoKind,
    /// Something is created or changed, and it does not say what.
    #[error("the request has no object, which an API server sends with every {operation}")]
    NoObject {
        /// What is done.
        operation: &'static str,
    },
    /// It has no `request`.
    #[error("the AdmissionReview has no request")]
    NoRequest,
    /// Its object is not an object.
    #[error("the request's {field} is not an object: {reason}")]
    NotAnObject {
        /// `object` or `oldObject`.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

/// What is done to the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Operation {
    /// It is created.
    Create,
    /// It is changed.
    Update,
    /// It is deleted.
    Delete,
    /// Something connects to it: `exec`, `port-forward`.
    Connect,
}

/// Who asks the API server.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct User {
    /// The name: `system:serviceaccount:shop:deployer`.
    pub username: String,
    /// A name for the user that is never given again; may be empty.
    pub uid: String,
    /// The groups.
    pub groups: Vec<String>,
    /// What else the authenticator says.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// What an API server asks.
#[derive(Clone)]
pub struct Request {
    /// Identifies the request; the answer repeats it.
    pub uid: String,
    /// The API group of the object; empty for the core group.
    pub group: String,
    /// The version of that group; may be empty.
    pub version: String,
    /// The kind of the object.
    pub kind: String,
    /// The resource: `deployments`.
    pub resource: String,
    /// The part of the resource: `scale`; empty for the whole.
    pub subresource: String,
    /// The object's name; empty where the server makes one.
    pub name: String,
    /// The object's namespace; empty for objects in none. A Namespace is in itself.
    pub namespace: String,
    /// What is done.
    pub operation: Operation,
    /// Who does it.
    pub user: User,
    /// Whether nothing will be stored.
    pub dry_run: bool,
    /// The object as it will be, in JSON; `None` for a deletion.
    pub(crate) object: Option<Arc<str>>,
    /// The object as it is, in JSON; `None` for a creation.
    pub(crate) old_object: Option<Arc<str>>,
}

/// Without the objects, which may be Secrets.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("uid", &self.uid)
            .field("operation", &self.operation)
            .field("kind", &self.kind)
            .field("namespace", &self.namespace)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Request {
    /// The object as it will be, as JSON.
    ///
    /// # Errors
    ///
    /// [`ReviewError::Malformed`] if it is not JSON that a tree can be built from.
    pub fn object(&self) -> Result<Option<serde_json::Value>, ReviewError> {
        Ok(self.object.as_deref().map(serde_json::from_str).transpose()?)
    }

    /// The object as it is, as JSON; `None` for a creation.
    ///
    /// # Errors
    ///
    /// [`ReviewError::Malformed`] if it is not JSON that a tree can be built from.
    pub fn old_object(&self) -> Result<Option<serde_json::Value>, ReviewError> {
        Ok(self.old_object.as_deref().map(serde_json::from_str).transpose()?)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    #[serde(borrow, default)]
    request: Option<WireRequest<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRequest<'a> {
    uid: String,
    kind: WireKind,
    #[serde(default)]
    resource: WireResource,
    #[serde(default)]
    sub_resource: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    namespace: Option<String>,
    operation: Operation,
    #[serde(default)]
    user_info: User,
    #[serde(default)]
    dry_run: Option<bool>,
    #[serde(borrow, default)]
    object: Option<&'a RawValue>,
    #[serde(borrow, default)]
    old_object: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WireKind {
    #[serde(default)]
    group: String,
    #[serde(default)]
    version: String,
    kind: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireResource {
    resource: String,
}

/// Reads the body of an admission review.
///
/// # Errors
///
/// See [`ReviewError`].
pub fn read(body: &[u8]) -> Result<Request, ReviewError> {
    if body.len() > MAX_BODY_BYTES {
        return Err(ReviewError::TooLarge);
    }
    bounds::check(body)?;
    let text = std::str::from_utf8(body).map_err(|_| ReviewError::NotText)?;
    let wire: Wire<'_> = serde_json::from_str(text)?;
    if wire.api_version.is_empty() && wire.kind.is_empty() {
        return Err(ReviewError::NoKind);
    }
    if wire.api_version != API_VERSION || wire.kind != KIND {
        let Wire { api_version, kind, .. } = wire;
        return Err(ReviewError::UnknownVersion { api_version, kind });
    }
    let request = wire.request.ok_or(ReviewError::NoRequest)?;
    let text = |object: Option<&RawValue>| {
        object.map(RawValue::get).filter(|text| *text != "null").map(Arc::from)
    };
    let object = text(request.object);
    match request.operation {
        Operation::Create if object.is_none() => {
            return Err(ReviewError::NoObject { operation: "CREATE" });
        }
        Operation::Update if object.is_none() => {
            return Err(ReviewError::NoObject { operation: "UPDATE" });
        }
        _ => {}
    }
    Ok(Request {
        uid: request.uid,
        group: request.kind.group,
        version: request.kind.version,
        kind: request.kind.kind,
        resource: request.resource.resource,
        subresource: request.sub_resource.unwrap_or_default(),
        name: request.name.unwrap_or_default(),
        namespace: request.namespace.unwrap_or_default(),
        operation: request.operation,
        user: request.user_info,
        dry_run: request.dry_run.unwrap_or_default(),
        object,
        old_object: text(request.old_object),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview""#;

    #[test]
    fn requests_are_read() {
        let body = format!(
            r#"{HEAD}, "request": {{"uid": "u", "kind": {{"group": "", "version": "v1", "kind": "Pod"}},
            "resource": {{"group": "", "version": "v1", "resource": "pods"}}, "namespace": "shop",
            "operation": "CREATE", "userInfo": {{"username": "me", "groups": ["a"]}}, "dryRun": true,
            "object": {{"kind": "Pod"}}, "oldObject": null}}}}"#
        );
        let request = read(body.as_bytes()).unwrap();
        assert_eq!((request.uid.as_str(), request.operation), ("u", Operation::Create));
        assert_eq!((request.resource.as_str(), request.namespace.as_str()), ("pods", "shop"));
        assert_eq!((request.user.username.as_str(), request.dry_run), ("me", true));
        assert_eq!(request.object.as_deref(), Some(r#"{"kind": "Pod"}"#));
        assert!(request.old_object.is_none());
        assert!(!format!("{request:?}").contains("object"));
    }

    #[test]
    fn other_bodies_are_errors() {
        let error = |body: &str| read(body.as_bytes()).unwrap_err();
        assert!(matches!(error("{}"), ReviewError::NoKind));
        let none = format!(
            "{HEAD}, \"request\": {{\"uid\": \"u\", \"kind\": {{\"kind\": \"Pod\"}}, \"operation\": \"UPDATE\"}}}}"
        );
        assert!(error(&none).to_string().contains("has no object"), "{}", error(&none));
        let beta = HEAD.replace("/v1\"", "/v1beta1\"") + "}";
        assert!(error(&beta).to_string().contains("`admission.k8s.io/v1beta1` is not understood"));
        assert!(matches!(error(&format!("{HEAD}}}")), ReviewError::NoRequest));
        for broken in ["", "{", "null", "\u{0}"] {
            assert!(matches!(error(broken), ReviewError::Malformed(_)), "{broken:?}");
        }
        let deep = format!("{HEAD}, \"x\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(matches!(error(&deep), ReviewError::TooDeep { .. }));
        let large = " ".repeat(MAX_BODY_BYTES + 1);
        assert!(matches!(error(&large), ReviewError::TooLarge));
        assert!(matches!(read(b"{\"a\": \"\xFF\"}"), Err(ReviewError::NotText)));
    }
}
