#!/usr/bin/env python3
"""Compares findings with a labeled set. Usage: evaluate.py DIRECTORY NAME [SHOW] < lines `file[:line:end]` of each finding.

If a label has lines, a finding elsewhere is a false positive.
"""

import collections, json, pathlib, sys

directory, name = pathlib.Path(sys.argv[1]), sys.argv[2]
labels = json.loads((directory / "labels.json").read_text())
found = collections.defaultdict(list)
for text in filter(None, map(str.strip, sys.stdin)):
    path, *lines = text.split(":")
    path = pathlib.Path(path)
    own = f"{path.parent.name}/{path.name}"
    found[own if own in labels else path.name].append([int(line) for line in lines])


def hits(file, label):
    """Whether a finding is about the secret: on its line, or in the block that starts there."""
    def is_hit(lines):
        return not label.get("lines") or not lines or any(lines[0] <= n <= lines[1] or label.get("block") and lines[0] > n for n in label["lines"])
    return [is_hit(lines) for lines in found[file]]


is_secret = {file: bool(label.get("secret", label.get("lines"))) for file, label in labels.items()}
hit = sum(1 for file, label in labels.items() if is_secret[file] and any(hits(file, label)))
secrets = sum(is_secret.values())
false = sum(len(found[file]) if not is_secret[file] else hits(file, label).count(False) for file, label in labels.items())
print(f"{name:16} recall {hit / secrets:.4f} ({hit}/{secrets})  precision {hit / max(1, hit + false):.4f} ({false} false)")
if len(sys.argv) > 3:
    missed = collections.Counter((l["kind"], l["template"]) for f, l in labels.items() if is_secret[f] and not any(hits(f, l)))
    alarms = collections.Counter((l["kind"], l["template"]) for f, l in labels.items() if not is_secret[f] and found[f])
    print("missed", missed.most_common(int(sys.argv[3])), "\nfalse", alarms.most_common(int(sys.argv[3])))
