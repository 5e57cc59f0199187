use super::*;

#[test]
fn resolves_as_kubectl_does() {
    use Scalar::{Bool, Float, Int, Null, Str, UInt};
    let table = [
        ("yes", Bool(true)),
        ("y", Bool(true)),
        ("On", Bool(true)),
        ("n", Bool(false)),
        ("OFF", Bool(false)),
        ("yEs", Str("yEs")),
        ("~", Null),
        ("", Null),
        ("Null", Null),
        ("nULL", Str("nULL")),
        ("0777", Int(511)),
        ("0o777", Int(511)),
        ("0O7", Int(7)),
        ("08", Float(8.0)),
        ("1e3", Float(1000.0)),
        ("1e", Str("1e")),
        ("1e400", Str("1e400")),
        ("12:30:45", Str("12:30:45")),
        ("2001-01-01", Str("2001-01-01")),
        ("1_000", Int(1000)),
        ("_1", Str("_1")),
        ("1.5_0", Float(1.5)),
        ("0b11", Int(3)),
        ("0B1", Int(1)),
        ("-0b11", Int(-3)),
        ("0b", Str("0b")),
        ("0x", Str("0x")),
        ("0x_1F", Int(31)),
        ("0X1f", Int(31)),
        ("0xFFFFFFFFFFFFFFFFFF", Str("0xFFFFFFFFFFFFFFFFFF")),
        ("+12", Int(12)),
        ("--1", Str("--1")),
        ("0x-1", Str("0x-1")),
        ("-0", Int(0)),
        ("0", Int(0)),
        ("-1.50", Float(-1.5)),
        ("1.", Float(1.0)),
        (".5", Float(0.5)),
        ("+.5", Float(0.5)),
        (".5_1", Float(0.51)),
        ("._5", Str("._5")),
        (".", Str(".")),
        ("-", Str("-")),
        (".inf", Float(f64::INFINITY)),
        ("-.INF", Float(f64::NEG_INFINITY)),
        ("-9223372036854775808", Int(i64::MIN)),
        ("18446744073709551615", UInt(u64::MAX)),
        ("18446744073709551616", Float(18_446_744_073_709_551_616.0)),
        ("<<", Str("<<")),
        ("é", Str("é")),
    ];
    for (text, expected) in table {
        assert_eq!(resolve(text), expected, "{text}");
        let first = text.as_bytes().first().copied();
        assert!(may_be_typed(first) || expected == Str(text), "{text}");
    }
    assert!(matches!(resolve(".NaN"), Float(value) if value.is_nan()));
}

#[test]
fn tags_change_the_type() {
    assert_eq!(typed("1", Typing::Text), Scalar::Str("1"));
    assert_eq!(typed("1", Typing::Float), Scalar::Float(1.0));
}

#[test]
fn keys_become_strings_as_in_kubectl() {
    let name = |text: &str| {
        key_text(text, Typing::Resolved).map(|name| name.map_or(text.to_owned(), Cow::into_owned))
    };
    for (text, expected) in [
        ("a", "a"),
        ("on", "true"),
        ("0777", "511"),
        ("1", "1"),
        ("1.50", "1.5"),
        ("1e3", "1000"),
        ("0.1", "0.1"),
        ("1.23456789", "1.2345679"),
        ("12345678.5", "1.2345678e+07"),
        ("1e30", "1e+30"),
        ("0.00001", "1e-05"),
    ] {
        assert_eq!(name(text).as_deref(), Ok(expected), "{text}");
    }
    assert_eq!(name("~"), Err(NullKey));
    assert_eq!(key_text("1", Typing::Text), Ok(None));
}
