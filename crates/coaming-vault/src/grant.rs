//! The custom resources: who may read which secrets, and where they are kept.
//!
//! The definitions in `deploy/crds` are generated from these types.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube_core::crd::v1::CustomResourceExt as _;
use kube_derive::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Parameters;

/// A grant: this container, of this image, in pods of this service account, may read these secrets.
/// Who may create pods need not be who may grant.
#[derive(Clone, Debug, PartialEq, Eq, CustomResource, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "coaming.dev",
    version = "v1alpha1",
    kind = "SecretGrant",
    namespaced,
    status = "GrantStatus",
    shortname = "sgrant",
    printcolumn = r#"{"name": "Account", "type": "string", "jsonPath": ".spec.serviceAccount"}"#,
    printcolumn = r#"{"name": "Container", "type": "string", "jsonPath": ".spec.container"}"#,
    printcolumn = r#"{"name": "Store", "type": "string", "jsonPath": ".spec.store.name"}"#,
    printcolumn = r#"{"name": "Usable", "type": "boolean", "jsonPath": ".status.usable"}"#,
    crates(
        kube_core = "::kube_core",
        k8s_openapi = "::k8s_openapi",
        schemars = "::schemars",
        serde = "::serde",
        serde_json = "::serde_json"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct SecretGrantSpec {
    /// The service account of the pods.
    #[schemars(length(min = 1, max = 253))]
    pub service_account: String,
    /// The name of the container that reads the files.
    #[schemars(length(min = 1, max = 63))]
    pub container: String,
    /// The image that this container runs.
    pub image: GrantImage,
    /// Where the secrets are.
    pub store: StoreReference,
    /// The role of the login: that of Vault or OpenBao, an ARN of AWS, a service account of Google, the
    /// client ID of an application of Azure. Google needs none for the pool's own identity, AWS none for
    /// Pod Identity, and a Secret of the cluster none at all.
    // API servers of 1.20 refuse an empty text as a default: without the field there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 2048))]
    pub role: String,
    /// The directory of the files in the container.
    #[schemars(length(min = 2, max = 512))]
    pub directory: String,
    /// The files.
    #[schemars(length(min = 1, max = 64))]
    pub files: Vec<GrantFile>,
    /// Whether a launcher starts the container's program, and puts files with a `variable` into its
    /// environment. Weaker than files: everyone who reads `/proc/PID/environ`, and every process that
    /// the program starts, has the values, and a new one arrives when the container is started again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub launcher: bool,
    /// How often the store is asked whether a secret has changed, in seconds (default: 60).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 5, max = 86400))]
    pub refresh_seconds: Option<u32>,
    /// The most bytes that all files have together (default: 1 MiB). The volume has room for twice as
    /// much: two generations of the files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 1024, max = 16_777_216))]
    pub max_bytes: Option<u32>,
}

/// An image: a repository, and the only digest that is allowed, if one is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrantImage {
    /// Its repository, without tag and digest: `registry.example/shop/web`.
    #[schemars(length(min = 1, max = 512))]
    pub repository: String,
    /// Its digest: `sha256:…`. Without one, every image of the repository may read the secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// A store, by kind and name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoreReference {
    /// The kind (default: `SecretStore`).
    #[serde(default)]
    pub kind: StoreKind,
    /// The name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// The kinds of stores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum StoreKind {
    /// In the grant's namespace.
    #[default]
    SecretStore,
    /// For the namespaces that it allows.
    ClusterSecretStore,
}

impl StoreKind {
    /// Its name in Kubernetes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SecretStore => "SecretStore",
            Self::ClusterSecretStore => "ClusterSecretStore",
        }
    }
}

/// A file of a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrantFile {
    /// Its name in the directory.
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[A-Za-z0-9_.-]+$"))]
    pub name: String,
    /// The secret's path in the store.
    #[schemars(length(min = 1, max = 1024))]
    pub path: String,
    /// What is said about a secret that the store makes for this grant, such as a certificate:
    /// `common_name: web.shop`. Files with the same path and parameters are of one secret.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub parameters: Parameters,
    /// The field whose value is the file's content. Without this and a template, the file has all
    /// fields as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// A template, in which `secret` has the fields: `user={{ secret.user }}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Its mode, octal. Default: `0400`, or `0440` where the pod's fsGroup reads the files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^0?[0-7]{3}$"))]
    pub mode: Option<String>,
    /// The environment variable that gets the file's content, by the launcher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253), regex(pattern = "^[A-Za-z_][A-Za-z0-9_]*$"))]
    pub variable: Option<String>,
}

/// What became of a grant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrantStatus {
    /// The generation that this is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Whether pods can use it.
    #[serde(default)]
    pub usable: bool,
    /// Why they cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What its owner must know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// A store for the grants of its namespace.
#[derive(Clone, Debug, PartialEq, Eq, CustomResource, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "coaming.dev",
    version = "v1alpha1",
    kind = "SecretStore",
    namespaced,
    crates(
        kube_core = "::kube_core",
        k8s_openapi = "::k8s_openapi",
        schemars = "::schemars",
        serde = "::serde",
        serde_json = "::serde_json"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct SecretStoreSpec {
    /// The store itself.
    #[serde(flatten)]
    pub provider: Provider,
}

/// A store for the grants of several namespaces.
#[derive(Clone, Debug, PartialEq, Eq, CustomResource, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "coaming.dev",
    version = "v1alpha1",
    kind = "ClusterSecretStore",
    crates(
        kube_core = "::kube_core",
        k8s_openapi = "::k8s_openapi",
        schemars = "::schemars",
        serde = "::serde",
        serde_json = "::serde_json"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct ClusterSecretStoreSpec {
    /// The store itself.
    #[serde(flatten)]
    pub provider: Provider,
    /// The namespaces whose grants may use it. None are allowed by default.
    #[serde(default)]
    pub allowed_namespaces: Vec<String>,
}

/// A store of one kind: exactly one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Provider {
    /// Vault or OpenBao.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault: Option<VaultServer>,
    /// AWS Secrets Manager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws: Option<AwsServer>,
    /// Google Secret Manager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub google: Option<GoogleServer>,
    /// Azure Key Vault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure: Option<AzureServer>,
    /// Secrets of another namespace of this cluster. Weaker than the others: they are in etcd, and
    /// everyone who gets a token of the service account reads them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<KubernetesServer>,
}

/// A store, by its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server<'p> {
    /// Vault or OpenBao.
    Vault(&'p VaultServer),
    /// AWS Secrets Manager.
    Aws(&'p AwsServer),
    /// Google Secret Manager.
    Google(&'p GoogleServer),
    /// Azure Key Vault.
    Azure(&'p AzureServer),
    /// Secrets of another namespace.
    Kubernetes(&'p KubernetesServer),
}

impl Provider {
    /// The store; `None` if there is none, or more than one.
    #[must_use]
    pub fn server(&self) -> Option<Server<'_>> {
        let mut all = [
            self.vault.as_ref().map(Server::Vault),
            self.aws.as_ref().map(Server::Aws),
            self.google.as_ref().map(Server::Google),
            self.azure.as_ref().map(Server::Azure),
            self.kubernetes.as_ref().map(Server::Kubernetes),
        ]
        .into_iter()
        .flatten();
        all.next().filter(|_| all.next().is_none())
    }
}

impl<'p> Server<'p> {
    /// The audience of the agent's token.
    #[must_use]
    pub fn audience(self) -> &'p str {
        match self {
            Self::Vault(server) => &server.audience,
            Self::Aws(server) => &server.audience,
            Self::Google(server) => &server.audience,
            Self::Azure(server) => &server.audience,
            Self::Kubernetes(server) => &server.audience,
        }
    }
}

/// AWS Secrets Manager.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AwsServer {
    /// The region: `eu-central-1`.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z0-9-]+$"))]
    pub region: String,
    /// How the agent logs in with its token.
    #[serde(default)]
    pub method: AwsMethod,
    /// The audience of the agent's token: one of the identity provider that no other pod asks for. For
    /// Pod Identity, `pods.eks.amazonaws.com`.
    #[schemars(length(min = 1, max = 253))]
    pub audience: String,
    /// The service's address, such as that of a VPC endpoint (default: the region's).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^https?://"))]
    pub endpoint: Option<String>,
}

/// The login methods of AWS that take a service account's token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AwsMethod {
    /// STS exchanges the token for the role of the grant.
    #[default]
    WebIdentity,
    /// The agent of EKS on the node exchanges it, for the role of the association.
    PodIdentity,
}

/// Google Secret Manager.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GoogleServer {
    /// The project of the secrets.
    #[schemars(length(min = 1, max = 63))]
    pub project: String,
    /// The provider of the workload identity pool: `//iam.googleapis.com/projects/…/providers/…`.
    #[schemars(length(min = 1, max = 512))]
    pub provider: String,
    /// The audience of the agent's token: one that the provider allows, and no other pod asks for.
    #[schemars(length(min = 1, max = 512))]
    pub audience: String,
}

/// Azure Key Vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AzureServer {
    /// The vault's address: `https://shop.vault.azure.net`.
    #[schemars(length(min = 1, max = 512), regex(pattern = "^https://"))]
    pub vault: String,
    /// The tenant.
    #[schemars(length(min = 1, max = 253))]
    pub tenant: String,
    /// The audience of the agent's token: that of the application's federated credential.
    #[schemars(length(min = 1, max = 253))]
    pub audience: String,
}

/// Secrets of another namespace of this cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KubernetesServer {
    /// The namespace of the Secrets. The service account needs the right to get them, by their names.
    #[schemars(length(min = 1, max = 63))]
    pub namespace: String,
    /// The API server's CA certificates (PEM): those of the ConfigMap `kube-root-ca.crt`.
    #[schemars(length(min = 1, max = 65536))]
    pub ca_bundle: String,
    /// The audience of the agent's token: one of the API server's `--api-audiences`.
    #[serde(default = "api_audience")]
    #[schemars(length(min = 1, max = 253))]
    pub audience: String,
}

fn api_audience() -> String {
    "https://kubernetes.default.svc".to_owned()
}

/// A server of Vault or OpenBao.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VaultServer {
    /// Its address: `https://vault.example:8200`.
    #[schemars(length(min = 1, max = 2048), regex(pattern = "^https?://"))]
    pub address: String,
    /// The namespace in which paths and login are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// CA certificates (PEM) to trust in addition to the agent image's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<String>,
    /// How the agent logs in with its token.
    #[serde(default)]
    pub method: StoreMethod,
    /// Where the login method is mounted (default: its name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount: Option<String>,
    /// The audience of the agent's token. It must be one that only this store accepts: admission
    /// refuses every other pod that asks for a token of it.
    #[schemars(length(min = 1, max = 253))]
    pub audience: String,
}

/// The login methods that take a service account's token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum StoreMethod {
    /// The server asks Kubernetes about the token.
    #[default]
    Kubernetes,
    /// The server checks the token with the cluster's public keys.
    Jwt,
}

/// The definitions of all custom resources.
#[must_use]
pub fn definitions() -> [CustomResourceDefinition; 3] {
    [SecretGrant::crd(), SecretStore::crd(), ClusterSecretStore::crd()]
}
