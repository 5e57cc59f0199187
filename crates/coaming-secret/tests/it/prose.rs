//! Texts about credentials: logs, manuals and help, which contain none, beside settings that do.

use coaming_secret::detector;
use coaming_secret::structured::in_file;

fn is_found(path: &str, text: &str) -> bool {
    !in_file(detector(), path, &format!("{text}\n")).is_empty()
}

#[test]
fn logs() {
    for line in [
        "Access denied for user 'root'@'172.17.0.1' (using password: NO)",
        "ERROR 1045 (28000): Access denied for user 'a'@'b' (using password: YES)",
        "pattern: \"user '%{DATA:user}' \\\\(using password: %{WORD:using_password}\\\\)\"",
        "Supplied credentials: [UsernamePasswordCredential(username=john.doe3, source=null)]",
        "tokens.go:123] \"Generated token\" secret=\"default/app-token-x7k2p\"",
    ] {
        assert!(!is_found("app.log", line), "{line}");
    }
    assert!(is_found("app.log", "level=debug msg=\"login\" password=Tundra!352"));
}

#[test]
fn manuals_and_help() {
    for line in [
        "Use \"password:\" instead of \"password>\" prompt - thanks to the reporters",
        "### --rc-htpasswd=PATH",
        "--ask-password             Allow prompt for password for encrypted configuration",
        "Note that --rc-addr, --rc-user, --rc-pass will be read also for --url,",
        "The alternative is to use --rc-user and --rc-pass and",
        "-   Fix --sftp-ask-password trying to contact the ssh agent",
        "  --without-rlm_eap_pwd   build without rlm_eap_pwd",
        "remote lsf --sftp-pass $(remote obscure password) :sftp:",
        "pass = encryptedpassword",
        "token = {\"access_token\":\"XXX\",\"token_type\":\"bearer\",\"refresh_token\":\"XXX\"}",
        "PASSWORD=\"MS-CHAP-Password\"",
        "phase2=\"auth=MSCHAPV2\"",
        "the header is \"Basic QWxhZGRpbjpvcGVuc2VzYW1l\"",
    ] {
        assert!(!is_found("manual.md", line), "{line}");
    }
    for line in [
        "mysql -u root --password=Tundra352 shop",
        "tool login --user bob --password swordfish shop",
        "token = {\"access_token\":\"x9Kq2LmZ8vTn4RwYbB3cQ7\",\"token_type\":\"bearer\"}",
    ] {
        assert!(is_found("manual.md", line), "{line}");
    }
}

/// What packages of Python and Node were wrongly said to contain, each beside what is a secret in
/// the same place.
#[test]
fn code_and_lists_of_packages() {
    let first_line = "MIIEpQIBAAKCAQEAuyf/lNrH9ck8DmNyo3fGgvCI1l9s+cmBY3WIz+cUDqmxiieR";
    let header = "-----BEGIN RSA PRIVATE KEY-----";
    let footer = "-----END RSA PRIVATE KEY-----";
    for (path, line) in [
        ("a.py", format!("\"\"\"For example, `{header} {first_line}. {footer}`\"\"\"")),
        ("a.py", format!("\"\"\"such as `{header}{first_line}\\\\n.{footer}`\"\"\"")),
        (
            "entry_points.txt",
            "v3password = keystoneauth1.loading._plugins.identity.v3:Password".into(),
        ),
        ("a.py", "@sensitive_variables(\"password1\", \"password2\")".into()),
        ("a.py", "accept_key = \"StrictHostKeyChecking=no\"".into()),
        ("a.py", "header = re.sub(regex, rf\"Credential=\\1/\\2/{region}/\", header)".into()),
        ("a.yml", "ini:\n- {key: module_strict_utf8_response, section: defaults}".into()),
        ("a.js", "*   \"secret\": \"BASE32ENCODEDSECRET\",".into()),
        ("a.py", "url = 'postgresql://scott:tiger@localhost/test'".into()),
        ("a.js", "connect('mongodb://val:psw@127.0.0.1:27017/mydb')".into()),
    ] {
        assert!(!is_found(path, &line), "{line}");
    }
    let key = format!("{first_line}{}", "q7Zt2WmX9cVb4NsK1pLd+8Hy".repeat(64));
    for (path, line) in [
        ("a.py", format!("key = \"\"\"{header}\\n{key}\\n{footer}\"\"\"")),
        ("setup.cfg", "password = keystone.v3:Tundra!48213".into()),
        ("a.py", "login(\"password1\", \"tundra!913Q\")\npassword2 = \"Tundra913\"".into()),
        ("a.yml", "ini:\n- {api_key: mk_9f3Kq2LmZ8vTn4RwYbB3cQ7_x2, section: defaults}".into()),
        ("a.py", "url = 'postgresql://scott:tundra913@localhost/test'".into()),
    ] {
        assert!(is_found(path, &line), "{line}");
    }
}

#[test]
fn headers_with_a_scheme() {
    let hex = "d16032ef9ee8598e987e83199e11da13f6887e53";
    for (path, line) in [
        ("a.py", format!("h = {{\"Authorization\": \"Token {hex}\"}}")),
        ("a.rb", format!("h['Authorization'] = \"Token token=\\\"{hex}\\\"\"")),
        ("a.md", format!("curl -H 'Authorization: Token {hex}' https://api.example.org")),
        ("a.txt", format!("Authorization: GenieKey {hex}")),
    ] {
        assert!(is_found(path, &line), "{line}");
    }
    for line in [
        "h = {\"Authorization\": \"Token %s\" % token}",
        "h = {\"Authorization\": \"Token {}\".format(token)}",
        "curl -H 'Authorization: Token token=YOUR_TOKEN' https://api.example.org",
    ] {
        assert!(!is_found("a.py", line), "{line}");
    }
}

#[test]
fn defaults_of_options_and_keys_of_frameworks() {
    let key = "x9Kq2LmZ8vTn4RwYbB3cQ7";
    let hex = "df0767567da038fcb770387dfa3d04d0";
    for (path, line) in [
        ("a.go", format!("flag.StringVar(&o.secret, \"client-secret\", \"{key}\", \"secret\")")),
        ("a.go", format!("f.StringVarP(&o.token, \"token\", \"t\", \"{key}\", \"the token\")")),
        ("a.js", format!("const c = new Twilio(\"AC61089a8a89f0bc3bf26abadd4576f067\", \"{hex}\")")),
        ("a.php", "'key' => 'base64:gvvBY9a7fjgi05d90rWDO26+OJD5mSBtcoU8rqnXdMk=',".to_owned()),
        (
            "wp-config.php",
            "define('NONCE_SALT', 'mZ8@^kD2#vP!xL0&qW7*eR5(tY3)uI1 oA9_sF6+gH4=jK}cV{bN[nM]%s<%=a-Q');"
                .to_owned(),
        ),
    ] {
        assert!(is_found(path, &line), "{line}");
    }
    for line in [
        "flag.StringVar(&o.password, \"password\", \"\", \"Password of the API server in v1\")",
        "f.StringVarP(&o.token, \"token\", \"t\", os.Getenv(\"TOKEN\"), \"the token\")",
    ] {
        assert!(!is_found("a.go", line), "{line}");
    }
}

#[test]
fn communities_of_snmp() {
    let exporter =
        |community: &str| format!("auths:\n  core:\n    version: 2\n    community: {community}\n");
    assert!(is_found("snmp.yml", &exporter("vS8kq2pLx7w")));
    assert!(!is_found("snmp.yml", &exporter("public")));
    assert!(is_found("telegraf.conf", "[[inputs.snmp]]\n  community = \"vS8kq2pLx7w\""));
    assert!(!is_found("site.yml", "links:\n  community: slack2024"));
}

#[test]
fn routing_keys() {
    for key in ["a4f9c1e27b3d4085b6e1f0a9c8d7e6b5", "r3FPuDvK8TEDyQYCc7trBkymIFcy2NkE"] {
        assert!(is_found("alertmanager.yml", &format!("routing_key: {key}")), "{key}");
    }
    for name in ["orders_created_event", "customer-registered1", "order_v2_created_evt"] {
        assert!(!is_found("rabbit.yml", &format!("routing_key: {name}")), "{name}");
        assert!(!is_found("a.py", &format!("publish(routing_key=\"{name}\")")), "{name}");
    }
}

#[test]
fn the_secret_of_a_token_may_be_a_uuid() {
    let uuid = "3f9c1a7e-52b8-4d06-9e31-7a8c0d4b6f25";
    assert!(is_found("vars.yml", &format!("api_token_secret: {uuid}")));
    assert!(!is_found("vars.yml", &format!("api_token_id: {uuid}")));
}
