//! Any text as a package URL: it is parsed, or it is not one. Writing it does not panic, whatever the
//! package is called.

#![no_main]

use coaming_sbom::purl;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Some(named) = purl::parse(text) else { return };
    let _ = purl::covers(text, "pkg:pypi/requests@2.19.1");
    let _ = purl::with_distribution(&named.package, "debian", "12");
    let _ = purl::parse(&purl::of(&named.package, &[]));
});
