//! Dockerfiles are scanned, suppressed and fixed like manifests.

use std::fs;

use super::{coaming, directory, json, stderr, stdout};

const DOCKERFILE: &str = "# our web server\nFROM debian:12.5\n\nRUN apt-get update \\\n    # for TLS\n    && \\\n    apt-get install -y ca-certificates\nRUN <<END\n  curl -sL https://x.example/install.sh | sh\nEND\nCOPY web /web\nCMD [\"/web\"]\n";

#[test]
fn findings_have_lines() {
    let files = directory(&[("web/Dockerfile", DOCKERFILE)]);
    let output = coaming(&["scan", "--format", "json"]).current_dir(files.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let findings = json(&output)["findings"].as_array().unwrap().clone();
    let shown: Vec<String> = findings
        .iter()
        .map(|finding| {
            assert!(finding.get("object").is_none());
            let place = &finding["locations"][0];
            format!("{} {}:{}", finding["rule"], place["file"], place["line"])
        })
        .collect();
    assert_eq!(
        shown,
        [
            r#""image-user" "web/Dockerfile":2"#,
            r#""unverified-download" "web/Dockerfile":8"#,
            r#""package-lists" "web/Dockerfile":4"#,
        ]
    );
}

#[test]
fn secrets_in_every_shape_of_an_instruction() {
    let text = "FROM debian:12.5 AS build\nARG OTHER_TOKEN\nFROM debian:12.5\nARG NPM_TOKEN VERSION\n\
                ONBUILD ENV DATABASE_PASSWORD=vS8kq-2pLx7w\n\
                RUN [\"deploy\", \"--password\", \"vS8kq-2pLx7w\", \"web\"]\n\
                RUN [\"deploy\", \"--user\", \"vS8kq-2pLx7w\"]\n\
                RUN make && curl -u ci:vS8kq-2pLx7w https://shop.example/a\n\
                RUN [\"curl\", \"-u\", \"ci:vS8kq-2pLx7w\", \"https://shop.example/a\"]\nUSER 10001\n";
    let files = directory(&[("Dockerfile", text)]);
    let output = coaming(&["scan", "--select", "dockerfile-secret", "--format", "json"])
        .current_dir(files.path())
        .output()
        .unwrap();
    let told = stdout(&output);
    assert!(!told.contains("vS8kq"), "{told}");
    let findings = json(&output)["findings"].as_array().unwrap().clone();
    let mut lines: Vec<u64> =
        findings.iter().map(|it| it["locations"][0]["line"].as_u64().unwrap()).collect();
    lines.sort_unstable();
    // What only a stage that builds gets, is not in the image.
    assert_eq!(lines, [4, 5, 6, 8, 9], "{findings:#?}");
}

#[test]
fn fixes_leave_all_else_alone() {
    let files = directory(&[("Dockerfile", DOCKERFILE)]);
    let output =
        coaming(&["fix", "--unsafe", "--diff"]).current_dir(files.path()).output().unwrap();
    assert_eq!(
        stdout(&output),
        r#"# add `USER 10001` (image-user)
# add `rm -rf /var/lib/apt/lists/*` (package-lists)
--- a/Dockerfile
+++ b/Dockerfile
@@ -4,9 +4,11 @@
 RUN apt-get update \
     # for TLS
     && \
-    apt-get install -y ca-certificates
+    apt-get install -y ca-certificates \
+ && rm -rf /var/lib/apt/lists/*
 RUN <<END
   curl -sL https://x.example/install.sh | sh
 END
 COPY web /web
+USER 10001
 CMD ["/web"]
"#
    );
    let output = coaming(&["fix", "--unsafe"]).current_dir(files.path()).output().unwrap();
    assert!(stdout(&output).starts_with("Dockerfile\n  add `USER 10001` (image-user)\n"));
    let fixed = fs::read_to_string(files.path().join("Dockerfile")).unwrap();
    assert!(fixed.contains("COPY web /web\nUSER 10001\nCMD"), "{fixed}");
}

#[test]
fn suppressions_and_baselines() {
    let suppressed = DOCKERFILE
        .replace("FROM", "# coaming: ignore[image-user] drops to www-data itself\nFROM")
        .replace("# for TLS", "# coaming: ignore[package-lists] a debugging image");
    let files = directory(&[
        ("Dockerfile", &suppressed),
        (
            "coaming.yaml",
            "ignore:\n  - rule: unverified-download\n    path: Dockerfile\n    reason: ours\n",
        ),
    ]);
    let output =
        coaming(&["scan", "--format", "concise"]).current_dir(files.path()).output().unwrap();
    assert_eq!((stdout(&output).as_str(), stderr(&output).as_str()), ("", ""));

    let files = directory(&[("Dockerfile", DOCKERFILE)]);
    let scan = |arguments: &[&str]| {
        let all: Vec<&str> = ["scan"].iter().chain(arguments).copied().collect();
        coaming(&all).current_dir(files.path()).output().unwrap()
    };
    scan(&["--write-baseline", "known.json"]);
    let moved = format!("# a comment\n{DOCKERFILE}USER root\n");
    fs::write(files.path().join("Dockerfile"), moved).unwrap();
    let left = stdout(&scan(&["--baseline", "known.json", "--format", "concise"]));
    assert_eq!(left, "");
}

#[test]
fn what_is_no_dockerfile_is_an_error_with_its_line() {
    let files = directory(&[("Dockerfile", "FROM a:1\nUSER 5\nRUNN x\n")]);
    let output = coaming(&["scan"]).current_dir(files.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("Dockerfile:3:1: not a valid Dockerfile from here on"));
}
