//! See [`PlainSecretFile`].

use coaming_finding::{Confidence, FileId, Finding, Fix, Location, RuleMeta};
use coaming_kube::{FileKind, Inventory};
use coaming_secret::places::{FilePlace, in_file};
use rayon::prelude::*;

use super::found::article;
use crate::rule::rule;
use crate::{Context, InventoryRule};

rule! {
    /// Looks for credentials in files beside the manifests: charts' `values.yaml`, `.env` files,
    /// `secretGenerator`s of kustomizations, kubeconfigs; with `coaming secrets`, in every text.
    ///
    /// ## Why it matters
    ///
    /// Such files are committed, packed into charts and images, and mailed. Whoever has the file or its
    /// history has the secret.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// # values.yaml
    /// database:
    ///   user: shop
    ///   password: vS8kq-2pLx7w
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// # values.yaml
    /// database:
    ///   user: shop
    ///   existingSecret: database
    /// ```
    ///
    /// ## Fix
    ///
    /// Replace the secret, keep the new one in a vault, and let the file name it. Encrypt what must stay
    /// in the file with SOPS.
    PlainSecretFile {
        name: "plain-secret-file",
        summary: "File has a secret in it",
        measure: Secrets,
        severity: High,
        default: true,
        standards: [Nsa("Protecting Secrets"), Attack("T1552.001")],
    }
}

impl InventoryRule for PlainSecretFile {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
        let found: Vec<Vec<Finding>> =
            texts(context.inventory).into_par_iter().map(|id| of_file(context, id)).collect();
        findings.extend(found.into_iter().flatten());
    }
}

/// The files that are neither manifests nor Dockerfiles, of which other rules speak.
fn texts(inventory: &Inventory) -> Vec<u32> {
    let is_text = |kind| !matches!(kind, FileKind::Manifest | FileKind::Dockerfile);
    (0_u32..)
        .zip(inventory.files())
        .filter(|(_, file)| is_text(file.kind))
        .map(|(id, _)| id)
        .collect()
}

fn of_file(context: &Context<'_>, id: u32) -> Vec<Finding> {
    let Some(file) = context.inventory.files().get(id as usize) else { return Vec::new() };
    in_file(context.detector(), &file.name, &file.source)
        .into_iter()
        .map(|place| finding(id, place))
        .collect()
}

fn finding(file: u32, place: FilePlace) -> Finding {
    let detection = &place.detection;
    let holder = match place.name.as_str() {
        "" => "The file".to_owned(),
        name => format!("`{name}`"),
    };
    let message = format!(
        "{holder} holds {}: whoever has the file or its history has it. Take it to be known: replace \
         it, and keep the new one in a vault. Fingerprint: {}.",
        article(&detection.title),
        detection.fingerprint,
    );
    let (severity, confidence): (_, Confidence) =
        (PlainSecretFile::RULE.severity, detection.confidence);
    Finding {
        rule: PlainSecretFile::RULE,
        severity,
        confidence,
        message,
        object: None,
        container: None,
        locations: vec![Location {
            file: Some(FileId(file)),
            path: place.path,
            span: Some(place.span),
            label: String::new(),
        }],
        fix: Some(Fix::manual(
            "keep it in a vault, with a reference in the file",
            "existingSecret: NAME\n",
        )),
        suppressed: None,
    }
}
