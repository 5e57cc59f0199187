//! The small world of a review: the subject, the objects it refers to, and those that refer to it.
//!
//! Rules look at a world and do not know whether it is a whole cluster. So a review gives them one
//! with a handful of objects, found by indexes: its cost is that of the neighborhood.

use std::collections::BTreeMap;
use std::sync::Arc;

use coaming_kube::{Fields as _, Object, Source, SourceId, Workload, World};

/// The id of the reviewed source in its small world: after every other one.
pub(crate) const SUBJECT: SourceId = SourceId::new(u64::MAX);

/// The small world around a source, which `world` need not hold.
pub(crate) fn of(world: &World, subject: &Arc<Source>) -> World {
    let mut near = Neighborhood { world, subject, sources: BTreeMap::new() };
    for object in subject.objects(SUBJECT) {
        near.add_of(object);
    }
    near.sources.insert(SUBJECT, Arc::clone(subject));
    World::numbered(near.sources)
}

struct Neighborhood<'w> {
    world: &'w World,
    subject: &'w Source,
    sources: BTreeMap<SourceId, Arc<Source>>,
}

impl<'w> Neighborhood<'w> {
    /// Adds what is near one object of the subject.
    fn add_of(&mut self, object: Object<'w>) {
        let namespace = object.namespace_or_default();
        self.add(self.world.find("Namespace", "", namespace));
        match object.kind() {
            kind @ ("Role" | "ClusterRole") => {
                let own = if kind == "Role" { namespace } else { "" };
                self.add(self.world.bindings_to_role(kind, own, object.name()));
            }
            "RoleBinding" | "ClusterRoleBinding" => {
                let role = object.node().mapping("roleRef");
                let named = role.string("kind").zip(role.string("name"));
                if let Some((kind, name)) = named {
                    self.add(self.world.find(kind, namespace, name));
                }
            }
            _ => {}
        }
        let workloads: Vec<Workload<'w>> = self.subject.workloads_of(object).collect();
        for workload in workloads {
            self.add_of_workload(namespace, workload);
        }
    }

    fn add_of_workload(&mut self, namespace: &str, workload: Workload<'w>) {
        let (world, pod, labels) = (self.world, workload.pod(), workload.pod_labels());
        let account = pod.service_account_name();
        self.add(world.find("ServiceAccount", namespace, account));
        self.add(world.bindings_of_account(namespace, account));
        self.add(world.policies_near(namespace, &labels));
        self.add(world.services_near(namespace, &labels));
        for secret in pod.secret_uses() {
            self.add(world.find("Secret", namespace, secret.secret));
        }
    }

    /// Adds the sources of these objects, but for older states of the subject itself. Of a source
    /// with many objects, the others come along: it was read as one file.
    fn add(&mut self, objects: impl IntoIterator<Item = Object<'w>>) {
        for object in objects {
            let Some(source) = self.world.source_arc(object.source()) else { continue };
            if source.name != self.subject.name {
                self.sources.insert(object.source(), Arc::clone(source));
            }
        }
    }
}
