//! Values that standards and manuals print as examples. Everyone knows them: a copy of one in a test or in
//! documentation leaks nothing.

/// Each standard with its values. Only what is in the text of a standard belongs here: a value that
/// some project uses in its tests may be in use.
const VALUES: &[(&str, &[&str])] = &[
    (
        "RFC 5849, OAuth 1.0, and the guide before it",
        &[
            "kd94hf93k423kf44",
            "kkk9d7dh3k39sjv7",
            "j49sk3j29djd",
            "dh893hdasih9",
            "hh5s93j4hdidpola",
            "hdhd0244k9j7ao03",
            "nnch734d00sl2jdk",
            "pfkkdhi9sl3r4s00",
            "ad180jjd733klru7",
            "dpf43f3p2l4k3l03",
            "9djdj82h48djs9d2",
            "hfdp7dh39dks9884",
            "kllo9940pd9333jh",
        ],
    ),
    (
        "RFC 6749, OAuth 2.0",
        &[
            "2YotnFZFEjr1zCsicMWpAA",
            "tGzv3JOkF0XG5Qx2TlKWIA",
            "SplxlOBeZQQYbYS6WxSbIA",
            "gX1fBat3bV",
            "7Fjfp0ZBr1KtDRbnfVdmIw",
            "czZCaGRSa3F0MzpnWDFmQmF0M2JW",
            "czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3",
            "A3ddj3w",
        ],
    ),
    ("RFC 6750, bearer tokens, and its drafts", &["mF_9.B5f-4.1JqM", "vF9dft4qmT"]),
    (
        "RFC 7009 and RFC 7662, revocation and introspection",
        &["45ghiukldjahdnhzdauz", "23410913-abewfq.123483"],
    ),
    (
        "RFC 7592, dynamic registration",
        &["reg-23410913-abewfq.123483", "cf136dc3c1fc93f31185e5885805d"],
    ),
    ("RFC 7636, PKCE", &["dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"]),
    ("RFC 7617, basic authentication", &["QWxhZGRpbjpvcGVuIHNlc2FtZQ=="]),
    (
        "RFC 7515, signatures",
        &["AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"],
    ),
    ("RFC 8959, the URI scheme", &["secret-token:E92FB7EB-D882-47A4-A265-A0B6135DC842%20foo"]),
    ("OpenID Connect", &["SlAV32hkKG", "8xLOxBtZp8"]),
];

/// Whether a value is an example in a standard.
pub(crate) fn is_of_standard(value: &str) -> bool {
    VALUES.iter().any(|(_, values)| values.contains(&value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_values() {
        assert!(is_of_standard("2YotnFZFEjr1zCsicMWpAA"));
        assert!(!is_of_standard("2YotnFZFEjr1zCsicMWpAB"));
        assert!(!is_of_standard(""));
        let all = || VALUES.iter().flat_map(|(_, values)| values.iter());
        assert!(all().all(|value| value.len() >= 7), "a short value may be anyone's");
    }
}
