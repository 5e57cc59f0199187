//! `coaming secrets`, and the most important invariant: no output contains a secret's value.

use std::fmt::Write as _;
use std::path::Path;

use super::corpus::corpus;
use super::{coaming, directory, json, run, stderr, stdout};

/// A random generator with a fixed seed, so that every run plants the same secrets.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn text(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut letter = || {
            let index = usize::try_from(self.next() % LETTERS.len() as u64).unwrap();
            char::from(LETTERS[index])
        };
        (0..length).map(|_| letter()).collect()
    }
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk
            .iter()
            .enumerate()
            .fold(0_u32, |bits, (place, &byte)| bits | u32::from(byte) << (16 - 8 * place));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            encoded.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    encoded
}

fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn url_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        let _ = write!(encoded, "%{byte:02X}");
        encoded
    })
}

/// A file with a placeholder for each secret: `<secret>` is a token, `<chosen>` and `<plain>` are
/// passwords that people choose, `<number>` is one of digits, `<base64>` a token in base64.
struct Template {
    name: &'static str,
    text: &'static str,
}

/// Secrets in each place of a manifest, with every other problem that a rule can find, and syntax
/// errors right at a secret.
const TEMPLATES: &[Template] = &[
    Template { name: "pod", text: include_str!("secrets/pod.yaml") },
    Template { name: "others", text: include_str!("secrets/others.yaml") },
    Template { name: "broken", text: include_str!("secrets/broken.yaml") },
];

/// Secrets in every kind of input, in every form, at names that are misspelled, and in fields that
/// take something else.
const PLACES: &[Template] = &[
    Template { name: "places.yaml", text: include_str!("secrets/places.yaml") },
    Template { name: "Dockerfile", text: include_str!("secrets/image.Dockerfile") },
    Template { name: "settings.env", text: include_str!("secrets/settings.txt") },
    Template { name: "app.py", text: include_str!("secrets/app.py") },
    Template { name: "kubeconfig", text: include_str!("secrets/kubeconfig") },
];

/// A password or token of the kind that a placeholder names.
fn secret(random: &mut Random, placeholder: &str) -> String {
    const WORDS: &[&str] = &["kestrel", "tundra", "walnut", "orbit", "mango", "Siskin"];
    let number = 10_000 + random.next() % 90_000;
    let word = WORDS[usize::try_from(random.next() % WORDS.len() as u64).unwrap()];
    match placeholder {
        "number" => format!("8{number}{}", 100 + random.next() % 900),
        "chosen" => format!("{word}!{number}Q"),
        "plain" => format!("{word}{number}"),
        _ => {
            let length = 16 + usize::try_from(random.next() % 17).unwrap();
            random.text(length)
        }
    }
}

impl Template {
    /// The text with a new secret in place of each placeholder.
    fn filled(&self, mut secret: impl FnMut(&str) -> String) -> String {
        let (mut filled, mut rest) = (String::new(), self.text);
        while let Some((before, after)) = rest.split_once('<') {
            let (placeholder, after) = after.split_once('>').unwrap();
            filled += before;
            match placeholder {
                "secret" | "chosen" | "plain" | "number" => filled += &secret(placeholder),
                "base64" => filled += &base64(&secret("secret")),
                other => panic!("<{other}> is not a placeholder"),
            }
            rest = after;
        }
        filled + rest
    }
}

/// Secrets, and the files that contain them.
fn planted(random: &mut Random) -> (Vec<String>, Vec<(String, String)>) {
    let mut secrets = Vec::new();
    let mut files = Vec::new();
    for number in 0..50 {
        for template in TEMPLATES {
            let text = template.filled(|_| {
                let length = 16 + usize::try_from(random.next() % 17).unwrap();
                let secret = random.text(length);
                secrets.push(secret.clone());
                secret
            });
            files.push((format!("{}{number}.yaml", template.name), text));
        }
    }
    (secrets, files)
}

/// The forms in which a secret may be written: verbatim, in base64 at any offset of a longer text,
/// in hexadecimal digits, in a URL, backwards.
fn forms(secret: &str) -> Vec<String> {
    // The bytes before and after the secret change the digits at its ends.
    let within = |lead: &str, skip: usize| {
        let encoded = base64(&format!("{lead}{secret}"));
        encoded[skip..][..secret.len()].to_owned()
    };
    vec![
        secret.to_owned(),
        within("", 0),
        within("a", 2),
        within("ab", 3),
        hex(secret),
        hex(secret).to_uppercase(),
        url_encoded(secret),
        secret.chars().rev().collect(),
    ]
}

/// All files below a directory, as bytes.
fn files_below(directory: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        bytes.extend(if path.is_dir() { files_below(&path) } else { std::fs::read(path).unwrap() });
    }
    bytes
}

#[test]
fn no_secret_is_in_any_output() {
    let mut random = Random(0x5EED_5EED_5EED_5EED);
    let (secrets, files) = planted(&mut random);
    assert_eq!(secrets.len(), 1000);
    let borrowed: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let files = directory(&borrowed);
    let path = files.path().to_str().unwrap();
    let (left, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let baseline = left.path().join("baseline.json");
    let written = left.path().join("report.sarif");
    let mut commands: Vec<Vec<&str>> = Vec::new();
    for format in
        ["full", "concise", "json", "sarif", "junit", "github", "gitlab", "html", "markdown"]
    {
        commands.push(vec!["secrets", path, "--format", format]);
        commands.push(vec!["scan", path, "--select", "ALL", "--format", format]);
        commands.push(vec!["scan", path, "--standard", "restricted", "--format", format]);
    }
    commands.push(vec!["secrets", path, "--write-baseline", baseline.to_str().unwrap()]);
    commands.push(vec![
        "secrets",
        path,
        "--format",
        "sarif",
        "--output",
        written.to_str().unwrap(),
    ]);
    commands.push(vec!["secrets", "who-can", "a", path]);
    commands.push(vec!["net", "list", path]);
    // A directory of files is also read as an image, and what is found in one is cached.
    commands.push(vec!["image", path]);
    commands.push(vec!["image", path, "--format", "json"]);
    let mut outputs = String::new();
    for arguments in &commands {
        let mut command = coaming(arguments);
        command
            .env("XDG_CACHE_HOME", cache.path())
            .env("RUST_LOG", "trace")
            .env("RUST_BACKTRACE", "full");
        let output = command.output().unwrap();
        let silent = arguments.contains(&"--output");
        assert!(silent || output.stdout.len() + output.stderr.len() > 0, "{arguments:?}");
        outputs += &stdout(&output);
        outputs += &stderr(&output);
    }
    let mut all = outputs.into_bytes();
    for directory in [left.path(), cache.path()] {
        all.extend(files_below(directory));
    }
    let needles: Vec<String> = secrets.iter().flat_map(|secret| forms(secret)).collect();
    let finder = aho_corasick::AhoCorasick::new(&needles).unwrap();
    let hit = finder.find(&all).map(|hit| hit.pattern().as_usize());
    assert_eq!(hit.map(|hit| (hit / 8, hit % 8)), None, "a planted secret is in an output");
}

#[test]
fn no_place_of_any_input_shows_its_secret() {
    let mut random = Random(0xFACE_FEED_FACE_FEED);
    let mut secrets = Vec::new();
    let mut files = Vec::new();
    for number in 0..4 {
        for template in PLACES {
            let text = template.filled(|placeholder| {
                let secret = secret(&mut random, placeholder);
                secrets.push(secret.clone());
                secret
            });
            files.push((format!("{number}/{}", template.name), text));
        }
    }
    let borrowed: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let files = directory(&borrowed);
    let path = files.path().to_str().unwrap();
    let kubeconfig = files.path().join("0/kubeconfig");
    let mut commands: Vec<Vec<&str>> = Vec::new();
    for format in
        ["full", "concise", "json", "sarif", "junit", "github", "gitlab", "html", "markdown"]
    {
        commands.push(vec!["secrets", path, "--format", format]);
        commands
            .push(vec!["scan", path, "--select", "ALL", "--images", "never", "--format", format]);
    }
    commands.push(vec!["fix", "--diff", "--images", "never", path]);
    commands.push(vec!["fix", "--unsafe", "--diff", "--images", "never", path]);
    commands.push(vec!["pin", "--diff", path]);
    commands.push(vec!["net", "list", path]);
    commands.push(vec!["breach", path]);
    commands.push(vec!["secrets", "who-can", "a", path]);
    commands.push(vec!["image", path, "--format", "json"]);
    commands.push(vec!["scan", "--cluster"]);
    let cache = tempfile::tempdir().unwrap();
    let needles: Vec<String> = secrets.iter().flat_map(|secret| forms(secret)).collect();
    let finder = aho_corasick::AhoCorasick::new(&needles).unwrap();
    for arguments in &commands {
        let mut command = coaming(arguments);
        command
            .env("XDG_CACHE_HOME", cache.path())
            .env("KUBECONFIG", &kubeconfig)
            .env("RUST_LOG", "trace")
            .env("RUST_BACKTRACE", "full");
        let output = command.output().unwrap();
        let shown = stdout(&output) + &stderr(&output);
        let hit = finder.find(&shown).map(|hit| {
            let start = shown[..hit.start()].rfind('\n').map_or(0, |newline| newline + 1);
            shown[start..].lines().next().unwrap_or_default().to_owned()
        });
        assert_eq!(hit, None, "{arguments:?}");
    }
    let kept = files_below(cache.path());
    assert_eq!(finder.find(&kept).map(|hit| hit.pattern()), None, "the cache has a secret");
}

/// Policies in one line each, as machines write them: the gate has to judge each value on it.
const ONE_LINE: &[&str] = &[
    r#"{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "n"},
 "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"ipBlock":
 {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}], "ports": [{"protocol": "TCP", "port": 80,
 "endPort": 90}]}], "egress": [{"ports": [{"port": "http"}]}]}}"#,
    r#"{"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": "c"},
 "spec": {"endpointSelector": {}, "egress": [{"toCIDR": ["10.0.0.0/8"], "toPorts": [{"ports":
 [{"port": "80", "protocol": "TCP"}]}]}]}}"#,
    r#"{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "labels": {"a":
 "b"}}, "spec": {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata":
 {"labels": {"a": "b"}}, "spec": {"hostNetwork": true, "volumes": [{"name": "v", "hostPath":
 {"path": "/x"}}], "containers": [{"name": "c", "image": "nginx:1.27", "args": ["-v"],
 "securityContext": {"runAsUser": 0, "capabilities": {"add": ["NET_ADMIN"]}}, "ports":
 [{"containerPort": 80}], "livenessProbe": {"httpGet": {"port": 80, "path": "/"},
 "periodSeconds": 3}}]}}}}"#,
];

/// The paths to all values in a document but the names of its type.
fn leaves(value: &serde_json::Value, path: &str, paths: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (key, value) in fields.iter().filter(|(key, _)| !path.is_empty() || *key == "spec")
            {
                leaves(value, &format!("{path}/{key}"), paths);
            }
        }
        serde_json::Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                leaves(value, &format!("{path}/{index}"), paths);
            }
        }
        _ => {}
    }
    if !path.is_empty() {
        paths.push(path.to_owned());
    }
}

#[test]
fn no_value_at_the_place_of_another_is_shown() {
    let mut random = Random(0xABCD_EF01_2345_6789);
    let (mut secrets, mut files) = (Vec::new(), Vec::new());
    for document in ONE_LINE {
        let document: serde_json::Value = serde_json::from_str(document).unwrap();
        let mut paths = Vec::new();
        leaves(&document, "", &mut paths);
        for (path, kind) in paths.iter().flat_map(|path| [(path, "number"), (path, "chosen")]) {
            let mut document = document.clone();
            let secret = secret(&mut random, kind);
            let planted = match kind {
                "number" => serde_json::Value::from(secret.parse::<u64>().unwrap()),
                _ => serde_json::Value::from(secret.clone()),
            };
            *document.pointer_mut(path).unwrap() = planted;
            files.push((format!("{}.yaml", files.len()), document.to_string()));
            secrets.push(secret);
        }
    }
    let borrowed: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let files = directory(&borrowed);
    let path = files.path().to_str().unwrap();
    let finder = aho_corasick::AhoCorasick::new(&secrets).unwrap();
    for arguments in [
        &["scan", path, "--select", "ALL", "--images", "never"][..],
        &["scan", path, "--select", "ALL", "--images", "never", "--format", "json"],
        &["scan", path, "--select", "ALL", "--images", "never", "--format", "sarif"],
        &["fix", "--unsafe", "--diff", "--images", "never", path],
        &["breach", path, "--format", "html"],
        &["net", "list", path],
    ] {
        let output = coaming(arguments).output().unwrap();
        let shown = stdout(&output) + &stderr(&output);
        let hit = finder.find(&shown).map(|hit| {
            let start = (0..hit.start().saturating_sub(80)).rev();
            let start = start.clone().find(|at| shown.is_char_boundary(*at)).unwrap_or(0);
            &shown[start..hit.end()]
        });
        assert_eq!(hit, None, "{arguments:?}");
    }
}

#[test]
fn image_settings_that_may_be_secret_are_not_shown() {
    let facts = coaming_image::ImageFacts {
        config: coaming_image::ImageConfig {
            environment: vec![
                ("FOO".to_owned(), Some("tundra!913Q".to_owned())),
                ("BAR".to_owned(), Some("83454102".to_owned())),
                ("PATH".to_owned(), Some("/usr/bin".to_owned())),
            ],
            ..Default::default()
        },
        ..Default::default()
    };
    let mut out = Vec::new();
    coaming_report::image::json(&facts, "x", Default::default(), &mut out).unwrap();
    let shown = String::from_utf8(out).unwrap();
    assert!(!shown.contains("tundra") && !shown.contains("83454102"), "{shown}");
    assert!(shown.contains("/usr/bin") && shown.contains("FOO"), "{shown}");
}

#[test]
fn a_preview_of_fixes_shows_no_secret() {
    // A diff shows lines verbatim: lines with secrets are left out.
    let manifest = r"
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: web:1.2
      env:
        - name: DB_PASSWORD
          value: vS8kq-2pLx7w
      securityContext: {}
";
    let files = directory(&[("pod.yaml", manifest)]);
    let output = run(&["fix", "--unsafe", "--diff", files.path().to_str().unwrap()]);
    let text = stdout(&output) + &stderr(&output);
    assert!(text.contains("+  automountServiceAccountToken: false"), "{text}");
    assert!(!text.contains("vS8kq-2pLx7w"), "{text}");
}

#[test]
fn most_planted_secrets_are_found() {
    let mut random = Random(0xC0FF_EE00_C0FF_EE00);
    let (_, files) = planted(&mut random);
    let borrowed: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let files = directory(&borrowed);
    let report = json(&run(&["secrets", files.path().to_str().unwrap(), "--format", "json"]));
    let found = report["findings"].as_array().unwrap().len();
    // Fifty are the value of `privileged`, where secrets are not detected.
    assert!(found >= 940, "{found} of 1000");
}

#[test]
fn any_text_is_read_whatever_its_name() {
    let files = directory(&[
        ("notes.txt", "the password: hunter2!9\n"),
        (".npmrc", "//registry.npmjs.org/:_authToken=x9Kq2LmZ8vTn4RwYx9Kq\n"),
        ("code.py", "password = getpass()\n"),
    ]);
    let output = run(&["secrets", files.path().to_str().unwrap(), "--format", "concise"]);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    assert!(text.contains("notes.txt:1:15"), "{text}");
    assert!(text.contains(".npmrc:1:"), "{text}");
    assert!(!text.contains("code.py"), "{text}");
}

#[test]
fn values_and_kubeconfigs_beside_the_manifests_are_scanned() {
    let objects = r"apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data: {password: vS8kq-2pLx7w}
";
    let kubeconfig = r"apiVersion: v1
kind: Config
users:
- name: a
  user: {token: x9Kq2LmZ8vTn4RwYbB}
";
    let files = directory(&[
        ("values-prod.yaml", "auth:\n  password: vS8kq-2pLx7w\n"),
        ("values.yaml", objects),
        ("kubeconfig", kubeconfig),
    ]);
    let output = run(&["scan", files.path().to_str().unwrap(), "--format", "concise"]);
    let text = stdout(&output);
    for place in ["values-prod.yaml:2", "values.yaml:4", "kubeconfig:5"] {
        assert!(text.contains(place), "{place}: {text}");
    }
    assert!(text.contains("plain-secret-config-map"), "{text}");
}

/// A text that is too long to keep whole, and more files than are read at once.
#[test]
fn reading_in_portions_changes_no_finding() {
    let long =
        format!("{}password: hunter2!9\n{}", "a line\n".repeat(20_000), "more\n".repeat(20_000));
    let mut all: Vec<(String, String)> =
        (0..200).map(|place| (format!("{place:03}.txt"), "token: none\n".to_owned())).collect();
    all[7].1 = long;
    all[190].1 = "first\n\npassword: hunter2!9\n".to_owned();
    let files: Vec<(&str, &str)> =
        all.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let files = directory(&files);
    let output = run(&["secrets", files.path().to_str().unwrap(), "--format", "concise"]);
    let text = stdout(&output);
    assert_eq!(text.matches("plain-secret-file").count(), 2, "{text}");
    assert!(text.contains("007.txt:20001:11") && text.contains("190.txt:3:11"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn rules_in_the_format_of_gitleaks() {
    let rules = r"
[[rules]]
id = 'acme'
description = 'Acme badge'
regex = '''badge-[0-9]{6}'''
keywords = ['badge-']
";
    let files = directory(&[
        ("coaming.yaml", "secrets: {rules: own.toml}\n"),
        ("own.toml", rules),
        ("a.txt", "badge-402918\n"),
    ]);
    let path = files.path().join("a.txt");
    let output = run(&["secrets", path.to_str().unwrap(), "--format", "concise"]);
    assert!(stdout(&output).contains("Acme badge"), "{}", stderr(&output));
    std::fs::write(files.path().join("own.toml"), "[[rules]]\nid = 'a'\nregex = '('\n").unwrap();
    let output = run(&["secrets", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("rule `a`: `regex`"), "{}", stderr(&output));
}

#[test]
fn secrets_of_kubernetes_goat_are_found() {
    let Some(corpus) = corpus() else { return };
    let path = corpus.join("kubernetes-goat/scenarios");
    let output = run(&["secrets", path.to_str().unwrap(), "--format", "concise"]);
    let text = stdout(&output);
    for key in ["k8svaultapikey", "k8swebhookapikey", "k8sgoatvaultkey"] {
        assert!(text.contains(key), "{text}");
    }
    // A well-maintained stack has none.
    let path = corpus.join("kube-prometheus");
    let output = run(&["secrets", path.to_str().unwrap(), "--format", "concise"]);
    assert_eq!(stdout(&output), "", "a false alarm");
}

#[test]
fn rules_of_sops_that_miss_a_field_are_found() {
    let rule =
        "creation_rules:\n- path_regex: secrets/.*\n  encrypted_regex: ^(data)$\n  age: age1x\n";
    let files = directory(&[(".sops.yaml", rule)]);
    let output = run(&["secrets", "--format", "concise", files.path().to_str().unwrap()]);
    assert!(stdout(&output).contains(".sops.yaml:3:20: medium[sops-misses-field]"), "{output:?}");
}

#[test]
fn a_scan_judges_the_rules_of_sops_and_what_they_leave_out() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData:\n  password: vS8kq-2pLx7w\n";
    let rules = "creation_rules:\n- path_regex: ^enc/\n  encrypted_suffix: Data\n  mac_only_encrypted: true\n  \
        age: age1x\n";
    let files = directory(&[
        ("chart/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
        ("chart/.sops.yaml", rules),
        ("live/.sops.yaml", rules),
        ("live/enc/a.yaml", secret),
        ("live/other/b.yaml", secret),
        ("beside/c.yaml", secret),
    ]);
    let select = ["--select", "sops-misses-field", "--format", "json"];
    let output = run(&[&["scan", files.path().to_str().unwrap()], &select[..]].concat());
    let report = json(&output);
    let findings = report["findings"].as_array().unwrap().iter().map(|finding| {
        let file = finding["locations"][0]["file"].as_str().unwrap();
        let file = file.rsplit_once(files.path().file_name().unwrap().to_str().unwrap()).unwrap().1;
        format!("{file} {}", finding["message"].as_str().unwrap())
    });
    let mut findings: Vec<String> = findings.collect();
    findings.sort();
    let gap = "`encrypted_suffix` encrypts `stringData` of Secrets, but not `data`";
    assert_eq!(
        findings,
        [
            format!("/chart/.sops.yaml {gap}"),
            format!("/live/.sops.yaml {gap}"),
            "/live/other/b.yaml `.sops.yaml` has no creation rule for the file of Secret `db`"
                .to_owned(),
        ]
    );
}
