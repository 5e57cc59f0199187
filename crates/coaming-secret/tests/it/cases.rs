//! Small files, each for a kind of place or form: on which lines something is found.

use coaming_secret::detector;
use coaming_secret::structured::in_file;

/// The lines of a file on which a credential starts.
fn lines(path: &str, text: &str) -> Vec<usize> {
    let found = in_file(detector(), path, text);
    let mut lines: Vec<usize> = found
        .iter()
        .map(|found| text[..found.span.start as usize].matches('\n').count() + 1)
        .collect();
    lines.dedup();
    lines
}

#[test]
fn names_and_documented_values() {
    let hex = "8f3a1c9b7d2e5f604a1b3c8d9e7f2a6b5c4d1e0f";
    for (path, text, expected) in [
        ("sonar-project.properties", format!("sonar.login={hex}\n"), vec![1]),
        ("build.sh", format!("mvn sonar:sonar -Dsonar.login={hex}\n"), vec![1]),
        ("sonar-project.properties", "sonar.login=admin\n".to_owned(), vec![]),
        (".env", "PASSWORD_DIGEST_SECRET=x9Kq2LmZ8vTn4RwY\n".to_owned(), vec![1]),
        (".env", "PASSWORD_DIGEST=x9Kq2LmZ8vTn4RwY\n".to_owned(), vec![]),
        ("site.yml", "links:\n  community: https://example.org/forum\n".to_owned(), vec![]),
        ("test.py", "access_token = \"2YotnFZFEjr1zCsicMWpAA\"\n".to_owned(), vec![]),
        ("test.py", "client_secret = \"gX1fBat3bV\"\n".to_owned(), vec![]),
        ("a.c", "list = \"ALL:!kRSA:!PSK:!RC4:!LOW@STRENGTH\";\n".to_owned(), vec![]),
        ("a.c", "\"pkcs11:token=My%20token%25%20by%20Joe;\"\n".to_owned(), vec![]),
        ("a.yml", "ansible_password: \"{{ lookup('laps_x1', 'sql10',\n".to_owned(), vec![]),
        ("a.yml", "pwd: U2FsdGVkX199MZ7YOPkOR9O6wEZmtGSgiDfnlcN9hBg=\n".to_owned(), vec![]),
        ("test.py", "access_token = \"2YotnFZFEjr1zCsicMWpAB\"\n".to_owned(), vec![1]),
    ] {
        assert_eq!(lines(path, &text), expected, "{path}: {text}");
    }
}

#[test]
fn literals_of_several_parts() {
    for (path, text, expected) in [
        ("a.py", "password = (\n    \"tundra\"\n    \"!352Q\"\n)\n", vec![2]),
        ("a.py", "api_key = \"x9Kq2LmZ\" \\\n    \"8vTn4RwY\"\n", vec![1]),
        ("a.c", "const char *password = \"tun\" \"dra!352Q\";\n", vec![1]),
        ("a.java", "String apiKey = \"x9Kq2LmZ\"\n    + \"8vTn4RwY\";\n", vec![1]),
        ("a.php", "$password = 'tun' . 'dra!352Q';\n", vec![1]),
        ("a.js", "const token =\n  'x9Kq2LmZ' + '8vTn4RwY';\n", vec![2]),
        ("a.go", "password := \"tun\" +\n\t\"dra!352Q\"\n", vec![1]),
        ("a.lua", "password = \"tun\" .. \"dra!352Q\"\n", vec![1]),
        ("Jenkinsfile", "def password = \"tun\" + \"dra!352Q\"\n", vec![1]),
        ("a.py", "password = \"Enter the \" \"new password\"\n", vec![]),
        ("a.js", "const token = 'prefix-' + name + '-x';\n", vec![]),
        ("a.py", "TOKENS = (\n    \"x9Kq2LmZ\",\n    \"8vTn4RwY\",\n)\n", vec![]),
    ] {
        assert_eq!(lines(path, text), expected, "{path}: {text}");
    }
}

#[test]
fn source_code() {
    for (path, text, expected) in [
        ("a.py", "if password == \"tundra!352Q\":\n    pass\n", vec![1]),
        ("a.py", "data={\"username\": username, \"password\": password})\n", vec![]),
        ("a.py", "variables = {\"password\": customer._password}\n", vec![]),
        ("a.js", "await page.type('#password', 'tundra!352Q');\n", vec![1]),
        ("a.java", "private String PASSWORD = \"nectarine_Pit8\";\n", vec![1]),
        ("a.java", "if (password.equals(\"tundra!352Q\")) return;\n", vec![1]),
        ("a.py", "session.auth = (\"app\", \"tundra!352Q\")\n", vec![1]),
        ("a.php", "'password' => 'required|min:8|confirmed',\n", vec![]),
        ("a.php", "$labels['newpasswd'] = 'Nuna pasvorto:';\n", vec![]),
        ("a.c", "case PW_PASSWORD:\n\tname = \"SSHA2-512\";\n", vec![]),
        ("a.js", "x={password:{label:(0,t.__)(\"Password protected\")}}\n", vec![]),
        (
            "a.sql",
            "GRANT ALL ON a TO b IDENTIFIED BY PASSWORD '*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19';\n",
            vec![],
        ),
        ("a.py", "dependencies = [(\"auth\", \"0011_migration\")]\n", vec![]),
        ("a.py", "op.alter(\"password\", existing_type=sa.VARCHAR(length=5000))\n", vec![]),
        ("a.py", "os.environ.get(\"DB_PASSWORD\", \"tundra!352Q\")\n", vec![1]),
        ("a.go", "client.SetAuthToken(\"S268al8VOzL0KvvmsLagy5fTDd8gKNDi\")\n", vec![1]),
        ("a.go", "client.SetBasicAuth(\"app\", \"tundra.352Q\")\n", vec![1]),
        (
            "a.go",
            "proto := \"{\\\"user\\\":\\\"x\\\",\\\"pass\\\":\\\"walnut!485Z\\\"}\"\n",
            vec![1],
        ),
        ("a.go", "creds := ec2tokens.AuthOptions{\n", vec![]),
        ("a.cs", "x = new NetworkCredential(\"bot@x.org\", \"mango!838W\");\n", vec![1]),
        ("a.ps1", "ConvertTo-SecureString \"mango!838W\" -AsPlainText\n", vec![1]),
        ("a.ts", "refresh_token: auth1.refreshToken,\n", vec![]),
        ("a.ts", "const key = { password: 'new_password', token: 'csrf-token' };\n", vec![]),
        ("a.rb", "ask(\"#{user}'s password:\", echo)\n", vec![]),
        ("a.html", "{% translate 'Confirm password:' %}</label>\n", vec![]),
        ("a.js", "credentials: [{ value: 'airtableOAuth2Api' }],\n", vec![]),
        ("a.py", "types = {'secret': 'V1SecretVolumeSource'}\n", vec![]),
        ("a.py", "PATTERN = '^(?P<secret>[a-zA-Z0-9-_]+):(?P<version>[1-9][0-9]*)$'\n", vec![]),
        ("a.rs", "//! \"http://a:b@c:29/d\" and \"ftp://rms:secret123@example.com\"\n", vec![]),
        ("a.rs", "let url = \"postgres://app:tundra!352Q@db.example.com/shop\";\n", vec![1]),
        ("a.js", "packet.writeString('mysql_native_password', 'latin1');\n", vec![]),
        ("a.py", "Url('http', auth='user%40email.com:password')\n", vec![]),
        ("a.rs", "\"Access-Control-Allow-Credentials: hell\\0o1\"\n", vec![]),
        ("a.ts", "const password: string = 'vS8kq-2pLx7w';\n", vec![1]),
        ("a.kt", "const val PASSWORD: String = \"vS8kq-2pLx7w\"\n", vec![1]),
        ("a.rs", "const PASSWORD: &'static str = \"vS8kq-2pLx7w\";\n", vec![1]),
        ("a.py", "password: str = \"vS8kq-2pLx7w\"\n", vec![1]),
        ("a.cs", "string ApiKey { get; set; } = \"x9Kq2LmZ8vTn4RwYb7Hc\";\n", vec![1]),
        ("a.rs", "let token = String::from(\"x9Kq2LmZ8vTn4RwYb7Hc\");\n", vec![1]),
        ("a.js", "env.API_KEY = env.API_KEY || 'x9Kq2LmZ8vTn4RwYb7Hc';\n", vec![1]),
        ("a.py", "get(url, auth=('admin', 'vS8kq-2pLx7w'))\n", vec![1]),
        ("a.rs", "request.basic_auth(\"app\", Some(\"vS8kq-2pLx7w\"))\n", vec![1]),
        ("a.ts", "token: string = 'access_token';\n", vec![]),
        ("a.ts", "type A = { password: string; name: 'x9Kq2LmZ8vTn' }\n", vec![]),
        ("a.rs", "const TOKEN: &str = \"csrf-token\";\n", vec![]),
        ("a.rs", "const TAG_SALT: &str = \"age-encryption.org/p256tag\";\n", vec![]),
        ("a.rs", "let secret = b\"\\x9b\\xbe\\x43\\x6b\";\n", vec![]),
        ("a.py", "symtable(\"pass\", b\"spam\", \"exec\")\n", vec![]),
        ("a.rs", "const PASSWORD: &str = \"password\";\n", vec![]),
        ("a.py", "get(url, auth=('user', 'pass'))\n", vec![]),
        ("a.js", "const token = options.token || 'default';\n", vec![]),
    ] {
        assert_eq!(lines(path, text), expected, "{path}: {text}");
    }
}

/// Secrets that a position or a syntax reveals, each with a counterexample.
#[test]
fn calls_and_declarations() {
    for (path, text, expected) in [
        ("a.php", "<?php $a = new PDO('mysql:host=a', 'root', 'vS8kq-2pLx7w');\n", vec![1]),
        ("a.php", "<?php $a = new PDO($dsn, 'root', getenv('DB_PASSWORD_1'));\n", vec![]),
        (
            "a.php",
            "<?php return ['key' => env('APP_KEY', 'base64:x9Kq2LmZ8vTn4RwYb7HcQw==')];\n",
            vec![1],
        ),
        ("a.js", "jwt.sign(payload, 'x9Kq2LmZ8vTn4RwYb7Hc', { expiresIn: '1h' });\n", vec![1]),
        ("a.js", "jwt.sign(payload, 'secret');\n", vec![]),
        ("a.js", "jwt.sign(payload, process.env.JWT_SECRET_V2);\n", vec![]),
        ("a.java", "new SecretKeySpec(\"x9Kq2LmZ8vTn4RwY\".getBytes(), \"AES\");\n", vec![1]),
        ("a.java", "store.load(in, \"vS8kq-2pLx7w\".toCharArray());\n", vec![1]),
        ("a.java", "char[] HEX = \"0123456789abcdef\".toCharArray();\n", vec![]),
        ("a.java", "md.digest(\"x9Kq2LmZ8vTn4RwY\".getBytes());\n", vec![]),
        ("a.py", "server.login('bot@x.org', 'vS8kq-2pLx7w')\n", vec![1]),
        ("a.py", "client.login(username='a', password=password1)\n", vec![]),
        ("a.py", "p.add_argument(\"--password\", type=str, default=\"vS8kq-2pLx7w\")\n", vec![1]),
        ("a.py", "p.add_argument(\"--password\", help=\"the password of v2\")\n", vec![]),
        ("a.py", "x = 'DRIVER={X};SERVER=db;UID=sa;PWD=vS8kq2pLx7w'\n", vec![1]),
        ("a.rb", "req.basic_auth 'app', 'vS8kq-2pLx7w'\n", vec![1]),
        ("a.c", "#define DB_PASSWORD \"vS8kq-2pLx7w\"\n", vec![1]),
        ("a.h", "#define MAX_PASSWORD 1024\n", vec![]),
        ("a.vb", "Dim password As String = \"vS8kq-2pLx7w\"\n", vec![1]),
        (
            "a.tf",
            "variable \"db_password\" {\n  type = string\n  default = \"vS8kq-2pLx7w\"\n}\n",
            vec![3],
        ),
        (
            "a.tf",
            "variable \"db_password\" {\n  type = string\n}\nlocals {\n  default = \"x9Kq2LmZ8vTn\"\n}\n",
            vec![],
        ),
        ("a.tf", "user_data = <<EOF\n  export DB_PASSWORD=vS8kq-2pLx7w\nEOF\n", vec![2]),
        (
            "a.gradle",
            "buildConfigField(\"String\", \"API_KEY\", \"\\\"x9Kq2LmZ8vTn4RwYb7Hc\\\"\")\n",
            vec![1],
        ),
        ("a.xml", "<property name=\"db.password\">vS8kq-2pLx7w</property>\n", vec![1]),
        (
            "a.xml",
            "<meta-data android:name=\"x.API_KEY\" android:value=\"x9Kq2LmZ8vTn4RwYb7Hc\"/>\n",
            vec![1],
        ),
        ("a.xml", "<Password>\n  <Value>vS8kq-2pLx7w</Value>\n</Password>\n", vec![2]),
        ("a.xml", "<Pass encoding=\"base64\">dlM4a3EtMnBMeDd3</Pass>\n", vec![1]),
        ("a.html", "<input type=\"password\" name=\"password\"> v2 of it </input>\n", vec![]),
        ("a.conf", "user app on >vS8kq-2pLx7w ~* +@all\n", vec![1]),
        ("a.conf", "10.0.0.1 : PSK \"vS8kq-2pLx7w\"\n", vec![1]),
        ("a.ini", "[shop]\nUID = sa\nPWD = vS8kq-2pLx7w\n", vec![3]),
        ("a.ini", "[sftp]\npass = vS8kq-2pLx7w\n", vec![2]),
        ("a.md", "- API key: x9Kq2LmZ8vTn4RwYb7Hc\n", vec![1]),
        ("a.md", "- primary key: x9Kq2LmZ8vTn4RwYb7Hc\n", vec![]),
        (
            "a.tfstate",
            "{\"attributes\": {\"bcrypt_hash\": \"$2a$10$x\", \"result\": \"vS8kq-2pLx7w\"}}\n",
            vec![1],
        ),
        ("a.yml", "chpasswd:\n  list: |\n    root:vS8kq-2pLx7w\n    app:RANDOM\n", vec![3]),
        ("a.yml", "healthcheck:\n  test: [CMD, mysqladmin, ping, -pvS8kq2pLx7w]\n", vec![2]),
        ("config/master.key", "9a54358a557f78817592ce63dfa1c7ef\n", vec![1]),
        ("a.bat", "net user deploy vS8kq-2pLx7w /add\n", vec![1]),
        ("a.sh", "echo vS8kq-2pLx7w | sudo -S apt update\n", vec![1]),
        ("a.php", "<?php $settings['hash_salt'] = 'x9Kq2LmZ8vTn4RwYb7Hc';\n", vec![1]),
    ] {
        assert_eq!(lines(path, text), expected, "{path}: {text}");
    }
}

/// What real sources contain under such names, and is not a secret.
#[test]
fn texts_of_sources() {
    for (path, text, expected) in [
        ("a.yaml", "passwordOfIt: my_authentication_password\npassword: git_password\n", vec![]),
        ("a.yaml", "password: jiraToken\n", vec![]),
        ("a.py", "ftp.passwd = \"anonymous@\"\n", vec![]),
        ("a.txt", "cvs://:pserver:anoncvs@sources.org:/cvs/src\n", vec![]),
        ("a.md", "scrypt('password', 'salt', 64, callback)\n", vec![]),
        ("a.md", "const url = new URL('https://abc:xyz@example.com');\n", vec![]),
        ("a.txt", "  --encrypt-master-password --encrypt-password --fail-at-end\n", vec![]),
        ("a.txt", "words \"username= password= scmVersion= x\"\n", vec![]),
        ("a.vim", "let s:netrw_passwd = substitute(a:choice,mipf,'\\3',\"\")\n", vec![]),
        ("services", "kpasswd\t\t464/tcp\n", vec![]),
        ("a.cnf", "secret = $insta::secret # pass of it\n", vec![]),
        ("a.py", "Url(\"http\", auth=\"user%22:quoted\", host=\"a\")\n", vec![]),
        ("Makefile", "export PATH; PATH=\"`pwd`:$$PATH\"; make\n", vec![]),
        ("a.vim", "let g:ft_ignore_pat = '\\.\\(Z\\|gz\\|bz2\\)$'\n", vec![]),
        ("a.properties", "# a.keyPassword=<keystore-password>\n#   a.trustStore=<x>\n", vec![]),
        ("a.md", "println!(\"Username: {}, Password: {}\", user_name, password);\n", vec![]),
        ("a.md", "let shared_secret = x3dh_a(sig, my_ik, &ek)?;\n", vec![]),
        ("a.yml", "credentials: yegor256/home#assets/crates-credentials\n", vec![]),
        ("a.txt", "https://foo.bar/path?key=value%20with%20%27quotes%27\n", vec![]),
        ("a.rs", "let url = \"irc://àlex:àlex@àlex.рф.example.com:6667/foo\";\n", vec![]),
        ("a.md", "let mut secret = b\"Air shield password: 1,2,3,4,5\".to_vec();\n", vec![]),
        ("a.cfg", ";*passwd:*all*authentication*tokens*updated*successfully*\n", vec![]),
        (
            "a.json",
            "{\"pattern\":\"^arn:aws([a-z]|\\\\-)*:secretsmanager:([0-9]{12})?:secret:[\\\\/_+=\\\\.@\\\\-A-Za-z0-9]+$\"}\n",
            vec![],
        ),
        ("a.md", "//registry.org/myorg/:_authToken=MYTOKEN1\n", vec![]),
        ("a.py", "x = \"oauth_token_secret=secret%3Dpassword&oauth_token=lock%26key\"\n", vec![]),
        ("a.go", "const ErrPwd = \"Error!\"\n", vec![]),
        ("a.rs", "const A_SALT: &str = \"age-encryption.org/mlkem768p256tag\";\n", vec![]),
        ("a.py", "user, password = \"wile23\", app.password\n", vec![]),
        ("a.py", "user, password = \"wile23\", \"vS8kq-2pLx7w\"\n", vec![1]),
        ("a.py", "  Authorization: MAC id=\"h480djs93hd8\",\n", vec![]),
        (
            "test-vectors.json",
            "{\"shared_secret\": \"7a6b0285319846c6d0213647d902b7ca521d1e4683b407b9\"}\n",
            vec![],
        ),
    ] {
        assert_eq!(lines(path, text), expected, "{path}: {text}");
    }
}

#[test]
fn settings_and_scripts() {
    for (path, text, expected) in [
        ("Dockerfile", "FROM a\nRUN echo \"root:tundra-913X\" | chpasswd\n", vec![2]),
        ("Dockerfile", "RUN printf \"machine x login y password walnut_281W\\n\" > a\n", vec![1]),
        ("Makefile", "lint:\n\tdocker run --rm -v $(PWD):/src:Z image lint\n", vec![]),
        ("a.yaml", "client_secret: 34e998ce-0f8d-4f56-ad61-99b845c99afa\n", vec![1]),
        ("a.yaml", "steps:\n- run: curl -u app:vS8kq-2pLx7w https://x\n", vec![2]),
        ("a.sh", "htpasswd -bc users admin vS8kq-2pLx7w\n", vec![1]),
        (
            "a.sh",
            "aws configure set aws_secret_access_key BBic/582EkOmEiIYwMJqUPHxogVV00HUGLCfv3xB\n",
            vec![1],
        ),
        ("a.yaml", "request: 34e998ce-0f8d-4f56-ad61-99b845c99afa\n", vec![]),
        ("a.env", "ETCD_INITIAL_CLUSTER_TOKEN=k8s_etcd\n", vec![]),
        ("a.ini", "password = \"\"\"orbit!318W\"\"\"\n", vec![1]),
        ("a.yaml", "password: {{ .Values.x | default \"kestrel_244X\" | quote }}\n", vec![1]),
        ("a.txt", "ses_smtp_password_v4 = \"+KiFqn3Jooenvkkstmmb6SP1MYcztH7KwG\"\n", vec![1]),
        ("a.txt", "password = \"Summer2024!xxxxxx\"\n", vec![1]),
        ("a.json", "{\"output_token\": \"Stream.Shards[-1].ShardId\"}\n", vec![]),
        ("a.json", "{\"secretArn\": {\"pattern\": \"^arn:x:secret:[0-9A-Za-z_/-]*$\"}}\n", vec![]),
        ("a.md", "![x](https://codecov.io/gh/a/b/badge.svg?token=3KA3R2D9fV)\n", vec![]),
        ("a.md", "* Added `--username` and `--password` flags to `create`.\n", vec![]),
        ("a.lock", "parse-passwd \"^1.0.0\"\n", vec![]),
        (
            "a.env",
            "CC_TEST_REPORTER_ID=7d1dd865936b3ac13aa02a536162526d734a309516d1c5f7e905c5a92aff9a68\n",
            vec![1],
        ),
        ("a.txt", "Unseal Key 1: Kx9q2LmZ8vTn4RwY6bHc1JdF3gSa5PeUoQ7iWzXyBs0D\n", vec![1]),
        ("a.env", "PAGARME_KEY=sk_x9Kq2LmZ8vTn4RwY\n", vec![1]),
        (
            "a.txt",
            "AQEyhmfxT7rNq2LmZ8vTn4RwY6bHc1JdF3gSa5PeUoQ7iWzXyBs0Dk4==-Kx9q2LmZ8vTn4RwY6bHc1JdF3gSa5PeUoQ7iWzXyBs0=-q_7+fR;t(9Lw\n",
            vec![1],
        ),
        ("a.yaml", "token: [x9Kq2LmZ8vTn4RwY\n", vec![1]),
        ("a.toml", "auth = [\"base64\", \"validate-request\"]\n", vec![]),
        ("a.rst", "installer: salt://win/repo-ng/7zip/7z920-x64.msi\n", vec![]),
        ("a.conf", "HostKey /etc/ssh/ssh_host_ed25519_key\n", vec![]),
        ("a.txt", "uri = awsathena+rest://aws_access_key_id:aws_secret_access_key@x.org\n", vec![]),
        ("a.conf", "  proxy_pass localhost:9000;\n  fastcgi_pass phpfpm-server:9000;\n", vec![]),
        (
            "a.json",
            "{\"TITLE_PASSWORD\": \"更改密码\", \"A_PASSWORD\": \"Şifremi unuttum\"}\n",
            vec![],
        ),
        (
            "a.yaml",
            "certificateKey: 7d1dd865936b3ac13aa02a536162526d734a309516d1c5f7e905c5a92aff9a68\n",
            vec![1],
        ),
        (
            "a.yaml",
            "## start with -----BEGIN CERTIFICATE----- or\n## -----BEGIN RSA PRIVATE KEY-----\n\
             ##\n## the name should line up with a secret that is set further up in this file\na: 1\n",
            vec![],
        ),
    ] {
        assert_eq!(lines(path, text), expected, "{path}: {text}");
    }
}

#[test]
fn whole_documents() {
    assert!(lines("locales/lv.json", "{\"password\": \"Parole\"}\n").is_empty());
    assert_eq!(lines("data/lv.json", "{\"password\": \"tundra352\"}\n"), [1]);
    let phrase = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata:\n  \
                  passphrase: passphrase of the ssh key in base64\n";
    assert!(lines("a.yaml", phrase).is_empty());
    let pair =
        "aws:\n  id: AKIAMXPOZXL2SLAKCSOJ\n  value: BBic/582EkOmEiIYwMJqUPHxogVV00HUGLCfv3xB\n";
    assert!(lines("a.yaml", pair).contains(&3));
    let key = "kty: EC\nx: OkNEAeenI9oggEN1Wn5VHBFIqBeQfD0qRiTurHghbN4\n\
               d: xJ60U2LaICqiyG2a8OZ2mpZFr6fWbwSWAQ6TFLKce4z\n";
    assert_eq!(lines("a.yaml", key), [3]);
    let kapp = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n  annotations:\n    \
                kapp.k14s.io/original-diff: |\n      - type: test\n        path: /data\n        \
                value:\n          password: d2FsbnV0LjAzNFE=\n";
    assert_eq!(lines("a.yaml", kapp).len(), 1);
    let sealed = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a}\nspec:\n  \
                  template:\n    metadata:\n      annotations:\n        \
                  kubectl.kubernetes.io/last-applied-configuration: '{\"apiVersion\": \"v1\", \
                  \"kind\": \"Secret\", \"stringData\": {\"password\": \"orbit-730Z\"}}'\n";
    assert_eq!(lines("a.yaml", sealed), [8]);
    let sops = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  \
                password_unencrypted: kestrel!994Z\nsops: {version: 3.8.1}\n";
    assert_eq!(lines("a.yaml", sops), [5]);
}
