//! See [`PlainSecretFile`].

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use coaming_finding::{Confidence, Finding, Fix, Location, RuleMeta, SourceId};
use coaming_kube::{Source, SourceKind, World, generated_files, is_kustomization};
use coaming_secret::structured::{FileCredential, in_comments, in_file, in_generated};
use rayon::prelude::*;

use super::found::{article, fingerprint, withheld_fingerprint};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::secrets::dockerfile_secret::DockerfileSecret;
use crate::{Context, WorldRule};

rule! {
    /// ## What it looks for
    ///
    /// Credentials in files beside the manifests: the `values.yaml` of charts, `.env` files, the
    /// `secretGenerator` of a kustomization and the files that it names, kubeconfigs. Comments in
    /// manifests are read as well, and with `coaming secrets`, every text file.
    ///
    /// ## Why it matters
    ///
    /// Such files are committed, packed into charts and images, and mailed. Anyone who has the
    /// file or its history has the secret.
    ///
    /// ## Bad
    ///
    /// Default values of a chart.
    ///
    /// ```yaml
    /// # values.yaml
    /// database:
    ///   user: shop
    ///   password: vS8kq-2pLx7w
    /// ```
    ///
    /// A comment in a manifest.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: ConfigMap
    /// metadata:
    ///   name: web
    /// data:
    ///   user: shop
    ///   # password: vS8kq-2pLx7w
    /// ```
    ///
    /// ## Good
    ///
    /// The file names a Secret.
    ///
    /// ```yaml
    /// # values.yaml
    /// database:
    ///   user: shop
    ///   existingSecret: database
    /// ```
    ///
    /// A placeholder.
    ///
    /// ```yaml
    /// # values.yaml
    /// database:
    ///   user: shop
    ///   password: CHANGE-ME
    /// ```
    ///
    /// ## Fix
    ///
    /// Replace the secret, keep the new one in a vault, and let the file refer to it. Encrypt what
    /// must stay in the file with SOPS.
    PlainSecretFile {
        name: "plain-secret-file",
        summary: "Secret is in a file in plain text",
        category: Secrets,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Protecting Secrets"), Attack("T1552.001")],
    }
}

impl WorldRule for PlainSecretFile {
    const META: &'static RuleMeta = Self::RULE;
    const REVIEWS: bool = false;

    fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
        let own;
        let generated = if let Some(of_all) = &context.settings.generated_secrets {
            of_all
        } else {
            own = generated_secrets(context.world);
            &own
        };
        let sources: Vec<_> = context.world.sources().collect();
        let found: Vec<Vec<Finding>> = sources
            .into_par_iter()
            .map(|(id, source)| of_source(context, id, source, generated))
            .collect();
        findings.extend(found.into_iter().flatten());
    }
}

/// The keys of the Secrets that Kustomize generates from files, by file name.
#[must_use]
pub fn generated_secrets(world: &World) -> BTreeMap<String, String> {
    let mut keys = BTreeMap::new();
    for (_, file) in world.sources().filter(|(_, source)| is_kustomization(&source.name)) {
        let directory = file.name.rsplit_once('/').map_or("", |(directory, _)| directory);
        let stream = coaming_yaml::parse(Arc::clone(&file.text));
        for document in &stream.documents {
            for one in generated_files(document.root()).iter().filter(|one| !one.key.is_empty()) {
                let own = one.file.trim_start_matches("./");
                let path =
                    if directory.is_empty() { own.into() } else { format!("{directory}/{own}") };
                keys.insert(path, one.key.to_owned());
            }
        }
    }
    keys
}

fn of_source(
    context: &Context<'_>,
    id: SourceId,
    file: &Source,
    generated: &BTreeMap<String, String>,
) -> Vec<Finding> {
    let detector = context.detector();
    let places = match file.kind {
        // Other rules report the instructions of Dockerfiles, and the objects of manifests.
        SourceKind::Dockerfile if context.enabled::<DockerfileSecret>() => Vec::new(),
        // A values file is searched as such, a template as what it renders to.
        SourceKind::ChartFile => Vec::new(),
        SourceKind::Manifest => {
            file.documents().iter().flat_map(|document| in_comments(detector, document)).collect()
        }
        _ => match generated.get(&file.name) {
            Some(key) => in_generated(detector, key, &file.text),
            None => in_file(detector, &file.name, &file.text),
        },
    };
    places.into_iter().map(|place| finding(id, place)).collect()
}

fn finding(source: SourceId, place: FileCredential) -> Finding {
    let detection = &place.detection;
    let holder = match place.name.as_str() {
        "" => "the file".to_owned(),
        "#" => "a comment".to_owned(),
        name => format!("`{name}`"),
    };
    let message = format!(
        "{holder} contains {} in plain text{}",
        article(&detection.title),
        fingerprint(detection),
    );
    let (severity, confidence): (_, Confidence) =
        (PlainSecretFile::RULE.severity, detection.confidence);
    Finding {
        rule: PlainSecretFile::RULE.into(),
        severity,
        confidence,
        message,
        why: Cow::Borrowed("Anyone who has the file or its history has the secret."),
        help: Cow::Owned(format!(
            "Treat the secret as compromised: replace it, and keep the new one in a vault.{}",
            withheld_fingerprint(detection),
        )),
        object: None,
        container: None,
        locations: vec![Location {
            source: Some(source),
            path: place.path,
            span: Some(place.span),
            label: String::new(),
        }],
        fix: Some(Fix::manual(
            "keep it in a vault, with a reference in the file",
            "existingSecret: NAME\n",
        )),
        suppressed: None,
        variants: Vec::new(),
        commit: None,
        verification: None,
        way: None,
    }
}
