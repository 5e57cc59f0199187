//! What an etcd store contains: as text for people, and as the field `etcd` of the JSON format.

mod json;
mod text;

pub use json::Details;
pub use text::text;

#[cfg(test)]
mod tests;
