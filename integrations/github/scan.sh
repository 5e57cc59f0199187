#!/usr/bin/env bash
# Scans, and writes SARIF, a comment and annotations. In a pull request, what its base has already is
# left out.
set -euo pipefail

directory=${RUNNER_TEMP:?}/coaming-report
mkdir -p "$directory"
read -ra paths <<<"${COAMING_PATH:-.}"
read -ra arguments <<<"${COAMING_ARGS:-}"
baseline=()

if [[ -n ${COAMING_BASELINE:-} ]]; then
  baseline=(--baseline "$COAMING_BASELINE")
elif [[ ${COAMING_NEW_ONLY:-true} == true && -n ${COAMING_BASE:-} ]]; then
  # The base is scanned in a directory of its own, from where files have the same names.
  git cat-file -e "$COAMING_BASE^{commit}" 2>/dev/null ||
    git fetch --quiet --no-tags --depth=1 origin "$COAMING_BASE"
  base=$(mktemp -d "$RUNNER_TEMP/coaming-base.XXXXXX")
  git worktree add --quiet --detach "$base" "$COAMING_BASE"
  trap 'git worktree remove --force "$base"' EXIT
  # What cannot be read in the base is an error of the head, if it is still there.
  (cd "$base" && "$COAMING" scan --exit-zero --allow-empty --quiet --write-baseline "$directory/base.json" \
    "${arguments[@]}" "${paths[@]}" >/dev/null 2>&1) || true
  [[ ! -s $directory/base.json ]] || baseline=(--baseline "$directory/base.json")
fi

status=0
"$COAMING" scan "${arguments[@]}" "${baseline[@]}" --format github --format sarif --format markdown --format json \
  --output /dev/stdout --output "$directory/coaming.sarif" --output "$directory/comment.md" \
  --output "$directory/coaming.json" "${paths[@]}" || status=$?
[[ ! -s $directory/comment.md ]] || cat "$directory/comment.md" >>"${GITHUB_STEP_SUMMARY:-/dev/stderr}"
count=$(sed -n 's/^ "summary": .*"findings":{"critical":\([0-9]*\),"high":\([0-9]*\),"medium":\([0-9]*\),"low":\([0-9]*\)}.*/\1+\2+\3+\4/p' \
  "$directory/coaming.json")
{
  echo "sarif=$directory/coaming.sarif"
  echo "comment=$directory/comment.md"
  echo "findings=$((count))"
  echo "status=$status"
} >>"$GITHUB_OUTPUT"
