//! Values from parsed YAML and JSON.

use coaming_yaml::{Node, Scalar};

use crate::value::{Entry, Item, Kind, Site, Value};

/// How deep a document may be nested.
const MAX_DEPTH: u32 = 100;

/// How many nodes a document may have, those of aliases included.
pub(crate) const MAX_NODES: usize = 500_000;

/// What `yamldecode` or `jsondecode` returns: its parts are where the text is.
pub(crate) fn decode(text: Value, site: Site) -> Option<Value> {
    if let Kind::Encoded(inner) = text.kind {
        return Some(*inner);
    }
    let text = text.as_text()?;
    let stream = coaming_yaml::parse(text.into());
    let [document] = stream.documents.as_slice() else { return None };
    let is_large = document.root().descendants().take(MAX_NODES).count() == MAX_NODES;
    if !stream.errors.is_empty() || is_large {
        return None;
    }
    from_node(document.root(), &|_| site, 0)
}

/// A value from a node; `site` says where a node is.
pub(crate) fn from_node(
    node: Node<'_>,
    site: &dyn Fn(Node<'_>) -> Site,
    depth: u32,
) -> Option<Value> {
    if depth > MAX_DEPTH {
        return None;
    }
    let own = site(node);
    let kind = if node.is_mapping() {
        let entries = node.entries().map(|entry| {
            let (key_site, value_site) = (site(entry.key), site(entry.value));
            Some(Entry {
                key: entry.key.text().to_owned(),
                key_site,
                site: value_site,
                value: from_node(entry.value, site, depth + 1)?,
            })
        });
        Kind::Object(entries.collect::<Option<_>>()?)
    } else if node.is_sequence() {
        let items = node
            .items()
            .map(|item| Some(Item { site: site(item), value: from_node(item, site, depth + 1)? }));
        Kind::List(items.collect::<Option<_>>()?)
    } else {
        match node.scalar() {
            Some(Scalar::Bool(value)) => Kind::Bool(value),
            Some(Scalar::Int(value)) => Kind::Number(value.into()),
            Some(Scalar::UInt(value)) => Kind::Number(value.into()),
            Some(Scalar::Float(value)) => serde_json::Number::from_f64(value).map(Kind::Number)?,
            Some(Scalar::Null) => Kind::Null,
            _ => return Some(Value::text(node.text(), own)),
        }
    };
    Some(Value::new(kind, own))
}
