//! Developer tasks: generate what is generated, check that it is up to date, run every test.

fn main() {}
