//! A token's life: login, renewal at two thirds of its time, a new login when it cannot be renewed.

use std::time::{Duration, Instant};

use super::answer::Token;
use super::client::{Client, Query};
use super::login::login;
use crate::config::Auth;
use crate::{StoreError, Value, pause};

/// A renewal that leaves less time than this is followed by a new login: the token's maximum is near.
const SHORTEST: Duration = Duration::from_secs(5);

/// Who this program is to the server.
#[derive(Debug)]
pub struct Session {
    auth: Auth,
    current: Option<Current>,
    logins: u64,
}

#[derive(Debug)]
struct Current {
    token: Value,
    renewable: bool,
    /// How long it was valid after the login.
    duration: Duration,
    /// When it has to be renewed, and when it ends; `None` if it does not end.
    due: Option<Instant>,
    ends: Option<Instant>,
}

impl Session {
    /// A session that begins with the first [`Session::keep_alive`].
    #[must_use]
    pub fn new(auth: Auth) -> Self {
        Self { auth, current: None, logins: 0 }
    }

    /// The token; `None` before the login.
    #[must_use]
    pub fn token(&self) -> Option<&Value> {
        self.current.as_ref().map(|current| &current.token)
    }

    /// When the session needs attention next.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.current.as_ref().and_then(|current| current.due)
    }

    /// How many logins there were.
    #[must_use]
    pub fn logins(&self) -> u64 {
        self.logins
    }

    /// Drops a token that the server does not accept anymore.
    pub fn forget(&mut self) {
        self.current = None;
    }

    /// Logs in or renews the token, if it is time.
    ///
    /// # Errors
    ///
    /// See [`StoreError`]. A token that is still valid stays.
    pub async fn keep_alive(&mut self, client: &Client, now: Instant) -> Result<(), StoreError> {
        let Some(current) = &self.current else { return self.log_in(client, now).await };
        if current.due.is_none_or(|due| now < due) {
            return Ok(());
        }
        if !current.renewable {
            return self.log_in_early(client, now).await;
        }
        let query = Query::post(&["auth/token/renew-self"]).about("the token");
        match client.send(&query, Some(&current.token)).await.and_then(|answer| answer.token()) {
            Ok(token) if token.duration > SHORTEST.max(current.duration / 2) => {
                let duration = current.duration;
                self.current = Some(Current { duration, ..Current::new(token, now) });
                Ok(())
            }
            // Near its maximum, or not accepted anymore.
            Ok(_) | Err(StoreError::Denied(_) | StoreError::Rejected(_)) => {
                self.log_in_early(client, now).await
            }
            Err(error) => self.later(now, error),
        }
    }

    /// A new login before the token ends: until then, a failure is not one.
    async fn log_in_early(&mut self, client: &Client, now: Instant) -> Result<(), StoreError> {
        match self.log_in(client, now).await {
            Err(error) => self.later(now, error),
            done => done,
        }
    }

    async fn log_in(&mut self, client: &Client, now: Instant) -> Result<(), StoreError> {
        let token = login(client, &self.auth).await?;
        self.logins += 1;
        self.current = Some(Current::new(token, now));
        Ok(())
    }

    /// Tries again soon, while the token is valid.
    fn later(&mut self, now: Instant, error: StoreError) -> Result<(), StoreError> {
        let current = self.current.as_mut();
        match current.filter(|current| current.ends.is_some_and(|ends| now < ends)) {
            Some(current) => {
                current.due = Some(now + pause::jittered(Duration::from_secs(5)));
                Ok(())
            }
            None => {
                self.current = None;
                Err(error)
            }
        }
    }

    /// Revokes the token, and with it everything that was made by it. A token that this program did
    /// not make stays.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    pub async fn close(&mut self, client: &Client) -> Result<(), StoreError> {
        let Some(current) = self.current.take() else { return Ok(()) };
        if matches!(self.auth, Auth::Token { .. }) {
            return Ok(());
        }
        let query = Query::post(&["auth/token/revoke-self"]).about("the token");
        client.send(&query, Some(&current.token)).await.map(drop)
    }
}

impl Current {
    fn new(token: Token, now: Instant) -> Self {
        let Token { value, duration, renewable } = token;
        let ends = (!duration.is_zero()).then(|| now + duration);
        let due = ends.map(|_| now + pause::two_thirds(duration));
        Self { token: value, renewable, duration, due, ends }
    }
}
