//! Reads which secrets an etcd store contains, offline: the engine of `coaming secrets etcd`.
//!
//! Bytes in, data out: [`StoreReader`] takes a snapshot or database, and the other files of a data
//! directory, as anything that reads and seeks; [`findings`] judges the [`Contents`]. Layers, each
//! in a module of its own, from the file upwards:
//!
//! * `reader` reads a file of any size through a small window;
//! * `bolt` knows the pages of bbolt, `walk` walks its trees;
//! * `mvcc` knows the revisions and keys of etcd;
//! * `envelope` (by `protobuf`) knows how Kubernetes encodes an object;
//! * `carve` finds objects that no tree leads to: in free pages and in the write-ahead log;
//! * `inspect` looks for credentials in objects of all other kinds, `other_objects` keeps what they
//!   contained and when;
//! * `histories` keeps what Secrets and ConfigMaps contained and when;
//! * `read` puts it all together, `findings` judges it by `rules`.
//!
//! Invariants: whatever the bytes are, reading ends without a panic, and work and memory are
//! bounded by the size of the files; damage costs only the part of the tree it is in, and is
//! reported; no value of an object gets past `histories` and `inspect`, which keep names only.

mod bolt;
mod bytes;
mod carve;
mod envelope;
mod findings;
mod histories;
mod inspect;
mod mvcc;
mod other_objects;
mod problem;
mod protobuf;
mod read;
mod reader;
mod rules;
mod walk;

pub use envelope::Encryption;
pub use findings::findings;
pub use histories::{
    ExposedEntry, History, ObjectRevision, PlainText, Remnant, RemnantLocation, State,
};
pub use mvcc::{EtcdKey, Resource};
pub use other_objects::OtherObject;
pub use read::{Checksum, Contents, EtcdError, StoreReader};
pub use rules::RULES;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
