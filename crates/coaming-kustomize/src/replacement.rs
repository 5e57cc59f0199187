//! `replacements`: fields that take their values from other fields.

use crate::build::Build;
use crate::failure::Failure;
use crate::id::IdSelector;
use crate::resource::{Resource, Resources};
use crate::scalar;
use crate::schema::Schema;
use crate::selector::{Requirements, compiled};
use crate::target::Target;
use crate::value::{Kind, Scalar, Value, whole};

/// The field of objects' names, which is meant where none is named.
const DEFAULT_FIELD: &str = "metadata.name";

/// Applies all replacements, which are written in place or in files.
pub(crate) fn all(
    target: &Target<'_, '_>,
    replacements: &[Value],
    resources: &mut Resources,
) -> Result<(), Failure> {
    let build = target.build;
    for entry in replacements {
        match entry.get("path").filter(|path| !path.str().is_empty()) {
            None => apply(build, entry, resources)?,
            Some(path) => {
                for document in build.documents(&target.load(path)?)?.iter() {
                    let single = document.is_map().then_some(document);
                    for entry in document.items().iter().chain(single) {
                        apply(build, entry, resources)?;
                    }
                }
            }
        }
    }
    Ok(())
}

/// Applies one replacement.
pub(crate) fn apply(
    build: &Build<'_>,
    entry: &Value,
    resources: &mut Resources,
) -> Result<(), Failure> {
    let schema = build.schema();
    let invalid = |message: String| build.invalid(entry.source, message);
    let value = source_value(entry, resources, &schema);
    let value = match value {
        Ok(value) => value,
        // The source may be what was not fetched.
        Err(_) if build.has_problems() => return Ok(()),
        Err(message) => return Err(invalid(message)),
    };
    let Some(targets) = entry.get("targets").filter(|targets| targets.is_list()) else {
        return Err(invalid("a replacement needs a source and a target".to_owned()));
    };
    for target in targets.items() {
        let target =
            TargetSelector::of(target).map_err(|message| build.invalid(target.source, message))?;
        for resource in &mut resources.list {
            if target.selects(resource, &schema) {
                build.count_nodes(value.nodes())?;
                let shares = resource.shared();
                target
                    .set(&mut resource.root, &value)
                    .map_err(|message| build.invalid(target.at, message))?;
                shares.settle(&mut resource.root);
            }
        }
    }
    Ok(())
}

fn source_value(entry: &Value, resources: &Resources, schema: &Schema) -> Result<Value, String> {
    if let Some(value) = entry.get("sourceValue").filter(|value| !value.is_null()) {
        return Ok(value.clone());
    }
    let source = entry.get("source").filter(|source| source.is_map());
    let source = source.ok_or("a replacement needs a source and a target")?;
    let selector = IdSelector::of(source);
    let is_meant = |resource: &&Resource| {
        resource.all_ids(schema).iter().any(|id| selector.selects(id, schema))
    };
    let mut found = resources.list.iter().filter(is_meant);
    let resource = found.next().ok_or("the source of the replacement selects no object")?;
    if found.next().is_some() {
        return Err("the source of the replacement selects several objects".to_owned());
    }
    let path = match source.str_at(&["fieldPath"]) {
        "" => DEFAULT_FIELD,
        path => path,
    };
    let value = steps(path).iter().try_fold(&resource.root, |value, step| child(value, step));
    let is_empty = |value: &Value| match &value.kind {
        Kind::List(items) => items.is_empty(),
        Kind::Map(entries) => entries.is_empty(),
        Kind::Scalar(_) => value.is_null(),
    };
    let value = value.filter(|value| !is_empty(value));
    let value = value.ok_or_else(|| format!("`{path}` is missing or empty in the source"))?;
    refined(value.clone(), source.get("options"))
}

/// The part of a text that the options of a source choose.
fn refined(mut value: Value, options: Option<&Value>) -> Result<Value, String> {
    let delimiter = options.map(|options| options.str_at(&["delimiter"])).unwrap_or_default();
    if delimiter.is_empty() {
        return Ok(value);
    }
    let Kind::Scalar(scalar) = &mut value.kind else {
        return Err("`delimiter` is only for scalars".to_owned());
    };
    let index = index_of(options);
    let part =
        usize::try_from(index).ok().and_then(|index| scalar.text.split(delimiter).nth(index));
    let part = part.ok_or_else(|| format!("the source has no part {index}"))?;
    scalar.text = part.into();
    value.source = whole(value.source);
    Ok(value)
}

fn index_of(options: Option<&Value>) -> i64 {
    options.and_then(|options| options.str_at(&["index"]).parse().ok()).unwrap_or(0)
}

/// The steps of a path such as `spec.containers.[name=web].image`; dots in brackets and after a
/// backslash do not separate.
fn steps(path: &str) -> Vec<String> {
    let mut steps = vec![String::new()];
    let mut in_brackets = false;
    let mut chars = path.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek() == Some(&'.') => {
                chars.next();
                push(&mut steps, '.');
            }
            '.' if !in_brackets => steps.push(String::new()),
            c => {
                in_brackets = match c {
                    '[' if steps.last().is_some_and(String::is_empty) => true,
                    ']' => false,
                    _ => in_brackets,
                };
                push(&mut steps, c);
            }
        }
    }
    // Brackets around a key with dots only keep it together: `data.[a.b]`.
    for step in &mut steps {
        if is_condition(step) && step.contains('.') && !step.contains('=') {
            *step = step.trim_matches(['[', ']']).to_owned();
        }
    }
    steps
}

fn push(steps: &mut [String], c: char) {
    if let Some(last) = steps.last_mut() {
        last.push(c);
    }
}

/// The key and the value of a step such as `[name=web]`.
fn condition(step: &str) -> Option<(&str, &str)> {
    step.strip_prefix('[')?.strip_suffix(']')?.split_once('=')
}

fn child<'v>(value: &'v Value, step: &str) -> Option<&'v Value> {
    match (&value.kind, condition(step)) {
        (Kind::List(items), Some((key, wanted))) => items.iter().find(|item| {
            let own = if key.is_empty() { Some(*item) } else { item.get(key) };
            own.and_then(Value::as_text) == Some(wanted)
        }),
        (Kind::List(items), None) if step == "-" => items.last(),
        (Kind::List(items), None) => items.get(step.parse::<usize>().ok()?),
        _ => value.get(step),
    }
}

/// A target of a replacement.
struct TargetSelector {
    select: IdSelector,
    labels: Requirements,
    annotations: Requirements,
    reject: Vec<(IdSelector, Requirements, Requirements, bool)>,
    paths: Vec<String>,
    create: bool,
    delimiter: String,
    index: i64,
    at: coaming_helm::Source,
}

impl TargetSelector {
    fn of(value: &Value) -> Result<Self, String> {
        let select = value.get("select").filter(|select| select.is_map());
        let select = select.ok_or("the target selects no objects: `select` is missing")?;
        let both = |value: &Value| -> Result<(Requirements, Requirements), String> {
            Ok((
                Requirements::of(value.str_at(&["labelSelector"]))?,
                Requirements::of(value.str_at(&["annotationSelector"]))?,
            ))
        };
        let (labels, annotations) = both(select)?;
        let mut reject = Vec::new();
        for one in value.get("reject").map(Value::items).unwrap_or_default() {
            let (labels, annotations) = both(one)?;
            let has_selector =
                one.get("labelSelector").is_some() || one.get("annotationSelector").is_some();
            reject.push((IdSelector::of(one), labels, annotations, has_selector));
        }
        let paths = value.get("fieldPaths").map(Value::items).unwrap_or_default();
        let mut paths: Vec<String> = paths.iter().map(|path| path.str().to_owned()).collect();
        if paths.is_empty() {
            paths.push(DEFAULT_FIELD.to_owned());
        }
        let options = value.get("options");
        Ok(Self {
            select: IdSelector::of(select),
            labels,
            annotations,
            reject,
            paths,
            create: options.and_then(|it| it.get("create")).is_some_and(Value::is_true),
            delimiter: options.map(|it| it.str_at(&["delimiter"])).unwrap_or_default().to_owned(),
            index: index_of(options),
            at: value.source,
        })
    }

    fn selects(&self, resource: &Resource, schema: &Schema) -> bool {
        let labels = resource.root.at(&["metadata", "labels"]);
        let annotations = resource.root.at(&["metadata", "annotations"]);
        if !self.labels.fit(labels) || !self.annotations.fit(annotations) {
            return false;
        }
        let is_rejected = self.reject.iter().any(|(_, of_labels, of_annotations, is_used)| {
            *is_used && of_labels.fit(labels) && of_annotations.fit(annotations)
        });
        !is_rejected
            && resource.all_ids(schema).iter().any(|id| {
                let rejects =
                    |selector: &IdSelector| !selector.is_empty() && selector.selects(id, schema);
                self.select.selects(id, schema)
                    && !self.reject.iter().any(|(selector, ..)| rejects(selector))
            })
    }

    fn set(&self, root: &mut Value, value: &Value) -> Result<(), String> {
        for path in &self.paths {
            let leaf = self.create.then(|| empty_like(value));
            let mut found = 0;
            visit(root, &steps(path), leaf.as_ref(), &mut |node, is_made| {
                found += 1;
                self.write(node, is_made, value)
            })?;
            if found == 0 {
                return Err(if self.create {
                    format!("the target has no `{path}`, and it cannot be created")
                } else {
                    format!("the target has no `{path}`, and `create` is not set")
                });
            }
        }
        Ok(())
    }

    /// Writes the value into a node. One that was made for it has no type of its own yet; the type of
    /// others remains, and another text has to fit it.
    fn write(&self, node: &mut Value, is_made: bool, value: &Value) -> Result<(), String> {
        let Kind::Scalar(old) = &mut node.kind else {
            if !self.delimiter.is_empty() {
                return Err("`delimiter` is only for scalars".to_owned());
            }
            *node = value.clone();
            return Ok(());
        };
        let new = match (&value.kind, self.delimiter.is_empty()) {
            (Kind::Scalar(new), _) => &*new.text,
            // Kustomize takes over the text of a list or mapping, which has none.
            (_, true) => "",
            (_, false) => return Err("`delimiter` is only for scalars".to_owned()),
        };
        if self.delimiter.is_empty() {
            old.is_text = !is_made && keeps_text(old, new)?;
            old.text = new.into();
            node.source = value.source;
            return Ok(());
        }
        let mut parts: Vec<&str> = old.text.split(self.delimiter.as_str()).collect();
        match usize::try_from(self.index) {
            Err(_) => parts.insert(0, new),
            Ok(index) => match parts.get_mut(index) {
                Some(part) => *part = new,
                None => parts.push(new),
            },
        }
        let joined = parts.join(&self.delimiter);
        old.is_text = !is_made && keeps_text(old, &joined)?;
        old.text = joined.into();
        node.source = whole(node.source);
        Ok(())
    }
}

/// What a field is before this value is written into it.
fn empty_like(value: &Value) -> Value {
    match value.kind {
        Kind::Scalar(_) => Value::plain("", value.source),
        Kind::List(_) => Value::list(Vec::new(), value.source),
        Kind::Map(_) => Value::map(value.source),
    }
}

/// Whether a scalar is text with its new text, too.
fn keeps_text(old: &Scalar, new: &str) -> Result<bool, String> {
    if old.is_text {
        return Ok(true);
    }
    let (was, is) = (scalar::kind_of(&old.text), scalar::kind_of(new));
    if was == scalar::Type::Text {
        return Ok(true);
    }
    if was == is || (was == scalar::Type::Float && is == scalar::Type::Int) {
        return Ok(false);
    }
    Err(format!("`{new}` does not have the type of `{}`, which it replaces", old.text))
}

/// What is called with a node, and with whether it was made just now.
type Change<'c> = dyn FnMut(&mut Value, bool) -> Result<(), String> + 'c;

/// Calls a function with each node at a path; `*` stands for all items, conditions are regular
/// expressions. What is missing is made if there is a `leaf`, which is what the last step is then.
fn visit(
    value: &mut Value,
    steps: &[String],
    leaf: Option<&Value>,
    change: &mut Change<'_>,
) -> Result<(), String> {
    let Some((step, rest)) = steps.split_first() else { return change(value, false) };
    if value.is_null() && leaf.is_none() {
        return Ok(());
    }
    if let Ok(index) = step.parse::<usize>() {
        return visit_index(value, index, rest, leaf, change);
    }
    if is_condition(step) {
        return visit_items(value, step, rest, leaf, change);
    }
    if step == "*" {
        return items_of(value, step)?
            .iter_mut()
            .try_for_each(|item| visit(item, rest, leaf, change));
    }
    if !value.is_map() && !value.is_null() {
        return Err(format!("`{step}` is expected in a mapping"));
    }
    if value.get(step).is_none() {
        let Some(leaf) = leaf else { return Ok(()) };
        value.set(step, made(rest, leaf, value.source));
        return match value.get_mut(step) {
            Some(field) if rest.is_empty() => change(field, true),
            Some(field) => visit(field, rest, Some(leaf), change),
            None => Ok(()),
        };
    }
    match value.get_mut(step) {
        Some(field) => visit(field, rest, leaf, change),
        None => Ok(()),
    }
}

/// Whether a step is for items of a list: `[name=web]`.
fn is_condition(step: &str) -> bool {
    step.starts_with('[') && step.ends_with(']')
}

/// What is made for a step, given those after it.
fn made(rest: &[String], leaf: &Value, source: coaming_helm::Source) -> Value {
    match rest.first() {
        None => Value { source, ..leaf.clone() },
        Some(next) if is_condition(next) || next == "*" || next.parse::<usize>().is_ok() => {
            Value::list(Vec::new(), source)
        }
        Some(_) => Value::map(source),
    }
}

/// The items of a list, which is made of null.
fn items_of<'v>(value: &'v mut Value, step: &str) -> Result<&'v mut Vec<Value>, String> {
    if value.is_null() {
        value.kind = Kind::List(Vec::new());
    }
    match &mut value.kind {
        Kind::List(items) => Ok(items),
        Kind::Map(_) | Kind::Scalar(_) => Err(format!("`{step}` is expected in a list")),
    }
}

fn visit_index(
    value: &mut Value,
    index: usize,
    rest: &[String],
    leaf: Option<&Value>,
    change: &mut Change<'_>,
) -> Result<(), String> {
    let source = value.source;
    let items = items_of(value, &index.to_string())?;
    let is_made = index == items.len() && leaf.is_some();
    if let Some(leaf) = leaf.filter(|_| is_made) {
        items.push(made(rest, leaf, source));
    }
    match items.get_mut(index) {
        Some(item) if is_made && rest.is_empty() => change(item, true),
        Some(item) => visit(item, rest, leaf, change),
        None => Err(format!("the list has no item {index}")),
    }
}

fn visit_items(
    value: &mut Value,
    step: &str,
    rest: &[String],
    leaf: Option<&Value>,
    change: &mut Change<'_>,
) -> Result<(), String> {
    let source = value.source;
    let (key, wanted) = condition(step).ok_or_else(|| format!("`{step}` has no `=`"))?;
    let pattern = compiled(wanted)?;
    let items = items_of(value, step)?;
    let fits = |item: &Value| {
        let own = if key.is_empty() { Some(item) } else { item.get(key) };
        own.and_then(Value::as_text).is_some_and(|own| pattern.is_match(own))
    };
    let is_made = leaf.is_some() && !items.iter().any(fits);
    if is_made {
        let mut made = Value::plain(wanted, source);
        if !key.is_empty() {
            let name = std::mem::replace(&mut made, Value::map(source));
            made.set(key, name);
        }
        items.push(made);
    }
    items.iter_mut().filter(|item| fits(item)).try_for_each(|item| match key {
        // An item that is selected by its own text has nothing below it.
        "" => change(item, is_made),
        _ => visit(item, rest, leaf, change),
    })
}

#[cfg(test)]
mod tests {
    use super::steps;

    #[test]
    fn brackets_and_escapes_keep_steps_together() {
        assert_eq!(steps("data.[a.b/c].d"), ["data", "a.b/c", "d"]);
        assert_eq!(steps(r"data.a\.b"), ["data", "a.b"]);
        assert_eq!(steps("list.[name=a.b].x"), ["list", "[name=a.b]", "x"]);
        assert_eq!(steps("list.[x]"), ["list", "[x]"]);
    }
}
