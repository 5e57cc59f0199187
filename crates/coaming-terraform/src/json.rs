//! Terraform's JSON syntax: strings in it are templates.

use coaming_yaml::{Entry, Node};

use crate::convert;
use crate::eval::{Names, Origin};
use crate::module::Module;
use crate::value::{Entry as Field, Item, Kind, Site, Value};

/// The entries of an object, or of all objects in an array.
pub(crate) fn entries(node: Node<'_>) -> Vec<Entry<'_>> {
    one_or_more(node).into_iter().flat_map(Node::entries).collect()
}

/// A node, or the items of an array.
pub(crate) fn one_or_more(node: Node<'_>) -> Vec<Node<'_>> {
    if node.is_sequence() { node.items().collect() } else { vec![node] }
}

/// Where a node is in its file.
pub(crate) fn site(file: u32, node: Node<'_>) -> Site {
    let span = node.span().unwrap_or(coaming_yaml::Span { start: 0, end: 0 });
    Site { file, start: span.start, end: span.end }
}

impl Module<'_> {
    /// The value of an expression in JSON.
    pub(crate) fn json_value(&self, file: u32, node: Node<'_>, names: &Names<'_>) -> Value {
        let own = site(file, node);
        let evaluated = self.budget.deeper(|| {
            if node.is_mapping() {
                let entries = node.entries().map(|entry| Field {
                    key: entry.name().to_owned(),
                    key_site: site(file, entry.key),
                    site: site(file, entry.value),
                    value: self.json_value(file, entry.value, names),
                });
                return Some(Value::new(Kind::Object(entries.collect()), own));
            }
            if node.is_sequence() {
                let items = node.items().map(|item| Item {
                    site: site(file, item),
                    value: self.json_value(file, item, names),
                });
                return Some(Value::new(Kind::List(items.collect()), own));
            }
            match node.as_str().filter(|text| text.contains("${") || text.contains("%{")) {
                Some(text) => {
                    let template = hcl_edit::parser::parse_template(text).ok()?;
                    let at = Origin { file, within: Some(own) };
                    Some(self.template_value(at, &template, None, names, own))
                }
                None => convert::from_node(node, &|_| own, 0),
            }
        });
        evaluated.flatten().unwrap_or_else(|| Value::unknown("expression", own))
    }
}
