//! The providers: where each is asked, how the credential is sent, and how its answer is read.
//!
//! From the providers' own API references.

/// How the credential is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sent {
    /// `Authorization: SCHEME VALUE`.
    Scheme(&'static str),
    /// In a header of this name.
    Header(&'static str),
    /// As the user of basic authentication, without a password.
    User,
    /// As the password of basic authentication, with this user.
    Password(&'static str),
    /// In the path, in the place of `{}`.
    Path,
    /// As a signature of AWS (version 4): the value is the ID of a key, a colon, and its secret.
    Signature(&'static str),
}

/// Where an answer says what the credential may do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rights {
    /// It does not.
    Unknown,
    /// In a header of this name.
    Header(&'static str),
    /// In the JSON at this pointer: a text, or a list of texts.
    Json(&'static str),
}

/// A provider of credentials.
#[derive(Clone, Copy, Debug)]
pub struct Provider {
    /// Its name in options and results: `github`.
    pub name: &'static str,
    /// The kinds of its credentials, as the detector names them: those that are recognized by their
    /// own format. A value that is one only by its name is never sent to anyone.
    pub kinds: &'static [&'static str],
    /// Where it is asked: `https://api.github.com`.
    pub server: &'static str,
    /// Where the user revokes a credential.
    pub revoke: &'static str,
    pub(crate) path: &'static str,
    pub(crate) post: bool,
    pub(crate) sent: Sent,
    /// Headers that the question needs besides.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// The statuses that say that the credential is not valid.
    pub(crate) dead: &'static [u16],
    /// The errors that a refusal of status 403 names if the credential is not valid.
    pub(crate) dead_errors: &'static [&'static str],
    /// A field of the JSON that is true if the credential is valid, where the status does not say so.
    pub(crate) ok: Option<&'static str>,
    /// Where the JSON names the account.
    pub(crate) account: Option<&'static str>,
    pub(crate) rights: Rights,
}

/// The kind of AWS's access keys, of which an ID alone is no credential.
pub const AWS_KEY: &str = "aws-access-key-id";

/// Keys of AWS in China, which are accounts of their own: AWS does not know them elsewhere.
const AWS_CHINA_KEY: &str = "aws-china-access-key-id";
/// Keys of AWS `GovCloud` (US), likewise.
const AWS_US_GOV_KEY: &str = "aws-us-gov-access-key-id";

/// The kind of an access key, by what is written around it: keys of all partitions look the same.
#[must_use]
pub fn aws_kind(around: &str) -> &'static str {
    let mentions = |words: &[&str]| words.iter().any(|word| around.contains(word));
    if mentions(&["cn-north-", "cn-northwest-", "amazonaws.com.cn", "arn:aws-cn:"]) {
        AWS_CHINA_KEY
    } else if mentions(&["us-gov-", "arn:aws-us-gov:"]) {
        AWS_US_GOV_KEY
    } else {
        AWS_KEY
    }
}

/// What most providers have in common.
const USUAL: Provider = Provider {
    name: "",
    kinds: &[],
    server: "",
    revoke: "",
    path: "",
    post: false,
    sent: Sent::Scheme("Bearer"),
    headers: &[],
    dead: &[401],
    dead_errors: &[],
    ok: None,
    account: None,
    rights: Rights::Unknown,
};

/// What the partitions of AWS have in common.
const AWS: Provider = Provider {
    path: "/",
    post: true,
    headers: &[("accept", "application/json")],
    dead: &[],
    dead_errors: &["InvalidClientTokenId", "SignatureDoesNotMatch"],
    account: Some("/GetCallerIdentityResponse/GetCallerIdentityResult/Arn"),
    ..USUAL
};

/// The provider of a kind of credentials.
#[must_use]
pub fn provider(kind: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.kinds.contains(&kind))
}

/// The kinds of credentials that a provider can be asked about.
#[must_use]
pub fn kinds() -> Vec<&'static str> {
    let kinds = PROVIDERS.iter().flat_map(|provider| provider.kinds).copied();
    // Keys of AWS are one kind until it is known which partition they are of.
    kinds.filter(|kind| ![AWS_CHINA_KEY, AWS_US_GOV_KEY].contains(kind)).collect()
}

/// All providers that can be asked, by name.
pub const PROVIDERS: &[Provider] = &[
    Provider {
        name: "airtable",
        kinds: &["airtable-personal-access-token"],
        server: "https://api.airtable.com",
        path: "/v0/meta/whoami",
        account: Some("/id"),
        rights: Rights::Json("/scopes"),
        revoke: "https://airtable.com/create/tokens",
        ..USUAL
    },
    Provider {
        name: "anthropic",
        kinds: &["anthropic-api-key"],
        server: "https://api.anthropic.com",
        path: "/v1/models",
        sent: Sent::Header("x-api-key"),
        headers: &[("anthropic-version", "2023-06-01")],
        revoke: "https://console.anthropic.com/settings/keys",
        ..USUAL
    },
    Provider {
        name: "asana",
        kinds: &["asana-token"],
        server: "https://app.asana.com",
        path: "/api/1.0/users/me",
        account: Some("/data/name"),
        revoke: "https://app.asana.com/0/my-apps",
        ..USUAL
    },
    Provider {
        name: "aws",
        kinds: &[AWS_KEY],
        server: "https://sts.amazonaws.com",
        sent: Sent::Signature("us-east-1"),
        revoke: "https://console.aws.amazon.com/iam/home#/security_credentials",
        ..AWS
    },
    Provider {
        name: "aws-china",
        kinds: &[AWS_CHINA_KEY],
        server: "https://sts.cn-north-1.amazonaws.com.cn",
        sent: Sent::Signature("cn-north-1"),
        revoke: "https://console.amazonaws.cn/iam/home#/security_credentials",
        ..AWS
    },
    Provider {
        name: "aws-us-gov",
        kinds: &[AWS_US_GOV_KEY],
        server: "https://sts.us-gov-west-1.amazonaws.com",
        sent: Sent::Signature("us-gov-west-1"),
        revoke: "https://console.amazonaws-us-gov.com/iam/home#/security_credentials",
        ..AWS
    },
    Provider {
        name: "buildkite",
        kinds: &["buildkite-token"],
        server: "https://api.buildkite.com",
        path: "/v2/access-token",
        rights: Rights::Json("/scopes"),
        revoke: "https://buildkite.com/user/api-access-tokens",
        ..USUAL
    },
    Provider {
        name: "circleci",
        kinds: &["circleci-token"],
        server: "https://circleci.com",
        path: "/api/v2/me",
        sent: Sent::Header("Circle-Token"),
        account: Some("/login"),
        revoke: "https://app.circleci.com/settings/user/tokens",
        ..USUAL
    },
    Provider {
        name: "cloudflare",
        kinds: &["cloudflare-prefixed-token"],
        server: "https://api.cloudflare.com",
        path: "/client/v4/user/tokens/verify",
        dead: &[400, 401],
        account: Some("/result/id"),
        revoke: "https://dash.cloudflare.com/profile/api-tokens",
        ..USUAL
    },
    Provider {
        name: "digitalocean",
        kinds: &["digitalocean-personal-access-token", "digitalocean-oauth-token"],
        server: "https://api.digitalocean.com",
        path: "/v2/account",
        account: Some("/account/team/name"),
        revoke: "https://cloud.digitalocean.com/account/api/tokens",
        ..USUAL
    },
    Provider {
        name: "discord",
        kinds: &["discord-token"],
        server: "https://discord.com",
        path: "/api/v10/users/@me",
        sent: Sent::Scheme("Bot"),
        account: Some("/username"),
        revoke: "https://discord.com/developers/applications",
        ..USUAL
    },
    Provider {
        name: "doppler",
        kinds: &["doppler-token", "doppler-service-token"],
        server: "https://api.doppler.com",
        path: "/v3/me",
        account: Some("/name"),
        rights: Rights::Json("/type"),
        revoke: "https://dashboard.doppler.com/workplace/team/tokens",
        ..USUAL
    },
    Provider {
        name: "figma",
        kinds: &["figma-token"],
        server: "https://api.figma.com",
        path: "/v1/me",
        sent: Sent::Header("X-Figma-Token"),
        dead: &[401, 403],
        account: Some("/handle"),
        revoke: "https://www.figma.com/settings",
        ..USUAL
    },
    Provider {
        name: "github",
        kinds: &[
            "github-app-user-token",
            "github-fine-grained-token",
            "github-oauth-token",
            "github-personal-access-token",
        ],
        server: "https://api.github.com",
        path: "/user",
        account: Some("/login"),
        rights: Rights::Header("x-oauth-scopes"),
        revoke: "https://github.com/settings/tokens",
        ..USUAL
    },
    Provider {
        name: "gitlab",
        kinds: &["gitlab-personal-access-token"],
        server: "https://gitlab.com",
        path: "/api/v4/personal_access_tokens/self",
        sent: Sent::Header("PRIVATE-TOKEN"),
        account: Some("/name"),
        rights: Rights::Json("/scopes"),
        revoke: "https://gitlab.com/-/user_settings/personal_access_tokens",
        ..USUAL
    },
    Provider {
        name: "groq",
        kinds: &["groq-api-key"],
        server: "https://api.groq.com",
        path: "/openai/v1/models",
        revoke: "https://console.groq.com/keys",
        ..USUAL
    },
    Provider {
        name: "heroku",
        kinds: &["heroku-api-key"],
        server: "https://api.heroku.com",
        path: "/account",
        headers: &[("accept", "application/vnd.heroku+json; version=3")],
        account: Some("/email"),
        revoke: "https://dashboard.heroku.com/account/applications",
        ..USUAL
    },
    Provider {
        name: "huggingface",
        kinds: &["huggingface-access-token", "huggingface-organization-token"],
        server: "https://huggingface.co",
        path: "/api/whoami-v2",
        account: Some("/name"),
        rights: Rights::Json("/auth/accessToken/role"),
        revoke: "https://huggingface.co/settings/tokens",
        ..USUAL
    },
    Provider {
        name: "mailgun",
        kinds: &["mailgun-private-key"],
        server: "https://api.mailgun.net",
        path: "/v3/domains",
        sent: Sent::Password("api"),
        revoke: "https://app.mailgun.com/settings/api_security",
        ..USUAL
    },
    Provider {
        name: "netlify",
        kinds: &["netlify-token"],
        server: "https://api.netlify.com",
        path: "/api/v1/user",
        account: Some("/full_name"),
        revoke: "https://app.netlify.com/user/applications",
        ..USUAL
    },
    Provider {
        name: "notion",
        kinds: &["notion-token"],
        server: "https://api.notion.com",
        path: "/v1/users/me",
        headers: &[("notion-version", "2022-06-28")],
        account: Some("/name"),
        revoke: "https://www.notion.so/profile/integrations",
        ..USUAL
    },
    Provider {
        name: "npm",
        kinds: &["npm-access-token"],
        server: "https://registry.npmjs.org",
        path: "/-/whoami",
        account: Some("/username"),
        revoke: "https://www.npmjs.com/settings/~/tokens",
        ..USUAL
    },
    Provider {
        name: "openai",
        kinds: &["openai-api-key", "openai-legacy-key", "openai-project-key"],
        server: "https://api.openai.com",
        path: "/v1/models",
        revoke: "https://platform.openai.com/api-keys",
        ..USUAL
    },
    Provider {
        name: "postman",
        kinds: &["postman-api-key"],
        server: "https://api.getpostman.com",
        path: "/me",
        sent: Sent::Header("X-Api-Key"),
        account: Some("/user/username"),
        revoke: "https://go.postman.co/settings/me/api-keys",
        ..USUAL
    },
    Provider {
        name: "pulumi",
        kinds: &["pulumi-access-token"],
        server: "https://api.pulumi.com",
        path: "/api/user",
        sent: Sent::Scheme("token"),
        account: Some("/githubLogin"),
        revoke: "https://app.pulumi.com/account/tokens",
        ..USUAL
    },
    Provider {
        name: "replicate",
        kinds: &["replicate-api-token"],
        server: "https://api.replicate.com",
        path: "/v1/account",
        account: Some("/username"),
        revoke: "https://replicate.com/account/api-tokens",
        ..USUAL
    },
    Provider {
        name: "sendgrid",
        kinds: &["sendgrid-api-key"],
        server: "https://api.sendgrid.com",
        path: "/v3/scopes",
        rights: Rights::Json("/scopes"),
        revoke: "https://app.sendgrid.com/settings/api_keys",
        ..USUAL
    },
    Provider {
        name: "sentry",
        kinds: &["sentry-user-token"],
        server: "https://sentry.io",
        path: "/api/0/",
        account: Some("/user/username"),
        rights: Rights::Json("/auth/scopes"),
        revoke: "https://sentry.io/settings/account/api/auth-tokens/",
        ..USUAL
    },
    Provider {
        name: "slack",
        kinds: &["slack-bot-token", "slack-user-token", "slack-legacy-token"],
        server: "https://slack.com",
        path: "/api/auth.test",
        post: true,
        ok: Some("/ok"),
        account: Some("/team"),
        rights: Rights::Header("x-oauth-scopes"),
        revoke: "https://api.slack.com/apps",
        ..USUAL
    },
    Provider {
        name: "square",
        kinds: &["square-access-token", "square-personal-token"],
        server: "https://connect.squareup.com",
        path: "/oauth2/token/status",
        post: true,
        account: Some("/merchant_id"),
        rights: Rights::Json("/scopes"),
        revoke: "https://developer.squareup.com/apps",
        ..USUAL
    },
    Provider {
        name: "stripe",
        kinds: &["stripe-secret-key", "stripe-restricted-key", "stripe-test-key"],
        server: "https://api.stripe.com",
        path: "/v1/account",
        sent: Sent::User,
        account: Some("/id"),
        revoke: "https://dashboard.stripe.com/apikeys",
        ..USUAL
    },
    Provider {
        name: "telegram",
        kinds: &["telegram-bot-token"],
        server: "https://api.telegram.org",
        path: "/bot{}/getMe",
        sent: Sent::Path,
        dead: &[401, 404],
        account: Some("/result/username"),
        revoke: "https://t.me/BotFather",
        ..USUAL
    },
    Provider {
        name: "terraform-cloud",
        kinds: &["terraform-cloud-token"],
        server: "https://app.terraform.io",
        path: "/api/v2/account/details",
        account: Some("/data/attributes/username"),
        revoke: "https://app.terraform.io/app/settings/tokens",
        ..USUAL
    },
    Provider {
        name: "vercel",
        kinds: &["vercel-prefixed-token"],
        server: "https://api.vercel.com",
        path: "/v2/user",
        dead: &[401, 403],
        account: Some("/user/username"),
        revoke: "https://vercel.com/account/tokens",
        ..USUAL
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_provider_is_complete_and_each_kind_has_one() {
        let mut kinds = BTreeSet::new();
        for provider in PROVIDERS {
            let name = provider.name;
            assert!(provider.server.starts_with("https://"), "{name}");
            assert!(provider.revoke.starts_with("https://"), "{name}");
            assert!(provider.path.starts_with('/'), "{name}");
            assert_eq!(provider.path.contains("{}"), matches!(provider.sent, Sent::Path), "{name}");
            for kind in provider.kinds {
                assert!(kinds.insert(kind), "{kind}");
            }
        }
        assert!(PROVIDERS.is_sorted_by(|a, b| a.name < b.name));
    }

    #[test]
    fn keys_of_aws_by_partition() {
        assert_eq!(aws_kind("region = eu-central-1"), AWS_KEY);
        assert_eq!(aws_kind("region = cn-northwest-1"), AWS_CHINA_KEY);
        assert_eq!(aws_kind("https://s3.cn-north-1.amazonaws.com.cn"), AWS_CHINA_KEY);
        assert_eq!(aws_kind("arn:aws-us-gov:iam::1:user/x"), AWS_US_GOV_KEY);
        for kind in [AWS_KEY, AWS_CHINA_KEY, AWS_US_GOV_KEY] {
            assert!(provider(kind).is_some(), "{kind}");
        }
    }
}
