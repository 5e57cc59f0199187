//! `--cluster`: reads a live cluster, and turns the result into inputs.

use coaming_cluster::{ClusterObjects, ClusterOptions};
use coaming_finding::InputError;
use coaming_http::Runtime;
use coaming_source::{Loaded, Variant};

use crate::args::ClusterArguments;

/// Reads the objects of a live cluster.
pub(crate) fn load(arguments: &ClusterArguments) -> Loaded {
    let options = ClusterOptions {
        context: arguments.context.clone(),
        namespace: arguments.namespace.clone(),
    };
    let runtime = match Runtime::shared() {
        Ok(runtime) => runtime,
        Err(error) => return failed(format!("cannot be read: {error}")),
    };
    match runtime.block_on(coaming_cluster::read(&options)) {
        Ok(objects) => loaded(objects),
        Err(error) => failed(error.to_string()),
    }
}

fn failed(message: String) -> Loaded {
    Loaded { errors: vec![InputError::new("cluster", message)], ..Loaded::default() }
}

fn loaded(objects: ClusterObjects) -> Loaded {
    let ClusterObjects { name, sources, errors } = objects;
    let errors = errors.iter().map(|error| InputError::new(&name, error.to_string()));
    Loaded { read: sources.len(), errors: errors.collect(), variants: vec![Variant::only(sources)] }
}
