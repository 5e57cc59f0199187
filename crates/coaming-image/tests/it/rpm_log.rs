//! The write-ahead log of an rpm database: what a program that ended early installed and removed.

use std::path::Path;
use std::process::Command;

use coaming_image::Image;
use coaming_test::image_archives::tar;

use crate::{read, skip};

/// Takes the database of an image, and leaves a part of the changes in its log.
const SCRIPT: &str = "
import glob, gzip, io, os, shutil, sqlite3, sys, tarfile
image, target = sys.argv[1:]
for path in glob.glob(image + '/blobs/sha256/*'):
    data = open(path, 'rb').read()
    data = gzip.decompress(data) if data[:2] == b'\\x1f\\x8b' else data
    try:
        archive = tarfile.open(fileobj=io.BytesIO(data))
    except tarfile.ReadError:
        continue
    for member in archive:
        if member.name.endswith('rpmdb.sqlite'):
            open(target + '/work', 'wb').write(archive.extractfile(member).read())
database = sqlite3.connect(target + '/work', isolation_level=None)
database.execute('pragma journal_mode=delete')
blobs = [row[0] for row in database.execute('select blob from Packages order by hnum')]
later = blobs[100:]
database.execute('delete from Packages where hnum not in (select hnum from Packages order by hnum limit 100)')
database.execute('vacuum')
database.execute('pragma journal_mode=wal')
database.execute('pragma wal_autocheckpoint=0')
for blob in later:
    database.execute('insert into Packages(blob) values (?)', (blob,))
database.execute('delete from Packages where hnum in (select hnum from Packages order by hnum limit 10)')
shutil.copy(target + '/work', target + '/rpmdb.sqlite')
shutil.copy(target + '/work-wal', target + '/rpmdb.sqlite-wal')
print(len(blobs))
sys.stdout.flush()
os._exit(0)
";

/// The database, its log, and how many packages it had.
fn files(directory: &Path) -> Option<(Vec<u8>, Vec<u8>, usize)> {
    let data = std::env::var_os("COAMING_DATA").map(std::path::PathBuf::from);
    let Some(image) = data.map(|data| data.join("images/rpm-sqlite")).filter(|it| it.exists())
    else {
        skip("rpm_log", "COAMING_DATA does not name the directory with the images");
        return None;
    };
    let output =
        Command::new("python3").args(["-c", SCRIPT]).arg(&image).arg(directory).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let count = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
    let file = |name: &str| std::fs::read(directory.join(name)).unwrap();
    Some((file("rpmdb.sqlite"), file("rpmdb.sqlite-wal"), count))
}

#[test]
fn packages_in_the_log_count() {
    let directory = tempfile::tempdir().unwrap();
    let Some((database, log, count)) = files(directory.path()) else { return };
    let path = "var/lib/rpm/rpmdb.sqlite";
    let old = read("", &[tar(&[(path, 0o644, &database)])]);
    let (in_log, broken) = (format!("{path}-wal"), &log[..log.len() / 2 + 3]);
    let whole = read("", &[tar(&[(path, 0o644, &database), (&in_log, 0o644, &log)])]);
    assert_eq!(whole.problems, []);
    // Ten were removed.
    assert_eq!((whole.packages.len(), old.packages.len()), (count - 10, 100));
    assert!(old.packages.len() < whole.packages.len());
    // Whole transactions before the break count.
    let part = read("", &[tar(&[(path, 0o644, &database), (&in_log, 0o644, broken)])]);
    assert!(part.packages.len() > old.packages.len() || !part.problems.is_empty());
    let nothing = read("", &[tar(&[(path, 0o644, &database), (&in_log, 0o644, b"no log")])]);
    assert_eq!(nothing.packages, old.packages);
    assert!(nothing.problems[0].message.contains("write-ahead log"), "{:?}", nothing.problems);
    // In a directory, too.
    let root = directory.path().join("root");
    std::fs::create_dir_all(root.join("var/lib/rpm")).unwrap();
    std::fs::create_dir_all(root.join("etc")).unwrap();
    std::fs::write(root.join("etc/os-release"), "ID=mariner\nVERSION_ID=2.0\n").unwrap();
    std::fs::write(root.join(path), &database).unwrap();
    std::fs::write(root.join(&in_log), &log).unwrap();
    let facts = Image::open(&root, None).unwrap().read();
    assert_eq!(facts.packages.len(), whole.packages.len());
}
