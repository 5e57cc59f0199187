//! The server alone: TLS, bodies, limits, metrics, its end.

use std::process::Command;
use std::time::Duration;

use coaming_test::certificates::Certificates;
use serde_json::{Value, json};

use super::process::{Server, piped};
use super::{HARMLESS, PRIVILEGED, pod, review, to_json};
use crate::{coaming, directory, stderr, stdout};

struct Alone {
    server: Server,
    files: tempfile::TempDir,
}

fn start(policy: &str) -> Alone {
    start_draining(policy, "0s")
}

/// The same, which goes on answering for this long after it was asked to stop.
fn start_draining(policy: &str, drain: &str) -> Alone {
    start_with(policy, drain, &[], &[])
}

/// The same, with more arguments and variables.
fn start_with(policy: &str, drain: &str, further: &[&str], variables: &[(&str, &str)]) -> Alone {
    let certificates = Certificates::for_loopback();
    let files = directory(&[
        ("ca.pem", &certificates.ca),
        ("cert.pem", &certificates.server),
        ("key.pem", &certificates.key),
        ("policy.yaml", policy),
    ]);
    let path = |name: &str| files.path().join(name).display().to_string();
    let (cert, key, policy) = (path("cert.pem"), path("key.pem"), path("policy.yaml"));
    // A debug build on a busy machine takes longer than a user would wait.
    let arguments =
        ["serve", "--standalone", "--listen", "127.0.0.1:0", "--drain", drain, "--deadline", "15s"];
    let named = ["--tls-cert", &cert, "--tls-key", &key, "--policy", &policy];
    let mut command = coaming(&[&arguments[..], &named, further].concat());
    let server = Server::start(command.envs(variables.iter().copied()));
    Alone { server, files }
}

impl Alone {
    /// A request by curl, with these arguments; the status and the body.
    fn ask(&self, path: &str, arguments: &[&str], body: &str) -> (String, String) {
        let url = format!("https://{}{path}", self.server.address().unwrap());
        let ca = self.files.path().join("ca.pem").display().to_string();
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--max-time", "20", "--cacert", &ca, "-w", "\n%{http_code}"]);
        let output = piped(curl.args(arguments).arg(url), body);
        let text = stdout(&output);
        let (body, status) = text.rsplit_once('\n').unwrap_or_default();
        (status.to_owned(), format!("{body}{}", stderr(&output)))
    }

    fn post(&self, path: &str, body: &str) -> (String, String) {
        self.ask(path, &["-H", "Expect:", "--data-binary", "@-"], body)
    }

    fn response(&self, path: &str, body: &Value) -> Value {
        let (status, text) = self.post(path, &body.to_string());
        assert_eq!(status, "200", "{text}");
        serde_json::from_str::<Value>(&text).unwrap()["response"].take()
    }
}

/// Whether curl is there.
fn has_curl() -> bool {
    let has = Command::new("curl").arg("--version").output().is_ok();
    if !has {
        coaming_test::skip!("curl is not installed");
    }
    has
}

#[test]
fn reviews_are_answered_over_tls() {
    if !has_curl() {
        return;
    }
    let alone = start("{mode: enforce, enforceSeverity: high}");
    let bad = to_json(&pod("shop", "web", PRIVILEGED));
    let response = alone.response("/validate", &review(&bad, false));
    assert_eq!((&response["uid"], &response["allowed"]), (&json!("9d2c"), &json!(false)));
    let message = response["status"]["message"].as_str().unwrap();
    assert!(message.contains("privileged: container `web` is privileged"), "{message}");
    let good = to_json(&pod("shop", "web", HARMLESS));
    assert_eq!(alone.response("/validate", &review(&good, false))["allowed"], true);
    assert_eq!(alone.response("/mutate", &review(&good, false))["allowed"], true);
    // A dry run is judged the same, and not counted.
    assert_eq!(alone.response("/validate", &review(&bad, true))["allowed"], false);
    let (status, metrics) = alone.ask("/metrics", &[], "");
    assert_eq!(status, "200");
    let refused = "coaming_admission_reviews_total{path=\"/validate\",outcome=\"refused\"} 2";
    assert!(metrics.contains(refused), "{metrics}");
    let labels =
        "{category=\"security-context\",rule=\"privileged\",mode=\"enforce\",namespace=\"shop\"} 1";
    assert!(metrics.contains(&format!("coaming_admission_findings_total{labels}")), "{metrics}");
    for metric in [
        "coaming_certificate_expiry_seconds ",
        "coaming_certificate_days ",
        "coaming_self_test -1",
        "coaming_background_look_age_seconds -1",
    ] {
        assert!(metrics.contains(metric), "{metric}: {metrics}");
    }
    assert_eq!(alone.ask("/healthz", &[], "").0, "200");
    assert_eq!(alone.ask("/readyz", &[], "").0, "200");
    // Both versions of HTTP.
    for version in ["--http1.1", "--http2"] {
        assert_eq!(alone.ask("/healthz", &[version], "").0, "200", "{version}");
    }
}

/// A tag gets its digest in the first answer if the registry is quick, and otherwise stays, with a warning.
#[test]
#[cfg(feature = "registry")]
fn tags_are_replaced_by_digests() {
    if !has_curl() {
        return;
    }
    let manifest = r#"{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": []}"#;
    let registry = coaming_test::http_server::Server::start(move |_, request, stream| {
        let kind = [("content-type", "application/vnd.oci.image.index.v1+json")];
        let (status, body) = match request.path.as_str() {
            "/v2/shop/web/manifests/1" => (200, manifest),
            _ => (404, "{}"),
        };
        coaming_test::http_server::reply(stream, status, &kind, body.as_bytes());
    });
    let alone = start_with("digests: true", "0s", &["--ask-registries"], &[]);
    let ask = |image: &str| {
        let mut pod = to_json(&pod("shop", "web", HARMLESS));
        pod["spec"]["containers"][0]["image"] = format!("{}/{image}", registry.host).into();
        alone.response("/mutate", &review(&pod, true))
    };
    let response = ask("shop/web:1");
    assert_eq!(
        (&response["patchType"], &response["warnings"]),
        (&json!("JSONPatch"), &json!(null))
    );
    let none = ask("shop/none:1");
    assert_eq!((&none["allowed"], &none["patch"]), (&json!(true), &json!(null)));
    let warning = none["warnings"][0].as_str().unwrap();
    assert!(warning.contains("keeps the tag of") && warning.contains("shop/none"), "{warning}");
    let files = directory(&[("policy.yaml", "digests: true"), ("cert.pem", "x"), ("key.pem", "x")]);
    let path = |name: &str| files.path().join(name).display().to_string();
    let (cert, key, policy) = (path("cert.pem"), path("key.pem"), path("policy.yaml"));
    let named = ["--tls-cert", &cert, "--tls-key", &key, "--policy", &policy];
    let output = coaming(&[&["serve", "--standalone"][..], &named].concat()).output().unwrap();
    assert!(stderr(&output).contains("`--ask-registries`"), "{}", stderr(&output));
}

#[test]
fn bodies_that_are_not_reviews_are_refused_with_the_reason() {
    if !has_curl() {
        return;
    }
    let alone = start("mode: enforce");
    let head = "{\"apiVersion\": \"admission.k8s.io/v1\", \"kind\": \"AdmissionReview\"";
    let beta = head.replace("/v1\"", "/v1beta1\"");
    for (body, status, reason) in [
        (String::new(), "400", "not an AdmissionReview"),
        ("{".repeat(200), "400", "more than 128 levels"),
        (format!("{head}}}"), "400", "has no request"),
        (format!("{beta}}}"), "400", "`admission.k8s.io/v1beta1` is not understood"),
        (" ".repeat((8 << 20) + 1), "413", "more than 8388608 bytes"),
        (format!("[{}0]", "0,".repeat(600_000)), "400", "more than 500000 values"),
    ] {
        let (got, text) = alone.post("/validate", &body);
        assert_eq!(got, status, "{text}");
        assert!(text.contains(reason), "{text}");
    }
    // Without a length, too.
    let chunked = ["-H", "Transfer-Encoding: chunked", "-H", "Expect:", "--data-binary", "@-"];
    assert_eq!(alone.ask("/validate", &chunked, &" ".repeat((8 << 20) + 1)).0, "413");
    assert_eq!(alone.ask("/validate", &[], "").0, "405");
    assert_eq!(alone.ask("/nothing", &[], "").0, "404");
    let mut large = to_json(&pod("shop", "web", PRIVILEGED));
    large["metadata"]["annotations"] = json!({"text": "x".repeat(3 << 20)});
    assert_eq!(alone.response("/validate", &review(&large, false))["allowed"], false);
}

/// Large bodies that arrive slowly leave room to others.
#[test]
fn slow_bodies_keep_out_nobody() {
    if !has_curl() {
        return;
    }
    let alone = start("mode: enforce");
    let mut large = to_json(&pod("shop", "web", PRIVILEGED));
    large["metadata"]["annotations"] = json!({"text": "x".repeat(1 << 20)});
    let body = review(&large, false).to_string();
    let file = alone.files.path().join("body.json");
    std::fs::write(&file, &body).unwrap();
    let (url, ca) = (
        format!("https://{}/validate", alone.server.address().unwrap()),
        alone.files.path().join("ca.pem"),
    );
    let slow = || {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--limit-rate", "100", "-w", "%{http_code}", "--cacert"]).arg(&ca);
        curl.args(["-H", "Expect:", "--data-binary"]).arg(format!("@{}", file.display())).arg(&url);
        curl.stdout(std::process::Stdio::piped()).spawn().unwrap()
    };
    let all: Vec<_> = (0..6).map(|_| slow()).collect();
    // They have begun to send.
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(alone.response("/validate", &review(&large, false))["allowed"], false);
    for mut curl in all {
        assert!(curl.try_wait().unwrap().is_none(), "it was answered first");
        curl.kill().unwrap();
        curl.wait().unwrap();
    }
}

#[test]
fn no_value_is_answered_or_logged() {
    if !has_curl() {
        return;
    }
    let planted = ["tundra!71825Q", "walnut71826Q", "871827104", "kestrel!71828Q"];
    let [chosen, plain, number, token] = planted;
    let spec = format!(
        "\n  hostNetwork: {plain}\n  dbPasswrod: {chosen}\n  containers:\n    - name: web\n      \
         image: docker.io/lab/busybox:1\n      args: [--password, {chosen}, '--token={token}']\n      \
         securityContext: {{privileged: true}}\n      env:\n        \
         - {{name: DB_PASSWORD, value: {number}}}\n        \
         - {{name: API_TOKEN, value: {token}}}\n"
    );
    let object = to_json(&pod("shop", "web", &spec));
    let policy = "{mode: enforce, enforceSeverity: low}";
    let alone = start_with(policy, "0s", &[], &[("RUST_LOG", "trace"), ("RUST_BACKTRACE", "full")]);
    let answers: Vec<String> = ["/validate", "/mutate"]
        .iter()
        .flat_map(|path| {
            let review = review(&object, false).to_string();
            // A body that ends within a value, and one that is something else.
            let broken = review.split_once(number).unwrap().0.to_owned() + number;
            let other = format!("{{\"password\": \"{chosen}\"}}");
            [review, broken, other].map(|body| alone.post(path, &body).1)
        })
        .chain([alone.post(&format!("/validate?token={plain}"), "{}").1])
        .chain([alone.ask("/metrics", &[], "").1])
        .collect();
    assert!(answers[0].contains("\"allowed\":false"), "{}", answers[0]);
    let said = alone.server.said() + &answers.concat();
    for value in planted {
        let shown = said.lines().find(|line| line.contains(value));
        assert_eq!(shown.map(|line| line.replace(value, "VALUE")), None);
    }
}

#[test]
fn a_certificate_is_replaced_while_it_serves() {
    if !has_curl() {
        return;
    }
    let mut alone = start("mode: warn");
    assert_eq!(alone.ask("/healthz", &[], "").0, "200");
    let other = Certificates::for_loopback();
    let write =
        |name: &str, text: &str| std::fs::write(alone.files.path().join(name), text).unwrap();
    write("cert.pem", &other.server);
    write("key.pem", &other.key);
    write("ca.pem", &other.ca);
    let files = alone.files.path().join("ca.pem").display().to_string();
    let url = format!("https://{}/healthz", alone.server.address().unwrap());
    alone.server.wait("the new certificate is shown", |_| {
        let asked = Command::new("curl").args(["-sS", "--cacert", &files, &url]).output();
        asked.unwrap().status.success()
    });
}

/// An API server that used a connection again while it ends would lose the request.
#[test]
fn connections_end_with_notice_while_it_stops() {
    if !has_curl() {
        return;
    }
    let mut alone = start_draining("mode: warn", "1d");
    let is_last = |alone: &Alone, version: &str| {
        let (status, text) = alone.ask("/healthz", &["-i", version], "");
        assert_eq!(status, "200", "{text}");
        text.to_lowercase().contains("connection: close")
    };
    assert!(!is_last(&alone, "--http1.1"));
    alone.server.terminate();
    let start = std::time::Instant::now();
    while !is_last(&alone, "--http1.1") {
        assert!(start.elapsed() < Duration::from_secs(60), "{}", alone.server.said());
    }
    // The other version has a message of its own for that.
    assert!(!is_last(&alone, "--http2"));
    alone.server.terminate();
    assert!(alone.server.ended_well(), "{}", alone.server.said());
}

#[test]
fn it_ends_when_it_is_asked_to() {
    let mut alone = start("mode: warn");
    alone.server.terminate();
    let start = std::time::Instant::now();
    assert!(alone.server.ended_well(), "{}", alone.server.said());
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn what_cannot_work_is_said_before_it_starts() {
    let files = directory(&[("policy.yaml", "mode: enfroce"), ("cert.pem", "x"), ("key.pem", "x")]);
    let path = |name: &str| files.path().join(name).display().to_string();
    let (cert, key, policy) = (path("cert.pem"), path("key.pem"), path("policy.yaml"));
    let run = |arguments: &[&str]| {
        let base = ["serve", "--standalone", "--listen", "127.0.0.1:0"];
        let tls = ["--tls-cert", &cert, "--tls-key", &key];
        let output = coaming(&[&base[..], &tls, arguments].concat()).output().unwrap();
        (output.status.code(), stderr(&output))
    };
    let (code, text) = run(&["--policy", &policy]);
    assert!(code == Some(2) && text.contains("unknown variant `enfroce`"), "{text}");
    let (code, text) = run(&[]);
    assert!(code == Some(2) && text.contains("no certificate"), "{text}");
}

#[test]
fn the_manifests_pass_the_restricted_standard() {
    for version in ["1.20", "1.25", "1.36"] {
        let printed = coaming(&["serve", "--print-manifests", "--kubernetes-version", version]);
        let printed = { printed }.output().unwrap();
        assert!(printed.status.success(), "{}", stderr(&printed));
        let scan = ["scan", "-", "--kubernetes-version", version, "--standard", "restricted"];
        let output = piped(&mut coaming(&scan), &stdout(&printed));
        assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    }
}
