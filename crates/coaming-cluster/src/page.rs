//! Decode one page of a list: each item becomes a tree of its own, straight from the JSON text.

use std::fmt;

use coaming_yaml::{Document, JsonTree};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::filter::ObjectFilter;

/// One page of a list.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) documents: Vec<Document>,
    /// Names the next page, if there is one.
    pub(crate) continue_token: Option<String>,
    /// The version of the list; all its pages have the same.
    pub(crate) version: String,
}

/// Decodes an answer. The items of a list need not have an `apiVersion` and a `kind`: these are the
/// list's.
pub(crate) fn decode(
    json: &[u8],
    api_version: &str,
    kind: &str,
) -> Result<Page, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let page = deserializer.deserialize_map(PageVisitor(ItemType { api_version, kind }))?;
    deserializer.end()?;
    Ok(page)
}

/// The type of all items of a list.
#[derive(Clone, Copy)]
struct ItemType<'t> {
    api_version: &'t str,
    kind: &'t str,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListMetadata {
    #[serde(default, rename = "continue")]
    continue_token: Option<String>,
    #[serde(default)]
    resource_version: Option<String>,
}

struct PageVisitor<'t>(ItemType<'t>);

impl<'de> Visitor<'de> for PageVisitor<'_> {
    type Value = Page;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page, A::Error> {
        let mut page = Page::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "metadata" => {
                    let metadata = map.next_value::<Option<ListMetadata>>()?.unwrap_or_default();
                    page.version = metadata.resource_version.unwrap_or_default();
                    page.continue_token = metadata.continue_token.filter(|token| !token.is_empty());
                }
                "items" => page.documents = map.next_value_seed(Items(self.0))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(page)
    }
}

struct Items<'t>(ItemType<'t>);

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = Vec<Document>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = Vec<Document>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("objects")
    }

    /// Go writes an empty list as `null`.
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let ItemType { api_version, kind } = self.0;
        let first = [("apiVersion", api_version), ("kind", kind)];
        let mut filter = ObjectFilter::new(api_version, kind);
        let mut documents = Vec::new();
        while let Some(document) =
            items.next_element_seed(JsonTree { first: &first, filter: &mut filter })?
        {
            documents.push(document);
        }
        Ok(documents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn items(list: &Value, api_version: &str, kind: &str) -> Vec<Value> {
        let page = decode(list.to_string().as_bytes(), api_version, kind).unwrap();
        page.documents.iter().map(|document| document.root().to_json()).collect()
    }

    #[test]
    fn items_get_their_type_and_lose_what_nobody_reads() {
        let pod = json!({
            "metadata": {"name": "web", "managedFields": [{"manager": "kubectl"}]},
            "spec": {"containers": [{"name": "web", "image": "web:1"}]},
            "status": {
                "phase": "Running",
                "podIP": "10.0.0.1",
                "podIPs": [{"ip": "10.0.0.1"}],
                "hostIP": "10.1.0.1",
                "containerStatuses": [{"name": "web"}],
            },
        });
        let list = json!({"kind": "PodList", "metadata": {}, "items": [pod]});
        let expected = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "web"},
            "spec": {"containers": [{"name": "web", "image": "web:1"}]},
            "status": {
                "phase": "Running",
                "podIP": "10.0.0.1",
                "podIPs": [{"ip": "10.0.0.1"}],
                "hostIP": "10.1.0.1",
            },
        });
        assert_eq!(items(&list, "v1", "Pod"), [expected]);
    }

    #[test]
    fn only_what_is_read_of_a_status_is_kept() {
        let status = json!({
            "addresses": [{"address": "10.0.0.1"}],
            "conditions": [{"type": "Complete", "status": "True"}],
            "loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]},
            "images": [{"names": ["web"]}],
        });
        let list = json!({"items": [{"metadata": {"name": "a"}, "status": status}]});
        for (api_version, kind, kept) in [
            ("v1", "Node", Some(json!({"addresses": status["addresses"]}))),
            ("batch/v1", "Job", Some(json!({"conditions": status["conditions"]}))),
            ("v1", "Service", Some(json!({"loadBalancer": status["loadBalancer"]}))),
            ("apps/v1", "Deployment", None),
            ("networking.k8s.io/v1", "Ingress", None),
            // Credentials may be anywhere in a custom resource.
            ("example.com/v1", "Database", Some(status.clone())),
        ] {
            let item = items(&list, api_version, kind).remove(0);
            assert_eq!(item.get("status"), kept.as_ref(), "{kind}");
        }
    }

    #[test]
    fn pages_continue() {
        let page = decode(br#"{"metadata":{"continue":"abc"},"items":[]}"#, "v1", "Pod").unwrap();
        assert_eq!(page.continue_token.as_deref(), Some("abc"));
        let last = decode(br#"{"metadata":{"continue":""},"items":null}"#, "v1", "Pod").unwrap();
        assert_eq!((last.continue_token, last.documents.len()), (None, 0));
    }

    #[test]
    fn an_answer_that_is_no_list_is_an_error() {
        for text in ["", "[]", "<html>", "{\"items\":[1]}", "{\"items\":{}}", "{\"items\":[{}"] {
            assert!(decode(text.as_bytes(), "v1", "Pod").is_err(), "{text}");
        }
        assert!(decode(b"{\"items\":[{\"a\":\"\xFF\"}]}", "v1", "Pod").is_err());
    }
}
