//! Any bytes as any file that names packages: databases, lock files, archives, programs. A package that
//! is removed from an rpm database is no longer in it.

#![no_main]

use coaming_image::{ReducedRpm, reduced_rpm};
use libfuzzer_sys::fuzz_target;

/// A path of each format.
const PATHS: &[&str] = &[
    "/var/lib/rpm/rpmdb.sqlite",
    "/var/lib/rpm/Packages",
    "/app/server",
    "/app/shop.jar",
    "/app/package-lock.json",
    "/app/yarn.lock",
    "/app/pnpm-lock.yaml",
    "/app/composer.lock",
    "/app/node_modules/a/package.json",
    "/app/shop.deps.json",
    "/a.dist-info/METADATA",
    "/g/specifications/a.gemspec",
    "/var/lib/dpkg/status",
    "/lib/apk/db/installed",
];

fuzz_target!(|input: (u8, Vec<u8>)| {
    let (path, bytes) = input;
    let path = PATHS[usize::from(path) % PATHS.len()];
    let stays = |name: &str| name.starts_with('a');
    if let (true, Some(ReducedRpm::InPlace(left))) =
        (path.contains("/rpm/"), reduced_rpm(bytes.clone(), &stays))
    {
        assert_eq!(left.len(), bytes.len());
    }
    for package in coaming_image::packages_of_file(path, bytes).packages {
        assert!(package.purl.starts_with("pkg:"));
    }
});
