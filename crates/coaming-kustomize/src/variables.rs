//! `vars`: values of fields that replace `$(NAME)` in others.

use std::collections::HashMap;
use std::rc::Rc;

use coaming_helm::Source;

use crate::build::Build;
use crate::config::Create;
use crate::failure::Failure;
use crate::id::{Gvk, Id};
use crate::scalar::Resolved;
use crate::target::{Accumulator, Target};
use crate::value::{Kind, Value};

/// A variable.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    name: Rc<str>,
    field: String,
    source: Source,
}

/// Adds the variables of a kustomization, and marks the objects that they read.
pub(crate) fn add(target: &Target<'_, '_>, gathered: &mut Accumulator) -> Result<(), Failure> {
    let build = target.build;
    let schema = build.schema();
    let mut own = Vec::new();
    for entry in target.kustomization.items("vars") {
        let name: Rc<str> = entry.str_at(&["name"]).into();
        let Some(reference) = entry.get("objref") else {
            return Err(build.invalid(entry.source, "the variable has no `objref`"));
        };
        let gvk = Gvk::of_selector(reference);
        let namespace = reference.str_at(&["namespace"]);
        let wanted = Id::new(gvk, reference.str_at(&["name"]), namespace, &schema);
        let fits = |id: &Id| {
            id.gvk == wanted.gvk
                && id.name == wanted.name
                && (namespace.is_empty() && !wanted.is_cluster_scoped()
                    || id.namespace == wanted.namespace)
        };
        let mut found = gathered
            .resources
            .list
            .iter_mut()
            .filter(|resource| resource.all_ids(&schema).iter().any(fits));
        if let Some(resource) = found.next() {
            resource.variables.push(Rc::clone(&name));
        }
        if found.next().is_some() {
            let message = format!("the variable `{name}` is for more than one object");
            return Err(build.invalid(entry.source, message));
        }
        let field = match entry.str_at(&["fieldref", "fieldpath"]) {
            "" => match entry.str_at(&["fieldref", "fieldPath"]) {
                "" => "metadata.name",
                field => field,
            },
            field => field,
        };
        own.push(Variable { name, field: field.to_owned(), source: entry.source });
    }
    merge(build, &mut gathered.variables, own)
}

/// Adds variables, none of which may be known.
pub(crate) fn merge(
    build: &Build<'_>,
    variables: &mut Vec<Variable>,
    more: Vec<Variable>,
) -> Result<(), Failure> {
    for variable in more {
        if variables.iter().any(|known| known.name == variable.name) {
            let message = format!("the variable `{}` is defined twice", variable.name);
            return Err(build.invalid(variable.source, message));
        }
        variables.push(variable);
    }
    Ok(())
}

/// Replaces all uses of variables.
pub(crate) fn resolve(build: &Build<'_>, gathered: &mut Accumulator) -> Result<(), Failure> {
    if gathered.variables.is_empty() {
        return Ok(());
    }
    let mut values: HashMap<Rc<str>, Value> = HashMap::new();
    for variable in &gathered.variables {
        let resource = gathered
            .resources
            .list
            .iter()
            .find(|resource| resource.variables.contains(&variable.name));
        let value = resource.and_then(|resource| field(&resource.root, &variable.field));
        let Some(value) = value else {
            let message =
                format!("the variable `{}` is for a field that no resource has", variable.name);
            return Err(build.invalid(variable.source, message));
        };
        values.insert(Rc::clone(&variable.name), value.clone());
    }
    for resource in &mut gathered.resources.list {
        let source = resource.source();
        for spec in &gathered.config.var_reference {
            spec.apply(&mut resource.root, Create::Nothing, source, &mut |node| {
                expand_in(node, &values)
            })
            .map_err(|message| build.invalid(source, message))?;
        }
    }
    Ok(())
}

/// The value of a field path such as `spec.ports[0].port`.
fn field<'v>(root: &'v Value, path: &str) -> Option<&'v Value> {
    let mut value = root;
    for part in path.split('.') {
        let (name, indices) = part.split_once('[').unwrap_or((part, ""));
        if !name.is_empty() {
            value = value.get(name)?;
        }
        for index in indices.split('[').filter(|index| !index.is_empty()) {
            value = value.items().get(index.trim_end_matches(']').parse::<usize>().ok()?)?;
        }
    }
    value.as_text().map(|_| value)
}

fn expand_in(node: &mut Value, values: &HashMap<Rc<str>, Value>) -> Result<(), String> {
    match &mut node.kind {
        Kind::Scalar(_) => expand(node, values),
        Kind::List(items) => items.iter_mut().for_each(|item| expand(item, values)),
        Kind::Map(entries) => {
            entries.iter_mut().for_each(|entry| expand(&mut entry.value, values));
        }
    }
    Ok(())
}

/// Replaces the uses in a text. A text that is nothing but a use takes over the type too.
fn expand(node: &mut Value, values: &HashMap<Rc<str>, Value>) {
    let Kind::Scalar(scalar) = &node.kind else { return };
    let Resolved::Text(text) = scalar.resolved() else { return };
    if !text.contains('$') {
        return;
    }
    let only = text.strip_prefix("$(").and_then(|rest| rest.strip_suffix(')'));
    if let Some(value) = only.and_then(|name| values.get(name)) {
        *node = value.clone();
        return;
    }
    let expanded = expanded(&text, values);
    if *expanded != *text {
        let source = crate::value::whole(node.source);
        node.set_text(&expanded, source);
    }
}

fn expanded(text: &str, values: &HashMap<Rc<str>, Value>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(rest.get(..at).unwrap_or_default());
        let after = rest.get(at + 1..).unwrap_or_default();
        let Some(next) = after.chars().next() else {
            rest = rest.get(at..).unwrap_or_default();
            break;
        };
        let end = after.find(')');
        match (next, end) {
            ('$', _) => {
                out.push('$');
                rest = after.get(1..).unwrap_or_default();
            }
            ('(', Some(end)) => {
                let name = after.get(1..end).unwrap_or_default();
                match values.get(name).and_then(Value::as_text) {
                    Some(value) => out.push_str(value),
                    None => out.push_str(rest.get(at..at + end + 2).unwrap_or_default()),
                }
                rest = after.get(end + 1..).unwrap_or_default();
            }
            _ => {
                out.push('$');
                out.push(next);
                rest = after.get(next.len_utf8()..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}
