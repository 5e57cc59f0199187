//! `coaming secrets --verify`, against a server on loopback.

use coaming_test::http_server::{Server, reply};

use super::{directory, json, run, stderr, stdout};

const LIVE: &str = "ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O520h6lp";
const DEAD: &str = "xoxb-748291630257-918273640518-x9Kq2LmZ8vTn4RwYb7HcPd3f";

fn github_and_slack() -> Server {
    Server::start(|_, request, stream| {
        let is_live = request.header("authorization").is_some_and(|sent| sent.ends_with(LIVE));
        let scopes = [("x-oauth-scopes", "repo")];
        match request.path.as_str() {
            "/user" if is_live => reply(stream, 200, &scopes, br#"{"login": "octocat"}"#),
            "/api/auth.test" => reply(stream, 200, &[], br#"{"ok": false}"#),
            _ => reply(stream, 401, &[], b"{}"),
        }
    })
}

#[test]
fn providers_are_asked_once_and_their_answers_are_reported() {
    let files = directory(&[
        ("a.py", &format!("TOKEN = \"{LIVE}\"\nSLACK = \"{DEAD}\"\n")),
        ("b.py", &format!("GITHUB = \"{LIVE}\"\nPASSWORD = \"vS8kq-2pLx7w\"\n")),
    ]);
    let server = github_and_slack();
    let github = format!("github=http://{}", server.host);
    let slack = format!("slack=http://{}", server.host);
    let arguments = ["--format", "json", "--verify-at", &github, "--verify-at", &slack];
    let path = files.path().to_str().unwrap();
    let output = run(&[&["secrets", "--verify"], &arguments[..], &[path]].concat());
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(server.requests().len(), 2);
    let shown = stdout(&output) + &stderr(&output);
    assert!(!shown.contains(LIVE) && !shown.contains(DEAD), "{shown}");
    assert!(stderr(&output).contains(&format!("asking http://{} whether", server.host)));
    let report = json(&output);
    let mut found: Vec<String> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let status = finding["verification"]["status"].as_str().unwrap_or("not asked");
            let severity = finding["severity"].as_str().unwrap();
            format!("{} {severity} {status}", finding["locations"][0]["line"])
        })
        .collect();
    found.sort();
    assert_eq!(found, ["1 critical live", "1 critical live", "2 high not asked", "2 low dead"]);
    let live = &report["findings"][0];
    assert_eq!(live["verification"]["account"], "octocat");
    assert!(live["message"].as_str().unwrap().ends_with("account octocat, may: repo)"), "{live}");
}

#[test]
fn nobody_is_asked_without_the_option() {
    let files = directory(&[("a.py", &format!("TOKEN = \"{LIVE}\"\n"))]);
    let server = github_and_slack();
    let path = files.path().to_str().unwrap();
    let address = format!("github=http://{}", server.host);
    // The address alone is refused: it is of no use without the option.
    assert_eq!(run(&["secrets", "--verify-at", &address, path]).status.code(), Some(2));
    assert_eq!(run(&["secrets", path]).status.code(), Some(1));
    assert!(server.requests().is_empty());
}

#[test]
fn a_server_has_to_be_one_of_a_provider() {
    for address in ["github", "nobody=https://example.com", "github=http://git.example.com"] {
        let output = run(&["secrets", "--verify", "--verify-at", address, "README.md"]);
        assert_eq!(output.status.code(), Some(2), "{address}");
    }
}

#[test]
fn the_plan_names_what_uses_a_secret_and_where_to_revoke_it() {
    let encoded = "Z2hwX0ExYjJDM2Q0RTVmNkc3aDhJOWowSzFsMk0zbjRPNTIwaDZscA==";
    let files = directory(&[
        (
            "secret.yaml",
            &format!(
                "apiVersion: v1\nkind: Secret\nmetadata: {{name: git, namespace: shop}}\n\
                 data: {{token: {encoded}}}\n"
            ),
        ),
        (
            "web.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\nspec:\n  \
             containers:\n    - name: web\n      image: registry.example.com/web:1.0.0\n      \
             envFrom: [{secretRef: {name: git}}]\n",
        ),
    ]);
    let path = files.path().to_str().unwrap();
    let plan = files.path().join("plan.md");
    run(&["secrets", "--rotate-plan", plan.to_str().unwrap(), path]);
    let text = std::fs::read_to_string(plan).unwrap();
    assert!(!text.contains(LIVE) && !text.contains(encoded), "{text}");
    for part in [
        "secret.yaml:4`",
        "- [ ] Deliver it to `Pod shop/web`",
        "- [ ] Revoke the old one at <https://github.com/settings/tokens>",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn both_halves_of_a_key_of_aws_are_asked_about_together() {
    let (id, secret) = ("AKIAMXPOZXL2SLAKCSOJ", "BBic/582EkOmEiIYwMJqUPHxogVV00HUGLCfv3xB");
    let files = directory(&[
        ("a.env", &format!("AWS_ACCESS_KEY_ID={id}\nAWS_SECRET_ACCESS_KEY={secret}\n")),
        ("b.env", "AWS_ACCESS_KEY_ID=AKIAYZ2LQ4VN7MWKTB3R\n"),
    ]);
    let server = Server::start(|_, request, stream| {
        let is_signed = request.header("authorization").is_some_and(|sent| {
            sent.starts_with("AWS4-HMAC-SHA256 Credential=AKIAMXPOZXL2SLAKCSOJ/")
        });
        let result = br#"{"GetCallerIdentityResponse": {"GetCallerIdentityResult": {"Arn": "arn:aws:iam::1:user/shop"}}}"#;
        reply(stream, if is_signed { 200 } else { 500 }, &[], result);
    });
    let aws = format!("aws=http://{}", server.host);
    let path = files.path().to_str().unwrap();
    let output = run(&["secrets", "--verify", "--verify-at", &aws, "--format", "json", path]);
    assert_eq!(server.requests().len(), 1);
    let shown = stdout(&output) + &stderr(&output);
    assert!(!shown.contains(secret), "{shown}");
    let report = json(&output);
    let live = report["findings"].as_array().unwrap().iter();
    let live: Vec<_> = live.filter(|one| one["verification"]["status"] == "live").collect();
    assert!(!live.is_empty(), "{report}");
    assert_eq!(live[0]["verification"]["account"], "arn:aws:iam::1:user/shop");
}

#[test]
fn keys_of_aws_in_china_are_asked_about_there() {
    let files = directory(&[(
        "a.env",
        "AWS_ACCESS_KEY_ID=AKIAMXPOZXL2SLAKCSOJ\n\
         AWS_SECRET_ACCESS_KEY=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\n\
         AWS_DEFAULT_REGION=cn-northwest-1\n",
    )]);
    let server = Server::start(|_, request, stream| {
        let is_signed = request.header("authorization").is_some_and(|sent| {
            sent.contains("Credential=AKIAMXPOZXL2SLAKCSOJ/") && sent.contains("/cn-north-1/sts/")
        });
        reply(stream, if is_signed { 200 } else { 500 }, &[], b"{}");
    });
    let china = format!("aws-china=http://{}", server.host);
    let path = files.path().to_str().unwrap();
    let output = run(&["secrets", "--verify", "--verify-at", &china, "--format", "json", path]);
    assert_eq!(server.requests().len(), 1);
    let report = json(&output);
    let mut findings = report["findings"].as_array().unwrap().iter();
    assert!(findings.any(|one| one["verification"]["status"] == "live"), "{report}");
}
