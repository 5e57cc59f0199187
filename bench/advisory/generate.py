#!/usr/bin/env python3
"""OSV exports made from a seed, of the shape and the skew of the real ones.

    bench/advisory/generate.py DIRECTORY [RECORDS] [SEED]

Writes DIRECTORY/osv/<ecosystem>/all.zip with RECORDS records (300,000) and DIRECTORY/packages.txt: the package
URLs of an image with 1,000 packages. As in the real exports few packages have most of the records: in
Debian the kernel alone has thousands.
"""

import json
import random
import sys
import zipfile
from pathlib import Path

WORDS = """a an the in of to attacker remote crafted request buffer overflow read write heap stack use after
free denial service parser header cookie session token path traversal injection sql command memory leak
infinite loop regular expression backtracking certificate validation bypass authentication privilege
escalation race condition integer underflow null pointer dereference cross site scripting request
smuggling deserialization of untrusted data information disclosure library function version before allows
via when processing files images archives documents network packets local user kernel module""".split()

# Ecosystem, its share of the records, how many packages it has, releases.
ECOSYSTEMS = [
    ("Debian", 0.30, 4000, ["Debian:11", "Debian:12", "Debian:13"]),
    ("Ubuntu", 0.12, 3000, ["Ubuntu:20.04:LTS", "Ubuntu:22.04:LTS", "Ubuntu:24.04:LTS"]),
    ("Red Hat", 0.10, 3000, ["Red Hat:enterprise_linux:8::baseos", "Red Hat:enterprise_linux:9::baseos"]),
    ("SUSE", 0.08, 3000, ["SUSE:Linux Enterprise Server 15 SP5"]),
    ("Alpine", 0.04, 1500, ["Alpine:v3.19", "Alpine:v3.20", "Alpine:v3.21"]),
    ("npm", 0.14, 20000, ["npm"]),
    ("PyPI", 0.08, 4000, ["PyPI"]),
    ("Maven", 0.06, 2500, ["Maven"]),
    ("Go", 0.04, 2000, ["Go"]),
    ("RubyGems", 0.01, 700, ["RubyGems"]),
    ("Packagist", 0.02, 1200, ["Packagist"]),
    ("crates.io", 0.01, 900, ["crates.io"]),
]


def name(ecosystem, number):
    stem = f"{WORDS[number % len(WORDS)]}-{number}"
    return {
        "Maven": f"org.example.{WORDS[number % 97 % len(WORDS)]}:{stem}",
        "Go": f"github.com/{WORDS[number % len(WORDS)]}/{stem}",
        "Packagist": f"vendor/{stem}",
    }.get(ecosystem, stem)


def version(ecosystem, dice):
    numbers = f"{dice.randrange(12)}.{dice.randrange(30)}.{dice.randrange(40)}"
    return {
        "Debian": f"{numbers}-{dice.randrange(1, 9)}+deb12u{dice.randrange(9)}",
        "Ubuntu": f"{numbers}-{dice.randrange(1, 9)}ubuntu{dice.randrange(9)}",
        "Red Hat": f"0:{numbers}-{dice.randrange(1, 99)}.el9",
        "SUSE": f"{numbers}-150500.{dice.randrange(99)}.1",
        "Alpine": f"{numbers}-r{dice.randrange(9)}",
    }.get(ecosystem, numbers)


def record(ecosystem, packages, releases, number, dice):
    cve = f"CVE-{dice.randrange(2002, 2026)}-{dice.randrange(1000, 99999)}"
    # The lower a package's number, the more records it has.
    package = name(ecosystem, int(packages * dice.random() ** 4))
    affected = []
    for release in releases:
        if len(releases) > 1 and dice.random() < 0.3:
            continue
        events = [{"introduced": "0"}]
        if dice.random() < 0.75:
            events.append({"fixed": version(ecosystem, dice)})
        one = {"package": {"ecosystem": release, "name": package},
               "ranges": [{"type": "ECOSYSTEM", "events": events}]}
        if ecosystem in ("PyPI", "Packagist"):
            one["versions"] = sorted({version(ecosystem, dice) for _ in range(40)})
        if ecosystem == "Debian":
            one["ecosystem_specific"] = {"urgency": dice.choice(["not yet assigned", "low", "medium", "high"])}
        affected.append(one)
    text = " ".join(dice.choice(WORDS) for _ in range(90))
    impact = dice.choice(["C:H/I:H/A:H", "C:N/I:N/A:H", "C:L/I:L/A:N", "C:H/I:N/A:N"])
    return {
        "schema_version": "1.7.0",
        "id": f"{ecosystem.upper().replace(' ', '')}-{number:06}",
        "modified": f"2025-{dice.randrange(1, 13):02}-{dice.randrange(1, 29):02}T00:00:00Z",
        "published": "2024-01-01T00:00:00Z",
        ("upstream" if ecosystem in ("Debian", "Ubuntu", "Red Hat", "SUSE", "Alpine") else "aliases"): [cve],
        "summary": text[:80],
        "details": text,
        "severity": [{"type": "CVSS_V3", "score": f"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/{impact}"}],
        "affected": affected,
        "references": [{"type": "ADVISORY", "url": f"https://example.com/{cve}"}] * 3,
    }


def packages(dice):
    """An image: a Debian base, an application in Python and one in Node, with some Java."""
    urls = []
    for ecosystem, count, url in [
        ("Debian", 400, "pkg:deb/debian/{}@{}?distro=debian-12"),
        ("npm", 350, "pkg:npm/{}@{}"),
        ("PyPI", 150, "pkg:pypi/{}@{}"),
        ("Maven", 100, "pkg:maven/{}@{}"),
    ]:
        known = next(each[2] for each in ECOSYSTEMS if each[0] == ecosystem)
        numbers = dice.sample(range(known), count)
        for number in numbers:
            urls.append(url.format(name(ecosystem, number).replace(":", "/"), version(ecosystem, dice)))
    return urls


def main():
    directory = Path(sys.argv[1])
    records = int(sys.argv[2]) if len(sys.argv) > 2 else 300_000
    dice = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 7)
    for ecosystem, share, known, releases in ECOSYSTEMS:
        (directory / "osv" / ecosystem).mkdir(parents=True, exist_ok=True)
        path = directory / "osv" / ecosystem / "all.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for number in range(round(records * share)):
                one = record(ecosystem, known, releases, number, dice)
                archive.writestr(f"{one['id']}.json", json.dumps(one))
    (directory / "packages.txt").write_text("\n".join(packages(dice)) + "\n")


main()
