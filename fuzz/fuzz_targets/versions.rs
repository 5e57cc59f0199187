//! Any three texts as versions of every ecosystem: the order has no contradictions.

#![no_main]

use std::cmp::Ordering;

use coaming_advisory::{Ecosystem, Order, Version};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|texts: (&str, &str, &str)| {
    for name in Ecosystem::known() {
        let Some(order) = Ecosystem::parse(name).order() else { continue };
        let parse = |text: &str| Version::parse(order, text);
        let (Some(a), Some(b)) = (parse(texts.0), parse(texts.1)) else { continue };
        assert_eq!(a.compare(&b), b.compare(&a).map(Ordering::reverse), "{name}");
        // PHP's comparison, which Composer uses, is not transitive, and neither is Maven's.
        let is_order = !matches!(order, Order::Packagist | Order::Maven);
        let Some(c) = parse(texts.2).filter(|_| is_order) else { continue };
        if a.compare(&b) == Some(Ordering::Less) && b.compare(&c) == Some(Ordering::Less) {
            assert_eq!(a.compare(&c), Some(Ordering::Less), "{name}");
        }
    }
});
