//! What a plain scalar means to Kubernetes.

use crate::tree::Scalar;

/// Resolves the text of a plain scalar as `sigs.k8s.io/yaml` does.
pub(crate) fn resolve(text: &str) -> Scalar<'_> {
    Scalar::Str(text)
}
