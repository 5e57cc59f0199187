//! A walk whose images several workers share, by a queue.

use std::io;
use std::time::Duration;

use coaming_oci::Reference;
use coaming_queue::{End, Item, MAX_ATTEMPTS, Queue, QueueUrl, Task};
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use crate::{WALKED_AT_ONCE, WalkEnd, WalkError, WalkLine, WalkScope, WalkedImage, Walker};

/// How long an image stays with a worker that ended.
const LEASE: Duration = Duration::from_secs(120);

impl Walker<'_> {
    /// Reads what this worker takes from a queue, until nothing is open. The first worker lists the images.
    /// Results are stored in the queue, then written, one line for each image over all workers. Returns what
    /// could not be listed.
    ///
    /// # Errors
    ///
    /// If the registry gives no catalog, the queue cannot be used, or `write` fails.
    pub fn work(
        &self,
        (url, walk): (&str, &str),
        host: &str,
        scope: &WalkScope,
        write: &mut dyn FnMut(&WalkLine) -> io::Result<()>,
    ) -> Result<Vec<String>, WalkError> {
        let url: QueueUrl = url.parse().map_err(coaming_queue::QueueError::from)?;
        let queue = Queue::connect(&url, &self.options.registry.http, walk, LEASE)?;
        let mut problems = Vec::new();
        if queue.begins()? {
            let (images, failed) = self.list(host, scope)?;
            queue.add(&images.iter().map(item).collect::<Vec<_>>())?;
            problems = failed;
        }
        loop {
            let tasks = queue.take(WALKED_AT_ONCE)?;
            if tasks.is_empty() {
                // What others have is open again when they end without a result.
                if queue.open()? == 0 {
                    return Ok(problems);
                }
                queue.pause();
                continue;
            }
            let leases = queue.hold();
            let lines: Vec<(&Task, WalkLine)> = tasks
                .par_iter()
                .map(|task| Ok((task, self.task(task)?)))
                .collect::<Result<_, WalkError>>()?;
            drop(leases);
            for (task, line) in lines {
                let end = if line.end == WalkEnd::Failed { End::Failed } else { End::Done };
                if queue.finish(&task.item.digest, end, &line.value.to_string())? {
                    write(&line)?;
                }
            }
        }
    }

    fn task(&self, task: &Task) -> Result<WalkLine, WalkError> {
        let item = &task.item;
        let failed = |error: &dyn std::fmt::Display| {
            let text =
                format!("the queue has `{}`: {error}", coaming_text::Printable(&item.digest));
            io::Error::new(io::ErrorKind::InvalidData, text)
        };
        let reference = Reference::parse(&item.reference).map_err(|error| failed(&error))?;
        let digest = item.digest.parse().map_err(|error| failed(&error))?;
        let image = WalkedImage { reference, digest, names: item.names.clone() };
        if task.attempts > MAX_ATTEMPTS {
            let reason = format!(
                "{MAX_ATTEMPTS} workers ended while they read it, for want of memory perhaps: it is not tried \
                 again in this walk"
            );
            return Ok(self.failed(&image, &reason));
        }
        Ok(self.line(&image))
    }
}

fn item(image: &WalkedImage) -> Item {
    Item {
        digest: image.digest.to_string(),
        reference: image.reference.to_string(),
        names: image.names.clone(),
    }
}
