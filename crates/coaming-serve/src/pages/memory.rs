//! How much memory a page may take: what the process has left, before a page is begun and between its
//! steps.
//!
//! A container that exceeds its limit is killed, and admission with it: a page that might is refused.
//! Three things are checked: an estimate by the number of objects, what the process has taken after
//! each step, and the size of the page itself.

use std::fs;
use std::io::{self, Write};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
/// What is left to reviews: the bodies of large ones.
const RESERVED: u64 = 64 * MIB;
/// What a page takes for each object that it is made of, at most: measured with
/// Deployments that each have a Service, an Ingress, an account and a binding, and doubled.
const FOR_AN_OBJECT: u64 = 24 * KIB;
/// What a page takes however few objects there are.
const FOR_A_PAGE: u64 = 8 * MIB;
/// Where nothing is known of a limit.
const UNKNOWN: u64 = 512 * MIB;
/// Where a container finds its limit: version 2 of cgroups, and version 1.
const LIMITS: [&str; 2] =
    ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];

/// A page that would take more memory than there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this page needs more memory than the server has left for it: about {} MiB of {} MiB; ask for one \
     namespace (`?namespace=NAME`), or give the server more (`resources.limits.memory` of the chart, \
     `--page-memory`)",
    needed.div_ceil(MIB),
    allowed / MIB
)]
pub(crate) struct TooLarge {
    needed: u64,
    allowed: u64,
}

/// The memory that a page may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// What the process had before.
    before: u64,
    allowed: u64,
}

impl Budget {
    /// A budget of this many bytes; without, of what the process has left.
    pub(super) fn new(setting: Option<u64>) -> Self {
        let before = resident().unwrap_or_default();
        let allowed = setting.or_else(|| left(before)).unwrap_or(UNKNOWN);
        Self { before, allowed }
    }

    /// Whether a page of this many objects fits.
    pub(super) fn fits(&self, objects: usize) -> Result<(), TooLarge> {
        let needed = FOR_A_PAGE + (objects as u64).saturating_mul(FOR_AN_OBJECT);
        self.bounded(needed)
    }

    /// Whether what was taken so far is within the budget.
    pub(super) fn check(&self) -> Result<(), TooLarge> {
        let taken = resident().unwrap_or_default().saturating_sub(self.before);
        self.bounded(taken)
    }

    fn bounded(&self, needed: u64) -> Result<(), TooLarge> {
        let allowed = self.allowed;
        if needed > allowed { Err(TooLarge { needed, allowed }) } else { Ok(()) }
    }

    /// Writes a page that is at most as large as the rest of the budget.
    pub(super) fn write(
        &self,
        render: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<Vec<u8>, TooLarge> {
        let taken = resident().unwrap_or_default().saturating_sub(self.before);
        let left = usize::try_from(self.allowed.saturating_sub(taken)).unwrap_or(usize::MAX);
        // A buffer that grows is there twice for a moment.
        let mut page = Bounded { bytes: Vec::new(), most: left / 3 };
        match render(&mut page) {
            Ok(()) => Ok(page.bytes),
            // Writing into memory fails for no other reason.
            Err(_) => Err(TooLarge { needed: self.allowed + MIB, allowed: self.allowed }),
        }
    }
}

struct Bounded {
    bytes: Vec<u8>,
    most: usize,
}

impl Write for Bounded {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + more.len() > self.most {
            return Err(io::Error::other("the page is too large"));
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a process that has taken `before` may still take: up to its container's limit, or else half of
/// what the machine has left.
fn left(before: u64) -> Option<u64> {
    let limit = LIMITS.iter().find_map(|path| limit(&fs::read_to_string(path).ok()?));
    match limit {
        Some(limit) => Some(limit.saturating_sub(before).saturating_sub(RESERVED)),
        None => field(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:").map(|it| it / 2),
    }
}

/// The limit in a file of a cgroup, if it is one.
fn limit(text: &str) -> Option<u64> {
    /// Version 1 says that there is none by a number that no machine has.
    const NONE: u64 = 1 << 60;
    text.trim().parse().ok().filter(|limit| *limit < NONE)
}

/// What the process has in memory.
fn resident() -> Option<u64> {
    field(&fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

/// A field of a file of the kernel, in bytes.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * KIB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_numbers_of_bytes() {
        assert_eq!(limit("268435456\n"), Some(256 * MIB));
        assert_eq!(limit("max\n"), None);
        assert_eq!(limit("9223372036854771712\n"), None, "version 1 without a limit");
        assert_eq!(field("VmSize:\t 9 kB\nVmRSS:\t  2048 kB\n", "VmRSS:"), Some(2 * MIB));
        assert_eq!(field("VmRSS: many\n", "VmRSS:"), None);
    }

    #[test]
    fn a_page_that_does_not_fit_is_refused() {
        let budget = Budget { before: u64::MAX, allowed: 10 * MIB };
        assert_eq!(budget.fits(10), Ok(()));
        let refused = budget.fits(1000).unwrap_err();
        assert!(refused.to_string().contains("about 32 MiB of 10 MiB"), "{refused}");
        let page = budget.write(|out| out.write_all(b"short")).unwrap();
        assert_eq!(page, b"short");
        let chunk = vec![0; 1 << 20];
        let long = budget.write(|out| (0..9).try_for_each(|_| out.write_all(&chunk)));
        assert!(long.is_err());
    }
}
