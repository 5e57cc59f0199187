//! The `coaming` program: passes its arguments to the library and exits with its exit code.

use std::process::ExitCode;

/// The system's allocator is slow when several threads build many small trees. Huge pages are off
/// (`no_thp`) because they would be mostly empty.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    coaming::run()
}
