//! `coaming agent`, and the local store of `coaming secrets`.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use coaming_test::bao::Bao;

use super::{coaming, stderr, stdout};

const PLANTED: &str = "pl4nted-value-of-a-store";

/// Runs `coaming` in a directory, with this on its standard input.
fn run_in(directory: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = coaming(arguments)
        .current_dir(directory)
        .env_remove("XDG_RUNTIME_DIR")
        .env("TMPDIR", directory)
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    child.wait_with_output().unwrap()
}

/// A local store with one secret.
fn store() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let made = run_in(directory.path(), &["secrets", "init"], "");
    assert!(made.status.success(), "{}", stderr(&made));
    let set = ["secrets", "set", "shop/db", "password"];
    let done = run_in(directory.path(), &set, &format!("{PLANTED}\n"));
    assert!(done.status.success() && stdout(&done).is_empty(), "{}", stderr(&done));
    directory
}

#[test]
fn a_local_store_keeps_what_is_set() {
    let store = store();
    let get = |arguments: &[&str]| {
        let output = run_in(store.path(), &[&["secrets", "get"], arguments].concat(), "");
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    assert_eq!(get(&["shop/db", "password"]), PLANTED);
    assert_eq!(get(&[]), "shop/db password\n", "a list has no values");
    let rotated = run_in(store.path(), &["secrets", "rotate"], "");
    assert!(rotated.status.success(), "{}", stderr(&rotated));
    assert_eq!(get(&["shop/db", "password"]), PLANTED);
    let again = run_in(store.path(), &["secrets", "init"], "");
    assert!(stderr(&again).contains("exists already"), "{}", stderr(&again));
    for name in ["secrets.age", "secrets.key"] {
        let bytes = std::fs::read(store.path().join(name)).unwrap();
        assert!(!bytes.windows(7).any(|part| part == b"pl4nted"));
    }
}

/// Whether private mounts are possible here.
fn is_root(test: &str) -> bool {
    coaming_test::daemons::can_run(test, "sh", "dash")
}

#[test]
fn a_program_reads_files_that_no_other_sees() {
    if !is_root("a_program_reads_files_that_no_other_sees") {
        return;
    }
    let store = store();
    // The directory as this test sees it, which is outside the program's mount namespace.
    let outside = format!("/proc/{}/root$COAMING_SECRETS", std::process::id());
    let script = format!(
        "cat $COAMING_SECRETS/shop/db/password; echo; stat -f -c %T $COAMING_SECRETS; \
         stat -c %a $COAMING_SECRETS/shop/db/password; ls -d {outside} >&2 && ls -A {outside} | wc -l; \
         cat /proc/self/environ | tr '\\0' '\\n'; exit 7"
    );
    let output = run_in(store.path(), &["secrets", "exec", "--", "sh", "-c", &script], "");
    let text = stdout(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..4], [PLANTED, "tmpfs", "600", "0"], "{text}{}", stderr(&output));
    assert_eq!(text.matches("pl4nted").count(), 1, "it is not in the environment: {text}");
    assert_eq!(output.status.code(), Some(7), "the program's exit code");
}

#[test]
fn an_editor_works_on_a_file_in_memory() {
    if !is_root("an_editor_works_on_a_file_in_memory") {
        return;
    }
    let store = store();
    let edit = |editor: &str| {
        coaming(&["secrets", "edit"])
            .current_dir(store.path())
            .env("TMPDIR", store.path())
            .env_remove("XDG_RUNTIME_DIR")
            .env_remove("VISUAL")
            .env("PATH", "/usr/bin:/bin")
            .env("EDITOR", editor)
            .output()
            .unwrap()
    };
    let output = edit("sed -i s/pl4nted/changed/");
    assert!(output.status.success(), "{}", stderr(&output));
    let get = || stdout(&run_in(store.path(), &["secrets", "get", "shop/db", "password"], ""));
    assert_eq!(get(), PLANTED.replace("pl4nted", "changed"));
    assert!(!edit("sed -i s/{/[/").status.success());
    assert!(!edit("false").status.success());
    assert_eq!(get(), PLANTED.replace("pl4nted", "changed"), "a bad file changes nothing");
}

#[test]
fn the_agent_writes_its_files_once_or_keeps_them() {
    let Some(bao) = Bao::start("the_agent_writes_its_files_once_or_keeps_them") else { return };
    bao.policy("app", "path \"secret/*\" {capabilities = [\"read\"]}");
    bao.run(&["kv", "put", "secret/db", &format!("password={PLANTED}")]);
    let directory = tempfile::tempdir().unwrap();
    let files = directory.path().join("files");
    let config = directory.path().join("agent.yaml");
    let vault = bao.app_role("app", "1h", "2h");
    let text = format!(
        "stores:\n  main: {{vault: {vault}}}\ngrants:\n- name: db\n  store: main\n  \
         directory: {}\n  refreshSeconds: 1\n  files:\n  - {{name: password, path: secret/db, key: password}}\n",
        files.display()
    );
    std::fs::write(&config, text).unwrap();
    let config = config.display().to_string();
    let ready = || run_in(directory.path(), &["agent", "--config", &config, "--ready"], "").status;
    assert_eq!(ready().code(), Some(1));
    let once = run_in(directory.path(), &["agent", "--config", &config, "--once"], "");
    assert_eq!(once.status.code(), Some(0), "{}", stderr(&once));
    assert_eq!(std::fs::read_to_string(files.join("password")).unwrap(), PLANTED);
    assert_eq!(ready().code(), Some(0));

    let mut agent = coaming(&["agent", "--config", &config])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    bao.run(&["kv", "put", "secret/db", &format!("password={PLANTED}-2")]);
    let start = Instant::now();
    while std::fs::read_to_string(files.join("password")).unwrap_or_default().len() == PLANTED.len()
    {
        assert!(start.elapsed() < Duration::from_secs(20), "the rotation does not arrive");
        std::thread::sleep(Duration::from_millis(50));
    }
    let process = std::fs::read_to_string(format!("/proc/{}/status", agent.id())).unwrap();
    let line = process.lines().find(|line| line.starts_with("VmRSS")).unwrap().to_owned();
    assert!(Command::new("kill").arg(agent.id().to_string()).status().unwrap().success());
    let ended = agent.wait().unwrap();
    assert!(ended.success());
    assert!(!files.join("password").exists());
    let output = agent.wait_with_output().unwrap();
    for text in [stderr(&once), stdout(&output), stderr(&output)] {
        assert!(!text.contains("pl4nted"), "{text}");
    }
    // A debug build: the release build is measured in `bench/`.
    let resident: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(resident < 64 << 10, "{line}");
}

/// Where Debian's package `libfaketime` has it.
fn clock_changer() -> Option<String> {
    let machine = std::env::consts::ARCH;
    let path = format!("/usr/lib/{machine}-linux-gnu/faketime/libfaketimeMT.so.1");
    std::path::Path::new(&path).exists().then_some(path)
}

/// Two nodes whose clocks are two minutes off, one before and one behind the store's: logins, rotation, and
/// a certificate whose life is much shorter than that.
#[test]
fn a_clock_that_is_off_changes_nothing() {
    let Some(bao) = Bao::start("a_clock_that_is_off_changes_nothing") else { return };
    let Some(preload) = clock_changer() else {
        coaming_test::skip!("a_clock_that_is_off_changes_nothing: libfaketime is not installed");
        return;
    };
    bao.run(&["secrets", "enable", "pki"]);
    bao.run(&["write", "pki/root/generate/internal", "common_name=authority", "ttl=24h"]);
    bao.run(&["write", "pki/roles/web", "allow_any_name=true", "no_store=true", "max_ttl=1h"]);
    let rules = "path \"secret/*\" {capabilities = [\"read\"]}\n\
                 path \"pki/issue/web\" {capabilities = [\"update\"]}";
    bao.policy("app", rules);
    bao.run(&["kv", "put", "secret/db", &format!("password={PLANTED}")]);
    let directory = tempfile::tempdir().unwrap();
    let store = bao.app_role("app", "1h", "2h");
    let store: serde_json::Value = serde_json::from_str(&store).unwrap();
    let start = |offset: &str| {
        let files = directory.path().join(offset);
        let certificate = serde_json::json!({"name": "web.crt", "path": "pki/issue/web",
            "key": "certificate", "parameters": {"common_name": "web.example", "ttl": "12s"}});
        let password =
            serde_json::json!({"name": "password", "path": "secret/db", "key": "password"});
        let config = serde_json::json!({
            "stores": {"main": {"vault": store}},
            "grants": [{"name": "db", "store": "main", "directory": files, "refreshSeconds": 1,
                "files": [certificate, password]}],
        });
        let file = directory.path().join(format!("{offset}.json"));
        std::fs::write(&file, config.to_string()).unwrap();
        let mut agent = coaming(&["agent", "--config", &file.display().to_string()]);
        let clock = [("LD_PRELOAD", preload.as_str()), ("FAKETIME", offset)];
        agent.envs(clock).env("DONT_FAKE_MONOTONIC", "1").stderr(Stdio::piped());
        (files, agent.spawn().unwrap())
    };
    let agents = [start("+120s"), start("-120s")];
    let read = |files: &std::path::Path, name: &str| {
        std::fs::read_to_string(files.join(name)).unwrap_or_default()
    };
    let wait = |what: &str, holds: &dyn Fn() -> bool| {
        let start = Instant::now();
        while !holds() {
            assert!(start.elapsed() < Duration::from_secs(30), "{what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    for (files, _) in &agents {
        wait("the files are there", &|| read(files, "password") == PLANTED);
        assert!(read(files, "web.crt").contains("BEGIN CERTIFICATE"));
    }
    // No certificate is used after its end, and none is made at each look.
    let mut made = [const { Vec::new() }; 2];
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(30) {
        for ((files, _), made) in agents.iter().zip(&mut made) {
            let certificate = read(files, "web.crt");
            if made.last() != Some(&certificate) {
                made.push(certificate);
            }
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    for made in made {
        assert!((3..=6).contains(&made.len()), "{} certificates of 12 s in 30 s", made.len());
    }
    let rotated = format!("{PLANTED}-2");
    bao.run(&["kv", "put", "secret/db", &format!("password={rotated}")]);
    for (files, mut agent) in agents {
        wait("the rotation arrives", &|| read(&files, "password") == rotated);
        assert!(Command::new("kill").arg(agent.id().to_string()).status().unwrap().success());
        assert!(agent.wait().unwrap().success());
        let said = stderr(&agent.wait_with_output().unwrap());
        assert!(!said.contains("pl4nted") && !said.contains("next attempt"), "{said}");
    }
}

#[test]
fn a_configuration_that_cannot_be_used_is_explained() {
    let directory = tempfile::tempdir().unwrap();
    let with = |text: &str| {
        let file = directory.path().join("agent.yaml");
        std::fs::write(&file, text).unwrap();
        let output = run_in(directory.path(), &["agent", "--config", "agent.yaml"], "");
        assert_eq!(output.status.code(), Some(2));
        stderr(&output)
    };
    assert!(with("stores: {}\ngrants: []\nlisten: 0.0.0.0:80\n").contains("of this machine"));
    assert!(with("stores: [").contains("agent.yaml"));
    assert!(with("grants: []\n").contains("missing field `stores`"));
    let none = run_in(directory.path(), &["agent"], "");
    assert!(stderr(&none).contains("COAMING_AGENT_CONFIG"));
}

/// A shop as many are: a Secret in a manifest, used in three ways.
const SHOP: &str = "\
# The shop. This comment stays.
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: shop}
stringData:
  password: pl4nted-value-of-a-store # rotated in May
  user: app
---
apiVersion: v1
kind: Secret
metadata: {name: registry, namespace: shop}
type: kubernetes.io/dockerconfigjson
stringData: {.dockerconfigjson: '{}'}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
    spec:
      serviceAccountName: web
      securityContext: {runAsUser: 1000}
      imagePullSecrets: [{name: registry}]
      containers:
      - name: app # the program
        image: registry.example/shop/web:1
        env:
        - name: LEVEL
          value: info
        - name: DB_PASSWORD # used at the start
          valueFrom:
            secretKeyRef: {name: db, key: password}
      - name: backup
        image: registry.example/shop/backup@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
        volumeMounts:
        - {name: db, mountPath: /etc/db, readOnly: true}
      volumes:
      - name: db
        secret: {secretName: db}
";

#[test]
fn secrets_move_from_manifests_to_a_store() {
    let Some(bao) = Bao::start("secrets_move_from_manifests_to_a_store") else { return };
    bao.policy("app", "path \"secret/*\" {capabilities = [\"create\", \"read\"]}");
    let directory = tempfile::tempdir().unwrap();
    let manifest = directory.path().join("shop.yaml");
    std::fs::write(&manifest, SHOP).unwrap();
    let config = directory.path().join("vault.json");
    std::fs::write(&config, format!("{{\"vault\": {}}}", bao.app_role("app", "1h", "2h"))).unwrap();
    let migrate = |more: &[&str]| {
        let arguments = [
            "secrets",
            "migrate",
            "shop.yaml",
            "--to",
            "vault",
            "--config",
            "vault.json",
            "--secret-store",
            "vault",
        ];
        let output = run_in(directory.path(), &[&arguments[..], more].concat(), "");
        assert!(!stdout(&output).contains("pl4nted"), "{}", stdout(&output));
        assert!(!stderr(&output).contains("pl4nted"), "{}", stderr(&output));
        output
    };
    let dry = migrate(&[]);
    assert!(
        stdout(&dry).contains("would be moved to secret/shop/db: password, user"),
        "{}",
        stdout(&dry)
    );
    assert!(stdout(&dry).contains("Secret shop/registry: the kubelet"), "{}", stdout(&dry));
    assert_eq!(std::fs::read_to_string(&manifest).unwrap(), SHOP);
    assert!(!bao.bao(&["kv", "get", "secret/shop/db"], "").1, "a dry run writes nothing");

    bao.run(&["kv", "put", "secret/shop/db", "password=other"]);
    let refused = migrate(&["--apply"]);
    assert!(stderr(&refused).contains("has other values"), "{}", stderr(&refused));
    assert_eq!(std::fs::read_to_string(&manifest).unwrap(), SHOP);
    bao.run(&["kv", "metadata", "delete", "secret/shop/db"]);

    let done = migrate(&["--apply"]);
    assert_eq!(done.status.code(), Some(1), "{}{}", stdout(&done), stderr(&done));
    let step = "Deployment web, container app: read /run/secrets/db/password, which DB_PASSWORD_FILE names";
    assert!(stdout(&done).contains(step), "{}", stdout(&done));
    assert_eq!(bao.run(&["kv", "get", "-field=password", "secret/shop/db"]), PLANTED);
    let text = std::fs::read_to_string(&manifest).unwrap();
    assert!(!text.contains("pl4nted") && !text.contains("secretKeyRef"), "{text}");
    for kept in [
        "# The shop. This comment stays.\n",
        "- name: app # the program\n",
        "# used at the start",
        "name: LEVEL\n          value: info\n",
        "kind: SecretGrant",
        "name: DB_PASSWORD_FILE",
        "value: /run/secrets/db/password",
        "directory: /etc/db",
        "digest: sha256:aaaa",
        "coaming.dev/secrets: web-app-db,web-backup-db",
        "imagePullSecrets: [{name: registry}]",
    ] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    let again = migrate(&[]);
    assert!(!stdout(&again).contains("would be moved"), "{}", stdout(&again));
}

#[test]
fn the_plugin_of_the_api_server_starts_and_ends() {
    let Some(bao) = Bao::start("the_plugin_of_the_api_server_starts_and_ends") else { return };
    bao.run(&["secrets", "enable", "transit"]);
    bao.run(&["write", "-f", "transit/keys/kubernetes"]);
    bao.policy("kms", "path \"transit/+/kubernetes\" {capabilities = [\"read\", \"update\"]}");
    let directory = tempfile::tempdir().unwrap();
    let (socket, config) = (directory.path().join("kms.sock"), directory.path().join("kms.yaml"));
    let vault = bao.app_role("kms", "1h", "2h");
    let text = format!("socket: {}\nkey: kubernetes\nvault: {vault}\n", socket.display());
    std::fs::write(&config, &text).unwrap();
    let config = config.display().to_string();
    let plugin = coaming(&["kms", "--config", &config]).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while std::os::unix::net::UnixStream::connect(&socket).is_err() {
        assert!(start.elapsed() < Duration::from_secs(30), "it does not start");
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_secs(2));
    assert!(Command::new("kill").arg(plugin.id().to_string()).status().unwrap().success());
    let output = plugin.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("encrypting by transit/kubernetes/v1/"),
        "{}",
        stderr(&output)
    );
    assert!(!socket.exists());

    std::fs::write(
        &config,
        "socket: /x\nkey: x\nvault: {address: 'https://x', auth: {kubernetes: \
        {role: x, tokenFile: /x}}}\n",
    )
    .unwrap();
    let refused = run_in(directory.path(), &["kms", "--config", &config], "");
    assert!(stderr(&refused).contains("needs the API server"), "{}", stderr(&refused));
}

#[test]
fn the_agent_brings_the_launcher_along() {
    let store = store();
    let path = |name: &str| store.path().join(name).display().to_string();
    std::fs::create_dir(path("launchers")).unwrap();
    std::fs::write(path("launch"), "#!/bin/sh\nexit 3\n").unwrap();
    let config = serde_json::json!({
        "launcher": {"program": path("launch"), "directory": path("launchers")},
        "stores": {"local": {"age": {"file": "secrets.age", "identity": "secrets.key"}}},
        "grants": [{"name": "db", "store": "local", "directory": path("out"),
            "files": [{"name": "password", "path": "shop/db", "key": "password"}]}],
    });
    std::fs::write(path("agent.json"), config.to_string()).unwrap();
    let once = ["agent", "--once", "--config", "agent.json"];
    let done = run_in(store.path(), &once, "");
    assert!(done.status.success(), "{}", stderr(&done));
    let status = Command::new(path("launchers/coaming-launch")).status().unwrap();
    assert_eq!(status.code(), Some(3));
    std::fs::remove_file(path("launch")).unwrap();
    let failed = run_in(store.path(), &once, "");
    assert_eq!(failed.status.code(), Some(2));
    assert!(stderr(&failed).contains("cannot install the launcher"), "{}", stderr(&failed));
}
