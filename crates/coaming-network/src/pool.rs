//! Connections by number: each distinct value is kept once, and combined once.

use std::collections::HashMap;

use crate::ports::Connections;

/// The number of a value in a [`ConnectionPool`].
pub(crate) type ConnectionId = u32;

/// Distinct [`Connections`], and the results of combining them.
#[derive(Default)]
pub(crate) struct ConnectionPool {
    values: Vec<Connections>,
    ids: HashMap<Connections, ConnectionId>,
    unions: HashMap<(ConnectionId, ConnectionId), ConnectionId>,
    intersections: HashMap<(ConnectionId, ConnectionId), ConnectionId>,
}

impl ConnectionPool {
    pub(crate) fn add(&mut self, value: &Connections) -> ConnectionId {
        if let Some(&id) = self.ids.get(value) {
            return id;
        }
        let id = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.values.push(value.clone());
        self.ids.insert(value.clone(), id);
        id
    }

    pub(crate) fn get(&self, id: ConnectionId) -> &Connections {
        &self.values[id as usize]
    }

    pub(crate) fn union(&mut self, a: ConnectionId, b: ConnectionId) -> ConnectionId {
        if a == b {
            return a;
        }
        let pair = (a.min(b), a.max(b));
        if let Some(&known) = self.unions.get(&pair) {
            return known;
        }
        let value = self.get(a).union(self.get(b));
        let id = self.add(&value);
        self.unions.insert(pair, id);
        id
    }

    pub(crate) fn intersection(&mut self, a: ConnectionId, b: ConnectionId) -> ConnectionId {
        if a == b {
            return a;
        }
        let pair = (a.min(b), a.max(b));
        if let Some(&known) = self.intersections.get(&pair) {
            return known;
        }
        let value = self.get(a).intersection(self.get(b));
        let id = self.add(&value);
        self.intersections.insert(pair, id);
        id
    }
}
