//! Following a world: one changed object at a time.
//!
//! [`Reach::from_world`] keeps what the model derives from, so that [`Reach::refresh`] can read the
//! objects under one key again. It forgets what it derived from them before, derives what follows
//! from them now, and hands the differences to [`crate::update`]. Work is proportional to what
//! depends on the object: a pod's Services, a Service's pods, the objects that an owner owns.

use std::collections::HashMap;

use coaming_kube::{ObjectId, ObjectKey, World};

use crate::facts::Facts;
use crate::model::Model;
use crate::reach::Reach;
use crate::views::istio::{self, RootNamespace};
use crate::views::{Reader, read};

/// What a model derives from.
#[derive(Debug)]
pub(crate) struct Derivation {
    facts: Facts,
    objects: HashMap<ObjectKey, Vec<ObjectId>>,
    istio_root: RootNamespace,
    registry_only: bool,
}

impl Reach {
    /// Computes everything for a world, and can follow its changes.
    #[must_use]
    pub fn from_world(world: &World) -> Self {
        let reader = Reader::new(world);
        let mut facts = Facts::changeable(reader.istio_root().clone());
        let mut objects: HashMap<ObjectKey, Vec<ObjectId>> = HashMap::new();
        for object in world.objects() {
            objects.entry(object.key()).or_default().push(object.id);
            facts.insert(object.id, read(&reader, object));
        }
        let mut model = Model::default();
        facts.settle(&mut model);
        let mut reach = Self::new(model);
        let istio_root = reader.istio_root().clone();
        let registry_only = reader.registry_only();
        reach.derivation = Some(Box::new(Derivation { facts, objects, istio_root, registry_only }));
        reach
    }

    /// Reads the objects under a key again, as the world holds them now. To be called for every
    /// key that [`World::apply`] gives.
    ///
    /// A `Reach` that was not made by [`Reach::from_world`] starts from scratch, and follows the
    /// world from then on.
    pub fn refresh(&mut self, world: &World, key: &ObjectKey) {
        let Some(mut derivation) = self.derivation.take() else {
            *self = Self::from_world(world);
            return;
        };
        if istio::is_settings(&key.kind, &key.name)
            && (RootNamespace::of(world) != derivation.istio_root
                || Reader::new(world).registry_only() != derivation.registry_only)
        {
            // Any object of the mesh may mean something else now.
            *self = Self::from_world(world);
            return;
        }
        for id in derivation.objects.remove(key).unwrap_or_default() {
            derivation.facts.remove(id);
        }
        let reader = Reader::with_root(world, derivation.istio_root.clone());
        let mut ids = Vec::new();
        for object in world.all(key) {
            derivation.facts.insert(object.id, read(&reader, object));
            ids.push(object.id);
        }
        if !ids.is_empty() {
            derivation.objects.insert(key.clone(), ids);
        }
        derivation.facts.settle(self);
        self.derivation = Some(derivation);
    }
}
