//! Clouds and hosting: Amazon, Google, Microsoft and others.

use super::{Definition, UUID, around, named, prefixed};
use crate::check;

pub(super) const KINDS: &[Definition] = &[
    // Amazon Web Services
    prefixed(
        "aws-access-key-id",
        "AWS access key ID",
        &["AKIA", "ASIA", "ABIA", "ACCA"],
        "[A-Z0-9]{16}",
    ),
    prefixed("aws-legacy-key-id", "AWS access key ID", &["A3T"], "[A-Z0-9]{17}")
        .checked(check::with_digit),
    named(
        "aws-secret-access-key",
        "AWS secret access key",
        &["aws", "secret_access_key", "secretaccesskey", "secret-access-key"],
        "[A-Za-z0-9/+]{40}",
    )
    .checked(check::random),
    prefixed(
        "aws-session-token",
        "AWS session token",
        &["FwoGZXIvYXdz", "IQoJb3JpZ2lu", "FQoGZXIvYXdz"],
        "[A-Za-z0-9/+]{80,}={0,2}",
    ),
    prefixed(
        "aws-bedrock-api-key",
        "Amazon Bedrock API key",
        &["ABSK"],
        "[A-Za-z0-9+/]{109,}={0,2}",
    ),
    prefixed(
        "aws-bedrock-short-term-key",
        "Amazon Bedrock short-term API key",
        &["bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t"],
        "[A-Za-z0-9+/=]{20,}",
    ),
    prefixed(
        "aws-mws-auth-token",
        "Amazon Marketplace token",
        &["amzn.mws."],
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    // Google Cloud
    prefixed("gcp-api-key", "Google API key", &["AIza"], "[A-Za-z0-9_-]{35}"),
    prefixed(
        "gcp-oauth-client-secret",
        "Google OAuth client secret",
        &["GOCSPX-"],
        "[A-Za-z0-9_-]{28}",
    ),
    prefixed(
        "gcp-oauth-access-token",
        "Google OAuth access token",
        &["ya29."],
        "[A-Za-z0-9_-]{30,}",
    ),
    prefixed(
        "gcp-oauth-refresh-token",
        "Google OAuth refresh token",
        &["1//0"],
        "[A-Za-z0-9_-]{38,}",
    )
    .checked(check::random),
    prefixed("gcp-hmac-key-id", "Google Cloud Storage HMAC key ID", &["GOOG1E"], "[A-Z0-9]{55}"),
    // Microsoft Azure
    around(
        "azure-storage-account-key",
        "Azure storage account key",
        "AccountKey=",
        "AccountKey=([A-Za-z0-9+/]{86}==)",
    ),
    named(
        "azure-storage-key",
        "Azure storage key",
        &["azure", "storage", "account", "cosmos", "batch"],
        "[A-Za-z0-9+/]{86}==",
    ),
    around(
        "azure-shared-access-key",
        "Azure shared access key",
        "SharedAccessKey=",
        "SharedAccessKey=([A-Za-z0-9+/]{43}=)",
    ),
    around(
        "azure-client-secret",
        "Microsoft Entra client secret",
        "Q~",
        "[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}",
    )
    .after(4),
    around(
        "azure-shared-access-signature",
        "Azure shared access signature",
        "sig=",
        "[?&]sig=([A-Za-z0-9%/+]{42,80}(?:=|%3[Dd]))",
    ),
    around(
        "azure-devops-token",
        "Azure DevOps personal access token",
        "AZDO",
        "[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}",
    )
    .after(76),
    named(
        "azure-devops-legacy-token",
        "Azure DevOps personal access token",
        &["azure_devops", "azure-devops", "azuredevops", "azdo", "ado_", "vsts", "azp_"],
        "[a-z2-7]{52}",
    ),
    around(
        "azure-functions-key",
        "Azure Functions key",
        "AzFu",
        "[A-Za-z0-9_-]{44}AzFu[A-Za-z0-9_-]{5}[AQgw]==",
    )
    .after(44),
    around(
        "azure-storage-identifiable-key",
        "Azure storage account key",
        "+ASt",
        r"[A-Za-z0-9/+]{76}\+ASt[A-Za-z0-9/+]{6}==",
    )
    .after(76),
    around(
        "azure-cosmos-db-key",
        "Azure Cosmos DB key",
        "ACDb",
        "[A-Za-z0-9/+]{76}ACDb[A-Za-z0-9/+]{6}==",
    )
    .after(76),
    around(
        "azure-container-registry-key",
        "Azure container registry key",
        "+ACR",
        r"[A-Za-z0-9/+]{42}\+ACR[A-D][A-Za-z0-9]{5}",
    )
    .after(42),
    around(
        "azure-search-key",
        "Azure AI Search key",
        "AzSe",
        "[A-Za-z0-9]{42}AzSe[A-D][A-Za-z0-9]{5}",
    )
    .after(42),
    around(
        "azure-event-grid-key",
        "Azure Event Grid key",
        "AzEG",
        "[A-Za-z0-9]{33}AzEG[A-P][A-Za-z0-9+/]{5}=",
    )
    .after(33),
    named(
        "azure-openai-key",
        "Azure OpenAI key",
        &["azure_openai", "azureopenai", "azure-openai", "cognitive"],
        "[0-9a-f]{32}|[A-Za-z0-9]{84}",
    ),
    // Others
    prefixed(
        "alibaba-access-key-id",
        "Alibaba Cloud access key ID",
        &["LTAI"],
        "[A-Za-z0-9]{12,24}",
    )
    .checked(check::random),
    named(
        "alibaba-access-key-secret",
        "Alibaba Cloud access key secret",
        &["alibaba", "aliyun", "alicloud"],
        "[A-Za-z0-9]{30}",
    ),
    prefixed("tencent-secret-id", "Tencent Cloud secret ID", &["AKID"], "[A-Za-z0-9]{32}"),
    named(
        "tencent-secret-key",
        "Tencent Cloud secret key",
        &["tencent", "qcloud"],
        "[A-Za-z0-9]{32}",
    ),
    prefixed(
        "digitalocean-personal-access-token",
        "DigitalOcean personal access token",
        &["dop_v1_"],
        "[a-f0-9]{64}",
    ),
    prefixed("digitalocean-oauth-token", "DigitalOcean OAuth token", &["doo_v1_"], "[a-f0-9]{64}"),
    prefixed(
        "digitalocean-refresh-token",
        "DigitalOcean refresh token",
        &["dor_v1_"],
        "[a-f0-9]{64}",
    ),
    prefixed(
        "digitalocean-spaces-key",
        "DigitalOcean Spaces access key",
        &["DO00", "DO80"],
        "[A-Z0-9]{16}",
    )
    .checked(check::random),
    named(
        "hetzner-api-token",
        "Hetzner Cloud API token",
        &["hcloud", "hetzner"],
        "[A-Za-z0-9]{64}",
    ),
    named("linode-token", "Linode token", &["linode"], "[a-f0-9]{64}"),
    named("vultr-api-key", "Vultr API key", &["vultr"], "[A-Z0-9]{36}"),
    named("ovh-secret", "OVHcloud application secret", &["ovh"], "[A-Za-z0-9]{32}"),
    prefixed("scaleway-access-key", "Scaleway access key", &["SCW"], "[A-Z0-9]{17}")
        .checked(check::with_digit),
    named("scaleway-secret-key", "Scaleway secret key", &["scaleway", "scw"], UUID),
    named("ibm-cloud-api-key", "IBM Cloud API key", &["ibm"], "[A-Za-z0-9_-]{44}"),
    prefixed("yandex-cloud-api-key", "Yandex Cloud API key", &["AQVN"], "[A-Za-z0-9_-]{35,38}"),
    prefixed(
        "yandex-iam-token",
        "Yandex Cloud IAM token",
        &["t1."],
        r"[A-Z0-9a-z_-]{20,}={0,2}\.[A-Z0-9a-z_-]{86}={0,2}",
    ),
    prefixed(
        "yandex-static-key",
        "Yandex Cloud static access key",
        &["YCAJE", "YCM", "YCN", "YCO"],
        "[A-Za-z0-9_-]{20,40}",
    )
    .checked(check::random),
    prefixed("yandex-oauth-token", "Yandex OAuth token", &["y0_"], "[A-Za-z0-9_-]{50,70}"),
    prefixed(
        "heroku-api-key",
        "Heroku API key",
        &["HRKU-"],
        "AA[A-Za-z0-9_-]{58}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    named("heroku-legacy-api-key", "Heroku API key", &["heroku"], UUID),
    prefixed("fly-access-token", "Fly.io access token", &["fo1_"], "[A-Za-z0-9_-]{43}"),
    prefixed(
        "fly-machine-token",
        "Fly.io macaroon token",
        &["fm1r_", "fm1a_", "fm2_"],
        "[A-Za-z0-9+/]{100,}={0,3}",
    ),
    prefixed("render-api-key", "Render API key", &["rnd_"], "[A-Za-z0-9]{28,40}")
        .checked(check::random),
    named("railway-token", "Railway token", &["railway"], UUID),
    prefixed(
        "netlify-token",
        "Netlify personal access token",
        &["nfp_", "nfc_", "nfo_"],
        "[A-Za-z0-9_]{36}",
    ),
    named("netlify-legacy-token", "Netlify access token", &["netlify"], "[A-Za-z0-9=_-]{40,46}"),
    prefixed(
        "vercel-prefixed-token",
        "Vercel token",
        &["vcp_", "vci_", "vca_", "vcr_", "vck_"],
        "[A-Za-z0-9]{24,64}",
    )
    .checked(check::random),
    named("vercel-token", "Vercel token", &["vercel"], "[A-Za-z0-9]{24}"),
    prefixed(
        "cloudflare-origin-ca-key",
        "Cloudflare origin CA key",
        &["v1.0-"],
        "[a-f0-9]{24}-[a-f0-9]{146}",
    ),
    prefixed(
        "cloudflare-prefixed-token",
        "Cloudflare API token",
        &["cfut_", "cfat_", "cfk_"],
        "[A-Za-z0-9_-]{40,64}",
    ),
    named(
        "cloudflare-api-token",
        "Cloudflare API token",
        &["cloudflare", "cf_api", "cf_token", "cfapi"],
        "[A-Za-z0-9_-]{40}",
    ),
    named(
        "cloudflare-global-api-key",
        "Cloudflare global API key",
        &["cloudflare", "cf_api", "cf_global"],
        "[a-f0-9]{37}",
    ),
    named("fastly-api-token", "Fastly API token", &["fastly"], "[A-Za-z0-9_-]{32}"),
    named("bunny-api-key", "bunny.net API key", &["bunny"], "[0-9a-f-]{72}"),
    prefixed(
        "akamai-edgegrid-token",
        "Akamai EdgeGrid token",
        &["akab-"],
        "[a-z0-9]{16}-[a-z0-9]{16}",
    ),
    prefixed("openshift-user-token", "OpenShift user token", &["sha256~"], "[A-Za-z0-9_-]{43}"),
    prefixed("scalingo-api-token", "Scalingo API token", &["tk-us-"], "[A-Za-z0-9_-]{48}"),
];
