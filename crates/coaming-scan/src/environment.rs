//! What a run takes from its environment: the time, and the key of fingerprints.

use time::{Date, OffsetDateTime};

/// The variable that names the time, in seconds since 1970, so that a run can be repeated.
const EPOCH: &str = "SOURCE_DATE_EPOCH";
/// The variable with the key of fingerprints.
const KEY: &str = "COAMING_FINGERPRINT_KEY";

/// Today's date, for expiry dates; `SOURCE_DATE_EPOCH` overrides it.
#[must_use]
pub fn today() -> Option<Date> {
    now().map(OffsetDateTime::date)
}

/// The current time; `SOURCE_DATE_EPOCH` overrides it.
#[must_use]
pub fn now() -> Option<OffsetDateTime> {
    let set = std::env::var(EPOCH).ok().and_then(|text| text.parse().ok());
    let seconds = set.or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.ok().map(|since| since.as_secs())
    })?;
    OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).ok()?).ok()
}

/// The current time in RFC 3339 format.
#[must_use]
pub fn timestamp() -> String {
    let now = now().unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        now.year(),
        u8::from(now.month()),
        now.day(),
        now.hour(),
        now.minute(),
        now.second()
    )
}

/// The user's key for fingerprints of secrets, if there is one.
#[must_use]
pub fn fingerprint_key() -> Option<Vec<u8>> {
    let key = std::env::var_os(KEY).filter(|key| !key.is_empty())?;
    Some(key.into_encoded_bytes())
}
