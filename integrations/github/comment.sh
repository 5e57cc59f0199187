#!/usr/bin/env bash
# Shows the findings in one comment of the pull request: the one that an earlier run wrote is updated.
set -euo pipefail

mark="<!-- coaming -->"
api=${GITHUB_API_URL:?}/repos/${GITHUB_REPOSITORY:?}
headers=(--header "Authorization: Bearer $GITHUB_TOKEN" --header "Accept: application/vnd.github+json")
call() {
  curl --fail --silent --show-error --retry 3 "${headers[@]}" "$@"
}

body=$(mktemp)
trap 'rm -f "$body"' EXIT
python3 - "$COAMING_COMMENT" "$mark" >"$body" <<'PYTHON'
import json, pathlib, sys
text = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")
print(json.dumps({"body": f"{sys.argv[2]}\n{text}"}))
PYTHON

id=""
for page in 1 2 3 4 5 6 7 8 9 10; do
  comments=$(call "$api/issues/$COAMING_PULL_REQUEST/comments?per_page=100&page=$page")
  id=$(python3 -c '
import json, sys
comments = json.load(sys.stdin)
print(next((c["id"] for c in comments if (c.get("body") or "").startswith(sys.argv[1])), "" if comments else "none"))
' "$mark" <<<"$comments")
  [[ -z $id ]] || break
done
if [[ $id =~ ^[0-9]+$ ]]; then
  call --request PATCH --data "@$body" --output /dev/null "$api/issues/comments/$id"
else
  call --request POST --data "@$body" --output /dev/null "$api/issues/$COAMING_PULL_REQUEST/comments"
fi
