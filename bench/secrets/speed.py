"""Measures how fast each tool reads a directory: `speed.py COAMING DIRECTORY [TOOL…]`.

The tools take turns, so that a temporarily slow machine affects all of them; the run with the least CPU
time counts for each.
"""

import os
import shutil
import subprocess
import sys

TURNS = 5
# Takes minutes, and is far from competitive.
ONCE = {"detect-secrets"}


def commands(coaming, directory):
    """Each tool's command line, and its working directory."""
    return {
        "coaming": ([coaming, "secrets", "--no-gitignore", "--format", "json", directory], None),
        "gitleaks": (["gitleaks", "dir", "--no-banner", directory], None),
        "trivy": (
            ["trivy", "fs", "--scanners", "secret", "--offline-scan", "--skip-version-check", "--quiet"]
            + ["--format", "json", directory],
            None,
        ),
        # It treats a directory as a repository only if that is its working directory.
        "detect-secrets": (["detect-secrets", "scan", "--all-files", "--no-verify", "."], directory),
    }


def run(command, where):
    """CPU seconds and peak memory in MiB of one run."""
    child = subprocess.Popen(command, cwd=where, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(child.pid, 0)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    coaming, directory, *tools = sys.argv[1:]
    known = commands(os.path.abspath(coaming), os.path.abspath(directory))
    there = ["coaming"] + [tool for tool in tools if shutil.which(tool)]
    runs = {tool: [] for tool in there}
    for turn in range(TURNS):
        for tool in there:
            if turn == 0 or tool not in ONCE:
                runs[tool].append(run(*known[tool]))
    size = sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(directory) for name in names)
    ours = min(runs["coaming"])
    for tool in there:
        cpu, memory = min(runs[tool])
        line = f"{tool:16} {size / 1e6 / cpu:9.2f} MB per CPU second   peak {memory:5.0f} MiB"
        if tool != "coaming":
            line += f"   coaming: {cpu / ours[0]:6.1f} x as fast, {ours[1] / memory:.2f} x the memory"
        print(line, flush=True)


main()
