//! A live cluster: its objects as an input, or what charts look up in it.

use std::sync::Arc;

use coaming_config::KubernetesVersion;
use coaming_finding::Note;
use coaming_source::Loaded;

/// What was read of a live cluster.
#[derive(Debug, Default)]
pub struct Live {
    /// Its objects.
    pub loaded: Loaded,
    /// What was not read by intention.
    pub notes: Vec<Note>,
    /// Its version.
    pub version: Option<KubernetesVersion>,
}

/// A cluster that charts may look into while they are rendered.
#[derive(Clone, Debug, Default)]
pub struct Lookups {
    /// The cluster, if there is one.
    pub cluster: Option<Arc<dyn coaming_helm::Cluster>>,
    /// Its version.
    pub version: Option<KubernetesVersion>,
}

#[cfg(feature = "cluster")]
pub use read::{LookupsError, lookups, read_cluster};

#[cfg(feature = "cluster")]
mod read {
    use std::sync::Arc;

    use coaming_cluster::{ClusterError, ClusterObjects, ClusterOptions, Lookup};
    use coaming_config::KubernetesVersion;
    use coaming_finding::InputError;
    use coaming_http::Runtime;
    use coaming_source::{Loaded, Variant};

    use super::{Live, Lookups};

    /// Reads the objects of a live cluster.
    #[must_use]
    pub fn read_cluster(options: &ClusterOptions) -> Live {
        let runtime = match Runtime::shared() {
            Ok(runtime) => runtime,
            Err(error) => return failed(format!("cannot be read: {error}")),
        };
        match runtime.block_on(coaming_cluster::read(options)) {
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

    /// Why charts cannot look into a cluster.
    #[derive(Debug, thiserror::Error)]
    pub enum LookupsError {
        /// The runtime for requests cannot be started.
        #[error("cluster: {0}")]
        Http(#[from] coaming_http::Error),
        /// The cluster does not answer.
        #[error("cluster: {0}")]
        Cluster(#[from] ClusterError),
    }

    /// Connects to a cluster that charts may look into.
    ///
    /// # Errors
    ///
    /// See [`LookupsError`].
    pub fn lookups(context: Option<String>) -> Result<Lookups, LookupsError> {
        let options = ClusterOptions { context, ..ClusterOptions::default() };
        let runtime = Runtime::shared()?;
        let lookup = runtime.block_on(Lookup::connect(&options))?;
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
}
