//! Workloads that connect alike, and the connections between such groups.
//!
//! Two workloads are in one *source group* if they may connect to the same targets, on the same
//! ports, and in one *target group* if the same sources may connect to them on the same ports.
//! Everything that looks at pairs of workloads (the list, the graph) looks at pairs of groups, and
//! then enumerates only the pairs that it shows.
//!
//! Groups come from what the profiles cannot tell apart, so that building them takes no look at
//! pairs: profiles are compared by value, and a partition of the classes is refined by the cells of
//! each distinct profile.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use fixedbitset::FixedBitSet;

use crate::evaluate::Profile;
use crate::ip::IpSet;
use crate::model::{Direction, Role};
use crate::partition::Partition;
use crate::pool::{ConnectionId, ConnectionPool};
use crate::ports::Connections;
use crate::reach::Reach;

/// The number of a group.
pub(crate) type GroupId = u32;

/// Outside addresses with what is allowed for them: disjoint sets, by connections.
pub(crate) type ByAddress = Rc<Vec<(Connections, IpSet)>>;

/// Workloads that connect alike in one direction.
struct Group {
    /// One class for each kind of pods that the workloads have.
    classes: Vec<usize>,
    /// The workloads, by rank, ascending.
    members: Vec<u32>,
    /// The profiles of its classes, sorted: what is allowed for outside addresses.
    profiles: Vec<u32>,
}

/// All workloads of a model, grouped.
pub(crate) struct Groups<'r> {
    reach: &'r Reach,
    /// The workloads that the input holds, in their own order; a *rank* is a position in here.
    workloads: Vec<usize>,
    source_of: Vec<GroupId>,
    target_of: Vec<GroupId>,
    sources: Vec<Group>,
    targets: Vec<Group>,
    /// The target groups that a class represents.
    targets_of_class: Vec<Vec<GroupId>>,
    /// The block of each class: classes of one block are the same to every ingress profile.
    source_block: Vec<u32>,
    /// By block: the representative targets that let it in, by connections.
    admitted: Vec<Vec<(ConnectionId, FixedBitSet)>>,
    pool: ConnectionPool,
    by_address: [HashMap<Vec<u32>, ByAddress>; 2],
}

/// The distinct profiles of one direction.
struct Profiles<'r> {
    of_class: Vec<u32>,
    distinct: Vec<&'r Profile>,
}

impl<'r> Profiles<'r> {
    fn new(reach: &'r Reach, direction: Direction) -> Self {
        let mut by_address: HashMap<*const Profile, u32> = HashMap::new();
        let mut by_value: HashMap<&Profile, u32> = HashMap::new();
        let mut distinct = Vec::new();
        let of_class = (0..reach.classes().len()).map(|class| {
            let Some(profile) = reach.profile(class, direction) else { return u32::MAX };
            *by_address.entry(std::ptr::from_ref(profile)).or_insert_with(|| {
                *by_value.entry(profile).or_insert_with(|| {
                    distinct.push(profile);
                    u32::try_from(distinct.len() - 1).unwrap_or(u32::MAX)
                })
            })
        });
        let of_class = of_class.collect();
        Self { of_class, distinct }
    }

    /// The blocks of classes that these profiles cannot tell apart.
    fn blocks(&self) -> Vec<u32> {
        let mut partition = Partition::new(self.of_class.len());
        for profile in &self.distinct {
            partition.split_by(profile.cells.iter().map(|(_, members)| members));
        }
        partition.into_blocks()
    }
}

/// Numbers for distinct values, in the order in which they first appear.
fn numbered<T: Copy + Eq + std::hash::Hash>(values: impl Iterator<Item = T>) -> Vec<u32> {
    let mut ids: HashMap<T, u32> = HashMap::new();
    let number = |value| {
        let next = u32::try_from(ids.len()).unwrap_or(u32::MAX);
        *ids.entry(value).or_insert(next)
    };
    values.map(number).collect()
}

/// Groups workloads by the kinds of their classes.
fn grouped(
    classes_of: &[Vec<usize>],
    kinds: &[u32],
    profiles: &Profiles<'_>,
) -> (Vec<GroupId>, Vec<Group>) {
    let mut representative: HashMap<u32, usize> = HashMap::new();
    for (class, &kind) in kinds.iter().enumerate() {
        representative.entry(kind).or_insert(class);
    }
    let mut ids: HashMap<Vec<u32>, GroupId> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    let mut group_of = Vec::with_capacity(classes_of.len());
    for (rank, classes) in classes_of.iter().enumerate() {
        let mut own: Vec<u32> = classes.iter().map(|&class| kinds[class]).collect();
        own.sort_unstable();
        own.dedup();
        let next = u32::try_from(groups.len()).unwrap_or(u32::MAX);
        let id = *ids.entry(own.clone()).or_insert(next);
        if id == next {
            let classes: Vec<usize> =
                own.iter().filter_map(|kind| representative.get(kind).copied()).collect();
            let profiles: BTreeSet<u32> =
                classes.iter().map(|&class| profiles.of_class[class]).collect();
            let profiles = profiles.into_iter().collect();
            groups.push(Group { classes, members: Vec::new(), profiles });
        }
        groups[id as usize].members.push(u32::try_from(rank).unwrap_or(u32::MAX));
        group_of.push(id);
    }
    (group_of, groups)
}

impl<'r> Groups<'r> {
    /// Groups the workloads of a model.
    pub(crate) fn new(reach: &'r Reach) -> Self {
        let workloads = crate::find::real_workloads(reach.model());
        let classes_of = classes_of(reach, &workloads);
        let ingress = Profiles::new(reach, Direction::Ingress);
        let egress = Profiles::new(reach, Direction::Egress);
        let (source_block, target_block) = (ingress.blocks(), egress.blocks());
        let kinds = |profiles: &Profiles<'_>, blocks: &[u32]| {
            numbered(profiles.of_class.iter().copied().zip(blocks.iter().copied()))
        };
        let (source_of, sources) = grouped(&classes_of, &kinds(&egress, &source_block), &egress);
        let (target_of, targets) = grouped(&classes_of, &kinds(&ingress, &target_block), &ingress);
        let mut targets_of_class = vec![Vec::new(); reach.classes().len()];
        for (id, target) in targets.iter().enumerate() {
            for &class in &target.classes {
                targets_of_class[class].push(u32::try_from(id).unwrap_or(u32::MAX));
            }
        }
        let mut pool = ConnectionPool::default();
        let admitted = admitted(&ingress, &source_block, &targets_of_class, &sources, &mut pool);
        Self {
            reach,
            workloads,
            source_of,
            target_of,
            sources,
            targets,
            targets_of_class,
            source_block,
            admitted,
            pool,
            by_address: [HashMap::new(), HashMap::new()],
        }
    }

    /// The workloads that the input holds, in their own order, by their ids in the model.
    pub(crate) fn workloads(&self) -> &[usize] {
        &self.workloads
    }

    /// How many source groups there are.
    pub(crate) fn source_count(&self) -> GroupId {
        u32::try_from(self.sources.len()).unwrap_or(u32::MAX)
    }

    /// How many target groups there are.
    pub(crate) fn target_count(&self) -> usize {
        self.targets.len()
    }

    /// The source group of a workload.
    pub(crate) fn source_of(&self, rank: usize) -> GroupId {
        self.source_of[rank]
    }

    /// The target group of a workload.
    pub(crate) fn target_of(&self, rank: usize) -> GroupId {
        self.target_of[rank]
    }

    /// The workloads of a source group, by rank.
    pub(crate) fn source_members(&self, group: GroupId) -> &[u32] {
        &self.sources[group as usize].members
    }

    /// The workloads of a target group, by rank.
    pub(crate) fn target_members(&self, group: GroupId) -> &[u32] {
        &self.targets[group as usize].members
    }

    /// A value by its number.
    pub(crate) fn connections(&self, id: ConnectionId) -> &Connections {
        self.pool.get(id)
    }

    /// What any pod of a source group may connect to at any pod of each target group; groups that
    /// it cannot connect to are left out.
    pub(crate) fn row(&mut self, source: GroupId) -> Vec<(GroupId, ConnectionId)> {
        let mut by_connections: BTreeMap<ConnectionId, FixedBitSet> = BTreeMap::new();
        for &class in &self.sources[source as usize].classes {
            let Some(egress) = self.reach.profile(class, Direction::Egress) else { continue };
            let admitted = &self.admitted[self.source_block[class] as usize];
            for (leaves, targets) in &egress.cells {
                let leaves = self.pool.add(leaves);
                for (enters, admitting) in admitted {
                    let mut common = admitting.clone();
                    common.intersect_with(targets);
                    if common.is_clear() {
                        continue;
                    }
                    let allowed = self.pool.intersection(leaves, *enters);
                    if self.pool.get(allowed).is_empty() {
                        continue;
                    }
                    match by_connections.get_mut(&allowed) {
                        Some(known) => known.union_with(&common),
                        None => {
                            by_connections.insert(allowed, common);
                        }
                    }
                }
            }
        }
        let mut row: HashMap<GroupId, ConnectionId> = HashMap::new();
        for (allowed, classes) in by_connections {
            for target in classes.ones().flat_map(|class| &self.targets_of_class[class]) {
                let known = row.entry(*target).or_insert(allowed);
                *known = self.pool.union(*known, allowed);
            }
        }
        let mut row: Vec<_> = row.into_iter().collect();
        row.sort_unstable();
        row
    }

    /// What a source group may connect to outside.
    pub(crate) fn outgoing(&mut self, source: GroupId) -> ByAddress {
        let profiles = self.sources[source as usize].profiles.clone();
        let class = self.sources[source as usize].classes.clone();
        self.external(Direction::Egress, profiles, &class)
    }

    /// What may connect to a target group from outside.
    pub(crate) fn incoming(&mut self, target: GroupId) -> ByAddress {
        let profiles = self.targets[target as usize].profiles.clone();
        let class = self.targets[target as usize].classes.clone();
        self.external(Direction::Ingress, profiles, &class)
    }

    fn external(
        &mut self,
        direction: Direction,
        profiles: Vec<u32>,
        classes: &[usize],
    ) -> ByAddress {
        if let Some(known) = self.by_address[direction as usize].get(&profiles) {
            return Rc::clone(known);
        }
        let offset = self.reach.classes().len();
        let mut atoms: BTreeMap<usize, Connections> = BTreeMap::new();
        for profile in classes.iter().filter_map(|&class| self.reach.profile(class, direction)) {
            for (allowed, members) in &profile.cells {
                for atom in members.ones().filter_map(|member| member.checked_sub(offset)) {
                    let known = atoms.entry(atom).or_default();
                    if known != allowed {
                        *known = known.union(allowed);
                    }
                }
            }
        }
        let mut merged: BTreeMap<Connections, Vec<&IpSet>> = BTreeMap::new();
        for (atom, allowed) in atoms {
            merged.entry(allowed).or_default().extend(self.reach.externals().get(atom));
        }
        let merged = merged.into_iter().map(|(allowed, sets)| (allowed, IpSet::union_of(sets)));
        let found = Rc::new(merged.collect());
        self.by_address[direction as usize].insert(profiles, Rc::clone(&found));
        found
    }
}

/// The classes of the pods of each workload, ascending.
fn classes_of(reach: &Reach, workloads: &[usize]) -> Vec<Vec<usize>> {
    let rank: HashMap<usize, usize> =
        workloads.iter().enumerate().map(|(rank, &workload)| (workload, rank)).collect();
    let mut classes = vec![Vec::new(); workloads.len()];
    for (id, pods) in &reach.model().pods {
        if pods.role == Role::Real
            && let (Some(&rank), Some(class)) = (rank.get(&pods.workload), reach.class_of(id))
        {
            classes[rank].push(class);
        }
    }
    for classes in &mut classes {
        classes.sort_unstable();
        classes.dedup();
    }
    classes
}

/// For each block of sources, the representative targets that let it in.
fn admitted(
    ingress: &Profiles<'_>,
    source_block: &[u32],
    targets_of_class: &[Vec<GroupId>],
    sources: &[Group],
    pool: &mut ConnectionPool,
) -> Vec<Vec<(ConnectionId, FixedBitSet)>> {
    let count = source_block.len();
    let mut targets: Vec<Vec<usize>> = vec![Vec::new(); ingress.distinct.len()];
    for (class, &profile) in ingress.of_class.iter().enumerate() {
        if !targets_of_class[class].is_empty()
            && let Some(targets) = targets.get_mut(profile as usize)
        {
            targets.push(class);
        }
    }
    // One class for each block that any workload has.
    let blocks = source_block.iter().max().map_or(0, |&last| last as usize + 1);
    let mut seen = vec![false; blocks];
    let mut representatives = FixedBitSet::with_capacity(count);
    for &class in sources.iter().flat_map(|group| &group.classes) {
        if !std::mem::replace(&mut seen[source_block[class] as usize], true) {
            representatives.insert(class);
        }
    }
    let mut admitted: Vec<Vec<(ConnectionId, FixedBitSet)>> = vec![Vec::new(); blocks];
    for (profile, targets) in ingress.distinct.iter().zip(&targets) {
        if targets.is_empty() {
            continue;
        }
        let targets_set: FixedBitSet = targets.iter().copied().collect();
        for (allowed, members) in &profile.cells {
            let allowed = pool.add(allowed);
            for source in members.intersection(&representatives) {
                let cells = &mut admitted[source_block[source] as usize];
                match cells.iter_mut().find(|(known, _)| *known == allowed) {
                    Some((_, cell)) => cell.union_with(&targets_set),
                    None => cells.push((allowed, targets_set.clone())),
                }
            }
        }
    }
    admitted
}
