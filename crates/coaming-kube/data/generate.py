#!/usr/bin/env python3
"""Writes fields.txt: the fields of the API's types, from the sources of the crate k8s-openapi.

    data/generate.py ~/.cargo/registry/src/*/k8s-openapi-*/src > data/fields.txt

All versions in the crate count together: a field that any of them has is known. The format is
described in src/schema.rs.
"""

import re
import sys
from pathlib import Path

ROOTS = {
    "": "ConfigMap Endpoints LimitRange Namespace PersistentVolume PersistentVolumeClaim Pod PodTemplate "
    "ReplicationController ResourceQuota Secret Service ServiceAccount",
    "apps": "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet",
    "autoscaling": "HorizontalPodAutoscaler",
    "batch": "CronJob Job",
    "networking.k8s.io": "Ingress IngressClass NetworkPolicy",
    "policy": "PodDisruptionBudget",
    "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding Role RoleBinding",
    "scheduling.k8s.io": "PriorityClass",
    "storage.k8s.io": "StorageClass",
}
SIMPLE = {
    "bool": "b", "i32": "i", "i64": "i", "f64": "f", "std::string::String": "s",
    "crate::ByteString": "s", "crate::serde_json::Value": "*",
}
SPECIAL = {"Quantity": "q", "IntOrString": "x", "Time": "s", "MicroTime": "s", "RawExtension": "*", "FieldsV1": "*"}


def type_name(path):
    parts = path.removeprefix("crate::").split("::")
    return ".".join(part for part in parts if part not in ("api", "apimachinery", "pkg", "apis"))


def shape(text):
    text = re.sub(r"^Option<(.*)>$", r"\1", text)
    if inner := re.match(r"^std::vec::Vec<(.*)>$", text):
        return "[" + shape(inner[1])
    if inner := re.match(r"^std::collections::BTreeMap<std::string::String, (.*)>$", text):
        return "{" + shape(inner[1])
    if inner := re.match(r"^std::boxed::Box<(.*)>$", text):
        return shape(inner[1])
    if text in SIMPLE:
        return SIMPLE[text]
    last = text.split("::")[-1]
    return SPECIAL.get(last, "@" + type_name(text)) if text.startswith("crate::") else "*"


def main():
    types, roots = {}, {}
    for version in sorted(Path(sys.argv[1]).glob("v1_*")):
        for file in sorted(version.rglob("*.rs")):
            text = file.read_text()
            struct = re.search(r"^pub struct (\w+) \{\n(.*?)^\}", text, re.S | re.M)
            keys = dict((rust, json) for json, rust in re.findall(r'"([^"]+)" => Field::Key_(\w+)', text))
            if not struct or not keys:
                continue
            module = ".".join(file.relative_to(version).parts[:-1])
            name = type_name("crate::" + module.replace(".", "::") + "::" + struct[1])
            fields = types.setdefault(name, {})
            for rust, kind in re.findall(r"^    pub (?:r#)?(\w+): (.+),$", struct[2], re.M):
                json = keys.get(rust) or keys.get(rust.rstrip("_"))
                if json:
                    fields[json] = "*" if json == "status" else shape(kind)
            if resource := re.search(r"impl crate::Resource for \w+ \{(.*?)^\}", text, re.S | re.M):
                constant = dict(re.findall(r'const (\w+): &\'static str = "([^"]*)"', resource[1]))
                if constant.get("KIND") in ROOTS.get(constant.get("GROUP"), "").split():
                    fields["apiVersion"] = fields["kind"] = "s"
                    roots[constant["API_VERSION"], constant["KIND"]] = name
    needed, queue = set(), list(roots.values())
    while queue:
        if (name := queue.pop()) not in needed:
            needed.add(name)
            queue += [kind.lstrip("[{@") for kind in types.get(name, {}).values() if "@" in kind]
    for (version, kind), name in sorted(roots.items()):
        print(f"= {version} {kind} {name}")
    for name in sorted(needed):
        fields = types.get(name, {})
        print(name, *(f"{field}:{kind}" for field, kind in sorted(fields.items())))


main()
