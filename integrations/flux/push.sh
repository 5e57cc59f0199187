#!/usr/bin/env bash
# Scans a directory, and publishes it for Flux only if it has no findings of COAMING_MIN_SEVERITY (default:
# high) or worse: Flux applies what it finds, so the gate is before the artifact.
#
#   push.sh deploy oci://registry.example.com/shop/deploy:$(git rev-parse --short HEAD)
set -euo pipefail

directory=${1:?directory}
artifact=${2:?artifact, such as oci://registry.example.com/shop/deploy:v1}
"${COAMING:-coaming}" scan --min-severity "${COAMING_MIN_SEVERITY:-high}" "$directory"
"${FLUX:-flux}" push artifact "$artifact" --path "$directory" \
  --source "$(git config --get remote.origin.url)" \
  --revision "$(git rev-parse --abbrev-ref HEAD)@sha1:$(git rev-parse HEAD)"
