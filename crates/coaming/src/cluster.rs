//! `--cluster`: reads a live cluster, and turns the result into inputs, or lets charts look into it.

use std::sync::Arc;

use coaming_cluster::{ClusterObjects, ClusterOptions, Lookup};
use coaming_config::KubernetesVersion;
use coaming_finding::InputError;
use coaming_http::Runtime;
use coaming_source::{Loaded, Variant};

use crate::CommandError;
use crate::args::ClusterArguments;
use crate::scope::{Live, Lookups};

/// Reads the objects of a live cluster, and with `kubelets` the configuration of its nodes.
pub(crate) fn load(arguments: &ClusterArguments, kubelets: bool) -> Live {
    let options = ClusterOptions {
        context: arguments.context.clone(),
        namespace: arguments.namespace.clone(),
        kubelets,
    };
    let runtime = match Runtime::shared() {
        Ok(runtime) => runtime,
        Err(error) => return failed(format!("cannot be read: {error}")),
    };
    match runtime.block_on(coaming_cluster::read(&options)) {
        Ok(objects) => live(objects),
        Err(error) => failed(error.to_string()),
    }
}

fn failed(message: String) -> Live {
    let errors = vec![InputError::new("cluster", message)];
    Live { loaded: Loaded { errors, ..Loaded::default() }, ..Live::default() }
}

fn live(objects: ClusterObjects) -> Live {
    let ClusterObjects { name, sources, errors, notes, minor } = objects;
    let errors = errors.iter().map(|error| InputError::new(&name, error.to_string()));
    let loaded = Loaded {
        read: sources.len(),
        errors: errors.collect(),
        variants: vec![Variant::only(sources)],
        notes: Vec::new(),
    };
    Live { loaded, notes, version: minor.map(KubernetesVersion::new) }
}

/// Connects to a cluster that charts may look into.
pub(crate) fn lookups(context: Option<String>) -> Result<Lookups, CommandError> {
    let failed =
        |error: &dyn std::fmt::Display| CommandError::Argument(format!("cluster: {error}"));
    let options = ClusterOptions { context, ..ClusterOptions::default() };
    let runtime = Runtime::shared().map_err(|error| failed(&error))?;
    let lookup = runtime.block_on(Lookup::connect(&options)).map_err(|error| failed(&error))?;
    let version = lookup.minor().map(KubernetesVersion::new);
    Ok(Lookups { cluster: Some(Arc::new(Answering { runtime, lookup })), version })
}

/// A cluster that answers templates, which are evaluated synchronously.
#[derive(Debug)]
struct Answering {
    runtime: Runtime,
    lookup: Lookup,
}

impl coaming_helm::Cluster for Answering {
    fn api_versions(&self) -> &[String] {
        self.lookup.api_versions()
    }

    fn lookup(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Option<serde_json::Value>, String> {
        let answer = self.lookup.get(api_version, kind, namespace, name);
        self.runtime.block_on(answer).map_err(|error| error.to_string())
    }
}
