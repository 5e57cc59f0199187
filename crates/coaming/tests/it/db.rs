//! `coaming db`, from the outside.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use coaming_test::docker_registry::DockerRegistry;

fn compare(ecosystem: &str, lines: &str) -> (String, String, Option<i32>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_coaming"))
        .args(["db", "compare", ecosystem])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdin.take().unwrap().write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

#[test]
fn compares_versions_line_by_line() {
    let lines = "1.0~rc1-1\t1.0-1\n1.0\t1.0-0\r\n2\t1\nx\t1\nno tab\n\n1\t2";
    let (out, error, code) = compare("Debian:12", lines);
    assert_eq!((out.as_str(), error.as_str(), code), ("<\n=\n>\n?\n?\n?\n<\n", "", Some(0)));
    assert_eq!(compare("Alpine:v3.18", "1.0_rc1\t1.0\n").0, "<\n");
    assert_eq!(compare("Red Hat", "1.0^git1\t1.0\n").0, ">\n");
}

#[test]
fn names_the_ecosystems_that_it_knows() {
    let (out, error, code) = compare("Debain", "1\t2\n");
    assert_eq!((out.as_str(), code), ("", Some(2)));
    assert!(error.contains("`Debain`") && error.contains("Debian"), "{error}");
}

fn coaming(arguments: &[&str]) -> (String, String, Option<i32>) {
    let output = super::run(arguments);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

/// A directory with one record about `requests`, and a database built from it.
fn built() -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let record = r#"{"schema_version": "1.6.0", "id": "PYSEC-2018-28", "aliases": ["CVE-2018-18074"],
        "modified": "2025-01-01T00:00:00Z", "summary": "Sends credentials to other hosts",
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}],
        "affected": [{"package": {"ecosystem": "PyPI", "name": "requests"}, "ranges": [
            {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.20.0"}]}]}]}"#;
    std::fs::write(directory.path().join("record.json"), record).unwrap();
    let database = directory.path().join("db").display().to_string();
    let (out, error, code) =
        coaming(&["db", "build", &directory.path().display().to_string(), "--db", &database]);
    assert_eq!((error.as_str(), code), ("", Some(0)));
    assert!(out.contains("1 advisories about 1 packages, from 1 records"), "{out}");
    (directory, database)
}

#[test]
fn a_database_is_built_shown_and_asked() {
    let (_directory, database) = built();
    let (out, _, code) = coaming(&["db", "info", "--db", &database]);
    assert_eq!(code, Some(0));
    assert!(out.contains("built       2026-01-01T00:00:00Z") && out.contains("PyPI"), "{out}");
    let (out, error, code) =
        coaming(&["db", "query", "--db", &database, "pkg:pypi/Requests@2.19.1"]);
    assert_eq!((error.as_str(), code), ("", Some(1)));
    assert!(out.contains("CVE-2018-18074") && out.contains("fixed in 2.20.0"), "{out}");
    assert!(out.contains("upgrade `requests` from 2.19.1 to 2.20.0: 1 goes away"), "{out}");
    assert_eq!(coaming(&["db", "query", "--db", &database, "pkg:pypi/requests@2.20.0"]).2, Some(0));
}

#[test]
fn a_query_fails_on_what_it_is_told_to() {
    let (directory, database) = built();
    let ask = |more: &[&str]| {
        let arguments = ["db", "query", "--db", &database, "pkg:pypi/requests@2.19.1"];
        coaming(&[&arguments, more].concat()).2
    };
    assert_eq!(ask(&["--fail-on", "fixable,high"]), Some(1));
    assert_eq!(ask(&["--fail-on", "critical"]), Some(0));
    assert_eq!(ask(&["--fail-on", "nonsense"]), Some(2));
    let vex = directory.path().join("vex.json");
    let text = r#"{"@context": "https://openvex.dev/ns/v0.2.0", "statements": [{
        "vulnerability": {"name": "CVE-2018-18074"}, "products": [{"@id": "pkg:pypi/requests"}],
        "status": "not_affected", "justification": "vulnerable_code_not_in_execute_path"}]}"#;
    std::fs::write(&vex, text).unwrap();
    assert_eq!(ask(&["--vex", &vex.display().to_string()]), Some(0));
}

#[test]
fn without_a_database_it_says_how_to_get_one() {
    let (_, error, code) = coaming(&["db", "query", "--db", "/nowhere/db", "pkg:pypi/a@1"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("coaming db build"), "{error}");
}

#[test]
fn a_database_goes_to_a_registry_and_comes_back() {
    let test = "a_database_goes_to_a_registry_and_comes_back";
    let Some(server) = DockerRegistry::start(test) else { return };
    let (directory, database) = built();
    let bytes = std::fs::read(&database).unwrap();
    let transfer = |command: &str, user: &str, reference: &str, file: &str| {
        let ca = server.ca();
        let output = super::coaming(&["db", command, reference, "--db", file])
            .args(["--ca", ca.to_str().unwrap()])
            .env("DOCKER_CONFIG", server.docker_config(user))
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr), output.status.code())
    };
    let reference = format!("{}/company/advisories:1", server.host);
    let (out, error, code) = transfer("push", "reader", &reference, &database);
    assert_eq!((error.as_str(), code), ("", Some(0)));
    // What is printed is the reference to pull by.
    let pinned = out.trim();
    assert!(pinned.starts_with(&format!("{reference}@sha256:")), "{pinned}");
    let other = directory.path().join("fresh/advisories.db");
    let other = other.to_str().unwrap();
    let (out, error, code) = transfer("pull", "reader", pinned, other);
    assert_eq!((error.as_str(), code), ("", Some(0)));
    assert!(out.contains("sha256:"), "{out}");
    assert_eq!(std::fs::read(other).unwrap(), bytes);
    let asked = coaming(&["db", "query", "--db", other, "pkg:pypi/requests@2.19.1"]);
    assert_eq!(asked.2, Some(1), "{}", asked.1);
    // A failed pull, unauthorized or of a missing reference, keeps the previous database.
    std::fs::write(other, "the old one").unwrap();
    let missing = format!("{}/company/advisories:2", server.host);
    for (user, reference) in [("stranger", &reference), ("reader", &missing)] {
        let (_, error, code) = transfer("pull", user, reference, other);
        assert_eq!(code, Some(2), "{error}");
        assert_eq!(std::fs::read_to_string(other).unwrap(), "the old one", "{error}");
    }
    // What is no database does not even leave.
    let (_, error, code) = transfer("push", "reader", &missing, other);
    assert_eq!(code, Some(2));
    assert!(error.contains("is damaged"), "{error}");
}

/// A zip archive with one record about `name`.
fn export(ecosystem: &str, name: &str) -> Vec<u8> {
    let record = format!(
        r#"{{"schema_version": "1.6.0", "id": "X-{name}", "modified": "2025-01-01T00:00:00Z", "affected": [
            {{"package": {{"ecosystem": "{ecosystem}", "name": "{name}"}}, "ranges": [
                {{"type": "ECOSYSTEM", "events": [{{"introduced": "0"}}, {{"fixed": "2.0.0"}}]}}]}}]}}"#
    );
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file("1.json", zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(record.as_bytes()).unwrap();
    archive.finish().unwrap().into_inner()
}

/// A mirror of exports, whose files and answers can be changed; an empty body is too many requests.
fn mirror(files: &Arc<Mutex<HashMap<String, Vec<u8>>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/osv", listener.local_addr().unwrap());
    let files = Arc::clone(files);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let first = lines.next().and_then(Result::ok).unwrap_or_default();
            let known = lines
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty())
                .find_map(|line| line.strip_prefix("if-none-match: ").map(str::to_owned));
            let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
            let body = files.lock().unwrap().get(&path).cloned();
            let tag =
                body.as_ref().map(|body| format!("\"{}\"", coaming_oci::Digest::sha256(body)));
            let (status, body) = match body {
                None => ("404 Not Found", Vec::new()),
                Some(body) if body.is_empty() => {
                    ("429 Too Many Requests\r\nRetry-After: 600", body)
                }
                Some(_) if tag == known => ("304 Not Modified", Vec::new()),
                Some(body) => ("200 OK", body),
            };
            let tag = tag.unwrap_or_default();
            let length = body.len();
            // A client that has hung up is no failure.
            drop(write!(
                stream,
                "HTTP/1.1 {status}\r\nETag: {tag}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            ));
            drop(stream.write_all(&body));
        }
    });
    address
}

#[test]
fn an_update_that_is_refused_leaves_the_old_database_and_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let files: Arc<Mutex<HashMap<String, Vec<u8>>>> = Arc::default();
    let put = |path: &str, body: Vec<u8>| {
        files.lock().unwrap().insert(format!("/osv/{path}"), body);
    };
    put("PyPI/all.zip", export("PyPI", "requests"));
    put("npm/all.zip", export("npm", "lodash"));
    put("epss_scores-current.csv.gz", Vec::new());
    put("known_exploited_vulnerabilities.json", br#"{"vulnerabilities": []}"#.to_vec());
    let address = mirror(&files);
    let database = directory.path().join("db").display().to_string();
    let update = || {
        let arguments =
            ["db", "update", "--mirror", &address, "--ecosystem", "PyPI,npm", "--db", &database];
        coaming(&arguments)
    };
    let knows = |url: &str| coaming(&["db", "query", "--db", &database, url]).2 == Some(1);
    let (out, error, code) = update();
    // EPSS is refused; all else is used, and the failure is said.
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("EPSS was not updated") && error.contains("in 600 seconds"), "{error}");
    assert!(out.contains("2 advisories about 2 packages"), "{out}");
    assert!(knows("pkg:pypi/requests@1.0.0") && knows("pkg:npm/lodash@1.0.0"));
    put("epss_scores-current.csv.gz", b"#m\ncve,epss,percentile\nCVE-2020-1,0.5,0.9\n".to_vec());
    assert_eq!(update().2, Some(2), "what is no gzip is a problem that is said");
    let before = std::fs::read(&database).unwrap();
    // Everything is refused: the old database stays in use, byte for byte.
    for path in ["PyPI/all.zip", "npm/all.zip", "epss_scores-current.csv.gz"] {
        put(path, Vec::new());
    }
    put("known_exploited_vulnerabilities.json", Vec::new());
    let (out, error, code) = update();
    assert_eq!(code, Some(2));
    assert!(
        error.contains("PyPI was not updated") && error.contains("npm was not updated"),
        "{error}"
    );
    assert!(out.contains("nothing new"), "{out}");
    assert_eq!(std::fs::read(&database).unwrap(), before);
    // One that is cut short is not read as far as it goes.
    let half = export("PyPI", "requests");
    put("PyPI/all.zip", half[..half.len() / 2].to_vec());
    let (_, error, _) = update();
    assert!(error.contains("not a complete zip archive"), "{error}");
    assert!(knows("pkg:pypi/requests@1.0.0"));
}

#[test]
fn a_damaged_download_leaves_the_old_database_and_is_fetched_again() {
    let directory = tempfile::tempdir().unwrap();
    let files: Arc<Mutex<HashMap<String, Vec<u8>>>> = Arc::default();
    let put = |path: &str, body: Vec<u8>| {
        files.lock().unwrap().insert(format!("/osv/{path}"), body);
    };
    put("PyPI/all.zip", export("PyPI", "requests"));
    put("npm/all.zip", export("npm", "lodash"));
    put("epss_scores-current.csv.gz", Vec::new());
    put("known_exploited_vulnerabilities.json", br#"{"vulnerabilities": []}"#.to_vec());
    let address = mirror(&files);
    let database = directory.path().join("db").display().to_string();
    let update = || {
        let arguments =
            ["db", "update", "--mirror", &address, "--ecosystem", "PyPI,npm", "--db", &database];
        coaming(&arguments)
    };
    let knows = |url: &str| coaming(&["db", "query", "--db", &database, url]).2 == Some(1);
    let (_, error, _) = update();
    assert!(knows("pkg:pypi/requests@1.0.0"), "{error}");
    // A disk that forgets a byte, and something new elsewhere.
    let archive = directory.path().join("osv/PyPI/all.zip");
    let mut bytes = std::fs::read(&archive).unwrap();
    // Behind the header of the first record.
    bytes[60] ^= 1;
    std::fs::write(&archive, bytes).unwrap();
    put("npm/all.zip", export("npm", "minimist"));
    let before = std::fs::read(&database).unwrap();
    let (_, error, code) = update();
    assert_eq!(code, Some(2), "{error}");
    for part in ["all.zip is damaged", "is unchanged", "downloads it again"] {
        assert!(error.contains(part), "{error}");
    }
    assert!(std::fs::read(&database).unwrap() == before);
    let (_, error, _) = update();
    assert!(knows("pkg:pypi/requests@1.0.0") && knows("pkg:npm/minimist@1.0.0"), "{error}");
    assert!(!knows("pkg:npm/lodash@1.0.0"), "it was withdrawn");
    // What was downloaded by a run that did not come to the end is built by the next one.
    let old = std::fs::File::options().write(true).open(&database).unwrap();
    old.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    let (out, error, _) = update();
    assert!(out.contains("2 advisories about 2 packages"), "{out}{error}");
    // So is what can't be used: another version's, or nothing at all.
    std::fs::write(&database, "of another version").unwrap();
    let (_, error, _) = update();
    assert!(knows("pkg:pypi/requests@1.0.0"), "{error}");
    let (out, _, _) = update();
    assert!(out.contains("nothing new"), "{out}");
}
