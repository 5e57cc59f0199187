//! Questions to a server on loopback that answers in the providers' formats.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use coaming_http::{Options, Runtime};
use coaming_test::http_server::{Request, Server, reply};
use coaming_verify::{Answer, PROVIDERS, Status, Verifier};

const TOKEN: &str = "ghp_thisIsOnlyATestOfTheVerifier000000";

/// Answers as the providers' references show, to the live and to any other credential.
fn answer(request: &Request) -> (u16, Vec<(&'static str, &'static str)>, String) {
    let authorization = request.header("authorization").unwrap_or_default();
    let is_live = authorization.contains("live") || request.path.contains("live");
    match request.path.as_str() {
        "/user" if is_live => (
            200,
            vec![("x-oauth-scopes", "admin:org, repo")],
            r#"{"login": "octocat", "id": 1}"#.to_owned(),
        ),
        "/api/auth.test" if is_live => {
            (200, vec![], r#"{"ok": true, "team": "shop", "user": "bot"}"#.to_owned())
        }
        "/api/auth.test" => (200, vec![], r#"{"ok": false, "error": "invalid_auth"}"#.to_owned()),
        "/v3/scopes" if is_live => {
            (200, vec![], r#"{"scopes": ["mail.send", "alerts.read"]}"#.to_owned())
        }
        path if path.starts_with("/bot") && is_live => {
            (200, vec![], r#"{"ok": true, "result": {"username": "shop_bot"}}"#.to_owned())
        }
        path if path.starts_with("/bot") => (404, vec![], r#"{"ok": false}"#.to_owned()),
        "/" if authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIALIVE/") => {
            let arn =
                r#"{"Arn": "arn:aws:iam::123456789012:user/shop", "Account": "123456789012"}"#;
            let result = format!(r#"{{"GetCallerIdentityResult": {arn}}}"#);
            (200, vec![], format!(r#"{{"GetCallerIdentityResponse": {result}}}"#))
        }
        "/" => {
            let (code, message) = if authorization.contains("LATE") {
                ("SignatureDoesNotMatch", "Signature expired: 20260101T000000Z is now earlier")
            } else if authorization.contains("BUSY") {
                ("Throttling", "Rate exceeded")
            } else {
                ("InvalidClientTokenId", "The security token included in the request is invalid.")
            };
            let error =
                format!(r#"{{"Code": "{code}", "Message": "{message}", "Type": "Sender"}}"#);
            (403, vec![], format!(r#"{{"Error": {error}, "RequestId": "x"}}"#))
        }
        "/v1/account" => (503, vec![], String::new()),
        // It repeats what it was sent.
        "/v1/users/me" => (200, vec![], format!("{{\"name\": \"{authorization}\"}}")),
        _ => (401, vec![], r#"{"message": "Bad credentials"}"#.to_owned()),
    }
}

fn server() -> Server {
    Server::start(|_, request, stream| {
        let (status, headers, body) = answer(request);
        reply(stream, status, &headers, body.as_bytes());
    })
}

fn ask(server: &Server, questions: &[(&str, &str)]) -> Vec<Option<Answer>> {
    let address = format!("http://{}", server.host);
    let servers = PROVIDERS.iter().map(|provider| (provider.name, address.as_str()));
    let mut verifier = Verifier::new(Options::default(), servers).unwrap();
    Runtime::shared().unwrap().block_on(async {
        let mut answers = Vec::new();
        for (kind, value) in questions {
            answers.push(verifier.verify(kind, value).await);
        }
        answers
    })
}

#[test]
fn a_live_credential_has_an_account_and_rights() {
    let server = server();
    let answers = ask(
        &server,
        &[
            ("github-personal-access-token", "live-1"),
            ("slack-bot-token", "live-2"),
            ("sendgrid-api-key", "live-3"),
            ("telegram-bot-token", "1:live"),
        ],
    );
    let shown: Vec<String> = answers
        .into_iter()
        .flatten()
        .map(|answer| format!("{} {:?} {:?}", answer.status, answer.account, answer.rights))
        .collect();
    assert_eq!(
        shown,
        [
            r#"live Some("octocat") Some("admin:org, repo")"#,
            r#"live Some("shop") None"#,
            r#"live None Some("mail.send, alerts.read")"#,
            r#"live Some("shop_bot") None"#,
        ]
    );
}

#[test]
fn only_a_refusal_means_dead() {
    let server = server();
    let answers = ask(
        &server,
        &[
            ("github-personal-access-token", TOKEN),
            ("slack-bot-token", "xoxb-no"),
            ("telegram-bot-token", "1:no"),
            ("stripe-secret-key", "busy"),
            ("github-personal-access-token", "cannot\nbe sent"),
        ],
    );
    let statuses: Vec<Status> = answers.iter().flatten().map(|answer| answer.status).collect();
    let expected = [Status::Dead, Status::Dead, Status::Dead, Status::Unknown, Status::Unknown];
    assert_eq!(statuses, expected);
    let reason = answers[3].clone().unwrap().reason.unwrap();
    assert_eq!(reason, "the server answered with status 503");
}

#[test]
fn a_credential_is_asked_about_once_and_never_repeated() {
    let server = server();
    let github = ("github-personal-access-token", TOKEN);
    let answers = ask(&server, &[github, github, ("notion-token", TOKEN), ("pgp", "x")]);
    assert_eq!(server.requests().len(), 2);
    assert_eq!(answers[3], None);
    assert!(!format!("{answers:?}").contains(TOKEN));
}

#[test]
fn an_unreachable_server_leaves_the_status_unknown() {
    let mut verifier =
        Verifier::new(Options::default(), [("github", "http://127.0.0.1:9")]).unwrap();
    let answer = Runtime::shared()
        .unwrap()
        .block_on(verifier.verify("github-personal-access-token", TOKEN))
        .unwrap();
    assert_eq!(answer.status, Status::Unknown);
    assert!(!format!("{answer:?}{verifier:?}").contains(TOKEN));
}

#[test]
fn servers_are_checked() {
    for (name, address) in [
        ("nobody", "https://git.example.com"),
        ("github", "http://git.example.com"),
        ("github", "git.example.com"),
    ] {
        assert!(Verifier::new(Options::default(), [(name, address)]).is_err(), "{name} {address}");
    }
}

/// Each kind is one that the detector knows by its format, or nothing would ever be asked.
#[test]
fn kinds_are_those_of_the_detector() {
    for kind in coaming_verify::kinds() {
        assert!(coaming_secret::has_own_format(kind), "{kind}");
    }
}

#[test]
fn a_key_of_aws_signs_its_question() {
    let server = server();
    let secret = "BBic/582EkOmEiIYwMJqUPHxogVV00HUGLCfv3xB";
    let values = ["LIVE", "DEAD", "LATE", "BUSY"].map(|id| format!("AKIA{id}:{secret}"));
    let questions: Vec<(&str, &str)> =
        values.iter().map(|value| ("aws-access-key-id", value.as_str())).collect();
    let answers: Vec<Answer> = ask(&server, &questions).into_iter().flatten().collect();
    let statuses: Vec<Status> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [Status::Live, Status::Dead, Status::Unknown, Status::Unknown]);
    assert_eq!(answers[0].account.as_deref(), Some("arn:aws:iam::123456789012:user/shop"));
    assert_eq!(answers[2].reason.as_deref(), Some("the clock of this machine is wrong"));
    let requests = server.requests();
    let sent = format!("{:?}", requests.first().unwrap());
    assert!(!sent.contains(secret), "{sent}");
    assert_eq!(requests.first().unwrap().header("accept"), Some("application/json"));
}
