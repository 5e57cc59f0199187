#!/usr/bin/env bash
# Offers each safe fix as a suggestion on its lines of the pull request, which a click applies. A suggestion that an
# earlier run made is not made again. GitHub accepts suggestions only on lines that the pull request shows; fixes
# elsewhere are left to `coaming fix`.
set -euo pipefail

read -ra paths <<<"${COAMING_PATH:-.}"
api=${GITHUB_API_URL:?}/repos/${GITHUB_REPOSITORY:?}/pulls/${COAMING_PULL_REQUEST:?}
headers=(--header "Authorization: Bearer $GITHUB_TOKEN" --header "Accept: application/vnd.github+json")
call() {
  curl --silent --show-error --retry 3 "${headers[@]}" "$@"
}

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
# The exit status says that there are fixes, or findings without one.
"$COAMING" fix --diff "${paths[@]}" >"$directory/fixes.diff" 2>/dev/null || true
[[ -s $directory/fixes.diff ]] || exit 0

for page in 1 2 3 4 5 6 7 8 9 10; do
  call --fail "$api/comments?per_page=100&page=$page" >"$directory/page-$page.json"
  [[ $(tr -d '[:space:]' <"$directory/page-$page.json") != "[]" ]] || break
done

python3 - "$directory" "${COAMING_HEAD:?}" <<'PYTHON'
import hashlib, json, pathlib, re, sys

directory, head = pathlib.Path(sys.argv[1]), sys.argv[2]
known = "\n".join(
    comment.get("body") or ""
    for page in directory.glob("page-*.json")
    for comment in json.loads(page.read_text(encoding="utf-8"))
)


def changes(diff):
    """Each run of changed lines: the file, its first and last old line, and the new lines."""
    path, number, old, new, last = None, 0, [], [], ""
    def flush():
        nonlocal old, new
        if old:
            yield path, old[0], old[-1], new
        elif new and last:
            # Lines are added after one that stays.
            yield path, number - 1, number - 1, [last, *new]
        old, new = [], []
    for line in [*diff.splitlines(), " "]:
        hunk = re.match(r"@@ -(\d+)", line)
        if line.startswith("--- ") or line.startswith("diff "):
            yield from flush()
            last = ""
        elif line.startswith("+++ "):
            path = re.sub(r"^b/", "", line[4:].split("\t")[0])
        elif hunk:
            yield from flush()
            number, last = int(hunk[1]), ""
        elif line.startswith("-"):
            old.append(number)
            number += 1
        elif line.startswith("+"):
            new.append(line[1:])
        elif line.startswith(" "):
            yield from flush()
            last = line[1:]
            number += 1


count = 0
for path, first, last, lines in changes((directory / "fixes.diff").read_text(encoding="utf-8")):
    text = "".join(f"{line}\n" for line in lines)
    mark = hashlib.sha256(f"{path}\n{text}".encode()).hexdigest()[:16]
    mark = f"<!-- coaming fix {mark} -->"
    # A fence that the text cannot end.
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    if mark in known:
        continue
    body = f"{mark}\nCoaming can fix this:\n{fence}suggestion\n{text}{fence}"
    comment = {"body": body, "commit_id": head, "path": path, "side": "RIGHT", "line": last}
    if first < last:
        comment |= {"start_line": first, "start_side": "RIGHT"}
    (directory / f"suggestion-{count:04}.json").write_text(json.dumps(comment), encoding="utf-8")
    count += 1
PYTHON

made=0
elsewhere=0
for suggestion in "$directory"/suggestion-*.json; do
  [[ -e $suggestion ]] || break
  status=$(call --request POST --data "@$suggestion" --output "$directory/answer" --write-out '%{http_code}' "$api/comments")
  case $status in
    201) made=$((made + 1)) ;;
    422) elsewhere=$((elsewhere + 1)) ;; # The pull request does not show these lines.
    *)
      echo "GitHub refused a suggestion with status $status" >&2
      exit 1
      ;;
  esac
done
echo "$made suggestions; $elsewhere fixes are outside the changed lines: run \`coaming fix\` for them"
