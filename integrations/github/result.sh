#!/usr/bin/env bash
# Ends the job as the scan ended: 1 for findings, unless they are only to be shown; 2 for what could not
# be read, always.
set -euo pipefail

if [[ ${COAMING_STATUS:?} == 1 && ${COAMING_FAIL:-true} != true ]]; then
  exit 0
fi
exit "$COAMING_STATUS"
