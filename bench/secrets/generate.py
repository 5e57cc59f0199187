#!/usr/bin/env python3
"""Writes a labeled set from a seed: templates × kinds × encodings, and as many hard negatives.

Usage: generate.py DIRECTORY [SEED [COUNT]]
Each file contains one case; labels.json says whether it has a secret, of which kind, and where.
The formats are defined here independently of the detector's tables.
"""

import base64, binascii, gzip, json, pathlib, random, string, sys, urllib.parse, uuid, zlib

LOWER, UPPER, DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
ALNUM, HEX = string.ascii_letters + DIGITS, "0123456789abcdef"
BASE62 = DIGITS + UPPER + LOWER
URLSAFE, B64 = ALNUM + "_-", ALNUM + "+/"
rng = random.Random()


def text(alphabet, length):
    return "".join(rng.choice(alphabet) for _ in range(length))


def checksummed(prefix):
    body, number, check = text(ALNUM, 30), 0, ""
    number = zlib.crc32(body.encode())
    while number:
        number, digit = divmod(number, 62)
        check = BASE62[digit] + check
    return prefix + body + check.rjust(6, "0")


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwt():
    head = b64url(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    body = b64url(json.dumps({"sub": text(ALNUM, 10), "iat": rng.randrange(10**9)}).encode())
    return f"{head}.{body}.{b64url(rng.randbytes(32))}"


def pem(label):
    body = base64.b64encode(rng.randbytes(600)).decode()
    lines = "\n".join(body[i : i + 64] for i in range(0, len(body), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


def password():
    signs = "!@#%^*-_=+.?"
    return rng.choice([
        lambda: text(ALNUM, 16) + rng.choice(signs),
        lambda: rng.choice(["Summer", "Dragon", "Falcon", "Winter"]) + text(DIGITS, 4) + rng.choice("!#."),
        lambda: text(ALNUM + signs, 20).lstrip("!@#%^*-=+.?_") + "a1",
        lambda: rng.choice(["hunter2", "letmein99", "Tr0ub4dor&3", "P@ssw0rd!23", "s3cr3t-p4ss"]),
    ])()


TOKENS = {
    "github-pat": lambda: checksummed("ghp_"), "github-oauth": lambda: checksummed("gho_"),
    "github-app": lambda: checksummed("ghs_"), "npm": lambda: checksummed("npm_"),
    "github-fine": lambda: f"github_pat_{text(ALNUM, 22)}_{text(ALNUM, 59)}",
    "gitlab-pat": lambda: "glpat-" + text(URLSAFE, 20), "gitlab-deploy": lambda: "gldt-" + text(URLSAFE, 20),
    "gitlab-runner": lambda: "glrt-" + text(URLSAFE, 20), "aws-id": lambda: "AKIA" + text(UPPER + "234567", 16),
    "gcp-key": lambda: "AIza" + text(URLSAFE, 35), "google-secret": lambda: "GOCSPX-" + text(URLSAFE, 28),
    "slack-bot": lambda: f"xoxb-{text(DIGITS, 12)}-{text(DIGITS, 12)}-{text(ALNUM, 24)}",
    "slack-user": lambda: f"xoxp-{text(DIGITS, 11)}-{text(DIGITS, 11)}-{text(DIGITS, 12)}-{text(HEX, 32)}",
    "slack-app": lambda: f"xapp-1-A{text(UPPER + DIGITS, 10)}-{text(DIGITS, 13)}-{text(HEX, 64)}",
    "slack-hook": lambda: f"https://hooks.slack.com/services/T{text(UPPER + DIGITS, 10)}/B{text(UPPER + DIGITS, 10)}/{text(ALNUM, 24)}",
    "stripe-live": lambda: "sk_live_" + text(ALNUM, 24), "stripe-restricted": lambda: "rk_live_" + text(ALNUM, 24),
    "sendgrid": lambda: f"SG.{text(URLSAFE, 22)}.{text(URLSAFE, 43)}",
    "mailgun": lambda: "key-" + text(HEX, 32), "mailchimp": lambda: text(HEX, 32) + "-us" + text("123456789", 1),
    "twilio": lambda: "SK" + text(HEX, 32), "telegram": lambda: text("123456789", 9) + ":AA" + text(URLSAFE, 33),
    "digitalocean": lambda: "dop_v1_" + text(HEX, 64), "heroku": lambda: "HRKU-AA" + text(URLSAFE, 58),
    "shopify": lambda: "shpat_" + text(HEX, 32), "square": lambda: "sq0atp-" + text(URLSAFE, 22),
    "pypi": lambda: "pypi-AgEIcHlwaS5vcmc" + text(URLSAFE, 70), "rubygems": lambda: "rubygems_" + text(HEX, 48),
    "docker": lambda: "dckr_pat_" + text(URLSAFE, 27), "vault": lambda: "hvs." + text(ALNUM, 90),
    "doppler": lambda: "dp.pt." + text(ALNUM, 43), "pulumi": lambda: "pul-" + text(HEX, 40),
    "terraform": lambda: text(ALNUM, 14) + ".atlasv1." + text(ALNUM, 64), "databricks": lambda: "dapi" + text(HEX, 32),
    "planetscale": lambda: "pscale_pw_" + text(URLSAFE, 43), "supabase": lambda: "sbp_" + text(HEX, 40),
    "openai": lambda: "sk-proj-" + text(ALNUM, 20) + "T3BlbkFJ" + text(ALNUM, 20),
    "anthropic": lambda: "sk-ant-api03-" + text(URLSAFE, 93) + "AA", "huggingface": lambda: "hf_" + text(string.ascii_letters, 34),
    "groq": lambda: "gsk_" + text(ALNUM, 52), "replicate": lambda: "r8_" + text(ALNUM, 37),
    "grafana": lambda: f"glsa_{text(ALNUM, 32)}_{text(HEX, 8)}", "newrelic": lambda: "NRAK-" + text(UPPER + DIGITS, 27),
    "dynatrace": lambda: f"dt0c01.{text(UPPER + DIGITS, 24)}.{text(UPPER + DIGITS, 64)}",
    "sentry": lambda: "sntryu_" + text(HEX, 64), "postman": lambda: f"PMAK-{text(HEX, 24)}-{text(HEX, 34)}",
    "linear": lambda: "lin_api_" + text(ALNUM, 40), "notion": lambda: "ntn_" + text(ALNUM, 46),
    "airtable": lambda: f"pat{text(ALNUM, 14)}.{text(HEX, 64)}", "figma": lambda: "figd_" + text(URLSAFE, 40),
    "hubspot": lambda: f"pat-na1-{uuid.UUID(int=rng.getrandbits(128))}", "atlassian": lambda: "ATATT3" + text(URLSAFE, 180) + "=" + text("0123456789ABCDEF", 8),
    "age": lambda: "AGE-SECRET-KEY-1" + text("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58),
    "azure-storage": lambda: "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=" + base64.b64encode(rng.randbytes(64)).decode() + ";EndpointSuffix=core.windows.net",
    "azure-client": lambda: text(ALNUM, 3) + "8Q~" + text(ALNUM + "_.~-", 33) + "x", "tailscale": lambda: f"tskey-auth-{text(ALNUM, 12)}CNTRL-{text(ALNUM, 32)}",
    "discord-hook": lambda: f"https://discord.com/api/webhooks/{text('123456789', 18)}/{text(URLSAFE, 68)}",
    "jwt": jwt, "rsa-key": lambda: pem("RSA PRIVATE KEY"), "ec-key": lambda: pem("EC PRIVATE KEY"),
    "openssh-key": lambda: pem("OPENSSH PRIVATE KEY"), "pkcs8-key": lambda: pem("PRIVATE KEY"),
    "url": lambda: f"postgres://app:{text(ALNUM, 14)}@db.shop.svc:5432/shop", "redis-url": lambda: f"redis://:{text(ALNUM, 18)}@redis:6379/0",
    "sonar": lambda: "squ_" + text(HEX, 40), "jfrog": lambda: "AKCp" + text(ALNUM, 69), "nuget": lambda: "oy2" + text(LOWER + DIGITS, 43),
}
# Values that only their names identify.
NAMED = {
    "password": (["DB_PASSWORD", "password", "rootPassword", "smtp-password", "PGPASSWORD", "redis_pass"], password),
    "api-key": (["API_KEY", "apiKey", "x-api-key", "STRIPE_WEBHOOK_SECRET", "jwtSecret"], lambda: text(ALNUM, 32)),
    "secret-key": (["SECRET_KEY", "clientSecret", "encryption-key", "AUTH_TOKEN"], lambda: base64.b64encode(rng.randbytes(32)).decode()),
    "hex-token": (["token", "ACCESS_TOKEN", "signing_key"], lambda: text(HEX, 40)),
    "aws-secret": (["AWS_SECRET_ACCESS_KEY", "aws_secret_access_key"], lambda: text(B64, 40)),
    "datadog": (["DD_API_KEY", "DATADOG_API_KEY"], lambda: text(HEX, 32)),
    "twilio-auth": (["TWILIO_AUTH_TOKEN"], lambda: text(HEX, 32)),
    "cloudflare": (["CLOUDFLARE_API_TOKEN"], lambda: text(URLSAFE, 40)),
}

NEGATIVES = {
    "uuid": lambda: (rng.choice(["REQUEST_ID", "TENANT_ID", "clientId", "SESSION_TOKEN_ID"]), str(uuid.UUID(int=rng.getrandbits(128)))),
    "git-sha": lambda: (rng.choice(["GIT_COMMIT", "REVISION", "commitSha", "BUILD_SHA"]), text(HEX, 40)),
    "digest": lambda: (rng.choice(["IMAGE_DIGEST", "checksum/config", "configHash"]), rng.choice(["sha256:", ""]) + text(HEX, 64)),
    "image": lambda: (rng.choice(["SIDECAR_IMAGE", "image"]), f"registry.example.com/shop/web@sha256:{text(HEX, 64)}"),
    "placeholder": lambda: (rng.choice(["DB_PASSWORD", "API_KEY", "clientSecret", "token"]), rng.choice(["changeme", "CHANGE_ME", "your-password-here", "<password>", "xxxxxxxx", "REPLACE_ME", "example", "********", "TODO", "dummy", "placeholder", "insert-token-here", "password", "secret", "null", "none"])),
    "template": lambda: (rng.choice(["DB_PASSWORD", "apiKey", "SECRET_KEY"]), rng.choice(["{{ .Values.password }}", "${DB_PASSWORD}", "$(DB_PASSWORD)", "$DB_PASSWORD", "%PASSWORD%", "{{ env \"X\" }}", "<no value>"])),
    "reference": lambda: (rng.choice(["DB_PASSWORD", "token", "clientSecret"]), rng.choice(["vault:secret/data/shop#password", "ref+vault://secret/shop#/password", "op://shop/db/password", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop", "/run/secrets/password", "file:///etc/secret", "ENC[AES256_GCM,data:c2Vj,iv:aXY=,tag:dGFn,type:str]"])),
    "hash": lambda: (rng.choice(["ADMIN_PASSWORD_HASH", "password", "basicAuth"]), rng.choice(["$2y$10$" + text(ALNUM + "./", 53), "$argon2id$v=19$m=65536,t=3,p=4$" + text(B64, 22) + "$" + text(B64, 43), "admin:$apr1$" + text(ALNUM, 8) + "$" + text(ALNUM, 22), "{SHA}" + text(B64, 27) + "="])),
    "public-key": lambda: (rng.choice(["publicKey", "JWT_PUBLIC_KEY", "id_rsa.pub"]), rng.choice([lambda: pem("PUBLIC KEY"), lambda: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + text(B64, 43) + " me@host"])()),
    "certificate": lambda: (rng.choice(["ca.crt", "tls.crt", "caCertificate"]), pem("CERTIFICATE")),
    "name": lambda: (rng.choice(["SECRET_NAME", "existingSecret", "tokenSecretRef", "serviceAccountName", "TOKEN_ISSUER"]), "-".join(rng.choice(["shop", "database", "frontend", "credentials", "prod", "eu-west-1", "web2", "tls"]) for _ in range(rng.randint(3, 6)))),
    "image-data": lambda: (rng.choice(["logo.png", "icon", "favicon"]), "data:image/png;base64,iVBORw0KGgo" + base64.b64encode(rng.randbytes(150)).decode()),
    "path": lambda: (rng.choice(["PASSWORD_FILE", "tokenPath", "KEY_FILE", "SSL_KEY"]), rng.choice(["/etc/tls/tls.key", "/var/run/secrets/kubernetes.io/serviceaccount/token", "/run/secrets/db/password"])),
    "url": lambda: (rng.choice(["TOKEN_URL", "DATABASE_URL", "AUTH_ENDPOINT"]), rng.choice(["https://auth.example.com/oauth/token", "postgres://app@db:5432/shop", "http://user:$(PASSWORD)@host/", "redis://redis:6379"])),
    "setting": lambda: (rng.choice(["TOKEN_EXPIRY", "PASSWORD_MIN_LENGTH", "enableAuth", "MAX_TOKENS", "passwordPolicy", "SESSION_KEY_PREFIX"]), rng.choice(["3600", "true", "12", "strict", "24h", "session:"])),
    "aws-example": lambda: ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
    "random-id": lambda: (rng.choice(["BUILD_ID", "TRACE_ID", "etag", "RELEASE", "nodeId"]), rng.choice([text(ALNUM, 22), text(HEX, 32), text(LOWER + DIGITS, 26)])),
}


def quoted(value):
    return json.dumps(value)


def indented(value, spaces):
    return "\n".join(" " * spaces + line for line in value.rstrip("\n").split("\n"))


HEAD = "apiVersion: {0}\nkind: {1}\nmetadata:\n  name: web\n"
POD = HEAD.format("v1", "Pod") + "spec:\n  containers:\n    - name: web\n      image: registry.example.com/web:1.4.2\n"


def secret_data(name, value):
    return HEAD.format("v1", "Secret") + f"type: Opaque\ndata:\n  {quoted(name)}: {base64.b64encode(value.encode()).decode()}\n"


def string_data(name, value):
    return HEAD.format("v1", "Secret") + f"stringData:\n  {quoted(name)}: {quoted(value)}\n"


def environment(name, value):
    return POD + f"      env:\n        - name: PORT\n          value: \"8080\"\n        - name: {quoted(name)}\n          value: {quoted(value)}\n"


def environment_encoded(name, value):
    return environment(name, base64.b64encode(value.encode()).decode())


def argument(name, value):
    return POD + f"      args:\n        - --listen=:8080\n        - {quoted('--' + name.lower().replace('_', '-') + '=' + value)}\n"


def argument_pair(name, value):
    return POD + f"      args: [\"--listen\", \":8080\", {quoted('--' + name.lower().replace('_', '-'))}, {quoted(value)}]\n"


def shell(name, value):
    script = f"export {name.replace('-', '_').replace('.', '_').replace('/', '_')}='{value}' && exec /app"
    return POD + f"      command: [\"sh\", \"-c\", {quoted(script)}]\n"


def config_map(name, value):
    return HEAD.format("v1", "ConfigMap") + f"data:\n  LOG_LEVEL: info\n  {quoted(name)}: {quoted(value)}\n"


def properties(name, value):
    return HEAD.format("v1", "ConfigMap") + f"data:\n  application.properties: |\n    server.port=8080\n    app.{name}={value}\n    app.level=info\n"


def json_file(name, value):
    inner = json.dumps({"server": {"port": 8080}, "app": {name: value}}, indent=2)
    return HEAD.format("v1", "ConfigMap") + "data:\n  config.json: |\n" + indented(inner, 4) + "\n"


def yaml_file(name, value):
    return HEAD.format("v1", "ConfigMap") + f"data:\n  config.yaml: |\n    server:\n      port: 8080\n    app:\n      {name}: {quoted(value)}\n"


def xml_file(name, value):
    return HEAD.format("v1", "ConfigMap") + f"data:\n  config.xml: |\n    <app>\n      <port>8080</port>\n      <{name.replace('/', '.')}>{value}</{name.replace('/', '.')}>\n    </app>\n"


def env_file(name, value):
    return HEAD.format("v1", "ConfigMap") + f"data:\n  .env: |\n    PORT=8080\n    {name}={value}\n"


def pem_file(name, value):
    return HEAD.format("v1", "ConfigMap") + f"data:\n  {quoted(name)}: |\n" + indented(value, 4) + "\n"


def annotation(name, value):
    return HEAD.format("v1", "Service") + f"  annotations:\n    dns.example.com/{name}: {quoted(value)}\nspec:\n  ports: [{{port: 80}}]\n"


def last_applied(name, value):
    inner = json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web"}, "data": {name: base64.b64encode(value.encode()).decode()}})
    return HEAD.format("v1", "Secret") + f"  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: {quoted(inner)}\n"


def custom(name, value):
    return HEAD.format("example.com/v1", "Thing") + f"spec:\n  connection:\n    host: db\n    {quoted(name)}: {quoted(value)}\n"


def values(name, value):
    return f"image:\n  tag: 1.4.2\napp:\n  port: 8080\n  {quoted(name)}: {quoted(value)}\n"


def kustomize(name, value):
    return f"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nsecretGenerator:\n  - name: web\n    literals:\n      - {quoted(name + '=' + value)}\n"


def release(name, value):
    inner = json.dumps({"name": "web", "config": {"app": {name: value}}, "manifest": ""}).encode()
    packed = base64.b64encode(base64.b64encode(gzip.compress(inner, mtime=0))).decode()
    return HEAD.format("v1", "Secret") + f"type: helm.sh/release.v1\ndata:\n  release: {packed}\n"


def dotenv(name, value):
    return f"PORT=8080\n{name}={value}\n"


ONE_LINE = [secret_data, string_data, environment, argument, argument_pair, shell, config_map, properties, json_file,
            yaml_file, xml_file, env_file, annotation, last_applied, custom, values, kustomize, release, dotenv]
MANY_LINES = [secret_data, string_data, config_map, json_file, pem_file, environment, custom, values, last_applied, release]
NAMES = {values: "values-{}.yaml", dotenv: "{}.env"}


def main():
    directory = pathlib.Path(sys.argv[1])
    rng.seed(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 3000
    directory.mkdir(parents=True, exist_ok=True)
    labels = {}

    def write(place, template, kind, label, name, value):
        file = NAMES.get(template, "{}.yaml").format(f"{place:05}")
        (directory / file).write_text(template(name, value))
        labels[file] = {"secret": label, "kind": kind, "template": template.__name__}

    def template_of(value):
        return rng.choice(MANY_LINES if "\n" in value else ONE_LINE)

    for place in range(count):
        if rng.random() < 0.65:
            kind = rng.choice(sorted(TOKENS))
            name, value = rng.choice(["SETTING", "connection", "GITHUB_TOKEN", "config", "api-key", "VALUE"]), TOKENS[kind]()
        else:
            kind = rng.choice(sorted(NAMED))
            names, make = NAMED[kind]
            name, value = rng.choice(names), make()
        template = template_of(value)
        if kind in TOKENS and template is secret_data and rng.random() < 0.2:
            template = environment_encoded
        write(2 * place, template, kind, True, name, value)
        kind = rng.choice(sorted(NEGATIVES))
        name, value = NEGATIVES[kind]()
        # A random value in a Secret counts as a secret, so identifiers are put elsewhere.
        choices = MANY_LINES if "\n" in value else ONE_LINE
        if kind in ("random-id", "git-sha", "digest"):
            choices = [t for t in choices if t not in (secret_data, string_data, last_applied, kustomize)]
        write(2 * place + 1, rng.choice(choices), kind, False, name, value)
    (directory / "labels.json").write_text(json.dumps(labels, indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
