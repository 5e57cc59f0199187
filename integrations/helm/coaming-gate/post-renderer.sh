#!/bin/sh
# A post-renderer: lets what Helm rendered pass if there are no findings of COAMING_MIN_SEVERITY (default:
# high) or worse. With COAMING_FIX=1, the safe fixes are applied first.
set -eu

program=${COAMING:-coaming}
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cat >"$directory/rendered.yaml"
if [ "${COAMING_FIX:-0}" = 1 ]; then
  # 1 says that findings are left; the scan below decides about them.
  "$program" fix - <"$directory/rendered.yaml" >"$directory/fixed.yaml" 2>/dev/null || [ $? -eq 1 ]
  mv "$directory/fixed.yaml" "$directory/rendered.yaml"
fi
status=0
"$program" scan --format concise --min-severity "${COAMING_MIN_SEVERITY:-high}" - \
  <"$directory/rendered.yaml" >"$directory/report" 2>&1 || status=$?
if [ "$status" -ne 0 ]; then
  cat "$directory/report" >&2
  # Helm 4 does not show what a plugin says.
  [ -z "${COAMING_REPORT:-}" ] || cp "$directory/report" "$COAMING_REPORT"
  if [ -n "${HELM_PLUGIN_DIR:-}" ] && (: >/dev/tty) 2>/dev/null; then
    cat "$directory/report" >/dev/tty
  fi
  exit "$status"
fi
cat "$directory/rendered.yaml"
