#!/usr/bin/env python3
"""Compares findings with a labelled set. Usage: evaluate.py FOLDER NAME < lines `file` of each finding."""

import collections, json, pathlib, sys

folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
labels = json.loads((folder / "labels.json").read_text())
found = collections.Counter(pathlib.Path(line.strip()).name for line in sys.stdin if line.strip())
hit = sum(1 for file, label in labels.items() if label["secret"] and found[file])
secrets = sum(1 for label in labels.values() if label["secret"])
false = sum(found[file] for file, label in labels.items() if not label["secret"])
print(f"{name:16} recall {hit / secrets:.4f} ({hit}/{secrets})  precision {hit / max(1, hit + false):.4f} ({false} false)")
if len(sys.argv) > 3:
    missed = collections.Counter((l["kind"], l["template"]) for f, l in labels.items() if l["secret"] and not found[f])
    alarms = collections.Counter((l["kind"], l["template"]) for f, l in labels.items() if not l["secret"] and found[f])
    print("missed", missed.most_common(int(sys.argv[3])), "\nfalse", alarms.most_common(int(sys.argv[3])))
