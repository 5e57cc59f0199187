//! One grant: its secrets, its files, and when it is due.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use crate::config::{FileConfig, GrantConfig};
use crate::value::{Buffer, exposed};
use crate::volume::{File, Volume};
use crate::{Lease, Parameters, Secret, Store, StoreError, Value, pause, template};

/// A grant that is being served.
pub(super) struct Job {
    grant: GrantConfig,
    volume: Volume,
    /// What was last read, by where it is from.
    held: BTreeMap<Origin, Held>,
    due: Instant,
    failures: u32,
    delivered: bool,
    /// Whether everything without a lease is read again, whatever its version.
    reload: bool,
}

/// A path, and the parameters of what is made there.
type Origin = (String, Parameters);

fn origin(file: &FileConfig) -> Origin {
    (file.path.clone(), file.parameters.clone())
}

/// A secret that was read.
struct Held {
    secret: Secret,
    lease: Option<HeldLease>,
}

/// A lease, and when it needs attention.
struct HeldLease {
    lease: Lease,
    session: u64,
    due: Instant,
    ends: Instant,
}

impl HeldLease {
    fn new(lease: Lease, session: u64, now: Instant) -> Self {
        let due = now + pause::two_thirds(lease.duration);
        Self { ends: now + lease.duration, lease, session, due }
    }
}

impl Job {
    pub(super) fn new(grant: &GrantConfig) -> Self {
        let volume = Volume::new(grant.directory.clone(), grant.uid, grant.gid);
        Self {
            grant: grant.clone(),
            volume,
            held: BTreeMap::new(),
            due: Instant::now(),
            failures: 0,
            delivered: false,
            reload: false,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.grant.name
    }

    pub(super) fn store(&self) -> &str {
        &self.grant.store
    }

    pub(super) fn due(&self) -> Instant {
        self.due
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        now >= self.due
    }

    /// How long it is until the next attempt.
    pub(super) fn pause(&self, now: Instant) -> Duration {
        self.due.saturating_duration_since(now)
    }

    /// Whether the files are there, and still valid.
    pub(super) fn is_delivered(&self) -> bool {
        self.delivered
    }

    /// Whether a secret ends with the session.
    pub(super) fn has_lease(&self) -> bool {
        let leases = self.held.values().filter_map(|held| held.lease.as_ref());
        leases.into_iter().any(|held| held.lease.id.is_some())
    }

    /// Makes it due now, whatever the versions are.
    pub(super) fn reload(&mut self) {
        self.due = Instant::now();
        self.reload = true;
    }

    /// Removes the files.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.delivered = false;
        self.volume.clear()
    }

    /// Reads what changed, and writes the files if they differ; `true` if they were written.
    pub(super) fn serve(
        &mut self,
        store: &mut dyn Store,
        now: Instant,
    ) -> Result<bool, StoreError> {
        let outcome = self.read(store, now).and_then(|()| self.write());
        let refresh = Duration::from_secs(self.grant.refresh_seconds.max(1));
        match &outcome {
            Ok(_) => {
                self.failures = 0;
                self.reload = false;
                self.delivered = true;
                let leases = self.held.values().filter_map(|held| Some(held.lease.as_ref()?.due));
                self.due = leases.chain([now + pause::jittered(refresh)]).min().unwrap_or(now);
            }
            Err(_) => {
                self.failures += 1;
                self.due = now + pause::backoff(self.failures).min(refresh);
                self.drop_ended(now);
            }
        }
        outcome
    }

    /// Removes the files if the lease of one of their secrets has ended.
    fn drop_ended(&mut self, now: Instant) {
        let ends = self.held.values().filter_map(|held| Some(held.lease.as_ref()?.ends)).min();
        match ends {
            Some(ends) if ends <= now => {
                self.held.clear();
                // If they cannot be removed, they are at least reported as missing.
                drop(self.clear());
            }
            Some(ends) => self.due = self.due.min(ends),
            None => {}
        }
    }

    /// Brings what is held up to date.
    fn read(&mut self, store: &mut dyn Store, now: Instant) -> Result<(), StoreError> {
        store.keep_alive(now)?;
        for file in &self.grant.files {
            let origin = origin(file);
            let is_current = match self.held.get_mut(&origin) {
                None => false,
                Some(Held { lease: Some(lease), .. }) => keep_lease(store, lease, now)?,
                // Each question would make another one.
                Some(Held { lease: None, .. }) if !file.parameters.is_empty() => !self.reload,
                Some(Held { secret, lease: None }) => {
                    let version = if self.reload { None } else { store.version(&file.path)? };
                    version.is_some() && version == secret.version
                }
            };
            if !is_current {
                let mut secret = match file.parameters.is_empty() {
                    true => store.read(&file.path)?,
                    false => store.make(&file.path, &file.parameters)?,
                };
                let lease = secret.lease.take();
                let lease = lease.map(|lease| HeldLease::new(lease, store.session(), now));
                self.held.insert(origin, Held { secret, lease });
            }
        }
        Ok(())
    }

    /// Writes the files, if they differ.
    fn write(&self) -> Result<bool, StoreError> {
        let files: Vec<File> =
            self.grant.files.iter().map(|file| self.file(file)).collect::<Result<_, _>>()?;
        let bytes: u64 = files.iter().map(|file| file.content.len() as u64).sum();
        if bytes > self.grant.max_bytes {
            let limit = self.grant.max_bytes;
            let reason = format!("the files have {bytes} bytes, and {limit} are allowed");
            return Err(StoreError::Setting(reason));
        }
        if self.volume.has(&files) {
            return Ok(false);
        }
        let written = self.volume.replace(&files);
        written.map(|()| true).map_err(|error| StoreError::file(&self.grant.directory, &error))
    }

    fn file(&self, file: &FileConfig) -> Result<File, StoreError> {
        let fields = self.held.get(&origin(file)).map(|held| &held.secret.fields);
        let fields = fields.ok_or_else(|| StoreError::NotFound(file.path.clone()))?;
        let content = match (&file.template, &file.key) {
            (Some(text), _) => template::render(text, fields).map_err(|reason| {
                StoreError::Setting(format!("the template of `{}`: {reason}", file.name))
            })?,
            (None, Some(key)) => fields.get(key).cloned().ok_or_else(|| {
                StoreError::Setting(format!("`{}` has no field `{key}`", file.path))
            })?,
            (None, None) => all(fields)?,
        };
        Ok(File { name: file.name.clone(), content, mode: file.mode().unwrap_or(0o400) })
    }
}

/// All fields, as JSON.
fn all(fields: &crate::Fields) -> Result<Value, StoreError> {
    let json = Buffer::json(&exposed(fields));
    json.map(Buffer::into_value).map_err(|_| StoreError::Setting("a field is not text".to_owned()))
}

/// Renews a lease if it is time; `false` if the secret has to be made again.
fn keep_lease(
    store: &mut dyn Store,
    held: &mut HeldLease,
    now: Instant,
) -> Result<bool, StoreError> {
    if held.lease.id.is_some() && held.session != store.session() {
        // A lease ends with the session in which it was made.
        return Ok(false);
    }
    if now < held.due {
        return Ok(true);
    }
    if !held.lease.renewable {
        return Ok(false);
    }
    match store.renew(&held.lease) {
        // What is left is short where the lease's maximum is near.
        Ok(lease) if lease.duration > held.lease.duration / 4 => {
            let ends = now + lease.duration;
            *held = HeldLease {
                due: now + pause::two_thirds(lease.duration),
                ends,
                lease: Lease { duration: held.lease.duration, ..lease },
                session: held.session,
            };
            Ok(true)
        }
        Ok(_) | Err(StoreError::Denied(_) | StoreError::Rejected(_) | StoreError::NotFound(_)) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Fields;

    /// A store whose secrets have leases, and that can be away.
    #[derive(Default)]
    struct Leasing {
        reads: u64,
        session: u64,
        is_away: bool,
        renewals: u64,
        /// What a renewal leaves, in seconds; none if it is not allowed.
        renewed: Option<u64>,
    }

    fn lease(seconds: u64) -> Lease {
        Lease { id: Some("x".into()), duration: Duration::from_secs(seconds), renewable: true }
    }

    impl Store for Leasing {
        fn read(&mut self, _: &str) -> Result<Secret, StoreError> {
            if self.is_away {
                return Err(StoreError::Sealed);
            }
            self.reads += 1;
            let value = Value::new(format!("made-{}", self.reads).into_bytes());
            let fields = Fields::from([("password".to_owned(), value)]);
            Ok(Secret { fields, version: None, lease: Some(lease(300)) })
        }

        fn version(&mut self, _: &str) -> Result<Option<u64>, StoreError> {
            Ok(None)
        }

        fn write(&mut self, _: &str, _: &Fields) -> Result<(), StoreError> {
            Err(StoreError::Unsupported("write"))
        }

        fn renew(&mut self, _: &Lease) -> Result<Lease, StoreError> {
            self.renewals += 1;
            match self.renewed {
                _ if self.is_away => Err(StoreError::Sealed),
                Some(seconds) => Ok(lease(seconds)),
                None => Err(StoreError::Denied("the lease".into())),
            }
        }

        fn keep_alive(&mut self, _: Instant) -> Result<Option<Instant>, StoreError> {
            if self.is_away { Err(StoreError::Sealed) } else { Ok(None) }
        }

        fn session(&self) -> u64 {
            self.session
        }

        fn close(&mut self) -> Result<(), StoreError> {
            Ok(())
        }
    }

    fn job(directory: &std::path::Path) -> Job {
        let grant = json!({"name": "db", "store": "main", "directory": directory,
            "files": [{"name": "password", "path": "database/creds/app", "key": "password"}]});
        Job::new(&serde_json::from_value(grant).unwrap())
    }

    fn content(directory: &std::path::Path) -> Option<String> {
        std::fs::read_to_string(directory.join("password")).ok()
    }

    #[test]
    fn a_lease_is_renewed_and_its_secret_made_again_at_the_maximum() {
        let directory = tempfile::tempdir().unwrap();
        let (mut job, mut now) = (job(directory.path()), Instant::now());
        let mut store = Leasing { renewed: Some(300), ..Leasing::default() };
        assert!(job.serve(&mut store, now).unwrap());
        for _ in 0..5 {
            now += Duration::from_secs(201);
            assert!(!job.serve(&mut store, now).unwrap());
        }
        assert_eq!((store.reads, store.renewals), (1, 5));
        store.renewed = Some(20);
        now += Duration::from_secs(201);
        assert!(job.serve(&mut store, now).unwrap(), "what is left is too short");
        assert_eq!(content(directory.path()).unwrap(), "made-2");
        store.session += 1;
        assert!(job.serve(&mut store, now).unwrap(), "the lease ended with its session");
        assert_eq!(content(directory.path()).unwrap(), "made-3");
        store.renewed = None;
        now += Duration::from_secs(201);
        assert!(job.serve(&mut store, now).unwrap(), "a lease that was revoked is replaced");
    }

    #[test]
    fn the_last_file_stays_until_its_lease_ends() {
        let directory = tempfile::tempdir().unwrap();
        let (mut job, start) = (job(directory.path()), Instant::now());
        let mut store = Leasing { renewed: Some(300), ..Leasing::default() };
        job.serve(&mut store, start).unwrap();
        store.is_away = true;
        job.serve(&mut store, start + Duration::from_secs(299)).unwrap_err();
        assert!(job.is_delivered() && content(directory.path()).is_some());
        assert!(job.due() <= start + Duration::from_secs(300), "its end is not overslept");
        job.serve(&mut store, start + Duration::from_secs(301)).unwrap_err();
        assert!(!job.is_delivered() && content(directory.path()).is_none());
        store.is_away = false;
        assert!(job.serve(&mut store, start + Duration::from_secs(310)).unwrap());
        assert_eq!(content(directory.path()).unwrap(), "made-2");
    }

    #[test]
    fn more_than_the_volume_holds_is_not_written() {
        let directory = tempfile::tempdir().unwrap();
        let mut job = job(directory.path());
        job.grant.max_bytes = 5;
        let error = job.serve(&mut Leasing::default(), Instant::now()).unwrap_err();
        assert!(error.to_string().contains("6 bytes"), "{error}");
        assert!(content(directory.path()).is_none());
    }
}
