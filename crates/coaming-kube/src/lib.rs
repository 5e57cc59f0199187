//! Typed, lazy, borrowed views of Kubernetes objects over the tree, and the inventory that indexes them.
