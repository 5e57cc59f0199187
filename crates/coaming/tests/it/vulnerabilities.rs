//! Known vulnerabilities of images, joined with the pods that run them: `coaming scan` with a database at
//! hand, and what `coaming.yaml` ignores.

use std::process::Output;

use serde_json::Value;

use super::{coaming_at_home, directory, json, stderr, stdout};

const WORKLOADS: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: web, image: "shop/web:1.0", ports: [{containerPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Pod
metadata: {name: report, namespace: shop, labels: {app: report}}
spec:
  securityContext: {runAsUser: 1000}
  containers: [{name: report, image: "shop/web:1.0"}]
"#;

/// Nobody from outside, and the job alone.
const SHUT: &str = r#"
apiVersion: v1
kind: Pod
metadata: {name: report, namespace: shop, labels: {app: report}}
spec:
  securityContext: {runAsUser: 1000}
  containers: [{name: report, image: "shop/web:1.0"}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress]}
"#;

const DPKG: &str = "Package: libssl3\nStatus: install ok installed\nSource: openssl\nVersion: 3.0.9-1\n\nPackage: libc6\nStatus: install ok installed\nSource: glibc\nVersion: 2.36-9+deb12u1\n\n";

const SEVERE: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H";

fn record(id: &str, ecosystem: &str, package: &str, fixed: Option<&str>, cve: &str) -> String {
    let mut events = vec![serde_json::json!({"introduced": "0"})];
    events.extend(fixed.map(|fixed| serde_json::json!({"fixed": fixed})));
    serde_json::json!({"schema_version": "1.6.0", "id": id, "modified": "2025-01-01T00:00:00Z",
        "upstream": [cve], "severity": [{"type": "CVSS_V3", "score": SEVERE}],
        "affected": [{"package": {"ecosystem": ecosystem, "name": package},
            "ranges": [{"type": "ECOSYSTEM", "events": events}]}]})
    .to_string()
}

/// A Debian image with two old packages and an old module, workloads that run it, and a database.
fn shop(workloads: &str, ignored: &str) -> tempfile::TempDir {
    let config = format!(
        "images: {{archives: {{'shop/web:1.0': web}}}}\nvulnerabilities:\n  database: advisories.db\n{ignored}"
    );
    let lodash = record("GHSA-jf85-cpcp-j695", "npm", "lodash", Some("4.17.12"), "CVE-2019-10744");
    let lodash = lodash.replace("upstream", "aliases");
    let files = directory(&[
        ("shop.yaml", workloads),
        ("coaming.yaml", &config),
        ("web/etc/os-release", "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n"),
        ("web/var/lib/dpkg/status", DPKG),
        ("web/app/node_modules/lodash/package.json", r#"{"name": "lodash", "version": "4.17.4"}"#),
        (
            "osv/1.json",
            &record(
                "DEBIAN-CVE-2023-5363",
                "Debian:12",
                "openssl",
                Some("3.0.11-1~deb12u2"),
                "CVE-2023-5363",
            ),
        ),
        (
            "osv/2.json",
            &record(
                "DEBIAN-CVE-2023-4911",
                "Debian:12",
                "glibc",
                Some("2.36-9+deb12u3"),
                "CVE-2023-4911",
            ),
        ),
        ("osv/3.json", &record("DEBIAN-CVE-2019-1", "Debian:12", "glibc", None, "CVE-2019-1")),
        ("osv/4.json", &lodash),
        (
            "osv/known_exploited_vulnerabilities.json",
            r#"{"vulnerabilities": [{"cveID": "CVE-2023-4911", "dateAdded": "2023-11-21"}]}"#,
        ),
    ]);
    let built = at(&files, &["db", "build", "osv", "--db", "advisories.db"]);
    assert_eq!(built.status.code(), Some(0), "{}", stderr(&built));
    files
}

/// Runs the program there, with no home but this directory, and no daemon.
fn at(files: &tempfile::TempDir, arguments: &[&str]) -> Output {
    coaming_at_home(files.path(), arguments).output().unwrap()
}

fn findings(output: &Output) -> Vec<Value> {
    let all = json(output)["findings"].as_array().unwrap().clone();
    all.into_iter().filter(|finding| finding["rule"] == "image-vulnerabilities").collect()
}

const SCAN: [&str; 6] =
    ["scan", "--select", "vulnerabilities,suppression", "--format", "json", "shop.yaml"];

#[test]
fn one_finding_is_one_thing_to_do_for_all_pods_that_run_the_image() {
    let files = shop(WORKLOADS, "");
    let output = at(&files, &SCAN);
    let found = findings(&output);
    assert_eq!((found.len(), output.status.code()), (2, Some(1)), "{}", stderr(&output));
    let rebuild = &found[0];
    for (field, part) in [
        ("message", "2 known vulnerabilities with a fix in its distribution"),
        ("message", "most urgently CVE-2023-4911 in `libc6` 2.36-9+deb12u1 (high, exploited)"),
        ("why", "can be reached from outside the cluster and runs as root"),
        ("help", "Rebuild on today's debian:bookworm"),
        ("help", "2 of 3 go away"),
    ] {
        assert!(rebuild[field].as_str().unwrap().contains(part), "{rebuild}");
    }
    assert_eq!(rebuild["severity"], "critical");
    assert_eq!(rebuild["object"]["name"], "web", "where it is open comes first");
    assert_eq!(rebuild["locations"].as_array().unwrap().len(), 2);
    assert_eq!(rebuild["locations"][1]["label"], "runs the image too");
    let snippet = rebuild["fix"]["snippet"].as_str().unwrap();
    assert!(snippet.contains("libssl3 3.0.9-1 -> 3.0.11-1~deb12u2 (CVE-2023-5363)"), "{snippet}");
    let upgrade = found[1]["help"].as_str().unwrap();
    assert!(upgrade.contains("Upgrade `lodash` from 4.17.4 to 4.17.12"), "{upgrade}");
    let shown = at(&files, &["scan", "--select", "vulnerabilities", "shop.yaml"]);
    assert!(stdout(&shown).contains("2 findings: 1 critical, 1 high"), "{}", stdout(&shown));
}

#[test]
fn where_the_outside_can_not_come_it_is_less_bad() {
    let files = shop(SHUT, "");
    let found = findings(&at(&files, &SCAN));
    let severities: Vec<&Value> = found.iter().map(|finding| &finding["severity"]).collect();
    // The exploited one, and a high one that nobody from outside can reach.
    assert_eq!(severities, ["critical", "medium"], "{found:#?}");
    let why = found[1]["why"].as_str().unwrap();
    assert!(why.contains("Network policies protect the container from outside"), "{why}");
}

#[test]
fn ignored_vulnerabilities_need_a_reason_and_may_expire() {
    let ignored = |date: &str| {
        format!(
            "  ignore:\n    - {{id: CVE-2019-10744, package: lodash, reason: no input of users, expires: {date}}}\n"
        )
    };
    // Today is 2026-01-01.
    let valid = at(&shop(WORKLOADS, &ignored("2026-01-01")), &SCAN);
    assert_eq!(findings(&valid).len(), 1);
    assert_eq!(stderr(&valid), "");
    let files = shop(WORKLOADS, &ignored("2025-12-31"));
    let expired = at(&files, &SCAN);
    assert_eq!(findings(&expired).len(), 2);
    let warning = "`vulnerabilities.ignore` in coaming.yaml: CVE-2019-10744: expired on 2025-12-31; the entry has no effect";
    assert!(stderr(&expired).contains(warning), "{}", stderr(&expired));
    let image = at(&files, &["image", "--fail-on", "low", "web"]);
    assert!(stderr(&image).contains(warning), "{}", stderr(&image));
    assert!(stdout(&image).contains("CVE-2019-10744"), "{}", stdout(&image));
    let unfounded = "  ignore: [{id: CVE-2019-10744}]\n";
    let unfounded = at(&shop(WORKLOADS, unfounded), &SCAN);
    assert!(stderr(&unfounded).contains("has no reason"), "{}", stderr(&unfounded));
}

#[test]
fn an_ignored_vulnerability_is_ignored_by_coaming_image_too() {
    let ignored = "  ignore:\n    - {id: GHSA-jf85-cpcp-j695, reason: no input of users}\n";
    let files = shop(WORKLOADS, ignored);
    let output = at(&files, &["image", "--format", "json", "web"]);
    let known = json(&output)["vulnerabilities"].clone();
    assert_eq!(known["ignored"][0]["id"], "CVE-2019-10744", "{known:#}");
    assert_eq!(known["ignored"][0]["reason"], "no input of users");
    assert_eq!(known["summary"]["vulnerabilities"], 3);
}

#[test]
fn an_image_is_told_as_vex_which_is_read_again() {
    let files = shop(WORKLOADS, "");
    for (format, list) in [("openvex", "statements"), ("cyclonedx-vex", "vulnerabilities")] {
        let written = at(&files, &["image", "--format", format, "-o", "out.json", "web"]);
        assert_eq!(written.status.code(), Some(0), "{}", stderr(&written));
        let text = std::fs::read_to_string(files.path().join("out.json")).unwrap();
        let mut document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document[list].as_array().unwrap().len(), 4, "{document:#}");
        // Somebody looks at one of them, and says that it is no matter.
        let said = document[list].as_array_mut().unwrap().iter_mut();
        let said = said.filter(|each| each.to_string().contains("CVE-2019-10744"));
        for each in said {
            if format == "openvex" {
                each["status"] = "not_affected".into();
            } else {
                each["analysis"]["state"] = "not_affected".into();
            }
        }
        std::fs::write(files.path().join("out.json"), document.to_string()).unwrap();
        let output = at(&files, &["image", "--format", "json", "--vex", "out.json", "web"]);
        let known = json(&output)["vulnerabilities"].clone();
        assert_eq!(known["summary"]["vulnerabilities"], 3, "{format}: {known:#}");
        let reason = known["ignored"][0]["reason"].as_str().unwrap();
        assert!(reason.contains("(says out.json"), "{reason}");
    }
    std::fs::remove_file(files.path().join("advisories.db")).unwrap();
    let output = at(&files, &["image", "--format", "openvex", "web"]);
    assert_eq!(output.status.code(), Some(2), "what was not looked up is not free of anything");
}

#[test]
fn vex_counts_in_a_scan() {
    let files = shop(WORKLOADS, "");
    let vex = r#"{"@context": "https://openvex.dev/ns/v0.2.0", "statements": [
        {"vulnerability": {"name": "CVE-2019-10744"}, "products": [{"@id": "pkg:npm/lodash"}],
         "status": "not_affected", "justification": "vulnerable_code_not_in_execute_path"}]}"#;
    std::fs::write(files.path().join("vex.json"), vex).unwrap();
    let found = findings(&at(&files, &[&SCAN[..], &["--vex", "vex.json"]].concat()));
    assert_eq!(found.len(), 1, "{found:#?}");
}

#[test]
fn what_is_not_judged_is_said() {
    let files = shop(WORKLOADS, "");
    std::fs::remove_file(files.path().join("osv/1.json")).unwrap();
    std::fs::remove_file(files.path().join("osv/2.json")).unwrap();
    std::fs::remove_file(files.path().join("osv/3.json")).unwrap();
    at(&files, &["db", "build", "osv", "--db", "advisories.db"]);
    let output = at(&files, &SCAN);
    let note = "2 packages not checked: the database contains nothing about Debian:12";
    assert!(stderr(&output).contains(note), "{}", stderr(&output));
}

#[test]
fn a_database_that_was_named_must_be_there_and_none_is_needed_otherwise() {
    let files = shop(WORKLOADS, "");
    std::fs::remove_file(files.path().join("advisories.db")).unwrap();
    let output = at(&files, &SCAN);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("there is no vulnerability database"), "{}", stderr(&output));
    let config = "images: {archives: {'shop/web:1.0': web}}\n";
    std::fs::write(files.path().join("coaming.yaml"), config).unwrap();
    let output = at(&files, &SCAN);
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
    // An unusable database in the user's cache causes a warning, and the rest is done.
    let own = files.path().join("cache/coaming");
    std::fs::create_dir_all(&own).unwrap();
    std::fs::write(own.join("advisories.db"), "of another version").unwrap();
    for arguments in [&SCAN[..], &["image", "web"]] {
        let output = at(&files, arguments);
        let warning =
            "warning: known vulnerabilities are not looked up: the vulnerability database";
        assert!(stderr(&output).contains(warning), "{}", stderr(&output));
        assert_eq!(output.status.code(), Some(0));
    }
    let gate = at(&files, &["image", "--fail-on", "high", "web"]);
    assert_eq!(gate.status.code(), Some(2), "a gate is not passed without a look");
}
