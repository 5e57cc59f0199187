//! A live cluster, as templates see it by `lookup` and `.Capabilities.APIVersions`.

/// The objects of a cluster, which a caller may give to a rendering.
///
/// What it returns is shown to a chart, which may be a stranger's: implementations withhold the
/// values of Secrets, write nothing, and bound their answers.
pub trait Cluster: std::fmt::Debug + Send + Sync {
    /// The API versions that it serves, alone and with each kind: `apps/v1`, `apps/v1/Deployment`.
    fn api_versions(&self) -> &[String];

    /// An object, or the list of all objects if `name` is empty; in all namespaces if `namespace` is.
    /// `None` if it is not there.
    ///
    /// # Errors
    ///
    /// The kind is not served, or the cluster refuses or cannot answer; the text says it.
    fn lookup(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Option<serde_json::Value>, String>;
}
