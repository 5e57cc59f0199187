//! The images of local daemons, in a build without them: there are none.

use coaming_image::Cache;
use coaming_oci::Platform;

use crate::image_locator::Found;

/// The daemons on this machine: none that this build can ask.
#[derive(Debug)]
pub struct Daemons;

impl Daemons {
    /// None.
    #[must_use]
    pub fn all() -> Self {
        Self
    }

    /// Always: this build asks none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        true
    }

    /// No image.
    #[must_use]
    pub fn find(
        &self,
        _name: &str,
        _platform: Option<&Platform>,
        _cache: Option<&Cache>,
        _warnings: &mut Vec<String>,
    ) -> Option<Found> {
        None
    }
}

/// Whether containerd runs here, but not for this user: not known without asking.
pub(crate) fn containerd_is_closed() -> bool {
    false
}
