//! The vulnerability database: build, query, and compare versions for each ecosystem.
