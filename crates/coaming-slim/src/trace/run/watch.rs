//! Which files below a directory are opened.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

/// The file whose opening ends the observation; all events before it have been read then.
const LAST: &str = "observed";

/// What was opened.
#[derive(Debug, Default)]
pub(super) struct Opened {
    /// The paths in the image.
    pub(super) paths: BTreeSet<String>,
    /// Whether the kernel had to drop events.
    pub(super) is_incomplete: bool,
}

/// A running observation.
pub(super) struct Watch {
    last: PathBuf,
    thread: JoinHandle<io::Result<Opened>>,
}

impl Watch {
    /// Observes all directories below `root`. `beside` is a directory outside of it.
    pub(super) fn start(root: &Path, beside: &Path) -> io::Result<Self> {
        let kernel = inotify::init(CreateFlags::CLOEXEC)?;
        let mut directories = HashMap::new();
        let mut left = vec![(root.to_owned(), String::new())];
        while let Some((host, path)) = left.pop() {
            for entry in std::fs::read_dir(&host)? {
                let entry = entry?;
                if let (true, Some(name)) =
                    (entry.file_type()?.is_dir(), entry.file_name().to_str())
                {
                    left.push((entry.path(), format!("{path}/{name}")));
                }
            }
            let flags = WatchFlags::OPEN | WatchFlags::ONLYDIR | WatchFlags::DONT_FOLLOW;
            directories.insert(inotify::add_watch(&kernel, &host, flags)?, path);
        }
        let last = beside.join(LAST);
        std::fs::write(&last, "")?;
        let end = inotify::add_watch(&kernel, &last, WatchFlags::OPEN)?;
        let thread = std::thread::spawn(move || read(kernel, &directories, end));
        Ok(Self { last, thread })
    }

    /// Ends the observation.
    pub(super) fn finish(self) -> io::Result<Opened> {
        drop(std::fs::File::open(&self.last)?);
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the observer failed")))
    }
}

fn read(kernel: OwnedFd, directories: &HashMap<i32, String>, end: i32) -> io::Result<Opened> {
    let mut buffer = vec![MaybeUninit::uninit(); 1 << 16];
    let mut events = inotify::Reader::new(kernel, &mut buffer);
    let mut opened = Opened::default();
    loop {
        let event = events.next()?;
        if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
            opened.is_incomplete = true;
        }
        if event.wd() == end && event.events().contains(ReadFlags::OPEN) {
            return Ok(opened);
        }
        let is_file = !event.events().contains(ReadFlags::ISDIR);
        let name = event.file_name().and_then(|it| it.to_str().ok()).filter(|_| is_file);
        if let (Some(directory), Some(name)) = (directories.get(&event.wd()), name) {
            opened.paths.insert(format!("{directory}/{name}"));
        }
    }
}
