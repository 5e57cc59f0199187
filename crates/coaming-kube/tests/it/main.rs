//! The world, from outside.

mod world;
