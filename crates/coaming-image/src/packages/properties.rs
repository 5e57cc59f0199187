//! No analyser panics, whatever bytes it gets.

use proptest::prelude::*;

use crate::analyse::Reader;
use crate::packages::ANALYSERS;

/// A path of each format that is read whole, and a text of it.
const SAMPLES: &[(&str, &str)] = &[
    (
        "/var/lib/dpkg/status",
        "Package: a\nVersion: 1\nSource: b (2)\nStatus: install ok installed\n",
    ),
    ("/var/lib/dpkg/status.d/a.md5sums", "00  usr/bin/a\n"),
    ("/var/lib/dpkg/info/a.list", "/usr/bin/a\n"),
    ("/lib/apk/db/installed", "P:a\nV:1-r0\nF:usr\nR:a\n\n"),
    ("/a.dist-info/METADATA", "Name: a\nVersion: 1\n\ntext"),
    ("/g/specifications/a.gemspec", "# stub: a 1 ruby lib\n s.name = \"a\".freeze\n"),
    ("/app/node_modules/a/package.json", r#"{"name": "a", "version": "1", "license": ["MIT"]}"#),
    ("/app/package-lock.json", r#"{"packages": {"node_modules/@a/b": {"version": "1"}}}"#),
    ("/app/package-lock.json", r#"{"dependencies": {"a": {"version": "npm:b@1"}}}"#),
    ("/app/yarn.lock", "\"@a/b@^1\", c@npm:d@1:\n  version \"1\"\n  resolution: \"a@npm:1\"\n"),
    ("/app/pnpm-lock.yaml", "packages:\n  /@a/b@1(c@2):\n    dev: true\n  a@1:\n    x: 1\n"),
    ("/app/composer.lock", r#"{"packages": [{"name": "a/b", "version": "1"}]}"#),
    ("/app/a.deps.json", r#"{"libraries": {"a/1": {"type": "package"}}}"#),
];

fn read(path: &str, bytes: &[u8]) {
    let mut wanted = false;
    for analyser in ANALYSERS {
        if let Reader::Whole { wants, read, .. } = analyser.reader
            && wants(path)
        {
            wanted = true;
            if let Ok(found) = read(path, bytes) {
                assert!(found.packages.iter().all(|package| package.purl.starts_with("pkg:")));
            }
        }
    }
    assert!(wanted, "{path}");
}

proptest! {
    #[test]
    fn whole_files_never_panic(
        sample in prop::sample::select(SAMPLES),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        more in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let (path, text) = sample;
        let mut bytes = text.as_bytes().to_vec();
        for (index, value) in changes {
            let length = bytes.len();
            bytes[index.index(length)] = value;
        }
        read(path, &bytes);
        bytes.extend(more);
        read(path, &bytes);
    }
}
