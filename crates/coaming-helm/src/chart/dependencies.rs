//! Which subcharts are part of a rendering, under which names, and which of their values the parent
//! imports.

use super::merge::{coalesce_tables, coalesce_values, table};
use super::{Chart, metadata::Dependency};
use crate::budget::Budget;
use crate::functions::copy;
use crate::print;
use crate::semver::{Constraint, Version};
use crate::value::{Kind, Map, MapType, Value};

/// Removes disabled subcharts, applies aliases and imports values.
pub(crate) fn process(chart: &mut Chart, values: &Value, budget: &Budget) -> Result<(), String> {
    chart.path.clone_from(&chart.metadata.name);
    name_paths(chart);
    enable(chart, values, "", budget)?;
    import(chart, budget)
}

fn name_paths(chart: &mut Chart) {
    for mut sub in std::mem::take(&mut chart.dependencies) {
        chart.adopt(&mut sub);
        name_paths(&mut sub);
        chart.dependencies.push(sub);
    }
}

fn fits(constraint: &str, version: &str) -> bool {
    match (Constraint::parse(constraint), Version::parse(version)) {
        (Some(constraint), Some(version)) => constraint.allows(&version),
        _ => constraint.is_empty(),
    }
}

fn is(chart: &Chart, dependency: &Dependency) -> bool {
    chart.metadata.name == dependency.original && fits(&dependency.version, &chart.metadata.version)
}

fn enable(chart: &mut Chart, values: &Value, path: &str, budget: &Budget) -> Result<(), String> {
    if !chart.metadata.names_dependencies {
        return Ok(());
    }
    let named = &chart.metadata.dependencies;
    let mut subcharts: Vec<Chart> = chart
        .dependencies
        .iter()
        .filter(|sub| !named.iter().any(|dependency| is(sub, dependency)))
        .cloned()
        .collect();
    subcharts.iter_mut().for_each(|sub| chart.adopt(sub));
    budget.nodes(named.len() * 64)?;
    for dependency in named {
        let found = chart.dependencies.iter().find(|sub| is(sub, dependency));
        if let Some(found) = found {
            let mut sub = found.clone();
            if !dependency.alias.is_empty() {
                sub.metadata.name.clone_from(&dependency.alias);
            }
            chart.adopt(&mut sub);
            // As in Helm, charts further below keep their names if no chart between lists them.
            for mut inner in std::mem::take(&mut sub.dependencies) {
                sub.adopt(&mut inner);
                sub.dependencies.push(inner);
            }
            subcharts.push(sub);
        }
    }
    for dependency in &mut chart.metadata.dependencies {
        if !dependency.alias.is_empty() {
            dependency.name.clone_from(&dependency.alias);
        }
        dependency.enabled = true;
    }
    chart.dependencies = subcharts;
    let values = coalesce_values(chart, values, false, budget)?;
    by_tags(&mut chart.metadata.dependencies, &values);
    by_conditions(&mut chart.metadata.dependencies, &values, path);
    let disabled: Vec<String> = chart
        .metadata
        .dependencies
        .iter()
        .filter(|dependency| !dependency.enabled)
        .map(|dependency| dependency.name.clone())
        .collect();
    chart.dependencies.retain(|sub| !disabled.contains(&sub.metadata.name));
    for sub in &mut chart.dependencies {
        let path = format!("{path}{}.", sub.metadata.name);
        enable(sub, &values, &path, budget)?;
    }
    chart.metadata.dependencies.retain(|dependency| !disabled.contains(&dependency.name));
    Ok(())
}

fn by_tags(dependencies: &mut [Dependency], values: &Value) {
    let Some(tags) = table(values, "tags") else { return };
    for dependency in dependencies {
        let set: Vec<bool> = dependency
            .tags
            .iter()
            .filter_map(|tag| match tags.get(tag).map(|value| value.kind) {
                Some(Kind::Bool(value)) => Some(value),
                _ => None,
            })
            .collect();
        dependency.enabled = set.is_empty() || set.contains(&true);
    }
}

fn by_conditions(dependencies: &mut [Dependency], values: &Value, path: &str) {
    for dependency in dependencies {
        let conditions = dependency.condition.trim().split(',').filter(|path| !path.is_empty());
        for condition in conditions {
            let path = format!("{path}{condition}");
            let (parent, key) = match path.rsplit_once('.') {
                Some((parent, key)) => (table(values, parent), key),
                None => (Some(values.clone()), path.as_str()),
            };
            let value = parent.and_then(|parent| parent.get(key));
            if let Some(Kind::Bool(enabled)) = value.map(|value| value.kind) {
                dependency.enabled = enabled;
                break;
            }
        }
    }
}

fn import(chart: &mut Chart, budget: &Budget) -> Result<(), String> {
    for sub in &mut chart.dependencies {
        import(sub, budget)?;
    }
    if chart.metadata.dependencies.is_empty() {
        return Ok(());
    }
    let values = coalesce_values(chart, &Value::NIL, true, budget)?;
    let imported = Value::from(Map::new());
    for dependency in &mut chart.metadata.dependencies {
        let imports: Result<Vec<_>, String> = dependency
            .import_values
            .iter()
            .filter_map(|wanted| import_of(wanted, budget))
            .collect();
        let imports = imports?;
        // Templates see them as they are understood.
        dependency.import_values = imports.iter().map(import_value).collect();
        for (child, parent) in imports {
            let Some(found) = table(&values, &format!("{}.{child}", dependency.name)) else {
                continue;
            };
            // Not a copy, as in Helm: what is imported later changes what was imported.
            let mut nested = found;
            if parent != "." {
                for key in parent.split('.').rev() {
                    let map: Map = [(key.into(), nested)].into_iter().collect();
                    nested = Value::from(map);
                }
            }
            if let (Some(target), Some(source)) = (imported.as_map(), nested.as_map()) {
                coalesce_tables(target, source, true, budget, 0)?;
            }
        }
    }
    // What the parent itself says has a higher priority than what it imports.
    let own = copy(&values, budget, 0)?;
    if let (Some(target), Some(source)) = (own.as_map(), imported.as_map()) {
        coalesce_tables(target, source, true, budget, 0)?;
    }
    chart.values = own;
    Ok(())
}

/// Which mapping of a subchart is imported, and to where: by both paths, or by a name in `exports`.
fn import_of(wanted: &Value, budget: &Budget) -> Option<Result<(String, String), String>> {
    if let Some(name) = wanted.as_str() {
        return Some(Ok((format!("exports.{name}"), ".".to_owned())));
    }
    wanted.as_map()?;
    let field = |key: &str| match wanted.get(key) {
        Some(value) => print::plain(&value, budget),
        None => Ok("<nil>".to_owned()),
    };
    Some(field("child").and_then(|child| Ok((child, field("parent")?))))
}

fn import_value((child, parent): &(String, String)) -> Value {
    let fields = [("child", child), ("parent", parent)];
    let map: Map =
        fields.into_iter().map(|(key, path)| (key.into(), Value::from(path.as_str()))).collect();
    Value::map_of(MapType::Texts, map)
}
