//! What keeps other programs and the disk away from this process's memory.

#[cfg(target_os = "linux")]
use rustix::mm::MlockAllFlags;
#[cfg(target_os = "linux")]
use rustix::process::{DumpableBehavior, Resource};

/// What could be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hardening {
    /// The process leaves no core dump, and no other process of the user can attach to it.
    pub not_dumpable: bool,
    /// No page of the process goes to swap.
    pub locked: bool,
}

/// Makes the process not dumpable, and locks its memory if its limit allows any amount: with a smaller
/// limit an allocation could fail later.
#[must_use]
#[cfg(target_os = "linux")]
pub fn harden() -> Hardening {
    let not_dumpable =
        rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok();
    let unlimited = rustix::process::getrlimit(Resource::Memlock).current.is_none();
    // Only pages that are used: most of what is mapped never is.
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    let locked = unlimited && rustix::mm::mlockall(flags).is_ok();
    Hardening { not_dumpable, locked }
}

/// Other systems have no such settings.
#[must_use]
#[cfg(not(target_os = "linux"))]
pub fn harden() -> Hardening {
    Hardening { not_dumpable: false, locked: false }
}
