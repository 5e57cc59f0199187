//! Sets of addresses, IPv4 and IPv6 apart.
//!
//! An [`IpSet`] is two sorted lists of disjoint, non-adjacent, inclusive ranges; equal sets are
//! equal values. [`atoms`] cuts the whole space where any of many sets begins or ends, and joins
//! again what no set tells apart: the fewest pieces that every set is a union of.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};

/// Why a text is not an address block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CidrError {
    /// The text is not `ADDRESS/LENGTH`.
    #[error("`{0}` is not a valid CIDR block such as 10.0.0.0/8 or 2001:db8::/32")]
    Syntax(String),
}

/// A set of IP addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IpSet {
    v4: Vec<(u128, u128)>,
    v6: Vec<(u128, u128)>,
}

const LAST_V4: u128 = u32::MAX as u128;

impl IpSet {
    /// No address.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Every address of both families.
    #[must_use]
    pub fn all() -> Self {
        Self { v4: vec![(0, LAST_V4)], v6: vec![(0, u128::MAX)] }
    }

    /// Every IPv4 address.
    #[must_use]
    pub fn all_v4() -> Self {
        Self { v4: vec![(0, LAST_V4)], v6: Vec::new() }
    }

    /// One address.
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => {
                let bits = u128::from(u32::from(address));
                Self { v4: vec![(bits, bits)], v6: Vec::new() }
            }
            IpAddr::V6(address) => {
                let bits = u128::from(address);
                Self { v4: Vec::new(), v6: vec![(bits, bits)] }
            }
        }
    }

    /// The addresses of a CIDR block; bits behind the prefix do not count, as in the API.
    ///
    /// # Errors
    ///
    /// If the text is not a valid CIDR block.
    pub fn cidr(text: &str) -> Result<Self, CidrError> {
        let block = IpNet::from_str(text).map_err(|_| CidrError::Syntax(text.to_owned()))?;
        Ok(match block {
            IpNet::V4(block) => Self {
                v4: vec![(
                    u128::from(u32::from(block.network())),
                    u128::from(u32::from(block.broadcast())),
                )],
                v6: Vec::new(),
            },
            IpNet::V6(block) => Self {
                v4: Vec::new(),
                v6: vec![(u128::from(block.network()), u128::from(block.broadcast()))],
            },
        })
    }

    /// Whether it holds no address.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Whether it holds an IPv6 address.
    #[must_use]
    pub fn has_v6(&self) -> bool {
        !self.v6.is_empty()
    }

    /// Whether it holds every IPv6 address.
    #[must_use]
    pub(crate) fn covers_v6(&self) -> bool {
        self.v6 == [(0, u128::MAX)]
    }

    /// Whether it holds all addresses of at least one family.
    #[must_use]
    pub fn covers_a_family(&self) -> bool {
        self.v4 == [(0, LAST_V4)] || self.v6 == [(0, u128::MAX)]
    }

    /// The part of it that is IPv4.
    #[must_use]
    pub fn only_v4(&self) -> Self {
        Self { v4: self.v4.clone(), v6: Vec::new() }
    }

    /// Whether it holds this address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        Self::address(address).is_subset(self)
    }

    /// Whether every address here is in `other` too.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.difference(other).is_empty()
    }

    /// The addresses in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self { v4: join(&self.v4, &other.v4), v6: join(&self.v6, &other.v6) }
    }

    /// The addresses in any of these sets, in one pass over all.
    #[must_use]
    pub fn union_of<'s>(sets: impl IntoIterator<Item = &'s Self>) -> Self {
        let (mut v4, mut v6): (Ranges, Ranges) = (Vec::new(), Vec::new());
        for set in sets {
            v4.extend(&set.v4);
            v6.extend(&set.v6);
        }
        Self { v4: join(&v4, &[]), v6: join(&v6, &[]) }
    }

    /// The addresses in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self { v4: overlap(&self.v4, &other.v4), v6: overlap(&self.v6, &other.v6) }
    }

    /// The addresses of this set that the other lacks.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self { v4: cut(&self.v4, &other.v4), v6: cut(&self.v6, &other.v6) }
    }

    /// The lowest address, for example; `None` in an empty set.
    #[must_use]
    pub fn first(&self) -> Option<IpAddr> {
        let v4 = self.v4.first().map(|&(first, _)| v4_address(first));
        v4.or_else(|| self.v6.first().map(|&(first, _)| v6_address(first)))
    }

    /// Its one address; `None` if it has none or several.
    #[must_use]
    pub fn single(&self) -> Option<IpAddr> {
        match (self.v4.as_slice(), self.v6.as_slice()) {
            ([(first, last)], []) if first == last => Some(v4_address(*first)),
            ([], [(first, last)]) if first == last => Some(v6_address(*first)),
            _ => None,
        }
    }

    /// Each of its addresses, at most 65,536 of a range: for sets of single ones.
    pub(crate) fn each(&self) -> impl Iterator<Item = IpAddr> {
        const MOST: u128 = 1 << 16;
        let bits = |&(first, last): &(u128, u128)| first..=last.min(first.saturating_add(MOST));
        let v4 = self.v4.iter().flat_map(bits).map(v4_address);
        v4.chain(self.v6.iter().flat_map(bits).map(v6_address))
    }

    /// The fewest CIDR blocks that are the set, IPv4 first.
    #[must_use]
    pub fn blocks(&self) -> Vec<String> {
        let v4 = self.v4.iter().flat_map(|&(first, last)| {
            let address = |bits: u128| Ipv4Addr::from(u32::try_from(bits).unwrap_or(u32::MAX));
            Ipv4Subnets::new(address(first), address(last), 0).map(|block| block.to_string())
        });
        let v6 = self.v6.iter().flat_map(|&(first, last)| {
            let (first, last) = (Ipv6Addr::from(first), Ipv6Addr::from(last));
            Ipv6Subnets::new(first, last, 0).map(|block| block.to_string())
        });
        v4.chain(v6).collect()
    }

    /// The ranges as people write them, IPv4 first: `10.0.0.0-10.255.255.255`.
    #[must_use]
    pub fn ranges(&self) -> Vec<String> {
        let v4 = self.v4.iter().map(|&(first, last)| (v4_address(first), v4_address(last)));
        let v6 = self.v6.iter().map(|&(first, last)| (v6_address(first), v6_address(last)));
        v4.chain(v6).map(|(first, last)| format!("{first}-{last}")).collect()
    }
}

impl fmt::Display for IpSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.ranges().join(", "))
    }
}

fn v4_address(bits: u128) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from(u32::try_from(bits).unwrap_or(u32::MAX)))
}

fn v6_address(bits: u128) -> IpAddr {
    IpAddr::V6(Ipv6Addr::from(bits))
}

type Ranges = Vec<(u128, u128)>;

fn join(a: &[(u128, u128)], b: &[(u128, u128)]) -> Ranges {
    let mut ranges: Ranges = a.iter().chain(b).copied().collect();
    ranges.sort_unstable();
    let mut merged: Ranges = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match merged.last_mut() {
            Some(previous) if first <= previous.1.saturating_add(1) => {
                previous.1 = previous.1.max(last);
            }
            _ => merged.push((first, last)),
        }
    }
    merged
}

fn overlap(a: &[(u128, u128)], b: &[(u128, u128)]) -> Ranges {
    let mut ranges = Vec::new();
    let (mut left, mut right) = (a.iter().peekable(), b.iter().peekable());
    while let (Some(&&(first, last)), Some(&&(from, to))) = (left.peek(), right.peek()) {
        if first.max(from) <= last.min(to) {
            ranges.push((first.max(from), last.min(to)));
        }
        if last < to {
            left.next();
        } else {
            right.next();
        }
    }
    ranges
}

fn cut(a: &[(u128, u128)], b: &[(u128, u128)]) -> Ranges {
    let mut ranges = Vec::new();
    for &(first, last) in a {
        let mut start = Some(first);
        for &(from, to) in b {
            let Some(low) = start else { break };
            if to < low || from > last {
                continue;
            }
            if from > low {
                ranges.push((low, from - 1));
            }
            start = to.checked_add(1).filter(|&next| next <= last);
        }
        if let Some(low) = start {
            ranges.push((low, last));
        }
    }
    ranges
}

/// A piece of the address space that none of the given sets cuts: its addresses, and the positions
/// of the sets that hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Atom {
    /// The addresses.
    pub addresses: IpSet,
    /// Positions, ascending, of the sets that these addresses are in.
    pub members: Vec<usize>,
}

/// The fewest disjoint pieces of the whole address space such that every set is a union of them.
#[must_use]
pub fn atoms(sets: &[IpSet]) -> Vec<Atom> {
    let mut by_members: BTreeMap<Vec<usize>, IpSet> = BTreeMap::new();
    let v4 = sets.iter().map(|set| set.v4.as_slice());
    for (first, last, members) in sweep(v4, LAST_V4) {
        let set = by_members.entry(members).or_default();
        set.v4.push((first, last));
    }
    let v6 = sets.iter().map(|set| set.v6.as_slice());
    for (first, last, members) in sweep(v6, u128::MAX) {
        let set = by_members.entry(members).or_default();
        set.v6.push((first, last));
    }
    let mut atoms: Vec<_> = by_members
        .into_iter()
        .map(|(members, set)| Atom { addresses: set.union(&IpSet::none()), members })
        .collect();
    atoms.sort_by(|a, b| a.addresses.cmp(&b.addresses));
    atoms
}

/// Walks over one family from its lowest address to its highest, and gives each stretch between
/// two borders with the positions of the sets that cover it.
fn sweep<'s>(
    sets: impl Iterator<Item = &'s [(u128, u128)]>,
    last: u128,
) -> Vec<(u128, u128, Vec<usize>)> {
    let mut starts: BTreeMap<u128, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    starts.entry(0).or_default();
    for (position, ranges) in sets.enumerate() {
        for &(from, to) in ranges {
            starts.entry(from).or_default().0.push(position);
            if let Some(next) = to.checked_add(1).filter(|&next| next <= last) {
                starts.entry(next).or_default().1.push(position);
            }
        }
    }
    let mut stretches = Vec::with_capacity(starts.len());
    let mut open = std::collections::BTreeSet::new();
    let mut borders = starts.iter().peekable();
    while let Some((&from, (entering, leaving))) = borders.next() {
        for position in leaving {
            open.remove(position);
        }
        open.extend(entering.iter().copied());
        let to = borders.peek().map_or(last, |&(&next, _)| next - 1);
        stretches.push((from, to, open.iter().copied().collect()));
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(blocks: &[&str]) -> IpSet {
        blocks.iter().fold(IpSet::none(), |set, block| set.union(&IpSet::cidr(block).unwrap()))
    }

    #[test]
    fn except_leaves_the_rest() {
        let rest = set(&["0.0.0.0/0"]).difference(&set(&["10.0.0.0/8"]));
        assert_eq!(rest.ranges(), ["0.0.0.0-9.255.255.255", "11.0.0.0-255.255.255.255"]);
        assert!(!rest.covers_a_family());
        assert!(set(&["10.1.0.0/16"]).is_subset(&set(&["10.0.0.0/8"])));
    }

    #[test]
    fn reads_blocks_as_the_api_does() {
        assert_eq!(set(&["10.1.2.3/8"]), set(&["10.0.0.0/8"]));
        // Leading zeros are decimal: the API server has always taken them.
        assert_eq!(set(&["010.0.0.0/8"]), set(&["10.0.0.0/8"]));
        assert_eq!(set(&["::/0"]).ranges(), ["::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]);
        for wrong in ["10.0.0.0", "10.0.0/8", "10.0.0.0/33", "", "a/8"] {
            assert!(IpSet::cidr(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn atoms_are_a_partition() {
        let sets = [set(&["10.0.0.0/8"]), set(&["10.1.0.0/16", "2001:db8::/32"]), set(&["::/0"])];
        let atoms = atoms(&sets);
        let whole = atoms.iter().fold(IpSet::none(), |whole, atom| {
            assert!(whole.intersection(&atom.addresses).is_empty());
            whole.union(&atom.addresses)
        });
        assert_eq!(whole, IpSet::all());
        for (position, set) in sets.iter().enumerate() {
            let joined = atoms
                .iter()
                .filter(|atom| atom.members.contains(&position))
                .fold(IpSet::none(), |joined, atom| joined.union(&atom.addresses));
            assert_eq!(&joined, set);
        }
    }
}
