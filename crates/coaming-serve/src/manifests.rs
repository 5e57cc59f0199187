//! What is applied to install the server: one chart, rendered by our own renderer.

use coaming_helm::{Options, Values};

use crate::ServeError;

macro_rules! chart_files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../deploy/helm/coaming/", $name)))),*]
    };
}

/// The files of the Helm chart, by their path in it.
pub const CHART: &[(&str, &str)] = chart_files![
    "Chart.yaml",
    "values.schema.json",
    "values.yaml",
    "templates/_helpers.tpl",
    "templates/config.yaml",
    "templates/crd.yaml",
    "templates/deployment.yaml",
    "templates/namespace.yaml",
    "templates/rbac.yaml",
    "templates/webhooks.yaml",
];

/// What the manifests depend on.
#[derive(Clone, Debug)]
pub struct ManifestOptions {
    /// The namespace, which is part of the manifests.
    pub namespace: String,
    /// The minor version of Kubernetes 1 of the cluster.
    pub kubernetes_minor: u32,
    /// Values of the chart, as `--set` takes them.
    pub set: Vec<String>,
}

impl Default for ManifestOptions {
    fn default() -> Self {
        let kubernetes_minor = Options::default().kubernetes_minor;
        Self { namespace: "coaming".to_owned(), kubernetes_minor, set: Vec::new() }
    }
}

/// The manifests as YAML.
///
/// # Errors
///
/// [`ServeError::Manifests`] if a value is not valid.
pub fn manifests(options: &ManifestOptions) -> Result<String, ServeError> {
    let files = CHART.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()));
    let own = Values::Set("createNamespace=true".to_owned());
    let set = options.set.iter().cloned().map(Values::Set);
    let options = Options {
        release_name: "coaming".to_owned(),
        namespace: options.namespace.clone(),
        values: std::iter::once(own).chain(set).collect(),
        kubernetes_minor: options.kubernetes_minor,
        ..Options::default()
    };
    let rendered = coaming_helm::render(files.collect(), &options)
        .map_err(|error| ServeError::Manifests(error.to_string()))?;
    Ok(rendered.text())
}
