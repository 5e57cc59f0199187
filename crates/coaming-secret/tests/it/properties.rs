//! Properties that hold for every text.

use coaming_secret::structured::in_file;
use coaming_secret::{TextKind, detector};
use proptest::prelude::*;

/// Random combinations of fragments that the detector looks for.
fn texts() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        Just("password".to_owned()),
        Just("-----BEGIN RSA PRIVATE KEY-----".to_owned()),
        Just("-----END ".to_owned()),
        Just("://u:".to_owned()),
        Just("AKIA".to_owned()),
        Just(["gh", "p_"].concat()),
        Just("AccountKey=".to_owned()),
        Just("value:".to_owned()),
        Just("\u{e9}\u{1F600}".to_owned()),
        "[=:\"'\\\\ \n\t{}<>$@|&;,-]{1,4}",
        "[A-Za-z0-9+/]{0,44}",
        ".{0,6}",
    ];
    prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn detections_are_whole_characters_in_order_and_apart(
        text in texts(),
        name in "[a-z_.A-Z]{0,12}",
    ) {
        let named = [TextKind::Value(&name), TextKind::Value("password"), TextKind::File(&name)];
        for kind in std::iter::once(TextKind::Fragment).chain(named) {
            let mut end = 0;
            for found in detector().scan(&text, kind) {
                prop_assert!(found.range.start >= end);
                prop_assert!(text.get(found.range.clone()).is_some_and(|value| !value.is_empty()));
                end = found.range.end;
            }
        }
    }

    #[test]
    fn bytes_of_any_kind_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let first = detector().scan(&bytes, TextKind::Value("token"));
        prop_assert_eq!(first, detector().scan(&bytes, TextKind::Value("token")));
    }

    #[test]
    fn files_of_any_kind_are_taken(text in texts()) {
        for name in ["values.yaml", "a.json", ".env", "x"] {
            for place in in_file(detector(), name, &text) {
                prop_assert!(place.span.start <= place.span.end);
                prop_assert!((place.span.end as usize) <= text.len());
            }
        }
    }
}
