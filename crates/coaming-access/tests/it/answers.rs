//! Answers for single cases. How a whole answer looks is tested where it is rendered.

use std::sync::Arc;

use coaming_access::{Access, Request, who_can};
use coaming_kube::{Source, World};

fn world(text: &str) -> World {
    let stream = coaming_yaml::parse(Arc::from(text));
    assert_eq!(stream.errors, [], "{text}");
    World::new(vec![Source::new("all.yaml", stream.source, stream.documents)])
}

#[test]
fn invalid_names_are_refused() {
    let world = world("{}");
    let access = Access::new(&world);
    for text in ["", "/", "a/", "/b", "a/b/c"] {
        assert!(who_can(&world, &access, text).is_err(), "{text}");
    }
    assert_eq!(who_can(&world, &access, "db").unwrap().namespace, "default");
}

/// The subjects that can get a Secret of namespace `a` through the cluster role `top`, bound in
/// `a`.
fn readers(roles: &str) -> Vec<String> {
    let binding = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\n\
        metadata: {name: b, namespace: a}\nroleRef: {kind: ClusterRole, name: top}\nsubjects: [{kind: User, name: u}]\n";
    let world = world(&format!("{roles}{binding}"));
    let access = Access::new(&world);
    let request = Request::on_secret("get", "a", "s");
    access
        .allowing(&request)
        .iter()
        .flat_map(|allowed| allowed.binding.subjects().map(|(subject, _)| subject.to_string()))
        .collect()
}

fn role(name: &str, rest: &str) -> String {
    format!(
        "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\n\
         metadata: {{name: {name}, labels: {{part: {name}}}}}\n{rest}\n"
    )
}

#[test]
fn aggregated_roles_get_the_rules_of_others() {
    let reads = "rules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]";
    let selects = |what: &str| {
        format!("aggregationRule: {{clusterRoleSelectors: [{{matchLabels: {{part: {what}}}}}]}}")
    };
    let whole = [role("top", &selects("mid")), role("mid", &selects("low")), role("low", reads)];
    assert_eq!(readers(&whole.concat()), ["User u"]);
    // The rules that an aggregated role states itself are overwritten.
    let overwritten = role("top", &format!("{}\n{reads}", selects("nothing")));
    assert!(readers(&overwritten).is_empty());
    // Roles that select each other do not loop.
    let circle = [role("top", &selects("mid")), role("mid", &selects("top"))];
    assert!(readers(&circle.concat()).is_empty());
    let expression = "aggregationRule: {clusterRoleSelectors: \
        [{matchExpressions: [{key: part, operator: In, values: [x, low]}]}]}";
    assert_eq!(readers(&[role("top", expression), role("low", reads)].concat()), ["User u"]);
}

#[test]
fn bindings_are_found_by_account() {
    let binding = |name: &str, subject: &str| {
        format!(
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\n\
             metadata: {{name: {name}, namespace: a}}\nroleRef: {{kind: Role, name: unknown}}\nsubjects: [{subject}]\n"
        )
    };
    let world = world(
        &[
            binding("own", "{kind: ServiceAccount, name: web}"),
            binding("user", "{kind: User, name: 'system:serviceaccount:b:web'}"),
            binding("group", "{kind: Group, name: 'system:serviceaccounts:b'}"),
            binding("all", "{kind: Group, name: 'system:serviceaccounts'}"),
        ]
        .concat(),
    );
    let access = Access::new(&world);
    let names = |namespace: &str, account: &str| -> Vec<&str> {
        let bindings = access.bindings_of_account(namespace, account);
        bindings.map(|binding| world.object(binding.object).unwrap().name()).collect()
    };
    assert_eq!(names("a", "web"), ["own"]);
    assert_eq!(names("b", "web"), ["user", "group"]);
    assert_eq!(names("b", "other"), ["group"]);
    assert!(names("a", "other").is_empty());
}

/// Who can get the Secret `shop/db` in further steps, with this account of `team` that may write
/// objects of a kind in its namespace and read Secrets there.
fn through_controllers(resource: &str, objects: &str) -> Vec<String> {
    let group = match resource {
        "externalsecrets" => "external-secrets.io",
        "vaultstaticsecrets" | "vaultdynamicsecrets" => "secrets.hashicorp.com",
        _ => "bitnami.com",
    };
    let rights = format!(
        "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: r, namespace: team}}\n\
         rules:\n- {{apiGroups: [{group}], resources: [{resource}], verbs: [create]}}\n\
         - {{apiGroups: [''], resources: [secrets], verbs: [get]}}\n---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: b, namespace: team}}\n\
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}}\n\
         subjects: [{{kind: User, name: dev}}]\n"
    );
    let world = world(&format!("{objects}{rights}"));
    let access = Access::new(&world);
    let answer = who_can(&world, &access, "shop/db").unwrap();
    let own = answer.indirect.iter().filter(|access| access.subject.to_string() == "User dev");
    own.map(|access| access.how.clone()).collect()
}

const EXTERNAL: &str = "---\napiVersion: external-secrets.io/v1\nkind: ExternalSecret\n\
    metadata: {name: x, namespace: shop}\nspec:\n  secretStoreRef: {kind: ClusterSecretStore, name: vault}\n  \
    target: {name: db}\n  data: [{secretKey: a, remoteRef: {key: prod/db}}]\n";

#[test]
fn a_store_for_all_namespaces_copies_a_secret() {
    let store = |conditions: &str| {
        format!(
            "---\napiVersion: external-secrets.io/v1\nkind: ClusterSecretStore\nmetadata: {{name: vault}}\n\
             spec: {{{conditions} provider: {{vault: {{server: 'https://v:8200'}}}}}}\n{EXTERNAL}"
        )
    };
    let how = ["can have ClusterSecretStore vault copy it to a Secret in team"];
    assert_eq!(through_controllers("externalsecrets", &store("")), how);
    assert_eq!(
        through_controllers("externalsecrets", &store("conditions: [{namespaces: [team]}],")),
        how
    );
    let shop = "conditions: [{namespaces: [shop]}],";
    assert!(through_controllers("externalsecrets", &store(shop)).is_empty());
    // What the subject may write has nothing to do with the store.
    assert!(through_controllers("sealedsecrets", &store("")).is_empty());
}

#[test]
fn a_second_secret_from_the_same_place_has_the_same_value() {
    let other = EXTERNAL
        .replace("{name: x, namespace: shop}", "{name: y, namespace: team}")
        .replace("{name: db}", "{name: mine}");
    let how = ["can read team/mine, which has the same value"];
    assert_eq!(through_controllers("sealedsecrets", &format!("{EXTERNAL}{other}")), how);
    let another = other.replace("prod/db", "prod/web");
    assert!(through_controllers("sealedsecrets", &format!("{EXTERNAL}{another}")).is_empty());
}

#[test]
fn a_store_that_reads_the_cluster_copies_every_secret() {
    let store = "---\napiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {name: k, namespace: team}\n\
        spec: {provider: {kubernetes: {remoteNamespace: shop, auth: {}}}}\n";
    let how = ["can have SecretStore team/k copy it to a Secret in team"];
    assert_eq!(through_controllers("externalsecrets", store), how);
    let elsewhere = store.replace("remoteNamespace: shop", "remoteNamespace: other");
    assert!(through_controllers("externalsecrets", &elsewhere).is_empty());
}

#[test]
fn the_operator_of_vault_copies_for_allowed_namespaces() {
    let objects = |allowed: &str| {
        format!(
            "---\napiVersion: secrets.hashicorp.com/v1beta1\nkind: VaultAuth\nmetadata: {{name: auth, namespace: vso}}\n\
             spec: {{allowedNamespaces: [{allowed}]}}\n---\napiVersion: secrets.hashicorp.com/v1beta1\n\
             kind: VaultStaticSecret\nmetadata: {{name: x, namespace: shop}}\n\
             spec: {{vaultAuthRef: vso/auth, mount: kv, path: db, destination: {{name: db, create: true}}}}\n"
        )
    };
    let how = ["can have VaultAuth vso/auth copy it to a Secret in team"];
    assert_eq!(through_controllers("vaultstaticsecrets", &objects("'*'")), how);
    assert_eq!(through_controllers("vaultstaticsecrets", &objects("shop, team")), how);
    assert!(through_controllers("vaultstaticsecrets", &objects("shop")).is_empty());
}

#[test]
fn a_sealed_secret_is_decrypted_where_its_scope_allows() {
    let sealed = |scope: &str| {
        format!(
            "---\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: db\n  namespace: shop\n  \
             annotations: {{sealedsecrets.bitnami.com/{scope}: 'true'}}\nspec: {{encryptedData: {{a: AgBy3i4OJSWK}}}}\n"
        )
    };
    let how = ["can have the controller of SealedSecrets copy it to a Secret in team"];
    assert_eq!(through_controllers("sealedsecrets", &sealed("cluster-wide")), how);
    assert!(through_controllers("sealedsecrets", &sealed("namespace-wide")).is_empty());
    assert!(through_controllers("sealedsecrets", &sealed("other")).is_empty());
}

#[test]
fn a_dynamic_secret_of_vault_is_issued_again() {
    let objects = "---\napiVersion: secrets.hashicorp.com/v1beta1\nkind: VaultAuth\nmetadata: {name: auth, namespace: vso}\n\
        spec: {allowedNamespaces: ['*']}\n---\napiVersion: secrets.hashicorp.com/v1beta1\n\
        kind: VaultDynamicSecret\nmetadata: {name: x, namespace: shop}\n\
        spec: {vaultAuthRef: vso/auth, mount: database, path: creds/app, destination: {name: db, create: true}}\n";
    let how = ["can have VaultAuth vso/auth issue another credential like it to a Secret in team"];
    assert_eq!(through_controllers("vaultdynamicsecrets", objects), how);
    assert!(through_controllers("vaultstaticsecrets", objects).is_empty());
}

#[test]
fn a_generator_of_the_cluster_issues_a_credential_again() {
    let objects = |generator: &str| {
        format!(
            "---\napiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {{name: x, namespace: shop}}\n\
             spec:\n  target: {{name: db}}\n  dataFrom: [{{sourceRef: {{generatorRef: {{kind: {generator}, name: g}}}}}}]\n"
        )
    };
    let how = ["can have ClusterGenerator g issue another credential like it to a Secret in team"];
    assert_eq!(through_controllers("externalsecrets", &objects("ClusterGenerator")), how);
    // A generator of a namespace issues only there.
    assert!(through_controllers("externalsecrets", &objects("VaultDynamicSecret")).is_empty());
}

const PUSH: &str = "---\napiVersion: external-secrets.io/v1alpha1\nkind: PushSecret\nmetadata: {name: p, namespace: shop}\n\
    spec:\n  secretStoreRefs: [{kind: ClusterSecretStore, name: vault}]\n  selector: {secret: {name: db}}\n  \
    data: [{match: {secretKey: a, remoteRef: {remoteKey: prod/db}}}]\n\
    ---\napiVersion: external-secrets.io/v1\nkind: ClusterSecretStore\nmetadata: {name: vault}\n\
    spec: {provider: {vault: {server: 'https://v:8200'}}}\n";

#[test]
fn what_is_pushed_to_a_store_is_read_from_there() {
    let how = ["can have ClusterSecretStore vault copy it to a Secret in team"];
    assert_eq!(through_controllers("externalsecrets", PUSH), how);
    let copy = EXTERNAL
        .replace("{name: x, namespace: shop}", "{name: y, namespace: team}")
        .replace("{name: db}", "{name: mine}");
    let how = ["can read team/mine, which has the same value"];
    assert_eq!(through_controllers("sealedsecrets", &format!("{PUSH}{copy}")), how);
}

#[test]
fn what_is_made_for_several_namespaces_is_followed() {
    let store = "---\napiVersion: external-secrets.io/v1\nkind: ClusterSecretStore\nmetadata: {name: vault}\n\
        spec: {provider: {vault: {server: 'https://v:8200'}}}\n\
        ---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {a: b}}\n";
    let copied = ["can have ClusterSecretStore vault copy it to a Secret in team"];
    let external = |rest: &str| {
        format!(
            "{store}---\napiVersion: external-secrets.io/v1\nkind: ClusterExternalSecret\nmetadata: {{name: db}}\n\
             spec:\n  {rest}\n  externalSecretSpec:\n    secretStoreRef: {{kind: ClusterSecretStore, name: vault}}\n    \
             dataFrom: [{{extract: {{key: prod/db}}}}]\n"
        )
    };
    for selects in [
        "namespaceSelectors: [{matchLabels: {a: b}}]",
        "namespaceSelector: {matchLabels: {a: b}}",
        "namespaces: [shop]",
    ] {
        assert_eq!(through_controllers("externalsecrets", &external(selects)), copied, "{selects}");
    }
    let all = through_controllers("externalsecrets", &external("namespaceSelectors: [{}]"));
    assert_eq!(all, [copied[0], "can read team/db, which has the same value"]);
    let others = external("namespaceSelectors: [{matchLabels: {a: c}}]");
    assert!(through_controllers("externalsecrets", &others).is_empty());
    let pushed = |selects: &str| {
        format!(
            "{store}---\napiVersion: v1\nkind: Secret\nmetadata: {{name: db, namespace: shop, labels: {{c: d}}}}\n\
             ---\napiVersion: external-secrets.io/v1alpha1\nkind: ClusterPushSecret\nmetadata: {{name: p}}\n\
             spec:\n  namespaceSelectors: [{{matchLabels: {{a: b}}}}]\n  pushSecretSpec:\n    \
             secretStoreRefs: [{{kind: ClusterSecretStore, name: vault}}]\n    selector: {{secret: {selects}}}\n    \
             data: [{{match: {{secretKey: a, remoteRef: {{remoteKey: prod/db}}}}}}]\n"
        )
    };
    for selects in ["{name: db}", "{selector: {matchLabels: {c: d}}}"] {
        assert_eq!(through_controllers("externalsecrets", &pushed(selects)), copied, "{selects}");
    }
    let others = pushed("{selector: {matchLabels: {c: e}}}");
    assert!(through_controllers("externalsecrets", &others).is_empty());
}

#[test]
fn a_secret_is_pushed_to_a_store_of_the_attacker() {
    let who = |resources: &str| {
        let rights = format!(
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: r, namespace: shop}}\n\
             rules:\n- {{apiGroups: [external-secrets.io], resources: [{resources}], verbs: [create]}}\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: b, namespace: shop}}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}}\n\
             subjects: [{{kind: User, name: dev}}]\n"
        );
        let world = world(&format!("{PUSH}{rights}"));
        let access = Access::new(&world);
        let answer = who_can(&world, &access, "shop/db").unwrap();
        answer.indirect.iter().map(|access| access.how.clone()).collect::<Vec<_>>()
    };
    let how = ["can have External Secrets send it to a store of their own"];
    assert_eq!(who("pushsecrets, secretstores"), how);
    assert!(who("pushsecrets").is_empty());
}
