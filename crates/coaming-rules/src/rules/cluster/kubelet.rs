//! The configuration of a kubelet: the file that it reads, or its answer of `configz`.

use coaming_kube::{Fields as _, Object};

/// A `KubeletConfiguration`.
#[derive(Clone, Copy)]
pub(super) struct Kubelet<'a> {
    pub(super) object: Object<'a>,
}

impl<'a> Kubelet<'a> {
    pub(super) fn of(object: Object<'a>) -> Option<Self> {
        let is_kubelet =
            object.kind() == "KubeletConfiguration" && object.group() == "kubelet.config.k8s.io";
        is_kubelet.then_some(Self { object })
    }

    /// The beginning of a message: ``the kubelet of node `node1` ``; a file does not name its node.
    pub(super) fn title(self) -> String {
        match self.object.metadata().string("name") {
            Some(node) => format!("the kubelet of node `{node}`"),
            None => "the kubelet".to_owned(),
        }
    }
}
