//! Packages are matched with databases that are built from records.

use std::fs;

use coaming_advisory::{DeploymentContext, RunsOn, Severity, Skip, Unmatched};
use coaming_image::Package;
use serde_json::{Value, json};

use crate::world::{World, fixed, lines, packages, record, run};

#[test]
fn real_old_packages_are_found_and_their_fixed_versions_are_not() {
    // Package, an old version, the record's name, where the fix came, from the publishers'
    // advisories.
    let facts = [
        ("PyPI", "requests", "pkg:pypi/requests", "2.19.1", "CVE-2018-18074", "2.20.0"),
        ("PyPI", "Jinja2", "pkg:pypi/jinja2", "2.10", "CVE-2019-10906", "2.10.1"),
        ("npm", "lodash", "pkg:npm/lodash", "4.17.11", "CVE-2019-10744", "4.17.12"),
        ("npm", "minimist", "pkg:npm/minimist", "1.2.5", "CVE-2021-44906", "1.2.6"),
        ("crates.io", "time", "pkg:cargo/time", "0.1.43", "RUSTSEC-2020-0071", "0.2.23"),
        (
            "Go",
            "golang.org/x/net",
            "pkg:golang/golang.org/x/net",
            "v0.6.0",
            "CVE-2022-41723",
            "0.7.0",
        ),
        ("Go", "stdlib", "pkg:golang/stdlib", "1.20.3", "CVE-2023-24538", "1.20.4"),
        (
            "Maven",
            "org.apache.logging.log4j:log4j-core",
            "pkg:maven/org.apache.logging.log4j/log4j-core",
            "2.14.1",
            "CVE-2021-44228",
            "2.15.0",
        ),
        ("RubyGems", "rack", "pkg:gem/rack", "2.2.3", "CVE-2022-30122", "2.2.3.1"),
        (
            "NuGet",
            "Newtonsoft.Json",
            "pkg:nuget/Newtonsoft.Json",
            "12.0.3",
            "GHSA-5crp-9r3c-p9vr",
            "13.0.1",
        ),
        (
            "Packagist",
            "guzzlehttp/guzzle",
            "pkg:composer/guzzlehttp/guzzle",
            "7.4.2",
            "CVE-2022-29248",
            "7.4.3",
        ),
    ];
    let records: Vec<Value> = facts
        .iter()
        .map(|(ecosystem, name, _, _, id, version)| fixed(id, ecosystem, name, version))
        .collect();
    let world = World::new(&records);
    for (_, _, url, old, id, repaired) in facts {
        let found = world.found(&[&format!("{url}@{old}")]);
        assert_eq!(found.len(), 1, "{url}@{old}");
        assert!(found[0].starts_with(id), "{found:?}");
        assert_eq!(world.found(&[&format!("{url}@{repaired}")]), Vec::<String>::new(), "{url}");
    }
}

#[test]
fn a_name_in_two_ecosystems_is_two_packages() {
    let world = World::new(&[fixed("CVE-2020-1", "npm", "requests", "9.0.0")]);
    assert_eq!(world.found(&["pkg:pypi/requests@2.19.1"]), Vec::<String>::new());
    assert_eq!(world.found(&["pkg:npm/requests@2.19.1"]).len(), 1);
}

#[test]
fn distributions_are_matched_by_release_and_source_package() {
    let libssl = "pkg:deb/debian/libssl3@3.0.9-1?upstream=openssl&distro=debian-12";
    let world = World::new(&[
        fixed("DSA-1-1", "Debian:12", "openssl", "3.0.11-1~deb12u1"),
        fixed("DSA-2-1", "Debian:11", "openssl", "9.9"),
        fixed("CVE-2023-5", "Debian:12", "libssl3", "9.9"),
        record("DEBIAN-CVE-2023-9", "Debian:12", "openssl", &json!([{"introduced": "0"}])),
    ]);
    let expected = ["DEBIAN-CVE-2023-9 libssl3 -", "DSA-1-1 libssl3 3.0.11-1~deb12u1"];
    assert_eq!(world.found(&[libssl]), expected);
    // The distribution's backport carries the fix, though upstream's number is old.
    let backport = "pkg:deb/debian/libssl3@3.0.11-1~deb12u1?upstream=openssl&distro=debian-12";
    assert_eq!(world.found(&[backport]), ["DEBIAN-CVE-2023-9 libssl3 -"]);
}

#[test]
fn releases_are_found_under_all_the_ways_to_write_them() {
    let world = World::new(&[
        fixed("A-1", "Ubuntu:22.04:LTS", "curl", "2"),
        fixed("A-2", "Red Hat:enterprise_linux:9::baseos", "curl", "2"),
        fixed("A-3", "SUSE:Linux Enterprise Module for Basesystem 15 SP5", "curl", "2"),
        fixed("A-4", "Alpine:v3.18", "curl", "2"),
        fixed("A-5", "Rocky Linux:8", "curl", "2"),
    ]);
    for (url, id) in [
        ("pkg:deb/ubuntu/curl@1?distro=ubuntu-22.04", "A-1"),
        ("pkg:rpm/redhat/curl@1?distro=rhel-9.3", "A-2"),
        ("pkg:rpm/suse/curl@1?distro=sles-15.5", "A-3"),
        ("pkg:apk/alpine/curl@1?distro=alpine-3.18.4", "A-4"),
        ("pkg:rpm/rocky/curl@1?distro=rocky-8.9", "A-5"),
    ] {
        assert_eq!(world.found(&[url]), [format!("{id} curl 2")], "{url}");
    }
}

#[test]
fn one_vulnerability_of_many_names_is_one_finding() {
    let mut github = fixed("GHSA-aaaa-bbbb-cccc", "PyPI", "requests", "2.20.0");
    github["aliases"] = json!(["CVE-2018-18074", "PYSEC-2018-28"]);
    github["severity"] =
        json!([{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}]);
    let mut python = fixed("PYSEC-2018-28", "PyPI", "requests", "2.21.0");
    python["aliases"] = json!(["CVE-2018-18074"]);
    let world = World::new(&[github, python]);
    let (packages, _) = packages(&["pkg:pypi/requests@2.19.1"]);
    let database = world.database();
    let matches = database.matches(&packages, None, DeploymentContext::default()).unwrap();
    assert_eq!(lines(&matches), ["CVE-2018-18074 requests 2.21.0"]);
    let found = &matches.vulnerabilities[0];
    assert_eq!(found.aliases, ["GHSA-aaaa-bbbb-cccc", "PYSEC-2018-28"]);
    assert_eq!((found.score, found.severity), (Some(7.5), Some(Severity::High)));
}

#[test]
fn a_bulletin_is_as_many_findings_as_it_has_vulnerabilities() {
    let mut bulletin = fixed("DSA-9-1", "Debian:12", "curl", "8");
    bulletin["upstream"] = json!(["CVE-2024-1", "CVE-2024-2"]);
    let mut single = fixed("DEBIAN-CVE-2024-1", "Debian:12", "curl", "8");
    single["upstream"] = json!(["CVE-2024-1"]);
    single["affected"][0]["ecosystem_specific"] = json!({"urgency": "unimportant"});
    let world = World::new(&[bulletin, single]);
    let (packages, distribution) = packages(&["pkg:deb/debian/curl@7?distro=debian-12"]);
    let database = world.database();
    let matches =
        database.matches(&packages, distribution.as_ref(), DeploymentContext::default()).unwrap();
    assert_eq!(lines(&matches), ["CVE-2024-1 curl 8", "CVE-2024-2 curl 8"]);
    let first = matches.vulnerabilities.iter().find(|found| found.id == "CVE-2024-1").unwrap();
    assert_eq!(first.aliases, ["DEBIAN-CVE-2024-1", "DSA-9-1"]);
    assert_eq!(first.severity, Some(Severity::Low), "the distribution's word");
}

#[test]
fn what_is_withdrawn_or_no_vulnerability_is_left_out() {
    let mut withdrawn = fixed("GHSA-1", "npm", "a", "2.0.0");
    withdrawn["withdrawn"] = json!("2024-01-01T00:00:00Z");
    let mut unmaintained = fixed("RUSTSEC-1", "crates.io", "a", "2.0.0");
    unmaintained["affected"][0]["database_specific"] = json!({"informational": "unmaintained"});
    let world = World::new(&[withdrawn, unmaintained, fixed("GHSA-2", "npm", "b", "2.0.0")]);
    assert_eq!(world.found(&["pkg:npm/a@1.0.0", "pkg:cargo/a@1.0.0"]), Vec::<String>::new());
    assert_eq!(world.built.skipped[&Skip::Withdrawn], 1);
    assert_eq!(world.built.skipped[&Skip::Informational], 1);
}

#[test]
fn versions_that_are_listed_alone_are_affected() {
    let mut listed = record("MAL-1", "npm", "evil", &json!([{"introduced": "5.0.0"}]));
    listed["affected"][0]["versions"] = json!(["1.0.1", "6.0.0"]);
    let world = World::new(&[listed]);
    assert_eq!(world.found(&["pkg:npm/evil@1.0.1"]), ["MAL-1 evil -"]);
    assert_eq!(world.found(&["pkg:npm/evil@1.0.2"]), Vec::<String>::new());
    assert_eq!(world.found(&["pkg:npm/evil@6.0.0"]), ["MAL-1 evil -"]);
}

#[test]
fn go_modules_under_development_are_not_judged() {
    let world = World::new(&[fixed("GO-1", "Go", "example.com/app", "1.5.0")]);
    let (packages, _) = packages(&[
        "pkg:golang/example.com/app@(devel)",
        "pkg:golang/example.com/app@v0.0.0",
        "pkg:golang/example.com/app@v0.0.0-20200622213623-75b288015ac9",
    ]);
    let database = world.database();
    let matches = database.matches(&packages, None, DeploymentContext::default()).unwrap();
    assert_eq!(matches.unmatched[&Unmatched::NoVersion], 2);
    assert_eq!(lines(&matches), ["GO-1 example.com/app 1.5.0"], "a pseudo-version has an order");
}

#[test]
fn what_is_of_windows_alone_is_not_said_of_linux() {
    let mut go = fixed("GO-1", "Go", "stdlib", "1.20.4");
    go["affected"][0]["ecosystem_specific"] =
        json!({"imports": [{"path": "os/exec", "goos": ["windows"], "symbols": ["LookPath"]}]});
    let mut rust = fixed("RUSTSEC-1", "crates.io", "mio", "0.8.11");
    rust["affected"][0]["ecosystem_specific"] =
        json!({"affects": {"arch": ["aarch64"], "os": [], "functions": []}});
    let world = World::new(&[go, rust]);
    let (packages, _) = packages(&["pkg:golang/stdlib@1.20.3", "pkg:cargo/mio@0.8.5"]);
    let ask = |system: &str, architecture: &str| {
        let deployment = DeploymentContext {
            runs_on: RunsOn::of(system, architecture),
            ..DeploymentContext::default()
        };
        lines(&world.database().matches(&packages, None, deployment).unwrap()).len()
    };
    assert_eq!(ask("linux", "amd64"), 0);
    assert_eq!(ask("windows", "amd64"), 1);
    assert_eq!(ask("linux", "arm64"), 1);
    assert_eq!(ask("", ""), 2, "where it runs is not known");
}

#[test]
fn the_standard_library_of_go_has_versions_with_additions() {
    let world = World::new(&[fixed("GO-2", "Go", "stdlib", "1.20.4")]);
    for version in ["go1.20.3", "1.20.3", "go1.20.3 X:boringcrypto", "go1.20rc2"] {
        let (mut packages, _) = packages(&["pkg:golang/stdlib@1"]);
        packages[0].version = version.to_owned();
        let database = world.database();
        let matches = database.matches(&packages, None, DeploymentContext::default()).unwrap();
        assert_eq!(matches.vulnerabilities.len(), 1, "{version}");
    }
    assert_eq!(world.found(&["pkg:golang/stdlib@1.20.4"]), Vec::<String>::new());
}

#[test]
fn what_the_distribution_packaged_is_judged_by_the_distribution() {
    let world = World::new(&[fixed("PYSEC-1", "PyPI", "requests", "2.31.0")]);
    let (mut packages, distribution) = packages(&[
        "pkg:deb/debian/python3-requests@2.28.1?upstream=requests&distro=debian-12",
        "pkg:pypi/requests@2.28.1",
    ]);
    let ask = |packages: &[Package]| {
        let database = world.database();
        let matches = database
            .matches(packages, distribution.as_ref(), DeploymentContext::default())
            .unwrap();
        matches.vulnerabilities.len()
    };
    packages[1].path = "/usr/lib/python3/dist-packages/requests-2.28.1.egg-info".to_owned();
    assert_eq!(ask(&packages), 0, "it is Debian's");
    packages[1].path =
        "/usr/local/lib/python3.11/site-packages/requests.dist-info/METADATA".to_owned();
    assert_eq!(ask(&packages), 1, "pip installed it");
}

#[test]
fn jars_of_the_distribution_are_judged_by_the_distribution() {
    let world = World::new(&[fixed("GHSA-1", "Maven", "commons-io:commons-io", "2.14.0")]);
    let (mut packages, distribution) = packages(&[
        "pkg:deb/debian/libcommons-io-java@2.11.0-2+deb12u1?distro=debian-12",
        "pkg:maven/commons-io/commons-io@2.11.0",
    ]);
    let ask = |packages: &[Package]| {
        let database = world.database();
        let matches = database
            .matches(packages, distribution.as_ref(), DeploymentContext::default())
            .unwrap();
        matches.vulnerabilities.len()
    };
    packages[1].path = "/usr/share/java/commons-io-2.11.0.jar".to_owned();
    assert_eq!(ask(&packages), 0, "it is Debian's, with its fixes");
    packages[1].path = "/app/lib/commons-io-2.11.0.jar".to_owned();
    assert_eq!(ask(&packages), 1, "the application brought it along");
}

#[test]
fn python_names_are_one_however_they_are_written() {
    let world = World::new(&[fixed("PYSEC-1", "PyPI", "Zope.Interface", "6.0")]);
    for name in ["zope-interface", "zope_interface", "ZOPE.interface", "zope--interface"] {
        assert_eq!(world.found(&[&format!("pkg:pypi/{name}@5.0")]).len(), 1, "{name}");
    }
}

#[test]
fn a_fix_in_a_module_stream_says_nothing_of_others() {
    let world = World::new(&[fixed(
        "RHSA-1",
        "Red Hat:enterprise_linux:8::appstream",
        "nodejs",
        "1:18.1-1.module+el8.9",
    )]);
    let plain = "pkg:rpm/redhat/nodejs@16.2-1.el8?epoch=1&distro=rhel-8.9";
    assert_eq!(world.found(&[plain]), Vec::<String>::new());
    let module = "pkg:rpm/redhat/nodejs@18.0-1.module%2Bel8.7?epoch=1&distro=rhel-8.9";
    assert_eq!(world.found(&[module]).len(), 1);
}

#[test]
fn one_vulnerability_is_fixed_in_each_module_stream_apart() {
    // As Rocky Linux and AlmaLinux publish it: an advisory a stream, which the summary names.
    let advisory = |id: &str, ecosystem: &str, stream: &str, packages: &[(&str, &str)]| {
        let mut record = json!({"schema_version": "1.6.0", "id": id, "modified": "2025-01-01T00:00:00Z",
            "upstream": ["CVE-2022-43548"],
            "summary": format!("Important: {stream} security, bug fix, and enhancement update")});
        record["affected"] = packages
            .iter()
            .map(|(name, version)| json!({"package": {"ecosystem": ecosystem, "name": name},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": version}]}]}))
            .collect();
        record
    };
    for (ecosystem, distro, tag) in [
        ("Rocky Linux:8", "rocky-8.9", "module+el8.7.0"),
        ("AlmaLinux:8", "almalinux-8.9", "module_el8.7.0"),
        ("Red Hat:enterprise_linux:8::appstream", "rhel-8.9", "module+el8.7.0"),
    ] {
        let of = |version: &str| format!("{version}.{tag}+1+45d748af");
        let (node_16, node_18) = (of("1:16.18.1-3"), of("1:18.12.1-2"));
        let (tool_16, tool_18) = (of("0:2.0.20-2"), of("0:2.0.20-9"));
        let world = World::new(&[
            advisory(
                "A-16",
                ecosystem,
                "nodejs:16",
                &[("nodejs", &node_16), ("nodejs-nodemon", &tool_16)],
            ),
            advisory(
                "A-18",
                ecosystem,
                "nodejs:18",
                &[("nodejs", &node_18), ("nodejs-nodemon", &tool_18)],
            ),
        ]);
        let ask = |name: &str, version: &str, stream: &str| {
            let version = of(version).replace('+', "%2B");
            let label = format!("rpmmod=nodejs:{stream}:8070020221215:abc");
            world.found(&[&format!("pkg:rpm/x/{name}@{version}?distro={distro}&{label}")])
        };
        let found =
            |package: &str, version: &str| vec![format!("CVE-2022-43548 {package} {version}")];
        assert_eq!(ask("nodejs", "1:16.17.1-1", "16"), found("nodejs", &node_16));
        assert_eq!(ask("nodejs", "1:16.18.1-3", "16"), Vec::<String>::new(), "{ecosystem}");
        assert_eq!(
            ask("nodejs", "1:16.19.1-1", "16"),
            Vec::<String>::new(),
            "older than the fix of 18"
        );
        assert_eq!(ask("nodejs", "1:18.9.1-1", "18"), found("nodejs", &node_18));
        // The same version in both streams, built separately.
        assert_eq!(ask("nodejs-nodemon", "2.0.20-3", "16"), Vec::<String>::new());
        assert_eq!(ask("nodejs-nodemon", "2.0.20-3", "18"), found("nodejs-nodemon", &tool_18));
        // A stream that no advisory is about.
        assert_eq!(ask("nodejs", "1:14.21.1-2", "14"), Vec::<String>::new());
    }
}

#[test]
fn silence_is_explained() {
    let world = World::new(&[fixed("GHSA-1", "npm", "a", "2.0.0")]);
    let (packages, distribution) = packages(&[
        "pkg:deb/debian/curl@7?distro=debian-12",
        "pkg:deb/debian/wget@7?distro=debian-12",
        "pkg:npm/a@not-a-version",
    ]);
    let database = world.database();
    let matches =
        database.matches(&packages, distribution.as_ref(), DeploymentContext::default()).unwrap();
    assert_eq!(matches.uncovered["Debian:12"], 2);
    assert_eq!(matches.unordered.iter().collect::<Vec<_>>(), ["a not-a-version"]);
}

#[test]
fn exploited_vulnerabilities_come_first() {
    let world = World::new(&[
        fixed("CVE-2021-44228", "npm", "b", "2.0.0"),
        fixed("CVE-2020-0001", "npm", "a", "2.0.0"),
    ]);
    let osv = world.directory.path().join("osv");
    fs::write(
        osv.join("epss_scores-current.csv"),
        "#model\ncve,epss,percentile\nCVE-2021-44228,0.944,0.99\n",
    )
    .unwrap();
    let listed =
        json!({"vulnerabilities": [{"cveID": "CVE-2021-44228", "dateAdded": "2021-12-10"}]});
    fs::write(osv.join("known_exploited_vulnerabilities.json"), listed.to_string()).unwrap();
    run(world.directory.path()).unwrap();
    let (packages, _) = packages(&["pkg:npm/a@1.0.0", "pkg:npm/b@1.0.0"]);
    let database = world.database();
    let matches = database.matches(&packages, None, DeploymentContext::default()).unwrap();
    let first = &matches.vulnerabilities[0];
    assert_eq!(first.id, "CVE-2021-44228");
    assert_eq!((first.probability, first.exploited.as_deref()), (Some(0.944), Some("2021-12-10")));
    assert!(first.priority > matches.vulnerabilities[1].priority);
}

#[test]
fn what_only_subscribers_of_ubuntu_get_fixed_is_known_for_all() {
    let old = "1.1.1-1ubuntu2.1~18.04.23";
    let subscribed = "1.1.1-1ubuntu2.1~18.04.23+esm1";
    let mut both = fixed("A-3", "Ubuntu:18.04:LTS", "openssl", old);
    let other = fixed("A-3", "Ubuntu:Pro:18.04:LTS", "openssl", subscribed);
    both["affected"].as_array_mut().unwrap().push(other["affected"][0].clone());
    let world = World::new(&[
        fixed("A-1", "Ubuntu:Pro:18.04:LTS", "openssl", subscribed),
        fixed("A-2", "Ubuntu:Pro:FIPS:18.04:LTS", "openssl", subscribed),
        both,
        fixed("A-4", "Ubuntu:Pro:16.04:LTS", "openssl", subscribed),
    ]);
    let url = |version: &str| {
        let version = version.replace('+', "%2B").replace('~', "%7E");
        format!("pkg:deb/ubuntu/openssl@{version}?distro=ubuntu-18.04")
    };
    // The release's own advisory decides where there is one.
    assert_eq!(world.found(&[&url(old)]), [format!("A-1 openssl {subscribed}")]);
    assert_eq!(world.found(&[&url(subscribed)]), Vec::<String>::new());
    let (packages, distribution) = packages(&[&url(old)]);
    let matches = world
        .database()
        .matches(&packages, distribution.as_ref(), DeploymentContext::default())
        .unwrap();
    let advice = coaming_advisory::advice(&matches.vulnerabilities, distribution.as_ref());
    assert_eq!(advice.len(), 1);
    assert_eq!(
        advice[0].text,
        "move to a newer release of Ubuntu, or rebuild with Ubuntu Pro, which alone brings newer \
         versions of `openssl`: 1 goes away"
    );
    // A release may have nothing but such advisories.
    let url = url("1").replace("18.04", "16.04");
    assert_eq!(world.found(&[&url]), [format!("A-4 openssl {subscribed}")]);
}
