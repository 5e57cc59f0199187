//! Strategic merge, as Kustomize does it: lists merge by the API's keys, items of the patch come
//! first, null deletes, `$patch` directs.
//!
//! Where Kustomize differs from the API server, this is Kustomize: a list that a patch touches loses
//! all but the last of equal keys, `$retainKeys` and `$setElementOrder` are ordinary fields,
//! `$patch: replace` in an item has no effect, and a number in the place of a quoted text is text.

use std::collections::HashSet;

use crate::schema::{FieldRef, TypeRef};
use crate::value::{Entry, Kind, Value};

/// The field that directs a merge.
const DIRECTIVE: &str = "$patch";

/// The most items of a list that merges: comparing them takes quadratic time.
const MAX_ITEMS: usize = 4_000;

/// What is known about the type of a node.
#[derive(Clone, Copy)]
pub(crate) struct Typing<'s> {
    of_type: Option<TypeRef<'s>>,
    merge_keys: Option<&'s [String]>,
}

impl<'s> Typing<'s> {
    pub(crate) fn object(of_type: Option<TypeRef<'s>>) -> Self {
        Self { of_type, merge_keys: None }
    }

    fn field(self, name: &str) -> Self {
        let field = self.of_type.and_then(|of_type| of_type.field(name));
        Self {
            of_type: field.and_then(FieldRef::of_type),
            merge_keys: field.and_then(FieldRef::merge_keys),
        }
    }

    fn item(self) -> Self {
        Self { merge_keys: None, ..self }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

/// What a patch makes of a node; `None` if it deletes it.
pub(crate) fn merge(
    target: Option<Value>,
    patch: Option<&Value>,
    typing: Typing<'_>,
) -> Result<Option<Value>, String> {
    let present = |value: &&Value| !value.is_null();
    let Some(shape) = target.as_ref().filter(present).or(patch.filter(present)) else {
        // A null of the target alone stays.
        return Ok(if patch.is_some() { None } else { target });
    };
    let fits = |value: &Value| {
        value.is_null() || (value.is_map() == shape.is_map() && value.is_list() == shape.is_list())
    };
    if !target.as_ref().is_none_or(fits) || !patch.is_none_or(fits) {
        return Err("the patch and its target are of different kinds".to_owned());
    }
    let (is_map, is_list) = (shape.is_map(), shape.is_list());
    if patch.is_some_and(Value::is_null) {
        return Ok(None);
    }
    let Some(target) = target.filter(|target| !target.is_null()) else {
        return patch.map_or(Ok(None), |patch| adopt(patch.clone(), typing));
    };
    if is_map {
        return merge_maps(target, patch, typing);
    }
    match (typing.merge_keys, patch) {
        (Some(keys), patch) if is_list => merge_lists(target, patch, keys, typing),
        (_, Some(patch)) => Ok(Some(replaced(&target, patch.clone()))),
        (_, None) => Ok(Some(target)),
    }
}

/// A value of the patch in the place of one of the target. Kustomize keeps the quotes of the target,
/// so that a number becomes text.
fn replaced(target: &Value, mut patch: Value) -> Value {
    if let (Kind::Scalar(old), Kind::Scalar(new)) = (&target.kind, &mut patch.kind) {
        new.is_text |= old.is_quoted;
        new.is_quoted = old.is_quoted;
        new.share = old.share;
    }
    patch
}

/// What a patch adds where there was nothing: itself, without directives and deletions.
fn adopt(mut value: Value, typing: Typing<'_>) -> Result<Option<Value>, String> {
    if value.is_null() {
        return Ok(None);
    }
    if value.is_map() && take_directive(&mut value)? == Directive::Delete {
        return Ok(None);
    }
    if let Kind::Map(entries) = &mut value.kind {
        let mut kept = Vec::with_capacity(entries.len());
        for Entry { key, is_plain, source, value } in std::mem::take(entries) {
            if let Some(value) = adopt(value, typing.field(&key))? {
                kept.push(Entry { key, is_plain, source, value });
            }
        }
        *entries = kept;
    } else if let (Some(keys), true) = (typing.merge_keys, value.is_list()) {
        let mut patch = value.clone();
        take_list_directive(&mut patch);
        take_list_directive(&mut value);
        // The list merges with itself, so that a directive that is followed is gone from both.
        for item in value.items_mut() {
            drop_directives(item, typing.item());
        }
        return merge_lists(value, Some(&patch), keys, typing);
    }
    Ok(Some(value))
}

/// Removes the directives that a merge follows, but for those that delete.
fn drop_directives(value: &mut Value, typing: Typing<'_>) {
    if value.get(DIRECTIVE).is_some_and(|directive| directive.str() != "delete") {
        value.remove(DIRECTIVE);
    }
    match &mut value.kind {
        Kind::Map(entries) => entries
            .iter_mut()
            .for_each(|entry| drop_directives(&mut entry.value, typing.field(&entry.key))),
        Kind::List(items) if typing.merge_keys.is_some() => {
            items.iter_mut().for_each(|item| drop_directives(item, typing.item()));
        }
        Kind::List(_) | Kind::Scalar(_) => {}
    }
}

/// Removes the directive of a mapping.
fn take_directive(value: &mut Value) -> Result<Directive, String> {
    let Some(directive) = value.get(DIRECTIVE) else { return Ok(Directive::Merge) };
    let known = directive_of(directive)?;
    value.remove(DIRECTIVE);
    Ok(known)
}

fn directive_of(value: &Value) -> Result<Directive, String> {
    match value.str() {
        "merge" => Ok(Directive::Merge),
        "replace" => Ok(Directive::Replace),
        "delete" => Ok(Directive::Delete),
        other => Err(format!("`{DIRECTIVE}: {other}` is not a known directive")),
    }
}

/// Removes the item of a list that is nothing but a directive for the whole list.
fn take_list_directive(list: &mut Value) -> Directive {
    let Kind::List(items) = &mut list.kind else { return Directive::Merge };
    let is_directive = |item: &Value| item.entries().len() == 1 && item.get(DIRECTIVE).is_some();
    let Some(index) = items.iter().position(is_directive) else { return Directive::Merge };
    let item = items.remove(index);
    let directive = item.get(DIRECTIVE).map(directive_of);
    directive.and_then(Result::ok).unwrap_or(Directive::Merge)
}

fn merge_maps(
    mut target: Value,
    patch: Option<&Value>,
    typing: Typing<'_>,
) -> Result<Option<Value>, String> {
    let directive = patch.and_then(|patch| patch.get(DIRECTIVE)).map(directive_of).transpose()?;
    match (directive, patch) {
        (Some(Directive::Delete), _) => return Ok(None),
        (Some(Directive::Replace), Some(patch)) => return adopt(patch.clone(), typing),
        _ => {}
    }
    let Kind::Map(entries) = &mut target.kind else { return Ok(Some(target)) };
    // Keys that the target has, but that were deleted, do not come back.
    let known: HashSet<_> = entries.iter().map(|entry| entry.key.clone()).collect();
    let mut merged = Vec::with_capacity(entries.len());
    for Entry { key, is_plain, source, value } in std::mem::take(entries) {
        let theirs = patch.and_then(|patch| patch.get(&key));
        if let Some(value) = merge(Some(value), theirs, typing.field(&key))? {
            merged.push(Entry { key, is_plain, source, value });
        }
    }
    let mut added = Vec::new();
    for entry in patch.map(Value::entries).unwrap_or_default() {
        if &*entry.key == DIRECTIVE || known.contains(&entry.key) || is_deletion(&entry.value) {
            continue;
        }
        if let Some(value) = merge(None, Some(&entry.value), typing.field(&entry.key))? {
            let Entry { key, is_plain, source, .. } = entry;
            added.push(Entry { key: key.clone(), is_plain: *is_plain, source: *source, value });
        }
    }
    merged.append(&mut added);
    target.kind = Kind::Map(merged);
    Ok(Some(target))
}

fn is_deletion(value: &Value) -> bool {
    value.is_null() || value.get(DIRECTIVE).is_some_and(|directive| directive.str() == "delete")
}

/// Items by handles, because one item can be in the target and in the result.
struct Items {
    values: Vec<Value>,
}

impl Items {
    /// The text of a key, or of the item itself. A mapping or a list that is there has an empty one.
    fn text(&self, handle: usize, key: &str) -> Option<&str> {
        let item = self.values.get(handle)?;
        if key.is_empty() {
            return item.as_text();
        }
        Some(item.get(key)?.as_text().unwrap_or_default())
    }

    /// Whether an item has these values; an empty one matches any. Keys without a value follow the
    /// ones before.
    fn has(&self, handle: usize, keys: &[&str], values: &[String]) -> bool {
        !values.is_empty()
            && keys.iter().zip(values).all(|(key, value)| {
                self.text(handle, key).is_some_and(|text| value.is_empty() || text == value)
            })
    }

    /// Puts an item in the place of those with its keys, or at the end; `None` removes them. Empty
    /// items go, whatever their keys.
    fn put(&self, list: &mut Vec<usize>, keys: &[&str], values: &[String], new: Option<usize>) {
        let mut found = false;
        let mut kept = Vec::with_capacity(list.len() + 1);
        for &handle in list.iter() {
            if self.values.get(handle).is_none_or(is_empty) {
                continue;
            }
            if self.has(handle, keys, values) {
                found = true;
                kept.extend(new);
            } else {
                kept.push(handle);
            }
        }
        if !found {
            kept.extend(new);
        }
        *list = kept;
    }

    fn find(&self, list: &[usize], keys: &[&str], values: &[String]) -> Option<usize> {
        let exact = |handle: &&usize| {
            keys.iter().zip(values).all(|(key, value)| self.text(**handle, key) == Some(value))
        };
        list.iter().find(exact).copied()
    }

    fn values_of(&self, handle: usize, keys: &[&str]) -> Vec<String> {
        let is_null = |key: &str| {
            self.values.get(handle).and_then(|item| item.get(key)).is_some_and(Value::is_null)
        };
        let text = |key: &&str| match self.text(handle, key) {
            Some(text) if !is_null(key) => text.to_owned(),
            _ => String::new(),
        };
        keys.iter().map(text).collect()
    }
}

fn merge_lists(
    target: Value,
    patch: Option<&Value>,
    keys: &[String],
    typing: Typing<'_>,
) -> Result<Option<Value>, String> {
    let source = target.source;
    let Kind::List(old) = target.kind else { return Ok(Some(target)) };
    let mut patch = patch.cloned();
    match patch.as_mut().map(take_list_directive) {
        Some(Directive::Delete) => return Ok(None),
        Some(Directive::Replace) => {
            return patch.map_or(Ok(None), |patch| adopt(patch, typing));
        }
        _ => {}
    }
    let new = match patch.map(|patch| patch.kind) {
        Some(Kind::List(new)) => new,
        _ => Vec::new(),
    };
    if old.len() + new.len() > MAX_ITEMS {
        return Err(format!("a list of more than {MAX_ITEMS} items is not merged"));
    }
    let primitive = [""];
    let keys: Vec<&str> = if keys.is_empty() {
        primitive.to_vec()
    } else {
        keys.iter().map(String::as_str).collect()
    };
    let is_unfit = |item: &Value| !item.is_map() && !item.is_null();
    if keys != primitive && old.iter().any(is_unfit) {
        return Err("an item of a list that merges is not a mapping".to_owned());
    }
    let theirs: Vec<usize> = (old.len()..old.len() + new.len()).collect();
    let mut ours: Vec<usize> = (0..old.len()).collect();
    let mut items = Items { values: old.into_iter().chain(new).collect() };
    let combinations = combinations(&items, &theirs, &ours, &keys);
    let mut result: Vec<usize> = Vec::new();
    let mut valid = keys.clone();
    for values in &combinations {
        let valid_values;
        (valid, valid_values) = valid_keys(&combinations, values, &keys);
        let (wanted, wanted_values) = valid_keys(std::slice::from_ref(values), values, &keys);
        let own = items.find(&ours, &wanted, &wanted_values);
        let other = items.find(&theirs, &wanted, &wanted_values);
        match merge_items(&mut items, own, other, typing.item())? {
            Some(handle) => {
                set_keys(&mut items, handle, &valid, &valid_values);
                items.put(&mut result, &valid, &valid_values, Some(handle));
            }
            None => items.put(&mut ours, &valid, &valid_values, None),
        }
    }
    for handle in ours {
        append(&items, &mut result, handle, &valid);
    }
    let values = result.iter().filter_map(|handle| items.values.get(*handle).cloned());
    Ok(Some(Value::list(values.collect(), source)))
}

/// Merges an item of the target with one of the patch. Returns the item that results.
fn merge_items(
    items: &mut Items,
    own: Option<usize>,
    other: Option<usize>,
    typing: Typing<'_>,
) -> Result<Option<usize>, String> {
    let patch = other.and_then(|other| items.values.get(other).cloned());
    let Some(own) = own else {
        let Some(value) = merge(None, patch.as_ref(), typing)? else { return Ok(None) };
        if is_empty(&value) {
            return Ok(None);
        }
        items.values.push(value);
        return Ok(Some(items.values.len() - 1));
    };
    let Some(slot) = items.values.get_mut(own) else { return Ok(None) };
    let replaces = patch
        .as_ref()
        .and_then(|patch| patch.get(DIRECTIVE))
        .is_some_and(|directive| directive.str() == "replace");
    let target =
        if replaces { slot.clone() } else { std::mem::replace(slot, Value::map(slot.source)) };
    let merged = merge(Some(target), patch.as_ref(), typing)?;
    match merged.filter(|value| !is_empty(value)) {
        Some(value) if replaces => {
            items.values.push(value);
            Ok(Some(items.values.len() - 1))
        }
        Some(value) => {
            items.values[own] = value;
            Ok(Some(own))
        }
        None => {
            // What was deleted keeps its keys, by which it is taken out of the target.
            if let (Some(patch), Some(slot)) = (patch, items.values.get_mut(own)) {
                *slot = patch;
            }
            Ok(None)
        }
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || (value.is_map() && value.entries().is_empty())
}

fn set_keys(items: &mut Items, handle: usize, keys: &[&str], values: &[String]) {
    let Some(item) = items.values.get_mut(handle) else { return };
    if !item.is_map() {
        return;
    }
    for (key, value) in keys.iter().zip(values) {
        if item.get(key).is_none() && !value.is_empty() {
            let made = Value::plain(value, item.source);
            item.set(key, made);
        }
    }
}

/// Adds an item of the target to the result, in the place of the one with its keys.
fn append(items: &Items, result: &mut Vec<usize>, handle: usize, keys: &[&str]) {
    let mut values = Vec::new();
    let mut is_complete = true;
    for key in keys {
        match items.text(handle, key) {
            Some(text) => values.push(text.to_owned()),
            None => is_complete = false,
        }
    }
    if !is_complete {
        result.push(handle);
    }
    if keys.len() > 1 {
        items.put(result, keys, &values, None);
    }
    if values.is_empty() {
        // To Kustomize, an item without any key is in the place of all others.
        *result = vec![handle];
        return;
    }
    items.put(result, keys, &values, Some(handle));
}

/// The values of the keys in all items, those of the patch first, each once.
fn combinations(
    items: &Items,
    theirs: &[usize],
    ours: &[usize],
    keys: &[&str],
) -> Vec<Vec<String>> {
    let mut seen = HashSet::new();
    let mut all: Vec<Vec<String>> = Vec::new();
    for handle in theirs.iter().chain(ours) {
        let values = items.values_of(*handle, keys);
        if seen.insert(values.clone()) {
            all.push(values);
        }
    }
    let is_incomplete = |values: &Vec<String>| values.iter().any(String::is_empty);
    if keys.len() > 1 && all.iter().any(is_incomplete) {
        for first in 0..all.len() {
            for second in 0..all.len() {
                if let Some(joined) = joined(&all[first], &all[second]) {
                    all[first].clone_from(&joined);
                    all[second] = joined;
                }
            }
        }
    }
    all
}

/// Two combinations as one, if they differ only where one of them has no value.
fn joined(first: &[String], second: &[String]) -> Option<Vec<String>> {
    let mut is_common = false;
    let mut all = Vec::with_capacity(first.len());
    for (one, other) in first.iter().zip(second) {
        is_common |= one == other;
        if one != other && !one.is_empty() && !other.is_empty() {
            return None;
        }
        all.push(if one.is_empty() { other.clone() } else { one.clone() });
    }
    is_common.then_some(all)
}

/// The keys that have a value in some combination, with their values in this one.
fn valid_keys<'k>(
    combinations: &[Vec<String>],
    values: &[String],
    keys: &[&'k str],
) -> (Vec<&'k str>, Vec<String>) {
    let is_used = |index: usize| {
        combinations.iter().any(|values| values.get(index).is_some_and(|value| !value.is_empty()))
    };
    let used: Vec<usize> = (0..keys.len()).filter(|index| is_used(*index)).collect();
    if used.is_empty() {
        return (keys.to_vec(), values.to_vec());
    }
    let keys = used.iter().filter_map(|index| keys.get(*index).copied()).collect();
    let values = used.iter().filter_map(|index| values.get(*index).cloned()).collect();
    (keys, values)
}
