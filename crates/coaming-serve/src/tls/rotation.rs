//! The rotation of certificates: a function from what there is and the time to what comes next.
//!
//! An authority is replaced in three steps, with time between them for each to reach everybody:
//!
//! 1. the next authority is trusted beside the current one;
//! 2. the server shows a certificate of the next one, which is now the current one;
//! 3. the previous one is no longer trusted.
//!
//! Invariant: whatever certificate a replica shows, everybody trusts its authority. The caller makes
//! [`State::bundle`] known before it asks for the next step.

use time::{Duration, OffsetDateTime};

use super::authority::{self, Pair};
use crate::Lifetimes;
use crate::error::TlsError;

/// All certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// The authority that signs.
    pub(crate) authority: Pair,
    /// What servers show.
    pub(crate) server: Pair,
    /// The authority that signs from the next step on.
    pub(crate) next: Option<Pair>,
    /// The certificate of the authority that signed before the last step.
    pub(crate) previous: Option<String>,
    /// The names that the server's certificate is for, in order.
    pub(crate) names: Vec<String>,
    /// When the last step was made, in seconds since 1970.
    pub(crate) changed: i64,
}

impl State {
    /// All authorities that are to be trusted.
    pub(crate) fn bundle(&self) -> String {
        let next = self.next.as_ref().map(|next| next.certificate.as_str());
        let all = [Some(self.authority.certificate.as_str()), next, self.previous.as_deref()];
        all.into_iter().flatten().collect()
    }

    /// The first state.
    fn first(
        now: OffsetDateTime,
        lifetimes: Lifetimes,
        names: &[String],
    ) -> Result<Self, TlsError> {
        let authority = authority::authority(now, duration(lifetimes.authority()))?;
        let server = authority::server(&authority, names, now, duration(lifetimes.certificate))?;
        Ok(Self {
            authority,
            server,
            next: None,
            previous: None,
            names: names.to_vec(),
            changed: now.unix_timestamp(),
        })
    }
}

fn duration(duration: std::time::Duration) -> Duration {
    Duration::seconds(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX))
}

/// The state that follows; `None` if nothing is to do now.
pub(crate) fn next(
    state: Option<&State>,
    now: OffsetDateTime,
    lifetimes: Lifetimes,
    names: &[String],
) -> Result<Option<State>, TlsError> {
    let Some(state) = state else { return State::first(now, lifetimes, names).map(Some) };
    let left = |certificate: &str| -> Result<Duration, TlsError> {
        let expiry = super::expiry(certificate)?;
        Ok(Duration::seconds(expiry.saturating_sub(now.unix_timestamp())))
    };
    let changed = now.unix_timestamp();
    let has_settled = changed - state.changed >= duration(lifetimes.settling()).whole_seconds();
    let sign = |authority: &Pair| {
        authority::server(authority, names, now, duration(lifetimes.certificate))
    };
    if left(&state.authority.certificate)? <= Duration::ZERO {
        // Nobody can trust it any more, so there is nothing to lose.
        return State::first(now, lifetimes, names).map(Some);
    }
    if let Some(next) = &state.next {
        if !has_settled {
            return Ok(None);
        }
        return Ok(Some(State {
            authority: next.clone(),
            server: sign(next)?,
            next: None,
            previous: Some(state.authority.certificate.clone()),
            names: names.to_vec(),
            changed,
        }));
    }
    if state.previous.is_some() && has_settled {
        return Ok(Some(State { previous: None, changed, ..state.clone() }));
    }
    if left(&state.server.certificate)? < duration(lifetimes.renewal()) || state.names != names {
        let server = sign(&state.authority)?;
        return Ok(Some(State { server, names: names.to_vec(), ..state.clone() }));
    }
    let is_old = left(&state.authority.certificate)? < duration(lifetimes.succession());
    if is_old && state.previous.is_none() {
        let next = authority::authority(now, duration(lifetimes.authority()))?;
        return Ok(Some(State { next: Some(next), changed, ..state.clone() }));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::expiry;

    const LIFETIMES: Lifetimes = Lifetimes { certificate: std::time::Duration::from_secs(1200) };

    fn names() -> Vec<String> {
        vec!["coaming.coaming.svc".to_owned(), "10.0.0.1".to_owned()]
    }

    fn start() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
    }

    /// Whether a client that trusts `bundle` accepts what the server shows.
    fn is_trusted(bundle: &str, state: &State, now: OffsetDateTime) -> bool {
        let is_signed_by = |authority: &str| {
            let pem = |text: &str| x509_parser::pem::parse_x509_pem(text.as_bytes()).unwrap().1;
            let (server, authority) = (pem(&state.server.certificate), pem(authority));
            let (server, authority) =
                (server.parse_x509().unwrap(), authority.parse_x509().unwrap());
            let time = x509_parser::time::ASN1Time::from_timestamp(now.unix_timestamp()).unwrap();
            server.issuer() == authority.subject()
                && server.validity().is_valid_at(time)
                && authority.validity().is_valid_at(time)
        };
        let end = "-----END CERTIFICATE-----";
        let parts = bundle.split_inclusive(end).filter(|part| part.contains(end));
        parts.map(str::trim_start).any(is_signed_by)
    }

    #[test]
    fn every_certificate_is_trusted_at_all_times() {
        let mut now = start();
        let mut state = next(None, now, LIFETIMES, &names()).unwrap().unwrap();
        assert_eq!(next(Some(&state), now, LIFETIMES, &names()).unwrap(), None);
        let (mut authorities, mut servers) = (1, 1);
        // Clients and other replicas are one step behind.
        let mut before = state.clone();
        for _ in 0..1000 {
            now += Duration::seconds(20);
            if let Some(after) = next(Some(&state), now, LIFETIMES, &names()).unwrap() {
                authorities += u32::from(after.authority != state.authority);
                servers += u32::from(after.server != state.server);
                before = std::mem::replace(&mut state, after);
            }
            let what = |a: &State, b: &State| is_trusted(&a.bundle(), b, now);
            assert!(what(&state, &state), "now");
            if is_trusted(&before.bundle(), &before, now) {
                assert!(what(&before, &state), "a client that is late");
                assert!(what(&state, &before), "a replica that is late");
            }
        }
        // 20,000 seconds, in lives of 1,200: an authority signs for about 3,000 seconds.
        assert!((6..=8).contains(&authorities), "{authorities}");
        assert!(servers > authorities, "{servers} and {authorities}");
    }

    #[test]
    fn other_names_make_another_certificate() {
        let now = start();
        let state = next(None, now, LIFETIMES, &names()).unwrap().unwrap();
        let more = vec!["localhost".to_owned()];
        let after = next(Some(&state), now, LIFETIMES, &more).unwrap().unwrap();
        assert_eq!((after.authority == state.authority, &after.names), (true, &more));
        assert_ne!(after.server, state.server);
    }

    #[test]
    fn what_has_expired_is_made_from_scratch() {
        let state = next(None, start(), LIFETIMES, &names()).unwrap().unwrap();
        let now = start() + Duration::days(1);
        let after = next(Some(&state), now, LIFETIMES, &names()).unwrap().unwrap();
        assert!(is_trusted(&after.bundle(), &after, now));
        assert!(expiry(&after.server.certificate).unwrap() > now.unix_timestamp());
    }

    #[test]
    fn keys_are_not_printed() {
        let state = next(None, start(), LIFETIMES, &names()).unwrap().unwrap();
        assert!(!format!("{state:?}").contains("PRIVATE"));
    }
}
