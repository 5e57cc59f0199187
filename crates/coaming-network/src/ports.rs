//! Sets of ports and of connections: which protocols on which ports.
//!
//! A [`PortSet`] is a sorted list of disjoint, non-adjacent, inclusive ranges; equal sets are
//! equal values. A [`Connections`] holds one for each protocol that network policies know.

use std::fmt;

/// The lowest port that a connection can be made to.
pub const FIRST_PORT: u16 = 1;
/// The highest port.
pub const LAST_PORT: u16 = u16::MAX;

/// A protocol that network policies can tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// All of them, in the order of output.
    pub const ALL: [Self; 3] = [Self::Tcp, Self::Udp, Self::Sctp];

    /// The API's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
        }
    }

    /// The protocol with this name, in the API's own spelling: capital letters.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.name() == name)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of port numbers from [`FIRST_PORT`] to [`LAST_PORT`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortSet(Vec<(u16, u16)>);

impl PortSet {
    /// No port at all.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Every port.
    #[must_use]
    pub fn all() -> Self {
        Self(vec![(FIRST_PORT, LAST_PORT)])
    }

    /// The ports from `first` to `last`, both included; none where they are the wrong way round.
    #[must_use]
    pub fn range(first: u16, last: u16) -> Self {
        let first = first.max(FIRST_PORT);
        if first > last { Self::none() } else { Self(vec![(first, last)]) }
    }

    /// The ranges, ascending, with their first and last ports.
    #[must_use]
    pub fn ranges(&self) -> &[(u16, u16)] {
        &self.0
    }

    /// Whether it holds no port.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it holds every port.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0 == [(FIRST_PORT, LAST_PORT)]
    }

    /// Whether it holds this port.
    #[must_use]
    pub fn contains(&self, port: u16) -> bool {
        self.0.iter().any(|&(first, last)| first <= port && port <= last)
    }

    /// The ports in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        if other.is_empty() || self.is_all() {
            return self.clone();
        }
        if self.is_empty() || other.is_all() {
            return other.clone();
        }
        let mut ranges: Vec<_> = self.0.iter().chain(&other.0).copied().collect();
        ranges.sort_unstable();
        let mut merged: Vec<(u16, u16)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match merged.last_mut() {
                Some(previous) if u32::from(first) <= u32::from(previous.1) + 1 => {
                    previous.1 = previous.1.max(last);
                }
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }

    /// The ports in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut ranges = Vec::new();
        for &(first, last) in &self.0 {
            for &(from, to) in &other.0 {
                let (low, high) = (first.max(from), last.min(to));
                if low <= high {
                    ranges.push((low, high));
                }
            }
        }
        Self(ranges)
    }

    /// The ports of this set that the other lacks.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut ranges = Vec::new();
        for &(first, last) in &self.0 {
            let mut start = u32::from(first);
            for &(from, to) in &other.0 {
                if u32::from(to) < start || from > last {
                    continue;
                }
                if let Some(end) = from.checked_sub(1)
                    && u32::from(end) >= start
                {
                    ranges.push((u16::try_from(start).unwrap_or(LAST_PORT), end));
                }
                start = u32::from(to) + 1;
            }
            if start <= u32::from(last) {
                ranges.push((u16::try_from(start).unwrap_or(LAST_PORT), last));
            }
        }
        Self(ranges)
    }
}

impl fmt::Display for PortSet {
    /// `80,8000-8999`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (first, last)) in self.0.iter().enumerate() {
            let comma = if position > 0 { "," } else { "" };
            if first == last {
                write!(f, "{comma}{first}")?;
            } else {
                write!(f, "{comma}{first}-{last}")?;
            }
        }
        Ok(())
    }
}

/// What may be connected to: ports of each protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Connections([PortSet; 3]);

impl Connections {
    /// Nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Every port of every protocol.
    #[must_use]
    pub fn all() -> Self {
        Self([PortSet::all(), PortSet::all(), PortSet::all()])
    }

    /// These ports of one protocol.
    #[must_use]
    pub fn of(protocol: Protocol, ports: PortSet) -> Self {
        let mut connections = Self::none();
        connections.0[protocol as usize] = ports;
        connections
    }

    /// The ports of a protocol.
    #[must_use]
    pub fn ports(&self, protocol: Protocol) -> &PortSet {
        &self.0[protocol as usize]
    }

    /// The protocols that have a port here, with their ports.
    pub fn iter(&self) -> impl Iterator<Item = (Protocol, &PortSet)> {
        Protocol::ALL.into_iter().zip(&self.0).filter(|(_, ports)| !ports.is_empty())
    }

    /// Whether nothing may be connected to.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(PortSet::is_empty)
    }

    /// Whether everything may be connected to.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0.iter().all(PortSet::is_all)
    }

    /// Whether this port of this protocol is in it.
    #[must_use]
    pub fn contains(&self, protocol: Protocol, port: u16) -> bool {
        self.ports(protocol).contains(port)
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.zip(other, PortSet::union)
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.zip(other, PortSet::intersection)
    }

    /// What is in this one alone.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.zip(other, PortSet::difference)
    }

    fn zip(&self, other: &Self, combine: impl Fn(&PortSet, &PortSet) -> PortSet) -> Self {
        let [tcp, udp, sctp] = &self.0;
        let [other_tcp, other_udp, other_sctp] = &other.0;
        Self([combine(tcp, other_tcp), combine(udp, other_udp), combine(sctp, other_sctp)])
    }
}

impl fmt::Display for Connections {
    /// `TCP 80,8000-8999; UDP all`, `all` or `none`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_all() {
            return f.write_str("all");
        }
        if self.is_empty() {
            return f.write_str("none");
        }
        for (position, (protocol, ports)) in self.iter().enumerate() {
            let separator = if position > 0 { "; " } else { "" };
            if ports.is_all() {
                write!(f, "{separator}{protocol} all")?;
            } else {
                write!(f, "{separator}{protocol} {ports}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_set() -> impl Strategy<Value = PortSet> {
        prop::collection::vec((1u16..40, 0u16..6), 0..5).prop_map(|ranges| {
            ranges.into_iter().fold(PortSet::none(), |set, (first, length)| {
                set.union(&PortSet::range(first, first + length))
            })
        })
    }

    proptest! {
        #[test]
        fn behaves_as_a_set(a in any_set(), b in any_set(), port in 1u16..50) {
            let (in_a, in_b) = (a.contains(port), b.contains(port));
            prop_assert_eq!(a.union(&b).contains(port), in_a || in_b);
            prop_assert_eq!(a.intersection(&b).contains(port), in_a && in_b);
            prop_assert_eq!(a.difference(&b).contains(port), in_a && !in_b);
            let again = a.difference(&b).union(&a.intersection(&b));
            prop_assert_eq!(again, a);
        }
    }

    #[test]
    fn edges() {
        let all_but = PortSet::all().difference(&PortSet::range(1, 65535));
        assert!(all_but.is_empty());
        let high = PortSet::all().difference(&PortSet::range(1, 1023));
        assert_eq!(high.ranges(), [(1024, 65535)]);
        assert!(high.union(&PortSet::range(1, 1023)).is_all());
        assert_eq!(PortSet::range(0, 5).ranges(), [(1, 5)]);
        assert!(PortSet::range(9, 5).is_empty());
        let shown = Connections::of(Protocol::Udp, PortSet::all())
            .union(&Connections::of(Protocol::Tcp, PortSet::range(80, 81)));
        assert_eq!(shown.to_string(), "TCP 80-81; UDP all");
    }
}
