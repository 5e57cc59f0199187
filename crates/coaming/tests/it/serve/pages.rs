//! The pages of the server: each reader sees what they may list, and nothing else.

use serde_json::Value;

use super::api_server::{Lab, lab};
use super::process::Server;
use super::{PRIVILEGED, deployment};
use crate::stdout;

/// Asks for a path, with a token unless it is empty: the status, and the body.
pub(super) fn get(lab: &Lab, path: &str, token: &str) -> (u16, String) {
    let mut command = lab.command("exec");
    command.args(["--", "curl", "-sk", "--max-time", "60", "-w", "\n%{http_code}"]);
    let header = format!("Authorization: Bearer {token}");
    if !token.is_empty() {
        command.args(["-H", &header]);
    }
    let output = command.arg(format!("https://127.0.0.1{path}")).output().unwrap();
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
    lab.done(&["apply", "-f", "-"], &objects);
    lab.done(&["-n", "coaming-shop", "create", "token", name], "").trim().to_owned()
}

/// Waits until the server has a certificate, has read the cluster and shows a page.
fn wait(lab: &Lab, server: &mut Server, path: &str, token: &str, expected: u16) -> String {
    let mut body = String::new();
    server.wait("a page is answered", |_| {
        let answer = get(lab, path, token);
        body = answer.1;
        answer.0 == expected
    });
    body
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
    lab.namespace("coaming-shop", "");
    lab.namespace("coaming-other", "");
    lab.done(&["apply", "-f", "-"], &objects());
    lab.install(&["--set", "pages.enabled=true"]);
    let admin = reader(&lab, "all", ALL, "ClusterRoleBinding");
    let own = reader(&lab, "own", ALL, "RoleBinding");
    let few = reader(&lab, "few", FEW, "RoleBinding");
    let mut server = lab.start(&["--pages"]);

    let report = wait(&lab, &mut server, "/report", &admin, 200);
    assert!(report.contains("<code>web</code> is privileged"), "{report}");
    assert!(report.contains("coaming-other") && report.contains("hidden"), "{report}");
    let (status, breach) = get(&lab, "/breach", &admin);
    assert_eq!(status, 200, "{breach}");
    assert!(breach.contains("Ingress coaming-shop/entrance"), "an Ingress leads in");

    // Who may only see a namespace sees that.
    let (status, said) = get(&lab, "/report", &own);
    assert!(status == 403 && said.contains("?namespace=NAME"), "{status} {said}");
    for path in ["/report?namespace=coaming-shop", "/breach?namespace=coaming-shop"] {
        let (status, page) = get(&lab, path, &own);
        assert_eq!(status, 200, "{path}: {page}");
        assert!(page.contains("privileged") && !page.contains("coaming-other"), "{path}: {page}");
        assert!(!page.contains("hidden is"), "{path}");
        assert_eq!(get(&lab, &path.replace("shop", "other"), &own).0, 403, "{path}");
    }
    // Who may see little is told what is missing.
    let (status, page) = get(&lab, "/report?namespace=coaming-shop", &few);
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("you may not list, and are not shown: configmaps"), "{page}");
    assert!(!page.contains("entrance"), "{page}");

    for token in ["", "not-a-token"] {
        assert_eq!(get(&lab, "/report", token).0, 401, "{token}");
    }
    assert_eq!(get(&lab, "/report?namespace=a/b", &admin).0, 400);
    nothing_was_written(&lab, &server);

    // A page that does not fit is refused, and the server goes on.
    server.kill();
    let mut server = lab.start(&["--pages", "--page-memory", "1"]);
    let said = wait(&lab, &mut server, "/report", &admin, 507);
    assert!(said.contains("MiB of 1 MiB") && said.contains("--page-memory"), "{said}");
    server.wait("it is ready", |_| get(&lab, "/readyz", "").0 == 200);
}

/// The rights of the chart are enough, and pages write no reports.
fn nothing_was_written(lab: &Lab, server: &Server) {
    let said = server.said().to_lowercase();
    assert!(!said.contains("forbidden"), "{said}");
    let definitions: Value = lab.get(&["customresourcedefinitions"]);
    assert!(!definitions.to_string().contains("policyreports"));
}
