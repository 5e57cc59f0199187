//! `replacements`: fields that take their values from other fields.

use crate::BuildError;
use crate::build::Build;
use crate::id::IdSelector;
use crate::resource::{Resource, Resources};
use crate::schema::Schema;
use crate::selector::{Requirements, compiled};
use crate::target::Target;
use crate::value::{Kind, Value, whole};

/// The field of objects' names, which is meant where none is named.
const DEFAULT_FIELD: &str = "metadata.name";

/// Applies all replacements, which are written in place or in files.
pub(crate) fn all(
    target: &Target<'_, '_>,
    replacements: &[Value],
    resources: &mut Resources,
) -> Result<(), BuildError> {
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
) -> Result<(), BuildError> {
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
    let value = value.filter(|value| !value.is_null());
    let value = value.ok_or_else(|| format!("`{path}` is missing in the source"))?;
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
            let steps = steps(path);
            if self.create && steps.iter().any(|step| step == "*") {
                return Err("`create` is not possible where a path has `*`".to_owned());
            }
            let mut found = 0;
            visit(root, &steps, self.create, &mut |node| {
                found += 1;
                self.write(node, value)
            })?;
            if found == 0 && !self.create {
                return Err(format!("the target has no `{path}`, and `create` is not set"));
            }
        }
        Ok(())
    }

    fn write(&self, node: &mut Value, value: &Value) -> Result<(), String> {
        let (Kind::Scalar(old), Kind::Scalar(new)) = (&mut node.kind, &value.kind) else {
            if !self.delimiter.is_empty() {
                return Err("`delimiter` is only for scalars".to_owned());
            }
            *node = value.clone();
            return Ok(());
        };
        if self.delimiter.is_empty() {
            // Only the text changes: a number in quotes stays in quotes.
            let was_null = !old.is_text && crate::scalar::is_null(&old.text);
            old.text = std::rc::Rc::clone(&new.text);
            old.is_text = if was_null { new.is_text } else { old.is_text };
            node.source = value.source;
            return Ok(());
        }
        let mut parts: Vec<&str> = old.text.split(self.delimiter.as_str()).collect();
        match usize::try_from(self.index) {
            Err(_) => parts.insert(0, &new.text),
            Ok(index) => match parts.get_mut(index) {
                Some(part) => *part = &new.text,
                None => parts.push(&new.text),
            },
        }
        old.text = parts.join(&self.delimiter).into();
        node.source = whole(node.source);
        Ok(())
    }
}

/// Calls a function with each node at a path; `*` stands for all items, conditions are regular
/// expressions.
fn visit(
    value: &mut Value,
    steps: &[String],
    create: bool,
    change: &mut dyn FnMut(&mut Value) -> Result<(), String>,
) -> Result<(), String> {
    let Some((step, rest)) = steps.split_first() else { return change(value) };
    if let Some((key, wanted)) = condition(step) {
        return visit_items(value, (key, wanted), rest, create, change);
    }
    match &mut value.kind {
        Kind::List(items) if step == "*" => {
            items.iter_mut().try_for_each(|item| visit(item, rest, create, change))
        }
        Kind::List(items) if step == "-" => match items.last_mut() {
            Some(item) => visit(item, rest, create, change),
            None => Ok(()),
        },
        Kind::List(items) => {
            let index: usize = step
                .parse()
                .map_err(|_| format!("`{step}` is not an index, and the field is a list"))?;
            match items.get_mut(index) {
                Some(item) => visit(item, rest, create, change),
                None => Err(format!("the list has no item {index}")),
            }
        }
        Kind::Map(entries) if step == "*" => {
            entries.iter_mut().try_for_each(|entry| visit(&mut entry.value, rest, create, change))
        }
        Kind::Map(_) | Kind::Scalar(_) => {
            if create && value.get(step).is_none() {
                let source = value.source;
                let is_list = rest.first().is_some_and(|next| condition(next).is_some());
                let made = match rest.first() {
                    None => Value::plain("", source),
                    Some(_) if is_list => Value::list(Vec::new(), source),
                    Some(_) => Value::map(source),
                };
                value.set(step, made);
            }
            match value.get_mut(step) {
                Some(field) => visit(field, rest, create, change),
                None => Ok(()),
            }
        }
    }
}

fn visit_items(
    value: &mut Value,
    (key, wanted): (&str, &str),
    rest: &[String],
    create: bool,
    change: &mut dyn FnMut(&mut Value) -> Result<(), String>,
) -> Result<(), String> {
    let source = value.source;
    let Kind::List(items) = &mut value.kind else { return Ok(()) };
    // `create` looks for the exact value.
    let pattern = if create { None } else { Some(compiled(wanted)?) };
    let fits = |item: &Value| {
        let own = if key.is_empty() { item.as_text() } else { item.get(key)?.as_text() }?;
        Some(match &pattern {
            Some(pattern) => pattern.is_match(own),
            None => own == wanted,
        })
    };
    let mut found = false;
    for item in items.iter_mut() {
        if fits(item).unwrap_or(false) {
            found = true;
            visit(item, rest, create, change)?;
        }
    }
    if !found && create {
        let mut made = Value::map(source);
        made.set(key, Value::plain(wanted, source));
        if key.is_empty() {
            made = Value::plain(wanted, source);
        }
        items.push(made);
        if let Some(item) = items.last_mut() {
            visit(item, rest, create, change)?;
        }
    }
    Ok(())
}
