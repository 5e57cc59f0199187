//! Databases, vaults, networks, and infrastructure as code.

use super::{Definition, UUID, around, named, prefixed};
use crate::check;

pub(super) const KINDS: &[Definition] = &[
    // Signed tokens, and tokens of Kubernetes
    prefixed(
        "json-web-token",
        "JSON Web Token",
        &["eyJ"],
        r"[A-Za-z0-9_-]{8,}={0,2}\.eyJ[A-Za-z0-9_-]{4,}={0,2}\.[A-Za-z0-9_-]{16,}={0,2}",
    )
    .checked(check::jwt),
    named(
        "kubernetes-bootstrap-token",
        "Kubernetes bootstrap token",
        &["bootstrap", "kubeadm", "token"],
        r"[a-z0-9]{6}\.[a-z0-9]{16}",
    ),
    // Vaults and encryption
    prefixed("vault-service-token", "Vault service token", &["hvs."], "[A-Za-z0-9_-]{24,}"),
    prefixed("vault-batch-token", "Vault batch token", &["hvb."], "[A-Za-z0-9_-]{100,}"),
    prefixed("vault-recovery-token", "Vault recovery token", &["hvr."], "[A-Za-z0-9_-]{24,}"),
    named("vault-legacy-token", "Vault token", &["vault", "bao", "token"], r"s\.[A-Za-z0-9]{24}"),
    // Without a name, only if clearly random: `s.` also starts a method call.
    prefixed("vault-legacy-service-token", "Vault token", &["s."], "[A-Za-z0-9]{24}")
        .checked(check::clearly_random),
    prefixed(
        "age-secret-key",
        "age secret key",
        &["AGE-SECRET-KEY-1"],
        "[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}",
    ),
    prefixed(
        "age-post-quantum-key",
        "age secret key",
        &["AGE-SECRET-KEY-PQ-1"],
        "[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58,}",
    ),
    prefixed(
        "onepassword-service-account-token",
        "1Password service account token",
        &["ops_eyJ"],
        "[A-Za-z0-9+/_-]{200,}={0,3}",
    ),
    prefixed(
        "onepassword-secret-key",
        "1Password secret key",
        &["A3-"],
        "[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}",
    ),
    prefixed(
        "doppler-token",
        "Doppler token",
        &["dp.pt.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit.", "dp.said."],
        "[A-Za-z0-9]{40,44}",
    ),
    prefixed(
        "doppler-service-token",
        "Doppler service token",
        &["dp.st."],
        r"(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}",
    ),
    prefixed(
        "infisical-token",
        "Infisical service token",
        &["st."],
        r"[a-f0-9]{24}\.[a-f0-9]{32}\.[a-f0-9]{32}",
    ),
    prefixed(
        "bitwarden-access-token",
        "Bitwarden access token",
        &["0."],
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\.[A-Za-z0-9]{30}:[A-Za-z0-9+/]{22}==",
    ),
    // Infrastructure as code
    around(
        "terraform-cloud-token",
        "HCP Terraform token",
        ".atlasv1.",
        r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9=_-]{60,70}",
    )
    .after(14),
    prefixed("pulumi-access-token", "Pulumi access token", &["pul-"], "[a-f0-9]{40}"),
    prefixed("infracost-api-key", "Infracost API key", &["ico-"], "[A-Za-z0-9]{32}"),
    // Databases
    prefixed(
        "planetscale-token",
        "PlanetScale API token",
        &["pscale_tkn_"],
        "[A-Za-z0-9=._-]{32,64}",
    ),
    prefixed(
        "planetscale-password",
        "PlanetScale password",
        &["pscale_pw_"],
        "[A-Za-z0-9=._-]{32,64}",
    ),
    prefixed(
        "planetscale-oauth-token",
        "PlanetScale OAuth token",
        &["pscale_oauth_"],
        "[A-Za-z0-9=._-]{32,64}",
    ),
    prefixed(
        "supabase-access-token",
        "Supabase access token",
        &["sbp_"],
        "(?:v0_|oauth_)?[a-f0-9]{40}",
    ),
    prefixed("supabase-secret-key", "Supabase secret key", &["sb_secret_"], "[A-Za-z0-9_-]{31,40}"),
    prefixed("neon-api-key", "Neon API key", &["napi_"], "[a-z0-9]{50,64}"),
    prefixed(
        "cockroach-cloud-key",
        "CockroachDB Cloud API key",
        &["CCDB1_"],
        "[A-Za-z0-9]{22}_[A-Za-z0-9]{40}",
    ),
    prefixed(
        "clickhouse-cloud-key",
        "ClickHouse Cloud API secret key",
        &["4b1d"],
        "[A-Za-z0-9]{38}",
    ),
    prefixed(
        "databricks-token",
        "Databricks access token",
        &["dapi", "dose", "dsapi"],
        "[a-f0-9]{32}(?:-[0-9])?",
    ),
    named(
        "confluent-api-secret",
        "Confluent API secret",
        &["confluent", "kafka", "sasl", "schema_registry"],
        "[A-Za-z0-9+/]{64}",
    ),
    prefixed("confluent-prefixed-secret", "Confluent API secret", &["cflt"], "[A-Za-z0-9+/]{60}"),
    prefixed(
        "mongodb-service-account-secret",
        "MongoDB Atlas service account secret",
        &["mdb_sa_sk_"],
        "[A-Za-z0-9_-]{40}",
    ),
    prefixed("aiven-token", "Aiven token", &["aivenv1"], "[A-Za-z0-9+/=]{60,}"),
    prefixed(
        "aiven-service-password",
        "Aiven service password",
        &["AVNS_"],
        "[A-Za-z0-9_-]{15,24}",
    ),
    named(
        "elastic-api-key",
        "Elasticsearch API key",
        &["elastic", "es_api", "kibana"],
        "[A-Za-z0-9+/_-]{58,64}={0,2}",
    ),
    named("upstash-token", "Upstash token", &["upstash"], "[A-Za-z0-9_-]{40,130}={0,2}"),
    named("algolia-api-key", "Algolia API key", &["algolia"], "[a-z0-9]{32}"),
    named("meilisearch-key", "Meilisearch key", &["meili"], "[A-Za-z0-9_-]{40,64}"),
    prefixed("flyway-license-key", "Flyway license key", &["FL01"], "[0-9A-F]{64,}"),
    // Networks
    prefixed(
        "tailscale-key",
        "Tailscale key",
        &["tskey-auth-", "tskey-api-", "tskey-client-", "tskey-scim-", "tskey-webhook-"],
        "[A-Za-z0-9]{8,20}(?:CNTRL)?-[A-Za-z0-9]{20,40}",
    ),
    prefixed(
        "defined-networking-token",
        "Defined Networking token",
        &["dnkey-"],
        "[a-z0-9=_-]{26}-[a-z0-9=_-]{52}",
    ),
    prefixed("ngrok-api-key", "ngrok API key", &["ak_2"], "[A-Za-z0-9]{26,32}"),
    named(
        "ngrok-auth-token",
        "ngrok authentication token",
        &["ngrok"],
        "[12][A-Za-z0-9]{26}_[A-Za-z0-9]{21}",
    ),
    prefixed("nats-seed", "NATS seed", &["SUA", "SAA", "SOA", "SNA", "SCA"], "[A-Z2-7]{55}")
        .checked(check::with_digit),
    named(
        "wireguard-private-key",
        "WireGuard private key",
        &["privatekey", "private_key", "presharedkey", "wireguard", "wg_"],
        "[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=",
    ),
    named("zerotier-token", "ZeroTier token", &["zerotier"], "[A-Za-z0-9]{32}"),
    named(
        "encryption-key",
        "encryption key",
        &["encrypt"],
        "[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{22}==",
    )
    .checked(check::random),
    named(
        "erlang-cookie",
        "Erlang cluster cookie",
        &["erlang_cookie", "erlang-cookie", "erlangcookie", "erlang.cookie"],
        "[A-Z]{16,64}",
    ),
    named(
        "otp-seed",
        "seed for one-time passwords",
        &["otp", "mfa", "2fa", "two_factor", "two-factor", "twofactor"],
        "[A-Z2-7]{16}|[A-Z2-7]{26}|[A-Z2-7]{32}|[A-Z2-7]{52}|[A-Z2-7]{64}",
    ),
    around(
        "otp-url",
        "seed for one-time passwords",
        "otpauth://",
        "otpauth://[A-Za-z0-9%/:@._~?&=+-]{1,200}[?&]secret=([A-Za-z2-7]{16,128})",
    ),
    named("consul-token", "Consul token", &["consul"], UUID),
    named("nomad-token", "Nomad token", &["nomad"], UUID),
    prefixed("teleport-join-token", "Teleport join token", &["proxy-", "node-"], "[a-f0-9]{32,64}"),
    prefixed("minio-kes-key", "MinIO KES API key", &["kes:v1:"], "[A-Za-z0-9+/]{44}"),
    prefixed("rancher-api-token", "Rancher API token", &["token-"], "[a-z0-9]{5}:[a-z0-9]{54}"),
    around(
        "rancher-kubeconfig-token",
        "Rancher kubeconfig token",
        "kubeconfig-",
        "kubeconfig-[a-z0-9-]{3,40}:[a-z0-9]{54}",
    ),
    named("k3s-token", "k3s node token", &["k3s", "rke2"], "K10[a-f0-9]{64}::[A-Za-z0-9:_-]{8,80}"),
    prefixed("k3s-server-token", "k3s node token", &["K10"], "[a-f0-9]{64}::[A-Za-z0-9:_-]{8,80}"),
];
