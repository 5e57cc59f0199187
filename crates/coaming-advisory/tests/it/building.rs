//! Records to databases: what is read, what is left out, and when the old one stays.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use coaming_advisory::{Database, DeploymentContext, Skip, build, check_record};
use serde_json::{Value, json};

use crate::world::{World, fixed, packages, record, run};

#[test]
fn hostile_records_cost_only_themselves() {
    let good = fixed("GHSA-good", "npm", "a", "2.0.0");
    let world = World::new(std::slice::from_ref(&good));
    let osv = world.directory.path().join("osv");
    for (name, text) in [
        ("nested.json", "[".repeat(100_000)),
        ("null.json", r#"{"id": null, "affected": null}"#.to_owned()),
        ("array.json", "[]".to_owned()),
        ("schema.json", good.to_string().replace("1.6.0", "2.0.0")),
        ("control.json", good.to_string().replace("GHSA-good", "GHSA-\\u001b[31m")),
        ("unknown.json", fixed("X-1", "Nowhere", "a", "1").to_string()),
        ("range.json", fixed("X-2", "Debian:12", "a", "no version!").to_string()),
        ("huge.json", format!("{{\"id\": \"{}\"}}", "x".repeat(17 << 20))),
    ] {
        fs::write(osv.join(name), text).unwrap();
    }
    fs::write(osv.join("broken.zip"), b"PK\x03\x04 no archive").unwrap();
    fs::write(osv.join("bomb.zip"), bomb()).unwrap();
    fs::remove_file(world.directory.path().join("db")).unwrap();
    let built = run(world.directory.path()).unwrap();
    assert_eq!(built.advisories, 1);
    assert_eq!(built.skipped[&Skip::Malformed], 4);
    assert_eq!(built.skipped[&Skip::UnknownSchema], 1);
    assert_eq!(built.skipped[&Skip::UnknownEcosystem], 1);
    assert_eq!(built.skipped[&Skip::InvalidRange], 1);
    assert!(built.skipped[&Skip::TooLarge] >= 1);
    assert!(built.problems.iter().any(|problem| problem.contains("broken.zip")));
    assert!(
        built.problems.iter().any(|problem| problem.contains("bomb.zip")),
        "{:?}",
        built.problems
    );
    assert_eq!(world.found(&["pkg:npm/a@1.0.0"]).len(), 1);
}

#[test]
fn whatever_is_done_to_a_record_it_is_read_or_left_out() {
    let mut record = fixed("GHSA-good", "npm", "a", "2.0.0").to_string().into_bytes();
    let whole = record.clone();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % bound as u64).unwrap()
    };
    let (mut read, mut left_out) = (0, 0);
    for round in 0..20_000 {
        if round % 8 == 0 || record.len() < 2 {
            record.clone_from(&whole);
        }
        let at = below(record.len());
        match below(4) {
            0 => record[at] = u8::try_from(below(256)).unwrap(),
            1 => drop(record.remove(at)),
            2 => record.insert(at, b"{}[]\",:0\\\xff"[below(10)]),
            _ => record.truncate(at.max(1)),
        }
        match check_record(&record) {
            Ok(()) => read += 1,
            Err(_) => left_out += 1,
        }
    }
    assert!(read > 100 && left_out > 100, "{read} {left_out}");
}

#[test]
fn no_list_of_versions_is_too_odd() {
    let parts = [
        "0", "1", "10", ".", "-", "dev", "alpha", "rc", "p", "x", "#", "+", "_", "~", "v", "dev-",
        "a",
    ];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut below = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % bound as u64).unwrap()
    };
    for name in coaming_advisory::Ecosystem::known() {
        for _ in 0..3 {
            let mut text =
                || -> String { (0..=below(5)).map(|_| parts[below(parts.len())]).collect() };
            // A version that is not valid would end the range.
            let order = coaming_advisory::Ecosystem::parse(name).order().unwrap();
            let versions: Vec<String> = (0..1000)
                .map(|_| text())
                .filter(|text| coaming_advisory::Version::parse(order, text).is_some())
                .take(300)
                .collect();
            let events: Vec<Value> = versions
                .iter()
                .enumerate()
                .map(|(number, version)| {
                    json!({if number % 2 == 0 { "introduced" } else { "fixed" }: version})
                })
                .collect();
            let mut odd = record("X-1", name, "a", &json!(events));
            odd["affected"][0]["versions"] = json!(versions);
            let read = check_record(odd.to_string().as_bytes());
            assert!(read.is_ok() || events.is_empty(), "{name}: {read:?}");
        }
    }
}

/// An archive of records, as OSV exports them.
fn export(records: &[Value]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for record in records {
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated);
        writer.start_file(format!("{}.json", record["id"].as_str().unwrap()), options).unwrap();
        writer.write_all(record.to_string().as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn a_damaged_archive_leaves_the_old_database() {
    let world = World::new(&[fixed("GHSA-1", "npm", "a", "2.0.0")]);
    let osv = world.directory.path().join("osv");
    let whole =
        export(&[fixed("GHSA-2", "npm", "b", "2.0.0"), fixed("GHSA-3", "npm", "c", "2.0.0")]);
    let place = osv.join("all.zip");
    fs::write(&place, &whole).unwrap();
    run(world.directory.path()).unwrap();
    let database = || fs::read(world.directory.path().join("db")).unwrap();
    let before = database();
    let altered = {
        let mut bytes = whole.clone();
        let middle = whole.windows(4).position(|bytes| bytes == b"PK\x03\x04").unwrap() + 60;
        bytes[middle] ^= 0x55;
        bytes
    };
    let damaged =
        [whole[..whole.len() / 2].to_vec(), whole[..whole.len() - 8].to_vec(), altered, Vec::new()];
    for bytes in &damaged {
        fs::write(&place, bytes).unwrap();
        let complaint = run(world.directory.path()).unwrap_err().to_string();
        for part in ["all.zip", "is unchanged", "download it again"] {
            assert!(complaint.contains(part), "{complaint}");
        }
        assert!(database() == before);
    }
    // An invalid record is not damage: all others are there.
    fs::write(
        &place,
        export(&[fixed("GHSA-2", "npm", "b", "2.0.0"), json!({"id": "GHSA-3", "affected": 7})]),
    )
    .unwrap();
    let built = run(world.directory.path()).unwrap();
    assert_eq!((built.advisories, built.skipped[&Skip::Malformed]), (2, 1));
    // If there is no older database to lose, the rest is used.
    fs::remove_file(world.directory.path().join("db")).unwrap();
    fs::write(&place, &damaged[0]).unwrap();
    let built = run(world.directory.path()).unwrap();
    assert_eq!((built.advisories, built.problems.len()), (1, 1), "{built:?}");
}

/// An archive of a hundred kilobytes that unpacks to a hundred megabytes.
fn bomb() -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let chunk = vec![b' '; 10 << 20];
    for number in 0..10 {
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated);
        writer.start_file(format!("{number}.json"), options).unwrap();
        writer.write_all(&chunk).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn an_unusable_database_is_refused_with_a_solution() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let complaint = |path: &Path| Database::open(path).unwrap_err().to_string();
    assert!(complaint(&path).contains("coaming db update"));
    fs::write(&path, "no database at all").unwrap();
    assert!(complaint(&path).contains("damaged"));
    fs::write(&path, b"").unwrap();
    assert!(complaint(&path).contains("damaged"));
    let world = World::new(&[fixed("GHSA-1", "npm", "a", "2.0.0")]);
    let whole = fs::read(world.directory.path().join("db")).unwrap();
    for cut in [100, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..cut]).unwrap();
        if let Ok(database) = Database::open(&path) {
            let (packages, _) = packages(&["pkg:npm/a@1.0.0"]);
            drop(database.matches(&packages, None, DeploymentContext::default()));
        }
    }
}

#[test]
fn a_build_without_advisories_leaves_the_old_database() {
    let world = World::new(&[fixed("GHSA-1", "npm", "a", "2.0.0")]);
    let before = fs::read(world.directory.path().join("db")).unwrap();
    fs::remove_file(world.directory.path().join("osv/0.json")).unwrap();
    assert!(
        run(world.directory.path()).unwrap_err().to_string().contains("contains no advisories")
    );
    assert_eq!(fs::read(world.directory.path().join("db")).unwrap(), before);
}

#[test]
fn the_same_records_give_the_same_database() {
    let records: Vec<Value> = (0..200)
        .map(|number| fixed(&format!("GHSA-{number}"), "npm", &format!("p{}", number % 7), "2.0.0"))
        .collect();
    let (first, second) = (World::new(&records), World::new(&records));
    let bytes = |world: &World| fs::read(world.directory.path().join("db")).unwrap();
    assert!(bytes(&first) == bytes(&second));
}

/// The real exports, where this machine has them.
fn exports() -> Option<PathBuf> {
    let directory = PathBuf::from(std::env::var_os("COAMING_DATA")?).join("osv");
    directory.is_dir().then_some(directory)
}

#[test]
fn the_real_exports_are_read_whole() {
    let Some(directory) = exports() else {
        coaming_test::skip!("the_real_exports_are_read_whole: COAMING_DATA is not set");
        return;
    };
    let target = tempfile::tempdir().unwrap();
    let path = target.path().join("db");
    let built = build(&directory, &path, "2026-01-01T00:00:00Z", &|_| {}).unwrap();
    assert!(built.records > 8000, "{built:?}");
    assert!(!built.skipped.contains_key(&Skip::Malformed), "{built:?}");
    assert!(built.problems.is_empty(), "{built:?}");
    let database = Database::open(&path).unwrap();
    let ask = |url: &str| {
        let (packages, _) = packages(&[url]);
        let matches = database.matches(&packages, None, DeploymentContext::default()).unwrap();
        matches.vulnerabilities.iter().map(|found| found.id.clone()).collect::<Vec<_>>()
    };
    for (url, id) in [
        ("pkg:pypi/requests@2.19.1", "CVE-2018-18074"),
        ("pkg:pypi/jinja2@2.10", "CVE-2019-10906"),
        ("pkg:golang/golang.org/x/net@v0.6.0", "CVE-2022-41723"),
        ("pkg:golang/stdlib@1.20.2", "CVE-2023-24538"),
        ("pkg:cargo/time@0.1.43", "CVE-2020-26235"),
    ] {
        assert!(ask(url).iter().any(|found| found == id), "{url}: {:?}", ask(url));
    }
    for (url, id) in [
        ("pkg:pypi/requests@2.20.0", "CVE-2018-18074"),
        ("pkg:pypi/jinja2@2.10.1", "CVE-2019-10906"),
        ("pkg:golang/golang.org/x/net@v0.7.0", "CVE-2022-41723"),
        ("pkg:golang/stdlib@1.20.3", "CVE-2023-24538"),
        ("pkg:cargo/time@0.2.23", "CVE-2020-26235"),
    ] {
        assert!(!ask(url).iter().any(|found| found == id), "{url}");
    }
}
