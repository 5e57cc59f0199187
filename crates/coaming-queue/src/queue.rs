//! The table, and what workers do with it.

use std::sync::Arc;
use std::time::Duration;

use coaming_http::{Options, Runtime};
use tokio_postgres::Client;

use crate::tls::Tls;
use crate::{QueueError, QueueUrl, password};

/// How many workers may end while they read an image, before it counts as failed: it may be what ends them.
pub const MAX_ATTEMPTS: i32 = 3;

/// How long PostgreSQL may take for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The number by which workers agree on who makes the table.
const TABLE_LOCK: i64 = 0x636f_616d_696e_6701;

const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS coaming_images (
        walk text NOT NULL,
        digest text NOT NULL,
        reference text NOT NULL,
        names text NOT NULL,
        state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'failed')),
        attempts integer NOT NULL DEFAULT 0,
        worker text,
        leased_until timestamptz,
        ended timestamptz,
        line text,
        PRIMARY KEY (walk, digest)
    );
    CREATE INDEX IF NOT EXISTS coaming_images_open ON coaming_images (walk, names) WHERE state = 'open'";

/// What failed before is tried again, and names are those of today.
const ADD: &str = "
    INSERT INTO coaming_images AS known (walk, digest, reference, names)
    SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[])
    ON CONFLICT (walk, digest) DO UPDATE SET
        reference = excluded.reference,
        names = excluded.names,
        attempts = CASE known.state WHEN 'failed' THEN 0 ELSE known.attempts END,
        state = CASE known.state WHEN 'failed' THEN 'open' ELSE known.state END";

/// Some images that nobody has: those that were never taken together, others alone, for one of them may be
/// what ended its worker.
const TAKE: &str = "
    WITH free AS MATERIALIZED (
        SELECT digest FROM coaming_images
        WHERE walk = $1 AND state = 'open' AND (leased_until IS NULL OR leased_until < now())
            AND (attempts > 0) = $5
        ORDER BY names LIMIT $4 FOR UPDATE SKIP LOCKED
    )
    UPDATE coaming_images AS image
    SET worker = $2, attempts = attempts + 1, leased_until = now() + $3 * interval '1 second'
    FROM free WHERE image.walk = $1 AND image.digest = free.digest
    RETURNING image.digest, image.reference, image.names, image.attempts";

const RENEW: &str = "
    UPDATE coaming_images SET leased_until = now() + $3 * interval '1 second'
    WHERE walk = $1 AND worker = $2 AND state = 'open' AND leased_until IS NOT NULL";

const FINISH: &str = "
    UPDATE coaming_images SET state = $4, line = $5, ended = now(), leased_until = NULL
    WHERE walk = $1 AND worker = $2 AND digest = $3 AND state = 'open'";

const OPEN: &str = "SELECT count(*) FROM coaming_images WHERE walk = $1 AND state = 'open'";

/// An image of a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The digest, by which it is known.
    pub digest: String,
    /// Where it is.
    pub reference: String,
    /// All its names.
    pub names: Vec<String>,
}

/// An image that this worker has for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The image.
    pub item: Item,
    /// How often it was taken, this time included.
    pub attempts: i32,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// There is a result.
    Done,
    /// There is none; it is tried again when images are listed again.
    Failed,
}

/// A queue that several workers share.
pub struct Queue {
    runtime: Runtime,
    client: Arc<Client>,
    walk: String,
    worker: String,
    lease: f64,
}

impl Queue {
    /// Connects, and makes the table if there is none. `walk` names the work that is shared, and `lease` is how
    /// long an image stays with a worker that ended.
    ///
    /// # Errors
    ///
    /// If the server cannot be reached, refuses the user, or does not let them make the table.
    pub fn connect(
        url: &QueueUrl,
        options: &Options,
        walk: &str,
        lease: Duration,
    ) -> Result<Self, QueueError> {
        let mut config = url.config(options)?;
        password::set(&mut config)?;
        let tls = Tls::new(&options.ca)?;
        let runtime = Runtime::shared()?;
        let client = runtime.block_on(in_time(async {
            let (client, connection) = config.connect(tls).await?;
            // It ends with the client. What fails there, the client's next request reports.
            tokio::spawn(async move { drop(connection.await) });
            Ok(client)
        }))?;
        let queue = Self {
            runtime,
            client: Arc::new(client),
            walk: walk.to_owned(),
            worker: String::new(),
            lease: lease.as_secs_f64(),
        };
        queue.make_table()?;
        let random =
            "SELECT md5(random()::text || clock_timestamp()::text || pg_backend_pid()::text)";
        let row = queue.run(async |client| client.query_one(random, &[]).await)?;
        Ok(Self { worker: row.try_get(0)?, ..queue })
    }

    /// Two who make a table at once disturb each other.
    fn make_table(&self) -> Result<(), QueueError> {
        let exists = "SELECT to_regclass('coaming_images') IS NOT NULL";
        let row = self.run(async |client| client.query_one(exists, &[]).await)?;
        if row.try_get(0)? {
            return Ok(());
        }
        let make = format!("BEGIN; SELECT pg_advisory_xact_lock({TABLE_LOCK}); {TABLE}; COMMIT");
        self.run(async |client| client.batch_execute(&make).await)
    }

    fn run<T>(
        &self,
        ask: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, QueueError> {
        self.runtime.block_on(in_time(async { Ok(ask(&self.client).await?) }))
    }

    /// Whether this worker should list the images: nothing is open, and no other worker is listing. Waits for
    /// one that is. To be ended by [`Self::add`].
    ///
    /// # Errors
    ///
    /// If the server fails.
    pub fn begins(&self) -> Result<bool, QueueError> {
        let lock = "SELECT pg_try_advisory_lock(hashtext('coaming_images'), hashtext($1))";
        loop {
            let row = self.run(async |client| client.query_one(lock, &[&self.walk]).await)?;
            if row.try_get(0)? {
                break;
            }
            self.pause();
        }
        let must_list = self.open()? == 0;
        if !must_list {
            self.unlock()?;
        }
        Ok(must_list)
    }

    /// Adds the images of a registry, and lets the other workers begin.
    ///
    /// # Errors
    ///
    /// If the server fails.
    pub fn add(&self, items: &[Item]) -> Result<(), QueueError> {
        for some in items.chunks(1000) {
            let digests: Vec<&str> = some.iter().map(|item| item.digest.as_str()).collect();
            let references: Vec<&str> = some.iter().map(|item| item.reference.as_str()).collect();
            let names: Vec<String> = some.iter().map(|item| item.names.join(" ")).collect();
            self.run(async |client| {
                client.execute(ADD, &[&self.walk, &digests, &references, &names]).await
            })?;
        }
        self.unlock()
    }

    fn unlock(&self) -> Result<(), QueueError> {
        let unlock = "SELECT pg_advisory_unlock(hashtext('coaming_images'), hashtext($1))";
        self.run(async |client| client.execute(unlock, &[&self.walk]).await).map(drop)
    }

    /// Takes up to `count` images; none if all are taken or done.
    ///
    /// # Errors
    ///
    /// If the server fails.
    pub fn take(&self, count: usize) -> Result<Vec<Task>, QueueError> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        for (limit, again) in [(count, false), (1, true)] {
            let rows = self.run(async |client| {
                let with: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
                    [&self.walk, &self.worker, &self.lease, &limit, &again];
                client.query(TAKE, &with).await
            })?;
            let mut tasks = Vec::new();
            for row in rows {
                let names: &str = row.try_get(2)?;
                let names = names.split(' ').map(str::to_owned).collect();
                let item = Item { digest: row.try_get(0)?, reference: row.try_get(1)?, names };
                tasks.push(Task { item, attempts: row.try_get(3)? });
            }
            if !tasks.is_empty() {
                tasks.sort_by(|left, right| left.item.names.cmp(&right.item.names));
                return Ok(tasks);
            }
        }
        Ok(Vec::new())
    }

    /// Renews the leases of this worker until the result is dropped.
    #[must_use]
    pub fn hold(&self) -> Leases {
        let client = Arc::clone(&self.client);
        let (walk, worker, lease) = (self.walk.clone(), self.worker.clone(), self.lease);
        let renewing = async move {
            loop {
                tokio::time::sleep(Duration::from_secs_f64(lease / 3.0)).await;
                // Who fails here loses the image; the next request reports why.
                drop(client.execute(RENEW, &[&walk, &worker, &lease]).await);
            }
        };
        Leases(self.runtime.spawn(renewing))
    }

    /// Stores a result; `false` if the lease ended before, and the image is another worker's.
    ///
    /// # Errors
    ///
    /// If the server fails.
    pub fn finish(&self, digest: &str, end: End, line: &str) -> Result<bool, QueueError> {
        let state = match end {
            End::Done => "done",
            End::Failed => "failed",
        };
        let stored = self.run(async |client| {
            client.execute(FINISH, &[&self.walk, &self.worker, &digest, &state, &line]).await
        })?;
        Ok(stored == 1)
    }

    /// How many images have no result yet, those that workers have taken included.
    ///
    /// # Errors
    ///
    /// If the server fails.
    pub fn open(&self) -> Result<u64, QueueError> {
        let row = self.run(async |client| client.query_one(OPEN, &[&self.walk]).await)?;
        let open: i64 = row.try_get(0)?;
        Ok(u64::try_from(open).unwrap_or_default())
    }

    /// Waits a moment, while other workers have all that is open.
    pub fn pause(&self) {
        let pause = Duration::from_secs_f64((self.lease / 4.0).clamp(0.05, 1.0));
        std::thread::sleep(pause);
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("walk", &self.walk).finish_non_exhaustive()
    }
}

/// Leases that are renewed.
#[derive(Debug)]
pub struct Leases(tokio::task::JoinHandle<()>);

impl Drop for Leases {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, QueueError>>) -> Result<T, QueueError> {
    let silent = QueueError::Silent(PATIENCE.as_secs());
    tokio::time::timeout(PATIENCE, work).await.unwrap_or(Err(silent))
}
