"""Formats of credentials as their providers publish or issue them, for the adversarial set.

`{A36}` is 36 letters or digits; the classes are in CLASSES. Defined independently of the detector's
tables. TOKENS are recognized by their own format, NAMED ones only together with a name.
"""

import re
import string

LOWER, UPPER, DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
CLASSES = {
    "A": UPPER + LOWER + DIGITS, "h": DIGITS + "abcdef", "H": DIGITS + "ABCDEF", "d": DIGITS, "U": UPPER + DIGITS,
    "L": LOWER + DIGITS, "l": LOWER, "w": UPPER + LOWER + DIGITS + "_-", "b": UPPER + LOWER + DIGITS + "+/",
    "s": UPPER + LOWER, "n": UPPER + "234567", "m": LOWER + "234567", "x": "123456789",
}


def fill(rng, pattern):
    """A text that matches this pattern."""
    def part(match):
        return "".join(rng.choice(CLASSES[match[1]]) for _ in range(int(match[2])))
    return re.sub(r"\{([A-Za-z])(\d+)\}", part, pattern.replace("{uuid}", "{h8}-{h4}-4{h3}-a{h3}-{h12}"))


TOKENS = {
    # Clouds
    "aws-access-key-id": "AKIA{n16}", "aws-temporary-id": "ASIA{n16}", "aws-mws": "amzn.mws.{uuid}",
    "gcp-api-key": "AIza{w35}", "gcp-oauth-secret": "GOCSPX-{w28}", "gcp-access-token": "ya29.a0{w120}", "gcp-refresh": "1//0{A2}{w60}x7",
    "gcs-hmac": "GOOG1E{U55}", "azure-ad-secret": "{A3}8Q~{A34}", "azure-connection": "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey={b86}==;EndpointSuffix=core.windows.net",
    "azure-servicebus": "Endpoint=sb://shop.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey={b43}=",
    "azure-sas": "https://shop.blob.core.windows.net/c?sv=2022-11-02&ss=b&srt=sco&sp=rwdl&se=2030-01-01T00:00:00Z&sig={b43}%3D",
    "alibaba-id": "LTAI5t{A18}x7", "tencent-id": "AKID{A32}", "digitalocean-pat": "dop_v1_{h64}", "digitalocean-oauth": "doo_v1_{h64}",
    "digitalocean-refresh": "dor_v1_{h64}", "heroku": "HRKU-AA{w58}", "fly-io": "fo1_{w43}", "scaleway-id": "SCW{U16}7", "yandex-api": "AQVN{w36}",
    "cloudflare-origin-ca": "v1.0-{h24}-{h146}", "openshift": "sha256~{w43}", "akamai": "akab-{L16}-{L16}", "netlify": "nfp_{A36}", "render": "rnd_{A31}7",
    # Code and builds
    "github-fine-grained": "github_pat_{A22}_{A59}", "gitlab-pat": "glpat-{w20}", "gitlab-deploy": "gldt-{w20}", "gitlab-runner": "glrt-{w20}",
    "gitlab-trigger": "glptt-{h40}", "gitlab-feed": "glft-{w20}", "gitlab-agent": "glagent-{w50}", "gitlab-job": "glcbt-{h2}_{w20}",
    "gitlab-registration": "GR1348941{w20}", "gitlab-scim": "glsoat-{w20}", "gitlab-mail": "glimt-{L25}", "gitlab-oauth": "gloas-{h64}",
    "gitlab-pat-routable": "glpat-{w27}.01.{L9}", "atlassian": "ATATT3xFfGF0{w180}={H8}", "bitbucket": "ATBB{A24}{H8}", "circleci": "CCIPAT_{A22}_{h40}",
    "buildkite": "bkua_{h40}", "sonarqube": "squ_{h40}", "sourcegraph": "sgp_{h16}_{h40}", "postman": "PMAK-{h24}-{h34}", "octopus": "API-{U25}7",
    "harness": "pat.{w22}.{h24}.{A20}", "launchdarkly-sdk": "sdk-{uuid}", "launchdarkly-api": "api-{uuid}", "prefect": "pnu_{A36}", "linear": "lin_api_{A40}",
    "figma": "figd_{w40}", "snyk-sat": "snyk_sat.{A8}.{A60}.{A40}",
    # Packages
    "pypi": "pypi-AgEIcHlwaS5vcmc{w70}", "rubygems": "rubygems_{h48}", "crates-io": "cio{A31}7", "nuget": "oy2{L43}", "clojars": "CLOJARS_{h60}",
    "docker-pat": "dckr_pat_{w27}", "docker-oat": "dckr_oat_{w32}", "jfrog": "AKCp{A69}", "jfrog-reference": "cmVmdGtu{A56}", "cloudsmith": "csa_{h40}",
    # Vaults, infrastructure, databases
    "vault-service": "hvs.{w90}", "vault-batch": "hvb.{w138}", "age": "AGE-SECRET-KEY-1{u58}", "doppler": "dp.pt.{A43}", "doppler-service": "dp.st.prd.{A43}",
    "infisical": "st.{h24}.{h32}.{h32}", "onepassword": "ops_eyJ{w300}", "terraform": "{A14}.atlasv1.{w64}", "pulumi": "pul-{h40}", "infracost": "ico-{A32}",
    "planetscale-token": "pscale_tkn_{w43}", "planetscale-password": "pscale_pw_{w43}", "supabase": "sbp_{h40}", "supabase-secret": "sb_secret_{w22}_{w8}",
    "neon": "napi_{L64}", "databricks": "dapi{h32}", "databricks-2": "dapi{h32}-2", "mongodb-atlas": "mdb_sa_sk_{w40}", "aiven": "AVNS_{w19}", "tailscale": "tskey-auth-k{A11}CNTRL-{A32}",
    "tailscale-api": "tskey-api-k{A11}CNTRL-{A32}", "defined": "dnkey-{L26}-{L52}", "nats": "SUA{n55}", "rancher": "token-{L5}:{L54}", "k3s": "K10{h64}::server:{h32}",
    "flyway": "FL01{H64}", "confluent": "cflt{b60}", "teleport": "proxy-{h64}", "kes": "kes:v1:{b44}", "scalr": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJqdGkiOiJhdC1{A40}.{w43}",
    # Models
    "openai": "sk-proj-{A20}T3BlbkFJ{A20}", "openai-legacy": "sk-{A20}T3BlbkFJ{A20}", "openai-service": "sk-svcacct-{w74}T3BlbkFJ{w73}A", "anthropic": "sk-ant-api03-{w93}AA",
    "anthropic-admin": "sk-ant-admin01-{w93}AA", "openrouter": "sk-or-v1-{h64}", "huggingface": "hf_{s34}", "replicate": "r8_{A37}", "groq": "gsk_{A52}",
    "perplexity": "pplx-{A48}", "xai": "xai-{A80}", "elevenlabs": "sk_{h48}", "langsmith": "lsv2_pt_{h32}_{h10}", "nvidia": "nvapi-{w64}", "pinecone": "pcsk_{A6}_{A63}",
    "cerebras": "csk-{L48}", "tavily": "tvly-dev-{A32}", "voyage": "pa-{w42}7", "deepseek": "sk-{h32}", "langfuse": "sk-lf-{uuid}", "together": "tgp_v1_{w43}",
    # Messages
    "slack-bot": "xoxb-{x1}{d11}-{x1}{d12}-{A24}", "slack-user": "xoxp-{d12}-{d12}-{d13}-{h32}", "slack-app": "xapp-1-A{U10}-{d13}-{h64}", "slack-config": "xoxe.xoxp-1-{A163}",
    "slack-refresh": "xoxe-1-{A146}", "slack-legacy": "xoxs-{d11}-{d11}-{d12}-{h10}", "slack-webhook": "https://hooks.slack.com/services/T{U8}/B{U8}/{A24}",
    "discord-webhook": "https://discord.com/api/webhooks/{x1}{d17}/{w68}", "discord-bot": "MT{A24}.G{w5}.{w38}", "telegram": "{x1}{d9}:AA{w33}",
    "teams": "https://shop.webhook.office.com/webhookb2/{uuid}@{uuid}/IncomingWebhook/{h32}/{uuid}",
    "google-chat": "https://chat.googleapis.com/v1/spaces/AAAA{w7}/messages?key=AIza{w35}&token={w43}%3D", "sendgrid": "SG.{w22}.{w43}", "mailgun": "key-{h32}",
    "mailchimp": "{h32}-us{x1}", "brevo": "xkeysib-{h64}-{A16}", "resend": "re_{A8}_{A24}", "mailersend": "mlsn.{h64}", "twilio": "SK{h32}", "firebase": "AAAA{w7}:APA91b{w134}",
    "matrix": "syt_{L8}_{s20}_{A6}", "zapier": "https://hooks.zapier.com/hooks/catch/{d7}/{L7}/",
    # Payment
    "stripe-live": "sk_live_{A24}", "stripe-long": "sk_live_51{A97}", "stripe-test": "sk_test_{A24}", "stripe-restricted": "rk_live_{A24}", "stripe-webhook": "whsec_{A32}",
    "square": "EAAA{w60}", "square-pat": "sq0atp-{w22}", "square-secret": "sq0csp-{w43}", "braintree": "access_token$production${L16}${h32}", "shopify": "shpat_{h32}",
    "shopify-app": "shpca_{h32}", "shopify-secret": "shpss_{h32}", "plaid": "access-production-{uuid}", "razorpay": "rzp_live_{A14}", "flutterwave": "FLWSECK-{h32}-X",
    "paystack": "sk_live_{h40}", "duffel": "duffel_live_{w43}", "shippo": "shippo_live_{h40}", "easypost": "EZAK{h54}", "paddle": "pdl_live_apikey_{L26}_{A22}_{A3}",
    "gocardless": "live_{A38}x7", "mollie": "live_{A29}7", "checkout": "sk_sbox_{L26}x",
    # Observability, and others
    "newrelic-user": "NRAK-{U27}", "newrelic-insert": "NRII-{w32}", "newrelic-license": "{h36}NRAL", "grafana": "glsa_{A32}_{h8}", "grafana-cloud": "glc_eyJvIjoi{A80}==", "grafana-key": "eyJrIjoi{A80}==",
    "sentry-user": "sntryu_{h64}", "dynatrace": "dt0c01.{U24}.{U64}", "honeycomb": "hcaik_{L58}", "axiom": "xaat-{uuid}", "posthog": "phx_{A43}", "coralogix": "cxtp_{A30}",
    "airtable": "pat{A14}.{h64}", "notion": "ntn_{A46}", "notion-old": "secret_{A43}", "asana": "2/{d16}/{d16}:{h32}", "clickup": "pk_{d8}_{U32}", "hubspot": "pat-na1-{uuid}",
    "contentful": "CFPAT-{w43}", "typeform": "tfp_{A44}_{A14}", "readme": "rdme_{L70}", "frameio": "fio-u-{w64}", "dropbox": "sl.u.{w140}", "facebook": "EAACEdEose0cBA{A90}",
    "twitter": "AAAAAAAAAAAAAAAAAAAAA{A20}%2B{A60}", "linkedin": "WPL_AP1.{A16}.{A8}", "mapbox": "sk.eyJ{w80}.{w22}", "maxmind": "{A6}_{A29}_mmk", "salesforce": "00D{A12}!{A96}",
    "shortcut": "sct_rw_{A40}", "adobe": "p8e-{w32}", "lob": "live_{h35}", "typeform-2": "tfp_{w59}", "okta": "SSWS 00{w40}", "intercom": "dG9rO{b54}=",
}
CLASSES["u"] = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"

# Names, and the formats of their values.
NAMED = {
    "password": (["DB_PASSWORD", "db_pass", "PASS", "adminPassword", "MYSQL_ROOT_PASSWORD", "spring.datasource.password", "LDAP_BIND_PW", "smtp_auth_password", "KEYSTORE_PASSPHRASE",
                  "userPwd", "SUDO_PASSWORD", "PGPASSWORD", "redis-password", "basicAuthPassword", "ADMIN_PASSWD", "rabbitmq_default_pass", "MONGO_INITDB_ROOT_PASSWORD"], None),
    "hex-key": (["API_KEY", "api_token", "ENCRYPTION_KEY", "SECRET_KEY_BASE", "APP_SECRET", "sessionSecret", "master-key", "HMAC_KEY"], "{h64}"),
    "hex-32": (["ACCESS_TOKEN", "authToken", "CONSUMER_SECRET", "DATADOG_API_KEY", "PUSHER_APP_SECRET"], "{h32}"),
    "alnum-key": (["API_KEY", "CLIENT_SECRET", "X_API_KEY", "jwtSecret", "SIGNING_SECRET", "webhookToken", "GRAFANA_API_TOKEN", "bearerToken"], "{A32}"),
    "base64-key": (["FERNET_KEY", "secretKey", "cookieSecret", "OAUTH2_PROXY_COOKIE_SECRET", "data_encryption_key"], "{b43}="),
    "uuid-key": (["HEROKU_API_KEY", "SPLUNK_HEC_TOKEN", "POSTMARK_SERVER_TOKEN", "SNYK_TOKEN", "OPSGENIE_API_KEY", "CONSUL_HTTP_TOKEN"], "{uuid}"),
    "aws-secret": (["AWS_SECRET_ACCESS_KEY", "aws_secret_access_key", "awsSecretKey", "s3SecretAccessKey"], "{b40}"),
    "twilio-auth": (["TWILIO_AUTH_TOKEN"], "{h32}"), "okta-token": (["OKTA_API_TOKEN"], "00{w40}"), "bootstrap": (["bootstrapToken", "KUBEADM_TOKEN"], "{L6}.{L16}"),
    "cloudflare": (["CLOUDFLARE_API_TOKEN"], "{w40}"), "npm-legacy": (["NPM_TOKEN"], "{uuid}"), "laravel": (["APP_KEY"], "base64:{b43}="), "azure-devops": (["AZURE_DEVOPS_PAT"], "{m52}"),
    "short-token": (["GITEA_TOKEN", "api-token", "deployToken", "ACCESS_KEY"], "{A20}"), "wireguard": (["PrivateKey", "PresharedKey"], "{b42}A="), "django": (["DJANGO_SECRET_KEY"], "django-insecure-{L20}$#{L22}"),
}
WORDS = ["falcon", "Winter", "purple", "Dragon", "coffee", "monkey", "Summer", "bicycle", "Berlin", "thunder", "hockey", "Maria"]


def password(rng):
    """Passwords that people choose, and that generators make."""
    return rng.choice([
        lambda: rng.choice(WORDS) + str(rng.randrange(10, 9999)) + rng.choice(["!", "#", "", "$", "?!"]),
        lambda: fill(rng, "{A16}"), lambda: fill(rng, "{A8}0000"), lambda: fill(rng, "{A10}") + rng.choice("!%&*+") + fill(rng, "{A5}"),
        lambda: "-".join(rng.sample(WORDS, 3)) + str(rng.randrange(100)), lambda: fill(rng, "{L24}"), lambda: fill(rng, "{h20}"),
        lambda: rng.choice(["hunter2", "P@ssw0rd", "qwerty123", "letmein!", "admin123", "s3cr3t!", "1q2w3e4r", "iloveyou2", "Passw0rd2024", "root1234", "12345678", "abc123!", "Tr0ub4dor&3"]),
        lambda: fill(rng, "{A6}") + "'" + fill(rng, "{A6}") + "9", lambda: fill(rng, "{A5}@{A4}:{A4}7"), lambda: fill(rng, "{d10}"),
    ])()
