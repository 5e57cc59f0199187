//! The `coaming` program: hands its arguments to the library and ends with its exit code.

use std::process::ExitCode;

/// Many small trees are built on several threads: the system's allocator is slow at that. Without
/// huge pages (`no_thp`), which would be mostly empty.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    coaming::run()
}
