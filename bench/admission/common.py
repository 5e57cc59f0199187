"""What the benchmarks of `coaming serve` have in common."""

import json
import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

CONTAINER = {
    "name": "web",
    "image": "registry.example.com/shop/web:1.4.2",
    "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
    "env": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "DATABASE_HOST", "value": "database.shop.svc"}],
    "readinessProbe": {"httpGet": {"path": "/ready", "port": "http", "scheme": "HTTP"}},
    "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    },
    "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
    "spec": {
        "replicas": 3,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "serviceAccountName": "web",
                "automountServiceAccountToken": False,
                "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [CONTAINER],
                "volumes": [{"name": "tmp", "emptyDir": {"medium": "Memory"}}],
            },
        },
    },
}


def review():
    request = {
        "uid": "6c0e2f6e-5d2f-4c3a-9f0e-1b1f0f6f5b11",
        "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
        "resource": {"group": "apps", "version": "v1", "resource": "deployments"},
        "name": "web",
        "namespace": "shop",
        "operation": "CREATE",
        "userInfo": {"username": "jane", "groups": ["system:authenticated"]},
        "object": DEPLOYMENT,
        "oldObject": None,
        "dryRun": False,
    }
    return json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})


def programs(profile, example):
    """The program and an example: COAMING and EXAMPLES name those that are there, all others are built."""
    built = ROOT / "target" / ("debug" if profile == "dev" else profile)
    build = ["cargo", "build", "-q", "--profile", profile]
    coaming, examples = os.environ.get("COAMING"), os.environ.get("EXAMPLES")
    if not coaming:
        subprocess.check_call([*build, "-p", "coaming"], cwd=ROOT)
    if not examples:
        subprocess.check_call([*build, "-p", "coaming-serve", "--example", example], cwd=ROOT)
    return Path(coaming or built / "coaming"), Path(examples or built / "examples") / example


def certificates(directory):
    subprocess.check_call(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        + ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        + ["-addext", "basicConstraints=critical,CA:FALSE"]
        + ["-keyout", directory / "key.pem", "-out", directory / "cert.pem"],
        stderr=subprocess.DEVNULL,
    )


def serve(coaming, directory):
    """A server that runs alone with all rules, and its address."""
    (directory / "coaming.yaml").write_text("select: [ALL]\n")
    server = subprocess.Popen(
        [coaming, "serve", "--standalone", "--listen", "127.0.0.1:0", "--drain", "0s"]
        + ["--tls-cert", directory / "cert.pem", "--tls-key", directory / "key.pem"]
        + ["--config", directory / "coaming.yaml"],
        stderr=subprocess.PIPE,
        text=True,
    )
    return server, server.stderr.readline().rsplit(" ", 1)[1].strip()


def memory(process):
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


def percentile(times, share):
    return sorted(times)[min(len(times) - 1, len(times) * share // 100)]
