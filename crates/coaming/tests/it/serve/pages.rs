//! The pages of the server: each reader sees what they may list, and nothing else.

use serde_json::Value;

use super::cluster::{Installed, manifests};
use super::process::Server;
use super::{PRIVILEGED, as_service_account, deployment};
use crate::lab::{Lab, lab};
use crate::{directory, stdout};

const ADDRESS: &str = "10.99.0.1:8443";

/// Asks for a path, with a token unless it is empty: the status, and the body.
fn get(lab: &Lab, path: &str, token: &str) -> (u16, String) {
    let mut command = lab.exec("curl");
    command.args(["-sk", "--max-time", "60", "-w", "\n%{http_code}"]);
    let header = format!("Authorization: Bearer {token}");
    if !token.is_empty() {
        command.args(["-H", &header]);
    }
    let output = command.arg(format!("https://{ADDRESS}{path}")).output().unwrap();
    let text = stdout(&output);
    let (body, status) = text.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), body.to_owned())
}

/// A service account in a namespace with a role: its token.
fn reader(lab: &Lab, name: &str, role: &str, binding: &str) -> String {
    let objects = format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {name}, namespace: coaming-shop}}\n---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: page-{name}}}\n\
         rules:\n{role}\n---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: {binding}\n\
         metadata: {{name: page-{name}, namespace: coaming-shop}}\n\
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: page-{name}}}\n\
         subjects: [{{kind: ServiceAccount, name: {name}, namespace: coaming-shop}}]\n"
    );
    lab.kubectl(&["apply", "-f", "-"], &objects);
    lab.account_token("coaming-shop", name)
}

/// Waits until the server has a certificate, has read the cluster and shows a page.
fn wait(lab: &Lab, server: &mut Server, path: &str, token: &str, expected: u16) -> String {
    let mut answer = (0, String::new());
    server.wait("a page is answered", |_| {
        answer = get(lab, path, token);
        answer.0 == expected
    });
    answer.1
}

/// A server with the rights of its service account. It gets its certificate a little later.
fn start(lab: &Lab, kubeconfig: &std::path::Path, arguments: &[&str]) -> Server {
    let mut command = lab.process("env");
    command
        .arg(format!("KUBECONFIG={}", kubeconfig.display()))
        .args([env!("CARGO_BIN_EXE_coaming"), "serve", "--listen", ADDRESS])
        .args(["--drain", "0s", "--controller", "admin", "--pages"])
        .args(arguments);
    Server::start(&mut command)
}

/// The namespaces and roles are gone at the end: other tests use the cluster, too.
struct Readers<'l>(&'l Lab);

impl Drop for Readers<'_> {
    fn drop(&mut self) {
        let delete = ["delete", "--ignore-not-found", "--wait=false"];
        let all: [&[&str]; 2] = [
            &["namespace", "coaming-shop", "coaming-other"],
            &["clusterrolebinding,clusterrole", "page-all", "page-own", "page-few"],
        ];
        for what in all {
            let _ = self.0.exec("kubectl").args(delete).args(what).output();
        }
    }
}

fn objects() -> String {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: coaming-shop}\n\
                   spec: {selector: {app: web}, ports: [{port: 80}]}\n";
    let ingress = "apiVersion: networking.k8s.io/v1\nkind: Ingress\n\
                   metadata: {name: entrance, namespace: coaming-shop}\n\
                   spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}\n";
    let web = deployment("coaming-shop", "web", PRIVILEGED);
    let other = deployment("coaming-other", "hidden", PRIVILEGED);
    [web.as_str(), service, ingress, &other].join("---\n")
}

const ALL: &str = "- {apiGroups: ['*'], resources: ['*'], verbs: [get, list]}";
const FEW: &str = "- {apiGroups: ['', apps], resources: [pods, deployments], verbs: [list]}";

#[test]
fn pages_show_what_their_reader_may_list() {
    let Some(lab) = lab() else { return };
    let _one = lab.webhook();
    let (_installed, _readers) = (Installed(lab), Readers(lab));
    for name in ["coaming-shop", "coaming-other"] {
        let namespace = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n");
        lab.kubectl(&["apply", "-f", "-"], &namespace);
    }
    lab.kubectl(&["apply", "-f", "-"], &objects());
    lab.kubectl(&["apply", "-f", "-"], &manifests(&["--set", "pages.enabled=true"]));
    let files = directory(&[("kubeconfig", &as_service_account(&lab.kubeconfig()))]);
    let kubeconfig = files.path().join("kubeconfig");
    let admin = reader(lab, "all", ALL, "ClusterRoleBinding");
    let own = reader(lab, "own", ALL, "RoleBinding");
    let few = reader(lab, "few", FEW, "RoleBinding");
    let mut server = start(lab, &kubeconfig, &[]);

    let report = wait(lab, &mut server, "/report", &admin, 200);
    assert!(report.contains("<code>web</code> is privileged"), "{report}");
    assert!(report.contains("coaming-other") && report.contains("hidden"), "{report}");
    let (status, breach) = get(lab, "/breach", &admin);
    assert_eq!(status, 200, "{breach}");
    assert!(breach.contains("Ingress coaming-shop/entrance"), "an Ingress leads in");

    what_one_namespace_shows(lab, &own);
    // A page for a reader with few rights names what is missing.
    let (status, page) = get(lab, "/report?namespace=coaming-shop", &few);
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("you may not list, and are not shown: configmaps"), "{page}");
    assert!(!page.contains("entrance"), "{page}");

    for token in ["", "not-a-token"] {
        assert_eq!(get(lab, "/report", token).0, 401, "{token}");
    }
    assert_eq!(get(lab, "/report?namespace=a/b", &admin).0, 400);
    let said = server.said().to_lowercase();
    assert!(!said.contains("forbidden"), "the rights of the chart are enough: {said}");

    // A page that does not fit is refused, and the server goes on.
    server.kill();
    let mut server = start(lab, &kubeconfig, &["--page-memory", "1"]);
    let said = wait(lab, &mut server, "/report", &admin, 507);
    assert!(said.contains("MiB of 1 MiB") && said.contains("--page-memory"), "{said}");
    server.wait("it is ready", |_| get(lab, "/readyz", "").0 == 200);

    without_the_right_to_review_tokens(lab);
    server.wait("an entry names the missing right", |server| {
        get(lab, "/report", &own).0 == 503
            && server.said().contains("cannot create resource \"tokenreviews\"")
    });
}

/// Who may only see a namespace sees that.
fn what_one_namespace_shows(lab: &Lab, own: &str) {
    let (status, said) = get(lab, "/report", own);
    assert!(status == 403 && said.contains("?namespace=NAME"), "{status} {said}");
    for path in ["/report?namespace=coaming-shop", "/breach?namespace=coaming-shop"] {
        let (status, page) = get(lab, path, own);
        assert_eq!(status, 200, "{path}: {page}");
        assert!(page.contains("privileged") && !page.contains("coaming-other"), "{path}: {page}");
        assert!(!page.contains("hidden is"), "{path}");
        assert_eq!(get(lab, &path.replace("shop", "other"), own).0, 403, "{path}");
    }
}

/// Takes the right to create TokenReviews from the server's role.
fn without_the_right_to_review_tokens(lab: &Lab) {
    let role = lab.kubectl(&["get", "clusterrole", "coaming", "-o", "json"], "");
    let mut role: Value = serde_json::from_str(&role).unwrap();
    let rules = role["rules"].as_array_mut().unwrap();
    let before = rules.len();
    rules.retain(|rule| rule["apiGroups"][0] != "authentication.k8s.io");
    assert!(rules.len() < before, "the chart has it");
    lab.kubectl(&["replace", "-f", "-"], &role.to_string());
}
