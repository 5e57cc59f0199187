//! The stores of clouds, each against a server that checks what the real one checks: signatures,
//! audiences, times, and who may read what.

use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use coaming_test::http_server::{Request, Server, reply};
use coaming_vault::{Store, StoreConfig, StoreError, open_cloud_store};
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const PLANTED: &str = "pl4nted-in-a-cloud";

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(text);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A service account's token, as a cluster signs it.
fn token(audience: &str, expires: u64) -> String {
    let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!(
        "{}.{}",
        encode(json!({"alg": "HS256"})),
        encode(json!({"aud": [audience], "exp": expires, "sub": "system:serviceaccount:shop:web"}))
    );
    let signature = URL_SAFE_NO_PAD.encode(mac(b"key of the cluster", text.as_bytes()));
    format!("{text}.{signature}")
}

/// Whether a token is signed, for this audience, and not over.
fn is_valid(token: &str, audience: &str) -> bool {
    let Some((text, signature)) = token.rsplit_once('.') else { return false };
    let expected = URL_SAFE_NO_PAD.encode(mac(b"key of the cluster", text.as_bytes()));
    let payload = text.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let payload: Value = serde_json::from_slice(&payload.unwrap_or_default()).unwrap_or_default();
    signature == expected
        && payload["aud"][0] == audience
        && payload["exp"].as_u64().is_some_and(|expires| expires > now())
}

/// What a test changes while the server runs.
#[derive(Default)]
struct State {
    /// Credentials that were given out; the last is accepted.
    given: usize,
    throttled: bool,
    wrong_checksum: bool,
}

/// A server, its state, and the file of the token.
struct Cloud {
    server: Server,
    state: Arc<Mutex<State>>,
    file: tempfile::NamedTempFile,
}

/// Starts a server that answers by status and body.
fn cloud(
    audience: &str,
    answer: impl Fn(&Request, &mut State) -> (u16, String) + Send + Sync + 'static,
) -> Cloud {
    let state = Arc::new(Mutex::new(State::default()));
    let shared = Arc::clone(&state);
    let server = Server::start(move |_, request: &Request, stream: &mut TcpStream| {
        let (status, body) = answer(request, &mut shared.lock().unwrap());
        reply(stream, status, &[("Content-Type", "application/json")], body.as_bytes());
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), token(audience, now() + 600)).unwrap();
    Cloud { server, state, file }
}

impl Cloud {
    fn url(&self) -> String {
        format!("http://{}", self.server.host)
    }

    fn open(&self, config: Value) -> Box<dyn Store> {
        let config: StoreConfig = serde_json::from_value(config).unwrap();
        open_cloud_store(&config).unwrap()
    }

    /// What is the same for all of them: rights, throttling, logins, tokens of others, messages.
    fn check(&self, mut store: Box<dyn Store>, path: &str, denied: &str) {
        let read = |store: &mut dyn Store| {
            let secret = store.read(path).unwrap();
            secret.fields["password"].expose_text().unwrap().to_owned()
        };
        assert_eq!(read(store.as_mut()), PLANTED);
        assert_eq!(read(store.as_mut()), PLANTED);
        assert_eq!(store.session(), 1, "one login is enough");
        let absent = store.read("absent").unwrap_err();
        assert!(matches!(absent, StoreError::NotFound(_)), "{absent}");
        let refused = store.read(denied).unwrap_err();
        assert!(matches!(refused, StoreError::Denied(_)), "{refused}");
        self.state.lock().unwrap().throttled = true;
        let busy = store.read(path).unwrap_err();
        assert!(busy.is_temporary(), "{busy}");
        self.state.lock().unwrap().throttled = false;
        assert_eq!(read(store.as_mut()), PLANTED);
        // A credential that is not accepted anymore is replaced within the call.
        self.state.lock().unwrap().given += 1;
        assert_eq!(read(store.as_mut()), PLANTED);
        assert_eq!(store.session(), 2);
        // A token for somebody else, and one that is over.
        for bad in [token("somebody.else", now() + 600), token("vault.example", now() - 1)] {
            std::fs::write(self.file.path(), &bad).unwrap();
            self.state.lock().unwrap().given += 1;
            let error = store.read(path).unwrap_err();
            assert!(matches!(error, StoreError::Login(_)), "{error}");
            let said = format!("{error} {error:?}");
            assert!(!said.contains("pl4nted") && !said.contains(&bad), "{said}");
        }
        assert!(store.write(path, &coaming_vault::Fields::new()).is_err());
        store.close().unwrap();
    }
}

fn field(body: &[u8], name: &str) -> String {
    let text = String::from_utf8_lossy(body).into_owned();
    let found = text.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    percent_encoding::percent_decode_str(found.unwrap_or_default()).decode_utf8_lossy().into_owned()
}

/// The keys of the login of this number.
fn keys(number: usize) -> [String; 3] {
    [format!("ASIA{number}"), format!("secret/{number}+"), format!("session//{number}==")]
}

/// Whether a request has AWS's signature by these keys, computed from what arrived.
fn is_signed(request: &Request, [id, secret, session]: &[String; 3]) -> bool {
    let authorization = request.header("authorization").unwrap_or_default();
    let part = |name: &str| {
        let found = authorization.split([' ', ',']).find_map(|part| part.strip_prefix(name));
        found.unwrap_or_default().to_owned()
    };
    let (credential, names) = (part("Credential="), part("SignedHeaders="));
    let scope: Vec<&str> = credential.split('/').collect();
    let [_, date, region, service, "aws4_request"] = scope[..] else { return false };
    let headers: String = names
        .split(';')
        .map(|name| format!("{name}:{}\n", request.header(name).unwrap_or_default().trim()))
        .collect();
    let canonical = format!(
        "{}\n{}\n\n{headers}\n{names}\n{}",
        request.method,
        request.path,
        hex(&Sha256::digest(&request.body))
    );
    let time = request.header("x-amz-date").unwrap_or_default();
    let text = format!(
        "AWS4-HMAC-SHA256\n{time}\n{date}/{region}/{service}/aws4_request\n{}",
        hex(&Sha256::digest(canonical))
    );
    let mut key = mac(format!("AWS4{secret}").as_bytes(), date.as_bytes());
    for part in [region, service, "aws4_request"] {
        key = mac(&key, part.as_bytes());
    }
    credential.starts_with(&format!("{id}/"))
        && request.header("x-amz-security-token") == Some(session.as_str())
        && ["host", "x-amz-date", "x-amz-security-token"].iter().all(|name| names.contains(name))
        && part("Signature=") == hex(&mac(&key, text.as_bytes()))
        && (region, service) == ("eu-central-1", "secretsmanager")
}

fn secrets_manager(request: &Request, state: &mut State) -> (u16, String) {
    let error = |kind: &str| (400, json!({"__type": kind, "Message": PLANTED}).to_string());
    if state.throttled {
        return error("ThrottlingException");
    }
    if !is_signed(request, &keys(state.given)) {
        return error("UnrecognizedClientException");
    }
    let asked: Value = serde_json::from_slice(&request.body).unwrap();
    match asked["SecretId"].as_str().unwrap() {
        "shop/db" => {
            let text = json!({"password": PLANTED, "user": "app"}).to_string();
            (200, json!({"Name": "shop/db", "VersionId": "x", "SecretString": text}).to_string())
        }
        "shop/binary" => {
            (200, json!({"SecretBinary": STANDARD.encode([0, 159, 146, 150])}).to_string())
        }
        "shop/theirs" => error("AccessDeniedException"),
        _ => error("com.amazonaws.secretsmanager#ResourceNotFoundException"),
    }
}

/// Times of AWS, a while from now.
fn in_an_hour() -> String {
    let output = std::process::Command::new("date")
        .args(["-u", "-d", "+1 hour", "+%Y-%m-%dT%H:%M:%SZ"])
        .output();
    String::from_utf8(output.unwrap().stdout).unwrap().trim().to_owned()
}

#[test]
fn aws_is_read_by_web_identity() {
    let cloud = cloud("vault.example", |request, state| {
        if request.path != "/sts" {
            return secrets_manager(request, state);
        }
        let is_role = field(&request.body, "RoleArn") == "arn:aws:iam::1:role/shop-web";
        if !is_role || !is_valid(&field(&request.body, "WebIdentityToken"), "vault.example") {
            let code =
                "<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error></ErrorResponse>";
            return (400, code.to_owned());
        }
        state.given += 1;
        let [id, secret, session] = keys(state.given);
        let body = format!(
            "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\n\
             <SessionToken>{session}</SessionToken><SecretAccessKey>{secret}</SecretAccessKey>\n\
             <Expiration>{}</Expiration><AccessKeyId>{id}</AccessKeyId></Credentials>\n\
             </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
            in_an_hour()
        );
        (200, body)
    });
    let auth = json!({"webIdentity": {"roleArn": "arn:aws:iam::1:role/shop-web", "tokenFile": cloud.file.path()}});
    let config = json!({"aws": {"region": "eu-central-1", "auth": auth, "endpoint": cloud.url(),
        "stsEndpoint": format!("{}/sts", cloud.url())}});
    let mut store = cloud.open(config.clone());
    let binary = store.read("shop/binary").unwrap();
    assert_eq!(binary.fields["value"].expose(), [0, 159, 146, 150]);
    cloud.check(cloud.open(config), "shop/db", "shop/theirs");
}

#[test]
fn aws_is_read_by_pod_identity() {
    let cloud = cloud("vault.example", |request, state| {
        if request.path != "/v1/credentials" {
            return secrets_manager(request, state);
        }
        if !is_valid(request.header("authorization").unwrap_or_default(), "vault.example") {
            return (400, "{}".to_owned());
        }
        state.given += 1;
        let [id, secret, session] = keys(state.given);
        let body = json!({"AccessKeyId": id, "SecretAccessKey": secret, "Token": session,
            "Expiration": in_an_hour()});
        (200, body.to_string())
    });
    let agent = format!("{}/v1/credentials", cloud.url());
    let auth = json!({"podIdentity": {"agent": agent, "tokenFile": cloud.file.path()}});
    let config = json!({"aws": {"region": "eu-central-1", "auth": auth, "endpoint": cloud.url()}});
    cloud.check(cloud.open(config), "shop/db", "shop/theirs");
}

fn bearer(request: &Request, state: &State) -> bool {
    request.header("authorization") == Some(format!("Bearer access-{}", state.given).as_str())
}

#[test]
fn google_is_read_by_federation_and_its_checksum_is_verified() {
    const PROVIDER: &str =
        "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/k";
    let cloud = cloud("vault.example", |request, state| {
        let secret = "/v1/projects/shop/secrets/db/versions/latest";
        if request.path == "/v1/token" {
            let asked: Value = serde_json::from_slice(&request.body).unwrap();
            let subject = asked["subjectToken"].as_str().unwrap();
            if asked["audience"] != PROVIDER || !is_valid(subject, "vault.example") {
                return (
                    400,
                    json!({"error": "invalid_grant", "error_description": subject}).to_string(),
                );
            }
            return (200, json!({"access_token": "federated", "expires_in": 3599}).to_string());
        }
        if request.path.ends_with("/shop@example.com:generateAccessToken") {
            if request.header("authorization") != Some("Bearer federated") {
                return (401, String::new());
            }
            state.given += 1;
            let body = json!({"accessToken": format!("access-{}", state.given), "expireTime": "x"});
            return (200, body.to_string());
        }
        match request.path.as_str() {
            _ if state.throttled => (429, String::new()),
            _ if !bearer(request, state) => (401, String::new()),
            path if path.contains("/theirs/") => (403, String::new()),
            path if path == secret => {
                (200, json!({"name": "projects/1/secrets/db/versions/7"}).to_string())
            }
            path if path == format!("{secret}:access") => {
                let data = json!({"password": PLANTED}).to_string();
                // CRC-32C by another way than that of the store: a table.
                let sum = if state.wrong_checksum { 1 } else { crc32c(data.as_bytes()) };
                let payload = json!({"data": STANDARD.encode(data), "dataCrc32c": sum.to_string()});
                (
                    200,
                    json!({"name": "projects/1/secrets/db/versions/7", "payload": payload})
                        .to_string(),
                )
            }
            _ => (404, String::new()),
        }
    });
    let config = json!({"google": {"project": "shop", "provider": PROVIDER, "tokenFile": cloud.file.path(),
        "serviceAccount": "shop@example.com", "endpoint": cloud.url(), "stsEndpoint": cloud.url(),
        "iamEndpoint": cloud.url()}});
    let mut store = cloud.open(config.clone());
    assert_eq!(store.read("projects/shop/secrets/db").unwrap().version, Some(7));
    assert_eq!(store.version("db").unwrap(), Some(7));
    assert_eq!(store.version("theirs").unwrap(), None, "the metadata is not allowed");
    cloud.state.lock().unwrap().wrong_checksum = true;
    let error = store.read("db").unwrap_err();
    assert!(error.to_string().contains("checksum"), "{error}");
    cloud.state.lock().unwrap().wrong_checksum = false;
    assert!(store.read("a/b").unwrap_err().to_string().contains("projects/PROJECT"));
    cloud.state.lock().unwrap().given = 0;
    cloud.check(cloud.open(config), "db", "theirs");
}

fn crc32c(bytes: &[u8]) -> u32 {
    let table: Vec<u32> = (0..256)
        .map(|byte| (0..8).fold(byte, |sum, _| (sum >> 1) ^ (0x82f6_3b78 * (sum & 1))))
        .collect();
    !bytes.iter().fold(!0_u32, |sum, byte| {
        table[usize::from(u8::try_from(sum & 0xff).unwrap() ^ byte)] ^ (sum >> 8)
    })
}

#[test]
fn azure_is_read_by_workload_identity() {
    let cloud = cloud("vault.example", |request, state| {
        if request.path == "/tenant/oauth2/v2.0/token" {
            let part = |name: &str| field(&request.body, name);
            let is_asked =
                part("client_id") == "app" && part("scope") == "https://vault.azure.net/.default";
            if !is_asked || !is_valid(&part("client_assertion"), "vault.example") {
                return (401, json!({"error": "invalid_client"}).to_string());
            }
            state.given += 1;
            let access = format!("access-{}", state.given);
            return (200, json!({"access_token": access, "expires_in": 3599}).to_string());
        }
        match request.path.as_str() {
            _ if state.throttled => (429, String::new()),
            _ if !bearer(request, state) => (401, String::new()),
            "/secrets/db?api-version=7.4" => {
                let value = json!({"password": PLANTED}).to_string();
                (200, json!({"value": value, "id": "x"}).to_string())
            }
            "/secrets/theirs?api-version=7.4" => (403, String::new()),
            _ => (404, String::new()),
        }
    });
    let config = json!({"azure": {"vault": cloud.url(), "tenant": "tenant", "clientId": "app",
        "tokenFile": cloud.file.path(), "loginEndpoint": cloud.url()}});
    cloud.check(cloud.open(config), "db", "theirs");
}

#[test]
fn a_secret_of_another_namespace_is_read_by_the_api() {
    let cloud = cloud("vault.example", |request, state| {
        let token = request.header("authorization").unwrap_or_default().replace("Bearer ", "");
        let is_metadata =
            request.header("accept").unwrap_or_default().contains("PartialObjectMetadata");
        let metadata = json!({"name": "db", "resourceVersion": "41"});
        match request.path.as_str() {
            _ if state.throttled => (429, String::new()),
            _ if !is_valid(&token, "vault.example") => (401, String::new()),
            "/api/v1/namespaces/vault/secrets/db" if is_metadata => {
                (200, json!({"metadata": metadata}).to_string())
            }
            "/api/v1/namespaces/vault/secrets/db" => {
                let data = json!({"password": STANDARD.encode(PLANTED)});
                (200, json!({"metadata": metadata, "data": data}).to_string())
            }
            "/api/v1/namespaces/vault/secrets/theirs" => (403, String::new()),
            _ => (404, String::new()),
        }
    });
    let config = json!({"kubernetes": {"namespace": "vault", "address": cloud.url(),
        "tokenFile": cloud.file.path()}});
    let mut store = cloud.open(config);
    assert_eq!(store.version("db").unwrap(), Some(41));
    let secret = store.read("db").unwrap();
    assert_eq!(secret.fields["password"].expose_text(), Some(PLANTED));
    assert_eq!(secret.version, Some(41));
    assert!(matches!(store.read("absent"), Err(StoreError::NotFound(_))));
    assert!(matches!(store.read("theirs"), Err(StoreError::Denied(_))));
    assert!(store.read("other/db").unwrap_err().to_string().contains("not the name of a Secret"));
    cloud.state.lock().unwrap().throttled = true;
    assert!(store.read("db").unwrap_err().is_temporary());
    cloud.state.lock().unwrap().throttled = false;
    // A token that is over, until the kubelet has replaced the file.
    std::fs::write(cloud.file.path(), token("vault.example", now() - 1)).unwrap();
    let mut store = cloud.open(json!({"kubernetes": {"namespace": "vault", "address": cloud.url(),
        "tokenFile": cloud.file.path()}}));
    assert!(matches!(store.read("db"), Err(StoreError::Login(_))));
    std::fs::write(cloud.file.path(), token("vault.example", now() + 600)).unwrap();
    assert!(store.read("db").is_ok());
}

#[test]
fn a_configuration_that_leads_nowhere_is_refused() {
    for config in [
        json!({"aws": {"region": "eu/../x", "auth": {"podIdentity": {"tokenFile": "t"}}}}),
        json!({"azure": {"vault": "file:///x", "tenant": "t", "clientId": "c", "tokenFile": "t"}}),
        json!({"kubernetes": {"namespace": "n", "tokenFile": "t", "address": "not a url"}}),
    ] {
        let config: StoreConfig = serde_json::from_value(config).unwrap();
        let error = open_cloud_store(&config).err().unwrap();
        assert!(matches!(error, StoreError::Setting(_)), "{error}");
    }
}
