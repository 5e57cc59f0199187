use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use proptest::prelude::*;

use super::*;

/// Where the real databases are: OCI layouts, each with one layer.
fn data() -> PathBuf {
    std::env::var_os("COAMING_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data"),
        PathBuf::from,
    )
}

/// A database's path, and its bytes.
type Database = (String, Vec<u8>);

/// The database in one of the layouts, and its path; `None` if the data is not available.
fn database(layout: &str) -> Option<Database> {
    static DATABASES: [OnceLock<Option<Database>>; 3] = [const { OnceLock::new() }; 3];
    let index = ["rpm-sqlite", "rpm-ndb", "rpm-bdb"].iter().position(|name| *name == layout)?;
    DATABASES[index].get_or_init(|| unpack(layout)).clone()
}

fn unpack(layout: &str) -> Option<Database> {
    let blobs = data().join("images").join(layout).join("blobs/sha256");
    let Ok(entries) = std::fs::read_dir(blobs) else {
        coaming_test::skip!("{layout}: COAMING_DATA does not name the test data");
        return None;
    };
    for entry in entries {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        if !bytes.starts_with(&[0x1f, 0x8b]) {
            continue;
        }
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(Cursor::new(bytes)));
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let path = format!("/{}", path.trim_start_matches("./"));
            if wants(&path) {
                let mut content = Vec::new();
                entry.read_to_end(&mut content).unwrap();
                return Some((path, content));
            }
        }
    }
    panic!("{layout} holds no database");
}

fn read_bytes(path: &str, bytes: &[u8]) -> Result<ParsedFile, AnalyserError> {
    read(path, &mut Content::memory(bytes))
}

#[test]
fn reads_real_databases_of_every_form() {
    for (layout, count, name, version) in [
        ("rpm-sqlite", 129, "bash", "5.1.8-1.cm2"),
        ("rpm-ndb", 35, "bash", "4.4-19.6.1"),
        ("rpm-bdb", 1, "", ""),
    ] {
        let Some((path, bytes)) = database(layout) else { return };
        let found = read_bytes(&path, &bytes).unwrap();
        assert_eq!(found.problems, Vec::<String>::new());
        assert_eq!(found.packages.len(), count, "{layout}: {:#?}", found.packages);
        let versions: Vec<&str> = found
            .packages
            .iter()
            .filter(|package| package.name == name)
            .map(|package| package.version.as_str())
            .collect();
        assert!(name.is_empty() || versions == [version], "{layout}: {versions:?}");
        for package in &found.packages {
            assert!(package.source.is_some(), "{package:?}");
            assert!(package.purl.contains("upstream="), "{package:?}");
        }
        assert!(found.owned_paths.iter().all(|path| path.starts_with('/')));
    }
}

/// A database that rpm itself writes, and the contents that rpm itself lists.
#[test]
fn reads_what_rpm_writes() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path();
    std::fs::write(directory.join("made.spec"), SPEC).unwrap();
    let built = Command::new("rpmbuild")
        .arg("-bb")
        .arg(format!("--define=_topdir {}/build", directory.display()))
        .arg(format!("--define=_rpmdir {}", directory.display()))
        .arg(directory.join("made.spec"))
        .output();
    let Ok(built) = built else {
        coaming_test::skip!("reads_what_rpm_writes: there is no rpmbuild");
        return;
    };
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let database = directory.join("database");
    let installed = Command::new("rpm")
        .args(["--install", "--justdb", "--nodeps", "--ignorearch"])
        .arg("--define=_db_backend sqlite")
        .arg("--dbpath")
        .arg(&database)
        .arg(directory.join("noarch/made-1.2~rc1-3.noarch.rpm"))
        .output()
        .unwrap();
    assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
    let bytes = std::fs::read(database.join("rpmdb.sqlite")).unwrap();
    let found = read_bytes("/var/lib/rpm/rpmdb.sqlite", &bytes).unwrap();
    let [package] = &found.packages[..] else { panic!("{found:?}") };
    assert_eq!((package.name.as_str(), package.version.as_str()), ("made", "2:1.2~rc1-3"));
    assert_eq!(package.licence, "MIT");
    assert_eq!(package.source.as_ref().unwrap().version, "2:1.2~rc1-3");
    assert_eq!(found.owned_paths, ["/opt/made/data", "/opt/made/made.conf", "/usr/bin/made"]);
    let [(path, sum)] = &found.checksums[..] else { panic!("{:?}", found.checksums) };
    assert_eq!(path, "/opt/made/made.conf");
    assert!(crate::checksum::Checksums::of(b"abc").match_any(&[*sum]));
    assert_eq!(
        package.purl,
        "pkg:rpm/made@1.2~rc1-3?arch=noarch&epoch=2\
         &rpmmod=made:module:8&upstream=made-1.2~rc1-3.src.rpm"
    );
}

const SPEC: &str = "\
Name: made
Version: 1.2~rc1
Release: 3
Epoch: 2
Summary: A package
License: MIT
BuildArch: noarch
ModularityLabel: made:module:8
%description
A package.
%install
mkdir -p %{buildroot}/usr/bin %{buildroot}/opt/made
touch %{buildroot}/usr/bin/made %{buildroot}/opt/made/data
printf abc > %{buildroot}/opt/made/made.conf
%files
/usr/bin/made
/opt/made/data
%config /opt/made/made.conf
";

#[test]
fn a_broken_package_does_not_cost_the_others() {
    for layout in ["rpm-sqlite", "rpm-ndb"] {
        let Some((path, bytes)) = database(layout) else { return };
        let whole = read_bytes(&path, &bytes).unwrap().packages.len();
        // The header of one package claims more entries than its blob has room for.
        let name = b"bash\0";
        let mut broken = bytes.clone();
        let place = bytes.windows(name.len()).rposition(|window| window == name).unwrap();
        let start = (0..place).rev().find(|&start| {
            bytes[start..].starts_with(&[0, 0, 0]) && bytes[start + 8..].starts_with(&[0, 0, 0, 62])
                || bytes[start + 8..].starts_with(&[0, 0, 0, 63])
        });
        let start = start.unwrap();
        broken[start + 4] = 0x7f;
        let found = read_bytes(&path, &broken).unwrap();
        assert_eq!(found.packages.len(), whole - 1, "{layout}");
        assert_eq!(found.problems.len(), 1, "{layout}: {:?}", found.problems);
    }
}

/// The headers of a real database.
fn headers(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut headers = Vec::new();
    let mut each = |blob: &[u8]| {
        headers.push(blob.to_vec());
        Ok(())
    };
    ndb::blobs(&mut Content::memory(bytes), bytes.len() as u64, &mut each).unwrap();
    headers
}

fn names(found: &ParsedFile) -> Vec<&str> {
    found.packages.iter().map(|package| package.name.as_str()).collect()
}

#[test]
fn packages_leave_ndb_and_sqlite() {
    let Some((path, bytes)) = database("rpm-ndb") else { return };
    let whole = read_bytes(&path, &bytes).unwrap();
    let stays = |name: &str| name.starts_with("lib");
    let Some(ReducedRpm::InPlace(left)) = reduced_rpm(bytes.clone(), &stays) else { panic!() };
    let reduced = read_bytes(&path, &left).unwrap();
    assert_eq!(reduced.problems, [""; 0]);
    let expected: Vec<&str> = names(&whole).into_iter().filter(|name| stays(name)).collect();
    assert_eq!(names(&reduced), expected);
    assert!(left.len() == bytes.len() && !left.windows(9).any(|window| window == b"perl-base"));

    let Some((path, bytes)) = database("rpm-sqlite") else { return };
    let whole = read_bytes(&path, &bytes).unwrap();
    let Some(ReducedRpm::Headers(left)) = reduced_rpm(bytes, &stays) else { panic!() };
    let expected: Vec<&str> = names(&whole).into_iter().filter(|name| stays(name)).collect();
    assert_eq!(left.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), expected);
}

/// A database of many packages that Berkeley DB's own tools write, and their output after removals.
#[test]
fn packages_leave_berkeley_db() {
    let Some((_, bytes)) = database("rpm-ndb") else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("Packages");
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut dump = "VERSION=3\nformat=bytevalue\ntype=hash\nHEADER=END\n".to_owned();
    dump.push_str(" 00000000\n 24000000\n");
    for (number, header) in (1_u32..).zip(headers(&bytes)) {
        dump.push_str(&format!(" {}\n {}\n", hex(&number.to_le_bytes()), hex(&header)));
    }
    dump.push_str("DATA=END\n");
    let text = directory.path().join("dump");
    std::fs::write(&text, dump).unwrap();
    let tool = |name: &str, arguments: &[&std::ffi::OsStr]| {
        Command::new(name).args(arguments).arg(&path).output()
    };
    if tool("db5.3_load", &["-f".as_ref(), text.as_os_str()]).is_err() {
        coaming_test::skip!("packages_leave_berkeley_db: there is no db5.3_load");
        return;
    }
    let bytes = std::fs::read(&path).unwrap();
    let file = "/var/lib/rpm/Packages";
    let whole = read_bytes(file, &bytes).unwrap();
    assert_eq!(whole.packages.len(), 35);
    let libraries = |name: &str| name.starts_with("lib");
    let wishes: [&dyn Fn(&str) -> bool; 4] =
        [&libraries, &|name| name == "bash", &|_| false, &|_| true];
    for stays in wishes {
        let Some(ReducedRpm::InPlace(left)) = reduced_rpm(bytes.clone(), stays) else { panic!() };
        let reduced = read_bytes(file, &left).unwrap();
        let expected: Vec<&str> = names(&whole).into_iter().filter(|name| stays(name)).collect();
        assert_eq!(names(&reduced), expected);
        std::fs::write(&path, &left).unwrap();
        let verified = tool("db5.3_verify", &[]).unwrap();
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
        let dumped = tool("db5.3_dump", &[]).unwrap();
        let records = String::from_utf8_lossy(&dumped.stdout).lines().count();
        // Lines of the head and the end, and two of each record.
        let empty = 2 * (expected.len() + 1);
        assert!((empty + 5..=empty + 12).contains(&records), "{records} lines");
    }
}

#[test]
fn truncated_data_is_a_problem() {
    for layout in ["rpm-sqlite", "rpm-ndb", "rpm-bdb"] {
        let Some((path, bytes)) = database(layout) else { return };
        let whole = read_bytes(&path, &bytes).unwrap().packages.len();
        for part in [0, 1, 15, 100, bytes.len() / 3, bytes.len() / 2] {
            match read_bytes(&path, &bytes[..part]) {
                Ok(found) => assert!(found.packages.len() <= whole),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn never_panics_on_mutated_databases(
        form in 0..3_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        early in any::<bool>(),
    ) {
        let layout = ["rpm-sqlite", "rpm-ndb", "rpm-bdb"][form];
        if let Some((path, mut bytes)) = database(layout) {
            let range = if early { bytes.len().min(8192) } else { bytes.len() };
            for (index, value) in changes {
                bytes[index.index(range)] = value;
            }
            let _ = read_bytes(&path, &bytes);
            let _ = reduced_rpm(bytes, &|name| name.starts_with('l'));
        }
    }

    #[test]
    fn never_panics_on_arbitrary_bytes(
        form in 0..4_usize,
        bytes in prop::collection::vec(any::<u8>(), 0..6000),
    ) {
        let start: &[u8] = [b"SQLite format 3\0\x02\0".as_slice(), b"RpmP", b"", b""][form];
        let mut bytes = [start, &bytes].concat();
        if form == 2 && bytes.len() > 36 {
            bytes[12..16].copy_from_slice(&[0x61, 0x15, 0x06, 0]);
            bytes[20..25].copy_from_slice(&[0, 2, 0, 0, 0]);
        }
        let _ = read_bytes("/var/lib/rpm/Packages", &bytes);
        let _ = reduced_rpm(bytes, &|_| false);
    }

    #[test]
    fn never_panics_on_arbitrary_headers(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(header) = Header::parse(&bytes) {
            let _ = header.owned_paths(|_, _| Ok(()));
        }
    }
}
