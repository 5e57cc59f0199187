//! Session cookies: `Cookie: session=…; theme=dark`.

use coaming_finding::Confidence;

use crate::classify::Classification;
use crate::{noise, randomness};

/// Names of session cookies contain one of these.
const SESSIONS: &[&str] =
    &["sess", "sid", "token", "auth", "jwt", "remember", "login", "connect.sid"];

/// The shortest session ID that nobody can guess.
const MIN_LENGTH: usize = 16;

/// The first session among the cookies in a value, if its name means that it contains cookies.
pub(crate) fn session(name: &str, value: &str) -> Option<Classification> {
    let is_cookie = name.len() >= 6
        && name.as_bytes().windows(6).any(|part| part.eq_ignore_ascii_case(b"cookie"));
    if !is_cookie || !value.contains('=') {
        return None;
    }
    let mut start = 0;
    for pair in value.split_inclusive(';') {
        let cookie = pair.trim_end_matches(';');
        if let Some((own, session)) = cookie.split_once('=')
            && is_session(own.trim(), session.trim_end())
        {
            let from = start + own.len() + 1;
            return Some(Classification {
                kind: "session-cookie",
                title: "session cookie",
                range: from..from + session.trim_end().len(),
                confidence: Confidence::Medium,
                generated: false,
            });
        }
        start += pair.len();
    }
    None
}

fn is_session(name: &str, value: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    SESSIONS.iter().any(|part| lower.contains(part))
        && value.len() >= MIN_LENGTH
        && randomness::looks_random(value.as_bytes())
        && !noise::is_noise(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_alone() {
        let found = |name: &str, value: &str| {
            session(name, value).and_then(|found| value.get(found.range).map(str::to_owned))
        };
        let secret = "x9Kq2LmZ8vTn4RwY";
        let cookies = format!("theme=dark; sessionid={secret}; lang=en");
        assert_eq!(found("Cookie", &cookies).as_deref(), Some(secret));
        assert_eq!(found("COOKIE_HEADER", &format!("sid={secret}")).as_deref(), Some(secret));
        for value in ["theme=dark", "session=${SESSION}", "session=none", secret] {
            assert_eq!(found("Cookie", value), None, "{value}");
        }
        assert_eq!(found("selector", &cookies), None);
    }
}
