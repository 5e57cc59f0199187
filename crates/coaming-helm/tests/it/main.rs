//! Charts against Helm itself, and the laws of the source map.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod bounds;
mod charts;
mod functions;
mod law;
mod lookup;
mod metadata;
mod oracle;
mod origins;
mod secrets;
mod set;
mod templates;
mod umbrella;

use coaming_helm::{Options, RenderError, Rendered, render};

/// Renders a chart of these files; `Chart.yaml` is added.
fn chart(files: &[(&str, &str)]) -> Result<Rendered, RenderError> {
    let metadata = ("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n");
    let own = files.iter().any(|(name, _)| *name == "Chart.yaml");
    let all = files.iter().chain((!own).then_some(&metadata));
    let contents = all.map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
    render(contents, &Options::default())
}

/// The text that a template renders to, with these values.
fn rendered(template: &str, values: &str) -> String {
    let files = [("templates/a.yaml", template), ("values.yaml", values)];
    let rendered = chart(&files).unwrap();
    rendered.manifests.iter().map(|manifest| manifest.text.as_str()).collect()
}
