//! The webhook as users install it: its image in pods of a real cluster, by the manifests that
//! `--print-manifests` prints, under load while its replicas come and go.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::cluster::{FAILING, Installed, NAMESPACE};
use super::process::piped;
use super::{HARMLESS, PRIVILEGED, pod, to_json};
use crate::lab::{Lab, lab};
use crate::vault_cluster::image;
use crate::{coaming, directory, stdout};

/// What a request asks for: the namespace, and whether the pod has to be refused.
const ASKED: [(&str, bool); 4] =
    [(NAMESPACE, false), (NAMESPACE, true), (FAILING, false), (FAILING, true)];
/// Where the API server of this cluster listens: it has neither kube-proxy nor names.
const API_SERVER: &str = "10.99.0.1";

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Created,
    /// The webhook refused it.
    Refused,
    /// Anything else, as the API server says it.
    Other(String),
}

/// A request and its outcome.
type Answer = ((&'static str, bool), Outcome);

#[test]
fn replicas_that_come_and_go_lose_no_request() {
    let Some(lab) = lab() else { return };
    if std::process::Command::new("curl").arg("--version").output().is_err() {
        coaming_test::skip!("curl is not installed");
        return;
    }
    let _one = lab.webhook();
    lab.load_pause();
    let files = directory(&[]);
    lab.load(&image::archive(files.path()));
    let _installed = Installed(lab);
    for (name, more) in [(NAMESPACE, ""), (FAILING, ", coaming.dev/failure-policy: fail")] {
        let labels = format!("{{coaming.dev/mode: enforce{more}}}");
        let text = format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {labels}}}\n"
        );
        lab.kubectl(&["apply", "-f", "-"], &text);
    }
    install(lab);
    let is_right = |(asked, outcome): &Answer| {
        *outcome == if asked.1 { Outcome::Refused } else { Outcome::Created }
    };
    wait("it is asked", || ask(lab).iter().all(is_right));

    let before = authority(lab);
    let answers = under_load(lab, || {
        for _ in 0..2 {
            lab.kubectl(&["-n", "coaming", "rollout", "restart", "deployment/coaming"], "");
            rolled_out(lab);
        }
        // The old pods answer for a while longer, and authorities are replaced, too.
        wait("an authority is replaced", || authority(lab) != before);
    });
    let wrong: Vec<&Answer> = answers.iter().filter(|answer| !is_right(answer)).collect();
    assert!(wrong.is_empty(), "{} of {}: {wrong:?}", wrong.len(), answers.len());
    assert!(answers.len() > 500, "{}", answers.len());

    // Without notice, the failure policy decides about what this replica was asked.
    let answers = under_load(lab, || {
        kill_one(lab);
        rolled_out(lab);
        std::thread::sleep(Duration::from_secs(3));
    });
    for (asked, outcome) in &answers {
        let is_failure = |text: &str| text.contains("failed calling webhook");
        let is_allowed = match (outcome, *asked) {
            (Outcome::Created, (namespace, is_bad)) => !is_bad || namespace == NAMESPACE,
            (Outcome::Refused, (_, is_bad)) => is_bad,
            (Outcome::Other(text), (namespace, _)) => namespace == FAILING && is_failure(text),
        };
        assert!(is_allowed, "{asked:?}: {outcome:?}");
    }
    let lost = answers.iter().filter(|answer| !is_right(answer)).count();
    assert!(lost * 10 < answers.len(), "{lost} of {}", answers.len());
    assert!(ask(lab).iter().all(is_right), "afterwards");
    // A replica that is being removed may have none any more.
    let logs = ["-n", "coaming", "logs", "--ignore-errors", "-l", "app.kubernetes.io/name=coaming"];
    let said = lab.kubectl(&logs, "");
    assert!(!said.contains("forbidden"), "{said}");
}

/// Installs what is printed, with the image of this program.
fn install(lab: &Lab) {
    let (repository, tag) = image::NAME.rsplit_once(':').unwrap();
    let values = [
        format!("image.repository={repository}"),
        format!("image.tag={tag}"),
        "extraEnv[0].name=KUBERNETES_SERVICE_HOST".to_owned(),
        format!("extraEnv[0].value={API_SERVER}"),
        "extraEnv[1].name=KUBERNETES_SERVICE_PORT".to_owned(),
        "extraEnv[1].value=6443".to_owned(),
        // Everything else in this cluster is its administrator.
        "controllers[0]=admin".to_owned(),
        "extraArgs[0]=--certificate-lifetime=24s".to_owned(),
    ];
    let version = ["serve", "--print-manifests", "--kubernetes-version", "1.20"];
    let mut print = coaming(&version);
    print.args(values.iter().flat_map(|value| ["--set", value]));
    let printed = print.output().unwrap();
    assert!(printed.status.success(), "{}", crate::stderr(&printed));
    lab.kubectl(&["apply", "-f", "-"], &stdout(&printed));
    rolled_out(lab);
}

/// Waits until all replicas are new and ready.
fn rolled_out(lab: &Lab) {
    let status = ["rollout", "status", "deployment/coaming", "--timeout=180s"];
    lab.kubectl(&[&["-n", "coaming"], &status[..]].concat(), "");
}

/// The authority that signs now.
fn authority(lab: &Lab) -> String {
    let get = ["-n", "coaming", "get", "secret", "coaming-tls", "-o", "jsonpath={.data.ca\\.crt}"];
    lab.kubectl(&get, "")
}

/// Ends the process of one replica.
fn kill_one(lab: &Lab) {
    let get =
        ["-n", "coaming", "get", "pods", "-l", "app.kubernetes.io/name=coaming", "-o", "json"];
    let pods: Value = serde_json::from_str(&lab.kubectl(&get, "")).unwrap();
    // Replicas of the previous rollout may still be going, and have no container any more.
    let stays = |pod: &&Value| pod["metadata"].get("deletionTimestamp").is_none();
    let mut staying = pods["items"].as_array().unwrap().iter().filter(stays);
    let id = staying
        .find_map(|pod| pod["status"]["containerStatuses"][0]["containerID"].as_str())
        .unwrap_or_else(|| panic!("no replica has a container: {pods}"));
    let socket = lab.home().join("containerd.sock").display().to_string();
    let mut kill = lab.exec("ctr");
    kill.args(["-a", &socket, "-n", "k8s.io", "tasks", "kill", "-s", "KILL"]);
    let killed = kill.arg(id.trim_start_matches("containerd://")).output().unwrap();
    assert!(killed.status.success(), "{}", crate::stderr(&killed));
}

/// Asks without a pause while something happens.
fn under_load(lab: &Lab, happens: impl FnOnce()) -> Vec<Answer> {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let load = || {
            let mut answers = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                answers.extend(ask(lab));
            }
            answers
        };
        let threads = [scope.spawn(load), scope.spawn(load), scope.spawn(load)];
        // The threads end even if it fails.
        let happened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(happens));
        is_over.store(true, Ordering::Relaxed);
        let answers = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        happened.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        answers
    })
}

/// Some requests, one after the other on one connection.
fn ask(lab: &Lab) -> Vec<Answer> {
    let asked: Vec<(&str, bool)> = ASKED.iter().copied().cycle().take(40).collect();
    let token = lab.kubeconfig();
    let token = token.split_once("token: ").unwrap().1.split_once('}').unwrap().0;
    let request = |(namespace, is_bad): &(&str, bool)| {
        let spec = if *is_bad { PRIVILEGED } else { HARMLESS };
        let body = to_json(&pod(namespace, "tried", spec)).to_string();
        format!(
            "url = \"https://127.0.0.1:6443/api/v1/namespaces/{namespace}/pods?dryRun=All\"\n\
             header = \"Authorization: Bearer {token}\"\nheader = \"Content-Type: \
             application/json\"\ndata = {}\nuser-agent = test\ninsecure\nsilent\nmax-time = 30\n",
            serde_json::to_string(&body).unwrap()
        )
    };
    let requests: Vec<String> = asked.iter().map(request).collect();
    let output = piped(lab.exec("curl").args(["-q", "-K", "-"]), &requests.join("next\n"));
    let text = stdout(&output);
    let outcomes: Vec<Outcome> = text.lines().map(outcome).collect();
    assert_eq!(outcomes.len(), asked.len(), "{text}");
    asked.into_iter().zip(outcomes).collect()
}

/// What an answer of the API server says.
fn outcome(line: &str) -> Outcome {
    let answer: Value = serde_json::from_str(line).unwrap_or_else(|_| line.into());
    let message = answer["message"].as_str().unwrap_or_default();
    match answer["kind"].as_str() {
        Some("Pod") => Outcome::Created,
        _ if message.contains("validate") && message.contains("denied the request") => {
            Outcome::Refused
        }
        _ => Outcome::Other(line.to_owned()),
    }
}

/// Waits until something is so.
fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(240), "{what}");
        std::thread::sleep(Duration::from_millis(500));
    }
}
