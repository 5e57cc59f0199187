//! Migration: which Secrets move, and what becomes of their users.

use std::sync::Arc;

use coaming_kube::{Source, World};
use coaming_vault::{Migration, StoreKind, StoreReference, Target, migrate};

fn plan(text: &str) -> (World, Migration) {
    let stream = coaming_yaml::parse(Arc::from(text));
    let world = World::new(vec![Source::new("shop.yaml", stream.source, stream.documents)]);
    let store = StoreReference { kind: StoreKind::SecretStore, name: "vault".to_owned() };
    let target = Target { mount: "secret".to_owned(), store, role: None };
    let migration = migrate(&world, &target).unwrap();
    for line in migration.steps.iter().chain(&migration.left) {
        assert!(!line.contains("planted"), "{line}");
    }
    (world, migration)
}

const SECRET: &str = "\
apiVersion: v1
kind: Secret
metadata: {name: db}
data: {password: cGxhbnRlZA==}
---
";

/// A pod with this in its only container, and these volumes.
fn pod(container: &str, volumes: &str) -> String {
    format!(
        "{SECRET}apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec:\n  containers:\n  \
         - name: app\n    image: web:1\n{container}\n  volumes: {volumes}\n"
    )
}

/// Why the Secret stays.
fn left(text: &str) -> String {
    let (_, migration) = plan(text);
    assert!(migration.secrets.is_empty() && migration.files.is_empty(), "{migration:?}");
    migration.left.join("\n")
}

#[test]
fn a_secret_that_cannot_move_as_a_whole_stays() {
    let mount = "    volumeMounts: [{name: db, mountPath: /etc/db, subPath: password}]";
    let volume = "[{name: db, secret: {secretName: db}}]";
    assert!(left(&pod(mount, volume)).contains("by subPath"));
    let mount = "    volumeMounts: [{name: db, mountPath: /etc/db}]";
    let projected = "[{name: db, projected: {sources: [{secret: {name: db}}]}}]";
    assert!(left(&pod(mount, projected)).contains("projected"));
    let nested = "[{name: db, secret: {secretName: db, items: [{key: password, path: a/b}]}}]";
    assert!(left(&pod(mount, nested)).contains("`a/b`"));
    let variable = "    env: [{name: X, valueFrom: {secretKeyRef: {name: db, key: other}}}]";
    assert!(left(&pod(variable, "[]")).contains("no `other`"));
    assert!(left(SECRET).contains("no pod"));
    let variable = "    env: [{name: X, valueFrom: {secretKeyRef: {name: db, key: password}}}]";
    let used = pod(variable, "[]");
    assert!(left(&used.replace("cGxhbnRlZA==", "/w==")).contains("not text"));
    assert!(left(&used.replace("cGxhbnRlZA==", "'?'")).contains("not base64"));
    let ingress = "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\n\
                   spec: {tls: [{secretName: db}]}\n";
    assert!(left(&format!("{used}{ingress}")).contains("Ingress web uses it"));
}

#[test]
fn every_variable_of_a_whole_secret_becomes_a_file() {
    let (_, migration) = plan(&pod("    envFrom: [{prefix: DB_, secretRef: {name: db}}]", "[]"));
    let text = migration.files.values().next().unwrap();
    assert!(
        text.contains("DB_password_FILE") && text.contains("/run/secrets/db/password"),
        "{text}"
    );
    assert!(text.contains("kind: SecretGrant") && text.contains("name: web-app-db"), "{text}");
    assert!(!text.contains("cGxhbnRlZA") && !text.contains("secretRef"), "{text}");
    let path = migration.secrets.keys().next().unwrap();
    assert_eq!(path, "secret/default/db");
    assert_eq!(migration.secrets[path]["password"].expose(), b"planted");
    assert!(migration.steps.iter().any(|step| step.contains("runAsUser")), "{:?}", migration.steps);
}

#[test]
fn files_stay_where_they_are_and_the_result_is_stable() {
    let mount = "    volumeMounts: [{name: db, mountPath: /etc/db}]";
    let volume = "[{name: db, secret: {secretName: db, items: [{key: password, path: pass}]}}]";
    let (_, migration) = plan(&pod(mount, volume));
    let text = migration.files.values().next().unwrap().clone();
    assert!(text.contains("directory: /etc/db") && text.contains("name: pass\n"), "{text}");
    assert!(!text.contains("secretName"), "{text}");
    let (_, again) = plan(&text);
    assert!(again.secrets.is_empty() && again.files.is_empty() && again.left.is_empty());
}
