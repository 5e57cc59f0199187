//! Published vectors, and the laws of an order on random texts.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::{Order, Version};

/// Checks lines such as `1.0 < 2.0` in both directions; `?` means that the two cannot be compared.
fn check(order: Order, vectors: &str) {
    for line in vectors.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let (Some(left), Some(sign), Some(right)) = (words.next(), words.next(), words.next())
        else {
            panic!("a vector has three words: {line}");
        };
        let expected = match sign {
            "<" => Some(Ordering::Less),
            "=" => Some(Ordering::Equal),
            ">" => Some(Ordering::Greater),
            _ => None,
        };
        assert_eq!(order.compare(left, right), expected, "{line}");
        assert_eq!(order.compare(right, left), expected.map(Ordering::reverse), "{line}, reversed");
    }
}

#[test]
fn dpkg() {
    check(
        Order::Dpkg,
        "1.0-1 < 1.0-1.1
         1.0~rc1-1 < 1.0-1
         1.0~~ < 1.0~
         0:1.0 = 1.0
         1.0-0 = 1.0
         1:0.9 > 2.0
         1.0a < 1.0+
         2.36-9+deb12u4 < 2.36-9+deb12u10
         1.0+dfsg1-1 > 1.0-1
         a.1 ? 1
         1.0_1 ? 1.0
         1:: ? 1
         :1 ? 1
         1- ? 1",
    );
}

#[test]
fn rpm() {
    check(
        Order::Rpm,
        "1.0 = 1.0
         1.0 < 2.0
         2.0.1a > 2.0.1
         5.5p1 < 5.5p10
         10xyz < 10.1xyz
         xyz10 < xyz10.1
         xyz.4 < 8
         5.6p1 < 6.5p1
         10b2 > 10a1
         1.0aa > 1.0a
         10.0001 = 10.1
         4.999.9 < 5.0
         20101121 < 20101122
         2_0 = 2.0
         a+ = a_
         1.0~rc1 < 1.0
         1.0~rc1 < 1.0~rc2
         1.0~rc1~git123 < 1.0~rc1
         1.0^git1 > 1.0
         1.0^git1 < 1.01
         1.0^git1 < 1.0.1
         1.0~rc1^git1 > 1.0~rc1
         1.0^git1~pre < 1.0^git1
         0:1.0-1 = 1.0-1
         1:1.0-1 > 2.0-1
         1.0 < 1.0-1
         1.0-1.el8 < 1.0-1.el8_2",
    );
}

#[test]
fn apk() {
    check(
        Order::Apk,
        "2.34 > 0.1.0_alpha
         0.1.0_alpha2 > 0.1.0_alpha
         1.0.4-r3 < 1.0.4-r4
         1.1 > 1.1_alpha1
         2.3.0b-r1 < 2.3.0b-r2
         3.1_p16 < 3.1_p17
         1.06-r6 < 006
         0.12 < 0.13_beta1
         2.5.1-r8 < 2.5.1a-r1
         2.0.0_rc3-r1 < 2.0.0
         1.0_p10-r0 > 1.0_p9-r0
         0.1.0_alpha_pre2 < 0.1.0_alpha
         1.0.0_pre20191002222144-r0 < 1.0.0_pre20210530193627-r0
         8.2.0015 < 8.2.002
         6.0_pre1~1234 = 6.0_pre1~1234
         6.0~3a < 6.0~3b
         1.0bc ? 1.0
         23_foo ? 4_beta
         1.0-1 ? 1.0
         1.0. ? 1.0
         a ? 1",
    );
}

#[test]
fn pypi() {
    check(
        Order::PyPi,
        "1.0.dev456 < 1.0a1
         1.0a1 < 1.0a2.dev456
         1.0a12 < 1.0b1.dev456
         1.0rc1 < 1.0
         1.0 < 1.0+abc.5
         1.0+abc.7 < 1.0+5
         1.0.post456.dev34 < 1.0.post456
         1.1.dev1 < 1.1
         1!0.1 > 2024.1
         1.0 = 1.0.0
         v1.0-BETA.2 = 1.0b2
         1.0-1 = 1.0.post1
         1.0-foo ? 1.0",
    );
}

#[test]
fn npm_and_semver() {
    let both = "1.0.0-alpha < 1.0.0-alpha.1
         1.0.0-alpha.1 < 1.0.0-alpha.beta
         1.0.0-beta.2 < 1.0.0-beta.11
         1.0.0-rc.1 < 1.0.0
         1.0.0+build = 1.0.0
         1.0.0-0 < 1.0.0-a
         2.0.0 < 10.0.0
         1.2 ? 1.2.0
         1.2.3.4 ? 1.2.3
         01.2.3 ? 1.2.3
         1.2.3-01 ? 1.2.3
         1.2.3- ? 1.2.3
         1.2.3+a+b ? 1.2.3";
    check(Order::Npm, both);
    check(Order::SemVer, both);
    check(
        Order::SemVer,
        "99999999999999999999999.999999999999999999.99999999999999999 > 99999999999999999999998.0.0",
    );
    check(Order::Npm, "9007199254740992.0.0 ? 1.0.0");
}

/// The order that `pub_semver` documents, and that of Julia's `VersionNumber`.
#[test]
fn semver_with_builds() {
    check(
        Order::SemVerBuild,
        "1.0.0 < 1.0.0+1
         1.0.0+1 < 1.0.0+2
         1.0.0+2 < 1.0.0+10
         1.0.0+10 < 1.0.0+a
         1.0.0+1 < 1.0.0+1.0
         1.0.0+9 < 1.0.1
         1.0.0-rc.1+9 < 1.0.0
         1.0.0-rc.1 < 1.0.0-rc.1+1
         1.0.0+build = 1.0.0+build
         1.0.0+a..b ? 1.0.0",
    );
}

#[test]
fn maven() {
    check(
        Order::Maven,
        "1 = 1.0.0
         1 = 1-ga
         1.0-alpha-1 < 1.0-beta-1
         1.0-SNAPSHOT < 1.0
         1.0-alpha-1-SNAPSHOT < 1.0-alpha-1
         1.0 < 1.0-sp
         1.0 < 1.0-1
         2.0-1 < 2.0.1
         2.0.1-xyz < 2.0.1-123
         1a1 = 1-alpha-1
         1cr = 1rc
         1.Final = 1
         1x > 1
         6.1.0rc3 < 6.1H.5-beta
         1-1.foo-bar-1-baz-0.1 = 1-1.foo-bar1baz-.1
         20190126.230843 < 12345678901234567890.1H.5-beta
         31.1-jre > 31.1-android
         2.17.1 > 2.17.0-rc1",
    );
}

#[test]
fn rubygems() {
    check(
        Order::RubyGems,
        "1.0 = 1
         1.0.a < 1.0
         1.0.a.10 > 1.0.a.9
         1.0.b1 < 1.0
         1.8.2.b < 1.8.2
         1.0-1 < 1.0
         1.9.3 > 1.9.2.99
         3.2.0.rc1 < 3.2
         5.x ? 5.x.
         junk ? 1",
    );
}

#[test]
fn nuget() {
    check(
        Order::NuGet,
        "1.0 = 1.0.0.0
         1.0.0 < 1.0.0.1
         1.0.0-alpha < 1.0.0-BETA
         1.0.0-RC1 = 1.0.0-rc1
         1.0.0-rc.2 < 1.0.0-rc.10
         1.0.0-rc < 1.0.0
         1.0.0+abc = 1.0.0
         01.1 = 1.1
         1.0.0-01 ? 1.0.0
         1.2.3.4.5 ? 1.0
         999999999999999999999999999991 < 999999999999999999999999999999
         1.a ? 1.0",
    );
}

#[test]
fn go() {
    check(
        Order::Go,
        "v1.0.0 = 1.0.0
         v0.0.0-20190308221718-c2843e01d9a2 < v0.0.0-20200622213623-75b288015ac9
         v2.0.0+incompatible = 2.0.0
         go1.20.3 < 1.20.10
         go1.21rc2 < 1.21.0
         go1.21rc2 > 1.21.0-0
         1.22.1-0 < go1.22.1
         go1.19.13 < go1.20
         (devel) ? 1.0.0",
    );
    let suffixed = Order::Go.compare("go1.20.3 X:boringcrypto", "1.20.3");
    assert_eq!(suffixed, Some(Ordering::Equal));
}

#[test]
fn packagist() {
    check(
        Order::Packagist,
        "1.0.0-alpha1 < 1.0.0-beta1
         1.0.0-RC1 < 1.0.0
         1.0 = 1.0.0.0
         1.0.0-p1 > 1.0.0
         v1.2 = 1.2.0
         1.0.x-dev > 1.0.5
         1.0-dev < 1.0-alpha
         dev-master < 1.0
         dev-foo ? dev-bar
         dev-foo = dev-foo
         2.0.0-foo ? 2.0.0
         1.0.0+build = 1.0.0",
    );
}

/// Every order, with the parts from which its versions are generated.
fn alphabets() -> Vec<(Order, &'static [&'static str])> {
    vec![
        (Order::Dpkg, &["0", "1", "9", "10", ".", "~", "+", "-", "a", "Z", "1:"]),
        (Order::Apk, &["0", "1", "10", ".1", ".01", "a", "_alpha", "_p", "_rc2", "-r1", "~ab"]),
        (Order::Rpm, &["0", "1", "10", ".", "~", "^", "-", "a", "Z", "_", "1:"]),
        (Order::PyPi, &["0", "1", "10", ".", "a1", "rc2", ".dev3", ".post1", "+x", "1!", ".0"]),
        (Order::Npm, &["1.0.0", "1.2.3", "-alpha", ".1", ".10", "-0", ".x", "+b"]),
        (Order::SemVer, &["1.0.0", "1.2.3", "-alpha", ".1", ".10", "-0", ".x", "+b"]),
        (Order::SemVerBuild, &["1.0.0", "1.2.3", "-alpha", ".1", ".10", "-0", "+1", "+b"]),
        (Order::Maven, &["1", "0", "10", ".1", ".0", "-1", "-alpha", "-rc2", "-sp", "-foo"]),
        (Order::RubyGems, &["1", "0", "10", ".1", ".0", ".a", ".b2", "-1", ".pre"]),
        (Order::NuGet, &["1", "0", "10", ".1", ".0", "-a", "-RC", ".2", "-1", "+m"]),
        (Order::Go, &["1.0.0", "1.2.3", "1.2", "-0", "-rc.1", ".1", "rc1", "go", "v"]),
        (Order::Dotted, &["1", "0", "10", ".1", ".0", "-1"]),
    ]
}

fn versions(alphabet: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(alphabet), 1..7)
        .prop_map(|parts| parts.concat())
}

#[test]
fn every_order_is_total() {
    for (order, alphabet) in alphabets() {
        let three = (versions(alphabet), versions(alphabet), versions(alphabet));
        proptest!(|((a, b, c) in three)| {
            let parse = |text: &str| Version::parse(order, text);
            let (Some(a), Some(b), Some(c)) = (parse(&a), parse(&b), parse(&c)) else {
                return Ok(());
            };
            prop_assert_eq!(a.compare(&a), Some(Ordering::Equal));
            prop_assert_eq!(a.compare(&b), b.compare(&a).map(Ordering::reverse));
            let (ab, bc, ac) = (a.compare(&b), b.compare(&c), a.compare(&c));
            if ab != Some(Ordering::Greater) && bc != Some(Ordering::Greater) {
                prop_assert_ne!(ac, Some(Ordering::Greater));
            }
            if ab == Some(Ordering::Equal) {
                prop_assert_eq!(bc, ac);
            }
        });
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(left in "\\PC{0,40}", right in "[0-9a-zA-Z.+~^:_-]{0,40}") {
        for (order, _) in alphabets() {
            let both = (order.compare(&left, &right), order.compare(&right, &left));
            prop_assert_eq!(both.0, both.1.map(Ordering::reverse));
        }
        prop_assert!(Order::Packagist.compare(&left, &left).is_none_or(Ordering::is_eq));
    }
}

#[test]
fn texts_that_are_too_long_are_refused() {
    assert_eq!(Order::Dpkg.compare(&"1".repeat(5000), "1"), None);
    assert_eq!(Order::Maven.compare(&"1-".repeat(2000), "1"), None);
}
