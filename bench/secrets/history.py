"""Compares `coaming secrets --git` with `gitleaks git`: `history.py COAMING COMMITS [SEED]`.

Makes a repository with `git fast-import`: each commit changes a few of some hundred files, and every
hundredth adds a token that the next one removes. The two take turns; the run with the least CPU time
counts for each.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

TURNS = 3
FILES = 300
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def line(rng):
    """A line of a program, with names and numbers."""
    words = ["load", "store", "index", "value", "result", "parse", "client", "route", "count", "state"]
    return f"{rng.choice(words)}_{rng.choice(words)} = {rng.choice(words)}({rng.randrange(10000)})\n"


def token(rng):
    return "ghp_" + "".join(rng.choice(LETTERS) for _ in range(30)) + "000000"


def history(commits, seed, out):
    """Writes the input of `git fast-import`; returns the tokens."""
    rng = random.Random(seed)
    files = {f"src/part{n // 20}/file{n}.py": [line(rng) for _ in range(120)] for n in range(FILES)}
    changed, tokens, planted = list(files), [], None
    for number in range(commits):
        if planted:
            files[planted].pop()
            changed.append(planted)
            planted = None
        elif number % 100 == 50:
            planted = rng.choice(list(files))
            tokens.append("x" + token(rng)[5:])
            files[planted].append(f'password = "{tokens[-1]}"\n')
            changed.append(planted)
        for path in rng.sample(list(files), 2):
            files[path][rng.randrange(100)] = line(rng)
            changed.append(path)
        out.write(f"commit refs/heads/main\ncommitter A <a@example.com> {1_700_000_000 + number} +0000\ndata 1\nx\n")
        for path in dict.fromkeys(changed):
            text = "".join(files[path])
            out.write(f"M 100644 inline {path}\ndata {len(text)}\n{text}\n")
        changed = []
    return tokens


def run(command):
    """CPU seconds and peak memory in MiB of one run."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(child.pid, 0)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    coaming, commits = os.path.abspath(sys.argv[1]), int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["git", "init", "--quiet", "--initial-branch=main", directory], check=True)
        importer = ["git", "-C", directory, "fast-import", "--quiet"]
        with subprocess.Popen(importer, stdin=subprocess.PIPE, text=True) as child:
            tokens = history(commits, seed, child.stdin)
        subprocess.run(["git", "-C", directory, "gc", "--quiet"], check=True)
        commands = {"coaming": [coaming, "secrets", "--git", "--format", "json", directory]}
        if shutil.which("gitleaks"):
            commands["gitleaks"] = ["gitleaks", "git", "--no-banner", directory]
        runs = {tool: [] for tool in commands}
        for _ in range(TURNS):
            for tool, command in commands.items():
                runs[tool].append(run(command))
        found = subprocess.run(commands["coaming"], capture_output=True, text=True, check=False)
        removed = [one for one in json.loads(found.stdout)["findings"] if one["commit"]["removed"]]
        print(f"{commits} commits, {len(tokens)} secrets that were removed, {len(removed)} of them found")
        ours = min(runs["coaming"])
        for tool, measured in runs.items():
            cpu, memory = min(measured)
            ratio = f"   coaming: {cpu / ours[0]:5.1f} x as fast, {ours[1] / memory:.2f} x the memory"
            print(f"{tool:10} {cpu:7.2f} s CPU   peak {memory:5.0f} MiB" + (ratio if tool != "coaming" else ""))


main()
