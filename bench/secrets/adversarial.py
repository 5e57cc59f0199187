#!/usr/bin/env python3
"""Writes a second, harder labeled set: other kinds, locations, encodings and negatives than generate.py.

Usage: adversarial.py DIRECTORY [SEED [COUNT]]
Each file contains one case. labels.json gives the lines of its secret; none for a negative.
"""

import base64, gzip, json, pathlib, random, re, sys, urllib.parse, uuid

from kinds import NAMED, TOKENS, fill, password

M = "\x01"  # marks the start of each secret; removed when its line is known
rng = random.Random()


def f(pattern):
    return fill(rng, pattern)


def b64(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def pem(label, size=600):
    body = b64(rng.randbytes(size))
    return f"-----BEGIN {label}-----\n" + "".join(body[i : i + 64] + "\n" for i in range(0, len(body), 64)) + f"-----END {label}-----\n"


def encrypted_pem():
    body = b64(rng.randbytes(600))
    lines = "".join(body[i : i + 64] + "\n" for i in range(0, len(body), 64))
    return f"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,{f('{H32}')}\n\n{lines}-----END RSA PRIVATE KEY-----\n"


def service_account():
    return json.dumps({"type": "service_account", "project_id": "shop-1", "private_key_id": f("{h40}"), "private_key": pem("PRIVATE KEY", 1200),
                       "client_email": "web@shop-1.iam.gserviceaccount.com", "client_id": f("{x1}{d20}"), "token_uri": "https://oauth2.googleapis.com/token"}, indent=2)


def jwt():
    part = lambda data: base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()
    head = {"alg": rng.choice(["HS256", "RS256", "ES256"]), "typ": "JWT"}
    body = {"iss": "kubernetes/serviceaccount", "sub": f("{L12}"), "exp": rng.randrange(10**9, 2 * 10**9)}
    return f"{part(head)}.{part(body)}.{base64.urlsafe_b64encode(rng.randbytes(64)).rstrip(b'=').decode()}"


def checksummed(prefix):
    import zlib
    body, check, number = f("{A30}"), "", 0
    number = zlib.crc32(body.encode())
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    while number:
        number, digit = divmod(number, 62)
        check = digits[digit] + check
    return prefix + body + check.rjust(6, "0")


MADE = {"github-pat": lambda: checksummed("ghp_"), "github-oauth": lambda: checksummed("gho_"), "github-app": lambda: checksummed("ghs_"),
        "npm": lambda: checksummed("npm_"), "jwt": jwt}
LONG = {"rsa": lambda: pem("RSA PRIVATE KEY"), "ec": lambda: pem("EC PRIVATE KEY", 118), "pkcs8": lambda: pem("PRIVATE KEY", 1200), "openssh": lambda: pem("OPENSSH PRIVATE KEY", 400),
        "pgp": lambda: pem("PGP PRIVATE KEY BLOCK", 900), "dsa": lambda: pem("DSA PRIVATE KEY"), "encrypted": encrypted_pem, "encrypted-pkcs8": lambda: pem("ENCRYPTED PRIVATE KEY"),
        "gcp-service-account": service_account, "chain": lambda: pem("CERTIFICATE", 900) + pem("EC PRIVATE KEY", 118)}
URLS = ["postgres://app:{}@db.shop.svc:5432/shop", "mysql://root:{}@mysql:3306/shop?charset=utf8", "mongodb+srv://app:{}@cluster0.abcde.mongodb.net/shop", "amqp://shop:{}@rabbitmq:5672/%2f",
        "redis://:{}@redis-master:6379/0", "https://deploy:{}@git.example.com/shop/web.git", "smtp://mailer:{}@smtp.example.com:587", "ftp://upload:{}@ftp.example.com/", "nats://nats:{}@nats:4222",
        "ldap://cn=admin:{}@ldap:389", "clickhouse://default:{}@clickhouse:9000/shop", "http://elastic:{}@elasticsearch:9200", "postgresql+psycopg2://app:{}@db/shop", "jdbc:mysql://app:{}@db:3306/shop"]
CONNECTIONS = ["Server=db;Database=shop;User Id=sa;Password={};Encrypt=true", "host=db user=app password={} dbname=shop sslmode=require", "jdbc:postgresql://db:5432/shop?user=app&password={}&ssl=true",
               "jdbc:sqlserver://db:1433;databaseName=shop;user=sa;password={};", "app:{}@tcp(db:3306)/shop?parseTime=true",
               "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"app\" password=\"{}\";", "Data Source=db;Initial Catalog=shop;Uid=app;Pwd={};",
               "amqp://rabbitmq:5672/?username=app&password={}", "redis:6379,password={},ssl=True,abortConnect=False"]


def simple():
    """A password that needs no escapes."""
    return rng.choice([f("{A16}"), f("{L20}"), rng.choice(["Falcon", "summer", "Berlin"]) + f("{d4}"), f("{A8}0000")])


# ---- locations: each takes a name and a value, and returns a file's name and text

def q(value):
    return '"' + M + json.dumps(value)[1:]


def single(value):
    return "'" + M + value.replace("'", "''") + "'"


def block(value, spaces):
    pad = " " * spaces
    return "|\n" + "\n".join((pad + (M if place == 0 else "") + line) if line else "" for place, line in enumerate(value.rstrip("\n").split("\n"))) + "\n"


def head(api, kind, more=""):
    return f"apiVersion: {api}\nkind: {kind}\nmetadata:\n  name: web\n  namespace: shop\n{more}"


def workload(container, kind=None):
    kind = kind or rng.choice(["Pod", "Deployment", "CronJob", "StatefulSet", "init"])
    inner = f"containers:\n- name: web\n  image: registry.example.com/web:1.4.2\n{container}"
    if kind == "init":
        inner = f"containers:\n- name: web\n  image: registry.example.com/web:1.4.2\ninitContainers:\n- name: setup\n  image: registry.example.com/setup:1\n{container}"
    pad = lambda text, spaces: "".join(" " * spaces + line + "\n" if line.strip() else line + "\n" for line in text.rstrip("\n").split("\n"))
    if kind in ("Pod", "init"):
        return head("v1", "Pod") + "spec:\n" + pad(inner, 2)
    if kind == "CronJob":
        return head("batch/v1", "CronJob") + "spec:\n  schedule: '0 4 * * *'\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          restartPolicy: Never\n" + pad(inner, 10)
    return head("apps/v1", kind) + "spec:\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n" + pad(inner, 6)


def secret_data(name, value):
    return "s.yaml", head("v1", "Secret") + f"type: Opaque\ndata:\n  {name}: {M}{b64(value)}\n"


def secret_newline(name, value):
    return "s.yaml", head("v1", "Secret") + f"data:\n  {name}: {q(b64(value + chr(10)))}\n"


def secret_wrapped(name, value):
    text = b64(value)
    return "s.yaml", head("v1", "Secret") + f"data:\n  {name}: " + block("\n".join(text[i : i + 40] for i in range(0, len(text), 40)), 4)


def secret_twice(name, value):
    return "s.yaml", head("v1", "Secret") + f"data:\n  {name}: {M}{b64(b64(value))}\n"


def secret_string(name, value):
    return "s.yaml", head("v1", "Secret") + f"stringData:\n  {name}: {rng.choice([q, single])(value)}\n"


def secret_json(name, value):
    text = json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web"}, "data": {name: "@" + b64(value)}}, indent=rng.choice([None, 2]))
    return "s.json", text.replace("@", M)


def secret_list(name, value):
    item = f"- apiVersion: v1\n  kind: Secret\n  metadata:\n    name: web\n  data:\n    {name}: {M}{b64(value)}\n"
    return "list.yaml", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata: {name: web}\n" + item


def secret_env_file(name, value):
    return "s.yaml", head("v1", "Secret") + f"stringData:\n  .env: |\n    PORT=8080\n    {name}={M}{value}\n"


def environment(name, value):
    return "p.yaml", workload(f"  env:\n  - name: PORT\n    value: '8080'\n  - name: {name}\n    value: {rng.choice([q, single])(value)}\n")


def environment_reversed(name, value):
    return "p.yaml", workload(f"  env:\n  - value: {q(value)}\n    name: {name}\n")


def environment_encoded(name, value):
    return "p.yaml", workload(f"  env:\n  - name: {name}\n    value: {M}{b64(value)}\n")


def environment_percent(name, value):
    return "p.yaml", workload(f"  env:\n  - name: CALLBACK\n    value: \"https://hooks.example.com/?{urllib.parse.quote(name)}={M}{urllib.parse.quote(value, safe='')}&x=1\"\n")


def environment_json(name, value):
    return "p.yaml", workload(f"  env:\n  - name: APP_CONFIG\n    value: {single(json.dumps({'level': 'info', name: '@@'})).replace(M, '').replace('@@', M + json.dumps(value)[1:-1].replace(chr(39), chr(39) * 2))}\n")


def flag(name):
    return "--" + re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower().replace("_", "-").replace(".", "-")


def argument(name, value):
    return "p.yaml", workload(f"  args:\n  - --listen=:8080\n  - {q(flag(name) + '=@@').replace(M, '').replace('@@', M + json.dumps(value)[1:-1])}\n")


def argument_pair(name, value):
    return "p.yaml", workload(f"  command: [/app, --listen, ':8080', {flag(name)}, {q(value)}]\n")


def script(name, value):
    shell = "".join(c if c.isalnum() else "_" for c in name)
    return "p.yaml", workload(f"  command:\n  - sh\n  - -c\n  - |\n    set -e\n    export {shell}={M}{value}\n    exec /app\n")


def probe_basic(name, value):
    return "p.yaml", workload(f"  livenessProbe:\n    httpGet:\n      path: /health\n      port: 8080\n      httpHeaders:\n      - name: Authorization\n        value: Basic {M}{b64('monitor:' + value)}\n")


def probe_bearer(name, value):
    return "p.yaml", workload(f"  readinessProbe:\n    httpGet:\n      path: /ready\n      port: 8080\n      httpHeaders:\n      - name: {rng.choice(['Authorization', 'X-Auth-Token', 'X-Api-Key'])}\n        value: {rng.choice(['Bearer ', '', 'Token '])}{M}{value}\n")


def probe_exec(name, value):
    return "p.yaml", workload(f"  livenessProbe:\n    exec:\n      command: {rng.choice(['[mysqladmin, ping, -uroot, -p{}]', '[sh, -c, mysqladmin ping -uroot -p{}]', '[redis-cli, -a, {}, ping]', '[curl, -fsu, admin:{}, localhost]', '[sh, -c, curl -u admin:{} localhost]']).format(M + value)}\n")


def lifecycle(name, value):
    return "p.yaml", workload(f"  lifecycle:\n    postStart:\n      exec:\n        command: [sh, -c, {q('curl -H @X-Api-Token: @@@ https://example.com').replace(M, '').replace('@@@', M + value + '@').replace('@', chr(39))}]\n")


def config(name, value):
    return "c.yaml", head("v1", "ConfigMap") + f"data:\n  LOG_LEVEL: info\n  {name}: {q(value)}\n"


def in_config(file, text):
    lines = "\n".join("    " + line if line else "" for line in text.rstrip("\n").split("\n"))
    return "c.yaml", head("v1", "ConfigMap") + f"data:\n  {file}: |\n{lines}\n"


def properties(name, value):
    return in_config("application.properties", f"server.port=8080\n# the database\napp.{name}{rng.choice(['=', ' = ', ': '])}{M}{value}\nlogging.level=info")


def json_file(name, value):
    text = json.dumps({"server": {"port": 8080}, "list": [{"id": 1, name: "@@"}]}, indent=rng.choice([None, 2, 4]))
    return in_config("settings.json", text.replace("@@", M + json.dumps(value)[1:-1]))


def yaml_file(name, value):
    return in_config("config.yaml", f"server:\n  port: 8080\nclients:\n- id: shop\n  {name}: {q(value)}\n")


def xml_attribute(name, value):
    return in_config("web.config", f'<configuration>\n  <appSettings>\n    <add key="Port" value="8080"/>\n    <add key="{name}" value="{M}{value}"/>\n  </appSettings>\n</configuration>')


def xml_element(name, value):
    return in_config("settings.xml", f"<settings>\n  <server>\n    <id>nexus</id>\n    <{name}>{M}{value}</{name}>\n  </server>\n</settings>")


def toml_file(name, value):
    return in_config("config.toml", f"[server]\nport = 8080\n[auth]\n{name} = {q(value)}\n")


def ini_file(name, value):
    return in_config("grafana.ini", f"[server]\nhttp_port = 3000\n[security]\n;disabled = x\n{name} = {M}{value}\n")


def code_file(name, value):
    name = "".join(c if c.isalnum() else "_" for c in name)
    return in_config(*rng.choice([("settings.py", f"import os\nDEBUG = False\n{name} = {q(value)}"), ("config.js", f"module.exports = {{\n  port: 8080,\n  {name}: {q(value)},\n}};"),
                                  ("config.php", f"<?php\ndefine('{name}', {q(value)});\n$level = 'info';"), ("init.sh", f"#!/bin/sh\nexport {name}={q(value)}\nexec app"),
                                  ("main.tf", f"variable \"x\" {{}}\nprovider \"x\" {{\n  {name} = {q(value)}\n}}"), ("logstash.conf", f"output {{\n  http {{\n    {name} => {q(value)}\n  }}\n}}"),
                                  ("app.rb", f"config.{name} = {q(value)}"), ("App.java", f'private static final String {name} = {q(value)};')]))


def tool_file(name, value):
    return in_config(*rng.choice([(".pgpass", f"db:5432:shop:app:{M}{value}"), (".netrc", f"machine git.example.com\nlogin deploy\npassword {M}{value}"), ("redis.conf", f"port 6379\nrequirepass {M}{value}"),
                                  (".npmrc", f"registry=https://npm.example.com/\n//npm.example.com/:_authToken={M}{value}"), ("my.cnf", f"[client]\nuser=root\npassword={M}{value}"),
                                  ("haproxy.cfg", f"userlist admins\n  user admin insecure-password {M}{value}"), ("rabbitmq.conf", f"default_user = shop\ndefault_pass = {M}{value}"),
                                  ("prometheus.yml", f"scrape_configs:\n- job_name: web\n  basic_auth:\n    username: prom\n    password: {M}{value}"),
                                  ("alertmanager.yml", f"global:\n  smtp_smarthost: mail:25\n  smtp_auth_password: {M}{value}"), ("pip.conf", f"[global]\nindex-url = https://ci:{M}{value}@pypi.example.com/simple"),
                                  ("nginx.conf", f"location / {{\n  proxy_set_header Authorization \"Basic {M}{b64('api:' + value)}\";\n}}"), ("redis.conf", f"masterauth {M}{value}"),
                                  ("pgbouncer.ini", f"[databases]\nshop = host=db port=5432 user=app password={M}{value}"), ("ldap.conf", f"bind_dn cn=admin\nbind_password {M}{value}"),
                                  ("userlist.txt", f'"app" "{M}{value}"'), ("sasl_passwd", f"[mail.example.com]:587 bot:{M}{value}"), ("msmtprc", f"host mail\nuser bot\npassword {M}{value}"),
                                  (".netrc", f"machine git.example.com login deploy password {M}{value}"), ("init.sql", f"CREATE USER 'app'@'%' IDENTIFIED BY '{M}{value}';"),
                                  ("roles.sql", f"ALTER USER app WITH PASSWORD '{M}{value}';"), ("nginx.conf", f"server {{\n  set $api_password \"{M}{value}\";\n}}"),
                                  ("hdfs-site.xml", f"<configuration>\n  <property>\n    <name>fs.password</name>\n    <value>{M}{value}</value>\n  </property>\n</configuration>"),
                                  ("config.php", f"<?php\n$db_password = '{M}{value}';"), ("wp-config.php", f"<?php\ndefine( 'DB_PASSWORD', '{M}{value}' );"),
                                  ("ora.properties", f"url=jdbc:oracle:thin:scott/{M}{value}@//ora:1521/XE"), ("envoy.yaml", f"redis:\n  auth_password:\n    inline_string: {M}{value}")]))


def key_file(name, value):
    """Keys in their own formats, recognized by the text around them."""
    body = b64(rng.randbytes(240))
    lines = "".join(body[i : i + 64] + "\n" for i in range(0, len(body), 64))
    part = lambda size: base64.urlsafe_b64encode(rng.randbytes(size)).rstrip(b"=").decode()
    return in_config(*rng.choice([("id.ppk", f"{M}PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: me\nPublic-Lines: 1\n{b64(rng.randbytes(40))}\nPrivate-Lines: 5\n{lines}Private-MAC: {f('{h64}')}"),
                                  ("jwks.json", json.dumps({"keys": [{"kty": "RSA", "n": part(256), "e": "AQAB", "d": "@@"}]}, indent=1).replace("@@", M + part(256))),
                                  ("auth.json", json.dumps({"jwt": {"key": "@@"}, "port": 8080}, indent=2).replace("@@", M + f("{A32}")))]))


def session(name, value):
    header = f"{rng.choice(['session', 'sessionid', 'connect.sid'])}={f('{A32}')}; theme=dark"
    return environment(*rng.choice([("COOKIE_HEADER", header), ("TOTP_SEED", f("{n32}")), ("MFA_SECRET", f("{n16}")), ("ENDPOINT", f"https://api.example.com/v1?key={f('{A32}')}")]))


def annotation(name, value):
    return "s.yaml", head("v1", "Service", f"  annotations:\n    shop.example.com/{name}: {q(value)}\n") + "spec:\n  ports:\n  - port: 80\n"


def ingress_snippet(name, value):
    return "i.yaml", head("networking.k8s.io/v1", "Ingress", f"  annotations:\n    nginx.ingress.kubernetes.io/configuration-snippet: |\n      proxy_set_header Authorization \"Basic {M}{b64('api:' + value)}\";\n") + "spec:\n  ingressClassName: nginx\n"


def last_applied(name, value):
    inner = rng.choice([{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web"}, "stringData": {name: value}},
                        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [{"name": "web", "image": "web:1", "env": [{"name": name, "value": value}]}]}},
                        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": {name: value}}])
    return "l.yaml", head("v1", inner["kind"], f"  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: {rng.choice([single, q])(json.dumps(inner) + chr(10))}\n")


def custom(name, value):
    return "x.yaml", head("shop.example.com/v1", "Store") + f"spec:\n  replicas: 2\n  backends:\n  - host: db\n    auth:\n      user: app\n      {name}: {rng.choice([q, single])(value)}\n"


def argo(name, value):
    return "a.yaml", head("argoproj.io/v1alpha1", "Application") + f"spec:\n  source:\n    chart: web\n    helm:\n      parameters:\n      - name: app.{name}\n        value: {q(value)}\n"


def argo_values(name, value):
    return "a.yaml", head("argoproj.io/v1alpha1", "Application") + f"spec:\n  source:\n    helm:\n      values: |\n        replicas: 2\n        app:\n          {name}: {q(value)}\n"


def helm_release(name, value):
    return "h.yaml", head("helm.toolkit.fluxcd.io/v2", "HelmRelease") + f"spec:\n  chart: {{spec: {{chart: web}}}}\n  values:\n    app:\n      {name}: {q(value)}\n"


def release(name, value):
    inner = json.dumps({"name": "web", "chart": {"metadata": {"name": "web"}, "values": {}}, "config": {"app": {name: value}}, "manifest": "---\napiVersion: v1\nkind: ConfigMap\n"}).encode()
    return "r.yaml", head("v1", "Secret") + f"type: helm.sh/release.v1\ndata:\n  release: {M}{b64(b64(gzip.compress(inner, mtime=0)))}\n"


def values(name, value):
    return "values.yaml", rng.choice([f"replicas: 2\napp:\n  {name}: {q(value)}\n", f"app:\n  env:\n  - name: {name}\n    value: {q(value)}\n", f"app:\n  env:\n    {name}: {q(value)}\n", f"global:\n  auth:\n    {name}: {single(value)}  # set by CI\n"])


def generator(name, value):
    return "kustomization.yaml", f"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n{rng.choice(['secretGenerator', 'configMapGenerator'])}:\n- name: web\n  literals:\n  - PORT=8080\n  - {q(name + '=@@').replace(M, '').replace('@@', M + json.dumps(value)[1:-1])}\n"


def generator_file(name, value):
    return "password.txt", M + value + rng.choice(["", "\n"])


def comment(name, value):
    return "p.yaml", workload(f"  # {name}: {M}{value}\n  env:\n  - name: PORT\n    value: '8080'\n")


def env_file(name, value):
    return rng.choice([".env", "prod.env"]), f"PORT=8080\n{rng.choice(['', 'export '])}{name}={rng.choice(['{}', chr(34) + '{}' + chr(34)]).format(M + value)}\n"


def dockerfile(name, value):
    name = "".join(c if c.isalnum() else "_" for c in name)
    return "Dockerfile", "FROM registry.example.com/base:1\n" + rng.choice([f"ENV {name}={M}{value}\n", f"ARG {name}={M}{value}\n", f"ENV PORT=1 {name}=\"{M}{value}\"\n", f"ENV {name} {M}{value}\n", f"RUN export {name}={M}{value} && make\n"]) + "USER 1000\n"


def kubeconfig(name, value):
    return "kubeconfig", f"apiVersion: v1\nkind: Config\nclusters:\n- name: shop\n  cluster:\n    server: https://10.0.0.1:6443\n    certificate-authority-data: {b64(pem('CERTIFICATE'))}\nusers:\n- name: admin\n  user:\n    {rng.choice(['token', 'password'])}: {M}{value}\n"


def compose(name, value):
    return "compose.yaml", rng.choice([f"services:\n  web:\n    image: web:1\n    environment:\n      {name}: {q(value)}\n", f"services:\n  web:\n    image: web:1\n    environment:\n    - PORT=8080\n    - {q(name + '=@@').replace(M, '').replace('@@', M + json.dumps(value)[1:-1])}\n"])


ONE_LINE = [secret_data, secret_newline, secret_wrapped, secret_twice, secret_string, secret_json, secret_list, environment, environment_reversed, environment_json, argument, argument_pair, config, json_file,
            yaml_file, toml_file, code_file, annotation, last_applied, custom, argo, argo_values, helm_release, release, values, generator, compose]
PLAIN = [secret_env_file, script, properties, ini_file, xml_attribute, xml_element, comment, env_file, dockerfile]
ENCODED = [environment_encoded, environment_percent]


# ---- locations for one kind of value only

def docker_config(value):
    auths = {"registry.example.com": rng.choice([{"auth": b64("ci:" + value)}, {"username": "ci", "password": value, "auth": b64("ci:" + value)}])}
    kind, inner, key = rng.choice([("kubernetes.io/dockerconfigjson", {"auths": auths}, ".dockerconfigjson"), ("kubernetes.io/dockercfg", auths, ".dockercfg")])
    if rng.random() < 0.5:
        return "d.yaml", head("v1", "Secret") + f"type: {kind}\ndata:\n  {key}: {M}{b64(json.dumps(inner))}\n"
    return "d.yaml", head("v1", "Secret") + f"type: {kind}\nstringData:\n  {key}: {single(json.dumps(inner))}\n"


def basic_auth(value):
    return "b.yaml", head("v1", "Secret") + f"type: kubernetes.io/basic-auth\n" + rng.choice([f"stringData:\n  username: admin\n  password: {q(value)}\n", f"data:\n  username: {b64('admin')}\n  password: {M}{b64(value)}\n"])


def tls(value):
    return "t.yaml", head("v1", "Secret") + f"type: kubernetes.io/tls\n" + rng.choice([f"data:\n  tls.crt: {b64(pem('CERTIFICATE'))}\n  tls.key: {M}{b64(value)}\n", f"stringData:\n  tls.crt: {block(pem('CERTIFICATE'), 4).replace(M, '')}  tls.key: {block(value, 4)}"])


def ssh(value):
    return "t.yaml", head("v1", "Secret") + f"type: kubernetes.io/ssh-auth\ndata:\n  ssh-privatekey: {M}{b64(value)}\n"


def long_environment(value):
    return "p.yaml", workload(f"  env:\n  - name: KEY\n    value: " + rng.choice([q(value) + "\n", block(value, 6)]))


def long_config(value):
    return "c.yaml", head("v1", "ConfigMap") + "data:\n  server.pem: " + block(value, 4)


def long_custom(value):
    return "x.yaml", head("shop.example.com/v1", "Store") + "spec:\n  tls:\n    key: " + rng.choice([block(value, 6), q(value) + "\n", M + b64(value) + "\n"])


def long_values(value):
    return "values.yaml", "tls:\n  key: " + rng.choice([block(value, 4), q(value) + "\n", M + b64(value) + "\n"])


def long_kubeconfig(value):
    return "kubeconfig", f"apiVersion: v1\nkind: Config\nusers:\n- name: admin\n  user:\n    client-certificate-data: {b64(pem('CERTIFICATE'))}\n    client-key-data: {M}{b64(value)}\n"


def long_json(value):
    return in_config("keys.json", json.dumps({"keys": [{"id": 1, "pem": "@@"}]}, indent=2).replace("@@", M + json.dumps(value)[1:-1]))


def long_file(value):
    return rng.choice(["id_rsa", "server.key", "account.json"]), M + value


def long_applied(value):
    inner = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web"}, "data": {"key": b64(value)}}
    return "l.yaml", head("v1", "Secret", f"  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: {q(json.dumps(inner))}\n")


LONG_PLACES = [tls, ssh, long_environment, long_config, long_custom, long_values, long_kubeconfig, long_json, long_file, long_applied]


# ---- negatives

def negative():
    """A name and a value without a secret."""
    n = lambda names, *values: (rng.choice(names), rng.choice(values)() if callable(values[0]) else rng.choice(values))
    return rng.choice([
        lambda: n(["DB_PASSWORD", "apiKey", "CLIENT_SECRET", "token", "rootPassword"], "changeme", "CHANGEME", "change-me", "changeit", "ChangeMe!", "your-password", "YOUR_API_KEY_HERE", "<your-token>", "xxxxxxxxxxxx", "REPLACE_ME", "replace-with-a-real-one",
                  "TODO", "todo-set-me", "dummy", "placeholder", "example-password", "not-a-real-secret", "secret", "password", "none", "null", "****", "*****REDACTED*****", "[REDACTED]", "<redacted>", "fake", "test-token-placeholder", "insert-key-here", "to-be-replaced", "N/A", "TBD", "fill-me-in", "00000000", "sample-secret", "put-your-key-here", "...", "my-secret-password"),
        lambda: n(["DB_PASSWORD", "apiKey", "SECRET_KEY", "authToken"], "{{ .Values.auth.password }}", "{{ include \"x.password\" . }}", "${DB_PASSWORD}", "${DB_PASSWORD:?missing}", "$(DB_PASSWORD)", "$DB_PASSWORD", "%DB_PASSWORD%", "#{db.password}", "@db.password@", "<% password %>",
                  "{{ env `PASSWORD` }}", "__DB_PASSWORD__", "${{ secrets.DB_PASSWORD }}", "$(cat /run/secrets/db)", "%(password)s", "[[ .Password ]]", "{{password}}", "$__file{/etc/secrets/password}", "${file:UTF-8:/etc/secret}", "${env.PASSWORD}", "((db-password))"),
        lambda: n(["DB_PASSWORD", "token", "clientSecret", "apiKey"], "vault:secret/data/shop#password", "vault://secret/shop", "ref+vault://secret/shop#/password", "ref+awsssm://shop/password", "op://shop/db/password", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-AbCdEf",
                  "/run/secrets/db_password", "file:///etc/secrets/password", "@Microsoft.KeyVault(SecretUri=https://shop.vault.azure.net/secrets/db/)", "awssm://shop/db", "gcpsm://projects/1/secrets/db", "sm://shop/db", "projects/shop/secrets/db/versions/latest", "ssm:/shop/db/password",
                  "secretsmanager:shop/db", "env:DB_PASSWORD", "k8s:shop/db", "bws://f3a1", "doppler://shop/db", "secretKeyRef:db:password", "keyvault:shop/db", "ENC[AES256_GCM,data:c2Vjcg==,iv:aXY=,tag:dGFn,type:str]", "ENC(a8sd7f6as8d7f)", "{cipher}AQB3kd93kd", "vault:v1:8SDd3WHDOjf7mq69CyCqYjBXAiQQAVZRkFM13ok481zoCmHnSeDX9vyf7w=="),
        lambda: n(["passwordHash", "password_digest", "ADMIN_PASSWORD", "htpasswd"], lambda: rng.choice(["$2b$12$" + f("{A53}"), "$2y$05$" + f("{A53}"), "$argon2id$v=19$m=65536,t=3,p=4$" + f("{b22}") + "$" + f("{b43}"), "$6$" + f("{A16}") + "$" + f("{A86}"), "pbkdf2_sha256$260000$" + f("{A22}") + "$" + f("{b43}") + "=",
                  "admin:$apr1$" + f("{A8}") + "$" + f("{A22}"), "{SSHA}" + f("{b32}") + "==", "scrypt:32768:8:1$" + f("{A16}") + "$" + f("{h128}"), "SCRAM-SHA-256$4096:" + f("{b22}") + "==$" + f("{b43}") + "=:" + f("{b43}") + "=", "$5$rounds=5000$" + f("{A16}") + "$" + f("{A43}"), "$pbkdf2-sha512$25000$" + f("{A22}") + "$" + f("{A86}")])),
        lambda: n(["REQUEST_ID", "tenantId", "AZURE_CLIENT_ID", "AZURE_TENANT_ID", "INSTANCE_ID", "correlationId"], lambda: str(uuid.UUID(int=rng.getrandbits(128)))),
        lambda: n(["GIT_COMMIT", "revision", "targetRevision", "BUILD_SHA", "commit", "SOURCE_VERSION"], lambda: f("{h40}")),
        lambda: n(["IMAGE_DIGEST", "checksum/config", "configHash", "sha256sum", "pod-template-hash", "etag", "md5"], lambda: rng.choice(["sha256:" + f("{h64}"), f("{h64}"), f("{h32}")])),
        lambda: n(["integrity", "SCRIPT_INTEGRITY", "h1"], lambda: rng.choice(["sha384-" + f("{b64}"), "sha512-" + f("{b86}") + "==", "h1:" + f("{b43}") + "="])),
        lambda: n(["SIDECAR_IMAGE", "image", "initImage"], lambda: "registry.example.com/shop/web@sha256:" + f("{h64}")),
        lambda: n(["SECRET_NAME", "existingSecret", "tokenSecretName", "PASSWORD_SECRET", "secretRef", "credentialsSecret", "CREDENTIALS_SECRET_NAME", "imagePullSecret", "tlsSecret"], "shop-db-credentials", "web-tls", "registry-pull-secret", "prod-eu-west-1-db", "shop.example.com-tls", "db-credentials-v2"),
        lambda: n(["existingSecretKey", "passwordKey", "secretKey", "PASSWORD_KEY_NAME", "usernameKey", "adminPasswordKey", "keyName"], "db-password", "password", "admin-password", "postgres-password", "tls.key", "DB_PASSWORD"),
        lambda: n(["PASSWORD_FILE", "tokenPath", "KEY_FILE", "SSL_KEY", "tokenFile", "GOOGLE_APPLICATION_CREDENTIALS", "bearer_token_file", "sslKeystoreLocation"], "/etc/tls/tls.key", "/var/run/secrets/kubernetes.io/serviceaccount/token", "/run/secrets/db", "/etc/gcp/key.json", "/opt/kafka/keystore.jks", "certs/server.key"),
        lambda: n(["TOKEN_URL", "DATABASE_URL", "AUTH_ENDPOINT", "secretStoreUrl", "OIDC_ISSUER", "REDIS_URL"], "https://auth.example.com/oauth/token", "postgres://app@db:5432/shop", "http://app:$(PASSWORD)@db/", "redis://redis:6379", "postgres://app:${DB_PASSWORD}@db/shop", "postgres://{{ .user }}:{{ .password }}@db/shop",
                  "https://user:<password>@example.com", "mongodb://app:%s@db/shop", "mysql://root:****@db", "https://example.com/path?x=1&y=2", "amqp://user:password@host", "https://username:password@example.com/"),
        lambda: n(["TOKEN_EXPIRY", "PASSWORD_MIN_LENGTH", "enableAuth", "MAX_TOKENS", "passwordPolicy", "SESSION_KEY_PREFIX", "authMode", "tokenTTL", "SECRET_ROTATION", "keyAlgorithm", "authType", "useTokenAuth", "passwordEncryption", "TOKEN_TYPE", "auth_method", "KEY_SIZE", "PASSWORD_AUTHENTICATION"],
                  "3600", "true", "12", "strict", "24h", "session:", "RSA", "basic", "Bearer", "enabled", "scram-sha-256", "RS256", "2048", "kubernetes", "OAuth2", "oidc", "mtls", "none"),
        lambda: n(["AWS_ACCESS_KEY_ID", "accessKey"], "AKIAIOSFODNN7EXAMPLE"),
        lambda: n(["AWS_SECRET_ACCESS_KEY"], "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        lambda: n(["token", "JWT", "ID_TOKEN"], "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"),
        lambda: n(["githubToken", "SLACK_TOKEN", "STRIPE_KEY", "apiKey"], "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "xoxb-your-token", "sk_test_xxxxxxxxxxxxxxxxxxxxxxxx", "glpat-XXXXXXXXXXXXXXXXXXXX", "AKIAXXXXXXXXXXXXXXXX", "sk-...", "ghp_EXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLE", "hvs.<token>", "SG.xxxx.yyyy", "xoxb-000000000000-000000000000-XXXXXXXXXXXXXXXXXXXXXXXX"),
        lambda: n(["STRIPE_PUBLISHABLE_KEY", "publicKey", "RECAPTCHA_SITE_KEY", "SENTRY_DSN_PUBLIC"], lambda: rng.choice(["pk_live_" + f("{A24}"), "6Lc" + f("{w37}"), "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + f("{b43}") + " me@host", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ" + f("{b300}") + " me@host", "age1" + "".join(rng.choice("qpzry9x8gf2tvdw0s3jn54khce6mua7l") for _ in range(58))])),
        lambda: n(["greeting", "motd", "note", "description", "data"], lambda: rng.choice([b64("Hello, this is an ordinary text in base64, nothing more."), b64('{"level": "info", "port": 8080, "debug": false}'), b64("#!/bin/sh\necho started\nexec app --port 8080\n"), "The password must have twelve characters.", "Reset your token in the settings.", "see the secret in the vault"])),
        lambda: n(["logo", "icon", "favicon"], lambda: rng.choice(["data:image/png;base64,iVBORw0KGgoAAAANSUhEUg" + b64(rng.randbytes(180)), "data:image/svg+xml;base64," + b64("<svg xmlns='http://www.w3.org/2000/svg'><path d='M0 0h24v24H0z'/></svg>"), "data:font/woff2;base64,d09GMgABAAAAA" + b64(rng.randbytes(120))])),
        lambda: n(["ARN", "roleArn", "kmsKeyArn", "KMS_KEY_ID", "eks.amazonaws.com/role-arn"], "arn:aws:iam::123456789012:role/shop-web", "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab", "alias/shop", "projects/shop/locations/global/keyRings/a/cryptoKeys/b"),
        lambda: n(["TRACE_ID", "BUILD_ID", "nodeId", "RELEASE", "hostname", "bucket", "clusterId"], lambda: rng.choice([f("{h32}"), f("{L20}"), "shop-prod-" + f("{L8}"), "ip-10-0-1-23.eu-west-1.compute.internal", "web-" + f("{L10}") + "-" + f("{L5}")])),
        lambda: n(["caBundle", "ca.crt", "certificate"], lambda: b64(pem("CERTIFICATE", 700))),
        lambda: n(["cipherSuites", "TLS_CIPHERS", "javaOpts", "authorizedPlugins", "featureGates"], "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "-Xmx512m -XX:+UseG1GC -Djava.security.egd=file:/dev/./urandom", "TokenRequest=true,KeyRotation=false"),
        lambda: n(["primaryKey", "sortKey", "cacheKey", "partition_key", "i18nKey", "routingKey", "groupKey", "labelKey", "topologyKey", "objectKey", "s3Key"], "customer_id", "created_at", "orders:v2", "shop.orders.created", "app.kubernetes.io/name", "topology.kubernetes.io/zone", "backups/2024/db.tar.gz", "user#123"),
    ])()


NEGATIVE_LONG = [lambda: pem("CERTIFICATE"), lambda: pem("PUBLIC KEY", 270), lambda: pem("CERTIFICATE") + pem("CERTIFICATE"), lambda: "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n", lambda: pem("CERTIFICATE REQUEST"),
                 lambda: "-----BEGIN RSA PRIVATE KEY-----\n<your key here>\n-----END RSA PRIVATE KEY-----\n", lambda: pem("PGP PUBLIC KEY BLOCK"), lambda: "-----BEGIN RSA PRIVATE KEY-----\n{{ .Values.key }}\n-----END RSA PRIVATE KEY-----\n",
                 lambda: pem("DH PARAMETERS", 260), lambda: pem("EC PARAMETERS", 10), lambda: pem("X509 CRL")]


def whole_negatives():
    """Whole files without secrets."""
    sealed = head("bitnami.com/v1alpha1", "SealedSecret") + f"spec:\n  encryptedData:\n    password: AgB{f('{b300}')}\n"
    external = head("external-secrets.io/v1", "ExternalSecret") + "spec:\n  secretStoreRef: {name: vault}\n  data:\n  - secretKey: password\n    remoteRef: {key: shop/db, property: password}\n"
    sops = head("v1", "Secret") + f"stringData:\n  password: ENC[AES256_GCM,data:{f('{b20}')},iv:{f('{b43}')}=,tag:{f('{b22}')}==,type:str]\nsops:\n  mac: ENC[AES256_GCM,data:{f('{b60}')},iv:x,tag:y,type:str]\n  version: 3.8.1\n"
    reference = workload("  env:\n  - name: DB_PASSWORD\n    valueFrom:\n      secretKeyRef:\n        name: db\n        key: password\n  envFrom:\n  - secretRef: {name: web-secrets}\n  args: [--token-file=/run/secrets/token, --password-file, /run/secrets/db, --secret-name=web]\n")
    provider = head("secrets-store.csi.x-k8s.io/v1", "SecretProviderClass") + "spec:\n  provider: vault\n  parameters:\n    objects: |\n      - objectName: password\n        secretPath: secret/data/shop\n        secretKey: password\n"
    policy = head("rbac.authorization.k8s.io/v1", "Role") + "rules:\n- apiGroups: ['']\n  resources: [secrets, serviceaccounts/token]\n  verbs: [get]\n  resourceNames: [db-password]\n"
    script = head("v1", "ConfigMap") + "data:\n  run.sh: |\n    #!/bin/sh\n    PASSWORD=$(cat /run/secrets/password)\n    TOKEN=\"$(vault read -field=token secret/shop)\"\n    export API_KEY=${API_KEY:?}\n    if [ -z \"$PASSWORD\" ]; then echo 'password is missing'; exit 1; fi\n    mysql -uroot -p\"$PASSWORD\" -e 'select 1'\n    curl -H \"Authorization: Bearer $TOKEN\" -u \"$USER:$PASSWORD\" https://example.com\n  app.py: |\n    password = os.environ['DB_PASSWORD']\n    token = get_token(user, password)\n    api_key = config.api_key\n    secret_key: str = None\n    def login(password: str, token=None): pass\n"
    certificate = head("cert-manager.io/v1", "Certificate") + "spec:\n  secretName: web-tls\n  privateKey: {algorithm: ECDSA, size: 256}\n  issuerRef: {name: ca}\n"
    ingress = head("networking.k8s.io/v1", "Ingress", "  annotations:\n    nginx.ingress.kubernetes.io/auth-secret: basic-auth\n    nginx.ingress.kubernetes.io/auth-realm: 'Authentication Required - secret'\n    nginx.ingress.kubernetes.io/auth-url: https://auth.example.com/oauth2/auth\n") + "spec: {tls: [{hosts: [a.example.com], secretName: web-tls}]}\n"
    texts = in_config(*rng.choice([("de.json", json.dumps({"password": "Passwort", "enterPassword": "Passwort eingeben", "token": "Schlüssel", "forgot": "Passwort vergessen?"}, ensure_ascii=False, indent=1)),
                                   ("en.properties", "login.password=Password\nlogin.password.required=Password is required\nreset.password.title=Reset your password"),
                                   ("userlist.txt", f'"app" "md5{f("{h32}")}"'), ("a.xml", "<help>Password: required</help>\n<label>password=&lt;password></label>"),
                                   ("jwks.json", json.dumps({"keys": [{"kty": "EC", "crv": "P-256", "x": f("{b43}").replace("+", "-").replace("/", "_"), "kid": "1"}]}))]))
    sources = rng.choice([("Dockerfile", f"FROM python:3.12\nENV GPG_KEY {f('{H40}')}\nENV PASSWORD_FILE=/run/secrets/x\n"),
                          ("main.go", "package main\nsecret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: \"db-password\"}}\nreq.Header.Set(\"Authorization\", \"Bearer \"+token)\n"),
                          ("auth.ts", "const secretKey: SecretKey = keyService.getSecretKey();\nexport const TOKEN_KEY = \"access_token\";\n"),
                          ("App.java", "void setPassword(String password) { this.password = passwordEncoder.encode(password); }\n"),
                          ("web.yaml", workload("  env: []\n").replace("metadata:\n", f"metadata:\n  annotations:\n    checksum/secret: {f('{h64}')}\n", 1))])
    if rng.random() < 0.5:
        return rng.choice([texts, sources])
    return rng.choice([("z.yaml", text) for text in (sealed, external, sops, reference, provider, policy, script, certificate, ingress)])


def positive():
    """A case: kind, location, file and text."""
    draw = rng.random()
    if draw < 0.5:
        made = {**{kind: (lambda pattern: lambda: f(pattern))(pattern) for kind, pattern in TOKENS.items()}, **MADE}
        kind = rng.choice(sorted(made))
        value = made[kind]()
        places = ONE_LINE + ENCODED + [p for p in PLAIN if not any(c in value for c in "&;$ '")]
        return kind, rng.choice(places), (rng.choice(["SETTING", "connection", "endpoint", "apiKey", "VALUE", "webhook"]), value)
    if draw < 0.72:
        kind = rng.choice(sorted(NAMED))
        names, pattern = NAMED[kind]
        value = f(pattern) if pattern else password(rng)
        plain = all(c.isalnum() or c in "-_.+/=" for c in value)
        return kind, rng.choice(ONE_LINE + (PLAIN if plain else [])), (rng.choice(names), value)
    if draw < 0.82:
        kind = rng.choice(sorted(LONG))
        return kind, rng.choice(LONG_PLACES), (LONG[kind](),)
    if draw < 0.9:
        value = rng.choice(URLS + CONNECTIONS).replace("{}", simple())
        return "connection", rng.choice(ONE_LINE + [properties]), (rng.choice(["DATABASE_URL", "ConnectionString", "DSN", "endpoint"]), value)
    place = rng.choice([docker_config, basic_auth, probe_basic, probe_bearer, probe_exec, lifecycle, tool_file, ingress_snippet, kubeconfig, generator_file, key_file, session, tool_file, tool_file])
    arguments = (simple(),) if place in (docker_config, basic_auth) else ("x", f("{A24}") if place in (probe_bearer, lifecycle, kubeconfig) else simple())
    return "place", place, arguments


def none():
    draw = rng.random()
    if draw < 0.12:
        return "whole", whole_negatives, ()
    if draw < 0.22:
        return "public", rng.choice([long_environment, long_config, long_values, long_json, long_custom]), (rng.choice(NEGATIVE_LONG)(),)
    name, value = negative()
    # In a Secret, a random value counts, whatever its name is.
    random_looking = re.fullmatch(r"(sha\d+[:-])?[\w+/=-]{16,}", value) is not None
    places = ONE_LINE + (PLAIN if all(c.isalnum() or c in "-_.+/=:" for c in value) else [])
    if random_looking:
        places = [p for p in places if not p.__name__.startswith("secret_") and p not in (generator, last_applied)]
    if "/" in name or "." in name:
        places = [p for p in places if p in (config, custom, values, helm_release)]
    return "negative", rng.choice(places), (name, value)


def main():
    directory = pathlib.Path(sys.argv[1])
    rng.seed(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 3000
    labels = {}
    for case in range(2 * count):
        is_secret = case % 2 == 0
        kind, place, arguments = positive() if is_secret else none()
        file, text = place(*arguments)
        lines = [text[: hit.start()].count("\n") + 1 for hit in re.finditer(M, text)] if is_secret else []
        assert bool(lines) == is_secret, (kind, place)
        path = directory / f"{case:05}" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace(M, ""))
        if place is generator_file:
            (path.parent / "kustomization.yaml").write_text("secretGenerator:\n- name: web\n  files:\n  - password.txt\n")
        labels[f"{case:05}/{file}"] = {"lines": lines, "kind": kind, "template": place.__name__, "block": kind in LONG}
    (directory / "labels.json").write_text(json.dumps(labels, indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
