//! Reads what etcd holds of a cluster's secrets, offline: a snapshot, a database, a data directory.
//!
//! Layers, each in a module of its own, from the file upwards:
//!
//! * `reader` reads a file of any size through a small window;
//! * `bolt` knows bbolt's pages, `walk` walks its trees;
//! * `mvcc` knows etcd's revisions and keys;
//! * `envelope` (by `protobuf`) knows what Kubernetes wraps round an object;
//! * `carve` finds objects where no tree leads: in free pages and in the write-ahead log;
//! * `others` looks into objects of all other kinds, `history` keeps what they showed and when;
//! * `contents` puts together what was found, `findings` judges it, `text` and `json` show it.
//!
//! Invariants: the files are only read; whatever they hold, work and memory are bounded by their
//! size; no value of an object gets further than `contents` and `others`, which keep names
//! alone.

mod bolt;
mod bytes;
mod carve;
mod contents;
mod envelope;
mod findings;
mod history;
mod json;
mod mvcc;
mod others;
mod problem;
mod protobuf;
mod read;
mod reader;
mod rules;
mod text;
mod walk;

pub use contents::{EntryName, History, ObjectRevision, Place, Plain, Remnant, State};
pub use envelope::Encryption;
pub use findings::findings;
pub use history::OtherObject;
pub use json::Details;
pub use mvcc::{ObjectKey, Resource};
pub use others::Identity;
pub use read::{Checksum, Contents, EtcdError, read, read_from};
pub use rules::RULES;
pub use text::to_text;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
