//! What the engines know about a world, shared by all who ask.

use std::sync::{Arc, OnceLock};

use coaming_access::Access;
use coaming_kube::World;
use coaming_network::Reach;

/// What the engines know about one world: each part is worked out when it is first asked for, and
/// kept for the rules and for what asks after them. It must not be asked about another world.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    access: OnceLock<Arc<Access>>,
    reach: OnceLock<Arc<Reach>>,
}

impl Knowledge {
    /// The roles and bindings.
    pub fn access(&self, world: &World) -> &Arc<Access> {
        self.access.get_or_init(|| Arc::new(Access::new(world)))
    }

    /// Who can reach whom.
    pub fn reach(&self, world: &World) -> &Arc<Reach> {
        self.reach.get_or_init(|| Arc::new(Reach::new(coaming_network::from_world(world))))
    }
}
