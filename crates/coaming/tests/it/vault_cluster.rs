//! Secrets from a store in a real cluster, with a real OpenBao: pods that run, and everything that an
//! attacker could try. One test, because all of it needs the same parts; each step says what it shows.

pub(crate) mod image;
mod nowhere;
mod store;

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::lab::{Lab, lab};
use crate::serve::as_service_account;
use crate::serve::cluster::{Installed, manifests};
use crate::serve::process::{Server, piped};
use crate::{directory, root, stderr};
use store::{ADDRESS, AUDIENCE, Store};

/// The namespace of the pods.
const SHOP: &str = "vault-shop";
/// What must be in one file of one container, and nowhere else.
const PLANTED: &str = "pl4nted-in-the-store-of-the-lab";
/// How often the store is asked.
const INTERVAL: u64 = 5;
/// How long a change may take to arrive: the interval with its jitter, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(8 * INTERVAL);
/// What the role's tokens may do.
const RULES: &str = "path \"secret/*\" { capabilities = [\"read\"] }";

/// The namespace is gone at the end.
struct Shop<'l>(&'l Lab);

impl Drop for Shop<'_> {
    fn drop(&mut self) {
        let gone = ["delete", "--ignore-not-found", "--wait=false", "namespace", SHOP];
        drop(piped(self.0.exec("kubectl").args(gone), ""));
    }
}

/// The parts of the test.
struct Case<'l> {
    lab: &'l Lab,
    store: Store<'l>,
    server: Server,
}

#[test]
fn one_container_gets_its_secret_in_a_real_cluster() {
    let Some(lab) = lab() else { return };
    let _one = lab.webhook();
    lab.load_pause();
    let Some(store) = Store::start(lab, "one_container_gets_its_secret_in_a_real_cluster") else {
        return;
    };
    let files = directory(&[("kubeconfig", &as_service_account(&lab.kubeconfig()))]);
    lab.load(&image::archive(files.path()));
    let namespace = format!(
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {SHOP}\n  labels: \
         {{coaming.dev/failure-policy: fail}}\n"
    );
    lab.kubectl(&["create", "-f", "-"], &namespace);
    let _shop = Shop(lab);
    prepare(lab, &store);
    let _installed = Installed(lab);
    let kubeconfig = files.path().join("kubeconfig").display().to_string();
    let mut case = Case { lab, store, server: serve(lab, &kubeconfig) };

    case.grants_say_whether_they_can_be_used();
    case.the_granted_container_reads_its_file();
    case.nobody_else_reads_it();
    case.a_program_that_reads_its_environment_is_launched();
    case.nobody_gets_a_debugger();
    case.a_rotation_arrives_whole();
    case.jobs_end();
    case.an_agent_that_is_killed_starts_again();
    case.nothing_is_lost_while_the_store_is_away();
    case.a_right_that_is_gone_is_reported();
    case.many_pods_at_once();
    case.nobody_enters_where_it_is_refused();
    nowhere::check(&case);
}

/// The grants, their stores and the account.
fn prepare(lab: &Lab, store: &Store<'_>) {
    for definition in ["clustersecretstores", "secretgrants", "secretstores"] {
        let path = root().join(format!("deploy/crds/{definition}.coaming.dev.yaml"));
        lab.kubectl(&["apply", "-f", "-"], &std::fs::read_to_string(path).unwrap());
    }
    lab.kubectl(&["-n", SHOP, "create", "serviceaccount", "web"], "");
    store.log_in_by_cluster(SHOP);
    store.run(&["secrets", "enable", "-path=secret", "-version=2", "kv"], "");
    store.allow(RULES);
    store.put("secret/db", "password", PLANTED);
    store.put("secret/api", "key", &format!("{PLANTED}-api"));
    store.put("secret/blob", "blob", &"a".repeat(BLOB));
    let mut objects: Vec<Value> = Vec::new();
    for method in ["kubernetes", "jwt"] {
        objects.push(serde_json::json!({
            "apiVersion": "coaming.dev/v1alpha1", "kind": "SecretStore",
            "metadata": {"name": method, "namespace": SHOP},
            "spec": {"vault": {"address": ADDRESS, "audience": AUDIENCE, "method": method,
                "caBundle": store.ca}},
        }));
    }
    for (name, method, files) in [
        ("db", "kubernetes", vec![("password", "secret/db"), ("blob", "secret/blob")]),
        ("api", "jwt", vec![("key", "secret/api")]),
    ] {
        let file =
            |(key, path): &(&str, &str)| serde_json::json!({"name": key, "path": path, "key": key});
        objects.push(serde_json::json!({
            "apiVersion": "coaming.dev/v1alpha1", "kind": "SecretGrant",
            "metadata": {"name": name, "namespace": SHOP},
            "spec": {"serviceAccount": "web", "container": "app", "role": "web",
                "image": {"repository": "docker.io/lab/busybox"}, "store": {"name": method},
                "directory": format!("/run/secrets/{name}"), "refreshSeconds": INTERVAL,
                "files": files.iter().map(file).collect::<Vec<_>>()},
        }));
    }
    let mut launched = objects.last().cloned().unwrap();
    launched["metadata"]["name"] = "variable".into();
    launched["spec"]["launcher"] = true.into();
    launched["spec"]["directory"] = "/run/secrets/variable".into();
    launched["spec"]["files"][0]["variable"] = "API_KEY".into();
    objects.push(launched);
    let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": objects});
    // The definitions are served a moment after they are stored.
    let start = Instant::now();
    let apply = |text: &str| piped(lab.exec("kubectl").args(["apply", "-f", "-"]), text);
    while !apply(&list.to_string()).status.success() {
        assert!(start.elapsed() < Duration::from_secs(60), "the grants are not accepted");
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// The webhook, in the node's network.
fn serve(lab: &Lab, kubeconfig: &str) -> Server {
    lab.kubectl(&["apply", "-f", "-"], &manifests(&["--set", "secrets.enabled=true"]));
    let mut command = lab.process("env");
    command
        .args([&format!("KUBECONFIG={kubeconfig}"), "RUST_LOG=trace"])
        .args([env!("CARGO_BIN_EXE_coaming"), "serve", "--listen", "10.99.0.1:8443"])
        .args(["--drain", "0s", "--controller", "admin", "--agent-image", image::NAME]);
    let mut server = Server::start(&mut command);
    let dry = ["create", "--dry-run=server", "-o", "json", "-f", "-"];
    server.wait("pods get their agent", |_| {
        let output = piped(lab.exec("kubectl").args(dry), &pod("web", "db", ""));
        String::from_utf8_lossy(&output.stdout).contains("coaming-agent-first")
    });
    server
}

/// A pod with two containers, of which `app` is granted secrets.
fn pod(name: &str, grants: &str, more: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {SHOP}, annotations: \
         {{coaming.dev/secrets: '{grants}'}}}}\n{}{more}",
        spec("sleep 1000000", "sleep 1000000")
    )
}

/// The spec of a pod whose containers run these commands.
fn spec(app: &str, other: &str) -> String {
    format!(
        "spec:\n  serviceAccountName: web\n  terminationGracePeriodSeconds: 5\n  securityContext: \
         {{runAsUser: 1000, runAsNonRoot: true}}\n  containers:\n  - {{name: app, image: \
         'docker.io/lab/busybox:1', command: [sh, -c, '{app}']}}\n  - {{name: other, image: \
         'docker.io/lab/busybox:1', command: [sh, -c, '{other}']}}\n"
    )
}

/// The length of a file that changes while it is read.
const BLOB: usize = 20_000;

/// Reads it in a loop until the clock says so, and counts what is neither the old nor the new.
const READER: &str = "end=$(( $(/bin/busybox date +%s) + 24 )); n=0; half=0; \
    while [ $(/bin/busybox date +%s) -lt $end ]; do v=$(cat /run/secrets/db/blob 2>/dev/null) || continue; n=$((n+1)); \
    case $v in *a*b*|*b*a*) half=$((half+1));; esac; [ ${#v} = 20000 ] || half=$((half+1)); done; echo $n $half";

impl Case<'_> {
    fn kubectl(&self, arguments: &[&str]) -> String {
        self.lab.kubectl(&[&["-n", SHOP], arguments].concat(), "")
    }

    /// The same, where it may fail: whether it did not, and what it said.
    fn try_kubectl(&self, arguments: &[&str], input: &str) -> (bool, String) {
        let output =
            piped(self.lab.exec("kubectl").args([&["-n", SHOP], arguments].concat()), input);
        (output.status.success(), stderr(&output))
    }

    fn get(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.kubectl(&[&["get", "-o", "json"], arguments].concat())).unwrap()
    }

    /// Runs a shell's command in a container.
    fn sh(&self, pod: &str, container: &str, command: &str) -> String {
        self.kubectl(&["exec", pod, "-c", container, "--", "sh", "-c", command]).trim().to_owned()
    }

    fn wait(&mut self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let start = Instant::now();
        while !is_so(self) {
            let said = self.server.said();
            assert!(
                start.elapsed() < Duration::from_secs(300),
                "{what}: {said}\n{}",
                self.kubectl(&["describe", "pods"])
            );
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    fn wait_ready(&mut self, pod: &str) {
        self.wait(&format!("pod {pod} is ready"), |case| {
            let found = case.get(&["pod", pod]);
            let conditions = found["status"]["conditions"].as_array().cloned().unwrap_or_default();
            conditions.iter().any(|one| one["type"] == "Ready" && one["status"] == "True")
        });
    }

    fn agent_log(&self, pod: &str) -> String {
        self.kubectl(&["logs", pod, "-c", "coaming-agent"])
    }

    fn password(&self) -> String {
        self.sh("web", "app", "cat /run/secrets/db/password")
    }

    fn grants_say_whether_they_can_be_used(&mut self) {
        let mut wrong = self.get(&["secretgrant", "db"]);
        wrong["metadata"] = serde_json::json!({"name": "wrong", "namespace": SHOP});
        wrong["spec"]["store"]["name"] = "nowhere".into();
        self.lab.kubectl(&["create", "-f", "-"], &wrong.to_string());
        self.wait("all grants have a status", |case| {
            let status = |name: &str| case.get(&["secretgrant", name])["status"].take();
            let reason = status("wrong")["message"].as_str().unwrap_or_default().to_owned();
            status("db")["usable"] == true && reason.contains("names the SecretStore `nowhere`")
        });
        self.kubectl(&["delete", "secretgrant", "wrong"]);
    }

    fn the_granted_container_reads_its_file(&mut self) {
        self.lab.kubectl(&["create", "-f", "-"], &pod("web", "db,api", ""));
        self.wait_ready("web");
        assert_eq!(self.password(), PLANTED);
        // The second login, by the cluster's public key.
        assert_eq!(self.sh("web", "app", "cat /run/secrets/api/key"), format!("{PLANTED}-api"));
        let file = "/run/secrets/db/password";
        assert_eq!(self.sh("web", "app", &format!("stat -L -c %a/%u {file}")), "400/1000");
        assert_eq!(self.sh("web", "app", "stat -f -c %T /run/secrets/db"), "tmpfs");
        let options = self.sh("web", "app", "grep ' /run/secrets/db ' /proc/mounts");
        assert!(options.contains(" tmpfs ro"), "{options}");
        let write = "2>&1 /bin/busybox touch /run/secrets/db/x; true";
        assert!(self.sh("web", "app", write).contains("Read-only"));
        // Without a common user, the pod's own fsGroup reads.
        let grouped = pod("grouped", "db", "")
            .replace("runAsUser: 1000, runAsNonRoot: true", "fsGroup: 4711");
        self.lab.kubectl(&["create", "-f", "-"], &grouped);
        self.wait_ready("grouped");
        assert_eq!(self.sh("grouped", "app", &format!("stat -L -c %a/%g {file}")), "440/4711");
        assert_eq!(self.sh("grouped", "app", &format!("cat {file}")), PLANTED);
        self.kubectl(&["delete", "pod", "grouped", "--wait=false"]);
    }

    /// The other container, which is the same user; another pod of the account; a stolen token; one who
    /// asks for the store's audience.
    fn nobody_else_reads_it(&mut self) {
        let search = "/bin/busybox find / -xdev -name password 2>/dev/null; \
                      cat /run/secrets/db/password /proc/*/root/run/secrets/db/password 2>&1; \
                      /bin/busybox ls /var/run/secrets /run/coaming 2>&1; true";
        let found = self.sh("web", "other", search);
        assert!(!found.contains("pl4nted") && found.contains("No such file"), "{found}");
        assert!(!found.contains("kubernetes.io"), "the token of the account: {found}");
        let plain = pod("thief", "db", "").replace("coaming.dev/secrets", "example.com/other");
        self.lab.kubectl(&["create", "-f", "-"], &plain);
        self.wait_ready("thief");
        let found = self.sh("thief", "app", "cat /run/secrets/db/password 2>&1; true");
        assert!(found.contains("No such file"), "{found}");
        let stolen = "cat /var/run/secrets/kubernetes.io/serviceaccount/token";
        let stolen = self.sh("thief", "app", stolen);
        for login in ["kubernetes", "jwt"] {
            assert!(!self.store.accepts(login, &stolen), "{login}");
        }
        self.kubectl(&["delete", "pod", "thief", "--wait=false"]);
        let asks = plain.replace("name: thief", "name: asks")
            + "  volumes: [{name: t, projected: {sources: [{serviceAccountToken: {path: t, audience: \
               vault.example}}]}}]\n";
        let (created, said) = self.try_kubectl(&["create", "-f", "-"], &asks);
        assert!(!created && said.contains("vault.example"), "{said}");
        // Another image, and the event that says so to who granted.
        let other = pod("other", "db", "").replace("lab/busybox:1", "lab/thief:1");
        let (created, said) = self.try_kubectl(&["create", "-f", "-"], &other);
        assert!(!created && said.contains("is for the image"), "{said}");
        self.wait("the refusal is an event", |case| {
            let events = case.kubectl(&["get", "events"]);
            events.contains("SecretRefused") && events.contains("secretgrant/db")
        });
    }

    /// A static program in an image without libraries starts the container's own, which has the variable;
    /// nobody else does.
    fn a_program_that_reads_its_environment_is_launched(&mut self) {
        let shows = "[ -n \"$API_KEY\" ] && exec sleep 1000000";
        let spec = spec(shows, "sleep 1000000");
        let spec = spec.replacen("runAsNonRoot: true", "runAsNonRoot: true, fsGroup: 1000", 1);
        let metadata = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: launched, namespace: {SHOP}, \
             annotations: {{coaming.dev/secrets: variable}}}}\n"
        );
        self.lab.kubectl(&["create", "-f", "-"], &(metadata + &spec));
        self.wait_ready("launched");
        let environment = "/bin/busybox tr \"\\000\" \"\\n\" < /proc/1/environ";
        let value = format!("API_KEY={PLANTED}-api");
        let own = self.sh("launched", "app", environment);
        assert!(own.lines().any(|line| line == value), "{own}");
        let program = self.sh("launched", "app", "/bin/busybox readlink /proc/1/exe");
        assert!(program.contains("busybox"), "the launcher is gone: {program}");
        let write = "2>&1 /bin/busybox touch /run/coaming-launcher/x; true";
        assert!(self.sh("launched", "app", write).contains("Read-only"));
        assert!(!self.sh("launched", "other", environment).contains("API_KEY"));
        let manifest = self.kubectl(&["get", "pod", "launched", "-o", "json"]);
        assert!(manifest.contains("API_KEY=/run/secrets/variable/key"), "{manifest}");
        assert!(!manifest.contains("pl4nted"), "{manifest}");
        self.kubectl(&["delete", "pod", "launched", "--wait=false"]);
    }

    /// The requests of this version of Kubernetes have a kind of their own, without the pod.
    fn nobody_gets_a_debugger(&self) {
        let path = format!("/api/v1/namespaces/{SHOP}/pods/web/ephemeralcontainers");
        let debugger = serde_json::json!({
            "apiVersion": "v1", "kind": "EphemeralContainers",
            "metadata": {"name": "web", "namespace": SHOP},
            "ephemeralContainers": [{"name": "debug", "image": "docker.io/lab/busybox:1",
                "targetContainerName": "app"}],
        });
        let arguments = ["replace", "--raw", &path, "-f", "-"];
        let (done, said) = self.try_kubectl(&arguments, &debugger.to_string());
        assert!(!done && said.contains("gets no ephemeral containers"), "{said}");
    }

    fn a_rotation_arrives_whole(&mut self) {
        let reader = std::thread::scope(|scope| {
            let reader = scope.spawn(|| self.sh("web", "app", READER));
            for letter in ["b", "a", "b"] {
                std::thread::sleep(Duration::from_secs(6));
                self.store.put("secret/blob", "blob", &letter.repeat(BLOB));
            }
            reader.join().unwrap()
        });
        let (reads, halves) = reader.split_once(' ').unwrap();
        assert!(reads.parse::<u32>().unwrap() > 50 && halves == "0", "{reader}");
        let rotated = format!("{PLANTED}-rotated");
        self.store.put("secret/db", "password", &rotated);
        let start = Instant::now();
        self.wait("the rotation arrives", |case| case.password() == rotated);
        assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    }

    /// On this version the agent of a Job runs before it alone: its pods end.
    fn jobs_end(&mut self) {
        let template = |indent: &str| {
            let spec = spec("test -s /run/secrets/db/password", "true");
            let spec = spec.replacen("spec:\n", "spec:\n  restartPolicy: Never\n", 1);
            let text = format!("metadata: {{annotations: {{coaming.dev/secrets: db}}}}\n{spec}");
            text.lines().map(|line| format!("{indent}{line}\n")).collect::<String>()
        };
        let job = format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: once, namespace: {SHOP}}}\nspec:\n  \
             backoffLimit: 0\n  template:\n{}",
            template("    ")
        );
        let cron = format!(
            "apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {{name: minutely, namespace: {SHOP}}}\n\
             spec:\n  schedule: '* * * * *'\n  jobTemplate:\n    spec:\n      template:\n{}",
            template("        ")
        );
        self.lab.kubectl(&["create", "-f", "-"], &format!("{job}---\n{cron}"));
        self.wait("the Job ends", |case| case.get(&["job", "once"])["status"]["succeeded"] == 1);
        self.wait("a Job of the CronJob ends", |case| {
            let jobs = case.get(&["jobs"]);
            jobs["items"].as_array().unwrap().iter().any(|job| {
                job["metadata"]["name"].as_str().unwrap().starts_with("minutely")
                    && job["status"]["succeeded"] == 1
            })
        });
        self.kubectl(&["delete", "cronjob", "minutely"]);
    }

    fn an_agent_that_is_killed_starts_again(&mut self) {
        let status = |case: &Self| {
            let pod = case.get(&["pod", "web"]);
            let all = pod["status"]["containerStatuses"].as_array().unwrap().clone();
            all.into_iter().find(|one| one["name"] == "coaming-agent").unwrap()
        };
        let id = status(self)["containerID"].as_str().unwrap().replace("containerd://", "");
        let tasks = self.ctr(&["tasks", "ls"]);
        let task = tasks.lines().find(|line| line.contains(&id)).unwrap();
        let process = task.split_whitespace().nth(1).unwrap();
        let kill = std::process::Command::new("/bin/kill").args(["-9", process]).status();
        assert!(kill.unwrap().success());
        assert!(self.password().starts_with(PLANTED), "the file stays");
        self.wait("the agent runs again", |case| {
            let now = status(case);
            now["restartCount"].as_u64().unwrap() > 0 && now["state"]["running"].is_object()
        });
        let next = format!("{PLANTED}-after-the-kill");
        self.store.put("secret/db", "password", &next);
        self.wait("the next rotation arrives", |case| case.password() == next);
    }

    fn ctr(&self, arguments: &[&str]) -> String {
        let socket = self.lab.home().join("containerd.sock").display().to_string();
        let mut command = self.lab.exec("ctr");
        let output = command.args(["-a", &socket, "-n", "k8s.io"]).args(arguments).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    }

    /// A minute without the store, a store that is sealed, and one with another key: the files stay, a
    /// pod that starts meanwhile waits, and then everything goes on.
    fn nothing_is_lost_while_the_store_is_away(&mut self) {
        let last = self.password();
        self.store.kill();
        self.lab.kubectl(&["create", "-f", "-"], &pod("late", "db", ""));
        let start = Instant::now();
        self.wait("the agent says so", |case| case.agent_log("web").contains("not available"));
        while start.elapsed() < Duration::from_secs(60) {
            assert_eq!(self.password(), last);
            std::thread::sleep(Duration::from_secs(2));
        }
        self.store.launch();
        self.wait("the agent says that it is sealed", |case| {
            case.agent_log("web").contains("the store is sealed")
        });
        assert_eq!(self.password(), last);
        let waiting = self.kubectl(&["logs", "late", "-c", "coaming-agent-first"]);
        assert!(waiting.contains("next attempt in"), "{waiting}");
        assert_eq!(self.get(&["pod", "late"])["status"]["phase"], "Pending");
        self.store.unseal();
        self.store.run(&["operator", "rotate"], "");
        let next = format!("{PLANTED}-after-the-restart");
        self.store.put("secret/db", "password", &next);
        self.wait("the next rotation arrives", |case| case.password() == next);
        self.wait_ready("late");
        assert_eq!(self.sh("late", "app", "cat /run/secrets/db/password"), next);
        self.kubectl(&["delete", "pod", "late", "--wait=false"]);
    }

    fn a_right_that_is_gone_is_reported(&mut self) {
        let last = self.password();
        self.store.allow("path \"secret/data/blob\" { capabilities = [\"read\"] }");
        let start = Instant::now();
        self.wait("the agent says so", |case| {
            case.agent_log("web")
                .contains("does not allow this account to read or change `secret/db`")
        });
        assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
        assert_eq!(self.password(), last, "the last file stays");
        self.store.allow(RULES);
        let next = format!("{PLANTED}-with-the-right");
        self.store.put("secret/db", "password", &next);
        self.wait("the next rotation arrives", |case| case.password() == next);
    }

    /// One login for each pod, and none of them fails.
    fn many_pods_at_once(&mut self) {
        const PODS: u64 = 50;
        let before = self.store.logins();
        let spec = spec("test -s /run/secrets/db/password", "true")
            .replacen("spec:\n", "spec:\n  restartPolicy: Never\n", 1)
            .replace('\n', "\n    ");
        let job = format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: many, namespace: {SHOP}}}\nspec:\n  \
             backoffLimit: 0\n  parallelism: {PODS}\n  completions: {PODS}\n  template:\n    metadata: \
             {{annotations: {{coaming.dev/secrets: db}}}}\n    {spec}"
        );
        self.lab.kubectl(&["create", "-f", "-"], job.trim_end());
        self.wait("all end", |case| case.get(&["job", "many"])["status"]["succeeded"] == PODS);
        let logins = self.store.logins() - before;
        assert!(logins <= usize::try_from(PODS).unwrap(), "{logins} logins for {PODS} pods");
    }

    /// `exec` and `attach`, where the namespace asks for that, and how to do it in an emergency.
    fn nobody_enters_where_it_is_refused(&mut self) {
        self.kubectl(&["label", "namespace", SHOP, "coaming.dev/exec=refuse"]);
        let enter = ["exec", "web", "-c", "app", "--", "id"];
        self.wait("exec is refused", |case| !case.try_kubectl(&enter, "").0);
        let (_, said) = self.try_kubectl(&enter, "");
        assert!(said.contains("refuses exec into such pods"), "{said}");
        let (done, said) = self.try_kubectl(&["attach", "web", "-c", "app"], "");
        assert!(!done && said.contains("refuses attach into such pods"), "{said}");
        // The kubelet runs commands, too, and asks nobody.
        let path = format!("/api/v1/nodes/node1/proxy/run/{SHOP}/web/app?cmd=id");
        let (done, said) = self.try_kubectl(&["create", "--raw", &path, "-f", "-"], "{}");
        assert!(!done && said.contains("refuses commands by the kubelet into such pods"), "{said}");
        let configuration = self.kubectl(&["get", "--raw", "/api/v1/nodes/node1/proxy/configz"]);
        assert!(configuration.contains("kubeletconfig"), "{configuration}");
        let plain = pod("plain", "db", "").replace("coaming.dev/secrets", "example.com/other");
        self.lab.kubectl(&["create", "-f", "-"], &plain);
        self.wait_ready("plain");
        assert!(self.sh("plain", "app", "id").contains("uid=1000"), "a pod without secrets");
        self.kubectl(&["label", "namespace", SHOP, "coaming.dev/break-glass=incident-7"]);
        self.wait("the label is known", |case| case.try_kubectl(&enter, "").0);
        self.wait("it is an event", |case| case.kubectl(&["get", "events"]).contains("BreakGlass"));
        assert!(self.server.said().contains("exec by admin: incident-7"), "{}", self.server.said());
        self.kubectl(&[
            "label",
            "namespace",
            SHOP,
            "coaming.dev/break-glass-",
            "coaming.dev/exec-",
        ]);
    }
}
