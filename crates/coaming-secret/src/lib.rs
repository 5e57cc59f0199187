//! Detect credentials in text and in the places where Kubernetes keeps them.
